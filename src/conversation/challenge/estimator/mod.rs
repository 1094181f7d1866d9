//! What the player snaps onto the intervals.

mod bayes;
mod floor;
mod law;
mod plain;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::interval::nanos;
use super::{Interval, Window};
use crate::conversation::Stamp;

pub use bayes::Bayes;
pub use plain::Plain;

/// Tells from the stamps of the beats which interval the server waited.
///
/// The player calls [`opened`](Estimator::opened) once, then [`beat`](Estimator::beat) for each
/// beat and [`confirmed`](Estimator::confirmed) between two of them. An estimator draws nothing and
/// reads no clock: the same calls get the same estimates.
pub trait Estimator: fmt::Debug + Send {
    /// The connection is open.
    fn opened(&mut self, at: Stamp);

    /// The server's greeting came. The server sends it right after the opening.
    fn greeted(&mut self, at: Stamp) {
        let _ = at;
    }

    /// A beat came. Which interval was it?
    fn beat(&mut self, at: Stamp) -> Estimate;

    /// The interval before the newest beat was this one: the server said so, or it said nothing and
    /// went on.
    fn confirmed(&mut self, interval: Interval);

    /// The server's verdict on the newest answer came this long after the answer had been written.
    fn judged_after(&mut self, round_trip: Duration) {
        let _ = round_trip;
    }
}

/// What an estimator makes of a beat.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The answer.
    pub interval: Interval,
    /// The elapsed time that the answer was made of. Where the estimator knows better than the
    /// stamps, it counts not from when the previous beat came but from when it should have come.
    pub corrected: Duration,
    /// How probable each interval is, in the order of [`Interval::ALL`], if the estimator can tell.
    pub probabilities: Option<[f64; 5]>,
}

impl Estimate {
    /// The window of the answer.
    pub fn window(&self) -> Window {
        self.interval.window()
    }

    /// How far the corrected elapsed time is from the nearer edge of its window, in nanoseconds;
    /// negative when it is beyond the edge, which is where the estimator knew better.
    pub fn margin_ns(&self) -> i64 {
        self.window().margin_ns(self.corrected)
    }

    /// How late the beat is taken to be, in nanoseconds; negative for early.
    pub fn lateness_ns(&self) -> i64 {
        nanos(self.corrected).saturating_sub(nanos(self.interval.duration()))
    }

    /// How probable an interval is, from 0 to 1, if the estimator can tell.
    pub fn probability(&self, interval: Interval) -> Option<f64> {
        self.probabilities.map(|of| of[interval as usize])
    }

    /// How probable the answer is.
    pub fn confidence(&self) -> Option<f64> {
        self.probability(self.interval)
    }

    /// The second best answer: the next most probable interval, or, if the estimator knows of no
    /// probabilities, the one across the nearer edge of the window.
    pub fn runner_up(&self) -> Interval {
        let others = Interval::ALL
            .into_iter()
            .filter(|other| *other != self.interval);
        let closeness = |interval: &Interval| match self.probabilities {
            Some(of) => of[*interval as usize],
            None => interval.window().margin_ns(self.corrected) as f64,
        };
        others
            .max_by(|one, other| closeness(one).total_cmp(&closeness(other)))
            // There are five intervals.
            .unwrap_or(self.interval)
    }
}

/// The estimators that there are, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EstimatorKind {
    /// [`Plain`]: the time since the previous beat.
    Plain,
    /// [`Bayes`]: the most probable interval, given all that the conversation has told.
    #[default]
    Bayes,
}

impl EstimatorKind {
    /// All of them.
    pub const ALL: [EstimatorKind; 2] = [EstimatorKind::Plain, EstimatorKind::Bayes];

    /// The name, as it is typed and printed.
    pub const fn name(self) -> &'static str {
        match self {
            EstimatorKind::Plain => "plain",
            EstimatorKind::Bayes => "bayes",
        }
    }

    /// An estimator of this kind, for one conversation.
    pub fn estimator(self) -> Box<dyn Estimator> {
        match self {
            EstimatorKind::Plain => Box::new(Plain::default()),
            EstimatorKind::Bayes => Box::new(Bayes::default()),
        }
    }
}

impl fmt::Display for EstimatorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// There is no estimator of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no estimator of that name")]
pub struct UnknownEstimatorError;

impl FromStr for EstimatorKind {
    type Err = UnknownEstimatorError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        EstimatorKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or(UnknownEstimatorError)
    }
}
