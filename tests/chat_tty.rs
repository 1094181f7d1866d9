//! `wsbeat chat` on a terminal of its own: what is typed and seen, and how it is left.

#![cfg(target_os = "linux")]

mod support;

use std::process::Command;
use std::sync::Arc;
use std::thread;

use rustix::process::Signal;
use serde_json::json;
use support::{Gate, Left, Program, Reply, Script, Stderr, Talk, Tty, assert_says, room};
use wsbeat::report::{Colours, Live, Prompt};

/// `wsbeat chat` as alice.
fn chat(url: &str, more: &[&str], variables: &[(&str, &str)]) -> Tty {
    let arguments = [&["chat", url, "--name", "alice"], more].concat();
    Tty::run(&arguments, variables)
}

/// Somebody else says something, and goes.
#[track_caller]
fn says(url: &str, name: &str, text: &str) {
    let program = Program::new("chat").args([url, "--name", name, "-o", "json"]);
    program.input(text).run().succeeded();
}

/// The last line on the screen that has something in it.
fn last_line(screen: &str) -> &str {
    let mut lines = screen.lines().rev().map(str::trim_end);
    lines.find(|line| !line.is_empty()).unwrap_or_default()
}

/// Waits until this is what stands at the bottom.
#[track_caller]
fn wait_for_bottom(tty: &Tty, line: &str) -> String {
    tty.wait_until(line, |screen| last_line(&screen.contents()) == line)
}

/// Asserts that the screen ends with the summary, and nothing is left of the prompt.
#[track_caller]
fn assert_is_left_clean(left: &Left) -> String {
    let screen = left.screen();
    assert!(!screen.contains("> "), "{screen}");
    assert_says(&screen, &[" said, ", " heard"]);
    screen
}

#[test]
fn messages_appear_above_the_line_that_is_being_typed() {
    let (_server, url) = room();
    let mut tty = chat(&url, &[], &[]);
    wait_for_bottom(&tty, "#fishing alice>");
    tty.press("half a línea".as_bytes());
    wait_for_bottom(&tty, "#fishing alice> half a línea");
    says(&url, "bob", "hello\n名前 wide\nanybody?");
    tty.wait_for("bob  anybody?");
    let screen = wait_for_bottom(&tty, "#fishing alice> half a línea");
    assert_says(&screen, &["bob  hello", "bob  名前 wide", "times in UTC"]);
    tty.wait_for("bob went");
    tty.press(b"\r");
    tty.wait_for("alice  half a línea");
    let screen = wait_for_bottom(&tty, "#fishing alice>");
    // Once, as the room has it.
    assert_eq!(screen.matches("half a línea").count(), 1, "{screen}");
    assert!(
        screen
            .lines()
            .all(|line| !line.starts_with(' ') || line.starts_with("      "))
    );
    // What has been said can be said again.
    tty.press(b"\x1b[A");
    wait_for_bottom(&tty, "#fishing alice> half a línea");
    tty.press(b"\x15");
    wait_for_bottom(&tty, "#fishing alice>");
    tty.press(b"/quit\r");
    let left = tty.end();
    assert!(left.status.success());
    assert_says(&assert_is_left_clean(&left), &["1 said, 3 heard"]);
}

#[test]
fn commands_are_done_and_never_said() {
    let (_server, url) = room();
    let mut tty = chat(&url, &[], &[]);
    wait_for_bottom(&tty, "#fishing alice>");
    tty.press(b"/who\r");
    tty.wait_for("in #fishing: alice");
    tty.press(b"/whom\r");
    tty.wait_for("there is no such command");
    tty.press(b"/help\r");
    let screen = tty.wait_for("Ctrl-C leaves at once");
    assert_says(&screen, &["/join CHANNEL", "/name NAME", "/quit"]);
    tty.press(b"//etc\r");
    tty.wait_for("alice  /etc");
    tty.press(b"/name carol\r");
    wait_for_bottom(&tty, "#fishing carol>");
    tty.press(b"/join #river\r");
    wait_for_bottom(&tty, "#river carol>");
    tty.press(b"/who\r");
    tty.wait_for("in #river: carol");
    tty.press(b"\x04");
    let left = tty.end();
    assert!(left.status.success());
    assert_says(&assert_is_left_clean(&left), &["1 said, 0 heard"]);
}

/// How somebody ends a chat.
type WayOut = fn(&mut Tty);

