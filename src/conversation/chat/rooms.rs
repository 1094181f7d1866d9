mod delivery;
mod occupant;
mod room;
mod settings;
mod telling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::{ChannelName, ErrorCode, GuestMessage, NameError, RoomMessage, UserName};
use crate::conversation::pace::{Haste, TOO_MUCH_TOGETHER};
use crate::conversation::sentence::sentence;
use crate::conversation::{Budgets, CloseReason, Farewell, Message, Site, Stamp};
pub use delivery::{Delivery, Pass, RoomsOutput, SeatId};
use occupant::{Due, Occupant};
use room::{Claim, Room};
use settings::RATES_PER_USER;
pub use settings::{RATES_PER_SITE, RoomsSettings};

/// How many channels are remembered in which nobody is any more, for those who come back.
const VACANT_ROOMS: usize = 100;

/// How much of what was said in them is remembered, in bytes, all of them together.
const VACANT_BYTES: usize = 8 * 1024 * 1024;

/// Every channel of a server, and everyone in them.
///
/// As pure as a [`Party`](crate::conversation::Party), and driven alike: after every call
/// [`poll_output`](Rooms::poll_output) is called until it returns `None`, and the outputs are
/// carried out in that order; that everybody in a channel hears the same in the same order rests on
/// it. When the stamp of [`poll_timeout`](Rooms::poll_timeout) has passed,
/// [`handle_timeout`](Rooms::handle_timeout) is called. Stamps count from the opening of the rooms,
/// not of any connection; one that is earlier than another before it is taken for that one.
///
/// A seat ends when the guest [leaves](Rooms::leave) or is shown out by [`Delivery::Close`]. What
/// is said of a seat that has ended is passed over.
#[derive(Debug)]
pub struct Rooms {
    settings: RoomsSettings,
    rooms: HashMap<ChannelName, Room>,
    /// The rooms in which nobody is, those first that have been so for longest.
    vacant: VecDeque<ChannelName>,
    vacant_bytes: usize,
    occupants: BTreeMap<SeatId, Occupant>,
    /// When something is due for whom.
    due: BTreeSet<(Stamp, SeatId)>,
    /// When a channel is to be told who has come and gone.
    presence_due: BTreeSet<(Stamp, ChannelName)>,
    /// What all guests from one site have said, and all connections of one user.
    of_sites: Budgets<Site>,
    of_users: Budgets<UserName>,
    outputs: VecDeque<RoomsOutput>,
    last_seat: u64,
    now: Stamp,
}

impl Rooms {
    /// Rooms in which nobody is yet.
    pub fn new(settings: RoomsSettings) -> Self {
        // A time of nothing would come again and again without end.
        let least = Duration::from_millis(1);
        Rooms {
            settings: RoomsSettings {
                heartbeat: settings.heartbeat.max(least),
                heartbeat_timeout: settings.heartbeat_timeout.max(least),
                ..settings
            },
            rooms: HashMap::new(),
            vacant: VecDeque::new(),
            vacant_bytes: 0,
            occupants: BTreeMap::new(),
            due: BTreeSet::new(),
            presence_due: BTreeSet::new(),
            of_sites: Budgets::default(),
            of_users: Budgets::default(),
            outputs: VecDeque::new(),
            last_seat: 0,
            now: Stamp::OPENING,
        }
    }

    /// A guest comes in.
    pub fn enter(&mut self, at: Stamp, channel: ChannelName, pass: Pass) -> SeatId {
        let at = self.advance(at);
        self.last_seat += 1;
        let seat = SeatId(self.last_seat);
        let occupant = Occupant::new(at, channel.clone(), pass, &self.settings);
        let is_outside = occupant.pass == Pass::Wanted;
        self.due.insert((occupant.due_at(), seat));
        self.occupants.insert(seat, occupant);
        if is_outside {
            self.ask_for_ticket(seat);
        } else {
            self.show_in(seat, &channel);
        }
        seat
    }

    /// A guest comes from this site: what it says counts along with what others from there say.
    pub fn comes_from(&mut self, seat: SeatId, site: Site) {
        self.change(seat, |occupant| occupant.site = Some(site));
    }

