//! What a registrant makes of what it hears, whether it can sign or only looks on.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Line, RegistrantEvent, Request};
use crate::conversation::registration::{
    Challenge, ErrorCode, PublicKey, RegistrantMessage, RegistrarMessage,
};
use crate::conversation::{Message, Stamp};

/// How long to wait with what came too fast, if the registrar does not say: as long as it counts.
const PAUSE: Duration = Duration::from_secs(10);

/// A registrar that wants a longer pause is asked again after this.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// What was said, what was answered, and what that means.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// The only server whose challenges are taken; `None` if that is not known.
    host: Option<String>,
    /// The newest challenge.
    pub(super) challenge: Option<Challenge>,
    /// Whether that is to be answered.
    pub(super) is_asked: bool,
    /// What was said and is not answered yet, in order: one of each kind at most.
    asked: VecDeque<Asked>,
    pub(super) is_registered: bool,
    /// Whether something was to be signed that must not be. Nothing is signed any more then.
    is_foreign: bool,
    notices: VecDeque<Notice>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Answer {
        public_key: String,
        response: String,
    },
    Line(Line),
}

/// What came of something that was heard.
#[derive(Debug)]
pub(super) enum Notice {
    Event(RegistrantEvent),
    /// There is a challenge, newer than any before.
    Challenge,
    /// There is none that may be signed.
    Foreign,
    /// The verdict is there.
    Judged,
    /// The answer is to be given again then.
    AnswerLater(Stamp),
    /// The line came to its end.
    Ended,
    /// The line is to be said again: at once when it can be, or then.
    SayAgain(Line, Option<Stamp>),
}

impl Listener {
    pub(super) fn new(host: Option<String>) -> Self {
        Listener {
            host,
            ..Listener::default()
        }
    }

    pub(super) fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// The line that was said and is not answered yet.
    pub(super) fn line(&self) -> Option<&Line> {
        self.asked.iter().find_map(|asked| match asked {
            Asked::Line(line) => Some(line),
            Asked::Answer { .. } => None,
        })
    }

    /// Whether an answer was given and is not judged yet.
    pub(super) fn awaits_verdict(&self) -> bool {
        self.asked.iter().any(Asked::is_answer)
    }

    /// The registrant has said this.
    pub(super) fn sent(&mut self, message: RegistrantMessage) {
        let asked = match message {
            RegistrantMessage::Answer {
                public_key,
                response,
            } => {
                self.is_asked = false;
                Asked::Answer {
                    public_key,
                    response,
                }
            }
            RegistrantMessage::Text { text, to } => Asked::Line(Line { text, to }),
        };
        // It does not wait for two of a kind. A recording may say otherwise: the newer counts.
        self.asked.retain(|it| it.is_answer() != asked.is_answer());
        self.asked.push_back(asked);
    }

