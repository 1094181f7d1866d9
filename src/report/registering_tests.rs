//! What the reports of a registration look like, pinned.

use std::time::Duration;

use super::tests::written;
use super::text::Text;
use super::*;
use crate::conversation::Stamp;
use crate::conversation::registration::{
    ErrorCode, Line, PublicKey, RegistrantEvent, Rejection, Request,
};

const MOMENT: i64 = 1_795_264_496;

fn at(millis: u64) -> Stamp {
    Stamp::OPENING + Duration::from_millis(millis)
}

fn me() -> PublicKey {
    PublicKey::new([1; 32])
}

fn somebody() -> PublicKey {
    PublicKey::new([2; 32])
}

fn line(text: &str, to: Option<PublicKey>) -> Line {
    let text = text.to_owned();
    Line { text, to }
}

fn heard(from: PublicKey, text: &str, after_s: i64) -> RegistrantEvent {
    RegistrantEvent::Heard {
        at: at(20),
        from,
        text: text.to_owned(),
        timestamp: MOMENT + after_s,
    }
}

fn delivered(text: &str, to: Option<PublicKey>, connections: usize) -> RegistrantEvent {
    RegistrantEvent::Delivered {
        at: at(30),
        line: line(text, to),
        connections,
    }
}

fn unanswered(what: Request) -> RegistrantEvent {
    RegistrantEvent::Unanswered { at: at(90), what }
}

fn rejected(retries: u32) -> RegistrantEvent {
    RegistrantEvent::Rejected { at: at(3), retries }
}

/// All that can be noticed of a registration.
fn noticed() -> Vec<RegistrantEvent> {
    vec![
        RegistrantEvent::Challenged { at: at(1) },
        rejected(3),
        rejected(1),
        rejected(0),
        RegistrantEvent::Registered { at: at(4) },
        RegistrantEvent::Confirmed { at: at(5) },
        heard(somebody(), "anybody?", 0),
        heard(somebody(), "hello\n\u{1b}[2J", 50_000),
        delivered("hi", None, 2),
        delivered("hi again", None, 1),
        delivered("where are you all?", None, 0),
        delivered("psst", Some(somebody()), 1),
        RegistrantEvent::Refused {
            at: at(40),
            line: Some(line(&"long ".repeat(12), None)),
            code: ErrorCode::TextTooLong,
            reason: "The text has 5000 bytes, and 4096 are allowed.".to_owned(),
        },
        RegistrantEvent::Refused {
            at: at(40),
            line: Some(line("psst", Some(PublicKey::new([3; 32])))),
            code: ErrorCode::UnknownKey,
            reason: "Nobody is registered with that key.".to_owned(),
        },
        RegistrantEvent::Refused {
            at: at(41),
            line: None,
            code: ErrorCode::Malformed,
            reason: "That makes no sense.".to_owned(),
        },
        RegistrantEvent::Held {
            at: at(50),
            retry_after: Duration::from_millis(3200),
            what: Request::Line,
        },
        RegistrantEvent::Held {
            at: at(50),
            retry_after: Duration::from_millis(40),
            what: Request::Answer,
        },
        RegistrantEvent::Unregistered {
            at: at(60),
            reason: "A challenge was not answered in time.".to_owned(),
        },
        RegistrantEvent::Unregistered {
            at: at(60),
            reason: String::new(),
        },
        RegistrantEvent::Registered { at: at(61) },
        RegistrantEvent::Overfull {
            at: at(75),
            line: line("one too many", Some(somebody())),
        },
        RegistrantEvent::Odd {
            at: at(80),
            text: "{}\u{1b}".to_owned(),
            reason: "the message is none that is known here".to_owned(),
        },
        RegistrantEvent::Unproven {
            at: at(82),
            why: Rejection::Unasked,
        },
        RegistrantEvent::Foreign {
            at: at(85),
            challenge: "wsbeat-registration-v1:elsewhere.example:443:AAAA\u{7}".to_owned(),
        },
        unanswered(Request::Challenge),
        unanswered(Request::Answer),
        unanswered(Request::Line),
    ]
}

