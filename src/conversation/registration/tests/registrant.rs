use super::*;
use crate::conversation::{CloseReason, Farewell, Party};

fn delivered(connections: usize) -> RegistrarMessage {
    RegistrarMessage::Delivered {
        delivered: connections,
    }
}

#[test]
fn it_answers_the_challenge_and_is_registered() {
    let mut desk = Desk::new();
    assert_eq!(desk.sent(), []);
    desk.is_challenged(1);
    assert_eq!(desk.sent(), [desk.answer(1)]);
    desk.is_accepted(1);
    let at = Stamp::OPENING;
    let challenged = RegistrantEvent::Challenged { at };
    let registered = RegistrantEvent::Registered { at };
    assert_eq!(desk.noticed(), [challenged.clone(), registered]);
    desk.is_challenged(2);
    assert_eq!(desk.sent(), [desk.answer(2)]);
    desk.is_accepted(2);
    let confirmed = RegistrantEvent::Confirmed { at };
    assert_eq!(desk.noticed(), [challenged, confirmed]);
}

#[test]
fn it_tries_again_as_often_as_it_is_let() {
    let mut desk = Desk::new();
    desk.is_challenged(1);
    for number in [1, 2, 3] {
        assert_eq!(desk.sent(), [desk.answer(number)]);
        desk.is_rejected(number, 4 - u32::from(number), &challenge(HOST, number + 1));
    }
    assert_eq!(desk.sent(), [desk.answer(4)]);
    let retries: Vec<_> = desk
        .noticed()
        .into_iter()
        .filter_map(|event| match event {
            RegistrantEvent::Rejected { retries, .. } => Some(retries),
            _ => None,
        })
        .collect();
    assert_eq!(retries, [3, 2, 1]);
}

#[test]
fn only_the_acceptance_of_its_newest_answer_counts() {
    let mut desk = Desk::new();
    desk.is_accepted(1);
    desk.is_challenged(1);
    for (key, signer, number) in [(2, 1, 1), (1, 2, 1), (1, 1, 2)] {
        desk.hears(&RegistrarMessage::Accepted {
            public_key: pair(key).public_key().to_string(),
            response: signed(&pair(signer), &challenge(HOST, number)),
        });
    }
    desk.say("hello");
    let odd = |it: &RegistrantEvent| matches!(it, RegistrantEvent::Odd { .. });
    assert_eq!(desk.noticed().iter().filter(|it| odd(it)).count(), 4);
    assert_eq!(desk.sent(), [desk.answer(1)]);
    desk.is_rejected(1, 3, &challenge(HOST, 2));
    // The verdict on that is there already.
    desk.is_accepted(1);
    assert_eq!(desk.sent(), [desk.answer(2)]);
    desk.is_accepted(2);
    assert_eq!(desk.sent(), [text("hello")]);
}

#[test]
fn a_challenge_that_crosses_an_answer_is_left_to_the_verdict() {
    let mut desk = Desk::new();
    desk.is_challenged(1);
    assert_eq!(desk.sent(), [desk.answer(1)]);
    desk.is_challenged(2);
    assert_eq!(desk.sent(), []);
    desk.is_rejected(1, 3, &challenge(HOST, 3));
    assert_eq!(desk.sent(), [desk.answer(3)]);
    // A registrar that takes both for good is answered to the newer one as well.
    desk.is_challenged(4);
    desk.is_accepted(3);
    assert_eq!(desk.sent(), [desk.answer(4)]);
}

#[test]
fn lines_wait_for_the_registration_and_for_each_other() {
    let mut desk = Desk::new();
    desk.say("one");
    desk.say("two");
    assert_eq!(desk.sent(), []);
    desk.is_challenged(1);
    desk.sent();
    desk.is_accepted(1);
    assert_eq!(desk.sent(), [text("one")]);
    desk.noticed();
    desk.hears(&delivered(3));
    assert_eq!(desk.sent(), [text("two")]);
    desk.hears_error(ErrorCode::UnknownKey, None);
    let at = desk.now;
    assert_eq!(
        desk.noticed(),
        [
            RegistrantEvent::Delivered {
                at,
                line: line("one"),
                connections: 3,
            },
            RegistrantEvent::Refused {
                at,
                line: Some(line("two")),
                code: ErrorCode::UnknownKey,
                reason: "no".to_owned(),
            },
        ]
    );
    // Nothing was said that this could be about.
    desk.hears(&delivered(3));
    assert!(matches!(desk.noticed()[..], [RegistrantEvent::Odd { .. }]));
}

#[test]
fn a_line_that_came_too_fast_is_said_again() {
    let mut desk = Desk::registered();
    desk.say("one");
    desk.say("two");
    assert_eq!(desk.sent(), [text("one")]);
    let retry_after = Duration::from_millis(700);
    desk.hears_error(ErrorCode::TooFast, Some(retry_after));
    let (at, what) = (desk.now, Request::Line);
    let held = RegistrantEvent::Held {
        at,
        retry_after,
        what,
    };
    assert_eq!(desk.noticed(), [held]);
    desk.waits_until(millis(699));
    assert_eq!(desk.sent(), []);
    // A heartbeat is answered meanwhile.
    desk.is_challenged(2);
    assert_eq!(desk.sent(), [desk.answer(2)]);
    desk.is_accepted(2);
    desk.waits_until(millis(700));
    assert_eq!(desk.sent(), [text("one")]);
    // Without a time, it waits for as long as messages count.
    desk.hears_error(ErrorCode::TooFast, None);
    desk.waits_until(millis(10_699));
    assert_eq!(desk.sent(), []);
    desk.waits_until(millis(10_700));
    assert_eq!(desk.sent(), [text("one")]);
    // Not for ever.
    desk.hears_error(ErrorCode::TooFast, Some(Duration::MAX));
    desk.waits_until(secs(700));
    assert_eq!(desk.sent(), [text("one")]);
}

