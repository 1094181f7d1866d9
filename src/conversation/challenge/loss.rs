use std::fmt;
use std::time::Duration;

use super::interval::nanos;
use super::{Estimate, Interval, Round};

/// Why a round was lost, as far as its player can tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// The round.
    pub round: Round,
    /// The answer, and what it was made of.
    pub estimate: Estimate,
    /// From when the answer had been written to when the `ouch!` came.
    pub verdict_after: Duration,
    /// What it was.
    pub reason: LossReason,
}

/// What can lose a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
    /// The beat came so late, or the answer travelled for so long, that the server had given up
    /// waiting.
    TooLate,
    /// Another interval was nearly as probable as the one that was answered.
    Ambiguous,
    /// Neither: nothing about the answer looked uncertain, and yet it was wrong.
    Surprising,
    /// The player's program did not run for this long in the round: its stamps are not those of
    /// what arrived. Only whoever runs the player can know.
    Slept(Duration),
}

impl LossReason {
    fn is_about_margins(self) -> bool {
        matches!(self, LossReason::Ambiguous | LossReason::Surprising)
    }

    /// The reason in a word, as scripts read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            LossReason::TooLate => "too_late",
            LossReason::Ambiguous => "ambiguous",
            LossReason::Surprising => "surprising",
            LossReason::Slept(_) => "slept",
        }
    }
}

/// Answers less probable than this are called ambiguous: one in ten of them is wrong.
pub const AMBIGUOUS: f64 = 0.9;

/// Without probabilities, an answer is called ambiguous when its elapsed time is this near to the
/// edge of its window: all but the fifth of it around the interval, since whoever measures from beat
/// to beat is off by the lateness of two.
const NEAR_THE_EDGE_NS: i64 = 200_000_000;

/// How much sooner than the fastest verdict another has to come before that means anything: on a
/// fast network such times differ by themselves.
const NOTICEABLE: Duration = Duration::from_millis(10);

impl Loss {
    /// Explains an `ouch!`. `fastest` is the shortest time from an answer to a `good!` so far.
    pub(super) fn explain(
        round: Round,
        estimate: Estimate,
        verdict_after: Duration,
        fastest: Option<Duration>,
    ) -> Self {
        let reason = if was_missed(&estimate, verdict_after, fastest) {
            LossReason::TooLate
        } else if match estimate.confidence() {
            Some(confidence) => confidence < AMBIGUOUS,
            None => estimate.margin_ns() < NEAR_THE_EDGE_NS,
        } {
            LossReason::Ambiguous
        } else {
            LossReason::Surprising
        };
        Loss {
            round,
            estimate,
            verdict_after,
            reason,
        }
    }

    /// The same loss, of a program that did not run for this long in the round.
    pub fn of_sleep(self, slept: Duration) -> Self {
        Loss {
            reason: LossReason::Slept(slept),
            ..self
        }
    }

    /// Whether the margin has something to say of it. Of what was lost by the time it took, a wide
    /// one says nothing.
    pub fn is_about_margins(&self) -> bool {
        self.reason.is_about_margins()
    }
}

/// Whether the `ouch!` came in place of the next beat rather than for a wrong answer.
///
/// A verdict on an answer cannot come much sooner after it than the fastest one did. And an `ouch!`
/// in place of a beat comes no earlier than the shortest interval after the beat before, while one
/// for a wrong answer comes as fast as any verdict.
fn was_missed(estimate: &Estimate, verdict_after: Duration, fastest: Option<Duration>) -> bool {
    let Some(fastest) = fastest else {
        return verdict_after >= Interval::Ms700.duration();
    };
    let late_by = Duration::from_nanos(u64::try_from(estimate.lateness_ns()).unwrap_or(0));
    let came_early = verdict_after.saturating_add(NOTICEABLE) < fastest / 2;
    let since_due = late_by.saturating_add(verdict_after);
    let came_like_a_beat = since_due >= Interval::Ms700.duration();
    came_early || (came_like_a_beat && verdict_after > fastest.saturating_mul(2))
}

