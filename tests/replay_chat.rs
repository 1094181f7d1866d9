//! `wsbeat replay` of recorded chats.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Program, assert_says};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

#[test]
fn a_recorded_chat_is_told_as_it_was_heard() {
    let ran = Program::new("replay")
        .args([data("chat.jsonl")])
        .json()
        .run();
    ran.succeeded();
    let chat = data("chat.jsonl");
    let heard: Vec<_> = ran
        .all("message")
        .iter()
        .map(|item| {
            assert_eq!(item["recording"], chat.to_str().unwrap());
            let text = |name: &str| item[name].as_str().unwrap().to_owned();
            (text("user"), text("text"), text("how"))
        })
        .collect();
    let expected = [
        ("bob", "anyone here?", "earlier"),
        ("carol", "hello", "own"),
        ("bob", "hello", "live"),
    ];
    let expected =
        expected.map(|(user, text, how)| (user.to_owned(), text.to_owned(), how.to_owned()));
    assert_eq!(heard, expected);
    let of = |kind: &str, field: &str| -> Vec<Value> {
        let items = ran.all(kind);
        items.iter().map(|item| item[field].clone()).collect()
    };
    assert_eq!(of("entered", "channel"), ["pond", "sea"]);
    assert_eq!(of("named", "user"), ["carol", "carol"]);
    assert_eq!(of("name_refused", "code"), ["name_taken"]);
    assert_eq!(of("refused", "text"), [" "]);
    assert_eq!(of("presence", "roster"), [true, false, true, false]);
    let summary = ran.summary();
    assert_eq!(summary["outcome"], "ended");
    assert_eq!(
        (&summary["sent"], &summary["received"]),
        (&1.into(), &2.into())
    );
    // What else was to be said is not in a recording.
    assert_eq!(summary.get("unsaid"), None);
    // Nobody has played a round.
    assert_eq!(summary.get("rounds"), None);
}

#[test]
fn people_read_it_as_they_did_then() {
    let ran = Program::new("replay").args([data("chat.jsonl")]).run();
    let text = &ran.succeeded().stdout;
    assert_says(
        text,
        &[
            "chat.jsonl",
            "anyone here?",
            "you are carol",
            "in #sea",
            "1 said, 2 heard, 1 refused",
        ],
    );
    assert!(!text.contains("round"), "{text}");
}

#[test]
fn chats_and_challenges_can_be_told_one_after_the_other() {
    let ran = Program::new("replay")
        .args([data("chat.jsonl"), data("lost.jsonl"), data("chat.jsonl")])
        .json()
        .run();
    ran.succeeded();
    assert_eq!(ran.all("beat").len(), 3);
    assert_eq!(ran.all("message").len(), 6);
    let summaries = ran.all("summary");
    assert_eq!(summaries.len(), 2);
    assert_eq!(
        (&summaries[0]["rounds"], &summaries[0]["recordings"]),
        (&3.into(), &1.into())
    );
    assert_eq!(
        (&summaries[1]["sent"], &summaries[1]["connections"]),
        (&2.into(), &2.into())
    );
}

#[test]
fn the_connections_of_one_chat_belong_together() {
    // The second connection is told what was said over the first, and something more.
    let header = fs::read_to_string(data("chat.jsonl")).unwrap();
    let header = header.lines().next().unwrap();
    let received =
        |text: &str| format!(r#"{{"at_ns":1,"type":"received","kind":"text","text":{text:?}}}"#);
    let said = |text: &str| {
        received(&format!(
            r#"{{"type":"message","text":"{text}","timestamp":1795262300,"user":"bob"}}"#
        ))
    };
    let connection = received(r#"{"type":"connection","id":"pond"}"#);
    let open = r#"{"at_ns":0,"type":"open"}"#.to_owned();
    let presence = received(r#"{"type":"presence","came":[],"went":[],"total":0}"#);
    let beginning = [header.to_owned(), open, connection, said("one")].join("\n");
    let first = format!("{beginning}\n{presence}\n");
    let whole = format!("{beginning}\n{}\n{presence}\n", said("two"));
    let second = whole.replace("12:00:00Z", "12:00:03.25Z");
    let program = || {
        Program::new("replay")
            .file("run.jsonl", &first)
            .file("run.2.jsonl", &second)
            .file("other.jsonl", &second)
            .file("older.jsonl", &first)
            .file("older.2.jsonl", whole.replace("T12:", "T11:"))
            .json()
    };
    let heard = |names: &[&str]| -> Vec<String> {
        let ran = program().args(names).run();
        let messages = ran.succeeded().all("message");
        let how = |item: &Value| format!("{} {}", item["text"], item["how"]).replace('"', "");
        messages.iter().map(how).collect()
    };
    for names in [["run.jsonl", "run.2.jsonl"], ["run.2.jsonl", "run.jsonl"]] {
        assert_eq!(heard(&names), ["one earlier", "two missed"]);
    }
    let apart = ["one earlier", "one earlier", "two earlier"];
    assert_eq!(heard(&["run.jsonl", "other.jsonl"]), apart);
    // It is left of a run before.
    assert_eq!(heard(&["older.jsonl", "older.2.jsonl"]), apart);
}

#[test]
fn a_chat_is_not_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("chat.svg");
    let ran = Program::new("replay")
        .args([data("chat.jsonl"), "--plot".into(), picture.clone()])
        .json()
        .run();
    let failed = ran.failed(2, "usage");
    assert_says(&failed, &["--plot", "chat.jsonl", "is a chat"]);
    // What was not drawn leaves no file behind.
    assert!(!picture.exists());
}

#[test]
fn a_chat_that_is_cut_off_is_told_up_to_there() {
    let whole = fs::read(data("chat.jsonl")).unwrap();
    // In the middle of the join.
    let join = whole.windows(4).position(|it| it == b"join").unwrap();
    let ran = Program::new("replay")
        .file("chat.jsonl", &whole[..join])
        .args(["chat.jsonl"])
        .json()
        .run();
    ran.succeeded();
    assert_eq!(ran.all("entered").len(), 1);
    assert_eq!(ran.the("error")["kind"], "recording");
    assert_eq!(ran.summary()["received"], 2);
}
