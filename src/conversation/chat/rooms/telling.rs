//! What is told to whom: who comes into a channel and who goes, what is refused.

use std::sync::Arc;
use std::time::Duration;

use super::room::Room;
use super::{Delivery, Rooms, RoomsOutput, SeatId, VACANT_BYTES, VACANT_ROOMS};
use crate::conversation::Farewell;
use crate::conversation::chat::{ChannelName, ErrorCode, RoomMessage, UserName};
use crate::conversation::pace::wait_ms;

impl Rooms {
    /// Brings somebody into a channel: tells what was said there, and who is there.
    pub(super) fn show_in(&mut self, seat: SeatId, channel: &ChannelName) {
        let id = channel.to_string();
        let connection = RoomMessage::Connection { id };
        let room = self.room(channel);
        let was_vacant = room.is_vacant();
        room.enter(seat);
        let mut texts: Vec<Arc<str>> = vec![connection.to_string().into()];
        texts.extend(room.history().map(Arc::clone));
        texts.push(room.roster().to_string().into());
        let bytes = room.bytes();
        self.deliver(seat, Delivery::Texts(texts.into()));
        if was_vacant && let Some(place) = self.vacant.iter().position(|it| it == channel) {
            self.vacant.remove(place);
            self.vacant_bytes -= bytes;
        }
    }

    /// Takes somebody out of a channel, and tells the others.
    pub(super) fn show_out(&mut self, seat: SeatId, channel: &ChannelName, name: Option<UserName>) {
        let room = self.room(channel);
        room.leave(seat);
        if let Some(name) = &name {
            room.release(name);
        }
        if room.is_vacant() {
            self.vacate(channel);
        } else if name.is_some() {
            self.gather_presence(channel);
        }
    }

    /// Nobody is in a channel any more.
    fn vacate(&mut self, channel: &ChannelName) {
        // There is nobody to be told who has gone.
        if let Some(due) = self.room(channel).take_due() {
            self.presence_due.remove(&(due, channel.clone()));
        }
        let room = self.room(channel);
        let (is_silent, bytes) = (room.is_silent(), room.bytes());
        if is_silent {
            self.rooms.remove(channel);
            return;
        }
        self.vacant.push_back(channel.clone());
        self.vacant_bytes += bytes;
        while self.vacant.len() > VACANT_ROOMS || self.vacant_bytes > VACANT_BYTES {
            let Some(oldest) = self.vacant.pop_front() else {
                return;
            };
            let forgotten = self.rooms.remove(&oldest);
            self.vacant_bytes -= forgotten.map_or(0, |room| room.bytes());
        }
    }

    /// Shows somebody out.
    pub(super) fn dismiss(&mut self, seat: SeatId, farewell: Farewell) {
        self.deliver(seat, Delivery::Close(Box::new(farewell)));
        self.leave(self.now, seat);
    }

    pub(super) fn room(&mut self, channel: &ChannelName) -> &mut Room {
        self.rooms.entry(channel.clone()).or_default()
    }

    /// Somebody has come or gone: tells everybody in the channel, now, or with others soon.
    pub(super) fn gather_presence(&mut self, channel: &ChannelName) {
        let now = self.now;
        let room = self.room(channel);
        if room.presence_due().is_some() {
            return;
        }
        let due = room.gather(now);
        if due <= now {
            self.tell_presence(channel);
        } else {
            self.presence_due.insert((due, channel.clone()));
        }
    }

    /// Tells everybody in a channel who has come and gone.
    pub(super) fn tell_presence(&mut self, channel: &ChannelName) {
        let now = self.now;
        if let Some(due) = self.room(channel).take_due() {
            self.presence_due.remove(&(due, channel.clone()));
        }
        for presence in self.room(channel).take_presence(now) {
            self.broadcast(channel, &presence.to_string().into());
        }
    }

    pub(super) fn broadcast(&mut self, channel: &ChannelName, text: &Arc<str>) {
        if let Some(room) = self.rooms.get(channel) {
            let delivery = |seat| RoomsOutput::Deliver(seat, Delivery::Text(Arc::clone(text)));
            self.outputs.extend(room.seats().map(delivery));
        }
    }

    pub(super) fn refuse_name(&mut self, seat: SeatId, code: ErrorCode, reason: &str) {
        self.tell(seat, &RoomMessage::Identity { success: false });
        self.err(seat, code, reason);
    }

    pub(super) fn refuse_name_taken(&mut self, seat: SeatId, name: &UserName) {
        let reason = format!("The name {name} is taken in this channel.");
        self.refuse_name(seat, ErrorCode::NameTaken, &reason);
    }

    /// Tells a guest to say it again later, since it talks too fast itself or along with others.
    pub(super) fn slow_down(&mut self, seat: SeatId, reason: String, wait: Duration) {
        let message = RoomMessage::Error {
            code: ErrorCode::TooFast,
            message: reason,
            retry_after_ms: Some(wait_ms(wait)),
        };
        self.tell(seat, &message);
    }

    pub(super) fn err(&mut self, seat: SeatId, code: ErrorCode, reason: &str) {
        let message = RoomMessage::Error {
            code,
            message: reason.to_owned(),
            retry_after_ms: None,
        };
        self.tell(seat, &message);
    }

    pub(super) fn tell(&mut self, seat: SeatId, message: &RoomMessage) {
        self.deliver(seat, Delivery::Text(message.to_string().into()));
    }

    pub(super) fn deliver(&mut self, seat: SeatId, delivery: Delivery) {
        if self.occupants.contains_key(&seat) {
            self.outputs.push_back(RoomsOutput::Deliver(seat, delivery));
        }
    }
}
