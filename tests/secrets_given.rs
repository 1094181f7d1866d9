//! However the tokens are given to the program, by files, variables or mistake, they are seen
//! nowhere: not in what is printed, and not in the list of processes.

#![cfg(unix)]

mod support;

use std::fs;
use std::sync::Arc;

use support::{
    Gate, ODD, PLAIN, Program, Reply, Script, assert_all_hidden, assert_hides, assert_says, giving,
};

#[test]
fn tokens_from_files_are_seen_nowhere_either() {
    for tokens in [PLAIN, ODD] {
        let server = Script::new()
            .talk(|_, socket| {
                socket.round();
                socket.won();
            })
            .start();
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, token: &str| {
            let path = folder.path().join(name);
            fs::write(&path, token).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let access = file("access", tokens.access);
        let one_time = file("one-time", tokens.one_time);
        let ran = Program::solve(&server)
            .without_env("HACKATTIC_ACCESS_TOKEN")
            .env("RUST_LOG", "trace")
            .args(["--access-token-file", &access, "--token-file", &one_time])
            .args(["--record", "run.jsonl"])
            .json()
            .run();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let solution = &server.solutions()[0];
        assert_eq!(solution.query("access_token").unwrap(), tokens.access);
        assert_all_hidden(tokens, &ran);
    }
}

#[test]
fn a_file_that_holds_more_than_a_token_is_not_quoted() {
    let server = Script::new().start();
    let program = Program::solve(&server)
        .file("token", format!("{} and then some", PLAIN.access))
        .args(["--access-token-file", "token"]);
    let ran = program.json().run();
    ran.failed(2, "usage");
    assert_hides(PLAIN.access, &ran.stdout, "standard output");
    assert_hides(PLAIN.access, &ran.stderr, "standard error");

    let dotenv = format!("HACKATTIC_ACCESS_TOKEN='{}\n", PLAIN.access);
    let program = Program::solve(&server)
        .without_env("HACKATTIC_ACCESS_TOKEN")
        .file(".env", dotenv);
    let ran = program.json().run();
    ran.failed(2, "usage");
    assert_hides(PLAIN.access, &ran.stdout, "standard output");
    assert_hides(PLAIN.access, &ran.stderr, "standard error");
}

#[cfg(target_os = "linux")]
#[test]
fn the_list_of_processes_shows_no_token() {
    let seen = Arc::new(Gate::default());
    let server = giving(PLAIN)
        .talk({
            let seen = Arc::clone(&seen);
            move |_, socket| {
                socket.text("hello! start counting");
                seen.wait();
                socket.round();
                socket.won();
            }
        })
        .start();
    let mut running = Program::solve(&server)
        .env("HACKATTIC_ACCESS_TOKEN", PLAIN.access)
        .json()
        .start();
    running.wait_for("hello");
    let shown = running.command_line();
    seen.open();
    running.end().succeeded();
    assert_says(&shown, &["solve", "--base-url"]);
    assert_hides(PLAIN.access, &shown, "the list of processes");
    assert_hides(PLAIN.one_time, &shown, "the list of processes");
}

#[test]
fn the_word_practice_is_no_secret() {
    let ran = Program::new("solve")
        .args(["--practice", "--record", "nowhere/practice.jsonl"])
        .json()
        .run();
    assert_says(&ran.failed(2, "recording"), &["nowhere/practice.jsonl"]);
}

#[test]
fn a_token_with_white_space_around_it_is_hidden_without() {
    let server = Script::new()
        .problem(|_, request| {
            let token = request.query("access_token").unwrap();
            Reply::status("401 Unauthorized", format!("no such token: {token}"))
        })
        .start();
    let ran = Program::solve(&server)
        .env("HACKATTIC_ACCESS_TOKEN", &format!(" {}\r\n", PLAIN.access))
        .json()
        .run();
    assert_says(&ran.failed(3, "credentials"), &["no such token: …"]);
}

#[test]
fn a_token_that_was_pasted_into_the_base_url_is_not_repeated() {
    let url = format!("http://h/problem?access_token={}", PLAIN.access);
    let ran = Program::solve_at(&url).json().run();
    assert_says(&ran.failed(2, "usage"), &["--base-url"]);
    assert_hides(PLAIN.access, &ran.stdout, "standard output");
    assert_hides(PLAIN.access, &ran.stderr, "standard error");
}
