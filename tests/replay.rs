//! `wsbeat replay`: live servers without tokens, and recordings.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Program, Script, Server, assert_says};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// The WebSocket of a scripted server, with a token in its address that nobody checks.
fn socket(server: &Server) -> String {
    format!("{}/_/ws/typed-by-hand-0123", server.url()).replace("http", "ws")
}

#[test]
fn a_server_that_never_judges_is_played_until_there_are_enough_rounds() {
    let server = Script::new()
        .talk(|_, socket| {
            for _ in 0..3 {
                socket.text("ping!\n");
                assert_eq!(socket.answer(), "700");
            }
            assert_eq!(socket.part().0, 1000);
        })
        .start();
    let ran = Program::new("replay")
        .args([&socket(&server), "--rounds", "3", "--record", "run.jsonl"])
        .json()
        .run();
    ran.succeeded();
    assert_eq!(ran.all("beat").len(), 3);
    assert_eq!(ran.all("verdict").len(), 0);
    assert_eq!(ran.summary()["outcome"], "ended");
    assert_eq!(server.problems().len() + server.solutions().len(), 0);
    // The token is not shown even though it was typed.
    assert!(!ran.stdout.contains("typed-by-hand"), "{ran:?}");
    assert_eq!(ran.recording("run.jsonl").len(), 8);
}

#[test]
fn the_last_verdict_is_still_heard() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.round();
            socket.part();
        })
        .start();
    let ran = Program::new("replay")
        .args([&socket(&server), "--rounds", "1"])
        .json()
        .run();
    assert_eq!(ran.succeeded().the("verdict")["verdict"], "good");
}

#[test]
fn a_server_that_takes_its_leave_ends_the_replay() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.round();
            socket.close(1000, "that was it");
            socket.closed();
        })
        .start();
    let ran = Program::new("replay").args([&socket(&server)]).json().run();
    assert_eq!(ran.succeeded().summary()["outcome"], "ended");
}

#[test]
fn a_live_server_that_says_ouch_has_won() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.text("ping!");
            socket.answer();
            socket.text("ouch! no");
            socket.part();
        })
        .start();
    let ran = Program::new("replay").args([&socket(&server)]).json().run();
    assert_says(&ran.failed(1, "lost"), &["round 1"]);
}

#[test]
fn a_recording_shows_what_was_answered_then_and_now() {
    let ran = Program::new("replay")
        .args([data("lost.jsonl")])
        .args(["--estimator", "plain"])
        .json()
        .run();
    ran.succeeded();
    let beats = ran.all("beat");
    let of = |name: &str| {
        beats
            .iter()
            .map(|beat| beat[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("recorded_interval_ms"), [1500, 2500, 1500]);
    assert_eq!(of("interval_ms"), [1500, 3000, 700]);
    let verdicts = ran.all("verdict");
    let verdicts: Vec<_> = verdicts.iter().map(|item| &item["verdict"]).collect();
    assert_eq!(verdicts, ["good", "good", "ouch"]);
    let summary = ran.summary();
    assert_eq!(
        (&summary["outcome"], &summary["differences"]),
        (&"ended".into(), &2.into())
    );

    let ran = Program::new("replay")
        .args([data("lost.jsonl")])
        .args(["--estimator", "plain"])
        .run();
    let lines: Vec<_> = ran.succeeded().stdout.lines().collect();
    assert_says(lines[2], &["then   now", "verdict"]);
    assert_says(lines[4], &["2500  3000", "good"]);
    assert_says(
        &ran.stdout,
        &["3 rounds in 1 recording, 2 answered differently now"],
    );
}

#[test]
fn many_recordings_are_judged_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let recording = fs::read(data("lost.jsonl")).unwrap();
    let paths: Vec<_> = (0..300)
        .map(|number| {
            let path = folder.path().join(format!("{number}.jsonl"));
            fs::write(&path, &recording).unwrap();
            path
        })
        .collect();
    let ran = Program::new("replay").args(&paths).json().run();
    let summary = ran.succeeded().summary();
    assert_eq!(
        (&summary["recordings"], &summary["rounds"]),
        (&300.into(), &900.into())
    );
    let mut shown: Vec<Value> = ran
        .all("beat")
        .iter()
        .map(|beat| beat["recording"].clone())
        .collect();
    shown.dedup();
    let given: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(shown, given);
}

#[test]
fn a_dotenv_that_is_none_of_our_business_is_none() {
    let ran = Program::new("replay")
        .args([data("lost.jsonl")])
        .file(".env", "this is no setting\n")
        .json()
        .run();
    ran.succeeded();
}
