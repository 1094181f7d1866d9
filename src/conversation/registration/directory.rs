use std::collections::BTreeMap;

use super::PublicKey;

/// Which key is reached how: one connection a key.
///
/// `R` is a route to a connection, whatever that may be. A connection comes in with
/// [`RegistrarEvent::Registered`](super::RegistrarEvent::Registered) and goes with
/// [`RegistrarEvent::Unregistered`](super::RegistrarEvent::Unregistered).
#[derive(Clone, Debug)]
pub struct Directory<R> {
    routes: BTreeMap<PublicKey, R>,
}

impl<R> Default for Directory<R> {
    fn default() -> Self {
        let routes = BTreeMap::new();
        Directory { routes }
    }
}

impl<R> Directory<R> {
    /// A directory in which nobody is yet.
    pub fn new() -> Self {
        Directory::default()
    }

    /// This key is reached by this route from now on. Gives the one that it replaces, whose
    /// connection is to be [told](super::RegistrarCue::Replaced).
    #[must_use = "the connection that is replaced has to be told"]
    pub fn register(&mut self, key: PublicKey, route: R) -> Option<R> {
        self.routes.insert(key, route)
    }

    /// This key is not reached any more, if the route by which it is now is the one that is meant: a
    /// connection that was replaced does not take the newer one out with it. Gives that route.
    pub fn unregister(&mut self, key: &PublicKey, is_meant: impl FnOnce(&R) -> bool) -> Option<R> {
        if is_meant(self.routes.get(key)?) {
            self.routes.remove(key)
        } else {
            None
        }
    }

    /// How this key is reached, if it is.
    pub fn route(&self, key: &PublicKey) -> Option<&R> {
        self.routes.get(key)
    }

    /// How everybody is reached but for whoever has this key, in the order of their keys.
    pub fn others(&self, key: &PublicKey) -> impl Iterator<Item = (&PublicKey, &R)> {
        self.routes.iter().filter(move |(it, _)| *it != key)
    }

    /// How many keys are reached.
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_route_which_only_its_own_connection_takes_out() {
        let key = |number| PublicKey::new([number; 32]);
        let mut directory = Directory::new();
        assert_eq!(directory.register(key(1), "older"), None);
        assert_eq!(directory.register(key(2), "other"), None);
        assert_eq!(directory.register(key(1), "newer"), Some("older"));
        assert_eq!(directory.unregister(&key(1), |it| *it == "older"), None);
        assert_eq!(directory.route(&key(1)), Some(&"newer"));
        let others: Vec<_> = directory.others(&key(1)).collect();
        assert_eq!(others, [(&key(2), &"other")]);
        let gone = directory.unregister(&key(1), |it| *it == "newer");
        assert_eq!(gone, Some("newer"));
        assert_eq!(directory.unregister(&key(1), |_| true), None);
        assert_eq!((directory.len(), directory.is_empty()), (1, false));
    }
}
