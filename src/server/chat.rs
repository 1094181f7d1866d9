//! The chat, as the server holds it: the [rooms](Rooms) with a lock around them, the queue of each
//! guest, and the time.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::roll::{LOOK_EVERY, Roll};
use super::ticketing::TicketDesk;
use crate::conversation::chat::{
    ChannelName, Delivery, Pass, Rooms, RoomsOutput, RoomsSettings, SeatEvent, SeatId, UserName,
};
use crate::conversation::{Site, Stamp, WireEvent};
use crate::link::clock::{Clock, unix_s};
use crate::link::{Inbox, Observer, Prompter, Stop, Unheard};

/// How the chat is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatSettings {
    /// What goes for all who are in it.
    pub rooms: RoomsSettings,
    /// How many messages may wait for a guest to read them. One that reads more slowly than that is
    /// closed with [`TRY_AGAIN_LATER`](crate::conversation::CloseReason::TRY_AGAIN_LATER), so that
    /// it neither fills the memory nor keeps the others waiting.
    pub egress_queue: NonZeroUsize,
}

impl ChatSettings {
    /// The shortest queue: a guest who says all at once what the default rate allows is told up to
    /// three things for each, and reads none of them before it has said the last.
    pub const LEAST_EGRESS_QUEUE: NonZeroUsize = NonZeroUsize::new(64).unwrap();
}

impl Default for ChatSettings {
    fn default() -> Self {
        ChatSettings {
            rooms: RoomsSettings::default(),
            egress_queue: NonZeroUsize::new(256).unwrap(),
        }
    }
}

/// The chat of a server.
pub(super) struct Chat {
    /// Everybody's stamps count from its start. A message is stamped as it reaches the rooms.
    clock: Clock,
    /// Where tickets are redeemed, if they are wanted.
    desk: Option<Arc<TicketDesk>>,
    egress_queue: NonZeroUsize,
    floor: Mutex<Floor>,
    /// Something is due earlier than it was.
    sooner: Notify,
}

/// What the lock is around. What is said is queued for all who hear it before anybody else can say
/// anything: that is what makes it the same order for everyone.
#[derive(Debug)]
struct Floor {
    rooms: Rooms,
    guests: HashMap<SeatId, Prompter<Delivery>>,
}

impl Chat {
    pub(super) fn new(settings: ChatSettings, desk: Option<Arc<TicketDesk>>) -> Self {
        Chat {
            clock: Clock::start(),
            desk,
            egress_queue: settings.egress_queue.max(ChatSettings::LEAST_EGRESS_QUEUE),
            floor: Mutex::new(Floor {
                rooms: Rooms::new(settings.rooms),
                guests: HashMap::new(),
            }),
            sooner: Notify::new(),
        }
    }

    /// Wakes the rooms whenever they want to be woken, until `stop`.
    pub(super) async fn keep_time(&self, mut stop: Stop) {
        loop {
            let due = self.floor().rooms.poll_timeout();
            let wait = async {
                match due {
                    Some(due) => {
                        let left = due.since(self.clock.stamp());
                        tokio::time::sleep(left).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wait => self.with(|floor, at| floor.rooms.handle_timeout(at)),
                () = self.sooner.notified() => {}
                _ = stop.requested() => return,
            }
        }
    }

    /// Shows out those who are no users any more as soon as the file of users says so, and takes their
    /// tickets back, until `stop`.
    pub(super) async fn keep_users(&self, mut stop: Stop) {
        let Some(desk) = &self.desk else {
            return;
        };
        let mut roll = desk.roll();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.requested() => return,
            }
            let look = move || {
                let users = roll.look().cloned();
                (roll, users)
            };
            // It does not panic.
            let Ok((back, users)): Result<(Roll, Option<HashSet<UserName>>), _> =
                tokio::task::spawn_blocking(look).await
            else {
                return;
            };
            roll = back;
            if let Some(users) = users {
                desk.keep_only(&users);
                self.with(|floor, at| floor.rooms.keep_only(at, |user| users.contains(user)));
            }
        }
    }

    /// Lets somebody in. What it is told comes out of the inbox, for a
    /// [`Seat`](crate::conversation::chat::Seat); what that notices is for the attendance.
    pub(super) fn enter(
        self: &Arc<Self>,
        channel: ChannelName,
        pass: Pass,
        site: Site,
    ) -> (Attendance, Inbox<Delivery>) {
        let (prompter, inbox) = Inbox::channel(self.egress_queue.get());
        let seat = self.with(|floor, at| {
            let seat = floor.rooms.enter(at, channel, pass);
            floor.rooms.comes_from(seat, site);
            floor.guests.insert(seat, prompter);
            seat
        });
        let chat = Arc::clone(self);
        (Attendance { chat, seat }, inbox)
    }

    /// Does something with the floor, now, and carries out what comes of it.
    fn with<T>(&self, work: impl FnOnce(&mut Floor, Stamp) -> T) -> T {
        let mut floor = self.floor();
        let due = floor.rooms.poll_timeout();
        let done = work(&mut floor, self.clock.stamp());
        self.settle(&mut floor);
        let is_sooner = match (due, floor.rooms.poll_timeout()) {
            (Some(before), Some(after)) => after < before,
            (None, after) => after.is_some(),
            (Some(_), None) => false,
        };
        drop(floor);
        if is_sooner {
            self.sooner.notify_one();
        }
        done
    }

    /// Carries out what the rooms want done.
    fn settle(&self, floor: &mut Floor) {
        while let Some(output) = floor.rooms.poll_output() {
            match output {
                RoomsOutput::Deliver(seat, delivery) => {
                    let is_last = matches!(delivery, Delivery::Close(_));
                    let put = floor.guests.get(&seat).map(|guest| guest.put(delivery));
                    if is_last {
                        floor.guests.remove(&seat);
                    }
                    // Its driver closes the connection; the others see it go at once.
                    if put == Some(Err(Unheard::Overrun)) {
                        tracing::debug!(?seat, "too slow a reader");
                        floor.leave(self.clock.stamp(), seat);
                    }
                }
                RoomsOutput::CheckTicket(seat, ticket) => {
                    let at = self.clock.stamp();
                    match self.desk.as_ref().map(|desk| desk.redeem(&ticket)) {
                        Some(Ok(user)) => floor.rooms.admit(at, seat, user),
                        Some(Err(refused)) => floor.rooms.refuse(at, seat, &refused.to_string()),
                        // Where there are none, none is wanted.
                        None => {}
                    }
                }
            }
        }
    }

    fn floor(&self) -> MutexGuard<'_, Floor> {
        // A panic would have to come from the rooms, which are tested not to; if one does, what they
        // hold is still the best there is.
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Floor {
    fn leave(&mut self, at: Stamp, seat: SeatId) {
        self.guests.remove(&seat);
        self.rooms.leave(at, seat);
    }
}

/// A guest's place in the rooms. It is given up when this is dropped.
pub(super) struct Attendance {
    chat: Arc<Chat>,
    seat: SeatId,
}

impl Observer<SeatEvent> for Attendance {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, SeatEvent::Said(message): SeatEvent) {
        self.chat.with(|floor, at| {
            floor
                .rooms
                .handle_message(at, unix_s(), self.seat, &message);
        });
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.chat.with(|floor, at| floor.leave(at, self.seat));
    }
}
