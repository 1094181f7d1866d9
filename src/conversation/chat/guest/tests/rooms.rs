//! Guests in the rooms of the server, in virtual time.

use std::collections::VecDeque;

use super::*;
use crate::conversation::chat::{Delivery, Pass, Rooms, RoomsOutput, RoomsSettings, SeatId};

/// Rooms and the guests in them, who hear each other without delay.
struct World {
    rooms: Rooms,
    guests: Vec<Visitor>,
    now: Stamp,
}

struct Visitor {
    bench: Bench,
    seat: SeatId,
    /// When its connection was opened: its stamps count from there.
    opened: Stamp,
    /// What it has on the way to it while it is asleep.
    unread: VecDeque<String>,
    is_asleep: bool,
}

fn pond() -> ChannelName {
    "pond".parse().unwrap()
}

impl World {
    fn of(names: &[&str]) -> Self {
        let mut world = World {
            rooms: Rooms::new(RoomsSettings::default()),
            guests: Vec::new(),
            now: Stamp::OPENING,
        };
        for name_of_it in names {
            let settings = GuestSettings {
                name: name(name_of_it),
                ticket: None,
            };
            let guest = Visitor {
                bench: Bench::with(settings, Memory::default()),
                seat: world.rooms.enter(world.now, pond(), Pass::Anyone),
                opened: Stamp::OPENING,
                unread: VecDeque::new(),
                is_asleep: false,
            };
            world.guests.push(guest);
        }
        world.settle();
        world
    }

    /// Lets everybody hear and say what there is to be heard and said now.
    fn settle(&mut self) {
        loop {
            while let Some(output) = self.rooms.poll_output() {
                let (seat, texts) = match output {
                    RoomsOutput::Deliver(seat, Delivery::Text(text)) => (seat, vec![text]),
                    RoomsOutput::Deliver(seat, Delivery::Texts(texts)) => (seat, texts.into_vec()),
                    other => panic!("{other:?}"),
                };
                let guest = self.guests.iter_mut().find(|guest| guest.seat == seat);
                let texts = texts.iter().map(|text| text.to_string());
                guest.unwrap().unread.extend(texts);
            }
            let mut is_quiet = true;
            for guest in self.guests.iter_mut().filter(|guest| !guest.is_asleep) {
                if let Some(text) = guest.unread.pop_front() {
                    guest.bench.hears_text(&text);
                    is_quiet = false;
                }
                for said in guest.bench.sent() {
                    let said = Message::text(said.to_string());
                    let unix_s = self.now.since_opening().as_secs().cast_signed();
                    self.rooms
                        .handle_message(self.now, unix_s, guest.seat, &said);
                    is_quiet = false;
                }
            }
            if is_quiet {
                break;
            }
        }
    }

    fn wait(&mut self, duration: Duration) {
        let then = self.now + duration;
        while self.now < then {
            self.now = then.min(self.now + Duration::from_millis(100));
            self.rooms.handle_timeout(self.now);
            for guest in self.guests.iter_mut().filter(|guest| !guest.is_asleep) {
                let at = Stamp::after_opening(self.now.since(guest.opened));
                guest.bench.waits_until(at);
            }
            self.settle();
        }
    }

    /// The connection of a guest is lost. The room notices at once, or not at all for now.
    fn lose(&mut self, index: usize, notices: bool) {
        let guest = &mut self.guests[index];
        if notices {
            self.rooms.leave(self.now, guest.seat);
        }
        let bench = std::mem::replace(&mut guest.bench, Bench::new());
        let noticed = bench.noticed.clone();
        guest.bench = bench.reconnected();
        guest.bench.noticed.splice(..0, noticed);
        guest.opened = self.now;
        guest.unread.clear();
        let ghost = guest.seat;
        guest.seat = self.rooms.enter(self.now, pond(), Pass::Anyone);
        if !notices {
            // Nobody reads what it is told.
            let bench = Bench::new();
            self.guests.push(Visitor {
                bench,
                seat: ghost,
                opened: self.now,
                unread: VecDeque::new(),
                is_asleep: true,
            });
        }
        self.settle();
    }
}

fn lines(heard: &[(String, Hearing)]) -> Vec<String> {
    heard.iter().map(|(text, _)| text.clone()).collect()
}

#[test]
fn more_lines_than_the_room_takes_at_once_are_said_all_the_same() {
    let mut world = World::of(&["alice", "bob"]);
    let said: Vec<_> = (0..70).map(|number| number.to_string()).collect();
    for text in &said {
        world.guests[0].bench.say(text);
    }
    world.guests[0].bench.cue(GuestCue::Finish);
    world.settle();
    world.wait(Duration::from_secs(60));
    let own = world.guests[0].bench.noticed();
    let has_waited = own.iter().any(|it| matches!(it, GuestEvent::Held { .. }));
    let is_refused = |it: &GuestEvent| matches!(it, GuestEvent::Refused { .. });
    assert!(has_waited && !own.iter().any(is_refused), "{own:?}");
    assert_eq!(lines(&world.guests[1].bench.heard()), said);
    assert_eq!(world.guests[0].bench.closed, Some(Farewell::normal()));
}

#[test]
fn who_sleeps_through_heartbeats_claims_the_name_again() {
    let mut world = World::of(&["alice", "bob"]);
    world.guests[0].is_asleep = true;
    world.wait(Duration::from_secs(45));
    world.guests[0].bench.say("good morning");
    world.guests[0].is_asleep = false;
    world.settle();
    let noticed = world.guests[0].bench.noticed();
    let unnamed = noticed
        .iter()
        .filter(|it| matches!(it, GuestEvent::Unnamed { .. }));
    assert_eq!(unnamed.count(), 1, "{noticed:?}");
    assert_eq!(lines(&world.guests[1].bench.heard()), ["good morning"]);
}

#[test]
fn a_connection_that_the_room_does_not_know_to_be_lost_costs_the_name_for_a_while_only() {
    for notices in [true, false] {
        let mut world = World::of(&["alice", "bob"]);
        world.guests[0].bench.say("one");
        world.settle();
        world.lose(0, notices);
        world.guests[0].bench.say("two");
        world.guests[1].bench.say("three");
        world.settle();
        world.wait(Duration::from_secs(50));
        let heard = lines(&world.guests[1].bench.heard());
        let order = match notices {
            true => ["one", "two", "three"],
            false => ["one", "three", "two"],
        };
        assert_eq!(heard, order);
        assert_eq!(lines(&world.guests[0].bench.heard()), order);
    }
}

#[test]
fn channels_are_changed_and_found_again() {
    let mut world = World::of(&["alice", "bob"]);
    for guest in &mut world.guests {
        guest.bench.cue(GuestCue::Join("sea".parse().unwrap()));
    }
    world.settle();
    world.guests[0].bench.say("ahoy");
    world.settle();
    world.lose(0, true);
    world.guests[0].bench.say("back again");
    world.settle();
    assert_eq!(
        lines(&world.guests[1].bench.heard()),
        ["ahoy", "back again"]
    );
    let channel = |guest: Visitor| guest.bench.guest.into_memory().channel().map(str::to_owned);
    for guest in world.guests {
        assert_eq!(channel(guest).as_deref(), Some("sea"));
    }
}
