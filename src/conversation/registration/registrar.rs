mod answers;
mod inquiry;
mod party;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use super::{EncodingError, PublicKey, VerifyError};
use crate::conversation::Stamp;
pub use party::Registrar;
pub use settings::RegistrarSettings;

/// What a registrar notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrarEvent {
    /// The connection is registered from now on. Comes before the registrant is told, so that
    /// nothing that it is sent can be missed.
    Registered {
        /// When.
        at: Stamp,
        /// With which key.
        key: PublicKey,
    },
    /// A heartbeat of a registered connection was answered.
    Confirmed {
        /// When.
        at: Stamp,
    },
    /// The connection is registered no more: a challenge was not answered in time, or the
    /// connection ends. Comes once for each [`Registered`](RegistrarEvent::Registered).
    Unregistered {
        /// When.
        at: Stamp,
        /// With which key it was.
        key: PublicKey,
    },
    /// An answer was wrong.
    Rejected {
        /// When.
        at: Stamp,
        /// What was wrong.
        why: Rejection,
        /// How many more answers there may be; after 0 the connection is closed.
        retries: u32,
    },
    /// A challenge was not answered in time.
    Unanswered {
        /// When that was found out.
        at: Stamp,
        /// How many more answers there may be; after 0 the connection is closed.
        retries: u32,
    },
    /// A registered connection says something. To be answered with one
    /// [`Delivered`](RegistrarCue::Delivered), [`UnknownKey`](RegistrarCue::UnknownKey) or
    /// [`TooFast`](RegistrarCue::TooFast), in the order in which these came.
    Said {
        /// When.
        at: Stamp,
        /// What.
        text: String,
        /// To whom alone; `None` for all others.
        to: Option<PublicKey>,
    },
}

/// What a registrar is told by whoever knows the other connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrarCue {
    /// Somebody said something: a [`Text`](super::RegistrarMessage::Text) as it is sent. What goes
    /// to many is shared by them.
    Text(Arc<str>),
    /// What was [said](RegistrarEvent::Said) was passed on to so many connections.
    Delivered(usize),
    /// What was [said](RegistrarEvent::Said) is not passed on, since too much comes from the address or
    /// the key, over all connections. After this long there is room for one.
    TooFast(Duration),
    /// Nobody is registered with the key that what was [said](RegistrarEvent::Said) is for.
    UnknownKey(PublicKey),
    /// Another connection has registered with the same key.
    Replaced,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There was no challenge to answer: the answer before was to the same, or nobody asked.
    #[error("no challenge was to be answered")]
    Unasked,
    /// The challenge was not good any more. That has taken a try already; this takes none.
    #[error("it came too late")]
    Late,
    /// The key is not written as one.
    #[error("the key is none: {0}")]
    KeyText(EncodingError),
    /// The response is not written as one.
    #[error("the response is none: {0}")]
    ResponseText(EncodingError),
    /// The response does not answer the challenge.
    #[error(transparent)]
    Response(#[from] VerifyError),
    /// The connection has registered with another key before, and keeps that.
    #[error("this connection has registered with another key")]
    OtherKey,
}
