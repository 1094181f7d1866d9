//! How many connections there are, and how many there may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many connections that there is no room for are told so at once. When there are more, the
/// rest is dropped without a word.
const TURNED_AWAY_AT_ONCE: usize = 64;

/// What a server lets one do to it. Connections are TCP connections, whether they have become
/// WebSockets or not, and count from when they are accepted until all is over that goes on for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How many there may be at once.
    pub total: NonZeroUsize,
    /// How many of these may come from one IP address; `None` for as many as there may be at all.
    pub per_address: Option<NonZeroUsize>,
    /// How long one may take from when it is accepted until its first request has arrived, the TLS
    /// handshake included.
    pub handshake: Duration,
}

impl Default for ConnectionLimits {
    /// 10,000 connections and 10 seconds, as `wsbeat serve` has it.
    fn default() -> Self {
        ConnectionLimits {
            total: const { NonZeroUsize::new(10_000).unwrap() },
            per_address: None,
            handshake: Duration::from_secs(10),
        }
    }
}

/// Counts connections.
#[derive(Debug)]
pub(super) struct Occupancy {
    total: NonZeroUsize,
    per_address: Option<NonZeroUsize>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    admitted: usize,
    /// How many of them come from which address; empty when nobody wants to know.
    of_address: HashMap<IpAddr, usize>,
    turned_away: usize,
}

/// Whether there is room for one more connection.
#[derive(Debug)]
pub(super) enum Entry {
    /// There is.
    Admitted(Place),
    /// There is none, but there is the time to say so.
    TurnedAway(Full, Place),
    /// There is none.
    Dropped(Full),
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    #[error("the server has no room for more connections now; try again later")]
    Everywhere,
    #[error("there are too many connections from your address; close some, or try again later")]
    ForAddress,
}

/// A place that a connection takes up, until the last clone of this is dropped.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Kept for what its end does.
    _taken: Arc<Taken>,
}

#[derive(Debug)]
struct Taken {
    occupancy: Arc<Occupancy>,
    by: Occupant,
}

/// Who takes up a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occupant {
    Admitted(IpAddr),
    TurnedAway,
}

impl Occupancy {
    pub(super) fn new(limits: &ConnectionLimits) -> Self {
        Occupancy {
            total: limits.total,
            per_address: limits.per_address,
            counts: Mutex::default(),
        }
    }

    /// A connection from this address has been accepted.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Entry {
        // On a socket for both, IPv4 addresses come as IPv6 ones.
        let address = address.to_canonical();
        let mut counts = self.counts();
        let of_address = counts.of_address.get(&address).copied().unwrap_or(0);
        let full = if counts.admitted >= self.total.get() {
            Full::Everywhere
        } else if self
            .per_address
            .is_some_and(|most| of_address >= most.get())
        {
            Full::ForAddress
        } else {
            counts.admitted += 1;
            if self.per_address.is_some() {
                counts.of_address.insert(address, of_address + 1);
            }
            return Entry::Admitted(self.place(Occupant::Admitted(address)));
        };
        if counts.turned_away >= TURNED_AWAY_AT_ONCE {
            return Entry::Dropped(full);
        }
        counts.turned_away += 1;
        Entry::TurnedAway(full, self.place(Occupant::TurnedAway))
    }

    fn place(self: &Arc<Self>, by: Occupant) -> Place {
        let occupancy = Arc::clone(self);
        Place {
            _taken: Arc::new(Taken { occupancy, by }),
        }
    }

    fn leave(&self, occupant: Occupant) {
        let mut counts = self.counts();
        match occupant {
            Occupant::TurnedAway => counts.turned_away -= 1,
            Occupant::Admitted(address) => {
                counts.admitted -= 1;
                if let Some(of_address) = counts.of_address.get_mut(&address) {
                    *of_address -= 1;
                    if *of_address == 0 {
                        counts.of_address.remove(&address);
                    }
                }
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nothing that holds the lock can leave its work half done.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // Whoever leaves has entered: no count goes below nothing.
        self.occupancy.leave(self.by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occupancy(total: usize, per_address: Option<usize>) -> Arc<Occupancy> {
        Arc::new(Occupancy::new(&ConnectionLimits {
            total: NonZeroUsize::new(total).unwrap(),
            per_address: per_address.and_then(NonZeroUsize::new),
            ..ConnectionLimits::default()
        }))
    }

    fn enter(occupancy: &Arc<Occupancy>, address: &str) -> Result<Place, Full> {
        match occupancy.enter(address.parse().unwrap()) {
            Entry::Admitted(place) => Ok(place),
            Entry::TurnedAway(full, _) | Entry::Dropped(full) => Err(full),
        }
    }

    #[test]
    fn a_place_is_free_again_when_the_last_who_holds_it_lets_go() {
        let occupancy = occupancy(2, None);
        let first = enter(&occupancy, "192.0.2.1").unwrap();
        let _second = enter(&occupancy, "192.0.2.1").unwrap();
        let clone = first.clone();
        drop(first);
        let full = |occupancy| enter(occupancy, "192.0.2.2").err();
        assert_eq!(full(&occupancy), Some(Full::Everywhere));
        drop(clone);
        assert_eq!(full(&occupancy), None);
    }

    #[test]
    fn an_address_has_a_limit_of_its_own_in_whichever_way_it_is_written() {
        let occupancy = occupancy(4, Some(2));
        let first = enter(&occupancy, "192.0.2.1").unwrap();
        let _second = enter(&occupancy, "::ffff:192.0.2.1").unwrap();
        for address in ["192.0.2.1", "::ffff:192.0.2.1"] {
            assert_eq!(enter(&occupancy, address).err(), Some(Full::ForAddress));
        }
        let other = enter(&occupancy, "2001:db8::1").unwrap();
        drop(first);
        let _third = enter(&occupancy, "192.0.2.1").unwrap();
        drop(other);
        assert_eq!(
            occupancy.counts().of_address.len(),
            1,
            "others are forgotten"
        );
    }

    #[test]
    fn only_so_many_are_told_that_there_is_no_room() {
        let occupancy = occupancy(1, None);
        let address = "192.0.2.1".parse().unwrap();
        let _place = enter(&occupancy, "192.0.2.1").unwrap();
        let mut told = Vec::new();
        for _ in 0..TURNED_AWAY_AT_ONCE {
            match occupancy.enter(address) {
                Entry::TurnedAway(Full::Everywhere, place) => told.push(place),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(occupancy.enter(address), Entry::Dropped(_)));
        told.pop();
        assert!(matches!(occupancy.enter(address), Entry::TurnedAway(..)));
    }
}
