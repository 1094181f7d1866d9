use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::conversation::challenge::Interval;
use crate::conversation::latency::{Echo, Medium, PayloadSize, Pinger, PingerSettings, RandomPart};

const SETTINGS: KeepAliveSettings = KeepAliveSettings {
    idle: Duration::from_secs(30),
    timeout: Duration::from_secs(10),
};

fn secs(seconds: u64) -> Stamp {
    Stamp::after_opening(Duration::from_secs(seconds))
}

/// An opened conversation with an echo in it.
fn opened() -> KeepAlive<Echo> {
    let mut party = KeepAlive::new(Echo::new(), Some(SETTINGS));
    party.handle_open(Stamp::OPENING);
    party
}

/// Wakes a party when it wants to be, and gives the ping that it sends then, written at `written`.
fn pinged(party: &mut impl Party, written: Stamp) -> Vec<u8> {
    party.handle_timeout(party.poll_timeout().unwrap());
    let Some(Output::Send(message)) = party.poll_output() else {
        panic!("no ping");
    };
    party.handle_written(written, &message);
    assert!(party.poll_output().is_none());
    match message {
        Message::Ping(payload) => payload,
        other => panic!("{other:?} is no ping"),
    }
}

#[test]
fn a_peer_that_stays_silent_is_asked_and_then_given_up() {
    let mut party = opened();
    assert_eq!(party.poll_timeout(), Some(secs(30)));
    // Too early.
    party.handle_timeout(secs(29));
    assert_eq!(party.poll_output(), None);
    // The time limit counts from when the ping had left.
    pinged(&mut party, secs(32));
    assert_eq!(party.poll_timeout(), Some(secs(42)));
    party.handle_timeout(secs(41));
    assert_eq!(party.poll_output(), None);
    party.handle_timeout(secs(42));
    let unanswered = KeepAliveEvent::Unanswered {
        pinged: secs(32),
        at: secs(42),
    };
    assert_eq!(party.poll_output(), Some(Output::Event(unanswered)));
    let farewell = Farewell::new(CloseReason::GOING_AWAY, "no answer to a ping");
    assert_eq!(party.poll_output(), Some(Output::Close(farewell)));
    assert_eq!(party.poll_timeout(), None);
    // What comes while the connection is being closed is not answered any more.
    party.handle_message(secs(43), &Message::text("late"));
    assert_eq!(party.poll_output(), None);
}

#[test]
fn a_ping_that_is_never_written_is_not_waited_for_any_longer() {
    let mut party = opened();
    party.handle_timeout(secs(30));
    assert!(matches!(
        party.poll_output(),
        Some(Output::Send(Message::Ping(_)))
    ));
    assert_eq!(party.poll_timeout(), Some(secs(40)));
}

#[test]
fn the_newest_pong_gives_a_round_trip_and_only_once() {
    let mut party = opened();
    let first = pinged(&mut party, secs(30));
    // Any message is a sign of life.
    party.handle_message(secs(35), &Message::Ping(vec![]));
    assert_eq!(party.poll_output(), None);
    assert_eq!(party.poll_timeout(), Some(secs(65)));
    let second = pinged(&mut party, secs(65));
    assert_ne!(first, second);

    let round_trip = KeepAliveEvent::RoundTrip(Duration::from_secs(2));
    for (payload, at, event) in [
        (&first, 66, None),
        (&second, 67, Some(Output::Event(round_trip))),
        (&second, 68, None),
    ] {
        party.handle_message(secs(at), &Message::Pong(payload.clone()));
        assert_eq!(party.poll_output(), event);
        assert_eq!(party.poll_output(), None);
    }
    assert_eq!(party.poll_timeout(), Some(secs(98)));
}

#[test]
fn what_the_party_sends_comes_first_and_its_close_is_the_last() {
    let settings = PingerSettings {
        medium: Medium::Frames,
        interval: SETTINGS.idle,
        count: std::num::NonZeroU32::new(2),
        wait: Duration::from_secs(1),
        payload: PayloadSize::default(),
    };
    let pinger = Pinger::new(settings, random_part());
    let mut party = KeepAlive::new(pinger, Some(SETTINGS));
    party.handle_open(Stamp::OPENING);
    let mut pings = Vec::new();
    for at in [0, 1, 30, 31] {
        party.handle_timeout(secs(at));
        while let Some(output) = party.poll_output() {
            match output {
                Output::Send(message) => {
                    party.handle_written(secs(at), &message);
                    pings.push((at, is_own(&message)));
                }
                Output::Event(_) => {}
                Output::Close(_) => {
                    assert_eq!(at, 31);
                    assert_eq!(party.poll_timeout(), None);
                }
            }
        }
    }
    assert_eq!(pings, [(0, false), (30, false), (30, true)]);
}

