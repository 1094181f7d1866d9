//! What the reports of a chat look like, pinned.

use std::time::Duration;

use super::tests::written;
use super::text::Text;
use super::*;
use crate::conversation::Stamp;
use crate::conversation::chat::{
    ErrorCode, GuestCue, GuestEvent, Heard, Hearing, NextName, Request, Roster, UserName,
};

const MOMENT: i64 = 1_795_264_496;

fn at(millis: u64) -> Stamp {
    Stamp::OPENING + Duration::from_millis(millis)
}

fn name(name: &str) -> UserName {
    name.parse().unwrap()
}

fn heard(user: &str, text: &str, after_s: i64, how: Hearing) -> GuestEvent {
    GuestEvent::Heard(Heard {
        at: at(20),
        user: user.to_owned(),
        text: text.to_owned(),
        timestamp: MOMENT + after_s,
        how,
    })
}

fn presence(came: &[&str], went: &[&str], total: usize, roster: Roster) -> GuestEvent {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    GuestEvent::Presence {
        at: at(30),
        came: names(came),
        went: names(went),
        total,
        roster,
    }
}

fn refused(text: Option<&str>, code: ErrorCode, reason: &str) -> GuestEvent {
    GuestEvent::Refused {
        at: at(40),
        text: text.map(str::to_owned),
        code,
        reason: reason.to_owned(),
    }
}

/// All that can be noticed in a chat.
fn noticed() -> Vec<GuestEvent> {
    let crowd: Vec<_> = (1..=20).map(|number| format!("guest{number}")).collect();
    let crowd: Vec<_> = crowd.iter().map(String::as_str).collect();
    vec![
        GuestEvent::Entered {
            at: at(1),
            channel: "fishing".to_owned(),
        },
        heard("bob", "before midnight", -50_000, Hearing::Earlier),
        heard("bob", "I heard you have the best luck", 0, Hearing::Earlier),
        presence(&["bob"], &[], 1, Roster::Whole),
        GuestEvent::NameRefused {
            at: at(2),
            name: name("bob"),
            code: Some(ErrorCode::NameTaken),
            reason: "Somebody in this channel goes by that name.".to_owned(),
            next: NextName::Unknown,
        },
        GuestEvent::NameRefused {
            at: at(3),
            name: name("bob"),
            code: None,
            reason: String::new(),
            next: NextName::Unknown,
        },
        GuestEvent::NameRefused {
            at: at(3),
            name: name("alice"),
            code: Some(ErrorCode::NameTaken),
            reason: "Taken.".to_owned(),
            next: NextName::Same(at(5003)),
        },
        GuestEvent::Named {
            at: at(4),
            name: name("alice"),
        },
        presence(&["alice"], &[], 2, Roster::Change),
        presence(&["carol", "dave"], &["bob"], 3, Roster::Change),
        heard("carol", "hello\nalice \u{1b}[2J", 5, Hearing::Live),
        heard("alice", "hi", 6, Hearing::Own),
        refused(
            Some(&"long ".repeat(12)),
            ErrorCode::MessageTooLong,
            "The message has 5000 bytes, and 4096 are allowed.",
        ),
        refused(None, ErrorCode::ChannelInvalid, "No channel is called so."),
        GuestEvent::Held {
            at: at(50),
            until: at(3250),
            what: Request::Line,
        },
        GuestEvent::Unnamed {
            at: at(60),
            name: name("alice"),
        },
        GuestEvent::Forgotten { at: at(70) },
        heard("carol", "anybody?", 100, Hearing::Missed),
        heard("dave", "here", 101, Hearing::Missed),
        heard("dave", "live", 102, Hearing::Live),
        presence(&crowd, &[], 300, Roster::Whole),
        presence(&[], &[], 0, Roster::Whole),
        GuestEvent::Overfull {
            at: at(75),
            cue: GuestCue::Say("one too many".to_owned()),
        },
        GuestEvent::Odd {
            at: at(80),
            text: "{}".to_owned(),
            reason: "a message is an object with a \"type\"".to_owned(),
        },
    ]
}

fn items() -> Vec<Item> {
    let mut tally = ChatTally::default();
    tally.begin_connection();
    (0..4).for_each(|_| tally.wish());
    let noticed = noticed();
    noticed.iter().for_each(|event| tally.count(event));
    let chat = |event| Item::Chat(ChatItem::new(event, None));
    let mut items: Vec<_> = noticed.iter().map(chat).collect();
    items.push(Item::ChatSummary(tally.summary(Outcome::Ended)));
    tally.begin_connection();
    items.push(Item::ChatSummary(tally.summary(Outcome::Failed)));
    let before_any = ChatTally::default().summary(Outcome::Failed);
    items.push(Item::ChatSummary(before_any));
    items
}