    /// A guest's connection is gone.
    pub fn leave(&mut self, at: Stamp, seat: SeatId) {
        self.advance(at);
        if let Some(occupant) = self.occupants.remove(&seat) {
            self.due.remove(&(occupant.due_at(), seat));
            if occupant.pass != Pass::Wanted {
                self.show_out(seat, &occupant.channel, occupant.name);
            }
        }
    }

    /// The ticket that a guest has shown is this user's.
    pub fn admit(&mut self, at: Stamp, seat: SeatId, user: UserName) {
        let at = self.advance(at);
        let settings = self.settings;
        let admitted = self.change(seat, |occupant| {
            (occupant.pass == Pass::Wanted).then(|| {
                occupant.admit(at, user, &settings);
                occupant.channel.clone()
            })
        });
        if let Some(Some(channel)) = admitted {
            self.show_in(seat, &channel);
        }
    }

    /// The ticket that a guest has shown is not good, for this reason.
    pub fn refuse(&mut self, at: Stamp, seat: SeatId, reason: &str) {
        self.advance(at);
        self.err(seat, ErrorCode::TicketRefused, reason);
    }

    /// Shows out those who have shown a ticket of somebody who is no user any more.
    pub fn keep_only(&mut self, at: Stamp, is_user: impl Fn(&UserName) -> bool) {
        self.advance(at);
        let is_over = |occupant: &Occupant| match &occupant.pass {
            Pass::User(user) => !is_user(user),
            Pass::Anyone | Pass::Wanted => false,
        };
        let occupants = self.occupants.iter();
        let over: Vec<SeatId> = occupants
            .filter(|(_, occupant)| is_over(occupant))
            .map(|(seat, _)| *seat)
            .collect();
        for seat in over {
            let reason = "this user has been removed";
            self.dismiss(seat, Farewell::new(CloseReason::POLICY_VIOLATION, reason));
        }
    }

    /// A guest says something. `unix_s` is the time of day: seconds since 1970, UTC.
    pub fn handle_message(&mut self, at: Stamp, unix_s: i64, seat: SeatId, message: &Message) {
        let at = self.advance(at);
        let text = match message {
            Message::Text(text) => Some(text),
            Message::Binary(_) => None,
            // The link answers pings, and pongs need no answer.
            Message::Ping(_) | Message::Pong(_) => return,
        };
        let parsed = text.map(|text| GuestMessage::parse(text));
        if let Some(Ok(GuestMessage::Heartbeat {})) = parsed
            && self.change(seat, Occupant::take_heartbeat) == Some(true)
        {
            return;
        }
        let rate = self.settings.rate;
        match self.change(seat, |occupant| occupant.hurries(at, rate)) {
            None => return,
            Some(Haste::None) => {
                if let Err(wait) = self.spend(at, seat) {
                    return self.slow_down(seat, TOO_MUCH_TOGETHER.to_owned(), wait);
                }
            }
            Some(Haste::TooFast(wait)) => return self.slow_down(seat, rate.refusal(), wait),
            Some(Haste::Flood) => {
                let farewell = Farewell::new(CloseReason::POLICY_VIOLATION, Haste::FLOOD);
                return self.dismiss(seat, farewell);
            }
        }
        match parsed {
            None => self.err(
                seat,
                ErrorCode::NotText,
                "This chat is made of text messages; a binary one is not passed on.",
            ),
            Some(Err(error)) => self.err(seat, error.code(), &sentence(&error.to_string())),
            Some(Ok(message)) => self.hear(unix_s, seat, message),
        }
    }

    /// The time asked for with [`poll_timeout`](Rooms::poll_timeout) has come.
    pub fn handle_timeout(&mut self, at: Stamp) {
        let at = self.advance(at);
        while let Some((due, seat)) = self.due.first().copied().filter(|(due, _)| *due <= at) {
            let settings = self.settings;
            match self.change(seat, |occupant| occupant.take_due(at, &settings)) {
                // It is not due: every change keeps the two in step.
                None | Some(None) => {
                    self.due.remove(&(due, seat));
                }
                Some(Some(Due::NoTicket)) => {
                    let reason = "no ticket was shown in time";
                    self.dismiss(seat, Farewell::new(CloseReason::POLICY_VIOLATION, reason));
                }
                Some(Some(Due::Missed)) => self.miss_heartbeat(seat),
                Some(Some(Due::Heartbeat)) => {
                    let authenticated = self
                        .occupants
                        .get(&seat)
                        .is_some_and(|occupant| occupant.name.is_some());
                    self.tell(seat, &RoomMessage::Heartbeat { authenticated });
                }
            }
        }
        while let Some((_, channel)) = self.presence_due.first().filter(|(due, _)| *due <= at) {
            let channel = channel.clone();
            self.tell_presence(&channel);
        }
    }

