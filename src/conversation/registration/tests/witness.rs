use super::*;
use crate::conversation::{Output, Party};

/// What a witness notices as this is told to it again.
fn noticed(mut witness: Witness, wire: &[(Direction, String)]) -> Vec<RegistrantEvent> {
    let mut noticed = Vec::new();
    let at = Stamp::OPENING;
    witness.handle_open(at);
    for (direction, text) in wire {
        let message = Message::text(text.clone());
        match direction {
            Direction::Received => witness.handle_message(at, &message),
            Direction::Sent => witness.handle_written(at, &message),
        }
        while let Some(output) = witness.poll_output() {
            match output {
                Output::Event(event) => noticed.push(event),
                other => panic!("{other:?}"),
            }
        }
    }
    noticed
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Received,
    Sent,
}
use Direction::{Received, Sent};

fn challenged(number: u8) -> (Direction, String) {
    let challenge = challenge(HOST, number);
    (
        Received,
        RegistrarMessage::Challenge { challenge }.to_string(),
    )
}

fn accepted(number: u8) -> (Direction, String) {
    let answer = answer(&pair(1), &challenge(HOST, number)).to_string();
    (Received, answer.replace('}', ",\"accepted\":true}"))
}

fn answered(pair: &KeyPair, number: u8) -> (Direction, String) {
    (Sent, answer(pair, &challenge(HOST, number)).to_string())
}

#[test]
fn it_notices_what_the_registrant_noticed() {
    // Everything that a registrant is told, and what it says to that, as a recording has it.
    let mut desk = Desk::new();
    let mut wire = Vec::new();
    let take = |desk: &mut Desk, wire: &mut Vec<_>| {
        wire.extend(desk.sent().iter().map(|it| (Sent, it.to_string())));
    };
    desk.say("one");
    desk.say("two");
    let told = [
        challenged(1).1,
        accepted(1).1,
        error(ErrorCode::TooFast, Some(Duration::ZERO)).to_string(),
        heard(&pair(2), "hi").to_string(),
        RegistrarMessage::Delivered { delivered: 2 }.to_string(),
        error(ErrorCode::Unregistered, None).to_string(),
        error(ErrorCode::NotRegistered, None).to_string(),
        challenged(2).1,
        accepted(2).1,
        error(ErrorCode::TextTooLong, None).to_string(),
        challenged(3).1,
        accepted(3).1,
        "hello".to_owned(),
    ];
    for text in told {
        wire.push((Received, text.clone()));
        desk.hears_frame(&Message::Text(text));
        take(&mut desk, &mut wire);
    }
    let events = desk.noticed();
    assert_eq!(events.len(), 12, "{events:?}");
    assert_eq!(noticed(Witness::default(), &wire), events);
    assert_eq!(noticed(Witness::of_host(HOST), &wire), events);
}

#[test]
fn it_finds_out_anew_whether_an_answer_proves_anything() {
    let at = Stamp::OPENING;
    let unproven = |why| RegistrantEvent::Unproven { at, why };
    let challenged_event = RegistrantEvent::Challenged { at };
    for (sent, why) in [
        (answered(&pair(1), 2).1, VerifyError::Signature.into()),
        (
            answered(&pair(1), 1)
                .1
                .replace(&pair(1).public_key().to_string(), &"A".repeat(43)),
            VerifyError::WeakKey.into(),
        ),
        (
            r#"{"publicKey":"k","response":"s"}"#.to_owned(),
            Rejection::KeyText(EncodingError::Length {
                characters: 1,
                wanted: 43,
            }),
        ),
    ] {
        let wire = [challenged(1), (Sent, sent)];
        let expected = [challenged_event.clone(), unproven(why)];
        assert_eq!(noticed(Witness::default(), &wire), expected);
    }
    let wire = [answered(&pair(1), 1)];
    let expected = [unproven(Rejection::Unasked)];
    assert_eq!(noticed(Witness::default(), &wire), expected);
}

#[test]
fn it_knows_a_foreign_challenge_if_it_knows_the_host() {
    let at = Stamp::OPENING;
    let wire = [challenged(1)];
    let foreign = RegistrantEvent::Foreign {
        at,
        challenge: challenge(HOST, 1),
    };
    assert_eq!(noticed(Witness::of_host("sea.example"), &wire), [foreign]);
    let challenged = RegistrantEvent::Challenged { at };
    assert_eq!(noticed(Witness::default(), &wire), [challenged]);
}
