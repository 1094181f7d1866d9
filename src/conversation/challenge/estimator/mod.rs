//! Which interval a beat stands for.
//!
//! [`Plain`] is what the write-ups do: the time since the previous beat, snapped onto the nearest
//! interval. [`Bayes`], the default, uses what the conversation tells besides.
//!
//! # How `Bayes` knows
//!
//! A beat comes when the schedule has it (the opening and the intervals confirmed since), later by
//! its *residual*. A residual is a *floor*, which all beats share, and the beat's own *lateness*.
//! `floor` keeps a belief about the floor, cell by cell of a lattice, which every message sharpens:
//! a histogram filter of a hidden Markov model. Between two beats the floor creeps up, because
//! servers oversleep, and now and then it hops, because the way has changed. `law` holds eight laws
//! of lateness, each with a belief of its own, and their weights are what the conversation has told
//! about the network: those that gave more probability to what happened weigh more. What tells is
//!
//! - every confirmed beat, which moves floors and weights;
//! - the greeting, which left together with the opening: when it came later, the opening was
//!   probably not late itself; when it came on the opening's heels, it may have waited behind it;
//! - the round trips from answers to verdicts, which know nothing of the schedule but much of the
//!   network: they have a floor of their own, and move the weights.
//!
//! The answer is the interval whose residual is the most probable. Nothing here is fitted to a
//! network: the laws are a rough sieve, and the same for all.
//!
//! # What was tried, and what it scored
//!
//! Shares of sessions of 20 rounds won (`wsbeat simulate`; for the rejected ones, a prototype on
//! the same models, 6,000 sessions or more each; compared on the same sessions). `calm` is the
//! worst loss against `Plain` on some networks whose lateness moves little from beat to beat, so that
//! `Plain` wins nearly always: slow queues, changes of the way by up to 150 ms, Gaussian jitter.
//!
//! | | mobile | lossy3 | lossy8 | spiky | calm |
//! | --- | --- | --- | --- | --- | --- |
//! | `Plain` | 0.752 | 0.683 | 0.344 | 0.602 | 0 |
//! | an anchor that follows earlier beats at once and later ones slowly, as the minimum filters of NTP and BBR do | 0.836 | 0.958 | 0.819 | 0.753 | −0.75 |
//! | one floor that creeps, six laws, no hops | 0.949 | 0.958 | 0.826 | 0.819 | −0.25 |
//! | the same with the greeting | 0.955 | 0.967 | 0.850 | 0.821 | −0.27 |
//! | with hops, rare and equally so under every law | 0.950 | 0.960 | 0.840 | 0.810 | −0.06 |
//! | with hops *or* hold-ups: a law has one of the two | 0.952 | 0.961 | 0.833 | 0.810 | −0.012 |
//! | the same with round trips, and a law of many hold-ups: **`Bayes`** | 0.949 | 0.965 | 0.837 | 0.817 | −0.03 |
//! | the true law of the network, known beforehand (but neither greeting nor round trips) | 0.954 | 0.973 | 0.872 | 0.843 | |
//!
//! Two wishes pull in opposite directions. After a calm beginning, a stamp that fits a long
//! interval 100 ms early also fits a short one 400 ms late. Whoever expects hold-ups takes it for
//! late, and wins on `spiky`; whoever expects the way to change takes it for early, and wins where
//! `Plain` does. The weights of the laws are where the two meet, and that is the weak side of
//! `Bayes`: on a way that is calm (4 ms of jitter) and every twelve seconds another one, it wins
//! 0.990 where the ways differ by up to 100 ms, but 0.844 where they differ by up to 230 ms, and
//! 0.927 at home if one of the server's sleeps in ten ends 100 to 240 ms late. `Plain` wins 1.000,
//! 1.000 and 0.996 of these (8,000 sessions, models made for the purpose). Hops three times as
//! frequent win 0.929 of the second, and cost 0.016 on `lossy3`.
//!
//! Also tried, and left out: a kernel density of earlier residuals (repeats what no longer holds
//! once a server has overslept: −0.06 there); a share of beats that come near the previous one,
//! whatever the floor (floors then do not learn from a jump: −0.08); Gamma, Pareto and retransmission
//! laws for what is held up (−0.03 on `spiky` or elsewhere); weighing answers by whether
//! they could still be in time (no difference); a lattice of 12 or 16 ms (−0.002), and one half as
//! long again (−0.1 on queues).

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
            EstimatorKind::Bayes => Box::new(Bayes::prepared()),
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