#[test]
fn a_chat_reads_like_one() {
    let page = written(&items());
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    insta::assert_snapshot!(page, @r##"
— in #fishing —
— 2026-11-20, times in UTC —
22:41:36 bob  before midnight
— 2026-11-21 —
12:34:56 bob  I heard you have the best luck
— here: bob —
— you cannot be bob: Somebody in this channel goes by that name. —
— you cannot be bob —
— you cannot be alice: Taken. (claiming it again in 5.0 s) —
— you are alice —
— carol, dave came —
— bob went —
12:35:01 carol  hello ⏎ alice \u{1b}[2J
12:35:02 alice  hi
— not said: "long long long long long long long long …": The message
  has 5000 bytes, and 4096 are allowed. —
— refused: No channel is called so. —
— too fast for the room: the line is said again in 3.2 s —
— the name alice was free for a moment, since no answer came in time;
  claiming it again —
— more may have been said while you were away than the room remembers —
— missed while away —
12:36:36 carol  anybody?
12:36:37 dave  here
12:36:38 dave  live
— here: guest1, guest2, guest3, guest4, guest5, guest6, guest7,
  guest8, guest9, guest10, guest11, guest12, guest13, guest14,
  guest15, guest16, guest17, guest18, guest19, guest20 and 280 more —
— nobody is here —
— not said: "one too many": too much waits for its turn already —
— the room makes no sense: a message is an object with a "type" —

ended       1 said, 6 heard, 2 refused, 1 left unsaid

failed      1 said, 6 heard, 2 refused, 1 left unsaid, over 2 connections
"##);
}

#[test]
fn the_schema_of_a_chat_is_pinned() {
    let mut out = Vec::new();
    for item in items() {
        json::write(&item, &mut out).unwrap();
    }
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
{"type":"entered","at_ns":1000000,"channel":"fishing"}
{"type":"message","at_ns":20000000,"user":"bob","text":"before midnight","timestamp":1795214496,"how":"earlier"}
{"type":"message","at_ns":20000000,"user":"bob","text":"I heard you have the best luck","timestamp":1795264496,"how":"earlier"}
{"type":"presence","at_ns":30000000,"came":["bob"],"went":[],"total":1,"roster":true}
{"type":"name_refused","at_ns":2000000,"user":"bob","code":"name_taken","reason":"Somebody in this channel goes by that name."}
{"type":"name_refused","at_ns":3000000,"user":"bob","code":null,"reason":""}
{"type":"name_refused","at_ns":3000000,"user":"alice","code":"name_taken","reason":"Taken.","retry_in_ms":5000.0}
{"type":"named","at_ns":4000000,"user":"alice"}
{"type":"presence","at_ns":30000000,"came":["alice"],"went":[],"total":2,"roster":false}
{"type":"presence","at_ns":30000000,"came":["carol","dave"],"went":["bob"],"total":3,"roster":false}
{"type":"message","at_ns":20000000,"user":"carol","text":"hello\nalice \u001b[2J","timestamp":1795264501,"how":"live"}
{"type":"message","at_ns":20000000,"user":"alice","text":"hi","timestamp":1795264502,"how":"own"}
{"type":"refused","at_ns":40000000,"text":"long long long long long long long long long long long long ","code":"message_too_long","reason":"The message has 5000 bytes, and 4096 are allowed."}
{"type":"refused","at_ns":40000000,"text":null,"code":"channel_invalid","reason":"No channel is called so."}
{"type":"held","at_ns":50000000,"retry_in_ms":3200.0,"what":"line"}
{"type":"unnamed","at_ns":60000000,"user":"alice"}
{"type":"forgotten","at_ns":70000000}
{"type":"message","at_ns":20000000,"user":"carol","text":"anybody?","timestamp":1795264596,"how":"missed"}
{"type":"message","at_ns":20000000,"user":"dave","text":"here","timestamp":1795264597,"how":"missed"}
{"type":"message","at_ns":20000000,"user":"dave","text":"live","timestamp":1795264598,"how":"live"}
{"type":"presence","at_ns":30000000,"came":["guest1","guest2","guest3","guest4","guest5","guest6","guest7","guest8","guest9","guest10","guest11","guest12","guest13","guest14","guest15","guest16","guest17","guest18","guest19","guest20"],"went":[],"total":300,"roster":true}
{"type":"presence","at_ns":30000000,"came":[],"went":[],"total":0,"roster":true}
{"type":"overfull","at_ns":75000000,"text":"one too many"}
{"type":"odd","at_ns":80000000,"text":"{}","reason":"a message is an object with a \"type\""}
{"type":"summary","outcome":"ended","sent":1,"received":6,"refused":2,"unsaid":1,"connections":1}
{"type":"summary","outcome":"failed","sent":1,"received":6,"refused":2,"unsaid":1,"connections":2}
{"type":"summary","outcome":"failed","sent":0,"received":0,"refused":0,"unsaid":0,"connections":0}
"##);
}

#[test]
fn recordings_are_told_apart() {
    let said = |recording| {
        let event = heard("bob", "hello", 0, Hearing::Live);
        Item::Chat(ChatItem::new(&event, Some(recording)))
    };
    let items = [said("a.jsonl"), said("a.jsonl"), said("b.jsonl")];
    insta::assert_snapshot!(written(&items), @r##"

a.jsonl
— 2026-11-21, times in UTC —
12:34:56 bob  hello
12:34:56 bob  hello

b.jsonl
— 2026-11-21, times in UTC —
12:34:56 bob  hello
"##);
    let mut out = Vec::new();
    json::write(&items[0], &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
{"type":"message","at_ns":20000000,"user":"bob","text":"hello","timestamp":1795264496,"how":"live","recording":"a.jsonl"}
"##);
}

#[test]
fn names_are_coloured_and_what_is_old_is_faint() {
    let mut text = Text::default();
    let mut write = |event: &GuestEvent| {
        let mut out = Vec::new();
        let item = Item::Chat(ChatItem::new(event, None));
        text.write(&item, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        out.lines().last().unwrap().to_owned()
    };
    let live = write(&heard("bob", "x", 0, Hearing::Live));
    let earlier = write(&heard("bob", "x", 0, Hearing::Earlier));
    let own = write(&heard("bob", "x", 0, Hearing::Own));
    assert!(live.ends_with("bob\u{1b}[0m  x"), "{live:?}");
    assert!(earlier.ends_with("\u{1b}[2mx\u{1b}[0m"), "{earlier:?}");
    assert!(own.contains("\u{1b}[1m"), "{own:?}");
}

#[test]
fn secrets_are_blanked_in_every_text() {
    let secret = "s3cret-t1cket";
    let of = [
        heard(secret, secret, 0, Hearing::Live),
        presence(&[secret], &[secret], 1, Roster::Change),
        refused(Some(secret), ErrorCode::Other, secret),
        GuestEvent::Entered {
            at: at(1),
            channel: secret.to_owned(),
        },
        GuestEvent::Named {
            at: at(1),
            name: name(secret),
        },
        GuestEvent::Unnamed {
            at: at(1),
            name: name(secret),
        },
        GuestEvent::NameRefused {
            at: at(1),
            name: name(secret),
            code: None,
            reason: secret.to_owned(),
            next: NextName::Unknown,
        },
        GuestEvent::Odd {
            at: at(1),
            text: secret.to_owned(),
            reason: secret.to_owned(),
        },
    ];
    for event in of {
        let item = Item::Chat(ChatItem::new(&event, None));
        let redacted = item.with_texts(|text| text.replace(secret, "…"));
        let mut out = Vec::new();
        json::write(&redacted, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(!out.contains(secret) && out.contains('…'), "{out}");
    }
}

#[test]
fn who_changes_the_name_neither_comes_nor_goes() {
    let named = |user: &str| GuestEvent::Named {
        at: Stamp::OPENING,
        name: user.parse().unwrap(),
    };
    let presence = |came: &str, went: &str| GuestEvent::Presence {
        at: Stamp::OPENING,
        came: vec![came.to_owned()],
        went: vec![went.to_owned()],
        total: 2,
        roster: Roster::Change,
    };
    let unanswered = |what| GuestEvent::Unanswered {
        at: Stamp::OPENING,
        what,
    };
    let events = [
        named("alice"),
        named("carol"),
        presence("carol", "alice"),
        // Somebody else takes the name that is free now.
        presence("alice", "bob"),
        unanswered(Request::Channel),
        unanswered(Request::Name),
        unanswered(Request::Line),
    ];
    let items = events.map(|event| Item::Chat(ChatItem::new(&event, None)));
    let expected = [
        "— you are alice —",
        "— you are carol —",
        "— alice came —",
        "— bob went —",
        "— the room opens no channel —",
        "— the room does not answer to the name —",
        "— the room does not answer to the line —",
    ];
    assert_eq!(written(&items).lines().collect::<Vec<_>>(), expected);
}
