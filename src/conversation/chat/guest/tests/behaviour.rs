//! One behaviour a test.

use secrecy::SecretString;

use super::*;
use crate::conversation::chat::HISTORY;

fn heard(text: &str, how: Hearing) -> (String, Hearing) {
    (text.to_owned(), how)
}

fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

/// The codes of what was refused, with the lines.
fn refused(events: Vec<GuestEvent>) -> Vec<(Option<String>, ErrorCode)> {
    let refused = events.into_iter().filter_map(|event| match event {
        GuestEvent::Refused { text, code, .. } => Some((text, code)),
        _ => None,
    });
    refused.collect()
}

#[test]
fn the_name_is_claimed_once_it_is_in_a_channel() {
    let mut bench = Bench::new();
    assert_eq!(bench.sent(), []);
    bench.enters("pond", &["one", "two"]);
    assert_eq!(bench.sent(), [identity("alice")]);
    let at = Stamp::OPENING;
    let entered = GuestEvent::Entered {
        at,
        channel: "pond".to_owned(),
    };
    let noticed = std::mem::take(&mut bench.noticed);
    assert_eq!(noticed[0], entered);
    assert!(
        matches!(&noticed[1], GuestEvent::Heard(it) if it.text == "one" && it.how == Hearing::Earlier)
    );
    assert!(matches!(&noticed[2], GuestEvent::Heard(it) if it.text == "two"));
    assert!(matches!(&noticed[3], GuestEvent::Presence { roster, .. } if *roster == Roster::Whole));
    bench.hears_about_name(true);
    let named = GuestEvent::Named {
        at,
        name: name("alice"),
    };
    assert_eq!(bench.noticed(), [named]);
    bench.hears_presence();
    let [GuestEvent::Presence { roster, .. }] = bench.noticed[..] else {
        panic!("{:?}", bench.noticed)
    };
    assert_eq!(roster, Roster::Change);
}

#[test]
fn a_ticket_is_the_first_word_and_stays_a_secret() {
    let ticket = "open-sesame";
    let settings = GuestSettings {
        ticket: Some(SecretString::from(ticket)),
        ..settings()
    };
    let mut guest = Guest::new(settings.clone(), Memory::default());
    guest.handle_open(Stamp::OPENING);
    assert!(!format!("{settings:?} {guest:?}").contains(ticket));
    let shown = GuestMessage::Ticket {
        ticket: ticket.to_owned(),
    };
    let shown = Output::Send(Message::text(shown.to_string()));
    assert_eq!(guest.poll_output(), Some(shown));
    assert_eq!(guest.poll_output(), None);
    assert!(!format!("{guest:?}").contains(ticket));

    let mut bench = Bench::with(settings, Memory::default());
    bench.sent();
    bench.hears_error(ErrorCode::TicketRefused, None);
    assert_eq!(refused(bench.noticed()), [(None, ErrorCode::TicketRefused)]);
    bench.enters("pond", &[]);
    assert_eq!(bench.sent(), [identity("alice")]);
}

#[test]
fn heartbeats_are_answered_at_once_and_a_lost_name_is_claimed_again() {
    let mut bench = Bench::settled();
    bench.hears_heartbeat(true);
    assert_eq!(bench.sent(), [GuestMessage::Heartbeat {}]);
    assert_eq!(bench.noticed(), []);
    let unnamed = GuestEvent::Unnamed {
        at: Stamp::OPENING,
        name: name("alice"),
    };
    bench.hears_heartbeat(false);
    let answers = [GuestMessage::Heartbeat {}, identity("alice")];
    assert_eq!(bench.sent(), answers);
    assert_eq!(bench.noticed(), std::slice::from_ref(&unnamed));
    // It is being claimed already.
    bench.hears_heartbeat(false);
    assert_eq!(bench.sent(), [GuestMessage::Heartbeat {}]);
    bench.takes_name();
    bench.hears_error(ErrorCode::HeartbeatMissed, None);
    assert_eq!(bench.sent(), [identity("alice")]);
    assert_eq!(bench.noticed(), [unnamed]);
}

#[test]
fn lines_are_said_one_at_a_time() {
    let mut bench = Bench::new();
    for text in ["one", "two", "three"] {
        bench.say(text);
    }
    bench.enters("pond", &[]);
    assert_eq!(bench.sent(), [identity("alice")]);
    bench.hears_about_name(true);
    assert_eq!(bench.sent(), [message("one")]);
    bench.noticed();
    // Others say the same, or it is said otherwise.
    bench.hears_said("bob", "one");
    bench.hears_said("alice", "two");
    assert_eq!(bench.sent(), []);
    bench.hears_said("alice", "one");
    assert_eq!(bench.sent(), [message("two")]);
    assert_eq!(
        bench.heard(),
        [
            heard("one", Hearing::Live),
            heard("two", Hearing::Live),
            heard("one", Hearing::Own)
        ]
    );
    bench.hears_error(ErrorCode::MessageTooLong, None);
    let lost = (Some("two".to_owned()), ErrorCode::MessageTooLong);
    assert_eq!(refused(bench.noticed()), [lost]);
    assert_eq!(bench.sent(), [message("three")]);
}

