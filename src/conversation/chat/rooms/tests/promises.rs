//! What holds whatever anybody does.

use proptest::prelude::*;

use super::*;

/// What can happen in a house.
#[derive(Clone, Debug)]
enum Move {
    Enter(u8),
    Leave(usize),
    Say(usize, GuestMessage),
    Junk(usize, String),
    Wait(u16),
}

fn any_move() -> impl Strategy<Value = Move> {
    let name = prop_oneof!["[abc]", "[ab]{0,2}"];
    let said = prop_oneof![
        1 => Just(GuestMessage::Heartbeat {}),
        3 => name.prop_map(|user| GuestMessage::Identity { user }),
        5 => "[xyz]{0,2}".prop_map(|text| GuestMessage::Message { text }),
        2 => "[pq]{0,1}".prop_map(|id| GuestMessage::Join { id }),
        1 => Just(GuestMessage::Ticket { ticket: "t".to_owned() }),
    ];
    prop_oneof![
        2 => (0..2_u8).prop_map(Move::Enter),
        1 => any::<usize>().prop_map(Move::Leave),
        8 => (any::<usize>(), said).prop_map(|(who, said)| Move::Say(who, said)),
        1 => (any::<usize>(), any::<String>()).prop_map(|(who, text)| Move::Junk(who, text)),
        2 => (0..20_000_u16).prop_map(Move::Wait),
    ]
}

proptest! {
    /// The four promises of the rooms, whatever anybody does in whatever order: nothing panics, a name
    /// never has two owners, nobody is heard under a name that is not its own, and everybody in a
    /// channel hears the same in the same order.
    #[test]
    fn the_promises_hold(moves in prop::collection::vec(any_move(), 0..150)) {
        let mut house = House::with(RoomsSettings {
            rate: Rate { messages: NonZeroU32::new(8).unwrap(), per: Duration::from_secs(10) },
            ..SETTINGS
        });
        house.gathering = Gathering::Awaited;
        let mut seats = Vec::new();
        for step in moves {
            let spoke = match step {
                Move::Enter(channel) => {
                    seats.push(house.enter(["p", "q"][usize::from(channel)]));
                    None
                }
                Move::Wait(millis) => {
                    let then = house.now + Duration::from_millis(millis.into());
                    house.now = then;
                    house.rooms.handle_timeout(then);
                    house.settle();
                    None
                }
                Move::Leave(who) if !seats.is_empty() => {
                    let who = seats[who % seats.len()];
                    house.rooms.leave(house.now, who);
                    house.settle();
                    None
                }
                Move::Say(who, said) if !seats.is_empty() => {
                    let who = seats[who % seats.len()];
                    let before = house.rooms.occupants.get(&who).map(|it| (it.channel.clone(), it.name.clone()));
                    let heard: usize = house.told.values().flatten().filter(|it| matches!(it, RoomMessage::Message { .. })).count();
                    house.say(who, &said);
                    let after: usize = house.told.values().flatten().filter(|it| matches!(it, RoomMessage::Message { .. })).count();
                    let is_speech = matches!(said, GuestMessage::Message { .. } | GuestMessage::Join { .. });
                    prop_assert!(is_speech || heard == after);
                    match said {
                        GuestMessage::Message { text } if after > heard => Some((before, text)),
                        _ => None,
                    }
                }
                Move::Junk(who, text) if !seats.is_empty() => {
                    house.frame(seats[who % seats.len()], &Message::text(text));
                    None
                }
                _ => None,
            };
            // Who was heard had a name, and all who are there have heard it, as the last thing.
            if let Some((before, text)) = spoke {
                let (channel, name) = before.unwrap();
                let name = name.unwrap();
                for (seat, occupant) in &house.rooms.occupants {
                    if occupant.channel == channel {
                        let last = house.told[seat].last();
                        let is_it = matches!(last, Some(RoomMessage::Message { user, text: heard, .. })
                            if *user == name.as_str() && *heard == text);
                        prop_assert!(is_it, "{last:?}");
                    }
                }
            }
            // Nobody has another's name, and every name is somebody's.
            let mut names = BTreeSet::new();
            for occupant in house.rooms.occupants.values() {
                if let Some(name) = &occupant.name {
                    prop_assert!(names.insert((occupant.channel.clone(), name.clone())));
                }
            }
            let owned: usize = house.rooms.rooms.values().map(Room::named).sum();
            prop_assert_eq!(owned, names.len());
            prop_assert_eq!(house.rooms.due.len(), house.rooms.occupants.len());
        }
        // What somebody has heard since it came into a channel is the end of what anybody has
        // heard there who has been there for longer.
        let heard_there: Vec<_> = house.rooms.occupants.iter().map(|(seat, occupant)| {
            let told = &house.told[seat];
            let entry = told.iter().rposition(|it| matches!(it, RoomMessage::Connection { .. })).unwrap();
            let roster = told[entry..].iter().position(|it| matches!(it, RoomMessage::Presence { .. })).unwrap();
            let shared = |it: &&RoomMessage| matches!(it, RoomMessage::Message { .. } | RoomMessage::Presence { .. });
            let heard: Vec<_> = told[entry + roster + 1..].iter().filter(shared).cloned().collect();
            (occupant.channel.clone(), heard)
        }).collect();
        for (channel, heard) in &heard_there {
            for (other, longer) in &heard_there {
                if channel == other && longer.len() >= heard.len() {
                    prop_assert!(longer.ends_with(heard));
                }
            }
        }
    }

    #[test]
    fn no_call_at_any_time_makes_them_panic(
        calls in prop::collection::vec((any::<u64>(), 0..6, any::<u64>(), any::<String>()), 0..60),
    ) {
        let mut rooms = Rooms::new(RoomsSettings {
            heartbeat: Duration::ZERO,
            heartbeat_timeout: Duration::MAX,
            rate: Rate { messages: NonZeroU32::MIN, per: Duration::MAX },
            rates_per_site: RATES_PER_SITE,
            longest_message: 0,
            ticket_wait: Duration::ZERO,
        });
        for (at, call, seat, text) in calls {
            let at = Stamp::from_nanos(at % 10_000_000_000);
            let seat = SeatId(seat % 8);
            match call {
                0 => drop(rooms.enter(at, "c".parse().unwrap(), Pass::Anyone)),
                1 => drop(rooms.enter(at, "c".parse().unwrap(), Pass::Wanted)),
                2 => rooms.leave(at, seat),
                3 => rooms.admit(at, seat, "u".parse().unwrap()),
                4 => rooms.handle_message(at, 0, seat, &Message::text(text)),
                _ => rooms.handle_timeout(at),
            }
            while rooms.poll_output().is_some() {}
        }
    }
}
