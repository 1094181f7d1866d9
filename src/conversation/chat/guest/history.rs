use std::collections::VecDeque;

use crate::conversation::Stamp;

/// How many messages a guest remembers of the channel that it is in: more than the room does, so
/// that what the room repeats is found in it.
const REMEMBERED: usize = 64;

/// A message as it was sent to all. Two that have all of this in common are taken to be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) user: String,
    pub(super) text: String,
    pub(super) timestamp: i64,
}

/// The newest messages that were heard in a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History(VecDeque<Said>);

impl History {
    /// One more was heard.
    pub(super) fn push(&mut self, said: Said) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(said);
    }

    /// How many messages at the beginning of what a room repeats have been heard before: the longest
    /// beginning that is an end of what was heard.
    ///
    /// The longest is the right one unless a room repeats so many messages that are the same in
    /// the same second that they fill its whole history.
    pub(super) fn overlap(&self, repeated: &[(Stamp, Said)]) -> usize {
        let longest = self.0.len().min(repeated.len());
        let is_end = |length: &usize| {
            let end = self.0.range(self.0.len() - length..);
            end.eq(repeated[..*length].iter().map(|(_, said)| said))
        };
        (1..=longest).rev().find(is_end).unwrap_or(0)
    }
}