#[test]
fn a_line_that_comes_too_fast_is_said_again_later() {
    for (retry_ms, pause) in [
        (Some(1500), 1500),
        (None, 10_000),
        (Some(u64::MAX), 600_000),
    ] {
        let mut bench = Bench::settled();
        bench.say("one");
        bench.sent();
        bench.hears_error(ErrorCode::TooFast, retry_ms);
        let until = Stamp::OPENING + Duration::from_millis(pause);
        let held = GuestEvent::Held {
            at: Stamp::OPENING,
            until,
            what: Request::Line,
        };
        assert_eq!(bench.noticed(), [held]);
        // Heartbeats are answered all the same.
        bench.hears_heartbeat(true);
        assert_eq!(bench.sent(), [GuestMessage::Heartbeat {}]);
        bench.waits_until(Stamp::OPENING + Duration::from_millis(pause - 1));
        bench.say("two");
        assert_eq!(bench.sent(), []);
        bench.waits_until(until);
        assert_eq!(bench.sent(), [message("one")]);
        bench.hears_said("alice", "one");
        assert_eq!(bench.sent(), [message("two")]);
    }
}

#[test]
fn a_refused_name_waits_for_another_and_the_lines_with_it() {
    let mut bench = Bench::new();
    bench.enters("pond", &[]);
    bench.say("hello");
    bench.cue(GuestCue::Finish);
    bench.sent();
    bench.noticed();
    bench.hears_about_name(false);
    assert_eq!(bench.noticed(), []);
    bench.hears_error(ErrorCode::NameTaken, None);
    let refused = GuestEvent::NameRefused {
        at: Stamp::OPENING,
        name: name("alice"),
        code: Some(ErrorCode::NameTaken),
        reason: "no".to_owned(),
        next: NextName::Unknown,
    };
    assert_eq!(bench.noticed(), [refused]);
    bench.waits_until(secs(3600));
    bench.hears_heartbeat(false);
    assert_eq!(bench.sent(), [GuestMessage::Heartbeat {}]);
    bench.cue(GuestCue::Rename(name("alice2")));
    assert_eq!(bench.sent(), [identity("alice2")]);
    bench.hears_about_name(true);
    assert_eq!(bench.sent(), [message("hello")]);
    assert_eq!(bench.closed, None);
    bench.hears_said("alice2", "hello");
    assert_eq!(bench.heard(), [heard("hello", Hearing::Own)]);
    assert_eq!(bench.closed, Some(Farewell::normal()));
    assert_eq!(bench.guest.into_memory().name(), Some(&name("alice2")));
}

