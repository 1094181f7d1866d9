//! The beats of a session against their windows.

mod drawing;

use std::collections::VecDeque;
use std::time::Duration;

use crate::conversation::challenge::{
    AMBIGUOUS, Beat, Interval, Loss, LossReason, PlayerEvent, Verdict,
};

pub use drawing::beats;

/// How many rounds are kept: as many as the practice server plays at the most.
const KEPT: usize = 10_000;

/// How many rounds are drawn at the most: each has two pixels of its own.
const DRAWN: usize = 500;

/// Margins below this are written beside their beats.
const NARROW_NS: i64 = 50_000_000;

/// The rounds of a session, as they are drawn. Of a session that is longer than any that can be won
/// the newest are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beats {
    rounds: VecDeque<Kept>,
    forgotten: u64,
}

/// What is drawn of a round.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    round: u32,
    elapsed: Duration,
    corrected: Duration,
    interval: Interval,
    margin_ns: i64,
    confidence: Option<f64>,
    fate: Fate,
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    /// Nobody said.
    Unjudged,
    Good,
    /// `ouch!`, and why; `None` where it was not for this answer: a recording is judged again, and
    /// another answer was given then.
    Ouch(Option<(LossReason, String)>),
}

impl Beats {
    /// Takes account of what a player noticed.
    pub fn count(&mut self, event: &PlayerEvent) {
        match event {
            PlayerEvent::Beat(beat) => {
                if self.rounds.len() == KEPT {
                    self.rounds.pop_front();
                    self.forgotten += 1;
                }
                self.rounds.push_back(Kept::new(beat));
            }
            PlayerEvent::Verdict {
                round: Some(round),
                verdict,
                ..
            } => self.judge(
                round.number(),
                match verdict {
                    Verdict::Good => Fate::Good,
                    Verdict::Ouch => Fate::Ouch(None),
                },
            ),
            PlayerEvent::Lost(loss) => self.judge(loss.round.number(), Fate::explained(loss)),
            _ => {}
        }
    }

    /// Verdicts are on the newest round.
    fn judge(&mut self, round: u32, fate: Fate) {
        if let Some(newest) = self.rounds.back_mut().filter(|kept| kept.round == round) {
            newest.fate = fate;
        }
    }

    /// The rounds to draw, and of how many in a row each is the most doubtful one.
    fn chosen(&self) -> (Vec<&Kept>, usize) {
        let rounds: Vec<&Kept> = self.rounds.iter().collect();
        let of = rounds.len().div_ceil(DRAWN).max(1);
        let chosen = rounds.chunks(of).filter_map(|some| {
            let doubt = |one: &&&Kept, other: &&&Kept| one.doubt().total_cmp(&other.doubt());
            some.iter().max_by(doubt).copied()
        });
        (chosen.collect(), of)
    }

    /// The rounds, what became of them, and the least of what there is to be sure of.
    fn numbers(&self) -> String {
        let count = |is: fn(&Fate) -> bool| self.rounds.iter().filter(|it| is(&it.fate)).count();
        let all = self.rounds.len() as u64 + self.forgotten;
        let plural = if all == 1 { "" } else { "s" };
        let mut text = format!("{all} round{plural}");
        if self.forgotten > 0 {
            text += &format!(", the last {} of them here", self.rounds.len());
        }
        for (number, word) in [
            (count(|fate| *fate == Fate::Good), "good"),
            (count(|fate| matches!(fate, Fate::Ouch(_))), "ouch"),
            (count(|fate| *fate == Fate::Unjudged), "not judged"),
        ] {
            if number > 0 {
                text += &format!(", {number} {word}");
            }
        }
        if let Some(margin) = self.rounds.iter().map(|kept| kept.margin_ns).min() {
            text += &format!("; narrowest margin {}", margin_text(margin));
        }
        let confidences = self.rounds.iter().filter_map(|kept| kept.confidence);
        if let Some(least) = confidences.min_by(f64::total_cmp) {
            text += &format!("; least sure {:.1} %", least * 100.0);
        }
        text
    }

    /// Why the last round that was lost was lost.
    fn loss(&self) -> Option<String> {
        self.rounds.iter().rev().find_map(|kept| match &kept.fate {
            Fate::Ouch(Some((_, words))) => Some(format!("Round {} was lost: {words}", kept.round)),
            _ => None,
        })
    }
}

impl Kept {
    fn new(beat: &Beat) -> Self {
        Kept {
            round: beat.round.number(),
            elapsed: beat.elapsed,
            corrected: beat.estimate.corrected,
            interval: beat.estimate.interval,
            margin_ns: beat.estimate.margin_ns(),
            confidence: beat.estimate.confidence(),
            fate: Fate::Unjudged,
        }
    }

    /// How much there is to say about a round: more for a lost one, or else for one that the
    /// estimator was less sure of, or that was nearer to the edge.
    fn doubt(&self) -> f64 {
        let lost = if matches!(self.fate, Fate::Ouch(_)) {
            1e6
        } else {
            0.0
        };
        let unsure = 1.0 - self.confidence.unwrap_or(1.0);
        lost + unsure * 1e3 - self.margin_ns as f64 / 1e10
    }

    /// What is to be written beside the beat, line by line: a narrow margin, and how sure the
    /// estimator was if it was not.
    fn remarks(&self) -> Vec<String> {
        let narrow = self.margin_ns < NARROW_NS;
        let unsure = self.confidence.filter(|share| *share < AMBIGUOUS);
        narrow
            .then(|| margin_text(self.margin_ns))
            .into_iter()
            .chain(unsure.map(|share| format!("{:.0} %", share * 100.0)))
            .collect()
    }
}

impl Fate {
    fn explained(loss: &Loss) -> Self {
        Fate::Ouch(Some((loss.reason, loss.to_string())))
    }

    /// The verdict in a few words, if it is one to mark.
    fn mark(&self) -> Option<&'static str> {
        match self {
            Fate::Unjudged | Fate::Good => None,
            Fate::Ouch(None) => Some("ouch! for another answer"),
            Fate::Ouch(Some((reason, _))) => Some(match reason {
                LossReason::TooLate => "ouch! too late",
                LossReason::Ambiguous => "ouch! ambiguous",
                LossReason::Surprising => "ouch! surprising",
                LossReason::Slept(_) => "ouch! slept",
            }),
        }
    }
}

/// Whole milliseconds, or tenths of a few, with a proper minus.
fn margin_text(margin_ns: i64) -> String {
    let ms = margin_ns as f64 / 1e6;
    let decimals = usize::from(ms.abs() < 9.95);
    format!("{ms:.decimals$} ms").replace('-', "−")
}
