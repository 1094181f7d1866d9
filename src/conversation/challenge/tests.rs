//! Each party by itself, against anything at all. The two against each other are in the simulation.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::conversation::{Message, Output, Party, Stamp};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_wrong_answer_is_told_at_once() {
    let mut host = Host::new(vec![Interval::Ms700; 3], "x");
    let beat = Stamp::after_opening(700 * MS);
    host.handle_open(Stamp::OPENING);
    host.handle_timeout(beat);
    host.handle_message(beat + 10 * MS, &Message::text("1500"));

    let said = texts(&mut host);
    assert_eq!(said[1], "ping!");
    assert!(said[2].starts_with("ouch!"), "{said:?}");
    assert_eq!(host.poll_timeout(), None);
}

#[test]
fn a_missing_answer_is_told_in_place_of_the_next_beat() {
    let mut host = Host::new(vec![Interval::Ms700, Interval::Ms1500], "x");
    host.handle_open(Stamp::OPENING);
    host.handle_timeout(Stamp::after_opening(700 * MS));
    assert_eq!(host.poll_timeout(), Some(Stamp::after_opening(2200 * MS)));
    host.handle_timeout(Stamp::after_opening(2199 * MS));
    assert_eq!(texts(&mut host).len(), 2);

    // The answer itself is what wakes the host too late.
    host.handle_message(Stamp::after_opening(2200 * MS), &Message::text("700"));
    assert!(texts(&mut host)[0].starts_with("ouch!"));
}

#[test]
fn a_second_answer_to_a_beat_is_passed_over() {
    let mut host = Host::new(vec![Interval::Ms700; 2], "x");
    let beat = Stamp::after_opening(700 * MS);
    host.handle_open(Stamp::OPENING);
    host.handle_message(Stamp::OPENING + MS, &Message::text("early"));
    host.handle_timeout(beat);
    host.handle_message(beat + MS, &Message::text("700\n"));
    host.handle_message(beat + 2 * MS, &Message::text("1500"));
    host.handle_timeout(beat + 700 * MS);
    assert_eq!(texts(&mut host)[1..], ["ping!", "good!", "ping!"]);
}

#[test]
fn only_beats_move_the_elapsed_time() {
    let mut player = Player::default();
    player.handle_open(Stamp::OPENING);
    for (at, text) in [
        (3, "hello! start counting"),
        (400, "the weather is fine"),
        (700, "ping!\n"),
        (710, "good!"),
        (1300, "good!"),
        (2200, "PING! "),
    ] {
        player.handle_message(Stamp::after_opening(at * MS), &Message::text(text));
    }
    player.handle_message(
        Stamp::after_opening(2300 * MS),
        &Message::Binary(vec![1, 2]),
    );
    assert_eq!(texts(&mut player), ["700", "1500"]);
}

#[test]
fn a_limited_player_leaves_and_still_hears_the_verdict() {
    let mut player = Player::new(PlayerSettings {
        round_limit: NonZeroU32::new(2),
        ..PlayerSettings::default()
    });
    player.handle_open(Stamp::OPENING);
    for at in [700, 1400, 2100] {
        player.handle_message(Stamp::after_opening(at * MS), &Message::text("ping!"));
        player.handle_message(Stamp::after_opening((at + 2) * MS), &Message::text("good!"));
    }
    assert_eq!(player.standing(), &Standing::Enough);
    let mut outputs = Vec::new();
    while let Some(output) = player.poll_output() {
        outputs.push(output);
    }
    let closed = outputs
        .iter()
        .position(|output| matches!(output, Output::Close(_)));
    let verdicts: Vec<_> = outputs
        .iter()
        .enumerate()
        .filter(|(_, output)| matches!(output, Output::Event(PlayerEvent::Verdict { .. })))
        .map(|(position, _)| position)
        .collect();
    assert_eq!(verdicts.len(), 2);
    assert!(verdicts[1] > closed.unwrap());
    let sent = |output: &&Output<_>| matches!(output, Output::Send(_));
    assert_eq!(outputs.iter().filter(sent).count(), 2);
}

#[test]
fn an_ouch_names_the_newest_round() {
    let mut player = Player::default();
    player.handle_open(Stamp::OPENING);
    player.handle_message(Stamp::after_opening(MS), &Message::text("ouch! too bad"));
    assert_eq!(player.standing(), &Standing::Lost { round: None });
    // It is over: nothing is answered any more.
    while player.poll_output().is_some() {}
    player.handle_message(Stamp::after_opening(700 * MS), &Message::text("ping!"));
    assert_eq!(player.poll_output(), None);
}

#[test]
fn an_ouch_after_a_good_is_about_no_round() {
    let mut player = Player::default();
    player.handle_open(Stamp::OPENING);
    for (at, text) in [(700, "ping!"), (701, "good!"), (1400, "ouch! no idea why")] {
        player.handle_message(Stamp::after_opening(at * MS), &Message::text(text));
    }
    assert_eq!(player.standing(), &Standing::Lost { round: None });
}

