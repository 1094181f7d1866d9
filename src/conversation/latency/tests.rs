//! The pinger in virtual time, and what is made of its round trips.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::conversation::{Message, Output, Party, Stamp};

const SETTINGS: PingerSettings = PingerSettings {
    medium: Medium::Frames,
    interval: Duration::from_millis(100),
    count: None,
    wait: Duration::from_millis(250),
    payload: PayloadSize::LEAST,
};

fn ms(millis: u64) -> Stamp {
    Stamp::after_opening(Duration::from_millis(millis))
}

fn pinger(settings: PingerSettings) -> Pinger {
    Pinger::new(settings, RandomPart::new(|_| [7; RandomPart::BYTES]))
}

/// A pinger, and what has come of it.
struct Bench {
    pinger: Pinger,
    sent: Vec<Message>,
    events: Vec<PingerEvent>,
    is_closed: bool,
    now: Stamp,
}

impl Bench {
    fn open(settings: PingerSettings) -> Self {
        let mut bench = Bench {
            pinger: pinger(settings),
            sent: Vec::new(),
            events: Vec::new(),
            is_closed: false,
            now: Stamp::OPENING,
        };
        bench.pinger.handle_open(Stamp::OPENING);
        bench.drain(Stamp::OPENING);
        bench
    }

    /// Does what the pinger wants, writing what it sends at this time.
    fn drain(&mut self, written: Stamp) {
        self.now = written;
        while let Some(output) = self.pinger.poll_output() {
            match output {
                Output::Send(message) => {
                    self.pinger.handle_written(written, &message);
                    self.sent.push(message);
                }
                Output::Event(event) => self.events.push(event),
                Output::Close(_) => self.is_closed = true,
            }
        }
    }

    /// Wakes the pinger at its own times, until this one.
    fn until(&mut self, end: Stamp) {
        while let Some(due) = self.pinger.poll_timeout().filter(|due| *due <= end) {
            let at = due.max(self.now);
            self.pinger.handle_timeout(at);
            self.drain(at);
        }
    }

    /// The pong of the ping with this index arrives.
    fn pong(&mut self, at: Stamp, index: usize) {
        let pong = pong_of(&self.sent[index]);
        self.hear(at, pong);
    }

    fn hear(&mut self, at: Stamp, message: Message) {
        self.pinger.handle_message(at, &message);
        self.drain(at);
    }

    fn newest(&self) -> &PingerEvent {
        self.events.last().expect("something has been noticed")
    }
}

fn pong_of(ping: &Message) -> Message {
    match ping {
        Message::Ping(payload) => Message::Pong(payload.clone()),
        other => other.clone(),
    }
}

fn departures(events: &[PingerEvent]) -> Vec<Stamp> {
    let written = |event: &PingerEvent| match event {
        PingerEvent::Sent(flight) => Some(flight.set_out),
        _ => None,
    };
    events.iter().filter_map(written).collect()
}

#[test]
fn pings_leave_at_fixed_times_whatever_comes_back() {
    let mut bench = Bench::open(SETTINGS);
    bench.until(ms(130));
    bench.pong(ms(137), 0);
    bench.until(ms(320));
    let times = [ms(0), ms(100), ms(200), ms(300)];
    assert_eq!(departures(&bench.events), times);
    let mut payloads = bench.sent.clone();
    payloads.dedup();
    assert_eq!(payloads.len(), 4, "no two are the same");
}

#[test]
fn a_ping_that_could_not_leave_in_time_keeps_its_time_and_those_after_it_theirs() {
    let mut bench = Bench::open(SETTINGS);
    // The driver comes back 230 ms later than it was asked to.
    bench.pinger.handle_timeout(ms(330));
    bench.drain(ms(331));
    assert_eq!(bench.sent.len(), 2, "one at a time");
    bench.pinger.handle_timeout(ms(332));
    bench.drain(ms(332));
    bench.pong(ms(333), 1);
    let PingerEvent::Pong { flight, at } = *bench.newest() else {
        panic!("{:?}", bench.newest());
    };
    assert_eq!((flight.due, flight.set_out), (ms(100), ms(330)));
    assert_eq!(flight.raw(at), Duration::from_millis(3));
    assert_eq!(flight.intended(at), Duration::from_millis(233));
    bench.until(ms(400));
    let times = [ms(0), ms(330), ms(332), ms(333), ms(400)];
    assert_eq!(departures(&bench.events), times);
}

