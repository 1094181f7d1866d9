//! One-time passwords: each is drawn at random, given out, and good once and for a while.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How many that are unused may be out at a time, so that a flood of requests does not fill the
/// memory.
pub(super) const MOST_UNUSED: usize = 10_000;

/// The one-time passwords that are out, and what each is for.
///
/// None of them is forgotten before its time: when there are too many, no more are given out.
///
/// They are looked up in a hash map, which does not take the same time for all of them. That tells
/// nobody anything: what is compared byte by byte is only one whose keyed hash is the same, and nobody
/// comes near to 128 random bits by trying.
pub(super) struct OneTime<T> {
    lifetime: Duration,
    rng: StdRng,
    unused: HashMap<String, Given<T>>,
    /// The same ones by their numbers, so that the oldest comes first.
    by_age: BTreeMap<u64, String>,
    last: u64,
}

struct Given<T> {
    number: u64,
    at: Instant,
    what: T,
}

/// There are as many unused ones as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AllGiven {
    /// When the oldest of them expires, from now.
    pub(super) wait: Duration,
}

/// Why one is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unredeemed {
    /// It was never given out, or it has been used, or it expired long ago.
    Unknown,
    /// It is too old.
    Expired,
}

impl<T> OneTime<T> {
    /// Ones that are drawn from this seed. Whoever knows it knows them.
    pub(super) fn new(seed: [u8; 32], lifetime: Duration) -> Self {
        OneTime {
            lifetime,
            rng: StdRng::from_seed(seed),
            unused: HashMap::new(),
            by_age: BTreeMap::new(),
            last: 0,
        }
    }

    /// A new one: 128 random bits in hexadecimal.
    ///
    /// # Errors
    ///
    /// When too many are out already.
    pub(super) fn issue(&mut self, what: T, now: Instant) -> Result<String, AllGiven> {
        if self.unused.len() >= MOST_UNUSED {
            self.make_room(now)?;
        }
        let mut bits = [0; 16];
        self.rng.fill_bytes(&mut bits);
        let text: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        self.last += 1;
        let given = Given {
            number: self.last,
            at: now,
            what,
        };
        self.by_age.insert(given.number, text.clone());
        self.unused.insert(text.clone(), given);
        Ok(text)
    }

    /// Uses one up, and gives what it was for.
    ///
    /// # Errors
    ///
    /// When it is not good.
    pub(super) fn redeem(&mut self, text: &str, now: Instant) -> Result<T, Unredeemed> {
        let given = self.unused.remove(text).ok_or(Unredeemed::Unknown)?;
        self.by_age.remove(&given.number);
        if now.saturating_duration_since(given.at) < self.lifetime {
            Ok(given.what)
        } else {
            Err(Unredeemed::Expired)
        }
    }

    /// Takes back those that are for something that no longer counts.
    pub(super) fn keep_only(&mut self, counts: impl Fn(&T) -> bool) {
        self.unused.retain(|_, given| counts(&given.what));
        let unused = &self.unused;
        self.by_age.retain(|_, text| unused.contains_key(text));
    }

    /// Forgets those that have expired, or says when the first of them will have.
    fn make_room(&mut self, now: Instant) -> Result<(), AllGiven> {
        while let Some(oldest) = self.by_age.first_entry() {
            let given = self.unused.get(oldest.get());
            let age = given.map(|given| now.saturating_duration_since(given.at));
            match age.and_then(|age| self.lifetime.checked_sub(age)) {
                Some(left) if !left.is_zero() => break,
                _ => {
                    let text = oldest.remove();
                    self.unused.remove(&text);
                }
            }
        }
        if self.unused.len() < MOST_UNUSED {
            return Ok(());
        }
        let oldest = self.by_age.values().next();
        let oldest = oldest.and_then(|text| self.unused.get(text));
        let age = oldest.map_or(Duration::ZERO, |given| {
            now.saturating_duration_since(given.at)
        });
        Err(AllGiven {
            wait: self.lifetime.saturating_sub(age),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::clock;

    const LIFETIME: Duration = Duration::from_secs(30);

    #[test]
    fn none_is_forgotten_before_its_time_however_many_are_wanted() {
        let (mut tokens, now) = (OneTime::new([7; 32], LIFETIME), clock::now());
        let first = tokens.issue(0, now).unwrap();
        let second = now + LIFETIME / 3;
        for number in 1..MOST_UNUSED {
            tokens.issue(number, second).unwrap();
        }
        let wait = LIFETIME - LIFETIME / 3;
        assert_eq!(tokens.issue(0, second), Err(AllGiven { wait }));
        assert_eq!(tokens.redeem(&first, second), Ok(0));
        // There is room for one instead of the one that was used, and for no other.
        let third = tokens.issue(0, second).unwrap();
        assert_eq!(tokens.issue(0, second), Err(AllGiven { wait: LIFETIME }));
        assert!(tokens.issue(1, second + LIFETIME).is_ok());
        assert_eq!(tokens.unused.len(), 1, "the expired ones are forgotten");
        assert_eq!(tokens.by_age.len(), 1);
        let late = tokens.redeem(&third, second + LIFETIME);
        assert_eq!(late, Err(Unredeemed::Unknown));
    }

    #[test]
    fn used_ones_do_not_count() {
        let (mut tokens, now) = (OneTime::new([7; 32], LIFETIME), clock::now());
        for number in 0..2 * MOST_UNUSED {
            let token = tokens.issue(number, now).unwrap();
            assert_eq!(tokens.redeem(&token, now), Ok(number));
        }
        assert!(tokens.unused.is_empty() && tokens.by_age.is_empty());
    }

    #[test]
    fn what_no_longer_counts_is_taken_back() {
        let (mut tokens, now) = (OneTime::new([7; 32], LIFETIME), clock::now());
        let alices = tokens.issue("alice", now).unwrap();
        let bobs = tokens.issue("bob", now).unwrap();
        tokens.keep_only(|user| *user == "bob");
        assert_eq!(tokens.redeem(&alices, now), Err(Unredeemed::Unknown));
        assert_eq!(tokens.redeem(&bobs, now), Ok("bob"));
        assert!(tokens.by_age.is_empty());
    }
}
