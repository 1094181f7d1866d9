use std::cell::Cell;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use super::clock;

/// How often it is noted that the program runs.
const PERIOD: Duration = Duration::from_millis(100);

/// The shortest time in which the program did not run that is told of. It has to stand out from what
/// a busy machine does to any program, and the shortest interval of a challenge leaves no more.
const NOTABLE: Duration = Duration::from_millis(250);

/// Notices when the program does not run: because it is stopped (SIGSTOP, Ctrl-Z), or gets no turn on
/// the machine. What arrives meanwhile is stamped only when it runs again, and no stamp tells.
#[derive(Debug)]
pub struct Awake {
    seen: Cell<Instant>,
    longest: Cell<Duration>,
}

impl Default for Awake {
    fn default() -> Self {
        Awake {
            seen: Cell::new(clock::now()),
            longest: Cell::new(Duration::ZERO),
        }
    }
}

impl Awake {
    /// Keeps noting that the program runs, for as long as this is polled.
    pub async fn watch(&self) -> Infallible {
        loop {
            tokio::time::sleep(PERIOD).await;
            self.note(clock::now());
        }
    }

    /// The longest time in which the program did not run since this was asked last, if that is long
    /// enough to matter.
    pub fn longest_sleep(&self) -> Option<Duration> {
        self.note(clock::now());
        Some(self.longest.take()).filter(|slept| *slept >= NOTABLE)
    }

    fn note(&self, now: Instant) {
        let since = now.saturating_duration_since(self.seen.replace(now));
        let slept = since.saturating_sub(PERIOD);
        self.longest.set(self.longest.get().max(slept));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_once_and_a_short_one_is_none() {
        let awake = Awake::default();
        let begun = clock::now() + Duration::from_secs(3600);
        awake.seen.set(begun);
        awake.note(begun + PERIOD);
        awake.note(begun + 2 * PERIOD + Duration::from_secs(2));
        awake.note(begun + 3 * PERIOD + Duration::from_secs(2));
        assert_eq!(awake.longest_sleep(), Some(Duration::from_secs(2)));
        assert_eq!(awake.longest_sleep(), None);
        awake.note(awake.seen.get() + PERIOD + NOTABLE / 2);
        assert_eq!(awake.longest_sleep(), None);
    }
}