#[test]
fn late_doubled_and_invented_pongs_are_told_apart() {
    let mut bench = Bench::open(SETTINGS);
    bench.until(ms(260));
    // The first set out at 0, and has had its 250 ms.
    assert!(matches!(bench.newest(), PingerEvent::Lost(flight) if flight.sequence == 1));
    bench.pong(ms(270), 0);
    assert!(matches!(bench.newest(), PingerEvent::Late { flight, .. } if flight.sequence == 1));
    bench.pong(ms(271), 0);
    let doubled = PingerEvent::Doubled {
        sequence: 1,
        at: ms(271),
    };
    assert_eq!(*bench.newest(), doubled);
    bench.pong(ms(272), 1);
    assert!(matches!(bench.newest(), PingerEvent::Pong { flight, .. } if flight.sequence == 2));
    bench.pong(ms(273), 1);
    assert!(matches!(
        bench.newest(),
        PingerEvent::Doubled { sequence: 2, .. }
    ));

    let Message::Ping(payload) = bench.sent[2].clone() else {
        panic!("{:?}", bench.sent[2]);
    };
    let mut guessed = payload.clone();
    let last = guessed.last_mut().unwrap();
    *last = if *last == b'0' { b'1' } else { b'0' };
    let mut ahead = Bench::open(SETTINGS);
    ahead.until(ms(1000));
    let Message::Ping(unsent) = ahead.sent[9].clone() else {
        panic!("{:?}", ahead.sent[9]);
    };
    for invented in [
        guessed,
        unsent,
        payload[..8].to_vec(),
        vec![0xff; 16],
        vec![],
    ] {
        bench.hear(ms(274), Message::Pong(invented.clone()));
        let expected = PingerEvent::Invented {
            at: ms(274),
            payload: invented,
        };
        assert_eq!(*bench.newest(), expected);
    }
    // Neither is a text an answer to a Ping frame.
    let before = bench.events.len();
    bench.hear(ms(275), Message::text(String::from_utf8(payload).unwrap()));
    assert_eq!(bench.events.len(), before);
}

#[test]
fn it_closes_when_the_last_ping_is_answered_or_given_up() {
    let settings = PingerSettings {
        count: NonZeroU32::new(3),
        ..SETTINGS
    };
    let mut bench = Bench::open(settings);
    bench.until(ms(200));
    bench.pong(ms(201), 0);
    bench.pong(ms(202), 1);
    assert!(!bench.is_closed);
    bench.pong(ms(203), 2);
    assert!(bench.is_closed);
    assert_eq!(bench.pinger.poll_timeout(), None);
    assert_eq!(bench.sent.len(), 3);

    let mut bench = Bench::open(settings);
    bench.until(ms(449));
    assert!(!bench.is_closed);
    bench.until(ms(450));
    assert!(bench.is_closed);
}

#[test]
fn messages_that_are_echoed_are_pongs_too() {
    let settings = PingerSettings {
        medium: Medium::Messages,
        payload: PayloadSize::MOST,
        ..SETTINGS
    };
    let mut bench = Bench::open(settings);
    let Message::Text(text) = bench.sent[0].clone() else {
        panic!("{:?}", bench.sent[0]);
    };
    assert_eq!(text.len(), 125);
    bench.hear(ms(3), Message::text("welcome!"));
    assert!(matches!(bench.newest(), PingerEvent::Invented { .. }));
    bench.hear(ms(4), Message::Binary(text.into_bytes()));
    assert!(matches!(bench.newest(), PingerEvent::Pong { .. }));
}

#[test]
fn payloads_have_bounds() {
    assert_eq!(PayloadSize::new(15), None);
    assert_eq!(PayloadSize::new(126), None);
    assert_eq!(PayloadSize::new(16), Some(PayloadSize::LEAST));
    assert_eq!(PayloadSize::new(125), Some(PayloadSize::MOST));
    assert_eq!(PayloadSize::default().bytes(), 56);
}

fn round_trips(millis: &[u64]) -> RoundTrips {
    let mut round_trips = RoundTrips::default();
    for &millis in millis {
        round_trips.record(Duration::from_millis(millis));
    }
    round_trips
}

#[test]
fn round_trips_are_added_up() {
    let sum = round_trips(&[2, 4, 4, 4, 5, 5, 7, 9]);
    assert_eq!(sum.min(), Some(Duration::from_millis(2)));
    assert_eq!(sum.max(), Some(Duration::from_millis(9)));
    assert_eq!(sum.mean(), Some(Duration::from_millis(5)));
    assert_eq!(sum.standard_deviation(), Some(Duration::from_millis(2)));
    let p50 = sum.percentile(50.0).unwrap();
    assert!(p50.abs_diff(Duration::from_millis(4)) < Duration::from_micros(4));
    assert_eq!(sum.percentile(100.0), sum.max());
    assert_eq!(sum.counts().map(|(_, count)| count).sum::<u64>(), 8);
}

#[test]
fn jitter_is_that_of_rfc_3550() {
    // The differences are 16 ms and 8 ms: first 16/16 = 1 ms, then 1 + (8 - 1)/16 ms.
    let jitter = round_trips(&[10, 26, 18]).jitter().unwrap();
    assert_eq!(jitter, Duration::from_nanos(1_437_500));
    assert_eq!(round_trips(&[10]).jitter(), None);
}

#[test]
fn of_nothing_there_is_nothing_to_say() {
    let none = RoundTrips::default();
    assert_eq!((none.min(), none.max(), none.mean()), (None, None, None));
    assert_eq!(none.percentile(99.9), None);
    assert_eq!(none.standard_deviation(), None);
    assert!(none.is_empty());
}

