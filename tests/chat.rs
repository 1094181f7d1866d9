//! `wsbeat chat` with lines that are piped in: what is said and heard, what is refused, and what
//! happens when the connection does not last.

#![cfg(unix)]

mod support;

use std::net::TcpListener;
use std::sync::Arc;

use support::{
    Gate, Opcode, Port, Program, Script, Server, Talk, assert_says, chat, messages,
    reset_when_dropped, room, said,
};

#[test]
fn every_line_is_said_as_it_is_and_the_end_of_the_input_ends_the_chat() {
    let (_server, url) = room();
    let ran = chat(&url).input("one\n\n  \n/quit\r\nlast").run();
    ran.succeeded();
    let expected = [
        ("alice", "one", "own"),
        ("alice", "/quit", "own"),
        ("alice", "last", "own"),
    ];
    assert_eq!(messages(&ran), said(&expected));
    let summary = ran.summary();
    assert_eq!(summary["outcome"], "ended");
    assert_eq!(summary["sent"], 3);
    assert_eq!(summary["unsaid"], 0);

    let later = chat(&url).input("four").run();
    later.succeeded();
    let earlier = said(&expected)
        .into_iter()
        .map(|(user, text, _)| (user, text, "earlier".into()));
    let expected: Vec<_> = earlier.chain(said(&[("alice", "four", "own")])).collect();
    assert_eq!(messages(&later), expected);
}

