//! `wsbeat simulate`, as its users meet it, and modelled networks in front of a real server.

#![cfg(unix)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Program, assert_says, serve};

fn results<'a>(lines: &'a [Value], estimator: &str) -> Vec<&'a Value> {
    lines
        .iter()
        .filter(|line| line["type"] == "simulation" && line["estimator"] == estimator)
        .collect()
}

#[test]
fn the_table_has_a_row_for_each_network_and_a_column_for_each_estimator() {
    let ran = Program::new("simulate")
        .args(["--sessions", "50", "--model", "lan", "--model", "broadband"])
        .run();
    ran.succeeded();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].contains("50 sessions of 20 rounds"), "{ran:?}");
    let words =
        |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    assert_eq!(words(lines[3]), ["network", "oracle", "plain", "bayes"]);
    assert_eq!(words(lines[4]), ["lan", "1.000", "1.000", "1.000"]);
    assert_eq!(words(lines[5]), ["broadband", "1.000", "1.000", "1.000"]);
    assert_eq!(lines.len(), 6, "{ran:?}");
}

#[test]
fn the_same_seed_gives_the_same_results_and_another_one_others() {
    let run = |seed: &str| {
        let ran = Program::new("simulate")
            .args(["--model", "spiky", "--sessions", "300", "--seed", seed])
            .json()
            .run();
        ran.succeeded().items()
    };
    let first = run("1");
    assert_eq!(first, run("1"));
    assert_ne!(first, run("2"));
    assert_eq!(first[0]["type"], "simulating");
    for name in ["oracle", "plain", "bayes"] {
        let [result] = results(&first, name)[..] else {
            panic!("{first:?}");
        };
        let count = |field: &str| result[field].as_u64().unwrap();
        assert_eq!(count("won") + count("wrong") + count("late"), 300);
        assert_eq!(count("sessions"), 300);
    }
    let oracle = results(&first, "oracle")[0];
    assert_eq!(oracle["wrong"], 0);
}

#[test]
fn rounds_and_estimators_can_be_chosen() {
    let ran = Program::new("simulate")
        .args([
            "--model",
            "mobile",
            "--estimator",
            "plain",
            "--rounds",
            "1",
            "--sessions",
            "400",
        ])
        .json()
        .run();
    let lines = ran.succeeded().items();
    assert!(results(&lines, "bayes").is_empty());
    // One round is won more often than twenty: 0.98 against 0.75.
    let share = results(&lines, "plain")[0]["share"].as_f64().unwrap();
    assert!(share > 0.9, "{share}");
}

#[test]
fn a_single_session_can_be_recorded_and_replayed() {
    let ran = Program::new("simulate")
        .args(["--model", "spiky", "--estimator", "plain", "--session", "3"])
        .args(["--record", "lost.jsonl"])
        .json()
        .run();
    assert_eq!(ran.succeeded().the("simulation")["sessions"], 1);
    assert_eq!(ran.the("simulating")["session"], 3);
    let recording = fs::read(ran.path("lost.jsonl")).unwrap();
    let replayed = Program::new("replay")
        .file("lost.jsonl", &recording)
        .args(["lost.jsonl", "--estimator", "plain"])
        .json()
        .run();
    let summary = replayed.succeeded().summary();
    // The same estimator gives the same answers to the same stamps.
    assert_eq!(summary["differences"], 0, "{summary}");
    assert!(summary["rounds"].as_u64().unwrap() > 0);
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let cases: [(&[&str], &[&str]); 6] = [
        (&["--model", "moon"], &["moon", "lan", "spiky"]),
        (&["--estimator", "guess"], &["guess", "plain", "bayes"]),
        (&["--sessions", "0"], &["--sessions", "from 1 to"]),
        (&["--rounds", "10001"], &["--rounds", "10000"]),
        (&["--session", "1"], &["--model", "--estimator"]),
        (&["--record", "x"], &["--session"]),
    ];
    for (args, words) in cases {
        let ran = Program::new("simulate").args(args).run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_says(&ran.stderr, words);
    }
}

#[test]
fn a_network_before_a_server_has_to_be_a_known_one_and_the_server_ours() {
    let cases: [(&str, &[&str], &[&str]); 3] = [
        ("serve", &["--network", "moon"], &["moon", "lan", "spiky"]),
        ("solve", &["--network", "mobile"], &["--practice"]),
        (
            "solve",
            &["--estimator", "guess"],
            &["guess", "plain", "bayes"],
        ),
    ];
    for (command, args, words) in cases {
        let ran = Program::new(command).args(args).run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_says(&ran.stderr, words);
    }
}

#[test]
fn the_practice_server_can_have_a_network_before_it() {
    let ran = Program::new("solve")
        .args(["--practice", "--network", "broadband", "--rounds", "1"])
        .json()
        .run();
    let open = ran.succeeded().the("open");
    assert!(open["upgrade_ms"].as_f64().unwrap() > 40.0, "{open}");
}

#[test]
fn ctrl_c_ends_a_long_simulation() {
    let mut running = Program::new("simulate")
        .args(["--model", "lan", "--sessions", "1000000000"])
        .json()
        .start();
    running.wait_for("simulating");
    running.interrupt();
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(ran.all("simulation").is_empty(), "{ran:?}");
}

#[test]
fn a_real_conversation_is_played_through_a_modelled_network() {
    let (mut server, url) = serve(&["--network", "broadband", "--rounds", "2", "--seed", "5"]);
    let ran = Program::solve_at(&url)
        .args(["--attempts", "1"])
        .json()
        .run();
    let open = ran.succeeded().the("open");
    // Twenty milliseconds each way at the least.
    assert!(open["upgrade_ms"].as_f64().unwrap() > 40.0, "{open}");
    let held = server.wait_for("conversation");
    assert_eq!(held["result"], "won", "{held}");
    assert_eq!(held["rounds"], json!(2));
}

#[test]
fn a_modelled_network_is_announced_and_ends_with_the_server() {
    let (server, url) = serve(&["--network", "mobile", "--rounds", "50"]);
    let mut player = Program::solve_at(&url)
        .args(["--attempts", "1"])
        .json()
        .start();
    player.wait_for("\"open\"");
    server.interrupt();
    let served = server.end();
    assert_eq!(served.succeeded().the("listening")["network"], "mobile");
    // The server said goodbye, and that went through the network, too.
    let played = player.end();
    assert_eq!(played.code, Some(4), "{played:?}");
    assert_says(&played.stderr, &["1001"]);
}
