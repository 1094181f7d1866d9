//! How a guest comes by its name.

use std::time::Duration;

use super::Guest;
use crate::conversation::Stamp;
use crate::conversation::chat::guest::NextName;
use crate::conversation::chat::guest::memory::Task;
use crate::conversation::chat::{ErrorCode, UserName};

/// For how long a name that is taken is claimed again after a reconnection, and how often: a room
/// with heartbeats every 30 s and 10 s for the answer notices after 40 s that the guest is gone.
const GHOST_FOR: Duration = Duration::from_secs(60);
const GHOST_EVERY: Duration = Duration::from_secs(5);

/// Whether the name is claimed when it is not the guest's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claiming {
    /// It is.
    Now,
    /// It will be then.
    Later(Stamp),
    /// It was refused: a person has to choose another.
    Refused,
}

impl Guest {
    /// Another name is wanted.
    pub(super) fn wish_for(&mut self, name: UserName) {
        self.had_name &= name == self.name;
        self.name = name;
        self.claiming = Claiming::Now;
    }

    /// A name is refused. Gives the one that the guest goes by next.
    pub(super) fn name_refused(
        &mut self,
        at: Stamp,
        name: &UserName,
        code: Option<ErrorCode>,
    ) -> NextName {
        if *name != self.name {
            // There is another wish already.
            return NextName::Other;
        }
        let is_ghost = self.had_name && code == Some(ErrorCode::NameTaken);
        if is_ghost && at < Stamp::OPENING + GHOST_FOR {
            let again = at + GHOST_EVERY;
            self.claiming = Claiming::Later(again);
            return NextName::Same(again);
        }
        self.had_name = false;
        let is_rename = |task: &Task| matches!(task, Task::Rename(_));
        if let Some(name) = &self.listener.name {
            self.name = name.clone();
            self.had_name = true;
            NextName::Other
        } else if let Some(position) = self.tasks.iter().position(is_rename)
            && let Some(Task::Rename(name)) = self.tasks.remove(position)
        {
            self.wish_for(name);
            NextName::Other
        } else {
            self.claiming = Claiming::Refused;
            NextName::Unknown
        }
    }
}
