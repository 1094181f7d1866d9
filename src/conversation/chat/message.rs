use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::conversation::json_fault;

/// What a guest says: a JSON object with a `type`.
///
/// `heartbeat`, `identity` and `message` are those of the write-up that the chat follows; `join` and
/// `ticket` are additions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum GuestMessage {
    /// The answer to a heartbeat of the room.
    Heartbeat {},
    /// The wish for a name.
    Identity {
        /// The name.
        user: String,
    },
    /// Something for all in the channel.
    Message {
        /// What it is.
        text: String,
    },
    /// The wish for another channel.
    Join {
        /// Its name.
        id: String,
    },
    /// The ticket that admits this connection, where one is needed and the URL has none.
    Ticket {
        /// The ticket.
        ticket: String,
    },
}

/// What a room says: a JSON object with a `type`.
///
/// `connection`, `heartbeat`, `identity` and `message` are those of the write-up, in which a flag is
/// the string `"true"` or `"false"`: so it is written, and JSON's own `true` and `false` are read as
/// well. `presence` and `error` are additions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RoomMessage {
    /// The guest is in this channel. The newest messages of the channel follow, as they were sent,
    /// and then who is [present](RoomMessage::Presence).
    Connection {
        /// The channel.
        id: String,
    },
    /// The guest is to answer, if it wants to keep its name.
    Heartbeat {
        /// Whether it has one.
        #[serde(with = "flag")]
        authenticated: bool,
    },
    /// The answer to the wish for a name. After a `false`, an [`Error`](RoomMessage::Error) says why.
    Identity {
        /// Whether the name is the guest's now.
        #[serde(with = "flag")]
        success: bool,
    },
    /// Somebody said something. Whoever said it gets it as well.
    Message {
        /// What was said.
        text: String,
        /// When: whole seconds since 1970, UTC, by the room's clock.
        timestamp: i64,
        /// By whom.
        user: String,
    },
    /// Somebody came or went. The first one after a [`Connection`](RoomMessage::Connection) lists who
    /// is there, in `came`.
    Presence {
        /// Who has a name in the channel now, and had none.
        came: Vec<String>,
        /// Who had one, and has none now.
        went: Vec<String>,
        /// How many have one now. In a full channel, more than are listed.
        total: usize,
    },
    /// Something was refused.
    Error {
        /// What, for programs.
        code: ErrorCode,
        /// What and why, for people.
        message: String,
        /// When the same may be tried again with a better prospect, if it may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
}

/// What a room refuses a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// Somebody in the channel has the name.
    NameTaken,
    /// The name is empty.
    NameEmpty,
    /// The name is too long.
    NameTooLong,
    /// The name has characters in it that are not allowed there.
    NameInvalid,
    /// The ticket is another user's.
    NameNotYours,
    /// Without a name nobody speaks.
    NotAuthenticated,
    /// No heartbeat was answered for too long: the name is free again.
    HeartbeatMissed,
    /// There is nothing in the message.
    MessageEmpty,
    /// The message is too long.
    MessageTooLong,
    /// Too many messages in too short a time.
    TooFast,
    /// The channel's name is none.
    ChannelInvalid,
    /// The guest is in this channel already.
    AlreadyThere,
    /// Nothing else is done before there is a ticket.
    TicketNeeded,
    /// The ticket is unknown, used, too old, or not asked for.
    TicketRefused,
    /// A frame is no text.
    NotText,
    /// A message is no JSON.
    NotJson,
    /// A message has no type, or an unknown one.
    UnknownType,
    /// A message of a known type lacks something, or has it in another form.
    Malformed,
    /// What only a later version of this program knows. Never sent.
    #[serde(other)]
    Other,
}

