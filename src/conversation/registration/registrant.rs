mod listener;
mod party;
mod witness;

pub use party::Registrant;
pub use witness::Witness;

use std::time::Duration;

use serde::Serialize;

use super::{ErrorCode, KeyPair, PublicKey, Rejection};
use crate::conversation::Stamp;

/// Who a registrant is, and where.
#[derive(Clone, Debug)]
pub struct RegistrantSettings {
    /// The server that was dialled, to the letter as in the `Host` header of the upgrade. No
    /// challenge of another is answered.
    pub host: String,
    /// The key to register with.
    pub key: KeyPair,
}

/// Something to be said to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What.
    pub text: String,
    /// To whom alone; `None` for all the others.
    pub to: Option<PublicKey>,
}

/// What a person can have a registrant do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrantCue {
    /// Say this, once it is registered. Lines are said one after the other: the next one once the
    /// registrar has answered this one.
    Say(Line),
    /// Leave once all that was to be said has been answered.
    Finish,
}

/// What a registrant notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrantEvent {
    /// It is asked to prove that the key is its own, which it does at once if it can.
    Challenged {
        /// When.
        at: Stamp,
    },
    /// It is registered from now on.
    Registered {
        /// When.
        at: Stamp,
    },
    /// It has answered a heartbeat, and stays registered.
    Confirmed {
        /// When.
        at: Stamp,
    },
    /// It is registered no more. What is to be said waits until it is again.
    Unregistered {
        /// When.
        at: Stamp,
        /// Why, in the registrar's words.
        reason: String,
    },
    /// Its answer was not taken. It answers the next challenge, which came with that.
    Rejected {
        /// When.
        at: Stamp,
        /// How many more answers there may be.
        retries: u32,
    },
    /// What it is to sign does not name the server that it has dialled, or is no challenge at all:
    /// it is not signed, and the registrant leaves.
    Foreign {
        /// When.
        at: Stamp,
        /// What it is, which may be a [`Challenge`](super::Challenge).
        challenge: String,
    },
    /// Somebody said something.
    Heard {
        /// When it came in.
        at: Stamp,
        /// Whose key it was said with, as the registrar has it.
        from: PublicKey,
        /// What was said.
        text: String,
        /// When it was said: seconds since 1970, by the registrar's clock.
        timestamp: i64,
    },
    /// A line was passed on.
    Delivered {
        /// When that was known.
        at: Stamp,
        /// The line.
        line: Line,
        /// To how many connections.
        connections: usize,
    },
    /// The registrar refused something: a line, which is not said then, or something else.
    Refused {
        /// When.
        at: Stamp,
        /// The line that is lost, if it is one.
        line: Option<Line>,
        /// Why, for programs.
        code: ErrorCode,
        /// Why, in the registrar's words.
        reason: String,
    },
    /// The registrar wants something more slowly: it is said again later.
    Held {
        /// When.
        at: Stamp,
        /// How much later.
        retry_after: Duration,
        /// What it is.
        what: Request,
    },
    /// The registrar has let this be for too long. The registrant waits on; whoever drives it may
    /// take the connection for lost.
    Unanswered {
        /// When it was given up.
        at: Stamp,
        /// What it is.
        what: Request,
    },
    /// So much waits to be said already that there was no room for this.
    Overfull {
        /// When.
        at: Stamp,
        /// What is not said.
        line: Line,
    },
    /// The registrar said what makes no sense.
    Odd {
        /// When.
        at: Stamp,
        /// What it said; empty if that is no text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An answer that was given then proves nothing. Only a [`Witness`] notices this.
    Unproven {
        /// When it was given.
        at: Stamp,
        /// What is wrong with it.
        why: Rejection,
    },
}

/// What a registrant waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The first challenge, which comes unasked.
    Challenge,
    /// The verdict on an answer.
    Answer,
    /// What became of a line.
    Line,
}
