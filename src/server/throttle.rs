use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;

use crate::conversation::Site;
use crate::conversation::chat::UserName;

/// How many sites are remembered. Beyond that the one that tried longest ago is forgotten.
const REMEMBERED: usize = 1024;

/// How many may wait at one site for the password that is being verified there. Each takes some tens
/// of milliseconds: the last of them is answered within a second or two, long before its request would
/// take too long.
const WAITING: usize = 16;

/// How long those should wait who find so many waiting, in a header that counts seconds.
const QUEUE_WAIT: Duration = Duration::from_secs(1);

/// How long is waited after the first wrong password. After each further one it is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// How long is waited at the most.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// When wrong passwords are forgotten if no more come. That is thirty of the longest waits: whoever
/// pauses to be forgotten forgoes thirty tries, and gains the half dozen quick ones of a new streak.
/// And who mistyped in the morning is not made to wait in the afternoon.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);

/// Slows down those who try passwords: one at a time from each site, and after a wrong one none for
/// a while.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Sites>);

#[derive(Debug, Default)]
struct Sites {
    known: HashMap<Site, Known>,
    tries: u64,
}

#[derive(Debug)]
struct Known {
    streak: Arc<tokio::sync::Mutex<Streak>>,
    /// The number of the newest try.
    newest: u64,
}

/// The wrong passwords in a row from one site. Whoever holds it is the only one there whose
/// password is verified.
#[derive(Debug, Default)]
pub(super) struct Streak {
    wrong: u32,
    whose: Whose,
    closed_until: Option<Instant>,
    forgotten_at: Option<Instant>,
}

/// Whose passwords the wrong ones of a streak were meant to be.
#[derive(Debug, Default, PartialEq, Eq)]
enum Whose {
    #[default]
    Nobodys,
    Of(UserName),
    /// Those of several users, or of somebody who cannot be one: no right password makes up for them.
    Several,
}

impl Throttle {
    /// The wrong passwords that have come from an address, once nobody else's from there is being
    /// verified. It is fair: who came first is first.
    ///
    /// # Errors
    ///
    /// When too many wait there already.
    pub(super) async fn streak(
        &self,
        address: IpAddr,
    ) -> Result<OwnedMutexGuard<Streak>, TooManyWait> {
        let streak = {
            // Nothing that holds the lock can leave its work half done.
            let mut sites = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            sites.streak(address.into())?
        };
        Ok(streak.lock_owned().await)
    }
}

/// Too many wait at a site for their passwords to be verified. After this long, some will have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyWait(pub(super) Duration);

impl Sites {
    fn streak(&mut self, site: Site) -> Result<Arc<tokio::sync::Mutex<Streak>>, TooManyWait> {
        self.tries += 1;
        if !self.known.contains_key(&site) && self.known.len() >= REMEMBERED {
            self.forget_one();
        }
        let known = self.known.entry(site).or_insert_with(|| Known {
            streak: Arc::default(),
            newest: 0,
        });
        // Our own, that of the one whose password is verified, and those of all who wait.
        if Arc::strong_count(&known.streak) >= 1 + 1 + WAITING {
            return Err(TooManyWait(QUEUE_WAIT));
        }
        known.newest = self.tries;
        Ok(Arc::clone(&known.streak))
    }

    /// Forgets the site that tried longest ago; one where a password is being verified only if there
    /// is no other.
    fn forget_one(&mut self) {
        let oldest = self.known.iter().min_by_key(|(_, known)| {
            let is_in_use = Arc::strong_count(&known.streak) > 1;
            (is_in_use, known.newest)
        });
        if let Some(site) = oldest.map(|(site, _)| *site) {
            self.known.remove(&site);
        }
    }
}

impl Streak {
    /// How much longer no password is verified; `None` if one may be now.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let wait = self.closed_until?.saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// A user's password was wrong.
    pub(super) fn wrong(&mut self, user: &str, now: Instant) {
        if self.forgotten_at.is_some_and(|at| at <= now) {
            *self = Streak::default();
        }
        let factor = 2_u32.saturating_pow(self.wrong);
        self.wrong = self.wrong.saturating_add(1);
        self.whose.add(user);
        let wait = FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
        self.closed_until = Some(now + wait);
        self.forgotten_at = Some(now + FORGOTTEN_AFTER);
    }

    /// A user's password was right. What was before is forgotten if that user's password was mistyped,
    /// and nobody else's: whoever has one password must not be able to try others without end.
    pub(super) fn right(&mut self, user: &str) {
        if self.whose.is_only(user) {
            *self = Streak::default();
        }
    }
}

impl Whose {
    fn add(&mut self, user: &str) {
        *self = match (&*self, user.parse()) {
            (Whose::Nobodys, Ok(user)) => Whose::Of(user),
            (Whose::Of(_), Ok(_)) if self.is_only(user) => return,
            _ => Whose::Several,
        };
    }

