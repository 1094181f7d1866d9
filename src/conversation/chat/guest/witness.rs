use std::convert::Infallible;

use super::GuestEvent;
use super::listener::{Listener, Notice};
use crate::conversation::chat::GuestMessage;
use crate::conversation::{Message, Output, Party, Stamp};

/// The party that stands by while a recorded chat is replayed, and notices what the guest noticed.
///
/// It says nothing. A [`Guest`](super::Guest) would not do: what it says now is not what was said
/// then, when a person was typing, so that it would take none of the answers for its own. Both leave
/// it to the same listener to make sense of what was said.
///
/// It knows of one connection only: what the guest remembered of the one before is in no recording,
/// so that what was [missed](super::Hearing::Missed) then is [earlier](super::Hearing::Earlier) here.
#[derive(Debug, Default)]
pub struct Witness {
    listener: Listener,
}

impl Party for Witness {
    type Event = GuestEvent;
    type Cue = Infallible;

    fn handle_open(&mut self, _at: Stamp) {}

    fn handle_message(&mut self, at: Stamp, message: &Message) {
        self.listener.hear(at, message);
    }

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn handle_written(&mut self, _at: Stamp, message: &Message) {
        if let Message::Text(text) = message
            && let Ok(message) = GuestMessage::parse(text)
        {
            self.listener.sent(&message);
        }
    }

    fn handle_close(&mut self, _at: Stamp) {
        self.listener.give_up_reason();
        self.listener.settle();
    }

    fn poll_output(&mut self) -> Option<Output<GuestEvent>> {
        loop {
            match self.listener.poll_notice()? {
                Notice::Event(event) => return Some(Output::Event(event)),
                Notice::NameRefused {
                    at,
                    name,
                    code,
                    reason,
                } => {
                    return Some(Output::Event(GuestEvent::NameRefused {
                        at,
                        name,
                        code,
                        reason,
                        again: None,
                    }));
                }
                // What was done about these then is in the recording.
                Notice::Heartbeat
                | Notice::Entered
                | Notice::Slower(..)
                | Notice::NoWayBack { .. } => {}
            }
        }
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}
