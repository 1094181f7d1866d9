use super::{RegistrationNews, RegistrationSummaryItem};
use crate::conversation::registration::PublicKey;
use crate::report::Outcome;

/// Adds up a registration.
#[derive(Clone, Debug, Default)]
pub struct RegistrationTally {
    public_key: Option<PublicKey>,
    registered: u64,
    rejected: u64,
    wished: u64,
    delivered: u64,
    refused: u64,
    heard: u64,
    connections: u32,
}

impl RegistrationTally {
    /// It is about this key.
    pub fn set_key(&mut self, key: PublicKey) {
        self.public_key = Some(key);
    }

    /// A connection begins.
    pub fn begin_connection(&mut self) {
        self.connections += 1;
    }

    /// How many connections there have been: more than one only in a replay of several recordings.
    pub fn connections(&self) -> u32 {
        self.connections
    }

    /// A line is to be said.
    pub fn wish(&mut self) {
        self.wished += 1;
    }

    /// How many lines were to be said, and have neither been passed on nor been refused.
    pub fn unsaid(&self) -> u64 {
        self.wished.saturating_sub(self.delivered + self.refused)
    }

    /// How many lines were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes account of what is reported.
    pub fn count(&mut self, news: &RegistrationNews) {
        match news {
            RegistrationNews::Registered { public_key, .. } => {
                self.public_key = public_key.or(self.public_key);
                self.registered += 1;
            }
            RegistrationNews::Rejected { .. } => self.rejected += 1,
            RegistrationNews::Heard { .. } => self.heard += 1,
            RegistrationNews::Delivered { .. } => self.delivered += 1,
            RegistrationNews::Refused { text: Some(_), .. } | RegistrationNews::Overfull { .. } => {
                self.refused += 1
            }
            _ => {}
        }
    }

    /// What it has come to.
    pub fn summary(&self, outcome: Outcome) -> RegistrationSummaryItem {
        RegistrationSummaryItem {
            outcome,
            public_key: self.public_key,
            registered: self.registered,
            rejected: self.rejected,
            delivered: self.delivered,
            refused: self.refused,
            heard: self.heard,
            unsaid: Some(self.unsaid()),
            connections: self.connections,
        }
    }

    /// What it has come to, told from recordings.
    pub fn summary_of_replay(&self, outcome: Outcome) -> RegistrationSummaryItem {
        RegistrationSummaryItem {
            unsaid: None,
            ..self.summary(outcome)
        }
    }
}