#[test]
fn an_answer_that_came_too_fast_is_given_again() {
    let mut desk = Desk::new();
    desk.is_challenged(1);
    desk.hears_error(ErrorCode::TooFast, Some(Duration::from_secs(3)));
    desk.sent();
    desk.waits_until(millis(2999));
    assert_eq!(desk.sent(), []);
    desk.waits_until(secs(3));
    assert_eq!(desk.sent(), [desk.answer(1)]);
    // A newer challenge is answered at once.
    desk.hears_error(ErrorCode::TooFast, Some(Duration::from_secs(3)));
    desk.is_challenged(2);
    assert_eq!(desk.sent(), [desk.answer(2)]);
    desk.waits_until(secs(100));
    assert_eq!(desk.sent(), []);
}

#[test]
fn a_line_that_finds_it_unregistered_is_said_once_it_is_again() {
    let mut desk = Desk::registered();
    desk.say("one");
    assert_eq!(desk.sent(), [text("one")]);
    desk.hears_error(ErrorCode::Unregistered, None);
    desk.hears_error(ErrorCode::NotRegistered, None);
    let (at, reason) = (desk.now, "no".to_owned());
    let unregistered = RegistrantEvent::Unregistered { at, reason };
    let noticed = desk.noticed();
    assert_eq!(noticed, std::slice::from_ref(&unregistered));
    assert_eq!(desk.registrant.unsaid().count(), 1);
    desk.say("two");
    assert_eq!(desk.sent(), []);
    desk.is_challenged(2);
    desk.sent();
    desk.is_accepted(2);
    assert_eq!(desk.sent(), [text("one")]);
    assert!(desk.noticed().contains(&RegistrantEvent::Registered { at }));
    // A registrar that has not told that is believed as well.
    desk.hears_error(ErrorCode::NotRegistered, None);
    assert_eq!(desk.noticed(), [unregistered]);
    assert_eq!(desk.sent(), []);
}

#[test]
fn it_leaves_once_all_has_been_answered() {
    let mut desk = Desk::registered();
    desk.say("one");
    desk.say("two");
    desk.cue(RegistrantCue::Finish);
    desk.hears(&delivered(0));
    desk.hears_error(ErrorCode::TooFast, None);
    assert_eq!(desk.closed, None);
    desk.waits_until(secs(10));
    desk.hears(&delivered(0));
    assert_eq!(desk.closed, Some(Farewell::normal()));
    assert_eq!(desk.registrant.poll_timeout(), None);
    // What was under way is still told of, and nothing is said to it.
    desk.sent();
    desk.noticed();
    desk.hears(&heard(&pair(2), "bye"));
    assert!(matches!(
        desk.noticed()[..],
        [RegistrantEvent::Heard { .. }]
    ));
    desk.is_challenged(2);
    assert_eq!(desk.sent(), []);
}

#[test]
fn silence_is_told_of_once() {
    let unanswered = |at, what| RegistrantEvent::Unanswered { at, what };
    let mut desk = Desk::new();
    desk.waits_until(secs(100));
    assert_eq!(desk.noticed(), [unanswered(secs(10), Request::Challenge)]);
    desk.is_challenged(1);
    desk.noticed();
    desk.waits_until(secs(200));
    assert_eq!(desk.noticed(), [unanswered(secs(110), Request::Answer)]);
    // Whoever challenges again without a verdict is answered again.
    desk.sent();
    desk.is_challenged(2);
    assert_eq!(desk.sent(), [desk.answer(2)]);
    desk.is_accepted(2);
    desk.noticed();
    desk.say("one");
    desk.waits_until(secs(300));
    assert_eq!(desk.noticed(), [unanswered(secs(210), Request::Line)]);
    desk.hears(&delivered(1));
    assert!(matches!(
        desk.noticed()[..],
        [RegistrantEvent::Delivered { .. }]
    ));
}

#[test]
fn more_lines_than_can_wait_are_given_back() {
    let mut desk = Desk::new();
    for _ in 0..Registrant::MOST_WAITING {
        desk.say("one");
    }
    assert_eq!(desk.noticed(), []);
    desk.say("another");
    let (at, line) = (desk.now, line("another"));
    assert_eq!(desk.noticed(), [RegistrantEvent::Overfull { at, line }]);
    assert_eq!(desk.registrant.unsaid().count(), Registrant::MOST_WAITING);
}

#[test]
fn what_makes_no_sense_is_told_of() {
    let mut desk = Desk::new();
    desk.hears_frame(&Message::Binary(vec![1]));
    desk.hears_frame(&Message::text("hello"));
    desk.hears_frame(&Message::text(r#"{"accepted":false,"retries":3}"#));
    desk.is_rejected(1, 3, &challenge(HOST, 2));
    desk.hears_frame(&Message::Ping(vec![1]));
    let noticed = desk.noticed();
    assert_eq!(noticed.len(), 4);
    for event in noticed {
        assert!(matches!(event, RegistrantEvent::Odd { .. }), "{event:?}");
    }
    // It makes a challenge of none of that.
    assert_eq!(desk.sent(), []);
}

#[test]
fn a_foreign_challenge_says_why_it_leaves() {
    let mut desk = Desk::new();
    let challenge = challenge("sea.example", 1);
    desk.hears(&RegistrarMessage::Challenge { challenge });
    let reason = "the challenge does not name the server that was dialled";
    let farewell = Farewell::new(CloseReason::POLICY_VIOLATION, reason);
    assert_eq!(desk.closed, Some(farewell));
}
