//! Both parties against each other.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::conversation::{Farewell, Rate};

const SHORT: Duration = Duration::from_millis(30);

fn dial(house: &mut House, number: u8) -> usize {
    house.dial(&pair(number), RegistrarSettings::default(), SHORT)
}

fn from(number: u8, text: &str) -> (PublicKey, String) {
    (pair(number).public_key(), text.to_owned())
}

#[test]
fn everybody_else_hears_what_is_said_and_one_alone_what_is_for_one() {
    let mut house = House::new();
    let [alice, bob, carol] = [1, 2, 3].map(|number| dial(&mut house, number));
    house.wait_until(secs(1));
    assert_eq!(house.directory.len(), 3);
    house.say(alice, "hello", None);
    house.say(bob, "psst", Some(pair(3).public_key()));
    house.say(carol, "note to myself", Some(pair(3).public_key()));
    house.wait_until(secs(2));
    assert_eq!(house.heard(alice), []);
    assert_eq!(house.heard(bob), [from(1, "hello")]);
    let at_carols = [from(1, "hello"), from(2, "psst"), from(3, "note to myself")];
    assert_eq!(house.heard(carol), at_carols);
    house.say(alice, "is there anybody", Some(pair(9).public_key()));
    house.wait_until(secs(3));
    assert!(matches!(
        house.noticed(alice)[..],
        [RegistrantEvent::Refused {
            code: ErrorCode::UnknownKey,
            ..
        }]
    ));
}

