//! Guests in virtual time: against single words of a room, against any words of any room, and against
//! the model of a room whose connections break, and in the rooms of the server.

mod any_room;
mod behaviour;
mod lost;
mod rooms;
mod witness;

use std::time::Duration;

use super::*;
use crate::conversation::chat::{GuestMessage, RoomMessage};
use crate::conversation::{Farewell, Message, Output, Party, Stamp};

/// A guest, and what it put out since somebody looked.
struct Bench {
    guest: Guest,
    now: Stamp,
    sent: Vec<GuestMessage>,
    noticed: Vec<GuestEvent>,
    closed: Option<Farewell>,
}

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

fn settings() -> GuestSettings {
    GuestSettings {
        name: name("alice"),
        ticket: None,
    }
}

fn secs(seconds: u64) -> Stamp {
    Stamp::after_opening(Duration::from_secs(seconds))
}

impl Bench {
    /// A guest whose connection has just been opened.
    fn with(settings: GuestSettings, memory: Memory) -> Self {
        let mut bench = Bench {
            guest: Guest::new(settings, memory),
            now: Stamp::OPENING,
            sent: Vec::new(),
            noticed: Vec::new(),
            closed: None,
        };
        bench.guest.handle_open(Stamp::OPENING);
        bench.drain();
        bench
    }

    fn new() -> Self {
        Bench::with(settings(), Memory::default())
    }

    /// A guest that has its name in the channel `pond`.
    fn settled() -> Self {
        let mut bench = Bench::new();
        bench.enters("pond", &[]);
        bench.takes_name();
        bench
    }

    /// The guest after its connection was lost, on the next one.
    fn reconnected(mut self) -> Self {
        self.guest.handle_close(self.now);
        self.drain();
        Bench::with(settings(), self.guest.into_memory())
    }

    fn drain(&mut self) {
        while let Some(output) = self.guest.poll_output() {
            match output {
                Output::Send(message) => {
                    assert_eq!(self.closed, None, "{message:?}");
                    self.guest.handle_written(self.now, &message);
                    let Message::Text(text) = message else {
                        panic!("{message:?}")
                    };
                    self.sent.push(GuestMessage::parse(&text).unwrap());
                }
                Output::Event(event) => self.noticed.push(event),
                Output::Close(farewell) => self.closed = Some(farewell),
            }
        }
    }

    fn hears(&mut self, message: &RoomMessage) {
        self.hears_text(&message.to_string());
    }

    fn hears_text(&mut self, text: &str) {
        self.guest.handle_message(self.now, &Message::text(text));
        self.drain();
    }

    fn hears_said(&mut self, user: &str, text: &str) {
        self.hears(&said(user, text));
    }

    fn hears_error(&mut self, code: ErrorCode, retry_after_ms: Option<u64>) {
        self.hears(&RoomMessage::Error {
            code,
            message: "no".to_owned(),
            retry_after_ms,
        });
    }

    fn hears_about_name(&mut self, success: bool) {
        self.hears(&RoomMessage::Identity { success });
    }

    fn hears_heartbeat(&mut self, authenticated: bool) {
        self.hears(&RoomMessage::Heartbeat { authenticated });
    }

    fn hears_presence(&mut self) {
        self.hears(&RoomMessage::Presence {
            came: vec!["bob".to_owned()],
            went: Vec::new(),
            total: 1,
        });
    }

    /// The room puts it into a channel in which this has been said by bob.
    fn enters(&mut self, channel: &str, history: &[&str]) {
        let id = channel.to_owned();
        self.hears(&RoomMessage::Connection { id });
        for text in history {
            self.hears_said("bob", text);
        }
        self.hears_presence();
    }

    /// The room lets it have its name, and nobody looks at what came before.
    fn takes_name(&mut self) {
        self.hears_about_name(true);
        self.sent.clear();
        self.noticed.clear();
    }

    fn cue(&mut self, cue: GuestCue) {
        self.guest.handle_cue(self.now, cue);
        self.drain();
    }

    fn say(&mut self, text: &str) {
        self.cue(GuestCue::Say(text.to_owned()));
    }

    /// Waits, and wakes the guest as often as it wants to be.
    fn waits_until(&mut self, then: Stamp) {
        while let Some(due) = self.guest.poll_timeout().filter(|due| *due <= then) {
            self.now = self.now.max(due);
            self.guest.handle_timeout(self.now);
            self.drain();
            assert!(self.guest.poll_timeout() != Some(due), "woken for ever");
        }
        self.now = then;
    }

    /// What was sent since somebody looked.
    fn sent(&mut self) -> Vec<GuestMessage> {
        std::mem::take(&mut self.sent)
    }

    /// What was noticed since somebody looked, but for presences.
    fn noticed(&mut self) -> Vec<GuestEvent> {
        let mut noticed = std::mem::take(&mut self.noticed);
        noticed.retain(|it| !matches!(it, GuestEvent::Presence { .. }));
        noticed
    }

    /// What was heard since somebody looked, and how.
    fn heard(&mut self) -> Vec<(String, Hearing)> {
        let heard = self.noticed().into_iter().filter_map(|event| match event {
            GuestEvent::Heard(heard) => Some((heard.text, heard.how)),
            _ => None,
        });
        heard.collect()
    }
}

fn said(user: &str, text: &str) -> RoomMessage {
    RoomMessage::Message {
        text: text.to_owned(),
        timestamp: 1_652_997_756,
        user: user.to_owned(),
    }
}

fn message(text: &str) -> GuestMessage {
    GuestMessage::Message {
        text: text.to_owned(),
    }
}

fn identity(user: &str) -> GuestMessage {
    GuestMessage::Identity {
        user: user.to_owned(),
    }
}

fn join(id: &str) -> GuestMessage {
    GuestMessage::Join { id: id.to_owned() }
}
