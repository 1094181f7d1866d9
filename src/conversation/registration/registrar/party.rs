use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::answers::Answers;
use super::{RegistrarCue, RegistrarEvent, RegistrarSettings, Rejection};
use crate::conversation::pace::{Haste, Pace};
use crate::conversation::registration::{
    Challenge, ErrorCode, Nonce, PublicKey, RegistrantMessage, RegistrarMessage, Response,
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
/// left, and a right answer gives them all back. Whoever is registered stays so over a wrong answer,
/// for as long as there is another challenge to answer.
#[derive(Debug)]
pub struct Registrar {
    settings: RegistrarSettings,
    host: String,
    nonces: StdRng,
    stage: Stage,
    /// The key that the connection has registered with, now or before. It keeps that.
    key: Option<PublicKey>,
    is_registered: bool,
    asking: Asking,
    /// How many challenges in a row were not answered rightly.
    failures: u32,
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

/// Whether a challenge is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asking {
    /// This one is.
    Now {
        challenge: Challenge,
        since: Stamp,
        until: Stamp,
    },
    /// The last one was answered rightly.
    Answered { next: Stamp },
    /// The last one was not answered in time.
    Missed { next: Stamp },
}

impl Registrar {
    /// A registrar of the server that the client called this in its `Host` header. The seed of the
    /// nonces has to be one that nobody can guess, and another for each connection.
    pub fn new(settings: RegistrarSettings, host: String, seed: [u8; 32]) -> Self {
        // A time of nothing would come again and again without end.
        let least = Duration::from_millis(1);
        Registrar {
            settings: RegistrarSettings {
                heartbeat: settings.heartbeat.max(least),
                answer_within: settings.answer_within.max(least),
                ..settings
            },
            host,
            nonces: StdRng::from_seed(seed),
            stage: Stage::Opening,
            key: None,
            is_registered: false,
            asking: Asking::Answered {
                next: Stamp::OPENING,
            },
            failures: 0,
            pace: Pace::default(),
            answers: Answers::default(),
            outputs: VecDeque::new(),
        }
    }

    fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// A challenge that has not been there before. It is to be answered from now on.
    fn next_challenge(&mut self, at: Stamp) -> String {
        let mut nonce = [0; 32];
        self.nonces.fill_bytes(&mut nonce);
        let challenge = Challenge::new(self.host.clone(), Nonce::new(nonce));
        let text = challenge.to_string();
        self.asking = Asking::Now {
            challenge,
            since: at,
            until: at + self.settings.answer_within,
        };
        text
    }

    fn challenge(&mut self, at: Stamp) {
        let challenge = self.next_challenge(at);
        self.send(&RegistrarMessage::Challenge { challenge });
    }

    /// Does what is due up to now.
    fn advance(&mut self, at: Stamp) {
        if !self.is_open() {
            return;
        }
        match self.asking {
            Asking::Now { since, until, .. } if until <= at => self.miss(at, since),
            _ => {}
        }
        match self.asking {
            Asking::Answered { next } | Asking::Missed { next } if next <= at && self.is_open() => {
                self.challenge(at);
            }
            _ => {}
        }
    }

    /// The challenge that came then was not answered in time.
    fn miss(&mut self, at: Stamp, since: Stamp) {
        let retries = self.fail();
        self.event(RegistrarEvent::Unanswered { at, retries });
        self.asking = Asking::Missed {
            next: since + self.settings.heartbeat,
        };
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

    /// Takes a try, and says how many are left.
    fn fail(&mut self) -> u32 {
        self.failures = self.failures.saturating_add(1);
        self.retries()
    }

    fn retries(&self) -> u32 {
        let tries = self.settings.retries.saturating_add(1);
        tries.saturating_sub(self.failures)
    }

    fn judge(&mut self, at: Stamp, public_key: &str, response: &str) {
        match self.verdict(public_key, response) {
            Ok(key) => {
                self.accept(at, key);
                self.send(&RegistrarMessage::Accepted {
                    public_key: public_key.to_owned(),
                    response: response.to_owned(),
                });
            }
            Err(why) => self.reject(at, why, public_key, response),
        }
    }

    fn verdict(&self, public_key: &str, response: &str) -> Result<PublicKey, Rejection> {
        let challenge = match &self.asking {
            Asking::Now { challenge, .. } => challenge,
            Asking::Answered { .. } => return Err(Rejection::Unasked),
            Asking::Missed { .. } => return Err(Rejection::Late),
        };
        let key: PublicKey = public_key.parse().map_err(Rejection::KeyText)?;
        let response: Response = response.parse().map_err(Rejection::ResponseText)?;
        key.verify(challenge, &response)?;
        if self.key.is_some_and(|it| it != key) {
            return Err(Rejection::OtherKey);
        }
        Ok(key)
    }

    fn accept(&mut self, at: Stamp, key: PublicKey) {
        self.failures = 0;
        self.asking = Asking::Answered {
            next: at + self.settings.heartbeat,
        };
        self.key = Some(key);
        self.event(if self.is_registered {
            RegistrarEvent::Confirmed { at }
        } else {
            RegistrarEvent::Registered { at, key }
        });
        self.is_registered = true;
    }

    fn reject(&mut self, at: Stamp, why: Rejection, public_key: &str, response: &str) {
        let retries = match why {
            // That has cost a try already when it did not come.
            Rejection::Late => self.retries(),
            _ => self.fail(),
        };
        self.event(RegistrarEvent::Rejected { at, why, retries });
        if retries == 0 {
            return self.dismiss(at, "no challenge was answered rightly");
        }
        let challenge = self.next_challenge(at);
        self.send(&RegistrarMessage::Rejected {
            public_key: beginning(public_key),
            response: beginning(response),
            retries,
            challenge,
        });
    }

    /// Takes a text that is not too soon.
    fn hear(&mut self, at: Stamp, text: String, to: Option<PublicKey>) {
        let limit = self.settings.longest_text;
        let bytes = text.len();
        if !self.is_registered {
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
        let was_registered = std::mem::take(&mut self.is_registered);
        if let Some(key) = self.key
            && was_registered
        {
            self.event(RegistrarEvent::Unregistered { at, key });
        }
        was_registered
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
            && matches!(self.asking, Asking::Now { .. });
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
            RegistrarCue::Text(_) if !self.is_registered => {}
            RegistrarCue::Text(text) => {
                self.outputs.push_back(Output::Send(Message::text(&*text)));
            }
            RegistrarCue::Delivered(delivered) => {
                self.settle(RegistrarMessage::Delivered { delivered });
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
        if !self.is_open() {
            return None;
        }
        Some(match self.asking {
            Asking::Now { until, .. } => until,
            Asking::Answered { next } | Asking::Missed { next } => next,
        })
    }
}
