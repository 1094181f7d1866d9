//! What is reported of a chat.

mod lines;
mod tally;

use serde::Serialize;

pub(super) use self::lines::{ChatLines, write_chat_summary};
pub use self::tally::ChatTally;
use super::Outcome;
use super::units::millis;
use crate::conversation::Stamp;
use crate::conversation::chat::{
    ErrorCode, GuestCue, GuestEvent, Heard, Hearing, NextName, Request, Roster,
};

/// Something that a guest noticed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChatItem {
    /// What it is.
    #[serde(flatten)]
    pub news: ChatNews,
    /// The file, in the replay of a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
}

/// What a guest can notice. `at_ns` counts nanoseconds since the opening of the connection.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChatNews {
    /// It is in a channel now.
    Entered {
        /// When.
        at_ns: u64,
        /// The channel.
        channel: String,
    },
    /// It has a name now.
    Named {
        /// When.
        at_ns: u64,
        /// The name.
        user: String,
    },
    /// It has lost its name, and claims it again.
    Unnamed {
        /// When.
        at_ns: u64,
        /// The name.
        user: String,
    },
    /// It cannot have this name.
    NameRefused {
        /// When.
        at_ns: u64,
        /// The name.
        user: String,
        /// Why, for scripts; null from a server that gives no reason.
        code: Option<ErrorCode>,
        /// Why, for people; empty from a server that gives no reason.
        reason: String,
        /// After how long it is claimed again, where the room may only not have noticed yet that
        /// the connection it belonged to is lost.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_in_ms: Option<f64>,
    },
    /// Somebody said something.
    Message {
        /// When it came in.
        at_ns: u64,
        /// Who.
        user: String,
        /// What.
        text: String,
        /// When it was said: seconds since 1970, by the room's clock.
        timestamp: i64,
        /// `live`, `own`, `earlier` or `missed`.
        how: &'static str,
    },
    /// People came or went, or are there.
    Presence {
        /// When.
        at_ns: u64,
        /// Who came, or is there.
        came: Vec<String>,
        /// Who went.
        went: Vec<String>,
        /// How many are there.
        total: usize,
        /// Whether this lists who is there, rather than who comes and goes.
        roster: bool,
    },
    /// The room refused a line, or something else.
    Refused {
        /// When.
        at_ns: u64,
        /// The line; null if it is something else.
        text: Option<String>,
        /// Why, for scripts.
        code: ErrorCode,
        /// Why, for people.
        reason: String,
    },
    /// Something came too fast for the room, and is asked for again.
    Held {
        /// When.
        at_ns: u64,
        /// After how long it is asked for again.
        retry_in_ms: f64,
        /// `line`, `name` or `channel`.
        what: Request,
    },
    /// The room did not answer in time.
    Unanswered {
        /// When it was given up.
        at_ns: u64,
        /// What an answer was due to: `line`, `name` or `channel`.
        what: Request,
    },
    /// More may have been said while the guest was away than the room remembers.
    Forgotten {
        /// When that was found out.
        at_ns: u64,
    },
    /// Too much waits for its turn already: something is not done.
    Overfull {
        /// When.
        at_ns: u64,
        /// The line that is not said; null if it is something else.
        text: Option<String>,
    },
    /// The room said what makes no sense.
    Odd {
        /// When.
        at_ns: u64,
        /// What it said.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A whole chat, over all of its connections.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ChatSummaryItem {
    /// What came of it.
    pub outcome: Outcome,
    /// How many lines were said: everybody has them.
    pub sent: u64,
    /// How many messages of others were heard, those from before the first connection included.
    pub received: u64,
    /// How many lines the room refused.
    pub refused: u64,
    /// How many lines were left unsaid. `None` for a replay: a recording does not tell what else was
    /// to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsaid: Option<u64>,
    /// How many connections it took.
    pub connections: u32,
}

impl ChatItem {
    /// What a guest noticed, for reporting; with the file, in the replay of a recording.
    pub fn new(event: &GuestEvent, recording: Option<&str>) -> Self {
        ChatItem {
            news: ChatNews::from(event),
            recording: recording.map(str::to_owned),
        }
    }

