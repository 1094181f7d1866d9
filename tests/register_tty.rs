//! `wsbeat register` on a terminal of its own: what is typed and seen, and how it is left.

#![cfg(target_os = "linux")]

mod support;

use std::sync::Arc;

use rustix::process::Signal;
use serde_json::json;
use support::{Gate, Left, Registrar, SOMEBODY, Script, Server, Tty, assert_says};

/// Somebody else, whose key begins as that of [`SOMEBODY`] does.
const NAMESAKE: &str = "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmI";

/// When everything is said that a scripted registrar passes on.
const MOMENT: i64 = 1_795_264_496;

/// What stands at the bottom of the screen.
fn last_line(screen: &str) -> &str {
    let mut lines = screen.lines().rev().map(str::trim_end);
    lines.find(|line| !line.is_empty()).unwrap_or_default()
}

/// Waits for the prompt of whoever is registered, and gives it: the key's beginning, and the rest.
#[track_caller]
fn wait_for_prompt(tty: &Tty, rest: &str) -> String {
    let screen = tty.wait_until(rest, |screen| {
        let screen = screen.contents();
        let bottom = last_line(&screen);
        bottom.len() == 8 + rest.len() && bottom.ends_with(rest)
    });
    last_line(&screen).to_owned()
}

/// Asserts that the screen ends with the summary, and nothing is left of the prompt.
#[track_caller]
fn assert_is_left_clean(left: &Left) -> String {
    let screen = left.screen();
    assert!(!screen.contains("> "), "{screen}");
    assert_says(&screen, &[" delivered, ", " heard"]);
    screen
}

/// A registrar that passes on what these say, and then tells whoever speaks what it has read, until
/// the client parts.
fn chatty(from: &'static [&'static str]) -> Server {
    let talk = move |registrar: &mut Registrar<'_>| {
        registrar.welcome();
        for key in from {
            registrar.say(json!({"from": key, "text": "hello", "timestamp": MOMENT}));
        }
        while let Some(heard) = registrar.hear_or_close() {
            let told = heard.to_string();
            registrar.say(json!({"delivered": 1}));
            registrar.say(json!({"from": SOMEBODY, "text": told, "timestamp": MOMENT}));
        }
    };
    Script::new()
        .talk(move |_, socket| talk(&mut Registrar::new(socket)))
        .start()
}

fn run(server: &Server, more: &[&str]) -> Tty {
    let url = server.register_url();
    Tty::run(&[&["register", &url], more].concat(), &[])
}