#[test]
fn the_longest_times_there_are_can_be_added_up() {
    let mut sum = RoundTrips::default();
    for time in [Duration::MAX, Duration::ZERO, Duration::from_secs(1 << 40)] {
        sum.record(time);
    }
    assert_eq!(sum.len(), 3);
    assert_eq!(sum.min(), Some(Duration::ZERO));
    assert!(sum.percentile(99.0) > sum.percentile(10.0));
}

fn answered(due_ms: u64, took_ms: u64) -> PingerEvent {
    PingerEvent::Pong {
        flight: Flight {
            sequence: 1,
            due: ms(due_ms),
            set_out: ms(due_ms + 1),
        },
        at: ms(due_ms + took_ms),
    }
}

#[test]
fn a_series_keeps_the_worst_of_what_it_puts_together() {
    let mut series = Series::new(Duration::from_millis(1));
    for index in 0..10_000 {
        let took = if index == 7_777 { 200 } else { 3 };
        series.count(&answered(index, took));
    }
    assert_eq!(series.width(), Duration::from_millis(8));
    assert_eq!(series.slots().len(), 1250);
    let (at, slot) = series
        .slots()
        .max_by_key(|(_, slot)| slot.intended.map(|span| span.most))
        .unwrap();
    assert_eq!(at, ms(7_777 / 8 * 8));
    let intended = slot.intended.unwrap();
    assert_eq!(intended.most, Duration::from_millis(200));
    assert_eq!(intended.least, Duration::from_millis(3));
    assert_eq!(slot.raw.unwrap().most, Duration::from_millis(199));
}

#[test]
fn a_series_that_jumps_ahead_stays_small() {
    let mut series = Series::new(Duration::ZERO);
    series.count(&answered(0, 3));
    series.count(&answered(1 << 50, 3));
    assert!(series.slots().len() <= 2048);
    let pongs = series.slots().filter(|(_, slot)| slot.raw.is_some());
    assert_eq!(pongs.count(), 2);
}

/// Something that happens to a pinger.
#[derive(Clone, Debug)]
enum Happening {
    Timeout,
    Pong(usize),
    Echo(usize),
    Odd(Vec<u8>),
    Written,
    Open,
    Close,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => Just(Happening::Timeout),
        4 => (0..20_usize).prop_map(Happening::Pong),
        1 => (0..20_usize).prop_map(Happening::Echo),
        1 => proptest::collection::vec(any::<u8>(), 0..125).prop_map(Happening::Odd),
        1 => Just(Happening::Written),
        1 => Just(Happening::Open),
        1 => Just(Happening::Close),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_every_ping_is_accounted_for_once(
        happenings in proptest::collection::vec((0..300_u64, happening()), 0..200),
        count in proptest::option::of(1..20_u32),
        is_echo: bool,
    ) {
        let settings = PingerSettings {
            count: count.and_then(NonZeroU32::new),
            medium: if is_echo { Medium::Messages } else { Medium::Frames },
            ..SETTINGS
        };
        let mut bench = Bench::open(settings);
        let mut now = 0;
        for (later, happening) in happenings {
            now += later;
            let at = ms(now);
            let sent = |index: usize| bench.sent.get(index).map(pong_of);
            match happening {
                Happening::Timeout => bench.pinger.handle_timeout(at),
                Happening::Pong(index) => {
                    if let Some(pong) = sent(index) {
                        bench.pinger.handle_message(at, &pong);
                    }
                }
                Happening::Echo(index) => {
                    if let Some(Message::Pong(payload) | Message::Binary(payload)) = sent(index) {
                        let text = String::from_utf8(payload).unwrap();
                        bench.pinger.handle_message(at, &Message::Text(text));
                    }
                }
                Happening::Odd(bytes) => bench.pinger.handle_message(at, &Message::Pong(bytes)),
                Happening::Written => bench.pinger.handle_written(at, &Message::text("")),
                Happening::Open => bench.pinger.handle_open(at),
                Happening::Close => bench.pinger.handle_close(at),
            }
            bench.drain(at);
        }
        let (mut statistics, mut series) = (Statistics::default(), Series::new(settings.interval));
        for event in &bench.events {
            statistics.count(event);
            series.count(event);
        }
        prop_assert_eq!(statistics.sent, bench.sent.len() as u64);
        prop_assert!(statistics.received + statistics.lost <= statistics.sent);
        prop_assert!(statistics.late <= statistics.lost);
        prop_assert!(count.is_none_or(|count| statistics.sent <= count.into()));
        prop_assert_eq!(statistics.raw.len(), statistics.received);
        let lost: u64 = series.slots().map(|(_, slot)| u64::from(slot.lost)).sum();
        prop_assert_eq!(lost, statistics.lost);
        prop_assert!(statistics.intended.max() >= statistics.raw.max());
    }
}