#[test]
fn a_registration_lasts_for_days() {
    let mut house = House::new();
    let who = dial(&mut house, 1);
    house.wait_until(secs(2 * 24 * 60 * 60));
    let (mut registered, mut confirmed) = (0, 0);
    for event in house.noticed(who) {
        match event {
            RegistrantEvent::Registered { .. } => registered += 1,
            RegistrantEvent::Confirmed { .. } => confirmed += 1,
            RegistrantEvent::Challenged { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    // Every 30 s and a round trip.
    assert_eq!((registered, confirmed), (1, 172_800_000 / 30_060));
}

#[test]
fn the_newer_connection_of_a_key_replaces_the_older() {
    let mut house = House::new();
    let older = dial(&mut house, 1);
    house.wait_until(secs(1));
    let newer = dial(&mut house, 1);
    let other = dial(&mut house, 2);
    house.wait_until(secs(2));
    let reason = "this key has registered over another connection";
    assert_eq!(house.closed(older), Some(&Farewell::new(1008, reason)));
    assert_eq!(house.closed(newer), None);
    // The older one did not take the newer one out as it went.
    assert_eq!(house.directory.route(&pair(1).public_key()), Some(&newer));
    house.say(other, "hello", None);
    house.wait_until(secs(3));
    assert_eq!(house.heard(newer), [from(2, "hello")]);
}

#[test]
fn more_lines_than_may_come_at_once_all_come_in_order() {
    let mut house = House::new();
    let [speaker, listener] = [1, 2].map(|number| dial(&mut house, number));
    let lines: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    for text in &lines {
        house.say(speaker, text, None);
    }
    house.cue(speaker, RegistrantCue::Finish);
    house.wait_until(secs(120));
    assert_eq!(house.closed(speaker), Some(&Farewell::normal()));
    let heard: Vec<String> = house.heard(listener).into_iter().map(|it| it.1).collect();
    assert_eq!(heard, lines);
    let noticed = house.noticed(speaker);
    let is_held = |it: &RegistrantEvent| matches!(it, RegistrantEvent::Held { .. });
    assert_eq!(noticed.iter().filter(|it| is_held(it)).count(), 4);
    // No heartbeat was missed over it.
    let is_lost = |it: &RegistrantEvent| matches!(it, RegistrantEvent::Unregistered { .. });
    assert!(!noticed.iter().any(is_lost));
}

#[test]
fn an_answer_that_is_always_late_ends_it_by_and_by() {
    let mut house = House::new();
    let settings = RegistrarSettings::default();
    let slow = house.dial(&pair(1), settings, Duration::from_secs(6));
    house.wait_until(secs(600));
    assert_eq!(house.closed(slow).map(Farewell::code), Some(1008));
    assert!(house.directory.is_empty());
}

#[test]
fn a_late_answer_that_crosses_the_next_challenge_costs_no_registration() {
    // The next challenge comes as soon as the one before has expired, and crosses the answer to that.
    let settings = RegistrarSettings {
        heartbeat: Duration::from_secs(1),
        answer_within: Duration::from_secs(1),
        // The challenge that is missed takes the one try; the answer to it takes none.
        retries: 1,
        ..RegistrarSettings::default()
    };
    let mut house = House::new();
    // A round trip is longer than an answer may take, once.
    let who = house.dial(&pair(1), settings, Duration::from_millis(550));
    house.wait_until(millis(1640));
    house.shorten(who, Duration::from_millis(50));
    house.wait_until(secs(60));
    assert_eq!(house.closed(who), None);
    assert_eq!(house.directory.route(&pair(1).public_key()), Some(&who));
}

prop_compose! {
    fn any_settings()(
        heartbeat in 1_u64..60_000,
        answer_within in 2_000_u64..20_000,
        retries in 0_u32..5,
        messages in 1_u32..20,
        per in 1_u64..3_000,
    ) -> RegistrarSettings {
        RegistrarSettings {
            heartbeat: Duration::from_millis(heartbeat),
            answer_within: Duration::from_millis(answer_within),
            retries,
            rate: Rate {
                messages: NonZeroU32::new(messages).unwrap(),
                per: Duration::from_millis(per),
            },
            longest_text: 3,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_line_comes_to_one_end_in_order(
        settings in any_settings(),
        delays in prop::collection::vec(0_u64..900, 3),
        lines in prop::collection::vec((0..3_usize, 0..6_u8, 0..2_000_u64), 0..40),
    ) {
        let mut house = House::new();
        for (number, delay) in (1..).zip(&delays) {
            house.dial(&pair(number), settings, Duration::from_millis(*delay));
        }
        let mut said = vec![Vec::new(); 3];
        let mut now = Stamp::OPENING;
        for (number, (who, kind, wait)) in lines.into_iter().enumerate() {
            now = now + Duration::from_millis(wait);
            house.wait_until(now);
            let (text, to) = match kind {
                0 => (format!("  {number}"), None), // too long, sometimes
                1 => (" ".to_owned(), None),
                2 => (number.to_string(), Some(pair(9).public_key())),
                3 => (number.to_string(), Some(pair(1).public_key())),
                _ => (number.to_string(), None),
            };
            house.say(who, &text, to);
            said[who].push(text);
        }
        // A network on which no answer is late: nobody is unregistered, and all is said at last.
        house.wait_until(now + Duration::from_secs(300));
        for (who, said) in said.into_iter().enumerate() {
            prop_assert_eq!(house.closed(who), None);
            prop_assert_eq!(house.unsaid(who), 0);
            let ended: Vec<String> = house
                .noticed(who)
                .into_iter()
                .filter_map(|event| match event {
                    RegistrantEvent::Delivered { line, .. } => Some(line.text),
                    RegistrantEvent::Refused { line, .. } => line.map(|it| it.text),
                    RegistrantEvent::Unregistered { .. } | RegistrantEvent::Odd { .. } => {
                        Some(format!("{event:?}"))
                    }
                    _ => None,
                })
                .collect();
            prop_assert_eq!(ended, said);
        }
    }

    #[test]
    fn on_any_network_no_line_is_lost_or_said_twice(
        settings in any_settings(),
        delay in 0_u64..15_000,
        lines in 0..20_usize,
    ) {
        let mut house = House::new();
        let delay = Duration::from_millis(delay);
        let speaker = house.dial(&pair(1), settings, delay);
        let listener = house.dial(&pair(2), RegistrarSettings::default(), Duration::ZERO);
        house.wait_until(millis(1));
        for number in 0..lines {
            house.say(speaker, &number.to_string(), None);
        }
        house.wait_until(secs(900));
        let mut next = 0;
        for (_, text) in house.heard(listener) {
            prop_assert_eq!(text, next.to_string());
            next += 1;
        }
        let is_end = |it: &RegistrantEvent| matches!(it, RegistrantEvent::Delivered { .. });
        let ended = house.noticed(speaker).iter().filter(|it| is_end(it)).count();
        prop_assert_eq!(ended + house.unsaid(speaker), lines);
        // What was heard and not known to be is the line that was under way.
        prop_assert!(ended == next || ended + 1 == next);
    }
}