#[test]
fn text_is_for_people_and_holds_nothing_that_a_terminal_obeys() {
    let (_server, url) = room();
    let mut program = Program::new("chat").args([&url, "--name", "bob"]);
    program = program.input("\u{1b}[2J\u{202e}evil\n");
    let ran = program.run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_says(
        &ran.stdout,
        &["— in #fishing —", "— you are bob —", "times in UTC"],
    );
    assert_says(
        &ran.stdout,
        &["bob  \\u{1b}[2J\\u{202e}evil\n", "ended       1 said"],
    );
    assert!(!ran.stdout.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn those_who_stay_hear_the_others_until_they_are_stopped() {
    let (_server, url) = room();
    let mut stays = Program::new("chat")
        .args([&url, "--name", "bob", "--stay", "-o", "json"])
        .start();
    stays.wait_for(r#""type":"named""#);
    chat(&url).input("hello").run().succeeded();
    let heard = stays.wait_for(r#""how":"live""#);
    assert_eq!(heard["user"], "alice");
    stays.wait_for(r#""went":["alice"]"#);
    stays.interrupt();
    let ran = stays.end();
    ran.succeeded();
    assert_eq!(ran.summary()["received"], 1);
}

#[test]
fn a_name_that_is_taken_ends_it_whatever_else_there_is_to_read() {
    let (_server, url) = room();
    let mut bob = Program::new("chat")
        .args([&url, "--name", "bob", "--stay", "-o", "json"])
        .start();
    bob.wait_for(r#""type":"named""#);
    let mut second = Program::new("chat")
        .args([&url, "--name", "bob", "-o", "json"])
        .typed_to()
        .start();
    second.wait_for("name_refused");
    let ran = second.end();
    let cause = ran.failed(1, "name");
    assert_says(&cause, &["the name bob", "taken", "--name"]);
    assert_eq!(ran.the("name_refused")["code"], "name_taken");
    let silent = Program::new("chat").args([&url, "--name", "bob", "-o", "json"]);
    let ran = silent.input("").run();
    assert_says(&ran.failed(1, "name"), &["the name bob", "taken"]);
}

#[test]
fn a_line_that_is_refused_is_told_of_and_the_rest_is_said() {
    let (_server, url) = room();
    let input = format!("{}\n{}\nshort\n", "x".repeat(5000), "y".repeat(100_000));
    let ran = chat(&url).input(input).run();
    let cause = ran.failed(1, "refused");
    assert_says(&cause, &["2 lines were refused"]);
    assert_eq!(messages(&ran), said(&[("alice", "short", "own")]));
    for refused in ran.all("refused") {
        assert_eq!(refused["code"], "message_too_long", "{refused}");
    }
    assert_eq!(ran.summary()["refused"], 2);
}

#[test]
fn a_line_that_fits_into_no_message_is_refused_and_the_rest_is_said() {
    let server = Script::new().talk(|_, socket| {
        let mut talk = Talk(socket);
        let user = talk.welcome(&[]);
        while talk.echo_or_close(&user).is_some() {}
    });
    let server = server.start();
    // Each of them takes up a byte or so, and more in JSON.
    let input = format!(
        "{}\n{}\n{}\nshort\n",
        "\"".repeat(33_000),
        "\u{1b}".repeat(11_000),
        "x".repeat(65_000)
    );
    let ran = chat(&server.chat_url()).input(input).run();
    assert_says(&ran.failed(1, "refused"), &["2 lines were refused"]);
    let refused = ran.all("refused");
    assert!(refused.iter().all(|it| it["code"] == "message_too_long"));
    assert_eq!(ran.summary()["sent"], 2);
    assert_eq!(ran.summary()["connections"], 1);
}

#[test]
fn lines_that_are_refused_here_make_no_room_for_others() {
    let gate = Arc::new(Gate::default());
    let waits = Arc::clone(&gate);
    let server = Script::new().talk(move |_, socket| {
        let mut talk = Talk(socket);
        let user = talk.welcome(&[]);
        waits.wait();
        while talk.echo_or_close(&user).is_some() {}
    });
    let server = server.start();
    // More good lines than a guest takes at once, and as many that are too long.
    let pair = |number: usize| format!("{number}\n{}{number}\n", "\u{1}".repeat(11_000));
    let input: String = (0..300).map(pair).collect();
    let mut running = chat(&server.chat_url()).input(input).start();
    running.wait_for(r#""type":"refused""#);
    running.wait_for("\\u000150");
    gate.open();
    let ran = running.end();
    ran.failed(1, "refused");
    assert!(ran.all("overfull").is_empty());
    assert_eq!(ran.summary()["sent"], 300);
    assert_eq!(ran.summary()["refused"], 300);
}

#[test]
fn a_server_that_opens_no_channel_is_no_chat() {
    let server = Script::new().talk(|_, socket| socket.hold());
    let server = server.start();
    let ran = chat(&server.chat_url()).input("hello").run();
    let cause = ran.failed(5, "protocol");
    assert_says(
        &cause,
        &["opened no channel for 10s", "the address of a chat"],
    );
    assert_eq!(ran.the("unanswered")["what"], "channel");
    assert_eq!(server.upgrades().len(), 1);
}

#[test]
fn the_time_for_a_chat_can_be_limited() {
    let server = Script::new().talk(|_, socket| {
        let mut talk = Talk(socket);
        talk.welcome(&[]);
        talk.line();
        talk.0.part();
    });
    let server = server.start();
    let program = chat(&server.chat_url()).args(["--deadline", "1s"]);
    let mut running = program.typed_to().start();
    running.say("hello");
    let ran = running.end();
    // There may have been more to come.
    let cause = ran.failed(4, "deadline");
    assert_says(&cause, &["--deadline", "at least 1 line left unsaid"]);
}

#[test]
fn a_recording_that_fails_later_does_not_end_the_chat() {
    let (server, _) = losing(&[("alice", "one")]);
    // Nothing can be written where a folder is.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("run.2.jsonl")).unwrap();
    let record = folder.path().join("run.jsonl");
    let program = chat(&server.chat_url()).args(["--record", record.to_str().unwrap()]);
    let ran = program.input("one\ntwo\nthree\n").run();
    ran.succeeded();
    assert_eq!(ran.summary()["connections"], 2);
    let kinds: Vec<_> = ran
        .all("error")
        .iter()
        .map(|it| it["kind"].clone())
        .collect();
    assert_eq!(kinds, ["dropped", "recording"]);
    assert_says(&ran.stderr, &["run.2.jsonl cannot be written"]);
}

#[test]
fn what_is_no_text_is_said_as_far_as_it_is() {
    let (_server, url) = room();
    let ran = chat(&url).input(b"fine\nbl\xff\xfeb\n").run();
    ran.succeeded();
    let expected = [
        ("alice", "fine", "own"),
        ("alice", "bl\u{fffd}\u{fffd}b", "own"),
    ];
    assert_eq!(messages(&ran), said(&expected));
    assert_says(&ran.stderr, &["line 2 of standard input is not UTF-8"]);
}

/// A room that loses its first connection as it hears the second line, and repeats this to the
/// second one. It says what it has heard there.
fn losing(
    history: &'static [(&'static str, &'static str)],
) -> (Server, Arc<std::sync::Mutex<Vec<String>>>) {
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let server = Script::new().talk(move |call, socket| {
        let mut talk = Talk(socket);
        if call == 1 {
            let user = talk.welcome(&[]);
            talk.echo(&user);
            talk.line();
            reset_when_dropped(talk.0.stream());
            return;
        }
        let user = talk.welcome(history);
        while let Some(line) = talk.echo_or_close(&user) {
            hears.lock().unwrap().push(line);
        }
    });
    (server.start(), heard)
}

#[test]
fn a_line_that_was_under_way_is_said_once_over_a_lost_connection() {
    for (history, again) in [
        (&[("alice", "one")][..], &["two", "three"][..]),
        (
            &[("alice", "one"), ("bob", "meanwhile"), ("alice", "two")][..],
            &["three"][..],
        ),
    ] {
        let (server, heard) = losing(history);
        let ran = chat(&server.chat_url()).input("one\ntwo\nthree\n").run();
        ran.succeeded();
        assert_eq!(*heard.lock().unwrap(), again);
        let own: Vec<_> = messages(&ran)
            .into_iter()
            .filter(|it| it.2 == "own")
            .collect();
        assert_eq!(own.len(), 3, "{ran:?}");
        let missed = messages(&ran)
            .into_iter()
            .filter(|it| it.2 == "missed")
            .count();
        assert_eq!(missed, usize::from(history.len() == 3), "{ran:?}");
        let error = ran.the("error");
        assert_eq!(error["kind"], "dropped");
        assert_eq!(error["attempt"], 1);
        let pause = error["retry_in_ms"].as_f64().unwrap();
        assert!((250.0..=500.0).contains(&pause), "{pause}");
        assert_eq!(ran.summary()["connections"], 2);
        assert_says(
            &ran.stderr,
            &["the connection was lost in #fishing", "trying again in"],
        );
    }
}

#[test]
fn what_a_server_says_as_it_closes_decides_what_comes_next() {
    let closing = |code: u16| {
        let server = Script::new()
            .talk(move |call, socket| {
                let mut talk = Talk(socket);
                let user = talk.welcome(&[]);
                if call == 1 {
                    talk.line();
                    match code {
                        // It is a sign for a farewell that has no code.
                        1005 => talk.0.frame(true, Opcode::Close, b""),
                        code => talk.0.close(code, "for a reason"),
                    }
                    while talk.0.read().is_some() {}
                } else {
                    talk.echo(&user);
                    talk.0.part();
                }
            })
            .start();
        let ran = chat(&server.chat_url()).input("hello").run();
        (ran, server.upgrades().len())
    };
    for code in [1001, 1005, 1011, 1012, 1013] {
        let (ran, connections) = closing(code);
        ran.succeeded();
        assert_eq!(connections, 2, "{code}");
    }
    for (code, exit, kind) in [
        (1000, 4, "dropped"),
        (1008, 1, "policy"),
        (1009, 1, "refused"),
    ] {
        let (ran, connections) = closing(code);
        let cause = ran.failed(exit, kind);
        assert_says(&cause, &[&code.to_string(), "for a reason", "in #fishing"]);
        assert_eq!(connections, 1, "{code}");
        assert_eq!(ran.summary()["unsaid"], 1);
    }
}

#[test]
fn a_peer_that_breaks_the_protocol_is_not_called_again() {
    let server = Script::new().talk(|_, socket| {
        Talk(socket).welcome(&[]);
        // Reserved bits are set.
        socket.raw(&[0xf1, 0]).unwrap();
        socket.hold();
    });
    let server = server.start();
    let ran = chat(&server.chat_url()).input("hello").run();
    ran.failed(5, "protocol");
    assert_eq!(server.upgrades().len(), 1);
}

#[test]
fn after_a_while_without_a_connection_it_gives_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let script = Script::new().talk(|_, socket| {
        Talk(socket).welcome(&[]);
        reset_when_dropped(socket.stream());
    });
    let server = Server::once_on(listener, script);
    let program = chat(&server.chat_url())
        .args(["--retry-for", "1s"])
        .typed_to();
    let ran = program.start().end();
    let cause = ran.failed(4, "unreachable");
    assert_says(&cause, &["no way back within 1s (--retry-for)", "refused"]);
    let retries: Vec<_> = ran
        .all("error")
        .iter()
        .filter(|it| !it["retry_in_ms"].is_null())
        .cloned()
        .collect();
    assert!((1..=3).contains(&retries.len()), "{ran:?}");
}

#[test]
fn a_first_connection_that_fails_is_the_last() {
    let port = Port::reserve();
    let url = port.url().replace("http", "ws") + "/chat/fishing";
    let ran = chat(&url).input("hello").run();
    ran.failed(4, "unreachable");
    assert_eq!(ran.summary()["connections"], 0);
    assert_eq!(ran.all("error").len(), 1);

    let (_server, url) = room();
    let ran = chat(&url.replace("chat", "chit")).input("hello").run();
    assert_says(&ran.failed(4, "unreachable"), &["404", "/chat/CHANNEL"]);
}

#[test]
fn who_is_stopped_with_something_left_to_say_hears_of_it() {
    let gate = Arc::new(Gate::default());
    let opened = Arc::clone(&gate);
    let server = Script::new().talk(move |_, socket| {
        let mut talk = Talk(socket);
        talk.welcome(&[]);
        talk.line();
        opened.open();
        talk.0.part();
    });
    let server = server.start();
    let program = chat(&server.chat_url()).args(["--stay"]);
    let running = program.input("one\ntwo\n").start();
    gate.wait();
    running.interrupt();
    let ran = running.end();
    let cause = ran.failed(130, "interrupted");
    assert_says(&cause, &["2 lines left unsaid"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_happens() {
    let nobody = "ws://127.0.0.1:1/chat/a";
    let run = |arguments: &[&str]| {
        let program = Program::new("chat").args(arguments).json();
        program.file("empty", "\nsecond line").input("hello").run()
    };
    for (arguments, words) in [
        (
            &["http://127.0.0.1:1/chat/a", "--name", "a"][..],
            &["ws://"][..],
        ),
        (&["127.0.0.1:1/chat/a", "--name", "a"], &["chat at"]),
        (&[nobody], &["--name"]),
        (&[nobody, "--name", ""], &["--name", "empty"]),
        (&[nobody, "--name", "a\u{1b}b"], &["--name", "U+001B"]),
        (&[nobody, "--name", "a", "--ticket"], &["--password-file"]),
        (
            &[nobody, "--name", "a", "--password-file", "empty"],
            &["first line is empty"],
        ),
        (
            &[
                "ws://127.0.0.1:1/chat/a?ticket=abcdefgh",
                "--name",
                "a",
                "--ticket",
            ],
            &["in the address already"],
        ),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert_says(&ran.stderr, words);
        assert!(!ran.stderr.contains("abcdefgh"));
        assert_eq!(ran.summary()["outcome"], "failed");
        assert_eq!(ran.the("error")["kind"], "usage");
        assert_eq!(ran.summary()["connections"], 0, "{ran:?}");
    }
}
