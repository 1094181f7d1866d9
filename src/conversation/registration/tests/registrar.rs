use std::num::NonZeroU32;

use super::*;
use crate::conversation::{Farewell, Party, Rate};

fn farewell(reason: &str) -> Option<Farewell> {
    Some(Farewell::new(1008, reason))
}

fn rejected(at: Stamp, retries: u32) -> RegistrarEvent {
    let why = Rejection::Response(VerifyError::Signature);
    RegistrarEvent::Rejected { at, why, retries }
}

#[test]
fn whoever_answers_rightly_is_registered_before_it_is_told() {
    let mut registrar = Registrar::new(RegistrarSettings::default(), HOST.to_owned(), [1; 32]);
    registrar.handle_open(Stamp::OPENING);
    let Some(crate::conversation::Output::Send(Message::Text(challenged))) =
        registrar.poll_output()
    else {
        panic!("no challenge")
    };
    let RegistrarMessage::Challenge { challenge } = RegistrarMessage::parse(&challenged).unwrap()
    else {
        panic!("{challenged}")
    };
    assert!(challenge.starts_with("wsbeat-registration-v1:pond.example:8080:"));
    let answered = answer(&pair(1), &challenge).to_string();
    registrar.handle_message(millis(50), &Message::Text(answered.clone()));
    let key = pair(1).public_key();
    let at = millis(50);
    let registered = RegistrarEvent::Registered { at, key };
    let accepted = answered.replace('}', ",\"accepted\":true}");
    use crate::conversation::Output;
    assert_eq!(registrar.poll_output(), Some(Output::Event(registered)));
    let send = Output::Send(Message::Text(accepted));
    assert_eq!(registrar.poll_output(), Some(send));
    assert_eq!(registrar.poll_output(), None);
}

#[test]
fn a_registration_is_kept_up_by_heartbeats() {
    let mut counter = Counter::registered(&pair(1));
    for beat in 1..=5 {
        counter.waits_until(secs(30 * beat) + Duration::from_secs(beat - 1));
        assert_eq!(counter.sent(), [counter.challenged()]);
        counter.now = counter.now + Duration::from_secs(1);
        counter.answers(&pair(1));
        assert!(matches!(
            counter.sent()[..],
            [RegistrarMessage::Accepted { .. }]
        ));
        let at = counter.now;
        assert_eq!(counter.noticed(), [RegistrarEvent::Confirmed { at }]);
        assert!(counter.passes_on());
    }
}

#[test]
fn whoever_answers_no_heartbeat_is_unregistered_and_can_register_again() {
    let key = pair(1).public_key();
    let mut counter = Counter::registered(&pair(1));
    counter.waits_until(millis(39_999));
    assert_eq!(counter.sent(), [counter.challenged()]);
    assert!(counter.passes_on());
    counter.waits_until(secs(40));
    let at = secs(40);
    let unanswered = RegistrarEvent::Unanswered { at, retries: 3 };
    let unregistered = RegistrarEvent::Unregistered { at, key };
    assert_eq!(counter.noticed(), [unanswered, unregistered]);
    assert_eq!(counter.sent_error(), ErrorCode::Unregistered);
    assert!(!counter.passes_on());

    // The late answer brings the next challenge at once.
    counter.answers(&pair(1));
    let why = Rejection::Late;
    let late = RegistrarEvent::Rejected {
        at,
        why,
        retries: 3,
    };
    assert_eq!(counter.noticed(), [late]);
    counter.answers(&pair(1));
    let registered = RegistrarEvent::Registered { at, key };
    assert_eq!(counter.noticed(), [registered]);
    assert!(counter.passes_on());
}

#[test]
fn a_late_answer_leaves_the_challenge_that_came_since_to_be_answered() {
    let mut counter = Counter::new();
    let late = answer(&pair(1), &counter.challenge.clone());
    counter.waits_until(secs(31));
    let outstanding = counter.challenge.clone();
    assert_eq!(counter.sent(), [counter.challenged()]);
    counter.noticed();
    counter.hears(&late);
    let (why, retries) = (Rejection::Late, 3);
    let rejected = RegistrarEvent::Rejected {
        at: secs(31),
        why,
        retries,
    };
    assert_eq!(counter.noticed(), [rejected]);
    let RegistrantMessage::Answer {
        public_key,
        response,
    } = late
    else {
        panic!("{late:?}")
    };
    let rejected = RegistrarMessage::Rejected {
        public_key,
        response,
        retries,
        challenge: outstanding.clone(),
    };
    assert_eq!(counter.sent(), [rejected]);
    // It has no more time than it had.
    assert_eq!(counter.registrar.poll_timeout(), Some(secs(40)));
    // Whoever answers every challenge as it comes has answered it by now.
    counter.hears(&answer(&pair(1), &outstanding));
    let (at, key) = (secs(31), pair(1).public_key());
    let registered = RegistrarEvent::Registered { at, key };
    assert_eq!(counter.noticed(), [registered]);
}

