use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use secrecy::SecretString;

use crate::conversation::chat::UserName;

/// For how long a ticket is good, unless a server has it otherwise.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(30);

/// How many tickets are remembered. Beyond that the oldest is forgotten, so that a flood of requests
/// does not fill the memory.
const REMEMBERED: usize = 10_000;

/// The tickets that have been given: each admits one user to one connection.
///
/// They are looked up in a hash map, which does not take the same time for all of them. That tells
/// nobody anything: what is compared byte by byte is only a ticket whose keyed hash is the same,
/// and nobody comes nearer to 128 random bits within 30 s.
pub(super) struct Tickets {
    lifetime: Duration,
    rng: StdRng,
    /// Whom each unused ticket is for, and when it was given.
    unused: HashMap<String, Given>,
    /// The same tickets, oldest first; some may have been used by now.
    given: VecDeque<String>,
}

struct Given {
    user: UserName,
    at: Instant,
}

/// Why a ticket does not admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TicketError {
    /// It was never given, or it has been used, or it is long forgotten.
    #[error("The ticket is unknown, or it has been used; POST /ticket gives another.")]
    Unknown,
    /// It is too old.
    #[error("The ticket has expired: one is good for {0:?}. POST /ticket gives another.")]
    Expired(Duration),
}

impl Tickets {
    /// Tickets that are drawn from this seed. Whoever knows it knows the tickets.
    pub(super) fn new(seed: [u8; 32], lifetime: Duration) -> Self {
        Tickets {
            lifetime,
            rng: StdRng::from_seed(seed),
            unused: HashMap::new(),
            given: VecDeque::new(),
        }
    }

    /// A new ticket for a user: 128 random bits in hexadecimal.
    pub(super) fn issue(&mut self, user: UserName, now: Instant) -> SecretString {
        let mut bits = [0; 16];
        self.rng.fill_bytes(&mut bits);
        let ticket: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        if self.given.len() >= REMEMBERED
            && let Some(oldest) = self.given.pop_front()
        {
            self.unused.remove(&oldest);
        }
        self.unused.insert(ticket.clone(), Given { user, at: now });
        self.given.push_back(ticket.clone());
        SecretString::from(ticket)
    }

    /// Uses a ticket up, and gives the user that it admits.
    ///
    /// # Errors
    ///
    /// When it admits nobody.
    pub(super) fn redeem(&mut self, ticket: &str, now: Instant) -> Result<UserName, TicketError> {
        let given = self.unused.remove(ticket).ok_or(TicketError::Unknown)?;
        if now.saturating_duration_since(given.at) < self.lifetime {
            Ok(given.user)
        } else {
            Err(TicketError::Expired(self.lifetime))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::clock;
    use secrecy::ExposeSecret;

    fn issue(tickets: &mut Tickets, user: &str, now: Instant) -> String {
        let ticket = tickets.issue(user.parse().unwrap(), now);
        ticket.expose_secret().to_owned()
    }

    #[test]
    fn a_ticket_is_good_once_and_for_its_user() {
        let (mut tickets, now) = (Tickets::new([7; 32], TICKET_LIFETIME), clock::now());
        let first = issue(&mut tickets, "alice", now);
        let second = issue(&mut tickets, "bob", now);
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
        assert_eq!(tickets.redeem(&second, now), Ok("bob".parse().unwrap()));
        assert_eq!(tickets.redeem(&first, now), Ok("alice".parse().unwrap()));
        for bad in [&first, "made up", ""] {
            assert_eq!(tickets.redeem(bad, now), Err(TicketError::Unknown));
        }
    }

    #[test]
    fn a_ticket_is_good_for_half_a_minute() {
        let (mut tickets, now) = (Tickets::new([7; 32], TICKET_LIFETIME), clock::now());
        let first = issue(&mut tickets, "alice", now);
        let second = issue(&mut tickets, "alice", now);
        let late = now + TICKET_LIFETIME;
        let just = late - Duration::from_nanos(1);
        assert_eq!(tickets.redeem(&first, just), Ok("alice".parse().unwrap()));
        assert_eq!(
            tickets.redeem(&second, late),
            Err(TicketError::Expired(TICKET_LIFETIME))
        );
        assert_eq!(tickets.redeem(&second, now), Err(TicketError::Unknown));
    }

    #[test]
    fn the_oldest_tickets_make_room() {
        let (mut tickets, now) = (Tickets::new([7; 32], TICKET_LIFETIME), clock::now());
        let first = issue(&mut tickets, "alice", now);
        let second = issue(&mut tickets, "alice", now);
        for _ in 2..=REMEMBERED {
            issue(&mut tickets, "bob", now);
        }
        assert_eq!(tickets.redeem(&first, now), Err(TicketError::Unknown));
        assert!(tickets.redeem(&second, now).is_ok());
        assert!(tickets.unused.len() < REMEMBERED);
        assert!(tickets.given.len() <= REMEMBERED);
    }
}