    /// The next thing to do, or `None` when there is nothing left to do for now.
    pub fn poll_output(&mut self) -> Option<RoomsOutput> {
        self.outputs.pop_front()
    }

    /// When the rooms want to be woken, if at all.
    pub fn poll_timeout(&self) -> Option<Stamp> {
        let guests = self.due.first().map(|(due, _)| *due);
        let presence = self.presence_due.first().map(|(due, _)| *due);
        guests.into_iter().chain(presence).min()
    }

    fn advance(&mut self, at: Stamp) -> Stamp {
        self.now = self.now.max(at);
        self.now
    }

    /// Changes an occupant, and when it is due next.
    fn change<T>(&mut self, seat: SeatId, change: impl FnOnce(&mut Occupant) -> T) -> Option<T> {
        let occupant = self.occupants.get_mut(&seat)?;
        let before = occupant.due_at();
        let changed = change(occupant);
        let after = occupant.due_at();
        if before != after {
            self.due.remove(&(before, seat));
            self.due.insert((after, seat));
        }
        Some(changed)
    }

    /// Counts a message of a guest's along with those of others that it belongs to.
    fn spend(&mut self, at: Stamp, seat: SeatId) -> Result<(), Duration> {
        let (Some(occupant), settings) = (self.occupants.get(&seat), &self.settings) else {
            return Ok(());
        };
        if let Some(site) = occupant.site {
            let rate = settings.rate.times(settings.rates_per_site);
            self.of_sites.spend(at, site, rate)?;
        }
        if let Pass::User(user) = &occupant.pass {
            let rate = settings.rate.times(RATES_PER_USER);
            self.of_users.spend(at, user.clone(), rate)?;
        }
        Ok(())
    }

    fn hear(&mut self, unix_s: i64, seat: SeatId, message: GuestMessage) {
        let Some(occupant) = self.occupants.get(&seat) else {
            return;
        };
        match message {
            GuestMessage::Ticket { ticket } if occupant.pass == Pass::Wanted => {
                let ticket = SecretString::from(ticket);
                self.outputs
                    .push_back(RoomsOutput::CheckTicket(seat, ticket));
            }
            _ if occupant.pass == Pass::Wanted => self.ask_for_ticket(seat),
            GuestMessage::Ticket { .. } => self.err(
                seat,
                ErrorCode::TicketRefused,
                "No ticket is needed here any more.",
            ),
            // One that answers a heartbeat has been taken before. Another is no matter.
            GuestMessage::Heartbeat {} => {}
            GuestMessage::Identity { user } => self.identify(seat, &user),
            GuestMessage::Message { text } => self.speak(unix_s, seat, text),
            GuestMessage::Join { id } => self.join(seat, &id),
        }
    }

    fn ask_for_ticket(&mut self, seat: SeatId) {
        self.err(
            seat,
            ErrorCode::TicketNeeded,
            "Show your ticket first: {\"type\":\"ticket\",\"ticket\":\"…\"}. POST /ticket gives one.",
        );
    }