    fn is_only(&self, user: &str) -> bool {
        matches!(self, Whose::Of(known) if known.as_str() == user)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::link::clock;

    #[test]
    fn each_wrong_password_takes_twice_the_time_up_to_a_limit() {
        let (mut streak, now) = (Streak::default(), clock::now());
        assert_eq!(streak.wait(now), None);
        for wait_ms in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            let wait = Duration::from_millis(wait_ms);
            streak.wrong("alice", now);
            assert_eq!(streak.wait(now), Some(wait));
            let just = now + wait - Duration::from_nanos(1);
            assert_eq!(streak.wait(just), Some(Duration::from_nanos(1)));
            assert_eq!(streak.wait(now + wait), None);
        }
        for _ in 0..100 {
            streak.wrong("alice", now);
        }
        assert_eq!(streak.wait(now), Some(LONGEST_WAIT));
        streak.right("alice");
        assert_eq!(streak.wait(now), None);
        streak.wrong("alice", now);
        assert_eq!(streak.wait(now), Some(FIRST_WAIT));
    }

    /// How long is waited after a wrong password of alice's, if there were others of these users before
    /// and then eve's right one.
    fn wait_after(wrong: &[&str]) -> Duration {
        let (mut streak, now) = (Streak::default(), clock::now());
        for user in wrong {
            streak.wrong(user, now);
        }
        streak.right("eve");
        streak.wrong("alice", now);
        streak.wait(now).unwrap()
    }

    #[test]
    fn a_right_password_makes_up_for_wrong_ones_of_the_same_user_only() {
        assert_eq!(wait_after(&[]), FIRST_WAIT);
        assert_eq!(wait_after(&["eve", "eve"]), FIRST_WAIT);
        for others in [
            ["alice", "alice"],
            ["alice", "eve"],
            ["eve", "alice"],
            // Nobody can be called that.
            ["eve", ""],
            ["", "eve"],
        ] {
            assert_eq!(wait_after(&others), 4 * FIRST_WAIT, "{others:?}");
        }
    }

    #[test]
    fn wrong_passwords_are_forgotten_after_a_quarter_of_an_hour_without_any() {
        let (mut streak, mut now) = (Streak::default(), clock::now());
        let just = FORGOTTEN_AFTER - Duration::from_nanos(1);
        for wait in [1, 2, 4] {
            streak.wrong("alice", now);
            assert_eq!(streak.wait(now), Some(wait * FIRST_WAIT));
            now += just;
        }
        now += Duration::from_nanos(1);
        streak.wrong("bob", now);
        assert_eq!(streak.wait(now), Some(FIRST_WAIT));
        // Whose passwords they were is forgotten, too.
        streak.right("bob");
        assert_eq!(streak.wait(now), None);
    }

    #[tokio::test]
    async fn passwords_from_one_site_are_verified_one_after_another() {
        let (throttle, now) = (Throttle::default(), clock::now());
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let mut first = throttle.streak(here).await.unwrap();
        let mut second = Polled(Box::pin(throttle.streak(here)));
        assert!(second.poll().is_none(), "it has to wait");
        drop(throttle.streak("192.0.2.2".parse().unwrap()).await.unwrap());
        first.wrong("alice", now);
        drop(first);
        let second = second.poll().expect("it is its turn").unwrap();
        assert_eq!(second.wait(now), Some(FIRST_WAIT));
    }

    #[tokio::test]
    async fn only_so_many_wait_at_one_site() {
        let throttle = Throttle::default();
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let first = throttle.streak(here).await.unwrap();
        let mut queue: Vec<_> = (0..WAITING)
            .map(|_| Polled(Box::pin(throttle.streak(here))))
            .collect();
        assert!(queue.iter_mut().all(|waiting| waiting.poll().is_none()));
        let full = throttle.streak(here).await.err();
        assert_eq!(full, Some(TooManyWait(QUEUE_WAIT)));
        // Elsewhere nobody waits.
        assert!(throttle.streak("192.0.2.2".parse().unwrap()).await.is_ok());
        drop(first);
        let second = queue.remove(0).poll().expect("it is its turn");
        let mut last = Polled(Box::pin(throttle.streak(here)));
        assert!(last.poll().is_none(), "there is room for one more to wait");
        drop(second);
    }

    /// Polls a future by hand.
    struct Polled<F>(Pin<Box<F>>);

    impl<F: Future> Polled<F> {
        fn poll(&mut self) -> Option<F::Output> {
            let mut context = Context::from_waker(Waker::noop());
            match self.0.as_mut().poll(&mut context) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            }
        }
    }

    #[tokio::test]
    async fn the_one_that_tried_longest_ago_makes_room() {
        let (throttle, now) = (Throttle::default(), clock::now());
        let address = |number: u32| IpAddr::from(Ipv4Addr::from(number));
        // One that is being verified all the while is not forgotten.
        let mut held = throttle.streak(address(0)).await.unwrap();
        held.wrong("alice", now);
        for number in 1..=u32::try_from(REMEMBERED).unwrap() {
            let mut streak = throttle.streak(address(number)).await.unwrap();
            streak.wrong("alice", now);
        }
        drop(held);
        assert!(throttle.0.lock().unwrap().known.len() <= REMEMBERED);
        assert!(
            throttle
                .streak(address(0))
                .await
                .unwrap()
                .wait(now)
                .is_some()
        );
        assert!(
            throttle
                .streak(address(2))
                .await
                .unwrap()
                .wait(now)
                .is_some()
        );
        assert_eq!(throttle.streak(address(1)).await.unwrap().wait(now), None);
    }
}
