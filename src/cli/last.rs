use crate::report::{
    ChatTally, Item, Outcome, PingSummaryItem, PingTallies, RegistrationTally, Tally,
};

/// What is reported last, whatever came of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// Nothing but what the command itself reports.
    Nothing,
    /// The summary of rounds that were played or judged, and of what else was replayed.
    Rounds,
    /// The summaries of round trips, one for each target.
    RoundTrips,
    /// The summary of a chat.
    Chat,
    /// The summary of a registration.
    Registration,
}

/// What the commands add up, each its own.
#[derive(Default)]
pub(super) struct Tallies {
    pub(super) rounds: Tally,
    pub(super) pinged: PingTallies,
    pub(super) chat: ChatTally,
    pub(super) registration: RegistrationTally,
}

impl Last {
    /// The summaries of a run that came to this.
    pub(super) fn summaries(self, tallies: Tallies, outcome: Outcome) -> Vec<Item> {
        match self {
            Last::Nothing => Vec::new(),
            Last::Rounds => tallies.rounds.summaries(outcome),
            Last::Chat => vec![Item::ChatSummary(tallies.chat.summary(outcome))],
            Last::Registration => {
                let summary = tallies.registration.summary(outcome);
                vec![Item::RegistrationSummary(summary)]
            }
            Last::RoundTrips => {
                let pinged = tallies.pinged.lock();
                if pinged.is_empty() {
                    // It failed before there was a target.
                    let none = PingSummaryItem {
                        outcome,
                        ..PingSummaryItem::default()
                    };
                    return vec![Item::PingSummary(none)];
                }
                let summaries = pinged.iter().map(|tally| tally.summary(outcome));
                summaries.map(Item::PingSummary).collect()
            }
        }
    }
}
