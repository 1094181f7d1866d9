//! How many connections there are, and how many there may be.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::conversation::Site;

/// How many connections that there is no room for are told so at once. When there are more, the
/// rest is dropped without a word.
const TURNED_AWAY_AT_ONCE: usize = 64;

/// What a server lets one do to it. Connections are TCP connections, whether they have become
/// WebSockets or not, and count from when they are accepted until all is over that goes on for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How many there may be at once.
    pub total: NonZeroUsize,
    /// How many of these may come from one [`Site`]; `None` for as many as there may be at all.
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
    /// How many of them come from which site; empty when nobody wants to know.
    of_site: HashMap<Site, usize>,
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
    /// That of the connection which carries it, if that is another.
    _behind: Option<Arc<Taken>>,
}

impl Place {
    /// This place along with that of the connection: neither is free while the other is taken up.
    pub(super) fn on(self, connection: &Place) -> Place {
        Place {
            _behind: Some(Arc::clone(&connection._taken)),
            ..self
        }
    }
}

#[derive(Debug)]
struct Taken {
    occupancy: Arc<Occupancy>,
    by: Occupant,
}

/// Who takes up a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occupant {
    Admitted(Option<Site>),
    TurnedAway,
    Behind(Site),
}

impl Occupancy {
    pub(super) fn new(limits: &ConnectionLimits) -> Self {
        Occupancy {
            total: limits.total,
            per_address: limits.per_address,
            counts: Mutex::default(),
        }
    }

    /// A connection has been accepted, from this site; `None` for one that carries the requests of many,
    /// each of whom [enters](Occupancy::enter_behind) by itself.
    pub(super) fn enter(self: &Arc<Self>, site: Option<Site>) -> Entry {
        let mut counts = self.counts();
        let full = if counts.admitted >= self.total.get() {
            Full::Everywhere
        } else if let Err(full) = self.count(&mut counts, site) {
            full
        } else {
            counts.admitted += 1;
            return Entry::Admitted(self.place(Occupant::Admitted(site)));
        };
        if counts.turned_away >= TURNED_AWAY_AT_ONCE {
            return Entry::Dropped(full);
        }
        counts.turned_away += 1;
        Entry::TurnedAway(full, self.place(Occupant::TurnedAway))
    }

    /// Somebody asks for something from this site, over a connection that is shared with others.
    ///
    /// # Errors
    ///
    /// When there is no more room for the site.
    pub(super) fn enter_behind(self: &Arc<Self>, site: Site) -> Result<Place, Full> {
        self.count(&mut self.counts(), Some(site))?;
        Ok(self.place(Occupant::Behind(site)))
    }

    fn count(&self, counts: &mut Counts, site: Option<Site>) -> Result<(), Full> {
        let (Some(site), Some(most)) = (site, self.per_address) else {
            return Ok(());
        };
        let of_site = counts.of_site.get(&site).copied().unwrap_or(0);
        if of_site >= most.get() {
            return Err(Full::ForAddress);
        }
        counts.of_site.insert(site, of_site + 1);
        Ok(())
    }

    fn place(self: &Arc<Self>, by: Occupant) -> Place {
        let occupancy = Arc::clone(self);
        Place {
            _taken: Arc::new(Taken { occupancy, by }),
            _behind: None,
        }
    }

    fn leave(&self, occupant: Occupant) {
        let mut counts = self.counts();
        let site = match occupant {
            Occupant::TurnedAway => {
                counts.turned_away -= 1;
                None
            }
            Occupant::Admitted(site) => {
                counts.admitted -= 1;
                site
            }
            Occupant::Behind(site) => Some(site),
        };
        if let Some(site) = site
            && let Some(of_site) = counts.of_site.get_mut(&site)
        {
            *of_site -= 1;
            if *of_site == 0 {
                counts.of_site.remove(&site);
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
    use std::net::IpAddr;

    use super::*;

    fn occupancy(total: usize, per_address: Option<usize>) -> Arc<Occupancy> {
        Arc::new(Occupancy::new(&ConnectionLimits {
            total: NonZeroUsize::new(total).unwrap(),
            per_address: per_address.and_then(NonZeroUsize::new),
            ..ConnectionLimits::default()
        }))
    }

    fn site(address: &str) -> Site {
        address.parse::<IpAddr>().unwrap().into()
    }

    fn enter(occupancy: &Arc<Occupancy>, address: &str) -> Result<Place, Full> {
        match occupancy.enter(Some(site(address))) {
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
        assert_eq!(occupancy.counts().of_site.len(), 1, "others are forgotten");
    }

    #[test]
    fn only_so_many_are_told_that_there_is_no_room() {
        let occupancy = occupancy(1, None);
        let address = Some(site("192.0.2.1"));
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

    #[test]
    fn a_network_of_ipv6_has_the_limit_of_one_address() {
        let occupancy = occupancy(4, Some(2));
        let _first = enter(&occupancy, "2001:db8::1").unwrap();
        let _second = enter(&occupancy, "2001:db8::2:3:4:5").unwrap();
        let third = enter(&occupancy, "2001:db8::6").err();
        assert_eq!(third, Some(Full::ForAddress));
        assert!(enter(&occupancy, "2001:db8:0:1::1").is_ok());
    }

    #[test]
    fn behind_a_proxy_each_client_has_a_limit_and_the_connection_a_place() {
        let occupancy = occupancy(2, Some(1));
        let Entry::Admitted(connection) = occupancy.enter(None) else {
            panic!("there is room");
        };
        let first = occupancy.enter_behind(site("192.0.2.1")).unwrap();
        let first = first.on(&connection);
        let full = |address| occupancy.enter_behind(site(address)).err();
        assert_eq!(full("192.0.2.1"), Some(Full::ForAddress));
        assert_eq!(full("192.0.2.2"), None);
        drop(connection);
        assert_eq!(occupancy.counts().admitted, 1, "it is still needed");
        drop(first);
        assert_eq!(occupancy.counts().admitted, 0);
        assert_eq!(full("192.0.2.1"), None);
    }
}