#[test]
fn the_defaults_leave_the_challenge_alone() {
    // A player answers every beat, so that it is never silent for much longer than an interval.
    assert!(KeepAliveSettings::default().idle > 2 * Interval::LONGEST.duration());
}

fn is_own(message: &Message) -> bool {
    matches!(message, Message::Ping(payload) if payload.starts_with(PAYLOAD.as_bytes()))
}

/// What a party was told.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Open(Stamp),
    Message(Stamp, Message),
    Timeout(Stamp),
    Written(Stamp, Message),
}

/// A party that keeps what it and the party in it are told.
struct Witness<P> {
    party: P,
    told: Vec<Told>,
}

impl<P: Party> Party for Witness<P> {
    type Event = P::Event;
    type Cue = P::Cue;

    fn handle_open(&mut self, at: Stamp) {
        self.told.push(Told::Open(at));
        self.party.handle_open(at);
    }

    fn handle_message(&mut self, at: Stamp, message: &Message) {
        self.told.push(Told::Message(at, message.clone()));
        self.party.handle_message(at, message);
    }

    fn handle_timeout(&mut self, at: Stamp) {
        self.told.push(Told::Timeout(at));
        self.party.handle_timeout(at);
    }

    fn handle_written(&mut self, at: Stamp, message: &Message) {
        self.told.push(Told::Written(at, message.clone()));
        self.party.handle_written(at, message);
    }

    fn poll_output(&mut self) -> Option<Output<P::Event>> {
        self.party.poll_output()
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        self.party.poll_timeout()
    }
}

/// What a peer says next.
#[derive(Clone, Debug)]
enum Says {
    This(Message),
    /// The pong to the newest ping of the party itself.
    PongToParty,
    /// The pong to the newest keep-alive ping.
    PongToKeepAlive,
}

fn any_message() -> impl Strategy<Value = Message> {
    let number = prop_oneof![0..4_u64, any::<u64>()];
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..125),
        number.prop_map(|number| format!("{PAYLOAD}{number}").into_bytes()),
        Just(PAYLOAD.into()),
    ];
    prop_oneof![
        ".*".prop_map(Message::Text),
        payload.clone().prop_map(Message::Binary),
        payload.clone().prop_map(Message::Ping),
        payload.prop_map(Message::Pong),
    ]
}

/// What a peer that keeps to the protocol, and does not guess, says after which silences.
fn any_script() -> impl Strategy<Value = Vec<(Duration, Says)>> {
    let message = any_message().prop_filter("a pong to a keep-alive ping", |message| {
        !matches!(message, Message::Pong(payload) if payload.starts_with(PAYLOAD.as_bytes()))
    });
    let says = prop_oneof![
        message.prop_map(Says::This),
        Just(Says::PongToParty),
        Just(Says::PongToKeepAlive),
    ];
    let silence = (0..45_000_u64).prop_map(Duration::from_millis);
    prop::collection::vec((silence, says), 0..40)
}

/// Drives a party through a script, and gives what it put out, and when.
fn drive<P: Party>(party: &mut P, script: &[(Duration, Says)]) -> Vec<(Stamp, Output<P::Event>)> {
    let mut now = Stamp::OPENING;
    let mut outputs = Vec::new();
    let (mut partys, mut own) = (None, None);
    let mut perform = |party: &mut P, now| {
        while let Some(output) = party.poll_output() {
            if let Output::Send(message) = &output {
                party.handle_written(now, message);
                if let Message::Ping(payload) = message {
                    let newest = if is_own(message) {
                        &mut own
                    } else {
                        &mut partys
                    };
                    *newest = Some(payload.clone());
                }
            }
            let is_end = matches!(output, Output::Close(_));
            outputs.push((now, output));
            if is_end {
                return None;
            }
        }
        Some((partys.clone(), own.clone()))
    };
    party.handle_open(now);
    let mut newest = perform(party, now);
    'script: for (silence, says) in script {
        let then = now + *silence;
        while let Some(due) = party.poll_timeout().filter(|due| *due <= then) {
            now = now.max(due);
            party.handle_timeout(now);
            newest = perform(party, now);
            if newest.is_none() {
                break 'script;
            }
        }
        now = then;
        let Some((partys, own)) = &newest else { break };
        let message = match says {
            Says::This(message) => Some(message.clone()),
            Says::PongToParty => partys.clone().map(Message::Pong),
            Says::PongToKeepAlive => own.clone().map(Message::Pong),
        };
        if let Some(message) = message {
            party.handle_message(now, &message);
            newest = perform(party, now);
        }
    }
    outputs
}

