//! What the reports look like, pinned.

use super::text::Text;
use super::*;
use crate::report::Recorded;
use crate::simulation::Results;

fn beat(round: u32, elapsed_ms: f64, interval_ms: u16, margin_ms: f64) -> BeatItem {
    BeatItem {
        recorded: None,
        round,
        at_ns: 700_123_456,
        elapsed_ms,
        interval_ms,
        window_ms: (1100, Some(1750)),
        margin_ms,
        lateness_ms: ((elapsed_ms - f64::from(interval_ms)) * 1e3).round() / 1e3,
        answer_us: Some(42.1),
        corrected_ms: elapsed_ms,
        confidence: None,
    }
}

/// A late beat after a punctual one, seen through.
fn corrected() -> BeatItem {
    BeatItem {
        margin_ms: -23.4,
        corrected_ms: 1773.4,
        lateness_ms: 273.4,
        confidence: Some(0.8765),
        ..beat(3, 1770.0, 1500, 0.0)
    }
}

fn verdict(round: u32, verdict: &'static str) -> Item {
    Item::Verdict(VerdictItem {
        recording: None,
        round: Some(round),
        verdict,
    })
}

fn simulated(model: &'static str, estimator: &'static str, won: u64) -> Item {
    let results = Results {
        sessions: 10_000,
        won,
        wrong: 10_000 - won,
        late: 0,
    };
    Item::Simulation(SimulationItem::new(model, estimator, 20, 7, results))
}

/// One of each.
fn every_item() -> Vec<Item> {
    let replayed = BeatItem {
        recorded: Some(Recorded {
            recording: "run.jsonl".into(),
            recorded_interval_ms: Some(2000),
        }),
        answer_us: None,
        ..beat(1, 1499.0, 1500, 251.0)
    };
    vec![
        Item::Listening(ListeningItem {
            url: "http://127.0.0.1:8765".into(),
            address: "127.0.0.1:8765".into(),
            rounds: 10,
            seed: 7,
            any_access_token: true,
            network: Some("mobile"),
            ca_cert: None,
            tickets: false,
        }),
        Item::Open(OpenItem {
            attempt: 1,
            target: None,
            url: "wss://hackattic.com/_/ws/…".into(),
            peer: "192.0.2.1:443".into(),
            dns_ms: Some(12.345),
            tcp_ms: 20.1,
            proxy: None,
            subprotocol: None,
            proxy_ms: None,
            tls_ms: Some(44.0),
            upgrade_ms: 21.987,
        }),
        Item::Open(OpenItem {
            attempt: 1,
            target: None,
            url: "wss://example.org/chat".into(),
            peer: "192.0.2.2:3128".into(),
            proxy: Some("http://proxy.example.org:3128".into()),
            subprotocol: Some("chat.v2".into()),
            dns_ms: Some(112.345),
            tcp_ms: 120.1,
            proxy_ms: Some(101.0),
            tls_ms: Some(144.0),
            upgrade_ms: 121.987,
        }),
        Item::Hello {
            at_ns: 1_200_000,
            text: "hello! start counting the time between the pings (start from the moment \
                       you opened this connection)"
                .into(),
        },
        Item::Beat(beat(1, 700.434, 700, 399.566)),
        verdict(1, "good"),
        Item::Note(NoteItem {
            at_ns: 900_000_000,
            kind: "text",
            text: Some("the weather is \u{1b}[31mfine\n".into()),
            bytes: 24,
        }),
        Item::Note(NoteItem {
            at_ns: 900_000_001,
            kind: "binary",
            text: None,
            bytes: 3,
        }),
        Item::Beat(beat(2, 1746.0, 1500, 4.0)),
        verdict(2, "ouch"),
        Item::Secret {
            secret: "square limit withered water yellow sun".into(),
        },
        Item::Submission {
            passed: true,
            response: serde_json::json!({ "result": "passed" }),
        },
        Item::Submission {
            passed: false,
            response: serde_json::json!({ "rejected": "no" }),
        },
        Item::Error(ErrorItem {
            kind: "lost",
            message: "ouch! in round 2".into(),
            attempt: Some(1),
            retry_in_ms: Some(500.0),
            recording: None,
            target: None,
        }),
        Item::Summary(SummaryItem {
            outcome: Outcome::Solved,
            rounds: 20,
            attempts: 1,
            secret: Some("square limit withered water yellow sun".into()),
            worst_margin_ms: Some(4.0),
            mean_lateness_ms: Some(0.21),
            worst_lateness_ms: Some(246.0),
            least_confidence: Some(0.8765),
            loss: None,
            recordings: None,
            differences: None,
        }),
        Item::Beat(replayed),
        Item::Verdict(VerdictItem {
            recording: Some("run.jsonl".into()),
            round: Some(1),
            verdict: "ouch",
        }),
        Item::Summary(SummaryItem {
            outcome: Outcome::Ended,
            rounds: 1,
            attempts: 0,
            secret: None,
            worst_margin_ms: Some(251.0),
            mean_lateness_ms: None,
            worst_lateness_ms: None,
            least_confidence: None,
            loss: Some(LossItem {
                round: 1,
                reason: "ambiguous",
                message: "its beat was ambiguous: 1500 and 240 ms late, or 2000 and 260 ms early"
                    .into(),
                interval_ms: 1500,
                confidence: None,
                lateness_ms: 240.0,
                margin_ms: 10.0,
                is_about_margins: true,
                runner_up_ms: 2000,
                verdict_after_ms: 80.0,
            }),
            recordings: Some(1),
            differences: Some(1),
        }),
        Item::Beat(corrected()),
        Item::Simulating(SimulatingItem {
            models: vec!["lan", "mobile"],
            estimators: vec!["oracle", "plain"],
            sessions: 10_000,
            session: None,
            rounds: 20,
            seed: 7,
        }),
        simulated("lan", "oracle", 10_000),
        simulated("lan", "plain", 9998),
        simulated("mobile", "oracle", 9950),
        Item::Conversation(ConversationItem {
            number: Some(3),
            peer: "127.0.0.1:4711".into(),
            rounds: 4,
            result: "lost",
            cause: Some("no answer in time".into()),
            worst_delay_ms: Some(0.071),
        }),
    ]
}