const WAYS_OUT: [(&str, WayOut); 5] = [
    ("/quit", |tty| tty.press(b"/quit\r")),
    ("Ctrl-D", |tty| tty.press(b"\x04")),
    ("Ctrl-C", |tty| tty.press(b"\x03")),
    ("SIGINT", |tty| tty.signal(Signal::INT)),
    ("SIGTERM", |tty| tty.signal(Signal::TERM)),
];

#[test]
fn any_way_out_leaves_the_terminal_as_it_was() {
    let (_server, url) = room();
    thread::scope(|scope| {
        for (number, (way, leave)) in WAYS_OUT.into_iter().enumerate() {
            let url = format!("{url}{number}");
            scope.spawn(move || {
                let mut tty = chat(&url, &[], &[]);
                wait_for_bottom(&tty, &format!("#fishing{number} alice>"));
                assert!(!tty.is_as_before(), "no raw mode");
                tty.press(b"hello\r");
                tty.wait_for("alice  hello");
                leave(&mut tty);
                let left = tty.end();
                assert!(left.status.success(), "{way}: {}", left.screen());
                assert_says(
                    &assert_is_left_clean(&left),
                    &["ended       1 said, 0 heard"],
                );
            });
        }
    });
}

#[test]
fn who_leaves_with_something_unsaid_hears_of_it() {
    let heard = Arc::new(Gate::default());
    let hears = Arc::clone(&heard);
    let server = Script::new().talk(move |_, socket| {
        let mut talk = Talk(socket);
        talk.welcome(&[]);
        talk.line();
        hears.open();
        talk.0.hold();
    });
    let server = server.start();
    let mut tty = chat(&server.chat_url(), &[], &[]);
    wait_for_bottom(&tty, "#fishing alice>");
    tty.press(b"hello?\r\x04");
    heard.wait();
    // The room never sends it back: that would be waited for for ever.
    tty.press(b"\x03");
    let left = tty.end();
    assert_eq!(left.status.code(), Some(130));
    assert_says(&left.screen(), &["1 line left unsaid", "interrupted"]);
}

#[test]
fn ctrl_c_is_heard_while_it_connects_and_while_it_asks_for_a_password() {
    let hanging = Script::new().upgrade(|_, _, mut stream| Reply::hang().send(&mut stream));
    let hanging = hanging.start();
    let tty = chat(&hanging.chat_url(), &[], &[]);
    tty.wait_for("connecting");
    tty.signal(Signal::INT);
    let left = tty.end();
    assert_eq!(left.status.code(), Some(130), "{}", left.screen());

    let mut tty = chat(&hanging.chat_url(), &["--ticket"], &[]);
    tty.wait_for("Password of alice:");
    tty.press(b"secr\x03");
    let left = tty.end();
    assert_eq!(left.status.code(), Some(130), "{}", left.screen());
    assert!(!left.text().contains("secr"), "{}", left.text());
}

#[test]
fn a_password_that_is_typed_gets_the_ticket() {
    let server = Script::new()
        .problem(|_, request| {
            assert!(request.body.contains("open sesame"));
            Reply::json(json!({"ticket": "0123456789abcdef"}))
        })
        .talk(|_, socket| {
            let mut talk = Talk(socket);
            assert_eq!(talk.expect("ticket")["ticket"], "0123456789abcdef");
            let user = talk.welcome(&[]);
            while talk.echo_or_close(&user).is_some() {}
        })
        .start();
    let mut tty = chat(&server.chat_url(), &["--ticket"], &[]);
    tty.wait_for("Password of alice:");
    tty.press(b"open sesame\r");
    wait_for_bottom(&tty, "#fishing alice>");
    tty.press(b"hello\r\x04");
    let left = tty.end();
    assert!(left.status.success(), "{}", left.screen());
    assert_says(&left.screen(), &["1 said"]);
    for secret in ["sesame", "0123456789abcdef"] {
        assert!(!left.text().contains(secret), "{}", left.text());
    }
}