#[test]
fn a_name_may_be_refused_without_a_reason() {
    // Whatever comes next, or a second in which nothing does.
    for waits in [true, false] {
        let mut bench = Bench::new();
        bench.enters("pond", &[]);
        bench.noticed();
        bench.hears_text(r#"{"type":"identity","success":false}"#);
        match waits {
            true => bench.waits_until(secs(1)),
            false => bench.hears_heartbeat(false),
        }
        let [GuestEvent::NameRefused { code, next, .. }] = &bench.noticed()[..] else {
            panic!("not refused")
        };
        assert_eq!((code, next), (&None, &NextName::Unknown));
        assert_eq!(bench.guest.poll_timeout(), None);
    }
}

#[test]
fn a_new_wish_for_a_name_is_granted_or_the_old_name_stays() {
    let mut bench = Bench::settled();
    bench.say("one");
    bench.cue(GuestCue::Rename(name("carol")));
    bench.say("two");
    assert_eq!(bench.sent(), [message("one")]);
    bench.hears_said("alice", "one");
    assert_eq!(bench.sent(), [identity("carol")]);
    bench.hears_about_name(false);
    bench.hears_error(ErrorCode::NameTaken, None);
    assert_eq!(bench.sent(), [message("two")]);
    bench.hears_said("alice", "two");
    bench.cue(GuestCue::Rename(name("dave")));
    bench.hears_about_name(true);
    bench.sent();
    bench.say("three");
    bench.hears_said("dave", "three");
    assert_eq!(bench.heard().last(), Some(&heard("three", Hearing::Own)));
}

#[test]
fn a_line_that_was_not_heard_for_want_of_a_name_is_said_under_the_next_one() {
    let mut bench = Bench::settled();
    bench.say("one");
    bench.hears_error(ErrorCode::HeartbeatMissed, None);
    bench.hears_error(ErrorCode::NotAuthenticated, None);
    assert_eq!(bench.sent(), [message("one"), identity("alice")]);
    assert_eq!(refused(bench.noticed()), []);
    bench.hears_about_name(true);
    assert_eq!(bench.sent(), [message("one")]);
    // But not for ever, by a room that gives the name and does not know it.
    bench.hears_error(ErrorCode::NotAuthenticated, None);
    bench.hears_about_name(true);
    assert_eq!(bench.sent(), [identity("alice"), message("one")]);
    bench.hears_error(ErrorCode::NotAuthenticated, None);
    let lost = (Some("one".to_owned()), ErrorCode::NotAuthenticated);
    assert_eq!(refused(bench.noticed()), [lost]);

    // A room of the write-up says nothing of it.
    let mut bench = Bench::settled();
    bench.say("one");
    bench.hears_text(r#"{"type":"heartbeat","authenticated":false}"#);
    bench.sent();
    bench.hears_text(r#"{"type":"identity","success":true}"#);
    assert_eq!(bench.sent(), [message("one")]);
}

#[test]
fn the_channel_is_changed_once_all_has_been_said() {
    let mut bench = Bench::settled();
    bench.say("one");
    bench.cue(GuestCue::Join(channel("sea")));
    bench.say("two");
    bench.cue(GuestCue::Finish);
    bench.hears_said("alice", "one");
    assert_eq!(bench.sent(), [message("one"), join("sea")]);
    bench.noticed();
    bench.enters("sea", &["ahoy"]);
    // The room says by itself whether the name is free there.
    assert_eq!(bench.sent(), []);
    assert_eq!(bench.heard(), [heard("ahoy", Hearing::Earlier)]);
    bench.hears_about_name(true);
    assert_eq!(bench.sent(), [message("two")]);
    bench.hears_said("alice", "two");
    assert_eq!(bench.closed, Some(Farewell::normal()));
}

#[test]
fn a_name_that_is_taken_in_the_next_channel_is_claimed_in_the_one_after() {
    let mut bench = Bench::settled();
    bench.cue(GuestCue::Join(channel("sea")));
    bench.enters("sea", &[]);
    bench.hears_about_name(false);
    bench.hears_error(ErrorCode::NameTaken, None);
    bench.sent();
    bench.cue(GuestCue::Join(channel("pond")));
    assert_eq!(bench.sent(), [join("pond")]);
    bench.enters("pond", &[]);
    assert_eq!(bench.sent(), [identity("alice")]);
}

#[test]
fn a_channel_that_is_refused_leaves_it_where_it_is() {
    let mut bench = Bench::settled();
    bench.cue(GuestCue::Join(channel("sea")));
    bench.say("one");
    bench.hears_error(ErrorCode::TooFast, Some(2000));
    bench.waits_until(secs(2));
    assert_eq!(bench.sent(), [join("sea"), join("sea")]);
    bench.noticed();
    bench.hears_error(ErrorCode::ChannelInvalid, None);
    assert_eq!(
        refused(bench.noticed()),
        [(None, ErrorCode::ChannelInvalid)]
    );
    assert_eq!(bench.sent(), [message("one")]);
    bench.hears_said("alice", "one");

    // A room of the write-up knows no such wish.
    bench.cue(GuestCue::Join(channel("sea")));
    bench.say("two");
    bench.sent();
    bench.waits_until(secs(11));
    assert_eq!(bench.sent(), []);
    bench.noticed();
    bench.waits_until(secs(12));
    assert_eq!(bench.sent(), [message("two")]);
    assert!(
        matches!(&bench.noticed()[..], [GuestEvent::Odd { reason, .. }] if reason.contains("sea"))
    );
}

#[test]
fn it_leaves_at_once_when_nothing_is_left_to_be_said() {
    let mut bench = Bench::new();
    bench.cue(GuestCue::Finish);
    assert_eq!(bench.closed, Some(Farewell::normal()));
    bench.enters("pond", &[]);
    bench.hears_heartbeat(false);
    assert_eq!(bench.sent(), []);
    assert_eq!(bench.guest.poll_timeout(), None);
    assert!(bench.guest.into_memory().is_done());
}

#[test]
fn what_there_is_no_room_for_is_not_done() {
    let mut bench = Bench::new();
    for number in 0..=Guest::MOST_WAITING {
        bench.say(&number.to_string());
    }
    let cue = GuestCue::Say(Guest::MOST_WAITING.to_string());
    let at = Stamp::OPENING;
    assert_eq!(bench.noticed(), [GuestEvent::Overfull { at, cue }]);
    assert_eq!(bench.guest.into_memory().unsaid(), Guest::MOST_WAITING);
}

#[test]
fn a_room_of_the_write_up_alone_will_do() {
    let mut bench = Bench::new();
    bench.say("hi");
    bench.hears_text(r#"{"type":"connection","id":"fishing"}"#);
    bench.hears_text(r#"{"type":"identity","success":true}"#);
    bench.hears_said("bob", "I heard you");
    bench.hears_text(r#"{"type":"heartbeat","authenticated":true}"#);
    bench.hears_said("alice", "hi");
    assert_eq!(
        bench.heard(),
        [
            heard("I heard you", Hearing::Live),
            heard("hi", Hearing::Own)
        ]
    );
    let sent = [identity("alice"), message("hi"), GuestMessage::Heartbeat {}];
    assert_eq!(bench.sent(), sent);
}

#[test]
fn what_makes_no_sense_is_told_and_passed_over() {
    let mut bench = Bench::settled();
    for text in ["", "hello", "[]", r#"{"type":"identity","success":"true"}"#] {
        bench.hears_text(text);
        let [GuestEvent::Odd { text: odd, .. }] = &bench.noticed()[..] else {
            panic!("{text} is not odd")
        };
        assert_eq!(odd, text);
    }
    bench
        .guest
        .handle_message(bench.now, &Message::Binary(vec![1, 2]));
    bench
        .guest
        .handle_message(bench.now, &Message::Ping(vec![]));
    bench.drain();
    assert!(matches!(&bench.noticed()[..], [GuestEvent::Odd { text, .. }] if text.is_empty()));
    assert_eq!(bench.sent(), []);
}

#[test]
fn a_history_without_end_is_not_waited_for() {
    let mut bench = Bench::settled().reconnected();
    let id = "pond".to_owned();
    bench.hears(&RoomMessage::Connection { id });
    for number in 0..=HISTORY {
        bench.hears_said("bob", &number.to_string());
    }
    assert!(matches!(bench.noticed()[1], GuestEvent::Forgotten { .. }));
    bench.hears_said("bob", "more");
    assert_eq!(bench.heard(), [heard("more", Hearing::Live)]);
}

#[test]
fn a_room_that_opens_no_channel_is_told_of_once() {
    let mut bench = Bench::new();
    bench.waits_until(secs(9));
    assert_eq!(bench.noticed(), []);
    bench.waits_until(secs(100));
    let unanswered = GuestEvent::Unanswered {
        at: secs(10),
        what: Request::Channel,
    };
    assert_eq!(bench.noticed(), [unanswered]);
    // Not of one that does.
    let mut bench = Bench::settled();
    bench.waits_until(secs(100));
    assert_eq!(bench.noticed(), []);
}

#[test]
fn a_name_or_a_line_that_is_not_answered_is_told_of_once_and_kept() {
    let mut bench = Bench::new();
    bench.enters("pond", &[]);
    bench.noticed();
    bench.waits_until(secs(100));
    let unanswered = |at, what| GuestEvent::Unanswered { at, what };
    assert_eq!(bench.noticed(), [unanswered(secs(30), Request::Name)]);
    bench.takes_name();
    bench.say("hello");
    bench.waits_until(secs(129));
    assert_eq!(bench.noticed(), []);
    bench.waits_until(secs(1000));
    assert_eq!(bench.noticed(), [unanswered(secs(130), Request::Line)]);
    assert_eq!(bench.guest.into_memory().unsaid(), 1);
}

#[test]
fn a_refused_name_is_asked_for_only_where_none_is_wished_for_yet() {
    let mut bench = Bench::new();
    bench.enters("pond", &[]);
    bench.noticed();
    bench.cue(GuestCue::Rename(name("bob")));
    bench.hears_about_name(false);
    bench.hears_error(ErrorCode::NameTaken, None);
    let next = |bench: &mut Bench| match &bench.noticed()[..] {
        [GuestEvent::NameRefused { name, next, .. }] => (name.to_string(), *next),
        other => panic!("{other:?}"),
    };
    assert_eq!(next(&mut bench), ("alice".to_owned(), NextName::Other));
    bench.hears_about_name(false);
    bench.hears_error(ErrorCode::NameTaken, None);
    assert_eq!(next(&mut bench), ("bob".to_owned(), NextName::Unknown));
}
