use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often something that goes on and on is logged.
const EVERY: Duration = Duration::from_secs(60);

/// Keeps something that a peer can bring about as often as it likes from flooding the log, and from
/// being told of once and never again: it is logged at once, and then once a minute at the most, with
/// how often it has happened meanwhile.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Option<Told>>);

/// When it was logged, and how often it has happened since.
#[derive(Clone, Copy, Debug)]
struct Told {
    at: Instant,
    since: u64,
}

impl Seldom {
    /// Nothing has happened yet.
    pub const fn new() -> Self {
        Seldom(Mutex::new(None))
    }

    /// It happens now. If it is to be logged, gives how often it has happened since it was logged
    /// before, this time included.
    pub fn happens(&self, now: Instant) -> Option<u64> {
        // Nothing that holds the lock can leave its work half done.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match told.as_mut() {
            Some(told) if now.saturating_duration_since(told.at) < EVERY => {
                told.since += 1;
                None
            }
            before => {
                let times = before.map_or(0, |before| before.since) + 1;
                *told = Some(Told { at: now, since: 0 });
                Some(times)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::clock;

    #[test]
    fn what_goes_on_is_told_at_once_and_then_once_a_minute_with_its_count() {
        let (seldom, begun) = (Seldom::new(), clock::now());
        let at = |second: u64| seldom.happens(begun + Duration::from_secs(second));
        let told: Vec<_> = (0..200)
            .filter_map(|second| Some((second, at(second)?)))
            .collect();
        assert_eq!(told, [(0, 1), (60, 60), (120, 60), (180, 60)]);
        // After a quiet time, what has happened before it is told of, too.
        assert_eq!(at(1000), Some(20));
    }
}
