//! The clock, read here and nowhere else.

#![expect(clippy::disallowed_methods, reason = "this is the one place")]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::conversation::Stamp;

/// The monotonic time. Everything that is measured comes from here.
pub fn now() -> Instant {
    Instant::now()
}

/// The wall clock, for people: when a recording was made. Nothing is measured with it.
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// The wall clock in whole seconds since 1970, UTC: when something was said.
pub fn unix_s() -> i64 {
    let since = wall().duration_since(UNIX_EPOCH);
    // A clock that is set to before 1970 tells no time.
    since.map_or(0, |since| since.as_secs().try_into().unwrap_or(i64::MAX))
}

/// Turns the monotonic clock into [`Stamp`]s, counted from one opening.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    opened: Instant,
}

impl Clock {
    /// A clock whose opening is now.
    pub fn start() -> Self {
        Clock { opened: now() }
    }

    /// The time since the opening.
    pub fn stamp(&self) -> Stamp {
        Stamp::after_opening(now().saturating_duration_since(self.opened))
    }

    /// The monotonic time of a stamp.
    pub(super) fn instant(&self, at: Stamp) -> Instant {
        // A stamp beyond what an `Instant` can hold is centuries away: a year will do.
        let year = std::time::Duration::from_secs(365 * 24 * 3600);
        self.opened + at.since_opening().min(year)
    }
}