    fn identify(&mut self, seat: SeatId, wish: &str) {
        let Some(occupant) = self.occupants.get(&seat) else {
            return;
        };
        let name = match wish.parse::<UserName>() {
            Ok(name) => name,
            Err(error) => {
                let code = match error {
                    NameError::Empty => ErrorCode::NameEmpty,
                    NameError::TooLong { .. } => ErrorCode::NameTooLong,
                    _ => ErrorCode::NameInvalid,
                };
                let reason = format!("That is no name: {error}.");
                return self.refuse_name(seat, code, &reason);
            }
        };
        if let Pass::User(user) = &occupant.pass
            && *user != name
        {
            let reason = format!("Your ticket is for {user}, and not for {name}.");
            return self.refuse_name(seat, ErrorCode::NameNotYours, &reason);
        }
        let is_certain = matches!(occupant.pass, Pass::User(_));
        let former = occupant.name.clone();
        let channel = occupant.channel.clone();
        let mut claim = self.room(&channel).claim(seat, &name);
        if let (Claim::Taken(owner), true) = (claim, is_certain) {
            // Both have shown a ticket of the same user: the older connection may well be lost.
            let reason = "this user has come in anew";
            self.dismiss(owner, Farewell::new(CloseReason::POLICY_VIOLATION, reason));
            claim = self.room(&channel).claim(seat, &name);
        }
        match claim {
            Claim::Taken(_) => self.refuse_name_taken(seat, &name),
            Claim::Held => self.tell(seat, &RoomMessage::Identity { success: true }),
            Claim::Granted => {
                if let Some(former) = &former {
                    self.room(&channel).release(former);
                }
                self.call(seat, &channel, name);
            }
        }
    }

    /// Gives a seat a name that has been granted, and tells everybody.
    fn call(&mut self, seat: SeatId, channel: &ChannelName, name: UserName) {
        self.change(seat, |occupant| occupant.name = Some(name));
        self.tell(seat, &RoomMessage::Identity { success: true });
        self.gather_presence(channel);
    }

    fn speak(&mut self, unix_s: i64, seat: SeatId, text: String) {
        let Some(occupant) = self.occupants.get(&seat) else {
            return;
        };
        let Some(name) = &occupant.name else {
            return self.err(
                seat,
                ErrorCode::NotAuthenticated,
                "Claim a name before you speak: {\"type\":\"identity\",\"user\":\"…\"}.",
            );
        };
        if text.trim().is_empty() {
            let reason = "There is nothing in this message.";
            return self.err(seat, ErrorCode::MessageEmpty, reason);
        }
        let limit = self.settings.longest_message;
        if text.len() > limit {
            let reason = format!(
                "This message is {} bytes long, and {limit} are allowed.",
                text.len()
            );
            return self.err(seat, ErrorCode::MessageTooLong, &reason);
        }
        let name = name.clone();
        let channel = occupant.channel.clone();
        if !self.room(&channel).has_announced(&name) {
            // Nobody is heard before it is known to be there.
            self.tell_presence(&channel);
        }
        let user = name.to_string();
        let message = RoomMessage::Message {
            text,
            timestamp: unix_s,
            user,
        };
        let message: Arc<str> = message.to_string().into();
        self.room(&channel).remember(Arc::clone(&message));
        self.broadcast(&channel, &message);
    }

    fn join(&mut self, seat: SeatId, wish: &str) {
        let Some(occupant) = self.occupants.get(&seat) else {
            return;
        };
        let there = match wish.parse::<ChannelName>() {
            Ok(channel) => channel,
            Err(error) => {
                let reason = format!("That is no channel's name: {error}.");
                return self.err(seat, ErrorCode::ChannelInvalid, &reason);
            }
        };
        if occupant.channel == there {
            let reason = format!("You are in {there} already.");
            return self.err(seat, ErrorCode::AlreadyThere, &reason);
        }
        let here = occupant.channel.clone();
        let name = occupant.name.clone();
        self.show_out(seat, &here, name.clone());
        self.change(seat, |occupant| {
            occupant.channel = there.clone();
            occupant.name = None;
        });
        self.show_in(seat, &there);
        // The name comes along, if it can.
        if let Some(name) = name {
            match self.room(&there).claim(seat, &name) {
                Claim::Granted | Claim::Held => self.call(seat, &there, name),
                Claim::Taken(_) => self.refuse_name_taken(seat, &name),
            }
        }
    }

    fn miss_heartbeat(&mut self, seat: SeatId) {
        let released = self.change(seat, |occupant| {
            let name = occupant.name.take();
            name.map(|name| (occupant.channel.clone(), name))
        });
        // Who has no name has none to lose.
        let Some(Some((channel, name))) = released else {
            return;
        };
        let limit = self.settings.heartbeat_timeout;
        let reason =
            format!("You answered no heartbeat for {limit:?}: the name {name} is free again.");
        self.err(seat, ErrorCode::HeartbeatMissed, &reason);
        self.room(&channel).release(&name);
        self.gather_presence(&channel);
    }
}
