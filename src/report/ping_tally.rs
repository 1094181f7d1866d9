use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Outcome;
use crate::conversation::latency::{PingerEvent, Series, Statistics};

/// Adds up the pings to one target.
#[derive(Clone, Debug)]
pub struct PingTally {
    /// The target's number, counted from one.
    pub target: usize,
    /// Where it is, with secrets blanked.
    pub url: String,
    /// What came of the pings.
    pub statistics: Statistics,
    /// The same over time.
    pub series: Series,
    /// The kernel's newest estimate of the round trip of TCP, where it gives one.
    pub tcp_rtt: Option<Duration>,
    /// How it stands.
    pub standing: Standing,
}

/// How it stands between us and a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no connection yet.
    Connecting,
    /// The connection to this peer is open.
    Open(String),
    /// It is over, well enough.
    Ended,
    /// It failed, for this.
    Failed(Outcome, String),
}

impl PingTally {
    /// The tally of a target that is about to be pinged at this interval.
    pub fn new(target: usize, url: String, interval: Duration) -> Self {
        PingTally {
            target,
            url,
            statistics: Statistics::default(),
            series: Series::new(interval),
            tcp_rtt: None,
            standing: Standing::Connecting,
        }
    }

    /// Takes account of what a pinger noticed.
    pub fn count(&mut self, event: &PingerEvent) {
        self.statistics.count(event);
        self.series.count(event);
    }
}

/// The tallies of all targets of a run, shared by those who add to them and those who show them.
#[derive(Clone, Debug, Default)]
pub struct PingTallies(Arc<Mutex<Vec<PingTally>>>);

impl PingTallies {
    /// The tallies, until the guard is dropped: soon, since pings wait for it.
    pub fn lock(&self) -> MutexGuard<'_, Vec<PingTally>> {
        // Nothing that holds the lock can leave its work half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the tally of a target, by its number.
    pub fn change(&self, target: usize, change: impl FnOnce(&mut PingTally)) {
        if let Some(tally) = self.lock().iter_mut().find(|tally| tally.target == target) {
            change(tally);
        }
    }
}
