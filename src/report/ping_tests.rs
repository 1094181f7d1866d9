//! What the reports of round trips look like, pinned.

use std::num::NonZeroU32;
use std::time::Duration;

use super::tests::written;
use super::*;
use crate::conversation::Stamp;
use crate::conversation::latency::{Flight, Medium, PayloadSize, PingerEvent, PingerSettings};

fn flight(sequence: u32, held_up: Duration) -> Flight {
    let due = Stamp::OPENING + Duration::from_millis(200) * (sequence - 1);
    Flight {
        sequence,
        due,
        set_out: due + held_up,
    }
}

fn pong(sequence: u32, held_up_us: u64, took_us: u64) -> PingerEvent {
    let flight = flight(sequence, Duration::from_micros(held_up_us));
    PingerEvent::Pong {
        flight,
        at: flight.set_out + Duration::from_micros(took_us),
    }
}

/// All that can be noticed of pings.
fn noticed() -> Vec<PingerEvent> {
    let lost = flight(3, Duration::ZERO);
    let mut events = vec![
        PingerEvent::Sent(flight(1, Duration::ZERO)),
        pong(1, 71, 213),
        pong(2, 5000, 1_240),
        PingerEvent::Lost(lost),
        PingerEvent::Late {
            flight: lost,
            at: lost.set_out + Duration::from_millis(10_250),
        },
        PingerEvent::Doubled {
            sequence: 2,
            at: Stamp::from_nanos(1_000_000_000),
        },
        PingerEvent::Invented {
            at: Stamp::from_nanos(1_100_000_000),
            payload: b"\x1b[2J you are the one hundred thousandth visitor".to_vec(),
        },
    ];
    for sequence in 2..=4 {
        events.push(PingerEvent::Sent(flight(sequence, Duration::ZERO)));
    }
    events
}

fn settings(count: u32) -> PingerSettings {
    PingerSettings {
        medium: Medium::Frames,
        interval: Duration::from_millis(200),
        count: NonZeroU32::new(count),
        wait: Duration::from_secs(10),
        payload: PayloadSize::default(),
    }
}

fn open(target: usize, url: &str) -> Item {
    Item::Open(OpenItem {
        attempt: 1,
        target: Some(target),
        url: url.into(),
        peer: "127.0.0.1:8765".into(),
        proxy: None,
        subprotocol: None,
        dns_ms: None,
        tcp_ms: 0.1,
        proxy_ms: None,
        tls_ms: None,
        upgrade_ms: 0.26,
    })
}

fn tally(target: usize, url: &str, events: &[PingerEvent]) -> PingTally {
    let mut tally = PingTally::new(target, url.into(), Duration::from_millis(200));
    for event in events {
        tally.count(event);
    }
    tally
}

/// A run against one server, from its beginning to its end.
fn a_run() -> Vec<Item> {
    let url = "ws://127.0.0.1:8765/echo";
    let events = noticed();
    let mut items = vec![
        Item::Pinging(PingingItem::new(vec![url.into()], &settings(4))),
        open(1, url),
    ];
    items.extend(events.iter().filter_map(|event| Item::from_ping(1, event)));
    let mut tally = tally(1, url, &events);
    tally.tcp_rtt = Some(Duration::from_micros(87));
    tally.standing = Standing::Ended;
    items.push(Item::PingSummary(tally.summary(Outcome::Ended)));
    items
}

