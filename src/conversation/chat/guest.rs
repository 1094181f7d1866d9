mod history;
mod listener;
mod memory;
mod party;
#[cfg(test)]
mod tests;
mod witness;

pub use memory::Memory;
pub use party::Guest;
pub use witness::Witness;

use secrecy::SecretString;
use serde::Serialize;

use super::{ChannelName, ErrorCode, UserName};
use crate::conversation::Stamp;

/// How a guest is to behave.
#[derive(Clone, Debug)]
pub struct GuestSettings {
    /// The name that it claims.
    pub name: UserName,
    /// The ticket to show first, if the URL has none and one is needed.
    pub ticket: Option<SecretString>,
}

/// What a person can have a guest do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestCue {
    /// Say this to all in the channel. Lines are said one after the other: the next one once the
    /// room has sent this one back, or refused it.
    Say(String),
    /// Go to another channel, once all that was to be said has been said.
    Join(ChannelName),
    /// Go by another name: the answer to a [refused](GuestEvent::NameRefused) one, or a new wish.
    Rename(UserName),
    /// Leave once all that was to be said has been said.
    Finish,
}

/// What a guest notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestEvent {
    /// It is in this channel now.
    Entered {
        /// When.
        at: Stamp,
        /// The channel, as the room calls it.
        channel: String,
    },
    /// The name is its own.
    Named {
        /// When.
        at: Stamp,
        /// The name.
        name: UserName,
    },
    /// The name is its own no more, for want of a heartbeat that was answered in time. It is being
    /// claimed again.
    Unnamed {
        /// When.
        at: Stamp,
        /// The name.
        name: UserName,
    },
    /// The room refuses the name. A guest that has another keeps that one; otherwise, what is to be
    /// said waits for [another](GuestCue::Rename).
    NameRefused {
        /// When.
        at: Stamp,
        /// The name.
        name: UserName,
        /// Why, for programs. `None` from a server that gives no reason.
        code: Option<ErrorCode>,
        /// Why, in the room's words; empty from a server that gives no reason.
        reason: String,
        /// What comes of it.
        next: NextName,
    },
    /// Somebody said something.
    Heard(Heard),
    /// Who has come and gone.
    Presence {
        /// When.
        at: Stamp,
        /// Who has come.
        came: Vec<String>,
        /// Who has gone.
        went: Vec<String>,
        /// How many are there.
        total: usize,
        /// Whether this is the list of those who were there already.
        roster: Roster,
    },
    /// The room refused something: a line, which is not said then, or something else.
    Refused {
        /// When.
        at: Stamp,
        /// The line that is lost, if it is one.
        text: Option<String>,
        /// Why, for programs.
        code: ErrorCode,
        /// Why, in the room's words.
        reason: String,
    },
    /// The room wants something more slowly: it is asked for it again later.
    Held {
        /// When.
        at: Stamp,
        /// When it is asked for again.
        until: Stamp,
        /// What it is.
        what: Request,
    },
    /// The room has let this go unanswered for too long. The guest waits on; whoever drives it may
    /// take the connection for lost, so that the next one finds out what came of it.
    Unanswered {
        /// When it was given up.
        at: Stamp,
        /// What it is.
        what: Request,
    },
    /// All that the room remembers is new: more may have been said while the guest was away.
    Forgotten {
        /// When it was found out.
        at: Stamp,
    },
    /// So much waits for its turn already that there was no room for this.
    Overfull {
        /// When.
        at: Stamp,
        /// What is not done.
        cue: GuestCue,
    },
    /// The room said what makes no sense.
    Odd {
        /// When.
        at: Stamp,
        /// What it said; empty if that is no text, or nothing at all.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Which name a guest goes by after one was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextName {
    /// The same: it claims that again by itself then. The name was its own on a connection that was
    /// lost, and the room may not have noticed that yet.
    Same(Stamp),
    /// Another, which it has or has been told to claim.
    Other,
    /// It waits to be [told](GuestCue::Rename) one.
    Unknown,
}

/// What a guest wants of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// To be let into a channel.
    Channel,
    /// To be given a name.
    Name,
    /// To have a line said.
    Line,
}

/// Something that was said in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When it came in.
    pub at: Stamp,
    /// By whom it was said.
    pub user: String,
    /// What was said.
    pub text: String,
    /// When it was said: seconds since 1970, by the room's clock.
    pub timestamp: i64,
    /// How it came to be heard.
    pub how: Hearing,
}

/// How something came to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// As it was said.
    Live,
    /// It is what the guest itself has said, back from the room: everybody has it.
    Own,
    /// It was said before the guest first came.
    Earlier,
    /// It was said while the guest was away: its connection had been lost.
    Missed,
}

/// Whether a presence lists those who are there, or tells who comes and goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roster {
    /// The first presence after the entry.
    Whole,
    /// Any other.
    #[default]
    Change,
}