/// The reason in words, to follow on the number of the round.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Loss {
            estimate,
            verdict_after,
            ..
        } = self;
        let answer = Guess(estimate, estimate.interval);
        match self.reason {
            LossReason::TooLate => write!(
                f,
                "its answer was too late: it was {answer}, and {:.0} ms after the answer had left \
                 came word that the server had given up",
                verdict_after.as_secs_f64() * 1e3
            ),
            LossReason::Ambiguous => {
                let other = Guess(estimate, estimate.runner_up());
                write!(f, "its beat was ambiguous: {answer}, or {other}")
            }
            LossReason::Surprising => write!(
                f,
                "its answer was wrong or too late, though little spoke against {answer}"
            ),
            LossReason::Slept(slept) => write!(
                f,
                "this program slept for {:.1} s of it: it was stopped, or the machine gave it no turn",
                slept.as_secs_f64()
            ),
        }?;
        if !self.is_about_margins() {
            return Ok(());
        }
        let margin = estimate.margin_ns() as f64 / 1e6;
        write!(f, "; margin {margin:.1} ms")
    }
}

/// An interval, how late the beat was if it was that one, and how probable that is:
/// `2000 and 270 ms late (55.0 %)`.
struct Guess<'a>(&'a Estimate, Interval);

impl fmt::Display for Guess<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Guess(estimate, interval) = self;
        let late = nanos(estimate.corrected) - nanos(interval.duration());
        let word = if late < 0 { "early" } else { "late" };
        write!(
            f,
            "{interval} and {:.0} ms {word}",
            (late as f64 / 1e6).abs()
        )?;
        match estimate.probability(*interval) {
            Some(share) => write!(f, " ({:.1} %)", share * 100.0),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn estimate(
        corrected_ms: u32,
        interval: Interval,
        probable: Option<(Interval, f64)>,
    ) -> Estimate {
        let probabilities = probable.map(|(other, share)| {
            let mut of = [0.0; 5];
            of[interval as usize] = 1.0 - share;
            of[other as usize] = share;
            of
        });
        Estimate {
            interval,
            corrected: corrected_ms * MS,
            probabilities,
        }
    }

    fn explained(estimate: Estimate, verdict_after_ms: u32, fastest_ms: Option<u32>) -> String {
        let fastest = fastest_ms.map(|ms| ms * MS);
        Loss::explain(Round::FIRST, estimate, verdict_after_ms * MS, fastest).to_string()
    }

    #[test]
    fn losses_are_told_in_words() {
        use Interval::{Ms1500, Ms2000, Ms2500};
        let between = estimate(2270, Ms2000, Some((Ms2500, 0.45)));
        assert_eq!(
            explained(between.clone(), 80, Some(80)),
            "its beat was ambiguous: 2000 and 270 ms late (55.0 %), or 2500 and 230 ms early (45.0 %); \
             margin -20.0 ms"
        );
        assert_eq!(
            explained(between, 10, Some(80)),
            "its answer was too late: it was 2000 and 270 ms late (55.0 %), and 10 ms after the \
             answer had left came word that the server had given up"
        );
        let sure = estimate(1502, Ms1500, Some((Ms2000, 0.001)));
        assert_eq!(
            explained(sure.clone(), 90, Some(80)),
            "its answer was wrong or too late, though little spoke against 1500 and 2 ms late (99.9 %); margin 248.0 ms"
        );
        assert!(explained(sure.clone(), 720, Some(80)).contains("too late"));
        assert!(explained(sure.clone(), 720, None).contains("too late"));
        assert!(explained(sure.clone(), 90, None).contains("wrong or too late"));
        // Two verdicts on a fast network: the second one is merely faster.
        let on_loopback = Loss::explain(
            Round::FIRST,
            sure,
            Duration::from_micros(80),
            Some(Duration::from_micros(200)),
        );
        assert_eq!(on_loopback.reason, LossReason::Surprising);
        let asleep = on_loopback.of_sleep(Duration::from_millis(1540));
        assert_eq!(asleep.reason.as_str(), "slept");
        assert_eq!(
            asleep.to_string(),
            "this program slept for 1.5 s of it: it was stopped, or the machine gave it no turn"
        );
        let near = estimate(1740, Ms1500, None);
        assert_eq!(
            explained(near, 80, Some(80)),
            "its beat was ambiguous: 1500 and 240 ms late, or 2000 and 260 ms early; margin 10.0 ms"
        );
    }
}