fn random_part() -> RandomPart {
    RandomPart::new(|_| [7; RandomPart::BYTES])
}

/// Plays a script to a party with a keep-alive around it and to the same party alone, which has to
/// make no difference to the party.
fn lives_as_without_it(script: &[(Duration, Says)], is_on: bool) -> Result<(), TestCaseError> {
    let party = || Witness {
        party: Pinger::new(
            PingerSettings {
                medium: Medium::Frames,
                interval: Duration::from_millis(7_001),
                count: std::num::NonZeroU32::new(40),
                wait: Duration::from_millis(3_003),
                payload: PayloadSize::default(),
            },
            random_part(),
        ),
        told: Vec::new(),
    };
    let mut bare = party();
    let expected = drive(&mut bare, script);

    let settings = is_on.then_some(SETTINGS);
    let mut kept = KeepAlive::new(party(), settings);
    let mut given_up = None;
    let mut heard = Vec::new();
    for (at, output) in drive(&mut kept, script) {
        let output = match output {
            Output::Event(KeepAliveEvent::Inner(event)) => Output::Event(event),
            Output::Event(KeepAliveEvent::Unanswered { pinged, at }) => {
                prop_assert_eq!(at.since(pinged), SETTINGS.timeout);
                given_up = Some(at);
                continue;
            }
            Output::Event(KeepAliveEvent::RoundTrip(_)) => continue,
            Output::Send(message) if is_own(&message) => continue,
            Output::Send(message) => Output::Send(message),
            Output::Close(_) if given_up.is_some() => continue,
            Output::Close(farewell) => Output::Close(farewell),
        };
        heard.push((at, output));
    }
    prop_assert!(is_on || given_up.is_none());
    let told = &kept.party.told;
    if let Some(end) = given_up {
        // Up to its end. What the party is told in its last moment it may still be told, but
        // what it says to that is not heard.
        prop_assert_eq!(told, &bare.told[..told.len()]);
        prop_assert!(expected.starts_with(&heard));
        let missed = &expected[heard.len()..];
        prop_assert!(missed.iter().all(|(at, _)| *at >= end), "{:?}", missed);
    } else {
        prop_assert_eq!(told, &bare.told);
        prop_assert_eq!(heard, expected);
    }
    Ok(())
}

/// Found by chance: a first word at the very moment when the keep-alive would ask for one.
#[test]
fn a_word_at_the_last_moment_is_heard() {
    let script = [(SETTINGS.idle, Says::This(Message::text("")))];
    lives_as_without_it(&script, true).unwrap();
}

proptest! {
    #[test]
    fn the_party_in_it_lives_as_without_it(script in any_script(), is_on in any::<bool>()) {
        lives_as_without_it(&script, is_on)?;
    }

    #[test]
    fn silence_is_never_longer_than_it_may_be(script in any_script()) {
        let mut party = KeepAlive::new(Witness { party: Echo::new(), told: Vec::new() }, Some(SETTINGS));
        let mut now = Stamp::OPENING;
        let outputs = drive(&mut party, &script);
        let closed = outputs.iter().find(|(_, output)| matches!(output, Output::Close(_)));
        let longest = SETTINGS.idle + SETTINGS.timeout;
        for (silence, _) in &script {
            if *silence >= longest {
                prop_assert!(closed.is_some_and(|(at, _)| *at <= now + longest));
                break;
            }
            now = now + *silence;
        }
    }

    #[test]
    fn it_survives_anything_and_sends_nothing_once_it_has_closed(
        calls in prop::collection::vec((any::<u64>(), 0..5, any_message(), any::<bool>()), 0..60),
    ) {
        let mut party = KeepAlive::new(Echo::new(), Some(SETTINGS));
        let mut has_closed = false;
        for (at, call, message, is_far) in calls {
            let at = match is_far {
                // Further than nanoseconds reach.
                true => Stamp::after_opening(Duration::new(at, 0)),
                false => Stamp::from_nanos(at % 100_000_000_000),
            };
            match call {
                0 => party.handle_open(at),
                1 => party.handle_message(at, &message),
                2 => party.handle_timeout(at),
                3 => party.handle_written(at, &message),
                _ => party.handle_close(at),
            }
            while let Some(output) = party.poll_output() {
                prop_assert!(!has_closed || matches!(output, Output::Event(_)), "{:?}", output);
                has_closed |= matches!(output, Output::Close(_));
                if let (Output::Send(message), true) = (output, is_far) {
                    party.handle_written(at, &message);
                }
            }
        }
    }
}
