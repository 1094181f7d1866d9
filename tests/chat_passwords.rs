//! `wsbeat chat` with tickets: how it comes by them, what becomes of them, and who sees them.

#![cfg(unix)]

mod support;

use serde_json::{Value, json};
use support::{Program, Script, Talk, assert_says, chat, messages, said, serve};

const PASSWORD: &str = "correct horse battery staple";

#[test]
fn every_connection_has_a_ticket_of_its_own_and_nobody_sees_it() {
    let ticket = |call: usize| format!("{call}f00dfeed0123456789abcdef");
    let server = Script::new()
        .problem(move |call, request| {
            assert_eq!((&*request.method, request.path()), ("POST", "/ticket"));
            let asked: Value = serde_json::from_str(&request.body).unwrap();
            assert_eq!(asked, json!({"user": "alice", "password": PASSWORD}));
            support::Reply::json(json!({"ticket": ticket(call), "expires_in_s": 30}))
        })
        .talk(move |call, socket| {
            let mut talk = Talk(socket);
            assert_eq!(talk.expect("ticket")["ticket"], ticket(call));
            // A careless room repeats it.
            let user = talk.welcome(&[("room", &ticket(call))]);
            if call == 1 {
                talk.0.close(1001, &ticket(call));
                talk.0.closed();
                return;
            }
            talk.echo(&user);
            talk.0.part();
        })
        .start();
    let ran = chat(&server.chat_url())
        .file("password", format!("{PASSWORD}\nand more\n"))
        .args(["--password-file", "password", "--record", "run.jsonl"])
        .env("RUST_LOG", "trace")
        .input("hello")
        .run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(server.problems().len(), 2);
    let recordings = ["run.jsonl", "run.2.jsonl"].map(|name| {
        let text = std::fs::read_to_string(ran.path(name)).unwrap();
        let header: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(header["conversation"], "chat");
        assert_eq!(header["url"], server.chat_url());
        assert_says(
            &text,
            &[r#""type":"sent""#, "identity", r#""type":"close""#],
        );
        text
    });
    for text in [&ran.stdout, &ran.stderr, &recordings[0], &recordings[1]] {
        for secret in [PASSWORD, &ticket(1), &ticket(2)] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn a_server_that_wants_tickets_gives_them_for_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    let users = users.to_str().unwrap();
    let made = Program::new("passwd").args([users, "alice"]);
    let made = made.input(format!("{PASSWORD}\n")).run();
    assert_eq!(made.code, Some(0), "{made:?}");
    let (_server, url) = serve(&["--tickets", users]);
    let url = format!("{}/chat/fishing", url.replace("http", "ws"));
    let with = |password: &str| {
        let program = chat(&url).file("password", password);
        let program = program.args(["--password-file", "password"]);
        program.input("hello\n").run()
    };
    let ran = with(PASSWORD);
    ran.succeeded();
    assert_eq!(messages(&ran), said(&[("alice", "hello", "own")]));
    with("another").failed(3, "credentials");
}

#[test]
fn a_ticket_in_the_address_is_seen_nowhere() {
    let ticket = "t1cket/with+odd=signs";
    let server = Script::new().talk(move |_, socket| {
        let mut talk = Talk(socket);
        let user = talk.welcome(&[("room", ticket)]);
        talk.echo(&user);
        talk.0.part();
    });
    let server = server.start();
    let url = format!("{}?ticket=t1cket%2Fwith%2Bodd%3Dsigns", server.chat_url());
    let ran = chat(&url)
        .args(["--record", "run.jsonl"])
        .env("RUST_LOG", "trace")
        .input("hello")
        .run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(server.upgrades()[0].query("ticket").unwrap(), ticket);
    let recording = std::fs::read_to_string(ran.path("run.jsonl")).unwrap();
    for text in [&ran.stdout, &ran.stderr, &recording] {
        assert!(!text.contains("t1cket"), "{text}");
    }
}

#[test]
fn without_a_ticket_where_one_is_needed_it_says_how_to_get_one() {
    let refusing = Script::new().upgrade(|_, _, mut stream| {
        support::Reply::status("401 Unauthorized", "a ticket, please").send(&mut stream);
    });
    let refusing = refusing.start();
    let ran = chat(&refusing.chat_url()).input("hello").run();
    assert_says(&ran.failed(3, "credentials"), &["401", "--ticket"]);

    for (code, advice) in [
        ("ticket_needed", "--ticket"),
        ("ticket_refused", "refuses the ticket"),
    ] {
        let saying = Script::new().talk(move |_, socket| {
            Talk(socket).say(json!({"type": "error", "code": code, "message": "No ticket."}));
            socket.close(1008, "no ticket");
            socket.closed();
        });
        let saying = saying.start();
        let ran = chat(&saying.chat_url()).input("hello").run();
        assert_says(&ran.failed(3, "credentials"), &["No ticket", advice]);
    }

    let silent = Script::new().talk(|_, socket| {
        socket.close(1008, "no ticket was shown in time");
        socket.closed();
    });
    let silent = silent.start();
    let ran = chat(&silent.chat_url()).input("hello").run();
    let cause = ran.failed(3, "credentials");
    assert_says(&cause, &["no ticket was shown in time", "--ticket"]);

    let wrong = Script::new()
        .problem(|_, _| support::Reply::status("401 Unauthorized", r#"{"error":"wrong"}"#));
    let wrong = wrong.start();
    let ran = chat(&wrong.chat_url())
        .file("password", PASSWORD)
        .args(["--password-file", "password"])
        .input("hello")
        .run();
    assert_says(&ran.failed(3, "credentials"), &["alice", "password"]);
    assert!(wrong.upgrades().is_empty());
}

/// A server that gives tickets, and refuses the first ones that it is shown.
fn refusing(refusals: usize) -> support::Server {
    let script = Script::new()
        .problem(|call, _| support::Reply::json(json!({"ticket": format!("{call}f00dfeed01")})))
        .talk(move |call, socket| {
            let mut talk = Talk(socket);
            assert_eq!(talk.expect("ticket")["ticket"], format!("{call}f00dfeed01"));
            if call <= refusals {
                let error = json!({"type": "error", "code": "ticket_refused", "message": "Late."});
                talk.say(error);
                talk.0.close(1008, "late");
                while talk.0.read().is_some() {}
                return;
            }
            let user = talk.welcome(&[]);
            while talk.echo_or_close(&user).is_some() {}
        });
    script.start()
}

fn with_password(url: &str) -> Program {
    let program = chat(url).file("password", PASSWORD);
    program
        .args(["--password-file", "password"])
        .input("hello\n")
}

#[test]
fn a_fresh_ticket_that_is_refused_is_worth_another_one() {
    let server = refusing(1);
    let ran = with_password(&server.chat_url()).run();
    ran.succeeded();
    assert_eq!(ran.summary()["sent"], 1);
    assert_eq!(server.problems().len(), 2);

    let server = refusing(2);
    let ran = with_password(&server.chat_url()).run();
    let cause = ran.failed(3, "credentials");
    assert_says(&cause, &["refuses the ticket", "Late"]);
    assert_eq!(server.problems().len(), 2);
    // With nothing to say, too.
    let server = refusing(2);
    let ran = with_password(&server.chat_url()).input("").run();
    assert_says(&ran.failed(3, "credentials"), &["refuses the ticket"]);
}

#[test]
fn who_is_told_to_wait_for_a_ticket_waits() {
    let server = Script::new()
        .problem(|call, _| match call {
            2 => support::Reply::status("429 Too Many Requests", "{}").header("Retry-After", "2"),
            call => support::Reply::json(json!({"ticket": format!("{call}f00dfeed01")})),
        })
        .talk(|call, socket| {
            let mut talk = Talk(socket);
            talk.expect("ticket");
            let user = talk.welcome(&[]);
            if call == 1 {
                talk.0.close(1012, "a restart");
                while talk.0.read().is_some() {}
                return;
            }
            while talk.echo_or_close(&user).is_some() {}
        });
    let server = server.start();
    let ran = with_password(&server.chat_url()).run();
    ran.succeeded();
    let pauses: Vec<_> = ran
        .all("error")
        .iter()
        .map(|it| it["retry_in_ms"].as_f64())
        .collect();
    assert!(pauses[0] < Some(1000.0), "{pauses:?}");
    assert_eq!(pauses[1], Some(2000.0));
}

#[test]
fn a_password_that_others_can_read_is_warned_of() {
    let server = refusing(0);
    let port = server.address().port();
    let warning = "unencrypted";
    let ran = with_password(&server.chat_url()).run();
    assert!(!ran.succeeded().stderr.contains(warning), "{}", ran.stderr);
    // It is this machine, which only the resolution tells.
    let server_there = format!("ws://chat.test:{port}/chat/fishing");
    let resolve = format!("chat.test:{port}:127.0.0.1");
    let ran = with_password(&server_there)
        .args(["--resolve", &resolve, "--deadline", "60s"])
        .run();
    assert_says(&ran.stderr, &["chat.test", warning, "wss://"]);
}
