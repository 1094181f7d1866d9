use std::collections::VecDeque;
use std::time::Duration;

use super::answers::Answers;
use super::inquiry::Inquiry;
use super::{RegistrarCue, RegistrarEvent, RegistrarSettings};
use crate::conversation::pace::{Haste, Pace, TOO_MUCH_TOGETHER};
use crate::conversation::registration::{
    ErrorCode, PublicKey, RegistrantMessage, RegistrarMessage,
};
use crate::conversation::sentence::sentence;
use crate::conversation::{CloseReason, Farewell, Message, Output, Party, Stamp};

/// How much of a key or a response is repeated in a rejection, in bytes: more than either has.
const LONGEST_ECHO: usize = 128;

/// The server's party in a registration: challenges, judges the answers, and lets nobody be heard who
/// has not answered rightly.
///
/// One challenge is to be answered at most. Each that is not answered rightly in time costs one of
/// the tries, and so does an answer that nobody asked for; the connection is closed when none is
/// left, and a right answer gives them all back. The answer to a challenge that was missed takes no
/// second try if it is the next that comes, even if another challenge is to be answered by then:
/// that one is left as it is. Whoever is registered stays so over a wrong answer, for as long as there
/// is another challenge to answer.
#[derive(Debug)]
pub struct Registrar {
    settings: RegistrarSettings,
    stage: Stage,
    inquiry: Inquiry,
    /// The key that the connection is registered with, if it is.
    registered: Option<PublicKey>,
    pace: Pace,
    answers: Answers,
    outputs: VecDeque<Output<RegistrarEvent>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    Left,
}

impl Registrar {
    /// A registrar of the server that the client called this in its `Host` header. The seed of the
    /// nonces has to be one that nobody can guess, and another for each connection.
    pub fn new(settings: RegistrarSettings, host: String, seed: [u8; 32]) -> Self {
        // A time of nothing would come again and again without end.
        let least = Duration::from_millis(1);
        let settings = RegistrarSettings {
            heartbeat: settings.heartbeat.max(least),
            answer_within: settings.answer_within.max(least),
            ..settings
        };
        Registrar {
            settings,
            stage: Stage::Opening,
            inquiry: Inquiry::new(&settings, host, seed),
            registered: None,
            pace: Pace::default(),
            answers: Answers::default(),
            outputs: VecDeque::new(),
        }
    }

    fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    fn challenge(&mut self, at: Stamp) {
        let challenge = self.inquiry.ask(at);
        self.send(&RegistrarMessage::Challenge { challenge });
    }

    /// Does what is due up to now.
    fn advance(&mut self, at: Stamp) {
        if !self.is_open() {
            return;
        }
        if let Some(retries) = self.inquiry.expire(at) {
            self.miss(at, retries);
        }
        if self.is_open() && self.inquiry.is_due(at) {
            self.challenge(at);
        }
    }

    /// A challenge was not answered in time.
    fn miss(&mut self, at: Stamp, retries: u32) {
        self.event(RegistrarEvent::Unanswered { at, retries });
        let limit = self.settings.answer_within;
        if self.unregister(at) {
            let message =
                format!("The challenge was not answered within {limit:?}: nothing is passed on.");
            self.send(&error(ErrorCode::Unregistered, message));
        }
        if retries == 0 {
            self.dismiss(at, "no challenge was answered in time");
        }
    }

    fn judge(&mut self, at: Stamp, public_key: &str, response: &str) {
        match self.inquiry.judge(at, public_key, response) {
            Ok(key) => {
                self.accept(at, key);
                self.send(&RegistrarMessage::Accepted {
                    public_key: public_key.to_owned(),
                    response: response.to_owned(),
                });
            }
            Err((why, retries)) => {
                self.event(RegistrarEvent::Rejected { at, why, retries });
                if retries == 0 {
                    return self.dismiss(at, "no challenge was answered rightly");
                }
                let challenge = self.inquiry.ask_after(at, why);
                self.send(&RegistrarMessage::Rejected {
                    public_key: beginning(public_key),
                    response: beginning(response),
                    retries,
                    challenge,
                });
            }
        }
    }

    fn accept(&mut self, at: Stamp, key: PublicKey) {
        let before = self.registered.replace(key);
        self.event(match before {
            Some(_) => RegistrarEvent::Confirmed { at },
            None => RegistrarEvent::Registered { at, key },
        });
    }

    /// Takes a text that is not too soon.
    fn hear(&mut self, at: Stamp, text: String, to: Option<PublicKey>) {
        let limit = self.settings.longest_text;
        let bytes = text.len();
        if self.registered.is_none() {
            let message = "Nothing is passed on before a challenge has been answered rightly.";
            self.refuse(ErrorCode::NotRegistered, message);
        } else if text.trim().is_empty() {
            self.refuse(ErrorCode::TextEmpty, "There is nothing in this text.");
        } else if bytes > limit {
            let message = format!("This text is {bytes} bytes long, and {limit} are allowed.");
            self.refuse(ErrorCode::TextTooLong, message);
        } else {
            self.answers.await_one();
            self.event(RegistrarEvent::Said { at, text, to });
        }
    }