#[test]
fn another_name_is_asked_for_where_the_first_is_taken() {
    let (_server, url) = room();
    let mut first = Program::new("chat")
        .args([&url, "--name", "alice", "--stay", "-o", "json"])
        .start();
    first.wait_for(r#""type":"named""#);
    let mut tty = chat(&url, &[], &[]);
    tty.wait_for("you cannot be alice");
    wait_for_bottom(&tty, "another name>");
    tty.press(b" \r");
    tty.press(format!("{}\r", "x".repeat(33)).as_bytes());
    tty.wait_for("nobody can be called so");
    tty.press("Zoë\r".as_bytes());
    wait_for_bottom(&tty, "#fishing Zoë>");
    tty.press(b"here I am\r");
    assert_eq!(first.wait_for("here I am")["user"], "Zoë");
    tty.press(b"\x04");
    assert!(tty.end().status.success());
}

#[test]
fn a_lost_connection_is_seen_and_what_is_typed_meanwhile_is_said_after() {
    let gate = Arc::new(Gate::default());
    let closes = Arc::clone(&gate);
    let server = Script::new().talk(move |call, socket| {
        let mut talk = Talk(socket);
        if call == 1 {
            talk.welcome(&[("bob", "before")]);
            closes.wait();
            talk.0.close(1012, "a restart");
            talk.0.closed();
            return;
        }
        let user = talk.welcome(&[("bob", "before"), ("bob", "meanwhile")]);
        while talk.echo_or_close(&user).is_some() {}
    });
    let server = server.start();
    let mut tty = chat(&server.chat_url(), &[], &[]);
    wait_for_bottom(&tty, "#fishing alice>");
    gate.open();
    tty.wait_for("trying again in");
    tty.press(b"is anybody there?\r");
    let screen = tty.wait_for("alice  is anybody there?");
    assert_says(
        &screen,
        &["a restart", "— missed while away —", "bob  meanwhile"],
    );
    assert_eq!(screen.matches("bob  before").count(), 1, "{screen}");
    wait_for_bottom(&tty, "#fishing alice>");
    tty.press(b"\x03");
    let left = tty.end();
    assert!(left.status.success(), "{}", left.screen());
    assert_says(&assert_is_left_clean(&left), &["over 2 connections"]);
}

#[test]
fn colours_are_for_those_who_want_them() {
    let (_server, url) = room();
    says(&url, "bob", "hello");
    for (variables, is_coloured) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let mut tty = chat(&url, &[], variables);
        wait_for_bottom(&tty, "#fishing alice>");
        tty.press(b"mine\r");
        tty.wait_for("alice  mine");
        tty.press(b"\x04");
        let left = tty.end();
        assert!(left.status.success());
        let styles = left.styles();
        assert_eq!(
            styles.iter().any(|it| it.starts_with("38;5;")),
            is_coloured,
            "{styles:?}"
        );
        assert_eq!(!styles.is_empty(), is_coloured, "{styles:?}");
    }
}

#[test]
fn nobody_else_commands_the_terminal() {
    let evil = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\u{202e}txt\r\nalice  fake";
    let server = Script::new().talk(move |_, socket| {
        let mut talk = Talk(socket);
        talk.say(json!({"type": "connection", "id": evil}));
        talk.message(evil, evil);
        talk.say(json!({"type": "presence", "came": [evil], "went": [], "total": 1}));
        talk.expect("identity");
        talk.say(json!({"type": "identity", "success": true}));
        talk.say(json!({"type": "presence", "came": [], "went": [evil], "total": 1}));
        talk.say(json!({"type": "error", "code": evil, "message": evil}));
        talk.say(json!({"type": evil}));
        talk.0.close(1008, "\u{1b}[2J");
        talk.0.closed();
    });
    let server = server.start();
    let left = chat(&server.chat_url(), &[], &[]).end();
    assert_eq!(left.status.code(), Some(1), "{}", left.screen());
    let text = left.text();
    for command in ["\u{1b}]", "\u{1b}[2J", "\u{9b}", "\u{202e}", "\u{7}"] {
        assert!(!text.contains(command), "{text:?}");
    }
    assert_says(&text, &["\\u{1b}]0;title\\u{7}"]);
    assert!(!text.contains("\nalice  fake"), "{text:?}");
}

