use super::{Estimate, Estimator};
use crate::conversation::Stamp;
use crate::conversation::challenge::Interval;

/// The time since the previous beat, snapped onto the nearest interval: what the write-ups of the
/// challenge do, and every published client.
///
/// It inherits the lateness of both beats, so that one late beat spoils two measurements.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain {
    /// When the newest beat came, or the opening.
    newest: Stamp,
}

impl Estimator for Plain {
    fn opened(&mut self, at: Stamp) {
        self.newest = at;
    }

    fn beat(&mut self, at: Stamp) -> Estimate {
        let elapsed = at.since(self.newest);
        self.newest = at;
        Estimate {
            interval: Interval::nearest(elapsed),
            corrected: elapsed,
            probabilities: None,
        }
    }

    fn confirmed(&mut self, _interval: Interval) {}
}
