use std::collections::HashSet;
use std::time::{Duration, Instant};

use secrecy::SecretString;

use super::one_time::{AllGiven, OneTime, Unredeemed};
use crate::conversation::chat::UserName;

/// For how long a ticket is good, unless a server has it otherwise.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(30);

/// The tickets that have been given: each admits one user to one connection.
pub(super) struct Tickets {
    lifetime: Duration,
    unused: OneTime<UserName>,
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
            unused: OneTime::new(seed, lifetime),
        }
    }

    /// A new ticket for a user.
    ///
    /// # Errors
    ///
    /// When too many are out already.
    pub(super) fn issue(&mut self, user: UserName, now: Instant) -> Result<SecretString, AllGiven> {
        self.unused.issue(user, now).map(SecretString::from)
    }

    /// Takes back the tickets of those who are no users any more.
    pub(super) fn keep_only(&mut self, users: &HashSet<UserName>) {
        self.unused.keep_only(|user| users.contains(user));
    }

    /// Uses a ticket up, and gives the user that it admits.
    ///
    /// # Errors
    ///
    /// When it admits nobody.
    pub(super) fn redeem(&mut self, ticket: &str, now: Instant) -> Result<UserName, TicketError> {
        let redeemed = self.unused.redeem(ticket, now);
        redeemed.map_err(|unredeemed| match unredeemed {
            Unredeemed::Unknown => TicketError::Unknown,
            Unredeemed::Expired => TicketError::Expired(self.lifetime),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::clock;
    use secrecy::ExposeSecret;

    fn issue(tickets: &mut Tickets, user: &str, now: Instant) -> String {
        let ticket = tickets.issue(user.parse().unwrap(), now).unwrap();
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
}
