use std::collections::VecDeque;
use std::convert::Infallible;

use crate::conversation::{Message, Output, Party, Stamp};

/// The party that sends every text and binary message back, as it is: the peer that a
/// [`Pinger`](super::Pinger) wants whose pings are [messages](super::Medium::Messages).
///
/// Pings are not its affair, since the link answers them, and pongs need no answer. It notices
/// nothing, and stays for as long as the peer does.
#[derive(Debug, Default)]
pub struct Echo {
    /// What has not been handed out yet: one message at the most, when every call is followed by
    /// polling, as the drive contract has it.
    unsent: VecDeque<Message>,
}

impl Echo {
    /// An echo with nothing to say yet.
    pub fn new() -> Self {
        Echo::default()
    }
}

impl Party for Echo {
    type Event = Infallible;
    type Cue = Infallible;

    fn handle_open(&mut self, _at: Stamp) {}

    fn handle_message(&mut self, _at: Stamp, message: &Message) {
        match message {
            Message::Text(_) | Message::Binary(_) => self.unsent.push_back(message.clone()),
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn poll_output(&mut self) -> Option<Output<Infallible>> {
        self.unsent.pop_front().map(Output::Send)
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_are_and_control_frames_do_not() {
        let mut echo = Echo::new();
        echo.handle_open(Stamp::OPENING);
        assert_eq!(echo.poll_output(), None);
        let messages = [
            Message::text(""),
            Message::text("söme text"),
            Message::Binary(vec![0, 255]),
        ];
        for message in messages {
            echo.handle_message(Stamp::OPENING, &message);
            assert_eq!(echo.poll_output(), Some(Output::Send(message)));
            assert_eq!(echo.poll_output(), None);
        }
        for frame in [Message::Ping(vec![1]), Message::Pong(vec![1])] {
            echo.handle_message(Stamp::OPENING, &frame);
            assert_eq!(echo.poll_output(), None);
        }
        assert_eq!(echo.poll_timeout(), None);
    }
}
