use super::*;
use crate::conversation::{Farewell, Output, Party};

/// A registrar, and what it put out since somebody looked.
pub(super) struct Counter {
    pub(super) registrar: Registrar,
    pub(super) now: Stamp,
    pub(super) closed: Option<Farewell>,
    /// The challenge that came last.
    pub(super) challenge: String,
    sent: Vec<RegistrarMessage>,
    noticed: Vec<RegistrarEvent>,
}

impl Counter {
    /// A registrar whose connection has just been opened, and who has challenged it.
    pub(super) fn new() -> Self {
        Counter::with(RegistrarSettings::default(), [1; 32])
    }

    pub(super) fn with(settings: RegistrarSettings, seed: [u8; 32]) -> Self {
        let mut counter = Counter {
            registrar: Registrar::new(settings, HOST.to_owned(), seed),
            now: Stamp::OPENING,
            closed: None,
            challenge: String::new(),
            sent: Vec::new(),
            noticed: Vec::new(),
        };
        counter.registrar.handle_open(Stamp::OPENING);
        counter.drain();
        assert_eq!(counter.sent(), [counter.challenged()]);
        counter
    }

    /// A registrar with which this pair is registered.
    pub(super) fn registered(pair: &KeyPair) -> Self {
        let mut counter = Counter::new();
        counter.answers(pair);
        assert!(matches!(
            counter.sent()[..],
            [RegistrarMessage::Accepted { .. }]
        ));
        counter.noticed();
        counter
    }

    pub(super) fn drain(&mut self) {
        while let Some(output) = self.registrar.poll_output() {
            match output {
                Output::Send(Message::Text(text)) => {
                    assert_eq!(self.closed, None, "{text}");
                    let message = RegistrarMessage::parse(&text).unwrap();
                    assert_eq!(message.to_string(), text);
                    if let RegistrarMessage::Challenge { challenge }
                    | RegistrarMessage::Rejected { challenge, .. } = &message
                    {
                        self.challenge.clone_from(challenge);
                    }
                    self.sent.push(message);
                }
                Output::Send(other) => panic!("{other:?}"),
                Output::Event(event) => self.noticed.push(event),
                Output::Close(farewell) => {
                    assert_eq!(self.closed, None);
                    self.closed = Some(farewell);
                }
            }
        }
    }

    pub(super) fn hears(&mut self, message: &RegistrantMessage) {
        self.hears_frame(&Message::Text(message.to_string()));
    }

    pub(super) fn hears_frame(&mut self, message: &Message) {
        self.registrar.handle_message(self.now, message);
        self.drain();
    }

    /// The newest challenge is answered rightly.
    pub(super) fn answers(&mut self, pair: &KeyPair) {
        self.hears(&answer(pair, &self.challenge.clone()));
    }

    pub(super) fn cue(&mut self, cue: RegistrarCue) {
        self.registrar.handle_cue(self.now, cue);
        self.drain();
    }

    /// Waits, and wakes the registrar as often as it wants to be.
    pub(super) fn waits_until(&mut self, then: Stamp) {
        while let Some(due) = self.registrar.poll_timeout().filter(|due| *due <= then) {
            self.now = self.now.max(due);
            self.registrar.handle_timeout(self.now);
            self.drain();
            assert!(self.registrar.poll_timeout() != Some(due), "woken for ever");
        }
        self.now = then;
    }

    /// The newest challenge, as it was sent if it came by itself.
    pub(super) fn challenged(&self) -> RegistrarMessage {
        let challenge = self.challenge.clone();
        RegistrarMessage::Challenge { challenge }
    }

    /// What was sent since somebody looked.
    pub(super) fn sent(&mut self) -> Vec<RegistrarMessage> {
        std::mem::take(&mut self.sent)
    }

    /// What was noticed since somebody looked.
    pub(super) fn noticed(&mut self) -> Vec<RegistrarEvent> {
        std::mem::take(&mut self.noticed)
    }

    /// The code of the one error that was sent since somebody looked.
    pub(super) fn sent_error(&mut self) -> ErrorCode {
        match &self.sent()[..] {
            [RegistrarMessage::Error { code, .. }] => *code,
            other => panic!("{other:?}"),
        }
    }

    /// Whether what is said is passed on. Nobody else is there.
    pub(super) fn passes_on(&mut self) -> bool {
        self.sent();
        self.noticed();
        self.hears(&text("is anybody there"));
        let said = self.noticed();
        if said.is_empty() {
            assert_eq!(self.sent_error(), ErrorCode::NotRegistered);
            return false;
        }
        assert!(
            matches!(said[..], [RegistrarEvent::Said { .. }]),
            "{said:?}"
        );
        self.cue(RegistrarCue::Delivered(0));
        assert_eq!(self.sent(), [RegistrarMessage::Delivered { delivered: 0 }]);
        true
    }
}
