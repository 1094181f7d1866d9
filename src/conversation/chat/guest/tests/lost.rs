//! Connections that are lost: single cases, and the model of a room that loses them at any point.

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::conversation::chat::HISTORY;

fn texts(heard: &[(String, Hearing)]) -> Vec<(&str, Hearing)> {
    heard
        .iter()
        .map(|(text, how)| (text.as_str(), *how))
        .collect()
}

#[test]
fn what_was_missed_is_told_and_what_was_heard_is_not_told_again() {
    let mut bench = Bench::new();
    bench.enters("pond", &["1", "2"]);
    bench.takes_name();
    bench.hears_said("bob", "3");
    let mut bench = bench.reconnected();
    bench.enters("pond", &["2", "3", "4", "5"]);
    assert_eq!(
        texts(&bench.heard()),
        [("4", Hearing::Missed), ("5", Hearing::Missed)]
    );
    // The room has lost its memory.
    let mut bench = bench.reconnected();
    bench.enters("pond", &["6"]);
    assert_eq!(texts(&bench.heard()), [("6", Hearing::Missed)]);
    // Too much was said meanwhile.
    let mut bench = bench.reconnected();
    let many: Vec<_> = (100..100 + HISTORY).map(|it| it.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    bench.enters("pond", &many);
    let noticed = bench.noticed();
    assert!(
        matches!(noticed[1], GuestEvent::Forgotten { .. }),
        "{noticed:?}"
    );
    assert_eq!(noticed.len(), 2 + HISTORY);
}

#[test]
fn a_history_that_was_cut_short_counts_for_nothing() {
    let mut bench = Bench::new();
    bench.hears(&RoomMessage::Connection {
        id: "pond".to_owned(),
    });
    bench.hears_said("bob", "1");
    let mut bench = bench.reconnected();
    bench.enters("pond", &["1", "2"]);
    let earlier = [("1", Hearing::Earlier), ("2", Hearing::Earlier)];
    assert_eq!(texts(&bench.heard()), earlier);
}

#[test]
fn a_line_under_way_is_found_in_the_history_or_said_again() {
    for was_heard in [true, false] {
        let mut bench = Bench::settled();
        bench.say("one");
        bench.say("two");
        let mut bench = bench.reconnected();
        bench.hears(&RoomMessage::Connection {
            id: "pond".to_owned(),
        });
        if was_heard {
            bench.hears_said("alice", "one");
        }
        bench.hears_presence();
        bench.hears_about_name(true);
        let (line, heard) = match was_heard {
            true => ("two", vec![("one", Hearing::Own)]),
            false => ("one", vec![]),
        };
        assert_eq!(bench.sent(), [identity("alice"), message(line)]);
        assert_eq!(texts(&bench.heard()), heard);
    }
}

#[test]
fn the_same_line_said_before_is_not_taken_for_the_one_under_way() {
    let mut bench = Bench::settled();
    bench.say("again");
    bench.hears_said("alice", "again");
    bench.say("again");
    let mut bench = bench.reconnected();
    bench.hears(&RoomMessage::Connection {
        id: "pond".to_owned(),
    });
    bench.hears_said("alice", "again");
    bench.hears_presence();
    bench.hears_about_name(true);
    assert_eq!(bench.sent(), [identity("alice"), message("again")]);
}

#[test]
fn its_own_ghost_gives_the_name_back_after_a_while() {
    let mut bench = Bench::settled();
    bench.say("one");
    bench.waits_until(secs(7));
    let mut bench = bench.reconnected();
    bench.enters("pond", &[]);
    bench.sent();
    bench.noticed();
    let mut refusals = 0;
    loop {
        bench.hears_about_name(false);
        bench.hears_error(ErrorCode::NameTaken, None);
        refusals += 1;
        let [GuestEvent::NameRefused { next, .. }] = bench.noticed()[..] else {
            panic!("not refused")
        };
        let NextName::Same(again) = next else { break };
        assert_eq!(again, bench.now + Duration::from_secs(5));
        bench.waits_until(again);
        assert_eq!(bench.sent(), [identity("alice")]);
    }
    // For a minute, and then a person has to choose.
    assert_eq!((refusals, bench.now), (13, secs(60)));
    assert_eq!(bench.guest.poll_timeout(), None);
    // What the ghost had still said to the room may be heard late.
    bench.hears_said("alice", "one");
    assert_eq!(texts(&bench.heard()), [("one", Hearing::Own)]);

    // A name that it never had is another's.
    let mut bench = Bench::new().reconnected();
    bench.enters("pond", &[]);
    bench.noticed();
    bench.hears_about_name(false);
    bench.hears_error(ErrorCode::NameTaken, None);
    assert!(matches!(
        bench.noticed()[..],
        [GuestEvent::NameRefused {
            next: NextName::Unknown,
            ..
        }]
    ));
}

#[test]
fn it_goes_back_to_the_channel_that_it_was_in() {
    let mut bench = Bench::settled();
    bench.cue(GuestCue::Join("sea".parse().unwrap()));
    bench.enters("sea", &["ahoy"]);
    bench.hears_about_name(true);
    bench.say("one");
    let mut bench = bench.reconnected();
    // What the URL leads to is passed by.
    bench.enters("pond", &["quack"]);
    assert_eq!(bench.sent(), [join("sea")]);
    assert_eq!(bench.noticed, []);
    bench.enters("sea", &["ahoy", "land"]);
    assert_eq!(bench.sent(), [identity("alice")]);
    assert_eq!(texts(&bench.heard()), [("land", Hearing::Missed)]);
    bench.hears_about_name(true);
    assert_eq!(bench.sent(), [message("one")]);

    // The way back is barred: what was meant for the sea is not said in the pond.
    bench.say("two");
    let mut bench = bench.reconnected();
    bench.enters("pond", &["quack"]);
    bench.hears_error(ErrorCode::ChannelInvalid, None);
    let refused = |event: &GuestEvent| match event {
        GuestEvent::Refused { text, .. } => Some(text.clone()),
        _ => None,
    };
    let lost: Vec<_> = bench.noticed().iter().filter_map(refused).collect();
    assert_eq!(lost, [None, Some("one".to_owned()), Some("two".to_owned())]);
    assert_eq!(bench.sent(), [join("sea"), identity("alice")]);
    assert_eq!(bench.guest.into_memory().channel(), Some("pond"));
}

#[test]
fn a_change_of_channel_is_not_forgotten() {
    let mut bench = Bench::settled();
    bench.cue(GuestCue::Join("sea".parse().unwrap()));
    bench.say("one");
    let mut bench = bench.reconnected();
    bench.enters("pond", &[]);
    bench.hears_about_name(true);
    assert_eq!(bench.sent(), [identity("alice"), join("sea")]);
}

/// A room with one channel and a memory, to which guests are connected one after the other.
struct Room {
    history: VecDeque<RoomMessage>,
    all: Vec<String>,
    /// Who has which name.
    owners: HashMap<String, u32>,
    clock: i64,
}

/// A connection to it. What is on the way has left the one end and not arrived at the other.
struct Line {
    number: u32,
    to_room: VecDeque<GuestMessage>,
    to_guest: VecDeque<RoomMessage>,
}

impl Room {
    fn connect(&self, number: u32) -> Line {
        let id = "pond".to_owned();
        let mut to_guest = VecDeque::from([RoomMessage::Connection { id }]);
        to_guest.extend(self.history.iter().cloned());
        let came = self.owners.keys().cloned().collect();
        to_guest.push_back(RoomMessage::Presence {
            came,
            went: Vec::new(),
            total: self.owners.len(),
        });
        Line {
            number,
            to_room: VecDeque::new(),
            to_guest,
        }
    }

    /// Somebody says something: the connection that there is gets it.
    fn say(&mut self, user: &str, text: &str, line: &mut Line) {
        self.clock += 1;
        let message = RoomMessage::Message {
            text: text.to_owned(),
            timestamp: self.clock / 5,
            user: user.to_owned(),
        };
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(message.clone());
        self.all.push(text.to_owned());
        line.to_guest.push_back(message);
    }

    /// Takes in the next thing that a connection brings. What `line` says is heard on `hearer`, the
    /// connection that is open now.
    fn take(&mut self, said: GuestMessage, number: u32, hearer: &mut Line) {
        let mut replies = Vec::new();
        match said {
            GuestMessage::Identity { user } => {
                let owner = *self.owners.entry(user).or_insert(number);
                let success = owner == number;
                replies.push(RoomMessage::Identity { success });
                if !success {
                    replies.push(error(ErrorCode::NameTaken));
                }
            }
            GuestMessage::Message { text } => {
                let name = self.owners.iter().find(|(_, owner)| **owner == number);
                match name.map(|(name, _)| name.clone()) {
                    Some(name) => self.say(&name, &text, hearer),
                    None => replies.push(error(ErrorCode::NotAuthenticated)),
                }
            }
            other => panic!("{other:?}"),
        }
        if number == hearer.number {
            hearer.to_guest.extend(replies);
        }
    }

    /// A guest has missed a heartbeat.
    fn unname(&mut self, line: &mut Line) {
        let before = self.owners.len();
        self.owners.retain(|_, owner| *owner != line.number);
        if self.owners.len() < before {
            line.to_guest.push_back(error(ErrorCode::HeartbeatMissed));
        }
    }
}

fn error(code: ErrorCode) -> RoomMessage {
    RoomMessage::Error {
        code,
        message: String::new(),
        retry_after_ms: None,
    }
}

#[derive(Clone, Debug)]
enum Happening {
    /// The person wants something said, perhaps what has been said before.
    Say(u8),
    ArrivesAtRoom,
    ArrivesAtGuest,
    OtherSays,
    Unname,
    /// The connection is lost. What was on the way to the room arrives up to here; the room notices
    /// at once that the guest is gone, or later.
    Lose {
        arrive: usize,
        notices: bool,
    },
    /// The room takes in what else the lost connections had brought, and notices that they are.
    Notice,
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (0..4_u8).prop_map(Happening::Say),
        8 => Just(Happening::ArrivesAtRoom),
        10 => Just(Happening::ArrivesAtGuest),
        2 => Just(Happening::OtherSays),
        1 => Just(Happening::Unname),
        2 => (0..4_usize, any::<bool>())
            .prop_map(|(arrive, notices)| Happening::Lose { arrive, notices }),
        2 => Just(Happening::Notice),
    ]
}

