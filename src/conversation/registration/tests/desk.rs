use super::*;
use crate::conversation::{Farewell, Output, Party};

/// A registrant, and what it put out since somebody looked.
pub(super) struct Desk {
    pub(super) registrant: Registrant,
    pub(super) pair: KeyPair,
    pub(super) now: Stamp,
    pub(super) closed: Option<Farewell>,
    sent: Vec<RegistrantMessage>,
    noticed: Vec<RegistrantEvent>,
}

impl Desk {
    /// A registrant whose connection has just been opened.
    pub(super) fn new() -> Self {
        let pair = pair(1);
        let settings = RegistrantSettings {
            host: HOST.to_owned(),
            key: pair.clone(),
        };
        let mut desk = Desk {
            registrant: Registrant::new(settings),
            pair,
            now: Stamp::OPENING,
            closed: None,
            sent: Vec::new(),
            noticed: Vec::new(),
        };
        desk.registrant.handle_open(Stamp::OPENING);
        desk.drain();
        desk
    }

    /// A registrant that is registered.
    pub(super) fn registered() -> Self {
        let mut desk = Desk::new();
        desk.is_challenged(1);
        desk.is_accepted(1);
        desk.sent();
        let at = desk.now;
        let registered = RegistrantEvent::Registered { at };
        assert_eq!(
            desk.noticed(),
            [RegistrantEvent::Challenged { at }, registered]
        );
        desk
    }

    fn drain(&mut self) {
        while let Some(output) = self.registrant.poll_output() {
            match output {
                Output::Send(message) => {
                    assert_eq!(self.closed, None, "{message:?}");
                    self.registrant.handle_written(self.now, &message);
                    let Message::Text(text) = message else {
                        panic!("{message:?}")
                    };
                    let message = RegistrantMessage::parse(&text).unwrap();
                    assert_eq!(message.to_string(), text);
                    self.sent.push(message);
                }
                Output::Event(event) => self.noticed.push(event),
                Output::Close(farewell) => {
                    assert_eq!(self.closed, None);
                    self.closed = Some(farewell);
                }
            }
        }
    }

    pub(super) fn hears(&mut self, message: &RegistrarMessage) {
        self.hears_frame(&Message::Text(message.to_string()));
    }

    pub(super) fn hears_frame(&mut self, message: &Message) {
        self.registrant.handle_message(self.now, message);
        self.drain();
    }

    pub(super) fn hears_error(&mut self, code: ErrorCode, retry_after: Option<Duration>) {
        self.hears(&error(code, retry_after));
    }

    /// The registrar challenges it, with the nonce of this number.
    pub(super) fn is_challenged(&mut self, number: u8) {
        let challenge = challenge(HOST, number);
        self.hears(&RegistrarMessage::Challenge { challenge });
    }

    /// The registrar takes the answer to the challenge of this number.
    pub(super) fn is_accepted(&mut self, number: u8) {
        self.hears(&RegistrarMessage::Accepted {
            public_key: self.pair.public_key().to_string(),
            response: signed(&self.pair, &challenge(HOST, number)),
        });
    }

    /// The registrar does not take the answer to the challenge of this number, and has another.
    pub(super) fn is_rejected(&mut self, number: u8, retries: u32, next: &str) {
        self.hears(&RegistrarMessage::Rejected {
            public_key: self.pair.public_key().to_string(),
            response: signed(&self.pair, &challenge(HOST, number)),
            retries,
            challenge: next.to_owned(),
        });
    }

    /// The answer to the challenge of this number.
    pub(super) fn answer(&self, number: u8) -> RegistrantMessage {
        answer(&self.pair, &challenge(HOST, number))
    }

    pub(super) fn say(&mut self, text: &str) {
        self.cue(RegistrantCue::Say(line(text)));
    }

    pub(super) fn cue(&mut self, cue: RegistrantCue) {
        self.registrant.handle_cue(self.now, cue);
        self.drain();
    }

    /// Waits, and wakes the registrant as often as it wants to be.
    pub(super) fn waits_until(&mut self, then: Stamp) {
        while let Some(due) = self.registrant.poll_timeout().filter(|due| *due <= then) {
            self.now = self.now.max(due);
            self.registrant.handle_timeout(self.now);
            self.drain();
            assert!(
                self.registrant.poll_timeout() != Some(due),
                "woken for ever"
            );
        }
        self.now = then;
    }

    /// What was sent since somebody looked.
    pub(super) fn sent(&mut self) -> Vec<RegistrantMessage> {
        std::mem::take(&mut self.sent)
    }

    /// What was noticed since somebody looked.
    pub(super) fn noticed(&mut self) -> Vec<RegistrantEvent> {
        std::mem::take(&mut self.noticed)
    }
}
