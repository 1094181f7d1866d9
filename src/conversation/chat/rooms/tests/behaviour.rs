//! What each of the messages does.

use super::*;

#[test]
fn whoever_enters_is_told_where_it_is_what_was_said_and_who_is_there() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    for number in 0..60 {
        house.wait_until(number);
        house.say(anna, &GuestMessage::Heartbeat {});
        house.speak(anna, &format!("{number}"));
    }
    let bert = house.enter("fishing");
    let told = house.takes(bert);
    assert_eq!(told.len(), 52);
    assert_eq!(told[0], connection("fishing"));
    assert_eq!(told[1], message("anna", "10", 1010));
    assert_eq!(told[50], message("anna", "59", 1059));
    assert_eq!(told[51], presence(&["anna"], &[], 1));
    // Elsewhere there is nothing of it.
    let carl = house.enter("hunting");
    let nobody = presence(&[], &[], 0);
    assert_eq!(house.takes(carl), [connection("hunting"), nobody]);
}

#[test]
fn what_is_said_reaches_everybody_in_the_channel_the_speaker_too_and_nobody_else() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let silent = house.enter("fishing");
    let elsewhere = house.person("hunting", "anna");
    house.takes(silent);
    house.wait_until(7);
    house.speak(anna, "good luck");
    let heard = message("anna", "good luck", 1007);
    assert_eq!(house.takes_one(anna), heard);
    assert_eq!(house.takes_one(silent), heard);
    assert_eq!(house.takes(elsewhere), []);
}

#[test]
fn a_name_is_one_persons_at_a_time() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let bert = house.enter("fishing");
    house.takes(bert);
    house.claim(bert, "anna");
    let told = house.takes(bert);
    assert_eq!(told[0], identity(false));
    assert_eq!(error_of(&told[1]), Some(ErrorCode::NameTaken));
    house.speak(bert, "I am anna");
    assert_eq!(house.takes_error(bert), ErrorCode::NotAuthenticated);
    assert_eq!(house.takes(anna), []);

    // Claiming it once more changes nothing, and another one frees it.
    house.claim(anna, "anna");
    assert_eq!(house.takes_one(anna), identity(true));
    house.claim(anna, "anne");
    let renamed = presence(&["anne"], &["anna"], 1);
    assert_eq!(house.takes(anna), [identity(true), renamed.clone()]);
    assert_eq!(house.takes(bert), [renamed]);
    house.claim(bert, "anna");
    let came = presence(&["anna"], &[], 2);
    assert_eq!(house.takes(bert), [identity(true), came]);
    house.rooms.leave(house.now, anna);
    house.settle();
    assert_eq!(house.takes_one(bert), presence(&[], &["anne"], 1));
}