fn key(file: Option<&str>, is_new: bool) -> Item {
    Item::Key(KeyItem {
        public_key: me(),
        file: file.map(str::to_owned),
        is_new,
    })
}

fn items() -> Vec<Item> {
    let mut tally = RegistrationTally::default();
    tally.set_key(me());
    tally.begin_connection();
    (0..8).for_each(|_| tally.wish());
    let mut items = vec![
        key(None, true),
        key(Some("me.pem"), true),
        key(Some("me.pem"), false),
    ];
    for event in noticed() {
        if let Some(item) = RegistrationItem::new(&event, Some(me()), None) {
            tally.count(&item.news);
            items.push(Item::Registration(item));
        }
    }
    items.push(Item::RegistrationSummary(tally.summary(Outcome::Ended)));
    let before_any = RegistrationTally::default().summary(Outcome::Failed);
    items.push(Item::RegistrationSummary(before_any));
    items
}

#[test]
fn a_registration_reads_like_one() {
    let page = written(&items());
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    insta::assert_snapshot!(page, @r##"
key         AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
            of this run only; --key FILE keeps one
key         AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
            made, and kept in me.pem
key         AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
— the answer was rejected; there are 3 other tries —
— the answer was rejected; there is another try —
— the answer was rejected; there is no other try —
— registered as AQEBAQEB —
— 2026-11-21, times in UTC —
12:34:56 AgICAgIC  anybody?
— 2026-11-22 —
02:28:16 AgICAgIC  hello ⏎ \u{1b}[2J
         you  hi  (2 others)
         you  hi again  (1 other)
         you  where are you all?  (nobody else is there)
         you to AgICAgIC  psst
— not said: "long long long long long long long long …": The text has
  5000 bytes, and 4096 are allowed. —
— not said to AwMDAwMD: "psst": Nobody is registered with that key. —
— refused: That makes no sense. —
— too fast for the registrar: the line is said again in 3.2 s —
— too fast for the registrar: the answer is given again in 0.0 s —
— registered no more: A challenge was not answered in time. —
— registered no more —
— registered as AQEBAQEB —
— not said to AgICAgIC: "one too many": too much waits for its turn
  already —
— the registrar makes no sense: the message is none that is known
  here —
— the answer proves nothing: no challenge was to be answered —
— not signed: "wsbeat-registration-v1:elsewhere.example…" —
— the registrar does not challenge —
— the registrar does not say what it makes of the answer —
— the registrar does not answer to the line —

ended       registered 2 times, 4 delivered, 2 heard, 3 refused, 1 left unsaid,
            3 answers rejected
"##);
}

#[test]
fn the_schema_of_a_registration_is_pinned() {
    let mut out = Vec::new();
    for item in items() {
        json::write(&item, &mut out).unwrap();
    }
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
{"type":"key","public_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","file":null,"is_new":true}
{"type":"key","public_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","file":"me.pem","is_new":true}
{"type":"key","public_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","file":"me.pem","is_new":false}
{"type":"rejected","at_ns":3000000,"retries":3}
{"type":"rejected","at_ns":3000000,"retries":1}
{"type":"rejected","at_ns":3000000,"retries":0}
{"type":"registered","at_ns":4000000,"public_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}
{"type":"heard","at_ns":20000000,"from":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI","text":"anybody?","timestamp":1795264496}
{"type":"heard","at_ns":20000000,"from":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI","text":"hello\n\u001b[2J","timestamp":1795314496}
{"type":"delivered","at_ns":30000000,"text":"hi","to":null,"connections":2}
{"type":"delivered","at_ns":30000000,"text":"hi again","to":null,"connections":1}
{"type":"delivered","at_ns":30000000,"text":"where are you all?","to":null,"connections":0}
{"type":"delivered","at_ns":30000000,"text":"psst","to":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI","connections":1}
{"type":"refused","at_ns":40000000,"text":"long long long long long long long long long long long long ","to":null,"code":"text_too_long","reason":"The text has 5000 bytes, and 4096 are allowed."}
{"type":"refused","at_ns":40000000,"text":"psst","to":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM","code":"unknown_key","reason":"Nobody is registered with that key."}
{"type":"refused","at_ns":41000000,"text":null,"to":null,"code":"malformed","reason":"That makes no sense."}
{"type":"held","at_ns":50000000,"retry_in_ms":3200.0,"what":"line"}
{"type":"held","at_ns":50000000,"retry_in_ms":40.0,"what":"answer"}
{"type":"unregistered","at_ns":60000000,"reason":"A challenge was not answered in time."}
{"type":"unregistered","at_ns":60000000,"reason":""}
{"type":"registered","at_ns":61000000,"public_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}
{"type":"overfull","at_ns":75000000,"text":"one too many","to":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"}
{"type":"odd","at_ns":80000000,"text":"{}\u001b","reason":"the message is none that is known here"}
{"type":"unproven","at_ns":82000000,"reason":"no challenge was to be answered"}
{"type":"foreign","at_ns":85000000,"challenge":"wsbeat-registration-v1:elsewhere.example:443:AAAA\u0007"}
{"type":"unanswered","at_ns":90000000,"what":"challenge"}
{"type":"unanswered","at_ns":90000000,"what":"answer"}
{"type":"unanswered","at_ns":90000000,"what":"line"}
{"type":"summary","outcome":"ended","public_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","registered":2,"rejected":3,"delivered":4,"refused":3,"heard":2,"unsaid":1,"connections":1}
{"type":"summary","outcome":"failed","public_key":null,"registered":0,"rejected":0,"delivered":0,"refused":0,"heard":0,"unsaid":0,"connections":0}
"##);
}

#[test]
fn recordings_are_told_apart() {
    let said = |recording| {
        let event = heard(somebody(), "hello", 0);
        Item::Registration(RegistrationItem::new(&event, Some(me()), Some(recording)).unwrap())
    };
    let items = [said("a.jsonl"), said("a.jsonl"), said("b.jsonl")];
    insta::assert_snapshot!(written(&items), @r##"

a.jsonl
— 2026-11-21, times in UTC —
12:34:56 AgICAgIC  hello
12:34:56 AgICAgIC  hello

b.jsonl
— 2026-11-21, times in UTC —
12:34:56 AgICAgIC  hello
"##);
    let mut out = Vec::new();
    json::write(&items[0], &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.ends_with(",\"recording\":\"a.jsonl\"}\n"), "{out}");
}

#[test]
fn keys_are_coloured_and_what_is_no_message_is_faint() {
    let mut text = Text::default();
    let mut write = |event: &RegistrantEvent| {
        let mut out = Vec::new();
        let item = Item::Registration(RegistrationItem::new(event, Some(me()), None).unwrap());
        text.write(&item, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        out.lines().last().unwrap().to_owned()
    };
    let other = write(&heard(somebody(), "x", 0));
    assert!(other.contains("\u{1b}[38;5;"), "{other:?}");
    assert!(other.ends_with("\u{1b}[0m  x"), "{other:?}");
    let own = write(&delivered("x", None, 2));
    assert!(own.contains("\u{1b}[1myou\u{1b}[0m  x\u{1b}[2m"), "{own:?}");
}

#[test]
fn secrets_are_blanked_in_every_text() {
    let secret = "s3cret-t1cket";
    let of = [
        heard(somebody(), secret, 0),
        delivered(secret, None, 1),
        RegistrantEvent::Refused {
            at: at(1),
            line: Some(line(secret, None)),
            code: ErrorCode::Other,
            reason: secret.to_owned(),
        },
        RegistrantEvent::Overfull {
            at: at(1),
            line: line(secret, None),
        },
        RegistrantEvent::Unregistered {
            at: at(1),
            reason: secret.to_owned(),
        },
        RegistrantEvent::Foreign {
            at: at(1),
            challenge: secret.to_owned(),
        },
        RegistrantEvent::Odd {
            at: at(1),
            text: secret.to_owned(),
            reason: secret.to_owned(),
        },
    ];
    for event in of {
        let item = Item::Registration(RegistrationItem::new(&event, Some(me()), None).unwrap());
        let redacted = item.with_texts(|text| text.replace(secret, "…"));
        let mut out = Vec::new();
        json::write(&redacted, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(!out.contains(secret) && out.contains('…'), "{out}");
    }
}