#[test]
fn whoever_never_answers_is_challenged_four_times() {
    let mut counter = Counter::new();
    let mut times = Vec::new();
    while counter.closed.is_none() {
        let due = counter.registrar.poll_timeout().unwrap();
        counter.waits_until(due);
        if !counter.sent().is_empty() {
            times.push(counter.now);
        }
    }
    assert_eq!(times, [secs(30), secs(60), secs(90)]);
    assert_eq!(counter.now, secs(100));
    let retries = |retries, at| RegistrarEvent::Unanswered { at, retries };
    assert_eq!(
        counter.noticed(),
        [
            retries(3, secs(10)),
            retries(2, secs(40)),
            retries(1, secs(70)),
            retries(0, secs(100)),
        ]
    );
    assert_eq!(
        counter.closed,
        farewell("no challenge was answered in time")
    );
    assert_eq!(counter.registrar.poll_timeout(), None);
}

#[test]
fn whoever_is_registered_stays_so_over_a_wrong_answer_until_the_tries_are_used_up() {
    let key = pair(1).public_key();
    let mut counter = Counter::registered(&pair(1));
    counter.waits_until(secs(30));
    let at = secs(30);
    for retries in [3, 2, 1] {
        counter.hears(&answer(&pair(1), &challenge(HOST, 0)));
        assert_eq!(counter.noticed(), [rejected(at, retries)]);
        assert!(counter.passes_on());
    }
    counter.hears(&answer(&pair(1), &challenge(HOST, 0)));
    let unregistered = RegistrarEvent::Unregistered { at, key };
    assert_eq!(counter.noticed(), [rejected(at, 0), unregistered]);
    assert_eq!(
        counter.closed,
        farewell("no challenge was answered rightly")
    );
}

#[test]
fn a_right_answer_gives_the_tries_back() {
    let mut counter = Counter::new();
    for _ in 0..5 {
        for retries in [3, 2, 1] {
            counter.hears(&answer(&pair(1), &challenge(HOST, 0)));
            assert_eq!(
                counter.noticed().last(),
                Some(&rejected(counter.now, retries))
            );
        }
        counter.answers(&pair(1));
        counter.noticed();
        let next = counter.now + Duration::from_secs(30);
        counter.waits_until(next);
    }
    assert_eq!(counter.closed, None);
}

