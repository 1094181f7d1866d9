use super::units::{share, signed_millis};
use super::{ChatTally, Item, LossItem, Outcome, RegistrationTally, SummaryItem};
use crate::conversation::challenge::{Beat, PlayerEvent, Verdict};

/// Adds up a run: the rounds of its newest attempt, or of all recordings that it replays, and the
/// chats and registrations among these.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    attempts: u32,
    secret: Option<String>,
    recordings: Option<usize>,
    differences: Option<u32>,
    rounds: u32,
    worst_margin_ns: Option<i64>,
    least_confidence: Option<f64>,
    loss: Option<LossItem>,
    /// Of the beats whose interval is not known to be wrong.
    lateness: Lateness,
    /// The lateness of the newest beat, which an `ouch!` may still take out of account.
    newest_ns: Option<i64>,
    /// Of the recorded chats, each of which was one connection.
    chats: ChatTally,
    /// Of the recorded registrations, each of which was one connection.
    registrations: RegistrationTally,
    /// Nobody judged today's answer to the beat that comes next.
    next_differs: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lateness {
    count: i64,
    sum_ns: i64,
    worst_ns: i64,
}

impl Tally {
    /// Another attempt begins: what came before counts no more.
    pub fn begin_attempt(&mut self) {
        *self = Tally {
            attempts: self.attempts + 1,
            ..Tally::default()
        };
    }

    /// Another recording is replayed, on top of those before.
    pub fn begin_recording(&mut self) {
        self.settle_newest();
        *self.recordings.get_or_insert(0) += 1;
        self.differences.get_or_insert(0);
    }

    /// Another recorded chat is replayed.
    pub fn begin_chat(&mut self) -> &mut ChatTally {
        self.chats.begin_connection();
        &mut self.chats
    }

    /// Another recorded registration is replayed.
    pub fn begin_registration(&mut self) -> &mut RegistrationTally {
        self.registrations.begin_connection();
        &mut self.registrations
    }

    /// The beat that comes next was recorded, and is answered differently now.
    pub fn differs(&mut self) {
        self.next_differs = true;
        *self.differences.get_or_insert(0) += 1;
    }

    /// Takes account of what a player noticed.
    pub fn count(&mut self, event: &PlayerEvent) {
        match event {
            PlayerEvent::Beat(beat) => self.beat(beat),
            PlayerEvent::Verdict { verdict, .. } => match verdict {
                Verdict::Good => self.settle_newest(),
                Verdict::Ouch => self.newest_ns = None,
            },
            PlayerEvent::Lost(loss) => self.loss = Some(LossItem::new(loss)),
            PlayerEvent::Secret { secret, .. } => self.secret = Some(secret.clone()),
            _ => {}
        }
    }

    /// The newest beat stands: no verdict on it comes any more.
    fn settle_newest(&mut self) {
        let Some(newest) = self.newest_ns.take() else {
            return;
        };
        let Lateness {
            count,
            sum_ns,
            worst_ns,
        } = self.lateness;
        self.lateness = Lateness {
            count: count + 1,
            sum_ns: sum_ns.saturating_add(newest),
            worst_ns: if count == 0 {
                newest
            } else {
                worst_ns.max(newest)
            },
        };
    }

