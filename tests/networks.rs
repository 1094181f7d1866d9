//! Bad sessions, recorded in the simulation and kept in data/networks: the plain estimator loses
//! them, and the default one wins.
//!
//! Each file is what `wsbeat simulate --model MODEL --estimator bayes --session NUMBER --record
//! FILE` writes; the test below makes them again. The numbers are those of the first session of
//! each network, with the default seed, that one estimator loses and the other wins.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::PathBuf;

use support::{Program, assert_says};

const SESSIONS: [(&str, &str); 5] = [
    ("mobile", "0"),
    ("lossy8", "0"),
    ("spiky", "2"),
    ("queue", "1"),
    ("handover", "3"),
];

fn recording(model: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/networks");
    fs::read(folder.join(model).with_extension("jsonl")).unwrap()
}

fn replay(recording: &[u8], args: &[&str]) -> support::Ran {
    Program::new("replay")
        .file("session.jsonl", recording)
        .args(["session.jsonl"])
        .args(args)
        .json()
        .run()
}

fn simulate(model: &str, session: &str, estimator: &str) -> support::Ran {
    Program::new("simulate")
        .args(["--model", model, "--session", session])
        .args(["--estimator", estimator, "--record", "session.jsonl"])
        .json()
        .run()
}

#[test]
fn the_recordings_are_what_the_simulation_makes() {
    for (model, session) in SESSIONS {
        let ran = simulate(model, session, "bayes");
        let made = fs::read(ran.succeeded().path("session.jsonl")).unwrap();
        assert!(made == recording(model), "{model}: {ran:?}");
    }
}

#[test]
fn the_default_estimator_wins_where_plain_loses() {
    for (model, session) in SESSIONS {
        let won = replay(&recording(model), &[]);
        let verdicts = won.succeeded().all("verdict");
        assert_eq!(verdicts.len(), 20, "{model}");
        assert!(verdicts.iter().all(|it| it["verdict"] == "good"), "{model}");
        assert_eq!(won.summary()["differences"], 0, "{model}");

        // Plain would have been out at the first difference.
        let lost = replay(&recording(model), &["--estimator", "plain"]);
        assert!(
            lost.succeeded().summary()["differences"].as_u64() > Some(0),
            "{model}"
        );
        let played = simulate(model, session, "plain");
        assert_eq!(played.the("simulation")["wrong"], 1, "{model}");
    }
}

#[test]
fn an_estimate_is_explained_in_the_json_and_in_the_log() {
    let ran = replay(&recording("spiky"), &[]);
    // The first beat came 190 ms early: it was the opening that was late.
    let first = &ran.all("beat")[0];
    assert!(first["elapsed_ms"].as_f64() < Some(520.0), "{first}");
    assert!(first["corrected_ms"].as_f64() > Some(650.0), "{first}");
    assert!(first["lateness_ms"].as_f64() < Some(20.0), "{first}");
    assert!(first["confidence"].as_f64() > Some(0.9), "{first}");
    let least = ran.summary()["least_confidence"].as_f64().unwrap();
    assert!(least > 0.2 && least < 0.9, "{least}");
    let logged = Program::new("replay")
        .file("session.jsonl", recording("spiky"))
        .env("RUST_LOG", "wsbeat=debug")
        .args(["session.jsonl"])
        .run();
    let line = logged.stderr.lines().find(|line| line.contains("round=3 "));
    let explains = [
        "decided",
        "interval_ms=1500",
        "corrected_ms=18",
        "lateness_ms=38",
    ];
    assert_says(line.unwrap(), &explains);
    assert_says(line.unwrap(), &["confidence=0."]);

    let plain = replay(&recording("spiky"), &["--estimator", "plain"]);
    let first = &plain.all("beat")[0];
    assert!(first["confidence"].is_null(), "{first}");
    assert_eq!(first["corrected_ms"], first["elapsed_ms"]);
}

#[test]
fn a_lost_session_says_why_in_words() {
    // Plain loses this one in round 3, where the beat lay between 1500 and 2000.
    let lost = simulate("spiky", "2", "plain");
    let lost = fs::read(lost.succeeded().path("session.jsonl")).unwrap();
    let ran = replay(&lost, &["--estimator", "plain"]);
    let loss = &ran.succeeded().summary()["loss"];
    assert_eq!(loss["reason"], "ambiguous", "{loss}");
    assert_eq!(loss["round"], 3, "{loss}");
    assert_eq!(loss["interval_ms"], 2000, "{loss}");
    assert_eq!(loss["runner_up_ms"], 1500, "{loss}");
    let text = Program::new("replay")
        .file("session.jsonl", &lost)
        .args(["session.jsonl", "--estimator", "plain"])
        .run();
    let why = [
        "why         round 3: its beat was ambiguous: 2000",
        "margin 138.8 ms",
    ];
    assert_says(&text.stdout, &why);
    // Today it is answered otherwise: nothing is known of that answer.
    let today = replay(&lost, &[]);
    assert!(today.summary()["loss"].is_null(), "{today:?}");
}
