//! `wsbeat solve` when all goes well: practice, another process, the account it gives.

#![cfg(unix)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Program, assert_says, serve};

fn types(items: &[Value]) -> Vec<&str> {
    items
        .iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect()
}

#[test]
fn practice_solves_and_gives_its_account_to_scripts() {
    let ran = Program::new("solve")
        .args(["--practice", "--rounds", "2", "--seed", "1"])
        .args(["--record", "run.jsonl"])
        .json()
        .run();
    ran.succeeded();
    assert_eq!(ran.stderr, "");
    let items = ran.items();
    let expected = "open hello beat verdict beat verdict secret submission summary";
    assert_eq!(types(&items).join(" "), expected);

    let open = ran.the("open");
    assert!(open["url"].as_str().unwrap().ends_with("/_/ws/…"));
    assert_eq!(
        (&open["dns_ms"], &open["tls_ms"]),
        (&Value::Null, &Value::Null)
    );
    assert!(open["tcp_ms"].is_number() && open["upgrade_ms"].is_number());

    let beats = ran.all("beat");
    let of = |name: &str| {
        beats
            .iter()
            .map(|beat| beat[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("round"), [1, 2]);
    assert_eq!(of("interval_ms"), [1500, 3000]);
    for beat in &beats {
        let number = |name: &str| beat[name].as_f64().unwrap();
        assert!(number("elapsed_ms") >= number("interval_ms") - 250.0);
        assert!(number("margin_ms") > 0.0 && number("answer_us") > 0.0);
        assert!(beat["at_ns"].as_u64().unwrap() > 1_000_000_000);
    }
    assert_eq!(ran.the("submission")["passed"], true);

    let summary = ran.summary();
    assert_eq!(summary["outcome"], "solved");
    assert_eq!(
        (&summary["rounds"], &summary["attempts"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(summary["secret"], ran.the("secret")["secret"]);
    assert!(summary["worst_margin_ms"].is_number());

    // What was recorded is judged again to the same answers, from the same stamps.
    let lines = ran.recording("run.jsonl");
    assert!(lines.iter().any(|line| line["text"] == "ping!"));
    let again = Program::new("replay")
        .args([ran.path("run.jsonl")])
        .json()
        .run();
    again.succeeded();
    let replayed = again.all("beat");
    assert_eq!(replayed.len(), 2);
    for (beat, again) in beats.iter().zip(&replayed) {
        for name in [
            "round",
            "at_ns",
            "elapsed_ms",
            "interval_ms",
            "margin_ms",
            "answer_us",
        ] {
            assert_eq!(beat[name], again[name], "{name}");
        }
        assert_eq!(again["recorded_interval_ms"], again["interval_ms"]);
        assert!(again["recording"].as_str().unwrap().ends_with("run.jsonl"));
    }
    assert_eq!(again.summary()["differences"], 0);
}

#[test]
fn practice_gives_its_account_to_people_without_control_codes() {
    let ran = Program::new("solve")
        .args(["--practice", "--rounds", "1", "--seed", "5"])
        .run();
    ran.succeeded();
    assert_eq!(ran.stderr, "");
    assert!(!ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
    let words = [
        "connected",
        "tcp ",
        "hello",
        "round",
        "good",
        "secret",
        "passed",
        "solved",
    ];
    assert_says(&ran.stdout, &words);
    assert_says(&ran.stdout, &["1 round, 1 attempt", "margin", "lateness"]);
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn a_server_in_another_process_is_solved_by_several_at_once() {
    let (mut server, url) = serve(&["--rounds", "2"]);
    let solving: Vec<_> = (0..8)
        .map(|_| {
            Program::solve_at(&url)
                .args(["--attempts", "1"])
                .json()
                .start()
        })
        .collect();
    for solving in solving {
        let ran = solving.end();
        ran.succeeded();
        assert_eq!(ran.summary()["outcome"], "solved");
        let held = server.wait_for("conversation");
        assert_eq!(
            (&held["result"], &held["rounds"]),
            (&json!("won"), &json!(2))
        );
    }
    server.interrupt();
    server.end().succeeded();
}

#[test]
fn the_access_token_comes_from_the_environment_from_dotenv_or_from_a_file() {
    let allowed = "the-only-access-token";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{allowed}\n")).unwrap();
    let file = file.to_str().unwrap();
    let (_server, url) = serve(&["--rounds", "1", "--seed", "5", "--access-token-file", file]);
    let solve = || Program::new("solve").args(["--base-url", &url]).json();

    let ran = solve().run();
    assert_says(
        &ran.failed(2, "usage"),
        &["HACKATTIC_ACCESS_TOKEN", "--practice"],
    );
    let ran = solve().env("HACKATTIC_ACCESS_TOKEN", "another-token").run();
    assert_says(&ran.failed(3, "credentials"), &["401"]);

    let dotenv = format!("# a comment\nHACKATTIC_ACCESS_TOKEN={allowed}\n");
    for program in [
        solve().env("HACKATTIC_ACCESS_TOKEN", allowed),
        solve().file(".env", &dotenv),
        solve().args(["--access-token-file", file]),
        // The environment comes before .env, and a file that is named before both.
        solve()
            .env("HACKATTIC_ACCESS_TOKEN", allowed)
            .file(".env", "HACKATTIC_ACCESS_TOKEN=another-token"),
        solve()
            .env("HACKATTIC_ACCESS_TOKEN", "another-token")
            .args(["--access-token-file", file]),
    ] {
        let ran = program.run();
        assert_eq!(ran.succeeded().summary()["outcome"], "solved");
    }
}

#[test]
fn the_log_shows_every_frame_and_every_decision_as_fields() {
    let ran = Program::new("solve")
        .args(["--practice", "--rounds", "1", "--seed", "5"])
        .args(["--log-format", "json"])
        .env("RUST_LOG", "wsbeat=debug")
        .json()
        .run();
    ran.succeeded();
    let events: Vec<Value> = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let fields = |message: &str| {
        let found = events
            .iter()
            .map(|event| &event["fields"])
            .find(|fields| fields["message"] == message);
        found.unwrap_or_else(|| panic!("no {message:?}")).clone()
    };
    let beat = ran.the("beat");
    let decided = fields("decided");
    for name in ["round", "at_ns", "elapsed_ms", "interval_ms", "margin_ms"] {
        assert_eq!(decided[name], beat[name], "{name}");
    }
    assert!(decided["window_ms"].is_string());
    let received = events
        .iter()
        .map(|event| &event["fields"])
        .filter(|fields| fields["message"] == "received" && fields["text"] == "ping!");
    let stamps: Vec<_> = received.map(|fields| fields["at_ns"].clone()).collect();
    assert_eq!(stamps, [beat["at_ns"].clone()]);
    assert!(fields("sent")["at_ns"].is_u64());
    assert_eq!(fields("connected")["peer"], ran.the("open")["peer"]);
}

#[test]
fn arguments_that_contradict_each_other_are_refused_before_anything_happens() {
    for arguments in [
        &["solve", "--practice", "--base-url", "http://x"][..],
        &["solve", "--rounds", "3"],
        &["solve", "--practice", "--rounds", "0"],
        &["solve", "--practice", "--idle-timeout", "0"],
        &["solve", "--practice", "--connect-timeout", "soon"],
        &["solve", "--base-url", "hackattic.com"],
        &["solve", "--base-url", "ftp://hackattic.com"],
        &["solve", "--attempts", "0", "--practice"],
        &["replay"],
        &["replay", "http://127.0.0.1/"],
        &["replay", "ws://127.0.0.1/", "run.jsonl"],
        &["replay", "run.jsonl", "--record", "again.jsonl"],
        &["serve", "--listen", "8765"],
        &["serve", "--secret", ""],
        &["dance"],
    ] {
        let ran = Program::new(arguments[0])
            .args(&arguments[1..])
            .json()
            .run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{ran:?}");
        assert_eq!(ran.the("error")["kind"], "usage", "{ran:?}");
    }
    let ran = Program::new("solve")
        .args(["--practice"])
        .env("RUST_LOG", "wsbeat=shout")
        .json()
        .run();
    assert_says(&ran.failed(2, "usage"), &["RUST_LOG"]);
}

#[test]
fn completions_and_the_manual_are_printed() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = Program::new("completions").args([shell]).run();
        assert_says(&ran.succeeded().stdout, &["wsbeat", "practice"]);
    }
    let ran = Program::new("man").run();
    let page = &ran.succeeded().stdout;
    assert_says(page, &[".TH wsbeat", "SOLVE", "REPLAY", "SERVE"]);
    assert_says(page, &["\\-\\-idle\\-timeout", "EXIT STATUS"]);
    assert!(page.contains("HACKATTIC_ACCESS_TOKEN"));
}