/// The model: a person's guests, one after the other, and the room.
struct World {
    room: Room,
    bench: Bench,
    line: Line,
    /// The connections that were lost, and the room does not know it: what they still bring.
    ghosts: Vec<(u32, VecDeque<GuestMessage>)>,
    own: Vec<String>,
    heard: Vec<String>,
}

impl World {
    fn new() -> Self {
        let room = Room {
            history: VecDeque::new(),
            all: Vec::new(),
            owners: HashMap::new(),
            clock: 0,
        };
        World {
            line: room.connect(0),
            bench: Bench::new(),
            room,
            ghosts: Vec::new(),
            own: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn collect(&mut self) {
        self.line.to_room.extend(self.bench.sent());
        for event in self.bench.noticed() {
            match event {
                GuestEvent::Heard(heard) => {
                    if heard.how == Hearing::Own {
                        self.own.push(heard.text.clone());
                    }
                    self.heard.push(heard.text);
                }
                GuestEvent::Refused { .. }
                | GuestEvent::Forgotten { .. }
                | GuestEvent::Odd { .. } => {
                    panic!("{event:?}")
                }
                _ => {}
            }
        }
    }

    fn arrives_at_room(&mut self) -> bool {
        let said = self.line.to_room.pop_front();
        let has_said = said.is_some();
        if let Some(said) = said {
            self.room.take(said, self.line.number, &mut self.line);
        }
        has_said
    }

    fn arrives_at_guest(&mut self) -> bool {
        let said = self.line.to_guest.pop_front();
        let has_said = said.is_some();
        if let Some(said) = said {
            self.bench.hears(&said);
            self.collect();
        }
        has_said
    }

    fn notice(&mut self) {
        for (number, rest) in std::mem::take(&mut self.ghosts) {
            for said in rest {
                self.room.take(said, number, &mut self.line);
            }
            self.room.owners.retain(|_, owner| *owner != number);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Say(text) => self.bench.say(&text.to_string()),
            Happening::ArrivesAtRoom => drop(self.arrives_at_room()),
            Happening::ArrivesAtGuest => drop(self.arrives_at_guest()),
            Happening::OtherSays => self.room.say("bob", "quack", &mut self.line),
            Happening::Unname => self.room.unname(&mut self.line),
            Happening::Notice => self.notice(),
            Happening::Lose { arrive, notices } => {
                for _ in 0..arrive {
                    self.arrives_at_room();
                }
                let number = self.line.number;
                let rest = std::mem::take(&mut self.line.to_room);
                // What is on a connection that the room knows to be lost is lost as well.
                match notices {
                    true => self.room.owners.retain(|_, owner| *owner != number),
                    false => self.ghosts.push((number, rest)),
                }
                let bench = std::mem::replace(&mut self.bench, Bench::new());
                self.bench = bench.reconnected();
                self.line = self.room.connect(number + 1);
            }
        }
        self.collect();
    }

    /// Lets all be said that is still to be said.
    fn settle(&mut self) {
        self.notice();
        loop {
            while self.arrives_at_room() || self.arrives_at_guest() {
                self.collect();
            }
            let Some(due) = self.bench.guest.poll_timeout() else {
                break;
            };
            self.bench.waits_until(due);
            self.collect();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_line_is_said_exactly_once_wherever_connections_break(
        happenings in prop::collection::vec(any_happening(), 0..60),
    ) {
        let mut world = World::new();
        let mut lines = Vec::new();
        for happening in happenings {
            if let Happening::Say(text) = &happening {
                lines.push(text.to_string());
            }
            world.happen(happening);
            let is_line = |said: &&GuestMessage| matches!(said, GuestMessage::Message { .. });
            prop_assert!(world.line.to_room.iter().filter(is_line).count() <= 1);
        }
        world.settle();
        let all = &world.room.all;
        let said: Vec<_> = all.iter().filter(|it| *it != "quack").cloned().collect();
        // In order, once, and known to have been.
        prop_assert_eq!(&said, &lines);
        prop_assert_eq!(&world.own, &lines);
        // And whatever was said while the guest was there or away has been heard once.
        prop_assert_eq!(&world.heard, all);
        prop_assert_eq!(world.bench.guest.into_memory().unsaid(), 0);
    }
}
