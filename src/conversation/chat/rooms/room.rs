use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::SeatId;
use crate::conversation::chat::{HISTORY, RoomMessage, UserName};

/// How many names a roster lists. Each of them may take up 128 bytes, and the whole has to stay
/// below the 64 KiB that a client reads.
const LISTED: usize = 256;

/// One channel: who is in it, who is called what there, and what was said last.
#[derive(Debug, Default)]
pub(super) struct Room {
    seats: BTreeSet<SeatId>,
    names: BTreeMap<UserName, SeatId>,
    history: VecDeque<Arc<str>>,
}

/// What became of the wish for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The name is the seat's now, and was nobody's before.
    Granted,
    /// The name is the seat's already.
    Held,
    /// Somebody else has it.
    Taken,
}

impl Room {
    pub(super) fn enter(&mut self, seat: SeatId) {
        self.seats.insert(seat);
    }

    /// The seat is given up. Its name has been [released](Room::release) before.
    pub(super) fn leave(&mut self, seat: SeatId) {
        self.seats.remove(&seat);
    }

    pub(super) fn claim(&mut self, seat: SeatId, name: &UserName) -> Claim {
        match self.names.get(name) {
            Some(owner) if *owner == seat => Claim::Held,
            Some(_) => Claim::Taken,
            None => {
                self.names.insert(name.clone(), seat);
                Claim::Granted
            }
        }
    }

    pub(super) fn release(&mut self, name: &UserName) {
        self.names.remove(name);
    }

    /// Keeps a message for those who come later.
    pub(super) fn remember(&mut self, message: Arc<str>) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(message);
    }

    /// Everybody who hears what is said here.
    pub(super) fn seats(&self) -> impl Iterator<Item = SeatId> {
        self.seats.iter().copied()
    }

    /// What was said last, the oldest first.
    pub(super) fn history(&self) -> impl Iterator<Item = &Arc<str>> {
        self.history.iter()
    }

    /// How many have a name here.
    pub(super) fn named(&self) -> usize {
        self.names.len()
    }

    /// Who is here, as whoever enters is told.
    pub(super) fn roster(&self) -> RoomMessage {
        let listed = self.names.keys().take(LISTED);
        RoomMessage::Presence {
            came: listed.map(UserName::to_string).collect(),
            went: Vec::new(),
            total: self.named(),
        }
    }

    pub(super) fn is_vacant(&self) -> bool {
        self.seats.is_empty()
    }

    pub(super) fn is_silent(&self) -> bool {
        self.history.is_empty()
    }
}