#[test]
fn what_cannot_be_passed_on_is_refused() {
    let mut counter = Counter::registered(&pair(1));
    let long = "ö".repeat(2049);
    for (frame, code) in [
        (Message::text(text("").to_string()), ErrorCode::TextEmpty),
        (Message::text(text(" \n").to_string()), ErrorCode::TextEmpty),
        (
            Message::text(text(&long).to_string()),
            ErrorCode::TextTooLong,
        ),
        (Message::Binary(vec![1, 2]), ErrorCode::NotText),
        (Message::text("hello"), ErrorCode::NotJson),
        (Message::text(r#"{"to":"bob"}"#), ErrorCode::Malformed),
        (
            Message::text(r#"{"text":"hi","to":"bob"}"#),
            ErrorCode::Malformed,
        ),
    ] {
        counter.hears_frame(&frame);
        assert_eq!(counter.sent_error(), code, "{frame:?}");
        assert_eq!(counter.noticed(), []);
    }
    counter.hears_frame(&Message::Ping(vec![1]));
    counter.hears_frame(&Message::Pong(vec![1]));
    assert_eq!(counter.sent(), []);
    counter.hears(&text(&"ö".repeat(2048)));
    assert_eq!(counter.noticed().len(), 1);
}

#[test]
fn texts_are_answered_in_the_order_in_which_they_came() {
    let mut counter = Counter::registered(&pair(1));
    let key = pair(2).public_key();
    for said in ["one", "", "three", "four"] {
        counter.hears(&text(said));
    }
    counter.hears_frame(&Message::Binary(Vec::new()));
    assert_eq!(counter.sent(), []);
    counter.cue(RegistrarCue::Delivered(3));
    counter.cue(RegistrarCue::UnknownKey(key));
    counter.cue(RegistrarCue::Delivered(0));
    // Nobody has said so much.
    counter.cue(RegistrarCue::Delivered(9));
    let codes: Vec<_> = counter
        .sent()
        .into_iter()
        .map(|message| match message {
            RegistrarMessage::Delivered { delivered } => Ok(delivered),
            RegistrarMessage::Error { code, .. } => Err(code),
            other => panic!("{other:?}"),
        })
        .collect();
    use ErrorCode::{NotText, TextEmpty, UnknownKey};
    let expected = [Ok(3), Err(TextEmpty), Err(UnknownKey), Ok(0), Err(NotText)];
    assert_eq!(codes, expected);
}

#[test]
fn what_others_say_reaches_who_is_registered() {
    let said = RegistrarCue::Text(heard(&pair(2), "hi").to_string().into());
    let mut counter = Counter::new();
    counter.cue(said.clone());
    assert_eq!(counter.sent(), []);
    counter.answers(&pair(1));
    counter.sent();
    counter.cue(said.clone());
    assert_eq!(counter.sent(), [heard(&pair(2), "hi")]);
    counter.waits_until(secs(40));
    counter.sent();
    counter.cue(said);
    assert_eq!(counter.sent(), []);
}

#[test]
fn whoever_is_replaced_is_told() {
    let mut counter = Counter::registered(&pair(1));
    counter.cue(RegistrarCue::Replaced);
    assert_eq!(
        counter.closed,
        farewell("this key has registered over another connection")
    );
    let (at, key) = (counter.now, pair(1).public_key());
    let unregistered = RegistrarEvent::Unregistered { at, key };
    assert_eq!(counter.noticed(), [unregistered]);
    counter.hears(&text("hello"));
    counter.cue(RegistrarCue::Replaced);
    counter.registrar.handle_close(secs(1));
    counter.drain();
    assert_eq!(counter.noticed(), []);
    assert_eq!(counter.sent(), []);
}

#[test]
fn a_connection_that_ends_is_unregistered() {
    let mut counter = Counter::registered(&pair(1));
    counter.registrar.handle_close(secs(1));
    counter.drain();
    let (at, key) = (secs(1), pair(1).public_key());
    let unregistered = RegistrarEvent::Unregistered { at, key };
    assert_eq!(counter.noticed(), [unregistered]);
    let mut counter = Counter::new();
    counter.registrar.handle_close(secs(1));
    counter.drain();
    assert_eq!(counter.noticed(), []);
}

#[test]
fn whoever_talks_too_fast_is_told_but_can_answer_its_heartbeat() {
    let mut counter = Counter::registered(&pair(1));
    counter.waits_until(secs(29));
    for _ in 0..20 {
        assert!(counter.passes_on());
    }
    counter.now = secs(30);
    counter.hears(&text("one too many"));
    let sent = counter.sent();
    let [
        RegistrarMessage::Error {
            code: ErrorCode::TooFast,
            retry_after,
            ..
        },
    ] = &sent[1..]
    else {
        panic!("{sent:?}")
    };
    assert_eq!(*retry_after, Some(Duration::from_secs(9)));
    counter.noticed();
    counter.answers(&pair(1));
    let at = secs(30);
    assert_eq!(counter.noticed(), [RegistrarEvent::Confirmed { at }]);
    counter.waits_until(secs(39));
    assert!(counter.passes_on());
}

#[test]
fn a_flood_of_texts_ends_the_connection() {
    let mut counter = Counter::registered(&pair(1));
    for _ in 0..41 {
        counter.hears(&text("flood"));
    }
    let said = |it: &RegistrarEvent| matches!(it, RegistrarEvent::Said { .. });
    assert_eq!(counter.noticed().iter().filter(|it| said(it)).count(), 20);
    let reason = "too many messages in too short a time";
    assert_eq!(counter.closed, farewell(reason));
}

#[test]
fn settings_of_nothing_and_of_everything_do_no_harm() {
    for time in [Duration::ZERO, Duration::MAX] {
        for count in [0, u32::MAX] {
            let settings = RegistrarSettings {
                heartbeat: time,
                answer_within: time,
                retries: count,
                rate: Rate {
                    messages: NonZeroU32::MIN,
                    per: time,
                },
                longest_text: 0,
            };
            let mut counter = Counter::with(settings, [1; 32]);
            counter.waits_until(millis(20));
            counter.hears(&answer(&pair(1), &challenge(HOST, 0)));
            counter.hears(&text("hello"));
            counter.answers(&pair(1));
            counter.waits_until(millis(40));
            assert_eq!(counter.closed.is_some(), count == 0);
        }
    }
}