#[test]
fn messages_appear_above_the_line_that_is_being_typed() {
    let server = chatty(&[SOMEBODY]);
    let mut tty = run(&server, &[]);
    let prompt = wait_for_prompt(&tty, ">");
    let key = prompt.trim_end_matches('>');
    let screen = tty.wait_for("Zm9vYmFy  hello");
    assert_says(
        &screen,
        &[&format!("— registered as {key} —"), "times in UTC"],
    );
    tty.press("half a línea".as_bytes());
    wait_for_prompt(&tty, "> half a línea");
    tty.press(b"\r");
    tty.wait_for("you  half a línea  (1 other)");
    tty.wait_for(r#"{"text":"half a línea"}"#);
    wait_for_prompt(&tty, ">");
    tty.press(b"/quit\r");
    let left = tty.end();
    assert!(left.status.success());
    assert_says(&assert_is_left_clean(&left), &["1 delivered, 2 heard"]);
}

#[test]
fn a_key_can_be_called_by_its_beginning_where_that_is_clear() {
    let server = chatty(&[SOMEBODY, NAMESAKE]);
    let mut tty = run(&server, &[]);
    wait_for_prompt(&tty, ">");
    tty.wait_for("hello");
    tty.press(b"/to Zm9vYmF psst\r");
    tty.wait_for("write the 8 characters that are shown");
    tty.press(b"/to Zm9vYmFy psst\r");
    tty.wait_for("2 keys begin so");
    tty.press(b"/to ________ psst\r");
    tty.wait_for("nobody has been heard from");
    let beginning = &SOMEBODY[..43 - 1];
    tty.press(format!("/to {beginning} psst\r").as_bytes());
    tty.wait_for("2 keys begin so");
    tty.press(format!("/to {NAMESAKE} psst\r").as_bytes());
    tty.wait_for("you to Zm9vYmFy  psst");
    tty.wait_for("Zm9vYmI\"");
    tty.press(b"/help\r");
    assert_says(
        &tty.wait_for("Ctrl-C leaves at once"),
        &["/to KEY TEXT", "/quit"],
    );
    tty.press(b"/nonsense\r");
    tty.wait_for("there is no such command");
    tty.press(b"\x04");
    let left = tty.end();
    assert!(left.status.success());
    assert_says(&assert_is_left_clean(&left), &["1 delivered, 3 heard"]);
}

#[test]
fn lines_can_be_for_one_key_from_the_beginning() {
    let server = chatty(&[]);
    let mut tty = run(&server, &["--to", SOMEBODY]);
    wait_for_prompt(&tty, " to Zm9vYmFy>");
    tty.press(b"psst\r");
    tty.wait_for("you to Zm9vYmFy  psst");
    tty.press(b"/all good day\r");
    tty.wait_for("you  good day");
    tty.press(b"\x04");
    assert!(tty.end().status.success());
}

/// How somebody ends it.
type WayOut = fn(&mut Tty);

#[test]
fn any_way_out_leaves_the_terminal_as_it_was() {
    let server = chatty(&[]);
    let ways: [(&str, WayOut); 4] = [
        ("/quit", |tty| tty.press(b"/quit\r")),
        ("Ctrl-D", |tty| tty.press(b"\x04")),
        ("Ctrl-C", |tty| tty.press(b"\x03")),
        ("SIGTERM", |tty| tty.signal(Signal::TERM)),
    ];
    for (way, leave) in ways {
        let mut tty = run(&server, &[]);
        wait_for_prompt(&tty, ">");
        assert!(!tty.is_as_before(), "no raw mode");
        leave(&mut tty);
        let left = tty.end();
        assert!(left.status.success(), "{way}: {}", left.screen());
        let screen = assert_is_left_clean(&left);
        assert_says(&screen, &["ended       registered, 0 delivered, 0 heard"]);
    }
}

#[test]
fn a_key_that_was_spoken_to_can_be_called_by_its_beginning() {
    let server = chatty(&[]);
    let mut tty = run(&server, &[]);
    wait_for_prompt(&tty, ">");
    tty.press(b"/to Zm9vYmFy psst\r");
    tty.wait_for("nobody has been heard from");
    tty.press(format!("/to {NAMESAKE} one\r").as_bytes());
    tty.wait_for("you to Zm9vYmFy  one");
    // It is the other one who answers.
    tty.wait_for("Zm9vYmFy  {");
    tty.press(b"/to Zm9vYmFy two\r");
    tty.wait_for("2 keys begin so");
    tty.press(format!("/to {} three\r", &NAMESAKE[..42]).as_bytes());
    tty.wait_for("2 keys begin so");
    tty.press(b"\x04");
    assert!(tty.end().status.success());
}

#[test]
fn who_leaves_at_once_before_it_was_registered_has_not_had_what_it_came_for() {
    let ways: [(&str, WayOut); 2] = [
        ("Ctrl-C", |tty| tty.press(b"\x03")),
        ("SIGTERM", |tty| tty.signal(Signal::TERM)),
    ];
    for (way, leave) in ways {
        let server = Script::new().talk(|_, socket| {
            socket.part();
        });
        let server = server.start();
        let mut tty = run(&server, &[]);
        wait_for_prompt(&tty, " (not registered)>");
        leave(&mut tty);
        let left = tty.end();
        assert_eq!(left.status.code(), Some(130), "{way}: {}", left.screen());
        let screen = assert_is_left_clean(&left);
        assert_says(&screen, &["before the key was registered", "interrupted"]);
    }
}

#[test]
fn what_was_typed_before_it_was_registered_is_said_afterwards() {
    let gate = Arc::new(Gate::default());
    let waits = Arc::clone(&gate);
    let server = Script::new()
        .talk(move |_, socket| {
            let mut registrar = Registrar::new(socket);
            waits.wait();
            registrar.welcome();
            assert_eq!(registrar.line(), "early");
            registrar.say(json!({"delivered": 0}));
            registrar.socket.part();
        })
        .start();
    let mut tty = run(&server, &[]);
    wait_for_prompt(&tty, " (not registered)>");
    tty.press(b"early\r/quit\r");
    tty.wait_for("1 line still to be said");
    gate.open();
    let left = tty.end();
    assert!(left.status.success(), "{}", left.screen());
    let screen = assert_is_left_clean(&left);
    assert_says(
        &screen,
        &["you  early  (nobody else is there)", "1 delivered, 0 heard"],
    );
}

#[test]
fn a_connection_that_is_lost_gives_the_terminal_back() {
    let server = Script::new()
        .talk(|_, socket| {
            let mut registrar = Registrar::new(socket);
            registrar.welcome();
            registrar.line();
            registrar.socket.close(1001, "going away");
            while registrar.socket.read().is_some() {}
        })
        .start();
    let mut tty = run(&server, &[]);
    wait_for_prompt(&tty, ">");
    tty.press(b"hello\r");
    let left = tty.end();
    assert_eq!(left.status.code(), Some(4));
    assert_says(&left.screen(), &["1001", "going away"]);
}
