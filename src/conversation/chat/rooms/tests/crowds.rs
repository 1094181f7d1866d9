//! What many at once are told, and what is kept for those who come later.

use super::*;

#[test]
fn a_crowd_that_comes_and_goes_at_once_is_told_of_in_few_words() {
    let mut house = House::new();
    house.gathering = Gathering::Awaited;
    let host = house.enter("fishing");
    house.claim(host, "host");
    let crowd: Vec<_> = (0..600).map(|_| house.enter("fishing")).collect();
    for (number, seat) in crowd.iter().enumerate() {
        house.claim(*seat, &format!("{number}"));
    }
    house.deliveries = 0;
    house.takes(host);
    house.wait_until(1);
    let told = house.takes(host);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(house.deliveries, 3 * 601);
    assert!(matches!(&told[2], RoomMessage::Presence { total: 601, .. }));
    // Whoever comes and goes meanwhile is not told of at all.
    for seat in &crowd[1..] {
        house.rooms.leave(house.now, *seat);
    }
    let short = house.enter("fishing");
    house.claim(short, "short");
    house.rooms.leave(house.now, short);
    house.wait_until(2);
    let told = house.takes(host);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(matches!(&told[3], RoomMessage::Presence { came, total: 2, .. } if came.is_empty()));
    assert_eq!(
        house.rooms.poll_timeout(),
        house.rooms.due.first().map(|(due, _)| *due)
    );
}

#[test]
fn nobody_is_heard_before_it_is_known_to_be_there() {
    let mut house = House::new();
    house.gathering = Gathering::Awaited;
    let (anna, bert) = (house.enter("fishing"), house.enter("fishing"));
    house.claim(anna, "anna");
    house.claim(bert, "bert");
    house.speak(bert, "hi");
    let told = house.takes(anna);
    let came = presence(&["bert"], &[], 2);
    assert_eq!(told[told.len() - 2..], [came, message("bert", "hi", 1000)]);
    // Whoever enters is told of those that the others know of, and of the next with them.
    let carl = house.enter("fishing");
    house.claim(carl, "carl");
    let late = house.enter("fishing");
    assert_eq!(
        house.takes(late).last(),
        Some(&presence(&["anna", "bert"], &[], 2))
    );
    house.wait_until(1);
    assert_eq!(house.takes_one(late), presence(&["carl"], &[], 3));
}

#[test]
fn whoever_comes_in_anew_with_a_ticket_takes_the_place_of_its_own_ghost() {
    let mut house = House::new();
    let anna = || Pass::User("anna".parse().unwrap());
    let ghost = house.enter_with("fishing", anna());
    house.claim(ghost, "anna");
    let bert = house.person("fishing", "bert");
    let anew = house.enter_with("fishing", anna());
    house.claim(anew, "anna");
    assert!(house.takes(anew).contains(&identity(true)));
    assert_eq!(house.closed[&ghost].code(), CloseReason::POLICY_VIOLATION);
    // To the others, nothing has changed.
    assert_eq!(house.takes(bert), []);
}

#[test]
fn what_is_told_at_the_entry_is_one_delivery() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    for number in 0..20 {
        house.speak(anna, &format!("{number}"));
    }
    house.deliveries = 0;
    let bert = house.enter("fishing");
    assert_eq!(house.takes(bert).len(), 21);
    assert_eq!(house.deliveries, 1);
}

#[test]
fn what_was_said_where_nobody_is_any_more_takes_up_no_more_than_it_may() {
    let mut house = House::with(RoomsSettings {
        longest_message: 10_240,
        ..SETTINGS
    });
    let long = "\u{1}".repeat(10_240);
    for number in 0..VACANT_ROOMS {
        let seat = house.person(&format!("{number}"), "anna");
        for _ in 0..19 {
            house.speak(seat, &long);
        }
        house.rooms.leave(house.now, seat);
        house.settle();
    }
    let kept: usize = house.rooms.rooms.values().map(Room::bytes).sum();
    assert_eq!(kept, house.rooms.vacant_bytes);
    assert!((VACANT_BYTES / 2..=VACANT_BYTES).contains(&kept), "{kept}");
    // Somebody comes back to the one that was left last.
    let back = house.enter(&format!("{}", VACANT_ROOMS - 1));
    assert_eq!(house.takes(back).len(), 21);
    let of_others = house.rooms.vacant_bytes;
    assert!(of_others < kept);
    house.rooms.leave(house.now, back);
    assert_eq!(house.rooms.vacant_bytes, kept);
}