#[test]
fn logs_go_above_the_line_that_is_being_typed_or_elsewhere() {
    let (_server, url) = room();
    let mut tty = chat(&url, &[], &[("RUST_LOG", "wsbeat=trace")]);
    wait_for_bottom(&tty, "#fishing alice>");
    tty.press(b"half");
    wait_for_bottom(&tty, "#fishing alice> half");
    says(&url, "bob", "hello");
    tty.wait_for("bob  hello");
    wait_for_bottom(&tty, "#fishing alice> half");
    tty.press(b"\x03");
    assert!(tty.end().status.success());

    let mut command = Command::new(env!("CARGO_BIN_EXE_wsbeat"));
    command
        .args(["chat", &url, "--name", "alice"])
        .env_clear()
        .env("TERM", "xterm-256color")
        .env("RUST_LOG", "wsbeat=trace");
    let mut tty = Tty::start(command, (24, 80), Stderr::Pipe);
    let mut stderr = tty.stderr();
    let logs = thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut text).unwrap();
        text
    });
    wait_for_bottom(&tty, "#fishing alice>");
    tty.press(b"\x04");
    let left = tty.end();
    assert!(!left.text().contains("wsbeat::"), "{}", left.text());
    assert!(logs.join().unwrap().contains("wsbeat::"));
}

#[test]
fn a_terminal_that_is_held_holds_nobody_else() {
    let (_server, url) = room();
    let tty = chat(&url, &[], &[]);
    wait_for_bottom(&tty, "#fishing alice>");
    tty.hold();
    // More than a terminal takes that nobody reads from.
    let lines: String = (0..15).map(|_| "x".repeat(4000) + "\n").collect();
    says(&url, "bob", &lines);
    // Its heartbeats and pings are answered all the same: it is there, and heard of.
    let who = Program::new("chat").args([&url, "--name", "carol", "-o", "json"]);
    let who = who.input("is alice here?").run();
    // Bob may be listed as well: that he is gone is told in a moment.
    assert_says(&who.stdout, &[r#""came":["alice""#]);
    tty.signal(Signal::TERM);
    tty.signal(Signal::TERM);
    tty.release();
    let left = tty.end();
    assert_says(&left.text(), &["is alice here?"]);
}

#[test]
fn a_terminal_that_is_gone_ends_it() {
    let server = Script::new().talk(|_, socket| {
        let mut talk = Talk(socket);
        talk.welcome(&[]);
        talk.chatter();
    });
    let server = server.start();
    let tty = chat(&server.chat_url(), &[], &[]);
    tty.wait_for("bob  and so on");
    // It holds no chat with nobody.
    assert_eq!(tty.vanish().code(), Some(1));
}

/// How the test below knows that it is the program that it runs.
const PANICKING: &str = "WSBEAT_TEST_PANICS_IN";

#[test]
fn a_panic_in_any_thread_gives_the_terminal_back_before_it_is_told_of() {
    if let Ok(place) = std::env::var(PANICKING) {
        return panic_in(&place);
    }
    for place in ["main", "another", "prompt"] {
        let name = "a_panic_in_any_thread_gives_the_terminal_back_before_it_is_told_of";
        let mut tty = Tty::run_test(name, (PANICKING, place));
        tty.wait_for("ready>");
        assert!(!tty.is_as_before());
        tty.press(b"\x03");
        let left = tty.end();
        let text = left.text();
        // In raw mode, a line feed returns no carriage.
        let told = text.find("as it was to").expect("it is told of");
        assert!(
            text[told..].starts_with("as it was to\r\n"),
            "{place}: {text:?}"
        );
    }
}

/// Has a prompt, and panics as soon as Ctrl-C is pressed.
fn panic_in(place: &str) {
    let (interrupt, interrupted) = std::sync::mpsc::channel();
    let is_prompt = place == "prompt";
    let opened = Prompt::open("ready> ", &Live::off(), Colours::Welcome, move || {
        interrupt.send(()).unwrap();
        assert!(!is_prompt, "panics at the prompt, as it was to");
    });
    let (_prompt, mut typed) = opened.unwrap();
    interrupted.recv().unwrap();
    match place {
        "main" => panic!("panics in main, as it was to"),
        "another" => {
            let other = thread::spawn(|| panic!("panics elsewhere, as it was to"));
            assert!(other.join().is_err());
        }
        // What was typed ends then.
        _ => assert_eq!(typed.blocking_recv(), None),
    }
}

#[test]
fn json_on_a_terminal_is_json_and_no_prompt() {
    let (_server, url) = room();
    let mut tty = chat(&url, &["-o", "json"], &[]);
    tty.wait_for(r#""type":"named""#);
    assert!(tty.is_as_before());
    tty.press(b"/who\n");
    tty.wait_for(r#""text":"/who""#);
    tty.press(b"\x04");
    assert!(tty.end().status.success());
}