    /// How many attempts were begun.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    fn beat(&mut self, beat: &Beat) {
        self.settle_newest();
        self.rounds += 1;
        let is_judged = !std::mem::take(&mut self.next_differs);
        self.newest_ns = is_judged.then(|| beat.estimate.lateness_ns());
        let margin_ns = beat.estimate.margin_ns();
        let worst_ns = self.worst_margin_ns.get_or_insert(margin_ns);
        *worst_ns = margin_ns.min(*worst_ns);
        if let Some(confidence) = beat.estimate.confidence() {
            let least = self.least_confidence.get_or_insert(confidence);
            *least = confidence.min(*least);
        }
    }

    /// The summaries of a run that came to this: of its rounds, and of the chats and registrations
    /// that it replayed. A replay of these alone has no rounds to speak of.
    pub fn summaries(self, outcome: Outcome) -> Vec<Item> {
        let has_chats = self.chats.connections() > 0;
        let chats = has_chats.then(|| Item::ChatSummary(self.chats.summary_of_replay(outcome)));
        let has_registrations = self.registrations.connections() > 0;
        let registrations = has_registrations
            .then(|| Item::RegistrationSummary(self.registrations.summary_of_replay(outcome)));
        let has_rounds = !(has_chats || has_registrations) || self.recordings.is_some();
        let rounds = has_rounds.then(|| Item::Summary(self.summary(outcome)));
        let summaries = [rounds, chats, registrations];
        summaries.into_iter().flatten().collect()
    }

    /// The summary of the rounds of a run that came to this.
    pub fn summary(mut self, outcome: Outcome) -> SummaryItem {
        self.settle_newest();
        let Lateness {
            count,
            sum_ns,
            worst_ns,
        } = self.lateness;
        SummaryItem {
            outcome,
            rounds: self.rounds,
            attempts: self.attempts,
            secret: self.secret,
            worst_margin_ms: self.worst_margin_ns.map(signed_millis),
            mean_lateness_ms: (count > 0).then(|| signed_millis(sum_ns / count.max(1))),
            worst_lateness_ms: (count > 0).then(|| signed_millis(worst_ns)),
            least_confidence: self.least_confidence.map(share),
            loss: self.loss,
            recordings: self.recordings,
            differences: self.differences,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Stamp;
    use crate::conversation::challenge::{Estimate, Interval, Round};
    use std::time::Duration;

    fn beat(elapsed_ms: u64) -> PlayerEvent {
        let elapsed = Duration::from_millis(elapsed_ms);
        PlayerEvent::Beat(Beat {
            round: Round::FIRST,
            at: Stamp::OPENING,
            elapsed,
            estimate: Estimate {
                interval: Interval::nearest(elapsed),
                corrected: elapsed,
                probabilities: None,
            },
            answered_in: None,
        })
    }

    fn ouch() -> PlayerEvent {
        PlayerEvent::Verdict {
            at: Stamp::OPENING,
            round: None,
            verdict: Verdict::Ouch,
        }
    }

    #[test]
    fn a_lost_round_has_a_margin_and_no_lateness() {
        let mut tally = Tally::default();
        for event in [beat(690), beat(1530), beat(1760), ouch()] {
            tally.count(&event);
        }
        let summary = tally.summary(Outcome::Lost);
        assert_eq!(summary.rounds, 3);
        assert_eq!(summary.worst_margin_ms, Some(10.0));
        assert_eq!(summary.mean_lateness_ms, Some(10.0));
        assert_eq!(summary.worst_lateness_ms, Some(30.0));
    }

    #[test]
    fn an_answer_that_nobody_judged_has_no_lateness() {
        let mut tally = Tally::default();
        tally.begin_recording();
        tally.count(&beat(720));
        tally.differs();
        tally.count(&beat(1740));
        let summary = tally.summary(Outcome::Ended);
        assert_eq!((summary.rounds, summary.differences), (2, Some(1)));
        assert_eq!(summary.mean_lateness_ms, Some(20.0));
    }

    #[test]
    fn chats_are_added_up_apart_from_rounds() {
        let kinds = |tally: &Tally| -> Vec<_> {
            let summaries = tally.clone().summaries(Outcome::Ended);
            let kind = |item: &Item| match item {
                Item::Summary(_) => "rounds",
                Item::ChatSummary(chats) if chats.connections == 1 => "a chat",
                Item::RegistrationSummary(_) => "a registration",
                other => panic!("{other:?}"),
            };
            summaries.iter().map(kind).collect()
        };
        let mut tally = Tally::default();
        assert_eq!(kinds(&tally), ["rounds"]);
        tally.begin_chat();
        assert_eq!(kinds(&tally), ["a chat"]);
        tally.begin_recording();
        assert_eq!(kinds(&tally), ["rounds", "a chat"]);
        tally.begin_registration();
        assert_eq!(kinds(&tally), ["rounds", "a chat", "a registration"]);
        let mut tally = Tally::default();
        tally.begin_registration();
        assert_eq!(kinds(&tally), ["a registration"]);
    }

    #[test]
    fn only_the_newest_attempt_counts() {
        let mut tally = Tally::default();
        tally.begin_attempt();
        tally.count(&beat(690));
        tally.begin_attempt();
        tally.count(&beat(720));
        let summary = tally.summary(Outcome::Solved);
        assert_eq!((summary.attempts, summary.rounds), (2, 1));
        assert_eq!(summary.mean_lateness_ms, Some(20.0));
    }

    #[test]
    fn without_beats_there_is_nothing_to_say() {
        let summary = Tally::default().summary(Outcome::Failed);
        assert_eq!(summary.worst_margin_ms, None);
        assert_eq!(summary.mean_lateness_ms, None);
    }

    #[test]
    fn beats_that_are_always_early_have_a_negative_worst() {
        let mut tally = Tally::default();
        tally.count(&beat(695));
        tally.count(&beat(690));
        let summary = tally.summary(Outcome::Solved);
        assert_eq!(summary.worst_lateness_ms, Some(-5.0));
    }
}
