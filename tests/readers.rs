//! Readers of standard output that do not read, or hang up: they hold nothing up.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use support::{Gate, Program, Script, Server, serve};

/// More than any pipe holds.
const CHATTER: usize = 300;

fn wsbeat(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wsbeat"));
    command
        .env_clear()
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn address(server: &Server) -> String {
    format!("{}/_/ws/x", server.url()).replace("http", "ws")
}

#[test]
fn a_beat_is_answered_even_though_nobody_reads_and_ctrl_c_is_heard() {
    let answered = Arc::new(Gate::default());
    let server = Script::new()
        .talk({
            let answered = Arc::clone(&answered);
            move |_, socket| {
                for _ in 0..CHATTER {
                    socket.text(&"chatter ".repeat(1000));
                }
                socket.text("ping!");
                assert_eq!(socket.answer(), "700");
                answered.open();
                assert_eq!(socket.part().0, 1001);
            }
        })
        .start();
    let mut child = wsbeat(&["replay", &address(&server), "-o", "json"])
        .spawn()
        .unwrap();
    answered.wait();
    let pid = rustix::process::Pid::from_child(&child);
    let interrupt = || rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    interrupt();
    // The server is told at once; then the program waits for its reader, until it is told again.
    drop(server);
    while child.try_wait().unwrap().is_none() {
        interrupt();
        std::thread::yield_now();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_reader_who_hangs_up_does_not_end_the_conversation() {
    let server = Script::winning(20).start();
    let mut child = wsbeat(&["solve", "--base-url", &server.url()])
        .env("HACKATTIC_ACCESS_TOKEN", "any-token")
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    assert!(first.starts_with("connected"), "{first}");
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(server.solutions().len(), 1);
}

/// A device on which nothing can be written.
#[cfg(target_os = "linux")]
fn on_a_full_device(command: &mut Command) -> std::process::Output {
    let full = std::fs::File::create("/dev/full").unwrap();
    let command = command.stdout(full).stderr(Stdio::piped());
    command.spawn().unwrap().wait_with_output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error_with_its_cause() {
    let (_server, base) = serve(&[]);
    let echo = format!("{}/echo", base.replacen("http", "ws", 1));
    for arguments in [
        &["ping", &echo][..],
        &["ping", &echo, "-o", "json"],
        &["ping", &echo, "-c", "1"],
        &["replay", "tests/data/lost.jsonl"],
        &["simulate", "--sessions", "1"],
        &["solve", "--practice", "--rounds", "1", "--seed", "5"],
        &["--help"],
        &["help", "ping"],
        &["--version"],
        &["ping", "--help"],
        &["completions", "bash"],
        &["man"],
    ] {
        let output = on_a_full_device(&mut wsbeat(arguments));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(
            said.contains("writing to standard output: No space left on device"),
            "{arguments:?}: {said}"
        );
        assert!(!said.contains("interrupted"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_reader_who_has_gone_ends_a_ping_without_an_error() {
    let (_server, base) = serve(&[]);
    let echo = format!("{}/echo", base.replacen("http", "ws", 1));
    let mut child = wsbeat(&["ping", &echo, "-i", "10ms"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    assert!(first.starts_with("pinging"), "{first}");
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_path_in_a_message_is_shown_harmless() {
    let name = "\u{1b}[2J\u{9b}\u{202e}\nerror: forged";
    for arguments in [
        &["replay", name][..],
        &["serve", "--access-token-file", name],
        &["serve", "--users", name],
        &["serve", "--tls-cert", name, "--tls-key", name],
        &["ping", "wss://localhost:1", "--ca-cert", name],
        &["solve", "--access-token-file", name],
        &["register", "ws://localhost:1", "--key-file", name],
        &["passwd", name, "ann"],
    ] {
        let ran = Program::new(arguments[0]).args(&arguments[1..]).run();
        let said = &ran.stderr;
        assert!(ran.code != Some(0), "{arguments:?}");
        let unseen = |it: char| it.is_control() && it != '\n' || it == '\u{202e}';
        assert!(!said.contains(unseen), "{said:?}");
        assert!(!said.lines().any(|line| line == "error: forged"), "{said}");
    }
}

/// How long the program is stopped: longer than anything that a busy machine does to it.
const STOP: std::time::Duration = std::time::Duration::from_millis(1600);

#[test]
fn a_loss_after_a_stop_of_the_program_says_that_it_slept() {
    let awake_again = Arc::new(Gate::default());
    let server = Script::new()
        .talk({
            let awake_again = Arc::clone(&awake_again);
            move |_, socket| {
                socket.round();
                awake_again.wait();
                socket.text("ping!");
                socket.answer();
                socket.text("ouch! seems like you missed a beat...");
                socket.part();
            }
        })
        .start();
    let mut running = Program::solve(&server).json().start();
    running.wait_for("\"verdict\"");
    running.suspend(STOP);
    awake_again.open();
    let ran = running.end();
    let cause = ran.failed(1, "lost");
    assert!(
        cause.contains("ouch! in round 2: this program slept for 1."),
        "{cause}"
    );
    assert!(!cause.contains("margin"), "{cause}");
    assert_eq!(ran.summary()["loss"]["reason"], "slept");
}
