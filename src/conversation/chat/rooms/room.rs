use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::SeatId;
use crate::conversation::Stamp;
use crate::conversation::chat::{HISTORY, RoomMessage, UserName};

/// How many names one presence lists. Each of them may take up 128 bytes, and the whole has to stay
/// below the 64 KiB that a client reads.
const LISTED: usize = 256;

/// For how long comings and goings are gathered: too short for a person to notice, and long enough
/// that no crowd that comes or goes at once fills anybody's queue with the news of it.
const GATHERED: Duration = Duration::from_millis(100);

/// One channel: who is in it, who is called what there, and what was said last.
#[derive(Debug, Default)]
pub(super) struct Room {
    seats: BTreeSet<SeatId>,
    names: BTreeMap<UserName, SeatId>,
    /// Those of the names that everybody here has been told of.
    announced: BTreeSet<UserName>,
    /// When somebody's coming or going was told last.
    told: Option<Stamp>,
    /// When what has been gathered since is told.
    due: Option<Stamp>,
    history: VecDeque<Arc<str>>,
    /// How long the messages of the history are, all together.
    bytes: usize,
}

/// What became of the wish for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The name is the seat's now, and was nobody's before.
    Granted,
    /// The name is the seat's already.
    Held,
    /// It is this one's.
    Taken(SeatId),
}

impl Room {
    pub(super) fn enter(&mut self, seat: SeatId) {
        self.seats.insert(seat);
    }

    /// The seat is given up. Its name has been [released](Room::release) before.
    pub(super) fn leave(&mut self, seat: SeatId) {
        self.seats.remove(&seat);
        if self.seats.is_empty() {
            // Nobody is left who could be told.
            self.announced.clear();
        }
    }

    pub(super) fn claim(&mut self, seat: SeatId, name: &UserName) -> Claim {
        match self.names.get(name) {
            Some(owner) if *owner == seat => Claim::Held,
            Some(owner) => Claim::Taken(*owner),
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
        if self.history.len() == HISTORY
            && let Some(oldest) = self.history.pop_front()
        {
            self.bytes -= oldest.len();
        }
        self.bytes += message.len();
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

    /// How much memory the history takes up.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many have a name here.
    #[cfg(test)]
    pub(super) fn named(&self) -> usize {
        self.names.len()
    }

    /// Who is here, as whoever enters is told: those that the others know of.
    pub(super) fn roster(&self) -> RoomMessage {
        let listed = self.announced.iter().take(LISTED);
        RoomMessage::Presence {
            came: listed.map(UserName::to_string).collect(),
            went: Vec::new(),
            total: self.announced.len(),
        }
    }

    /// Whether the others know of somebody.
    pub(super) fn has_announced(&self, name: &UserName) -> bool {
        self.announced.contains(name)
    }

    /// When the comings and goings are to be told that have been gathered, if there is a time set.
    pub(super) fn presence_due(&self) -> Option<Stamp> {
        self.due
    }

    /// Takes that time away.
    pub(super) fn take_due(&mut self) -> Option<Stamp> {
        self.due.take()
    }

    /// Somebody has come or gone. Gives when that is to be told: now, or with others later.
    pub(super) fn gather(&mut self, at: Stamp) -> Stamp {
        let told = self.told;
        let due = self.due.get_or_insert_with(|| {
            let rested = told.map_or(at, |told| told + GATHERED);
            rested.max(at)
        });
        *due
    }

    /// Takes what has been gathered: one message, or several if many have come and gone, or none if
    /// nobody has in the end.
    pub(super) fn take_presence(&mut self, at: Stamp) -> Vec<RoomMessage> {
        self.due = None;
        let has = |name: &UserName| self.names.contains_key(name);
        let went: Vec<_> = self
            .announced
            .iter()
            .filter(|it| !has(it))
            .cloned()
            .collect();
        let knows = |name: &UserName| self.announced.contains(name);
        let came: Vec<_> = self.names.keys().filter(|it| !knows(it)).cloned().collect();
        if came.is_empty() && went.is_empty() {
            return Vec::new();
        }
        self.told = Some(at);
        let mut messages = Vec::new();
        let (mut came, mut went) = (&came[..], &went[..]);
        while !came.is_empty() || !went.is_empty() {
            let (now_came, later) = came.split_at(came.len().min(LISTED));
            came = later;
            let (now_went, later) = went.split_at(went.len().min(LISTED - now_came.len()));
            went = later;
            for name in now_went {
                self.announced.remove(name);
            }
            self.announced.extend(now_came.iter().cloned());
            let texts = |names: &[UserName]| names.iter().map(UserName::to_string).collect();
            messages.push(RoomMessage::Presence {
                came: texts(now_came),
                went: texts(now_went),
                total: self.announced.len(),
            });
        }
        messages
    }

    pub(super) fn is_vacant(&self) -> bool {
        self.seats.is_empty()
    }

    pub(super) fn is_silent(&self) -> bool {
        self.history.is_empty()
    }
}
