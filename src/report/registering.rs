//! What is reported of a registration.

mod lines;
mod tally;

use serde::Serialize;

pub(super) use self::lines::{RegistrationLines, write_key, write_registration_summary};
pub use self::tally::RegistrationTally;
use super::Outcome;
use super::units::millis;
use crate::conversation::Stamp;
use crate::conversation::registration::{ErrorCode, PublicKey, RegistrantEvent, Request};

/// The key that a registration is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyItem {
    /// The public key, in unpadded base64url.
    pub public_key: PublicKey,
    /// The file that holds it; null for a key of this run only.
    pub file: Option<String>,
    /// Whether it was made just now.
    pub is_new: bool,
}

/// Something that a registrant noticed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegistrationItem {
    /// What it is.
    #[serde(flatten)]
    pub news: RegistrationNews,
    /// The file, in the replay of a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
}

/// What a registrant can notice. `at_ns` counts nanoseconds since the opening of the connection.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RegistrationNews {
    /// Its key is registered.
    Registered {
        /// When.
        at_ns: u64,
        /// The key; null where a recording does not tell.
        public_key: Option<PublicKey>,
    },
    /// The registrar did not take its answer.
    Rejected {
        /// When.
        at_ns: u64,
        /// How many more challenges may go without the right answer.
        retries: u32,
    },
    /// Its key is registered no more.
    Unregistered {
        /// When.
        at_ns: u64,
        /// Why, in the registrar's words.
        reason: String,
    },
    /// The registrar wants something signed that names another host, or is no challenge at all.
    Foreign {
        /// When.
        at_ns: u64,
        /// What was to be signed.
        challenge: String,
    },
    /// Somebody said something.
    Heard {
        /// When it came in.
        at_ns: u64,
        /// Who: the key.
        from: PublicKey,
        /// What.
        text: String,
        /// When it was said: seconds since 1970, by the registrar's clock.
        timestamp: i64,
    },
    /// A line was passed on.
    Delivered {
        /// When that was known.
        at_ns: u64,
        /// The line.
        text: String,
        /// To whom it was said; null for everybody.
        to: Option<PublicKey>,
        /// How many connections it was passed on to.
        connections: usize,
    },
    /// The registrar refused a line, or something else.
    Refused {
        /// When.
        at_ns: u64,
        /// The line; null if it is something else.
        text: Option<String>,
        /// To whom it was to be said; null for everybody.
        to: Option<PublicKey>,
        /// Why, for scripts.
        code: ErrorCode,
        /// Why, for people.
        reason: String,
    },
    /// Something came too fast for the registrar, and is said again.
    Held {
        /// When.
        at_ns: u64,
        /// After how long it is said again.
        retry_in_ms: f64,
        /// `answer` or `line`.
        what: Request,
    },
    /// The registrar did not answer in time, or say what it had to.
    Unanswered {
        /// When it was given up.
        at_ns: u64,
        /// What it was due to do: `challenge`, `answer` or `line`.
        what: Request,
    },
    /// Too much waits for its turn already: a line is not said.
    Overfull {
        /// When.
        at_ns: u64,
        /// The line.
        text: String,
        /// To whom it was to be said; null for everybody.
        to: Option<PublicKey>,
    },
    /// The registrar said what makes no sense.
    Odd {
        /// When.
        at_ns: u64,
        /// What it said; empty if that is no text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An answer in a recording proves nothing: it was not signed with that key, or signs something
    /// else.
    Unproven {
        /// When it was given.
        at_ns: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// A whole registration.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RegistrationSummaryItem {
    /// What came of it.
    pub outcome: Outcome,
    /// The key; null if it failed before there was one.
    pub public_key: Option<PublicKey>,
    /// How often the key was registered: again, where it was not in between.
    pub registered: u64,
    /// How many answers to challenges were rejected.
    pub rejected: u64,
    /// How many lines were passed on.
    pub delivered: u64,
    /// How many lines were refused.
    pub refused: u64,
    /// How many messages of others were heard.
    pub heard: u64,
    /// How many lines were left unsaid. `None` for a replay: a recording does not tell what else was
    /// to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsaid: Option<u64>,
    /// How many connections there were.
    pub connections: u32,
}

impl RegistrationItem {
    /// What the registrant of this key noticed, for reporting; with the file, in the replay of a
    /// recording. `None` for what is a matter of logs.
    pub fn new(
        event: &RegistrantEvent,
        key: Option<PublicKey>,
        recording: Option<&str>,
    ) -> Option<Self> {
        Some(RegistrationItem {
            news: RegistrationNews::new(event, key)?,
            recording: recording.map(str::to_owned),
        })
    }

    /// The same item, each text in it put through `redact`.
    pub(super) fn with_texts(&self, redact: impl Fn(&str) -> String) -> Self {
        let mut item = self.clone();
        let redact_in = |text: &mut String| *text = redact(text);
        match &mut item.news {
            RegistrationNews::Unregistered { reason, .. }
            | RegistrationNews::Unproven { reason, .. } => redact_in(reason),
            RegistrationNews::Foreign { challenge, .. } => redact_in(challenge),
            RegistrationNews::Heard { text, .. }
            | RegistrationNews::Delivered { text, .. }
            | RegistrationNews::Overfull { text, .. } => redact_in(text),
            RegistrationNews::Odd { text, reason, .. } => {
                redact_in(text);
                redact_in(reason);
            }
            RegistrationNews::Refused { text, reason, .. } => {
                text.iter_mut().for_each(redact_in);
                redact_in(reason);
            }
            RegistrationNews::Registered { .. }
            | RegistrationNews::Rejected { .. }
            | RegistrationNews::Held { .. }
            | RegistrationNews::Unanswered { .. } => {}
        }
        item
    }
}

impl RegistrationNews {
    fn new(event: &RegistrantEvent, key: Option<PublicKey>) -> Option<Self> {
        let at_ns = |at: &Stamp| at.as_nanos();
        Some(match event {
            RegistrantEvent::Challenged { .. } | RegistrantEvent::Confirmed { .. } => return None,
            RegistrantEvent::Registered { at } => RegistrationNews::Registered {
                at_ns: at_ns(at),
                public_key: key,
            },
            RegistrantEvent::Rejected { at, retries } => RegistrationNews::Rejected {
                at_ns: at_ns(at),
                retries: *retries,
            },
            RegistrantEvent::Unregistered { at, reason } => RegistrationNews::Unregistered {
                at_ns: at_ns(at),
                reason: reason.clone(),
            },
            RegistrantEvent::Foreign { at, challenge } => RegistrationNews::Foreign {
                at_ns: at_ns(at),
                challenge: challenge.clone(),
            },
            RegistrantEvent::Heard {
                at,
                from,
                text,
                timestamp,
            } => RegistrationNews::Heard {
                at_ns: at_ns(at),
                from: *from,
                text: text.clone(),
                timestamp: *timestamp,
            },
            RegistrantEvent::Delivered {
                at,
                line,
                connections,
            } => RegistrationNews::Delivered {
                at_ns: at_ns(at),
                text: line.text.clone(),
                to: line.to,
                connections: *connections,
            },
            RegistrantEvent::Refused {
                at,
                line,
                code,
                reason,
            } => RegistrationNews::Refused {
                at_ns: at_ns(at),
                text: line.as_ref().map(|line| line.text.clone()),
                to: line.as_ref().and_then(|line| line.to),
                code: *code,
                reason: reason.clone(),
            },
            RegistrantEvent::Held {
                at,
                retry_after,
                what,
            } => RegistrationNews::Held {
                at_ns: at_ns(at),
                retry_in_ms: millis(*retry_after),
                what: *what,
            },
            RegistrantEvent::Unanswered { at, what } => RegistrationNews::Unanswered {
                at_ns: at_ns(at),
                what: *what,
            },
            RegistrantEvent::Overfull { at, line } => RegistrationNews::Overfull {
                at_ns: at_ns(at),
                text: line.text.clone(),
                to: line.to,
            },
            RegistrantEvent::Odd { at, text, reason } => RegistrationNews::Odd {
                at_ns: at_ns(at),
                text: text.clone(),
                reason: reason.clone(),
            },
            RegistrantEvent::Unproven { at, why } => RegistrationNews::Unproven {
                at_ns: at_ns(at),
                reason: why.to_string(),
            },
        })
    }
}