#[test]
fn a_host_has_not_won_before_the_secret_is_written() {
    let mut host = Host::new(vec![Interval::Ms700], "x");
    let beat = Stamp::after_opening(700 * MS);
    host.handle_open(Stamp::OPENING);
    host.handle_timeout(beat);
    host.handle_message(beat, &Message::text("700"));
    let is_over = |host: &mut Host| {
        let mut over = false;
        while let Some(output) = host.poll_output() {
            over |= matches!(output, Output::Event(HostEvent::Won { .. }));
        }
        over
    };
    assert!(!is_over(&mut host));
    host.handle_written(beat, &Message::text("good!"));
    assert!(!is_over(&mut host));
    host.handle_written(beat, &Message::text("congratulations! it is \"x\""));
    assert!(is_over(&mut host));
}

#[test]
fn a_beat_whose_answer_never_left_is_reported_at_the_end() {
    let mut player = Player::default();
    player.handle_open(Stamp::OPENING);
    player.handle_message(Stamp::after_opening(700 * MS), &Message::text("ping!"));
    player.handle_close(Stamp::after_opening(900 * MS));
    let mut beats = Vec::new();
    while let Some(output) = player.poll_output() {
        if let Output::Event(PlayerEvent::Beat(beat)) = output {
            beats.push(beat.answered_in);
        }
    }
    assert_eq!(beats, [None]);
}

/// Everything that a party has to send, in order.
fn texts<P: Party>(party: &mut P) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(output) = party.poll_output() {
        if let Output::Send(Message::Text(text)) = output {
            texts.push(text);
        }
    }
    texts
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("ping!".to_owned()),
        2 => Just("good!".to_owned()),
        1 => Just("hello! there".to_owned()),
        1 => Just("ouch! no".to_owned()),
        1 => Just("expired challenge token".to_owned()),
        1 => Just("congratulations! it is \"x\"".to_owned()),
        2 => prop::sample::select(vec!["700", "1500", "2000", "2500", "3000", "1"])
            .prop_map(str::to_owned),
        1 => ".*",
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    prop_oneof![
        8 => any_text().prop_map(Message::Text),
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Message::Binary),
        1 => prop::collection::vec(any::<u8>(), 0..125).prop_map(Message::Ping),
        1 => prop::collection::vec(any::<u8>(), 0..125).prop_map(Message::Pong),
    ]
}

/// Any call that a driver can make, in any order and at any time, forwards or backwards.
#[derive(Clone, Debug)]
enum Call {
    Open,
    Message(Message),
    Timeout,
    Written(Message),
    Close,
}

fn any_calls() -> impl Strategy<Value = Vec<(u64, Call)>> {
    let call = prop_oneof![
        1 => Just(Call::Open),
        8 => any_message().prop_map(Call::Message),
        4 => Just(Call::Timeout),
        2 => any_message().prop_map(Call::Written),
        1 => Just(Call::Close),
    ];
    let at = prop_oneof![any::<u64>(), 0..20_000_000_000_u64];
    prop::collection::vec((at, call), 0..60)
}

fn call<P: Party>(party: &mut P, at: u64, call: &Call) {
    let at = match at % 5 {
        // Further than nanoseconds reach.
        0 => Stamp::after_opening(Duration::new(at, 0)),
        _ => Stamp::from_nanos(at),
    };
    match call {
        Call::Open => party.handle_open(at),
        Call::Message(message) => party.handle_message(at, message),
        Call::Timeout => party.handle_timeout(at),
        Call::Written(message) => party.handle_written(at, message),
        Call::Close => party.handle_close(at),
    }
}

proptest! {
    #[test]
    fn a_player_answers_each_beat_once_at_most_and_with_an_interval(calls in any_calls()) {
        let mut player = Player::default();
        for (at, what) in &calls {
            call(&mut player, *at, what);
            let answers = texts(&mut player);
            let is_beat = matches!(what, Call::Message(Message::Text(text))
                if ServerMessage::parse(text) == ServerMessage::Ping);
            prop_assert!(answers.len() <= usize::from(is_beat), "{answers:?} to {what:?}");
            for answer in answers {
                prop_assert!(answer.parse::<Interval>().is_ok(), "{answer}");
            }
            prop_assert_eq!(player.poll_timeout(), None);
        }
    }

    #[test]
    fn a_host_survives_anything_and_beats_as_often_as_it_was_told(
        calls in any_calls(),
        intervals in prop::collection::vec(prop::sample::select(&Interval::ALL[..]), 0..8),
    ) {
        let rounds = intervals.len();
        let mut host = Host::new(intervals, "x");
        let mut beats = 0;
        let mut opened = false;
        for (at, what) in &calls {
            // A second opening would be a second conversation.
            if matches!(what, Call::Open) && std::mem::replace(&mut opened, true) {
                continue;
            }
            call(&mut host, *at, what);
            beats += texts(&mut host).iter().filter(|text| *text == "ping!").count();
        }
        prop_assert!(beats <= rounds);
    }
}
