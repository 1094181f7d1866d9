use super::ChatSummaryItem;
use crate::conversation::chat::{GuestCue, GuestEvent, Heard, Hearing};
use crate::report::Outcome;

/// Adds up a chat.
#[derive(Clone, Debug, Default)]
pub struct ChatTally {
    wished: u64,
    sent: u64,
    received: u64,
    refused: u64,
    connections: u32,
}

impl ChatTally {
    /// Another connection begins.
    pub fn begin_connection(&mut self) {
        self.connections += 1;
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u32 {
        self.connections
    }

    /// A line is to be said.
    pub fn wish(&mut self) {
        self.wished += 1;
    }

    /// How many lines were to be said, and have neither been said nor been refused.
    pub fn unsaid(&self) -> u64 {
        self.wished.saturating_sub(self.sent + self.refused)
    }

    /// How many lines were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes account of what a guest noticed.
    pub fn count(&mut self, event: &GuestEvent) {
        match event {
            GuestEvent::Heard(Heard { how, .. }) => match how {
                Hearing::Own => self.sent += 1,
                Hearing::Live | Hearing::Earlier | Hearing::Missed => self.received += 1,
            },
            GuestEvent::Refused { text: Some(_), .. }
            | GuestEvent::Overfull {
                cue: GuestCue::Say(_),
                ..
            } => self.refused += 1,
            _ => {}
        }
    }

    /// What it has come to.
    pub fn summary(&self, outcome: Outcome) -> ChatSummaryItem {
        ChatSummaryItem {
            outcome,
            sent: self.sent,
            received: self.received,
            refused: self.refused,
            unsaid: Some(self.unsaid()),
            connections: self.connections,
        }
    }

    /// What it has come to, told from recordings.
    pub fn summary_of_replay(&self, outcome: Outcome) -> ChatSummaryItem {
        ChatSummaryItem {
            unsaid: None,
            ..self.summary(outcome)
        }
    }
}