    /// Answers what came with an error, once what came before has been answered.
    fn refuse(&mut self, code: ErrorCode, message: impl Into<String>) {
        self.answer(error(code, message));
    }

    fn answer(&mut self, answer: RegistrarMessage) {
        self.answers.push(answer);
        self.send_answers();
    }

    /// The oldest text that has not been answered is answered with this.
    fn settle(&mut self, answer: RegistrarMessage) {
        self.answers.settle(answer);
        self.send_answers();
    }

    fn send_answers(&mut self) {
        while let Some(answer) = self.answers.take() {
            self.send(&answer);
        }
    }

    /// Takes the registration away, if there is one.
    fn unregister(&mut self, at: Stamp) -> bool {
        let key = self.registered.take();
        if let Some(key) = key {
            self.event(RegistrarEvent::Unregistered { at, key });
        }
        key.is_some()
    }

    fn dismiss(&mut self, at: Stamp, reason: &str) {
        self.unregister(at);
        self.stage = Stage::Left;
        let farewell = Farewell::new(CloseReason::POLICY_VIOLATION, reason);
        self.outputs.push_back(Output::Close(farewell));
    }

    fn send(&mut self, message: &RegistrarMessage) {
        let message = Message::text(message.to_string());
        self.outputs.push_back(Output::Send(message));
    }

    fn event(&mut self, event: RegistrarEvent) {
        self.outputs.push_back(Output::Event(event));
    }
}

fn error(code: ErrorCode, message: impl Into<String>) -> RegistrarMessage {
    RegistrarMessage::Error {
        code,
        message: message.into(),
        retry_after: None,
    }
}

/// As much of a text as is repeated.
fn beginning(text: &str) -> String {
    let mut end = text.len().min(LONGEST_ECHO);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

impl Party for Registrar {
    type Event = RegistrarEvent;
    type Cue = RegistrarCue;

    fn handle_open(&mut self, at: Stamp) {
        if self.stage == Stage::Opening {
            self.stage = Stage::Open;
            self.challenge(at);
        }
    }

    fn handle_message(&mut self, at: Stamp, message: &Message) {
        // An answer that comes once its time is over is late, even if nobody has woken the
        // registrar for that yet.
        self.advance(at);
        if !self.is_open() {
            return;
        }
        let parsed = match message {
            Message::Text(text) => Some(RegistrantMessage::parse(text)),
            Message::Binary(_) => None,
            // The link answers pings, and pongs need no answer.
            Message::Ping(_) | Message::Pong(_) => return,
        };
        let is_asked_for = matches!(parsed, Some(Ok(RegistrantMessage::Answer { .. })))
            && self.inquiry.is_asking();
        if !is_asked_for {
            match self.pace.hurries(at, self.settings.rate) {
                Haste::None => {}
                Haste::TooFast(wait) => {
                    return self.answer(RegistrarMessage::Error {
                        code: ErrorCode::TooFast,
                        message: self.settings.rate.refusal(),
                        retry_after: Some(wait),
                    });
                }
                Haste::Flood => return self.dismiss(at, Haste::FLOOD),
            }
        }
        match parsed {
            None => {
                let message = "This registration is made of text messages; a binary one is none.";
                self.refuse(ErrorCode::NotText, message);
            }
            Some(Err(error)) => self.refuse(error.code(), sentence(&error.to_string())),
            Some(Ok(RegistrantMessage::Text { text, to })) => self.hear(at, text, to),
            Some(Ok(RegistrantMessage::Answer {
                public_key,
                response,
            })) => {
                self.judge(at, &public_key, &response);
            }
        }
    }

    fn handle_timeout(&mut self, at: Stamp) {
        self.advance(at);
    }

    fn handle_cue(&mut self, at: Stamp, cue: RegistrarCue) {
        if !self.is_open() {
            return;
        }
        match cue {
            // It may have been on its way when the registration ended.
            RegistrarCue::Text(_) if self.registered.is_none() => {}
            RegistrarCue::Text(text) => {
                self.outputs.push_back(Output::Send(Message::text(&*text)));
            }
            RegistrarCue::Delivered(delivered) => {
                self.settle(RegistrarMessage::Delivered { delivered });
            }
            RegistrarCue::TooFast(wait) => {
                self.settle(RegistrarMessage::Error {
                    code: ErrorCode::TooFast,
                    message: TOO_MUCH_TOGETHER.to_owned(),
                    retry_after: Some(wait),
                });
            }
            RegistrarCue::UnknownKey(key) => {
                let message = format!("Nobody is registered with the key {key}.");
                self.settle(error(ErrorCode::UnknownKey, message));
            }
            RegistrarCue::Replaced => {
                self.dismiss(at, "this key has registered over another connection");
            }
        }
    }

    fn handle_close(&mut self, at: Stamp) {
        self.unregister(at);
        self.stage = Stage::Left;
    }

    fn poll_output(&mut self) -> Option<Output<RegistrarEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        self.is_open().then(|| self.inquiry.due())
    }
}