#[test]
fn a_run_against_one_server() {
    let page = written(&a_run());
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    insta::assert_snapshot!(page, @r##"
pinging     ws://127.0.0.1:8765/echo
            Ping frames of 56 bytes every 200ms, 4 times
connected   ws://127.0.0.1:8765/echo (127.0.0.1:8765)
            tcp 0.1 ms, upgrade 0.3 ms
seq=1 time=0.213 ms
seq=2 time=1.240 ms (6.240 ms from when it was due)
seq=3 no pong
seq=3 time=10250.000 ms, late: it had been given up
seq=2 a pong that had come already
an answer to nothing: 47 bytes, "\u{1b}[2J you are the one hundred thousandth …"

pinged      ws://127.0.0.1:8765/echo
            4 sent, 2 received, 1 lost (25.0 %), 1 late, 1 doubled, 1 invented,
            1 outstanding
            deviation 0.514 ms, jitter 0.064 ms, tcp 0.087 ms by the kernel

ms                 min     mean      p50      p90      p99    p99.9      max
round trip       0.213    0.727    0.213    1.240    1.240    1.240    1.240
from due         0.284    3.262    0.284    6.240    6.240    6.240    6.240

round trips from
       0.18 ms  ████████████████████████████████████████████████ 1
       0.22 ms  0
       0.27 ms  0
       0.33 ms  0
       0.39 ms  0
       0.47 ms  0
       0.56 ms  0
       0.68 ms  0
       0.82 ms  0
          1 ms  0
        1.2 ms  ████████████████████████████████████████████████ 1
"##);
}

#[test]
fn the_schema_of_round_trips_is_pinned() {
    let mut out = Vec::new();
    for item in a_run() {
        json::write(&item, &mut out).unwrap();
    }
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
{"type":"pinging","urls":["ws://127.0.0.1:8765/echo"],"medium":"frames","interval_ms":200.0,"count":4,"payload_bytes":56}
{"type":"open","attempt":1,"target":1,"url":"ws://127.0.0.1:8765/echo","peer":"127.0.0.1:8765","proxy":null,"subprotocol":null,"dns_ms":null,"tcp_ms":0.1,"proxy_ms":null,"tls_ms":null,"upgrade_ms":0.26}
{"type":"pong","target":1,"seq":1,"rtt_ms":0.213,"intended_rtt_ms":0.284}
{"type":"pong","target":1,"seq":2,"rtt_ms":1.24,"intended_rtt_ms":6.24}
{"type":"lost","target":1,"seq":3}
{"type":"late","target":1,"seq":3,"rtt_ms":10250.0,"intended_rtt_ms":10250.0}
{"type":"doubled","target":1,"seq":2}
{"type":"invented","target":1,"at_ns":1100000000,"bytes":47,"text":"\u001b[2J you are the one hundred thousandth …"}
{"type":"summary","target":1,"url":"ws://127.0.0.1:8765/echo","outcome":"ended","sent":4,"received":2,"lost":1,"late":1,"doubled":1,"invented":1,"outstanding":1,"min_ms":0.213,"mean_ms":0.727,"p50_ms":0.213,"p90_ms":1.24,"p99_ms":1.24,"p999_ms":1.24,"max_ms":1.24,"stddev_ms":0.514,"jitter_ms":0.064,"intended_min_ms":0.284,"intended_mean_ms":3.262,"intended_p50_ms":0.284,"intended_p90_ms":6.24,"intended_p99_ms":6.24,"intended_p999_ms":6.24,"intended_max_ms":6.24,"tcp_rtt_ms":0.087}
"##);
}

#[test]
fn a_run_against_several_is_one_table() {
    let urls = ["ws://127.0.0.1:8765/echo", "wss://example.org/", "ws://h/"];
    let mut several = PingingItem::new(urls.map(str::to_owned).into(), &settings(1));
    several.medium = "messages";
    let mut items = vec![Item::Pinging(several), open(1, urls[0]), open(2, urls[1])];
    let mut tallies = [
        tally(1, urls[0], &noticed()),
        tally(
            2,
            urls[1],
            &[
                PingerEvent::Sent(flight(1, Duration::ZERO)),
                pong(1, 20, 12_345_678),
            ],
        ),
        tally(3, urls[2], &[]),
    ];
    tallies[2].standing = Standing::Failed(Outcome::Failed, "connecting: refused".into());
    items.push(Item::from_ping(2, &pong(1, 20, 12_345_678)).unwrap());
    let summaries = tallies.iter().map(|tally| tally.summary(Outcome::Ended));
    items.extend(summaries.map(Item::PingSummary));
    let page = written(&items);
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    insta::assert_snapshot!(page, @r##"
pinging     1  ws://127.0.0.1:8765/echo
            2  wss://example.org/
            3  ws://h/
            text messages of 56 bytes, to be echoed, every 200ms, 1 time
connected   1  ws://127.0.0.1:8765/echo (127.0.0.1:8765)
            tcp 0.1 ms, upgrade 0.3 ms
connected   2  wss://example.org/ (127.0.0.1:8765)
            tcp 0.1 ms, upgrade 0.3 ms
 2  seq=1 time=12345.678 ms

pinged      ws://127.0.0.1:8765/echo
            4 sent, 2 received, 1 lost (25.0 %), 1 late, 1 doubled, 1 invented,
            1 outstanding
            deviation 0.514 ms, jitter 0.064 ms

pinged      wss://example.org/
            1 sent, 1 received, 0 lost
            deviation 0.000 ms

failed      ws://h/
            0 sent, 0 received, 0 lost

ms                 min     mean      p50      p90      p99    p99.9      max
1 round trip     0.213    0.727    0.213    1.240    1.240    1.240    1.240
1 from due       0.284    3.262    0.284    6.240    6.240    6.240    6.240
2 round trip     12346    12346    12346    12346    12346    12346    12346
2 from due       12346    12346    12346    12346    12346    12346    12346

1  round trips from
       0.18 ms  ████████████████████████████████████████████████ 1
       0.22 ms  0
       0.27 ms  0
       0.33 ms  0
       0.39 ms  0
       0.47 ms  0
       0.56 ms  0
       0.68 ms  0
       0.82 ms  0
          1 ms  0
        1.2 ms  ████████████████████████████████████████████████ 1

2  round trips from
      12000 ms  ████████████████████████████████████████████████ 1
"##);
}

#[test]
fn a_run_that_failed_before_it_began_says_nothing_more() {
    let none = Item::PingSummary(PingSummaryItem::default());
    assert_eq!(written(&[none]), "");
}
