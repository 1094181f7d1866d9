//! How fast somebody may talk, and how fast somebody has been talking.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
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
    /// So many times as many messages in the same time.
    pub fn times(self, factor: NonZeroU32) -> Self {
        Rate {
            messages: self.messages.saturating_mul(factor),
            per: self.per,
        }
    }

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

/// What somebody is told whose message came too soon after those of others that it belongs to.
pub(super) const TOO_MUCH_TOGETHER: &str =
    "Too much comes from your address, or from this user: this message is not passed on.";

/// How many budgets are kept at the most. When there are more, the rest share one.
const MOST_BUDGETS: usize = 65_536;

/// How many budgets may be kept before those that are whole again are looked for.
const FEW_BUDGETS: usize = 1024;

/// How often those that are whole again are looked for at the most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What those who belong together may say, over however many connections, one after the other or at
/// once: those of one user, or of one site.
///
/// A budget is as large as the messages of its rate, and grows back steadily. In any stretch of time
/// of the rate's, up to twice as many messages can thus be said, and no more for long. One that is
/// whole again is forgotten.
#[derive(Debug)]
pub struct Budgets<K> {
    /// When each of them will be whole again.
    whole_at: HashMap<K, Stamp>,
    /// The same for those that share one.
    others: Stamp,
    /// How many there may be until those that are whole again are looked for.
    enough: usize,
    /// When that may be done next.
    look_again: Stamp,
}

impl<K> Default for Budgets<K> {
    /// Nobody has said anything yet.
    fn default() -> Self {
        Budgets {
            whole_at: HashMap::new(),
            others: Stamp::OPENING,
            enough: FEW_BUDGETS,
            look_again: Stamp::OPENING,
        }
    }
}

impl<K: Eq + Hash> Budgets<K> {
    /// Counts a message.
    ///
    /// # Errors
    ///
    /// When too many have been said. Then it does not count, and there is room for one after this long.
    pub fn spend(&mut self, at: Stamp, of: K, rate: Rate) -> Result<(), Duration> {
        // Where there are too many, that is not done for each message.
        if self.whole_at.len() >= self.enough && at >= self.look_again {
            self.look_again = at + LOOK_EVERY;
            self.whole_at.retain(|_, whole_at| *whole_at > at);
            self.enough = (2 * self.whole_at.len()).clamp(FEW_BUDGETS, MOST_BUDGETS);
        }
        let is_known = self.whole_at.contains_key(&of);
        let whole_at = if is_known || self.whole_at.len() < MOST_BUDGETS {
            self.whole_at.entry(of).or_insert(at)
        } else {
            &mut self.others
        };
        let next = (*whole_at).max(at) + rate.per / rate.messages.get();
        match next.since(at).checked_sub(rate.per) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *whole_at = next;
                Ok(())
            }
        }
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

    const HUNDRED: Rate = Rate {
        messages: NonZeroU32::new(100).unwrap(),
        per: Duration::from_secs(10),
    };

    #[test]
    fn a_budget_is_spent_over_all_connections_and_grows_back() {
        let mut budgets = Budgets::default();
        let start = Stamp::OPENING;
        for _ in 0..100 {
            assert_eq!(budgets.spend(start, "here", HUNDRED), Ok(()));
        }
        let wait = Duration::from_millis(100);
        assert_eq!(budgets.spend(start, "here", HUNDRED), Err(wait));
        assert_eq!(budgets.spend(start, "there", HUNDRED), Ok(()));
        let later = start + wait;
        assert_eq!(budgets.spend(later, "here", HUNDRED), Ok(()));
        assert_eq!(budgets.spend(later, "here", HUNDRED), Err(wait));
        // Time that goes back is no way out.
        assert_eq!(budgets.spend(start, "here", HUNDRED), Err(2 * wait));
        assert_eq!(budgets.spend(later + HUNDRED.per, "here", HUNDRED), Ok(()));
    }

    #[test]
    fn whoever_speaks_at_the_rate_may_go_on_for_ever() {
        let mut budgets = Budgets::default();
        for number in 0..10_000 {
            let at = Stamp::OPENING + Duration::from_millis(100) * number;
            assert_eq!(budgets.spend(at, (), HUNDRED), Ok(()), "{number}");
        }
    }

    #[test]
    fn budgets_are_bounded_and_forgotten_when_they_are_whole() {
        let mut budgets = Budgets::default();
        let start = Stamp::OPENING;
        for number in 0..MOST_BUDGETS + 100 {
            assert_eq!(budgets.spend(start, number, HUNDRED), Ok(()));
        }
        assert_eq!(budgets.whole_at.len(), MOST_BUDGETS);
        // The others have one together.
        assert!(budgets.spend(start, MOST_BUDGETS, HUNDRED).is_err());
        assert_eq!(budgets.spend(start, 0, HUNDRED), Ok(()));
        let later = start + HUNDRED.per;
        assert_eq!(budgets.spend(later, MOST_BUDGETS, HUNDRED), Ok(()));
        assert_eq!(budgets.whole_at.len(), 1);
    }
}
