//! How fast somebody may talk, and how fast somebody has been talking.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use super::Stamp;

/// How many messages may come in how much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many,
    pub messages: NonZeroU32,
    /// in any stretch of time of this length.
    pub per: Duration,
}

impl Default for Rate {
    /// More than a person types, and less than a script pastes: 20 in 10 s.
    fn default() -> Self {
        Rate {
            messages: NonZeroU32::new(20).unwrap(),
            per: Duration::from_secs(10),
        }
    }
}

impl Rate {
    /// What somebody is told whose message came too soon.
    pub(super) fn refusal(self) -> String {
        let Rate { messages, per } = self;
        format!("At most {messages} messages in {per:?}: this one is not passed on.")
    }
}

/// How fast somebody has been talking.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When it said what it said last, as far back as it matters.
    recent: VecDeque<Stamp>,
    /// How often it was told to slow down since it was last in time.
    refused: u32,
}

/// What becomes of a message, by how fast it follows others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// It is in time.
    None,
    /// It comes too soon. After this long there is room for one.
    TooFast(Duration),
    /// It comes too soon, and so did as many before it as are allowed in the first place.
    Flood,
}

impl Haste {
    /// Why a connection ends on which there was a flood.
    pub(super) const FLOOD: &str = "too many messages in too short a time";
}

impl Pace {
    /// Counts a message.
    pub(super) fn hurries(&mut self, at: Stamp, rate: Rate) -> Haste {
        let Pace { recent, refused } = self;
        while recent.front().is_some_and(|then| *then + rate.per <= at) {
            recent.pop_front();
        }
        let allowed = rate.messages.get();
        if let Some(oldest) = recent.front()
            && recent.len() >= allowed as usize
        {
            if *refused >= allowed {
                return Haste::Flood;
            }
            *refused += 1;
            return Haste::TooFast((*oldest + rate.per).since(at));
        }
        *refused = 0;
        recent.push_back(at);
        Haste::None
    }
}

/// A wait in whole milliseconds, as it is told: rounded up, so that whoever waits for that long has
/// waited for long enough.
pub(super) fn wait_ms(wait: Duration) -> u64 {
    u64::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_the_millisecond() {
        let told = |micros| wait_ms(Duration::from_micros(micros));
        assert_eq!([told(0), told(1), told(1000), told(1001)], [0, 1, 1, 2]);
        assert_eq!(wait_ms(Duration::MAX), u64::MAX);
    }

    #[test]
    fn whoever_hurries_is_told_how_long_to_wait_and_then_no_more() {
        let rate = Rate {
            messages: NonZeroU32::new(2).unwrap(),
            per: Duration::from_secs(10),
        };
        let at = |seconds| Stamp::after_opening(Duration::from_secs(seconds));
        let too_fast = |seconds| Haste::TooFast(Duration::from_secs(seconds));
        let mut pace = Pace::default();
        for (seconds, expected) in [
            (0, Haste::None),
            (1, Haste::None),
            (2, too_fast(8)),
            (3, too_fast(7)),
            (4, Haste::Flood),
            (10, Haste::None),
            (10, too_fast(1)),
            (11, Haste::None),
        ] {
            assert_eq!(pace.hurries(at(seconds), rate), expected, "{seconds} s");
        }
    }
}
