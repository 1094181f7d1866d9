use std::convert::Infallible;

use super::listener::{Listener, Notice};
use super::{GuestEvent, NextName};
use crate::conversation::chat::GuestMessage;
use crate::conversation::{Message, Output, Party, Stamp};

/// The party that stands by while a recorded chat is replayed, and notices what the guest noticed.
///
/// It says nothing. A [`Guest`](super::Guest) would not do: what it says now is not what was said
/// then, when a person was typing, so that it would take none of the answers for its own. Both leave
/// it to the same listener to make sense of what was said.
///
/// What the guest had [missed](super::Hearing::Missed) can only be told by a witness who has heard the
/// connection before as well; to any other it is [earlier](super::Hearing::Earlier).
#[derive(Debug, Default)]
pub struct Witness {
    listener: Listener,
}

impl Witness {
    /// The witness of the next connection of the same guest.
    pub fn of_next_connection(self) -> Self {
        let Listener {
            channel,
            heard,
            line,
            ..
        } = self.listener;
        Witness {
            listener: Listener::resuming(channel, heard, line),
        }
    }
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
        // A history that was cut short is told, but is nothing to compare the next one with.
        let heard = self.listener.heard.clone();
        self.listener.settle();
        self.listener.heard = heard;
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
                        next: NextName::Other,
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
