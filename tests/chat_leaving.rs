//! `wsbeat chat` when what is said cannot be said, or not yet: commands still do what they do, and it
//! can be left.

#![cfg(target_os = "linux")]

mod support;

use std::net::TcpListener;
use std::sync::Arc;

use serde_json::json;
use support::{Gate, Program, Script, Server, Talk, Tty, assert_says};

fn chat(url: &str) -> Tty {
    Tty::run(&["chat", url, "--name", "alice"], &[])
}

/// Waits until this is what stands at the bottom.
#[track_caller]
fn wait_for_bottom(tty: &Tty, line: &str) {
    tty.wait_until(line, |screen| {
        let screen = screen.contents();
        let mut lines = screen.lines().rev().map(str::trim_end);
        lines.find(|it| !it.is_empty()) == Some(line)
    });
}

/// A guest who has said something and left, and is then refused the name that it would be said under.
fn refused() -> (Server, Tty) {
    let gate = Arc::new(Gate::default());
    let waits = Arc::clone(&gate);
    let server = Script::new().talk(move |_, socket| {
        let mut talk = Talk(socket);
        talk.say(json!({"type": "connection", "id": "fishing"}));
        talk.say(json!({"type": "presence", "came": ["alice"], "went": [], "total": 1}));
        talk.expect("identity");
        waits.wait();
        talk.say(json!({"type": "identity", "success": "false"}));
        talk.say(json!({"type": "error", "code": "name_taken", "message": "Taken."}));
        let frame = talk.0.read().expect("another name, or a farewell");
        if frame.opcode == support::Opcode::Close {
            talk.0.close(1000, "");
            return;
        }
        talk.say(json!({"type": "identity", "success": "true"}));
        while talk.echo_or_close("bob").is_some() {}
    });
    let server = server.start();
    let mut tty = chat(&server.chat_url());
    wait_for_bottom(&tty, "alice (no name yet)>");
    tty.press(b"hello\r/help\r");
    tty.wait_for("Ctrl-C leaves at once");
    tty.press(b"\x04");
    gate.open();
    wait_for_bottom(&tty, "another name>");
    (server, tty)
}

#[test]
fn who_leaves_can_still_choose_a_name_for_what_is_to_be_said() {
    let (_server, mut tty) = refused();
    tty.press(b"bob\r");
    let left = tty.end();
    assert!(left.status.success(), "{}", left.screen());
    assert_says(&left.screen(), &["bob  hello", "1 said, 0 heard"]);
}

#[test]
fn who_leaves_twice_leaves_and_hears_what_is_left_unsaid() {
    for leave in [&b"\x04"[..], b"/quit\r"] {
        let (_server, mut tty) = refused();
        tty.press(leave);
        let left = tty.end();
        assert_eq!(left.status.code(), Some(130), "{}", left.screen());
        assert_says(&left.screen(), &["1 line left unsaid"]);
    }
}

/// A server that opens no channel, and waits for the guest to part.
fn closed() -> Server {
    let script = Script::new().talk(|_, socket| {
        socket.part();
    });
    script.start()
}

#[test]
fn who_leaves_at_once_before_a_channel_was_entered_has_not_had_what_it_came_for() {
    let server = closed();
    let mut tty = chat(&server.chat_url());
    wait_for_bottom(&tty, "alice (entering)>");
    tty.press(b"\x03");
    let left = tty.end();
    assert_eq!(left.status.code(), Some(130), "{}", left.screen());
    assert_says(&left.screen(), &["before a channel was entered"]);

    let server = closed();
    let program = Program::new("chat").args([&server.chat_url(), "--name", "alice", "--stay"]);
    let mut running = program.json().start();
    running.wait_for(r#""type":"open""#);
    running.interrupt();
    let cause = running.end().failed(130, "interrupted");
    assert_says(&cause, &["before a channel was entered"]);
}

#[test]
fn commands_do_not_wait_for_lines_and_lines_that_are_too_many_are_told_of() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let script = Script::new().talk(|_, socket| {
        let mut talk = Talk(socket);
        talk.welcome(&[]);
        talk.0.close(1012, "a restart");
        while talk.0.read().is_some() {}
    });
    let server = Server::once_on(listener, script);
    let mut tty = chat(&server.chat_url());
    wait_for_bottom(&tty, "alice (offline)>");
    // More than may wait.
    for number in 0..100 {
        tty.press(format!("{number}\r").as_bytes());
    }
    tty.wait_for("not said: \"99\": too much waits for its turn already");
    tty.press(b"/who\r");
    tty.wait_for("you are not connected");
    tty.press(b"/quit\r/quit\r");
    let left = tty.end();
    assert_eq!(left.status.code(), Some(130), "{}", left.screen());
    assert_says(&left.screen(), &["lines left unsaid"]);
}