#[test]
fn what_is_refused_has_a_code_and_a_sentence() {
    let mut house = House::new();
    let nobody = house.enter("fishing");
    house.takes(nobody);
    let long = format!(r#"{{"type":"message","text":"{}"}}"#, "ö".repeat(2049));
    for (text, code) in [
        (r#"{"type":"identity","user":""}"#, ErrorCode::NameEmpty),
        (r#"{"type":"identity","user":"  "}"#, ErrorCode::NameInvalid),
        (
            r#"{"type":"identity","user":"a\nb"}"#,
            ErrorCode::NameInvalid,
        ),
        (
            r#"{"type":"identity","user":"123456789 123456789 123456789 123"}"#,
            ErrorCode::NameTooLong,
        ),
        (
            r#"{"type":"message","text":"hi"}"#,
            ErrorCode::NotAuthenticated,
        ),
        (r#"{"type":"join","id":"fishing"}"#, ErrorCode::AlreadyThere),
        (r#"{"type":"join","id":"a/b"}"#, ErrorCode::ChannelInvalid),
        (
            r#"{"type":"ticket","ticket":"x"}"#,
            ErrorCode::TicketRefused,
        ),
        (r#"{"type":"shout"}"#, ErrorCode::UnknownType),
        (r#"{"type":"message"}"#, ErrorCode::Malformed),
        ("hello", ErrorCode::NotJson),
    ] {
        house.frame(nobody, &Message::text(text));
        let told = house.takes(nobody);
        let sentence = told.iter().find_map(|it| match it {
            RoomMessage::Error { message, .. } => Some(message.clone()),
            _ => None,
        });
        let sentence = sentence.unwrap();
        assert!(sentence.ends_with('.'), "{sentence}");
        assert!(sentence.starts_with(char::is_uppercase), "{sentence}");
        assert_eq!(told.last().and_then(error_of), Some(code), "{text}");
    }
    let anna = house.person("fishing", "anna");
    house.takes(nobody);
    for text in ["", " \n"] {
        house.speak(anna, text);
        assert_eq!(house.takes_error(anna), ErrorCode::MessageEmpty);
    }
    house.frame(anna, &Message::text(long));
    assert_eq!(house.takes_error(anna), ErrorCode::MessageTooLong);
    house.frame(anna, &Message::Binary(vec![0]));
    assert_eq!(house.takes_error(anna), ErrorCode::NotText);
    house.speak(anna, &"ö".repeat(2048));
    assert!(matches!(house.takes_one(anna), RoomMessage::Message { .. }));
    assert_eq!(house.takes(nobody).len(), 1);
    assert!(house.closed.is_empty());
}

#[test]
fn whoever_answers_no_heartbeat_loses_its_name_and_nothing_else() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let bert = house.person("fishing", "bert");
    for beat in [30, 60] {
        house.wait_until(beat);
        for seat in [anna, bert] {
            let authenticated = true;
            assert_eq!(
                house.takes_one(seat),
                RoomMessage::Heartbeat { authenticated }
            );
        }
        house.say(bert, &GuestMessage::Heartbeat {});
        if beat == 30 {
            house.say(anna, &GuestMessage::Heartbeat {});
        }
    }
    house.wait_until(69);
    assert_eq!(house.takes(anna), []);
    house.wait_until(70);
    let told = house.takes(anna);
    let gone = presence(&[], &["anna"], 1);
    assert_eq!(error_of(&told[0]), Some(ErrorCode::HeartbeatMissed));
    assert_eq!(told[1], gone);
    assert_eq!(house.takes(bert), [gone]);

    // It still hears, and can have a name again, if nobody else has taken it meanwhile.
    house.speak(bert, "where is she?");
    assert_eq!(
        house.takes_one(anna),
        message("bert", "where is she?", 1070)
    );
    house.speak(anna, "here");
    assert_eq!(house.takes_error(anna), ErrorCode::NotAuthenticated);
    house.wait_until(90);
    let authenticated = false;
    assert_eq!(
        house.takes_one(anna),
        RoomMessage::Heartbeat { authenticated }
    );
    // A late answer brings nothing back.
    house.say(anna, &GuestMessage::Heartbeat {});
    house.claim(anna, "anna");
    assert_eq!(house.takes(anna)[0], identity(true));
}

#[test]
fn changing_the_channel_takes_the_name_along_if_it_is_free_there() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let bert = house.person("fishing", "bert");
    let other = house.person("hunting", "bert");
    house.join(anna, "hunting");
    assert_eq!(house.takes_one(bert), presence(&[], &["anna"], 1));
    let came = presence(&["anna"], &[], 2);
    let told = [
        connection("hunting"),
        presence(&["bert"], &[], 1),
        identity(true),
        came.clone(),
    ];
    assert_eq!(house.takes(anna), told);
    assert_eq!(house.takes_one(other), came);
    house.join(bert, "hunting");
    let told = house.takes(bert);
    assert_eq!(told[0], connection("hunting"));
    assert_eq!(told[2], identity(false));
    assert_eq!(error_of(&told[3]), Some(ErrorCode::NameTaken));
    // Nobody is left in the old one, in which nothing was said: it is gone.
    assert_eq!(house.rooms.rooms.len(), 1);
}

#[test]
fn whoever_talks_too_fast_is_told_and_a_flood_is_shown_out() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let bert = house.person("fishing", "bert");
    house.wait_until(15);
    for number in 0..20 {
        house.speak(anna, &format!("{number}"));
    }
    assert_eq!(house.takes(anna).len(), 20);
    house.takes(bert);
    house.wait_until(16);
    house.speak(anna, "one more");
    match house.takes_one(anna) {
        RoomMessage::Error {
            code: ErrorCode::TooFast,
            retry_after_ms,
            ..
        } => assert_eq!(retry_after_ms, Some(9000)),
        other => panic!("{other:?}"),
    }
    // After a pause as long as that it is heard again.
    house.wait_until(25);
    house.speak(anna, "one more");
    assert!(matches!(house.takes_one(anna), RoomMessage::Message { .. }));
    for _ in 1..20 {
        house.frame(anna, &Message::text("not even JSON"));
    }
    for _ in 0..20 {
        assert!(!house.closed.contains_key(&anna));
        house.frame(anna, &Message::text("not even JSON"));
    }
    house.takes(bert);
    house.speak(anna, "and another");
    assert_eq!(house.closed[&anna].code(), CloseReason::POLICY_VIOLATION);
    assert_eq!(house.takes_one(bert), presence(&[], &["anna"], 1));
    // There is nobody to hear any more.
    house.speak(anna, "hello?");
    house.rooms.leave(house.now, anna);
    house.settle();
    assert_eq!(house.takes(bert), []);
}

#[test]
fn answers_to_heartbeats_do_not_count_as_talk() {
    let mut house = House::with(RoomsSettings {
        heartbeat: Duration::from_millis(100),
        ..SETTINGS
    });
    let anna = house.person("fishing", "anna");
    for step in 1..100 {
        let then = Stamp::after_opening(Duration::from_millis(100 * step));
        house.now = then;
        house.rooms.handle_timeout(then);
        house.settle();
        house.say(anna, &GuestMessage::Heartbeat {});
    }
    let told = house.takes(anna);
    assert_eq!(told.len(), 99);
    assert_eq!(told.iter().find_map(error_of), None);
}

#[test]
fn without_a_ticket_nobody_hears_or_says_anything() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let bert = house.enter_with("fishing", Pass::Wanted);
    assert_eq!(house.takes_error(bert), ErrorCode::TicketNeeded);
    house.claim(bert, "bert");
    assert_eq!(house.takes_error(bert), ErrorCode::TicketNeeded);
    house.speak(anna, "are we alone?");
    house.takes(anna);
    assert_eq!(house.takes(bert), []);
    let ticket = |text: &str| GuestMessage::Ticket {
        ticket: text.to_owned(),
    };
    house.say(bert, &ticket("wrong"));
    assert_eq!(house.tickets.len(), 1);
    house.rooms.refuse(house.now, bert, "No such ticket.");
    house.settle();
    assert_eq!(house.takes_error(bert), ErrorCode::TicketRefused);
    house.rooms.admit(house.now, bert, "bert".parse().unwrap());
    house.settle();
    assert_eq!(house.takes(bert)[0], connection("fishing"));
    // The ticket is good for one name.
    house.claim(bert, "carl");
    assert_eq!(house.takes_error(bert), ErrorCode::NameNotYours);
    house.claim(bert, "bert");
    assert_eq!(house.takes(bert)[0], identity(true));

    let late = house.enter_with("fishing", Pass::Wanted);
    house.takes(late);
    house.wait_until(10);
    assert_eq!(house.closed[&late].code(), CloseReason::POLICY_VIOLATION);
    assert!(!house.closed.contains_key(&bert));
    house.rooms.admit(house.now, late, "late".parse().unwrap());
    house.settle();
    assert_eq!(house.takes(late), []);
}

#[test]
fn whoever_comes_and_goes_says_no_more_than_its_site_may_and_others_go_on() {
    let mut house = House::with(RoomsSettings {
        rates_per_site: NonZeroU32::new(3).unwrap(),
        ..SETTINGS
    });
    let site = |text: &str| Site::from(text.parse::<std::net::IpAddr>().unwrap());
    let neighbour = house.enter("fishing");
    house.rooms.comes_from(neighbour, site("2001:db8::1"));
    // 3 × 20 are allowed: three times 19, and 3 more.
    let mut refused = 0;
    for number in 0..5 {
        let seat = house.enter("fishing");
        let address = format!("2001:db8::{number:x}:2");
        house.rooms.comes_from(seat, site(&address));
        house.claim(seat, "bert");
        for _ in 0..18 {
            house.speak(seat, "me again");
        }
        let errors: Vec<_> = house.takes(seat).iter().filter_map(error_of).collect();
        assert!(errors.iter().all(|code| *code == ErrorCode::TooFast));
        refused += errors.len();
        house.rooms.leave(house.now, seat);
        house.settle();
    }
    assert_eq!(refused, 5 * 19 - 60);
    house.takes(neighbour);
    house.claim(neighbour, "anna");
    assert_eq!(house.takes_error(neighbour), ErrorCode::TooFast);
    let elsewhere = house.enter("fishing");
    house.rooms.comes_from(elsewhere, site("2001:db8:0:1::1"));
    house.takes(elsewhere);
    house.claim(elsewhere, "carl");
    assert_eq!(house.takes(elsewhere)[0], identity(true));
    house.wait_until(10);
    house.takes(neighbour);
    house.claim(neighbour, "anna");
    assert_eq!(house.takes(neighbour)[0], identity(true));
}

#[test]
fn a_user_says_no_more_over_several_connections_than_over_two() {
    let mut house = House::new();
    let user = || Pass::User("anna".parse().unwrap());
    let mut refused = 0;
    for _ in 0..5 {
        let seat = house.enter_with("fishing", user());
        house.claim(seat, "anna");
        for _ in 0..18 {
            house.speak(seat, "me again");
        }
        let told = house.takes(seat);
        refused += told.iter().filter_map(error_of).count();
        house.rooms.leave(house.now, seat);
        house.settle();
    }
    assert_eq!(refused, 5 * 19 - 40);
}

#[test]
fn who_is_no_user_any_more_is_shown_out() {
    let mut house = House::new();
    let pass = |user: &str| Pass::User(user.parse().unwrap());
    let anna = house.enter_with("fishing", pass("anna"));
    let bert = house.enter_with("fishing", pass("bert"));
    let guest = house.enter_with("fishing", Pass::Wanted);
    house
        .rooms
        .keep_only(house.now, |user| user.as_str() == "bert");
    house.settle();
    assert_eq!(house.closed[&anna].code(), CloseReason::POLICY_VIOLATION);
    assert_eq!(house.closed.len(), 1);
    for seat in [bert, guest] {
        assert!(!house.closed.contains_key(&seat));
    }
}

#[test]
fn a_channel_is_remembered_when_all_have_gone_and_not_every_one_for_ever() {
    let mut house = House::new();
    for number in 0..=VACANT_ROOMS {
        let seat = house.person(&format!("{number}"), "anna");
        house.speak(seat, "was here");
        house.rooms.leave(house.now, seat);
        house.settle();
    }
    assert_eq!(house.rooms.rooms.len(), VACANT_ROOMS);
    let (first, second) = (house.enter("0"), house.enter("1"));
    assert_eq!(house.takes(first).len(), 2);
    assert_eq!(house.takes(second).len(), 3);
    assert_eq!(house.rooms.vacant.len(), VACANT_ROOMS - 1);
}

#[test]
fn a_roster_has_an_end() {
    let mut house = House::new();
    for number in 0..300 {
        let seat = house.enter("fishing");
        house.claim(seat, &format!("{number:\u{1f41f}>32}"));
    }
    let late = house.enter("fishing");
    let told = house.takes(late);
    match &told[1] {
        RoomMessage::Presence { came, total, .. } => {
            assert_eq!((came.len(), *total), (256, 300));
        }
        other => panic!("{other:?}"),
    }
    assert!(told[1].to_string().len() < 64 * 1024);
}