    /// The same item, each text in it put through `redact`.
    pub(super) fn with_texts(&self, redact: impl Fn(&str) -> String) -> Self {
        let mut item = self.clone();
        let redact_in = |text: &mut String| *text = redact(text);
        match &mut item.news {
            ChatNews::Entered { channel, .. } => redact_in(channel),
            ChatNews::Named { user, .. } | ChatNews::Unnamed { user, .. } => redact_in(user),
            ChatNews::NameRefused { user, reason, .. } => {
                redact_in(user);
                redact_in(reason);
            }
            ChatNews::Message { user, text, .. } => {
                redact_in(user);
                redact_in(text);
            }
            ChatNews::Presence { came, went, .. } => {
                came.iter_mut().chain(went).for_each(redact_in);
            }
            ChatNews::Refused { text, reason, .. } => {
                text.iter_mut().for_each(redact_in);
                redact_in(reason);
            }
            ChatNews::Overfull { text, .. } => text.iter_mut().for_each(redact_in),
            ChatNews::Odd { text, reason, .. } => {
                redact_in(text);
                redact_in(reason);
            }
            ChatNews::Held { .. } | ChatNews::Unanswered { .. } | ChatNews::Forgotten { .. } => {}
        }
        item
    }
}

impl From<&GuestEvent> for ChatNews {
    fn from(event: &GuestEvent) -> Self {
        let at_ns = |at: &Stamp| at.as_nanos();
        match event {
            GuestEvent::Entered { at, channel } => ChatNews::Entered {
                at_ns: at_ns(at),
                channel: channel.clone(),
            },
            GuestEvent::Named { at, name } => ChatNews::Named {
                at_ns: at_ns(at),
                user: name.to_string(),
            },
            GuestEvent::Unnamed { at, name } => ChatNews::Unnamed {
                at_ns: at_ns(at),
                user: name.to_string(),
            },
            GuestEvent::NameRefused {
                at,
                name,
                code,
                reason,
                next,
            } => ChatNews::NameRefused {
                at_ns: at_ns(at),
                user: name.to_string(),
                code: *code,
                reason: reason.clone(),
                retry_in_ms: match next {
                    NextName::Same(again) => Some(millis(again.since(*at))),
                    NextName::Other | NextName::Unknown => None,
                },
            },
            GuestEvent::Heard(Heard {
                at,
                user,
                text,
                timestamp,
                how,
            }) => ChatNews::Message {
                at_ns: at_ns(at),
                user: user.clone(),
                text: text.clone(),
                timestamp: *timestamp,
                how: match how {
                    Hearing::Live => "live",
                    Hearing::Own => "own",
                    Hearing::Earlier => "earlier",
                    Hearing::Missed => "missed",
                },
            },
            GuestEvent::Presence {
                at,
                came,
                went,
                total,
                roster,
            } => ChatNews::Presence {
                at_ns: at_ns(at),
                came: came.clone(),
                went: went.clone(),
                total: *total,
                roster: *roster == Roster::Whole,
            },
            GuestEvent::Refused {
                at,
                text,
                code,
                reason,
            } => ChatNews::Refused {
                at_ns: at_ns(at),
                text: text.clone(),
                code: *code,
                reason: reason.clone(),
            },
            GuestEvent::Held { at, until, what } => ChatNews::Held {
                at_ns: at_ns(at),
                retry_in_ms: millis(until.since(*at)),
                what: *what,
            },
            GuestEvent::Unanswered { at, what } => ChatNews::Unanswered {
                at_ns: at_ns(at),
                what: *what,
            },
            GuestEvent::Forgotten { at } => ChatNews::Forgotten { at_ns: at_ns(at) },
            GuestEvent::Overfull { at, cue } => ChatNews::Overfull {
                at_ns: at_ns(at),
                text: match cue {
                    GuestCue::Say(text) => Some(text.clone()),
                    _ => None,
                },
            },
            GuestEvent::Odd { at, text, reason } => ChatNews::Odd {
                at_ns: at_ns(at),
                text: text.clone(),
                reason: reason.clone(),
            },
        }
    }
}
