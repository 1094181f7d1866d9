//! A party and an observer of a conversation in which nothing is said and nothing noted down.

use std::convert::Infallible;

use wsbeat::conversation::{Message, Output, Party, Stamp, WireEvent};
use wsbeat::link::Observer;

/// Says nothing and listens.
pub struct Silent;

impl Party for Silent {
    type Event = ();
    type Cue = Infallible;

    fn handle_open(&mut self, _at: Stamp) {}

    fn handle_message(&mut self, _at: Stamp, _message: &Message) {}

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn poll_output(&mut self) -> Option<Output<()>> {
        None
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}

/// Is told everything and keeps nothing.
pub struct Nobody;

impl Observer<()> for Nobody {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, (): ()) {}
}
