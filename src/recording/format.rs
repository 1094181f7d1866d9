//! The lines of a recording, as serde sees them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::conversation::{CloseReason, ClosedBy, Message, Stamp, WireEvent};

/// The version of the format that this program writes and reads.
pub const VERSION: u32 = 1;

/// What a recording is of: its first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "recording")]
pub struct Header {
    /// The version of the format.
    pub version: u32,
    /// The conversation that was held.
    pub conversation: Conversation,
    /// Where, with secrets blanked.
    pub url: String,
    /// When the connection was opened, in RFC 3339.
    pub started_at: String,
}

/// The conversations that there are recordings of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversation {
    /// The timing game.
    Challenge,
    /// The chat.
    Chat,
    /// The registration.
    Registration,
}

/// A line after the first.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    at_ns: u64,
    #[serde(flatten)]
    event: Event,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    Open,
    Received {
        #[serde(flatten)]
        frame: Frame,
    },
    Sent {
        #[serde(flatten)]
        frame: Frame,
    },
    Close {
        by: By,
        code: u16,
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Frame {
    Text { text: String },
    Binary { base64: Bytes },
    Ping { base64: Bytes },
    Pong { base64: Bytes },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    Us,
    Peer,
    Network,
}

struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text).map_err(serde::de::Error::custom)?;
        Ok(Bytes(bytes))
    }
}

impl Line {
    pub(super) fn new(at: Stamp, event: &WireEvent) -> Self {
        Line {
            at_ns: at.as_nanos(),
            event: match event.clone() {
                WireEvent::Open => Event::Open,
                WireEvent::Received(message) => Event::Received {
                    frame: message.into(),
                },
                WireEvent::Sent(message) => Event::Sent {
                    frame: message.into(),
                },
                WireEvent::Close(close) => Event::Close {
                    by: match close.by {
                        ClosedBy::Us => By::Us,
                        ClosedBy::Peer => By::Peer,
                        ClosedBy::Network => By::Network,
                    },
                    code: close.code,
                    reason: close.reason,
                },
            },
        }
    }

    pub(super) fn into_event(self) -> (Stamp, WireEvent) {
        let event = match self.event {
            Event::Open => WireEvent::Open,
            Event::Received { frame } => WireEvent::Received(frame.into()),
            Event::Sent { frame } => WireEvent::Sent(frame.into()),
            Event::Close { by, code, reason } => WireEvent::Close(CloseReason {
                by: match by {
                    By::Us => ClosedBy::Us,
                    By::Peer => ClosedBy::Peer,
                    By::Network => ClosedBy::Network,
                },
                code,
                reason,
            }),
        };
        (Stamp::from_nanos(self.at_ns), event)
    }
}

impl From<Message> for Frame {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Frame::Text { text },
            Message::Binary(data) => Frame::Binary {
                base64: Bytes(data),
            },
            Message::Ping(data) => Frame::Ping {
                base64: Bytes(data),
            },
            Message::Pong(data) => Frame::Pong {
                base64: Bytes(data),
            },
        }
    }
}

impl From<Frame> for Message {
    fn from(frame: Frame) -> Self {
        match frame {
            Frame::Text { text } => Message::Text(text),
            Frame::Binary { base64 } => Message::Binary(base64.0),
            Frame::Ping { base64 } => Message::Ping(base64.0),
            Frame::Pong { base64 } => Message::Pong(base64.0),
        }
    }
}
