use super::{GuestCue, GuestEvent, GuestSettings, Memory};
use crate::conversation::{Message, Output, Party, Stamp};

/// The party that talks to a chat server for one person.
#[derive(Debug)]
pub struct Guest {
    settings: GuestSettings,
    memory: Memory,
}

impl Guest {
    /// How many lines and wishes may wait for their turn. What comes on top of them is
    /// [not taken](GuestEvent::Overfull): whoever gives the cues has to count what was said.
    pub const MOST_WAITING: usize = 256;

    /// A guest that goes on where the memory ends.
    pub fn new(settings: GuestSettings, memory: Memory) -> Self {
        Guest { settings, memory }
    }

    /// What the next guest has to know, after a connection that was lost.
    pub fn into_memory(self) -> Memory {
        self.memory
    }
}

impl Party for Guest {
    type Event = GuestEvent;
    type Cue = GuestCue;

    fn handle_open(&mut self, _at: Stamp) {
        self.memory.name.get_or_insert(self.settings.name.clone());
    }

    fn handle_message(&mut self, _at: Stamp, _message: &Message) {}

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn poll_output(&mut self) -> Option<Output<GuestEvent>> {
        None
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}