    /// The registrar has said this.
    pub(super) fn hear(&mut self, at: Stamp, message: &Message) {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(bytes) => {
                let reason = format!("{} bytes that are no text", bytes.len());
                return self.odd(at, "", reason);
            }
            Message::Ping(_) | Message::Pong(_) => return,
        };
        let message = match RegistrarMessage::parse(text) {
            Ok(message) => message,
            Err(error) => return self.odd(at, text, error.to_string()),
        };
        match message {
            RegistrarMessage::Challenge { challenge } => self.challenged(at, challenge),
            RegistrarMessage::Accepted {
                public_key,
                response,
            } => {
                if self.take_answer(&public_key, &response) {
                    self.accepted(at);
                } else {
                    self.odd(at, text, "it accepts what was not answered last".to_owned());
                }
            }
            RegistrarMessage::Rejected {
                public_key,
                response,
                retries,
                challenge,
            } => {
                if self.take_answer(&public_key, &response) {
                    self.tell(RegistrantEvent::Rejected { at, retries });
                    self.challenged(at, challenge);
                } else {
                    self.odd(at, text, "it rejects what was not answered last".to_owned());
                }
            }
            RegistrarMessage::Text {
                from,
                text,
                timestamp,
            } => self.heard(at, from, text, timestamp),
            RegistrarMessage::Delivered { delivered } => match self.take_line() {
                Some(line) => self.tell(RegistrantEvent::Delivered {
                    at,
                    line,
                    connections: delivered,
                }),
                None => self.odd(at, text, "nothing was to be delivered".to_owned()),
            },
            RegistrarMessage::Error {
                code,
                message,
                retry_after,
            } => self.error(at, code, message, retry_after),
        }
    }

    fn heard(&mut self, at: Stamp, from: PublicKey, text: String, timestamp: i64) {
        self.tell(RegistrantEvent::Heard {
            at,
            from,
            text,
            timestamp,
        });
    }

    /// Something is to be signed. It is looked at here, and nowhere else: what is no challenge of the
    /// server that was dialled goes no further.
    fn challenged(&mut self, at: Stamp, text: String) {
        if self.is_foreign {
            return;
        }
        let is_own = |it: &Challenge| self.host.as_ref().is_none_or(|host| it.host() == host);
        match text.parse::<Challenge>() {
            Ok(challenge) if is_own(&challenge) => {
                self.challenge = Some(challenge);
                self.is_asked = true;
                self.tell(RegistrantEvent::Challenged { at });
                self.notices.push_back(Notice::Challenge);
            }
            _ => {
                self.is_foreign = true;
                self.challenge = None;
                self.is_asked = false;
                let challenge = text;
                self.tell(RegistrantEvent::Foreign { at, challenge });
                self.notices.push_back(Notice::Foreign);
            }
        }
    }

    fn accepted(&mut self, at: Stamp) {
        let was_registered = std::mem::replace(&mut self.is_registered, true);
        self.tell(if was_registered {
            RegistrantEvent::Confirmed { at }
        } else {
            RegistrantEvent::Registered { at }
        });
    }

    /// The registrar refuses something: the code tells what it can be about, and the order.
    fn error(&mut self, at: Stamp, code: ErrorCode, reason: String, wait: Option<Duration>) {
        let pause = wait.unwrap_or(PAUSE).min(LONGEST_PAUSE);
        let line = match code {
            ErrorCode::Unregistered if self.is_registered => {
                return self.lose_registration(at, reason);
            }
            ErrorCode::Unregistered => None,
            ErrorCode::NotRegistered => match self.take_line() {
                Some(line) => {
                    self.notices.push_back(Notice::SayAgain(line, None));
                    return self.lose_registration(at, reason);
                }
                None => None,
            },
            ErrorCode::UnknownKey | ErrorCode::TextEmpty | ErrorCode::TextTooLong => {
                self.take_line()
            }
            _ => match self.asked.pop_front() {
                Some(Asked::Answer { .. }) => {
                    self.notices.push_back(Notice::Judged);
                    if code == ErrorCode::TooFast && self.challenge.is_some() {
                        return self.answer_later(at, pause);
                    }
                    None
                }
                Some(Asked::Line(line)) if code == ErrorCode::TooFast => {
                    self.hold(at, pause, Request::Line);
                    let again = Notice::SayAgain(line, Some(at + pause));
                    return self.notices.push_back(again);
                }
                Some(Asked::Line(line)) => {
                    self.notices.push_back(Notice::Ended);
                    Some(line)
                }
                None => None,
            },
        };
        self.tell(RegistrantEvent::Refused {
            at,
            line,
            code,
            reason,
        });
    }

    fn answer_later(&mut self, at: Stamp, pause: Duration) {
        self.hold(at, pause, Request::Answer);
        // A newer challenge is not the one that came too fast.
        if !self.is_asked {
            self.is_asked = true;
            self.notices.push_back(Notice::AnswerLater(at + pause));
        }
    }

    fn hold(&mut self, at: Stamp, retry_after: Duration, what: Request) {
        self.tell(RegistrantEvent::Held {
            at,
            retry_after,
            what,
        });
    }

    fn lose_registration(&mut self, at: Stamp, reason: String) {
        if std::mem::take(&mut self.is_registered) {
            self.tell(RegistrantEvent::Unregistered { at, reason });
        }
    }

    /// Takes the answer that was given last, if it is this one.
    fn take_answer(&mut self, key: &str, signature: &str) -> bool {
        let is_this = |asked: &Asked| match asked {
            Asked::Answer {
                public_key,
                response,
            } => public_key == key && response == signature,
            Asked::Line(_) => false,
        };
        let Some(position) = self.asked.iter().position(is_this) else {
            return false;
        };
        self.asked.remove(position);
        self.notices.push_back(Notice::Judged);
        true
    }

    fn take_line(&mut self) -> Option<Line> {
        let position = self.asked.iter().position(|it| !it.is_answer())?;
        let Some(Asked::Line(line)) = self.asked.remove(position) else {
            return None;
        };
        self.notices.push_back(Notice::Ended);
        Some(line)
    }

    fn odd(&mut self, at: Stamp, text: &str, reason: String) {
        let text = text.to_owned();
        self.tell(RegistrantEvent::Odd { at, text, reason });
    }

    fn tell(&mut self, event: RegistrantEvent) {
        self.notices.push_back(Notice::Event(event));
    }
}

impl Asked {
    fn is_answer(&self) -> bool {
        matches!(self, Asked::Answer { .. })
    }
}
