mod wire;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PublicKey;
use crate::conversation::json_fault;
use crate::conversation::pace::wait_ms;

/// What a registrant says: a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrantMessage {
    /// The answer to a challenge. Key and response are those of the wire, whatever they are: a wrong
    /// answer is rejected with what was answered.
    Answer {
        /// The [public key](PublicKey), if it is one.
        public_key: String,
        /// The [signature](super::Response), if it is one.
        response: String,
    },
    /// Something for others.
    Text {
        /// What it is.
        text: String,
        /// Whom it is for alone; `None` for all the others.
        to: Option<PublicKey>,
    },
}

/// What a registrar says: a JSON object. The first four are those of the write-up that the
/// registration follows, `delivered` and `error` are additions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrarMessage {
    /// The registrant is to sign this, which is a [`Challenge`](super::Challenge) if all is well.
    Challenge {
        /// What is to be signed.
        challenge: String,
    },
    /// An answer was right: what the registrant says is passed on from now on.
    Accepted {
        /// The key that was answered with.
        public_key: String,
        /// The response that was answered with.
        response: String,
    },
    /// An answer was wrong. It may be tried again.
    Rejected {
        /// The key that was answered with, or how it began if it was too long to be one.
        public_key: String,
        /// The response that was answered with, or how it began if it was too long to be one.
        response: String,
        /// How many more answers there may be.
        retries: u32,
        /// What is to be signed next: something new, or again what is to be signed already, if the
        /// answer was a late one to the challenge before.
        challenge: String,
    },
    /// Somebody said something.
    Text {
        /// Whose key it was said with.
        from: PublicKey,
        /// What was said.
        text: String,
        /// When: whole seconds since 1970, UTC, by the registrar's clock.
        timestamp: i64,
    },
    /// What the registrant said was passed on. Every text is answered by this or by an error, in
    /// the order in which the texts came.
    Delivered {
        /// To how many connections.
        delivered: usize,
    },
    /// Something was refused, or the registrant is registered no more.
    Error {
        /// What, for programs.
        code: ErrorCode,
        /// What and why, for people.
        message: String,
        /// After how long the same may be tried again with a better prospect, if it may. Told in
        /// whole milliseconds.
        retry_after: Option<Duration>,
    },
}

/// What a registrar refuses a registrant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// Nothing is passed on for who is not registered.
    NotRegistered,
    /// A challenge was not answered in time: the registrant is registered no more.
    Unregistered,
    /// Nobody is registered with the key that a text is for.
    UnknownKey,
    /// There is nothing in the text.
    TextEmpty,
    /// The text is too long.
    TextTooLong,
    /// Too many messages in too short a time.
    TooFast,
    /// A frame is no text.
    NotText,
    /// A message is no JSON.
    NotJson,
    /// A message is none of those that there are, or lacks something, or has it in another form.
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
    /// It has none of the fields by which messages are told apart.
    #[error("the message is none that is known here: it is no object with {0}")]
    Unknown(&'static str),
    /// It is known which message it is to be, but it makes no sense as that.
    #[error("{kind} that makes no sense: {reason}")]
    Malformed {
        /// Which message it is to be.
        kind: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl RegistrantMessage {
    /// Reads what a registrant says. What it does not know in it, it passes over.
    ///
    /// # Errors
    ///
    /// When it is no message of a registrant.
    ///
    /// ```
    /// use wsbeat::conversation::registration::RegistrantMessage;
    ///
    /// let message = RegistrantMessage::parse(r#"{"text":"hi"}"#);
    /// let text = "hi".to_owned();
    /// assert_eq!(message, Ok(RegistrantMessage::Text { text, to: None }));
    /// ```
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        let value = json(text)?;
        let has = |field| value.get(field).is_some();
        if has("publicKey") || has("response") {
            let answer: wire::Answer = read("an answer", value)?;
            Ok(RegistrantMessage::Answer {
                public_key: answer.public_key.into_owned(),
                response: answer.response.into_owned(),
            })
        } else if has("text") {
            let said: wire::Said = read("a text", value)?;
            Ok(RegistrantMessage::Text {
                text: said.text.into_owned(),
                to: said.to,
            })
        } else {
            let known = "\"publicKey\" and \"response\", or with \"text\"";
            Err(MessageError::Unknown(known))
        }
    }
}

impl RegistrarMessage {
    /// Reads what a registrar says. What it does not know in it, it passes over.
    ///
    /// # Errors
    ///
    /// When it is no message of a registrar.
    ///
    /// ```
    /// use wsbeat::conversation::registration::RegistrarMessage;
    ///
    /// let message = RegistrarMessage::parse(r#"{"delivered":2}"#);
    /// assert_eq!(message, Ok(RegistrarMessage::Delivered { delivered: 2 }));
    /// ```
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        let value = json(text)?;
        let has = |field| value.get(field).is_some();
        if let Some(accepted) = value.get("accepted") {
            if *accepted == Value::Bool(true) {
                let verdict: wire::Verdict = read("an acceptance", value)?;
                return Ok(RegistrarMessage::Accepted {
                    public_key: verdict.public_key.into_owned(),
                    response: verdict.response.into_owned(),
                });
            }
            let rejected: wire::Rejected = read("a rejection", value)?;
            Ok(RegistrarMessage::Rejected {
                public_key: rejected.verdict.public_key.into_owned(),
                response: rejected.verdict.response.into_owned(),
                retries: rejected.retries,
                challenge: rejected.challenge.into_owned(),
            })
        } else if has("challenge") {
            let challenged: wire::Challenged = read("a challenge", value)?;
            let challenge = challenged.challenge.into_owned();
            Ok(RegistrarMessage::Challenge { challenge })
        } else if has("error") {
            let error: wire::Error = read("an error", value)?;
            Ok(RegistrarMessage::Error {
                code: error.error,
                message: error.message.into_owned(),
                retry_after: error.retry_after_ms.map(Duration::from_millis),
            })
        } else if has("delivered") {
            let wire::Delivered { delivered } = read("a receipt", value)?;
            Ok(RegistrarMessage::Delivered { delivered })
        } else if has("from") || has("text") {
            let heard: wire::Heard = read("a text", value)?;
            Ok(RegistrarMessage::Text {
                from: heard.from,
                text: heard.text.into_owned(),
                timestamp: heard.timestamp,
            })
        } else {
            let known = "\"challenge\", \"accepted\", \"from\", \"delivered\" or \"error\"";
            Err(MessageError::Unknown(known))
        }
    }
}

