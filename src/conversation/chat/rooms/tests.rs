mod behaviour;
mod crowds;
mod promises;

use std::num::NonZeroU32;

use super::*;
use crate::conversation::Rate;

const SETTINGS: RoomsSettings = RoomsSettings {
    heartbeat: Duration::from_secs(30),
    heartbeat_timeout: Duration::from_secs(10),
    rate: Rate {
        messages: NonZeroU32::new(20).unwrap(),
        per: Duration::from_secs(10),
    },
    rates_per_site: RATES_PER_SITE,
    longest_message: 4096,
    ticket_wait: Duration::from_secs(10),
};

/// Rooms, and what everybody in them has been told.
struct House {
    rooms: Rooms,
    now: Stamp,
    told: BTreeMap<SeatId, Vec<RoomMessage>>,
    closed: BTreeMap<SeatId, Farewell>,
    tickets: Vec<(SeatId, SecretString)>,
    /// How many deliveries there were.
    deliveries: usize,
    gathering: Gathering,
}

/// Whether a test waits until comings and goings have been gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathering {
    /// They are told at once, in time that does not pass.
    Spared,
    /// They are told when they are.
    Awaited,
}

impl House {
    fn new() -> Self {
        House::with(SETTINGS)
    }

    fn with(settings: RoomsSettings) -> Self {
        House {
            rooms: Rooms::new(settings),
            now: Stamp::OPENING,
            told: BTreeMap::new(),
            closed: BTreeMap::new(),
            tickets: Vec::new(),
            deliveries: 0,
            gathering: Gathering::Spared,
        }
    }

    fn settle(&mut self) {
        self.carry_out();
        if self.gathering == Gathering::Spared {
            let channels: Vec<_> = self.rooms.rooms.keys().cloned().collect();
            for channel in &channels {
                self.rooms.tell_presence(channel);
            }
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.rooms.poll_output() {
            self.deliveries += 1;
            match output {
                RoomsOutput::Deliver(seat, Delivery::Text(text)) => self.tell(seat, &text),
                RoomsOutput::Deliver(seat, Delivery::Texts(texts)) => {
                    for text in &texts {
                        self.tell(seat, text);
                    }
                }
                RoomsOutput::Deliver(seat, Delivery::Close(farewell)) => {
                    assert!(self.closed.insert(seat, *farewell).is_none());
                }
                RoomsOutput::CheckTicket(seat, ticket) => self.tickets.push((seat, ticket)),
            }
        }
    }

    fn tell(&mut self, seat: SeatId, text: &str) {
        assert!(!self.closed.contains_key(&seat), "{text}");
        assert!(text.len() < 64 * 1024);
        let message = RoomMessage::parse(text).unwrap();
        self.told.entry(seat).or_default().push(message);
    }

    fn enter(&mut self, channel: &str) -> SeatId {
        self.enter_with(channel, Pass::Anyone)
    }

    fn enter_with(&mut self, channel: &str, pass: Pass) -> SeatId {
        let seat = self.rooms.enter(self.now, channel.parse().unwrap(), pass);
        self.settle();
        seat
    }

    fn frame(&mut self, seat: SeatId, message: &Message) {
        let unix_s = 1_000 + self.now.since_opening().as_secs() as i64;
        self.rooms.handle_message(self.now, unix_s, seat, message);
        self.settle();
    }

    fn say(&mut self, seat: SeatId, message: &GuestMessage) {
        self.frame(seat, &Message::text(message.to_string()));
    }

    fn claim(&mut self, seat: SeatId, name: &str) {
        let user = name.to_owned();
        self.say(seat, &GuestMessage::Identity { user });
    }

    fn speak(&mut self, seat: SeatId, text: &str) {
        let text = text.to_owned();
        self.say(seat, &GuestMessage::Message { text });
    }

    fn join(&mut self, seat: SeatId, channel: &str) {
        let id = channel.to_owned();
        self.say(seat, &GuestMessage::Join { id });
    }

    /// Lets time pass, up to then.
    fn wait_until(&mut self, seconds: u64) {
        let then = Stamp::after_opening(Duration::from_secs(seconds));
        while let Some(due) = self.rooms.poll_timeout().filter(|due| *due <= then) {
            self.now = due;
            self.rooms.handle_timeout(due);
            assert_ne!(self.rooms.poll_timeout(), Some(due), "time stands still");
            self.settle();
        }
        self.now = then;
    }

    /// A guest with a name, and all that came with it forgotten.
    fn person(&mut self, channel: &str, name: &str) -> SeatId {
        let seat = self.enter(channel);
        self.claim(seat, name);
        assert!(self.takes(seat).contains(&identity(true)));
        for told in self.told.values_mut() {
            told.clear();
        }
        seat
    }

    /// What a seat has been told since this was asked last.
    fn takes(&mut self, seat: SeatId) -> Vec<RoomMessage> {
        self.told.remove(&seat).unwrap_or_default()
    }

    /// The one thing that a seat has been told since this was asked last.
    fn takes_one(&mut self, seat: SeatId) -> RoomMessage {
        let mut told = self.takes(seat);
        assert_eq!(told.len(), 1, "{told:?}");
        told.remove(0)
    }

    /// The code of the one error that a seat has been told, whatever else it was.
    fn takes_error(&mut self, seat: SeatId) -> ErrorCode {
        let told = self.takes(seat);
        let codes: Vec<_> = told.iter().filter_map(error_of).collect();
        assert_eq!(codes.len(), 1, "{told:?}");
        codes[0]
    }
}

fn error_of(message: &RoomMessage) -> Option<ErrorCode> {
    match message {
        RoomMessage::Error { code, .. } => Some(*code),
        _ => None,
    }
}

fn connection(id: &str) -> RoomMessage {
    RoomMessage::Connection { id: id.to_owned() }
}

fn identity(success: bool) -> RoomMessage {
    RoomMessage::Identity { success }
}

fn presence(came: &[&str], went: &[&str], total: usize) -> RoomMessage {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    RoomMessage::Presence {
        came: owned(came),
        went: owned(went),
        total,
    }
}

fn message(user: &str, text: &str, timestamp: i64) -> RoomMessage {
    RoomMessage::Message {
        text: text.to_owned(),
        timestamp,
        user: user.to_owned(),
    }
}
