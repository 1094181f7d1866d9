//! Readers of standard output that do not read, or hang up: they hold nothing up.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use support::{Gate, Script, Server};

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