fn json(text: &str) -> Result<Value, MessageError> {
    serde_json::from_str(text).map_err(|error| MessageError::NotJson(json_fault(&error)))
}

fn read<'de, M: Deserialize<'de>>(kind: &'static str, value: Value) -> Result<M, MessageError> {
    M::deserialize(value).map_err(|error| MessageError::Malformed {
        kind,
        reason: json_fault(&error),
    })
}

impl fmt::Display for RegistrantMessage {
    /// The message as it is sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegistrantMessage::Answer {
                public_key,
                response,
            } => write_json(
                f,
                &wire::Answer {
                    public_key: public_key.into(),
                    response: response.into(),
                },
            ),
            RegistrantMessage::Text { text, to } => write_json(
                f,
                &wire::Said {
                    text: text.into(),
                    to: *to,
                },
            ),
        }
    }
}

impl fmt::Display for RegistrarMessage {
    /// The message as it is sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegistrarMessage::Challenge { challenge } => write_json(
                f,
                &wire::Challenged {
                    challenge: challenge.into(),
                },
            ),
            RegistrarMessage::Accepted {
                public_key,
                response,
            } => write_json(f, &verdict(public_key, response, true)),
            RegistrarMessage::Rejected {
                public_key,
                response,
                retries,
                challenge,
            } => write_json(
                f,
                &wire::Rejected {
                    verdict: verdict(public_key, response, false),
                    retries: *retries,
                    challenge: challenge.into(),
                },
            ),
            RegistrarMessage::Text {
                from,
                text,
                timestamp,
            } => write_json(
                f,
                &wire::Heard {
                    from: *from,
                    text: text.into(),
                    timestamp: *timestamp,
                },
            ),
            RegistrarMessage::Delivered { delivered } => write_json(
                f,
                &wire::Delivered {
                    delivered: *delivered,
                },
            ),
            RegistrarMessage::Error {
                code,
                message,
                retry_after,
            } => write_json(
                f,
                &wire::Error {
                    error: *code,
                    message: message.into(),
                    retry_after_ms: retry_after.map(wait_ms),
                },
            ),
        }
    }
}

fn verdict<'a>(public_key: &'a str, response: &'a str, accepted: bool) -> wire::Verdict<'a> {
    wire::Verdict {
        public_key: public_key.into(),
        response: response.into(),
        accepted,
    }
}

fn write_json(f: &mut fmt::Formatter<'_>, message: &impl Serialize) -> fmt::Result {
    // Strings, numbers and flags can always be written as JSON.
    let text = serde_json::to_string(message).map_err(|_| fmt::Error)?;
    f.write_str(&text)
}

impl MessageError {
    /// The code that a registrant is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            MessageError::NotJson(_) => ErrorCode::NotJson,
            MessageError::Unknown(_) | MessageError::Malformed { .. } => ErrorCode::Malformed,
        }
    }
}