/// Why a text is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is not JSON.
    #[error("the message is not JSON: {0}")]
    NotJson(String),
    /// It has no type, or an unknown one.
    #[error("{0}")]
    UnknownType(String),
    /// Its type is known, but the rest of it makes no sense.
    #[error("a message of the type {kind:?} that makes no sense: {reason}")]
    Malformed {
        /// Its type.
        kind: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The longest type that is repeated in an error.
const LONGEST_TYPE: usize = 32;

impl GuestMessage {
    const TYPES: [&str; 5] = ["heartbeat", "identity", "message", "join", "ticket"];

    /// Reads what a guest says. What it does not know in it, it passes over.
    ///
    /// # Errors
    ///
    /// When it is no message of a guest.
    ///
    /// ```
    /// use wsbeat::conversation::chat::GuestMessage;
    ///
    /// let message = GuestMessage::parse(r#"{"type":"identity","user":"fishing_beast_5000"}"#);
    /// let user = "fishing_beast_5000".to_owned();
    /// assert_eq!(message, Ok(GuestMessage::Identity { user }));
    /// ```
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        parse(text, &Self::TYPES)
    }
}

impl RoomMessage {
    const TYPES: [&str; 6] = [
        "connection",
        "heartbeat",
        "identity",
        "message",
        "presence",
        "error",
    ];

    /// Reads what a room says. What it does not know in it, it passes over.
    ///
    /// # Errors
    ///
    /// When it is no message of a room.
    ///
    /// ```
    /// use wsbeat::conversation::chat::RoomMessage;
    ///
    /// let authenticated = true;
    /// for text in [
    ///     r#"{"type":"heartbeat","authenticated":"true"}"#,
    ///     r#"{"type":"heartbeat","authenticated":true}"#,
    /// ] {
    ///     assert_eq!(RoomMessage::parse(text), Ok(RoomMessage::Heartbeat { authenticated }));
    /// }
    /// ```
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        parse(text, &Self::TYPES)
    }
}

fn parse<'de, M: Deserialize<'de>>(text: &str, types: &[&str]) -> Result<M, MessageError> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| MessageError::NotJson(json_fault(&error)))?;
    let known = || format!("one of {}", types.join(", "));
    let kind = match value.get("type") {
        Some(Value::String(kind)) if types.contains(&kind.as_str()) => kind.clone(),
        Some(Value::String(kind)) if kind.chars().count() <= LONGEST_TYPE => {
            let unknown = format!("the type {kind:?} is unknown; it has to be {}", known());
            return Err(MessageError::UnknownType(unknown));
        }
        _ => {
            let untyped = format!("a message is an object with a \"type\", {}", known());
            return Err(MessageError::UnknownType(untyped));
        }
    };
    M::deserialize(value).map_err(|error| MessageError::Malformed {
        kind,
        reason: json_fault(&error),
    })
}

impl fmt::Display for GuestMessage {
    /// The message as it is sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_json(self, f)
    }
}

impl fmt::Display for RoomMessage {
    /// The message as it is sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_json(self, f)
    }
}

fn write_json(message: &impl Serialize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // Strings, numbers and lists of them can always be written as JSON.
    let text = serde_json::to_string(message).map_err(|_| fmt::Error)?;
    f.write_str(&text)
}

impl MessageError {
    /// The code that a guest is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            MessageError::NotJson(_) => ErrorCode::NotJson,
            MessageError::UnknownType(_) => ErrorCode::UnknownType,
            MessageError::Malformed { .. } => ErrorCode::Malformed,
        }
    }
}

/// A flag as the write-up has it.
mod flag {
    use super::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag<'a> {
        Bool(bool),
        Text(#[serde(borrow)] std::borrow::Cow<'a, str>),
    }

