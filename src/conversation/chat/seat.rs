use std::collections::VecDeque;
use std::sync::Arc;

use super::{Delivery, GuestMessage};
use crate::conversation::{Message, Output, Party, Stamp};

/// The server's party in the conversation with one guest. All that is decided, [`Rooms`] decide,
/// since it concerns others as well: a seat tells of what the guest says, and says what it is
/// [given](Delivery).
///
/// [`Rooms`]: super::Rooms
#[derive(Debug, Default)]
pub struct Seat {
    outputs: VecDeque<Output<SeatEvent>>,
    /// Set once the guest has been shown out.
    is_closed: bool,
}

/// What a seat tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatEvent {
    /// The guest has said this: a text or binary message.
    Said(Message),
}

impl Seat {
    /// A seat that somebody has just taken.
    pub fn new() -> Self {
        Seat::default()
    }
}

impl Party for Seat {
    type Event = SeatEvent;
    type Cue = Delivery;

    fn handle_open(&mut self, _at: Stamp) {}

    fn handle_message(&mut self, _at: Stamp, message: &Message) {
        match message {
            Message::Text(_) | Message::Binary(_) if !self.is_closed => {
                let said = SeatEvent::Said(message.clone());
                self.outputs.push_back(Output::Event(said));
            }
            Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
        }
    }

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn handle_cue(&mut self, _at: Stamp, delivery: Delivery) {
        if self.is_closed {
            return;
        }
        let send = |text: &Arc<str>| Output::Send(Message::text(&**text));
        match delivery {
            Delivery::Text(text) => self.outputs.push_back(send(&text)),
            Delivery::Texts(texts) => self.outputs.extend(texts.iter().map(send)),
            Delivery::Close(farewell) => {
                self.is_closed = true;
                self.outputs.push_back(Output::Close(*farewell));
            }
        }
    }

    fn poll_output(&mut self) -> Option<Output<SeatEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }

    /// What has to do with a ticket, and be it misspelt.
    fn is_confidential(&self, message: &Message) -> bool {
        let Message::Text(text) = message else {
            return false;
        };
        let is_ticket = || matches!(GuestMessage::parse(text), Ok(GuestMessage::Ticket { .. }));
        text.to_ascii_lowercase().contains("ticket") || is_ticket()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Farewell;

    #[test]
    fn tickets_are_not_for_the_log() {
        let seat = Seat::new();
        for text in [
            r#"{"type":"ticket","ticket":"6f0c"}"#,
            r#"{"type":"\u0074icket","\u0074icket":"6f0c"}"#,
            r#"{"type":"Ticket","tiket":"6f0c"#,
        ] {
            assert!(seat.is_confidential(&Message::text(text)), "{text}");
        }
        let harmless = r#"{"type":"message","text":"hi"}"#;
        assert!(!seat.is_confidential(&Message::text(harmless)));
    }

    #[test]
    fn it_passes_on_what_is_said_and_says_what_it_is_given_up_to_the_end() {
        let mut seat = Seat::new();
        let at = Stamp::OPENING;
        seat.handle_open(at);
        let said = Message::text("hello");
        for message in [&said, &Message::Ping(vec![1]), &Message::Pong(vec![2])] {
            seat.handle_message(at, message);
        }
        let event = SeatEvent::Said(said.clone());
        assert_eq!(seat.poll_output(), Some(Output::Event(event)));
        assert_eq!(seat.poll_output(), None);

        let farewell = Farewell::new(1008, "enough");
        let texts = ["one".into(), "two".into()];
        seat.handle_cue(at, Delivery::Texts(Box::new(texts)));
        seat.handle_cue(at, Delivery::Text("hi".into()));
        seat.handle_cue(at, Delivery::Close(Box::new(farewell.clone())));
        seat.handle_cue(at, Delivery::Text("late".into()));
        seat.handle_message(at, &said);
        for text in ["one", "two", "hi"] {
            assert_eq!(seat.poll_output(), Some(Output::Send(Message::text(text))));
        }
        assert_eq!(seat.poll_output(), Some(Output::Close(farewell)));
        assert_eq!(seat.poll_output(), None);
    }
}