pub(super) fn written(items: &[Item]) -> String {
    let mut text = Text::default();
    let mut out = anstream::StripStream::new(Vec::new());
    for item in items {
        text.write(item, &mut out).unwrap();
    }
    text.flush(&mut out).unwrap();
    String::from_utf8(out.into_inner()).unwrap()
}

#[test]
fn every_item_has_its_lines() {
    let page = written(&every_item());
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    insta::assert_snapshot!(page, @r##"
listening   http://127.0.0.1:8765
            to be opened in a browser: there is a page for all of it
            10 rounds a conversation, seed 7
            behind a modelled network: mobile
try: HACKATTIC_ACCESS_TOKEN=any wsbeat solve --base-url http://127.0.0.1:8765
     wsbeat ping ws://127.0.0.1:8765/echo
     wsbeat chat ws://127.0.0.1:8765/chat/lobby --name you
     wsbeat register ws://127.0.0.1:8765/register
     curl http://127.0.0.1:8765/clients
connected   wss://hackattic.com/_/ws/… (192.0.2.1:443)
            dns 12.3 ms, tcp 20.1 ms, tls 44.0 ms, upgrade 22.0 ms
connected   wss://example.org/chat (192.0.2.2:3128)
            through the proxy http://proxy.example.org:3128
            dns 112.3 ms, tcp 120.1 ms, proxy 101.0 ms, tls 144.0 ms,
            upgrade 122.0 ms
subprotocol chat.v2
hello       start counting the time between the pings (start from the moment yo…

round    elapsed    interval       late     margin     sure    answer  verdict
    1   700.4 ms         700    +0.4 ms   399.6 ms        -     42 µs  good
noted       the weather is \u{1b}[31mfine
noted       3 bytes of binary data
    2  1746.0 ms        1500  +246.0 ms     4.0 ms        -     42 µs  ouch
secret      square limit withered water yellow sun
submitted   passed: {"result":"passed"}
submitted   not passed: {"rejected":"no"}

solved      20 rounds, 1 attempt
margin      worst 4.0 ms
sure        87.6 % at the least
lateness    mean +0.2 ms, worst +246.0 ms

run.jsonl
round    elapsed  then   now       late     margin     sure    answer  verdict
    1  1499.0 ms  2000  1500    -1.0 ms   251.0 ms        -         -  ouch

ended       1 round in 1 recording, 1 answered differently now
why         round 1: its beat was ambiguous: 1500 and 240 ms late, or 2000 and
            260 ms early
margin      worst 251.0 ms

round    elapsed    interval       late     margin     sure    answer  verdict
    3  1770.0 ms        1500  +273.4 ms   -23.4 ms   87.6 %     42 µs
simulating  10000 sessions of 20 rounds on each network, seed 7
            share of them won; standard error 0.0050 at most

network       oracle     plain
lan            1.000     1.000
mobile         0.995
   3 127.0.0.1:4711        lost       4 beats, 0.07 ms late; no answer in time
"##);
}

#[test]
fn a_note_does_not_part_a_round_from_its_verdict() {
    let note = Item::Note(NoteItem {
        at_ns: 701_000_000,
        kind: "binary",
        text: None,
        bytes: 3,
    });
    let items = [
        Item::Beat(beat(1, 699.9, 700, 399.9)),
        note,
        verdict(1, "good"),
    ];
    insta::assert_snapshot!(written(&items), @r##"

round    elapsed    interval       late     margin     sure    answer  verdict
noted       3 bytes of binary data
    1   699.9 ms         700    -0.1 ms   399.9 ms        -     42 µs  good
"##);
}

#[test]
fn control_characters_leave_as_escapes() {
    let hello = Item::Hello {
        at_ns: 0,
        text: "hello! \u{7f}\u{9b}31m".into(),
    };
    let mut out = Vec::new();
    json::write(&hello, &mut out).unwrap();
    let line = String::from_utf8(out).unwrap();
    assert!(line.contains(r"hello! \u007f\u009b31m"), "{line}");
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["text"], "hello! \u{7f}\u{9b}31m");
    let shown = written(&[hello]);
    assert!(!shown.trim().contains(char::is_control), "{shown:?}");
}

#[test]
fn rounds_without_a_verdict_are_lines_too() {
    let rounds = [1, 2].map(|round| Item::Beat(beat(round, 699.9, 700, 399.9)));
    insta::assert_snapshot!(written(&rounds), @r##"

round    elapsed    interval       late     margin     sure    answer  verdict
    1   699.9 ms         700    -0.1 ms   399.9 ms        -     42 µs
    2   699.9 ms         700    -0.1 ms   399.9 ms        -     42 µs
"##);
}

/// The schema that scripts rely on: fields may be added to these lines, never renamed.
#[test]
fn the_schema_is_pinned() {
    let mut out = Vec::new();
    for item in every_item() {
        json::write(&item, &mut out).unwrap();
    }
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
{"type":"listening","url":"http://127.0.0.1:8765","address":"127.0.0.1:8765","rounds":10,"seed":7,"any_access_token":true,"network":"mobile","ca_cert":null,"tickets":false}
{"type":"open","attempt":1,"url":"wss://hackattic.com/_/ws/…","peer":"192.0.2.1:443","proxy":null,"subprotocol":null,"dns_ms":12.345,"tcp_ms":20.1,"proxy_ms":null,"tls_ms":44.0,"upgrade_ms":21.987}
{"type":"open","attempt":1,"url":"wss://example.org/chat","peer":"192.0.2.2:3128","proxy":"http://proxy.example.org:3128","subprotocol":"chat.v2","dns_ms":112.345,"tcp_ms":120.1,"proxy_ms":101.0,"tls_ms":144.0,"upgrade_ms":121.987}
{"type":"hello","at_ns":1200000,"text":"hello! start counting the time between the pings (start from the moment you opened this connection)"}
{"type":"beat","round":1,"at_ns":700123456,"elapsed_ms":700.434,"interval_ms":700,"window_ms":[1100,1750],"margin_ms":399.566,"lateness_ms":0.434,"answer_us":42.1,"corrected_ms":700.434,"confidence":null}
{"type":"verdict","round":1,"verdict":"good"}
{"type":"note","at_ns":900000000,"kind":"text","text":"the weather is \u001b[31mfine\n","bytes":24}
{"type":"note","at_ns":900000001,"kind":"binary","bytes":3}
{"type":"beat","round":2,"at_ns":700123456,"elapsed_ms":1746.0,"interval_ms":1500,"window_ms":[1100,1750],"margin_ms":4.0,"lateness_ms":246.0,"answer_us":42.1,"corrected_ms":1746.0,"confidence":null}
{"type":"verdict","round":2,"verdict":"ouch"}
{"type":"secret","secret":"square limit withered water yellow sun"}
{"type":"submission","passed":true,"response":{"result":"passed"}}
{"type":"submission","passed":false,"response":{"rejected":"no"}}
{"type":"error","kind":"lost","message":"ouch! in round 2","attempt":1,"retry_in_ms":500.0}
{"type":"summary","outcome":"solved","rounds":20,"attempts":1,"secret":"square limit withered water yellow sun","worst_margin_ms":4.0,"mean_lateness_ms":0.21,"worst_lateness_ms":246.0,"least_confidence":0.8765}
{"type":"beat","recording":"run.jsonl","recorded_interval_ms":2000,"round":1,"at_ns":700123456,"elapsed_ms":1499.0,"interval_ms":1500,"window_ms":[1100,1750],"margin_ms":251.0,"lateness_ms":-1.0,"answer_us":null,"corrected_ms":1499.0,"confidence":null}
{"type":"verdict","recording":"run.jsonl","round":1,"verdict":"ouch"}
{"type":"summary","outcome":"ended","rounds":1,"attempts":0,"secret":null,"worst_margin_ms":251.0,"mean_lateness_ms":null,"worst_lateness_ms":null,"least_confidence":null,"loss":{"round":1,"reason":"ambiguous","message":"its beat was ambiguous: 1500 and 240 ms late, or 2000 and 260 ms early","interval_ms":1500,"confidence":null,"lateness_ms":240.0,"margin_ms":10.0,"runner_up_ms":2000,"verdict_after_ms":80.0},"recordings":1,"differences":1}
{"type":"beat","round":3,"at_ns":700123456,"elapsed_ms":1770.0,"interval_ms":1500,"window_ms":[1100,1750],"margin_ms":-23.4,"lateness_ms":273.4,"answer_us":42.1,"corrected_ms":1773.4,"confidence":0.8765}
{"type":"simulating","models":["lan","mobile"],"estimators":["oracle","plain"],"sessions":10000,"rounds":20,"seed":7}
{"type":"simulation","model":"lan","estimator":"oracle","rounds":20,"seed":7,"sessions":10000,"won":10000,"wrong":0,"late":0,"share":1.0,"standard_error":0.0}
{"type":"simulation","model":"lan","estimator":"plain","rounds":20,"seed":7,"sessions":10000,"won":9998,"wrong":2,"late":0,"share":0.9998,"standard_error":0.0001}
{"type":"simulation","model":"mobile","estimator":"oracle","rounds":20,"seed":7,"sessions":10000,"won":9950,"wrong":50,"late":0,"share":0.995,"standard_error":0.0007}
{"type":"conversation","number":3,"peer":"127.0.0.1:4711","rounds":4,"result":"lost","cause":"no answer in time","worst_delay_ms":0.071}
"##);
}