    pub(super) fn serialize<S: Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if *flag { "true" } else { "false" })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<bool, D::Error> {
        match Flag::deserialize(deserializer)? {
            Flag::Bool(flag) => Ok(flag),
            Flag::Text(text) if text == "true" => Ok(true),
            Flag::Text(text) if text == "false" => Ok(false),
            Flag::Text(_) => Err(serde::de::Error::custom(
                "a flag is neither \"true\" nor \"false\"",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> GuestMessage {
        GuestMessage::parse(text).unwrap()
    }

    #[test]
    fn the_messages_of_the_write_up_are_written_to_the_letter() {
        let connection = RoomMessage::Connection {
            id: "fishing".to_owned(),
        };
        let message = RoomMessage::Message {
            text: "I heard you have the best luck fishing in the morning".to_owned(),
            timestamp: 1_652_997_756,
            user: "fishing_beast_5000".to_owned(),
        };
        for (message, expected) in [
            (connection, r#"{"type":"connection","id":"fishing"}"#),
            (
                RoomMessage::Heartbeat {
                    authenticated: true,
                },
                r#"{"type":"heartbeat","authenticated":"true"}"#,
            ),
            (
                RoomMessage::Identity { success: true },
                r#"{"type":"identity","success":"true"}"#,
            ),
            (
                message,
                r#"{"type":"message","text":"I heard you have the best luck fishing in the morning","timestamp":1652997756,"user":"fishing_beast_5000"}"#,
            ),
        ] {
            assert_eq!(message.to_string(), expected);
            assert_eq!(RoomMessage::parse(expected), Ok(message));
        }
        let user = "fishing_beast_5000".to_owned();
        for (message, expected) in [
            (GuestMessage::Heartbeat {}, r#"{"type":"heartbeat"}"#),
            (
                GuestMessage::Identity { user },
                r#"{"type":"identity","user":"fishing_beast_5000"}"#,
            ),
        ] {
            assert_eq!(message.to_string(), expected);
            assert_eq!(said(expected), message);
        }
    }

    #[test]
    fn both_forms_of_a_flag_are_read_and_no_third() {
        let read = |value: &str| {
            let text = format!(r#"{{"type":"identity","success":{value}}}"#);
            RoomMessage::parse(&text)
        };
        for (value, success) in [
            ("true", true),
            ("false", false),
            (r#""true""#, true),
            (r#""fals\u0065""#, false),
        ] {
            assert_eq!(read(value), Ok(RoomMessage::Identity { success }));
        }
        for wrong in ["1", "null", r#""yes""#, "{}"] {
            let error = read(wrong).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Malformed, "{error}");
        }
    }

    #[test]
    fn what_makes_no_sense_says_in_which_way() {
        for (text, code) in [
            ("", ErrorCode::NotJson),
            ("hello", ErrorCode::NotJson),
            ("{\"type\":\"heartbeat\"", ErrorCode::NotJson),
            ("1", ErrorCode::UnknownType),
            ("[]", ErrorCode::UnknownType),
            ("{}", ErrorCode::UnknownType),
            (r#"{"type":1}"#, ErrorCode::UnknownType),
            (r#"{"type":"shout"}"#, ErrorCode::UnknownType),
            (r#"{"type":"connection","id":"a"}"#, ErrorCode::UnknownType),
            (r#"{"type":"message"}"#, ErrorCode::Malformed),
            (r#"{"type":"message","text":1}"#, ErrorCode::Malformed),
            (r#"{"type":"identity","user":null}"#, ErrorCode::Malformed),
        ] {
            let error = GuestMessage::parse(text).unwrap_err();
            assert_eq!(error.code(), code, "{text}: {error}");
        }
        let error = GuestMessage::parse(r#"{"type":"shout"}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the type \"shout\" is unknown; it has to be one of heartbeat, identity, message, join, \
             ticket"
        );
    }

    #[test]
    fn what_is_new_in_a_message_is_passed_over() {
        let text = r#"{"type":"message","text":"hi","colour":"red"}"#;
        let text_only = GuestMessage::Message {
            text: "hi".to_owned(),
        };
        assert_eq!(said(text), text_only);
        let error = r#"{"type":"error","code":"raining","message":"It rains."}"#;
        let read = RoomMessage::parse(error).unwrap();
        let code = ErrorCode::Other;
        assert!(matches!(read, RoomMessage::Error { code: it, .. } if it == code));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), kind in "[a-z]{0,12}") {
            let _ = GuestMessage::parse(&text);
            let _ = RoomMessage::parse(&text);
            let typed = serde_json::json!({ "type": kind, "text": text, "user": text, "id": text });
            let _ = GuestMessage::parse(&typed.to_string());
            let _ = RoomMessage::parse(&typed.to_string());
        }

        #[test]
        fn any_text_gets_through(text in any::<String>(), timestamp in any::<i64>()) {
            let message = RoomMessage::Message { text: text.clone(), timestamp, user: text };
            prop_assert_eq!(RoomMessage::parse(&message.to_string()), Ok(message));
        }
    }
}
