use std::collections::VecDeque;

use super::history::History;
use crate::conversation::chat::{ChannelName, UserName};

/// What a guest takes along from a connection that was lost to the next one. A new one remembers
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What is still to be done, in order.
    pub(super) tasks: VecDeque<Task>,
    /// The line that had been sent and has not come back: it may have been heard or not.
    pub(super) line: Option<Line>,
    /// Where it was.
    pub(super) channel: Option<String>,
    /// What it heard there; `None` if it was gone before it had heard what was said before it came.
    pub(super) heard: Option<History>,
    /// The name that it goes by, or would like to.
    pub(super) name: Option<UserName>,
    /// Whether the name was its own.
    pub(super) had_name: bool,
    /// Whether it leaves once nothing is left to be said.
    pub(super) is_finishing: bool,
}

/// One thing that a person wants done, in its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Say(String),
    Join(ChannelName),
    Rename(UserName),
}

/// A line that has been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// The name under which it was sent.
    pub(super) by: String,
}

/// What is to be seen of it from outside, which only tests look at.
#[cfg(test)]
impl Memory {
    /// How many lines have not been said yet, as far as is known.
    pub(super) fn unsaid(&self) -> usize {
        let waiting = self.tasks.iter().filter(|it| matches!(it, Task::Say(_)));
        waiting.count() + usize::from(self.line.is_some())
    }

    /// Whether the guest was to leave, and has nothing left to do: there is nothing to connect for.
    pub(super) fn is_done(&self) -> bool {
        self.is_finishing && self.tasks.is_empty() && self.line.is_none()
    }

    /// The name that the guest goes by, or would like to; `None` for one that was never there.
    pub(super) fn name(&self) -> Option<&UserName> {
        self.name.as_ref()
    }

    /// The channel that the guest was in, as the room calls it.
    pub(super) fn channel(&self) -> Option<&str> {
        self.channel.as_deref()
    }
}
