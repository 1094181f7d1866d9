//! `wsbeat register` with lines that are piped in: what is signed, said and heard, what is refused,
//! and how it ends.

#![cfg(unix)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use support::{
    ANOTHER_NONCE, NONCE, Opcode, Port, Program, Ran, Registrar, Reply, SOMEBODY, Script, Server,
    assert_says, register, registrar, reset_when_dropped,
};
use wsbeat::conversation::registration::KeyPair;

/// A server that talks to a registrant like this.
fn scripted(talk: impl Fn(&mut Registrar<'_>) + Send + Sync + 'static) -> Server {
    Script::new()
        .talk(move |_, socket| talk(&mut Registrar::new(socket)))
        .start()
}

/// What the items of a type hold in this field.
#[track_caller]
fn of(ran: &Ran, kind: &str, field: &str) -> Vec<Value> {
    let items = ran.all(kind);
    items.iter().map(|item| item[field].clone()).collect()
}

#[test]
fn two_talk_to_each_other_through_a_real_server() {
    let (_server, url) = registrar(&[]);
    let mut stays = register(&url).args(["--stay"]).typed_to().start();
    let first = stays.wait_for(r#""type":"registered""#)["public_key"].clone();
    let first = first.as_str().unwrap().to_owned();

    let second = register(&url).input("one\n\n  \n/quit\r\nlast").run();
    second.succeeded();
    let key = second.the("key");
    assert_eq!(second.items()[0], key);
    assert_eq!((&key["is_new"], &key["file"]), (&true.into(), &Value::Null));
    assert_eq!(second.the("registered")["public_key"], key["public_key"]);
    assert_eq!(of(&second, "delivered", "text"), ["one", "/quit", "last"]);
    assert_eq!(of(&second, "delivered", "connections"), [1, 1, 1]);
    let summary = second.summary();
    assert_eq!(summary["outcome"], "ended");
    assert_eq!(summary["public_key"], key["public_key"]);
    assert_eq!(
        (&summary["delivered"], &summary["unsaid"]),
        (&3.into(), &0.into())
    );
    let heard = stays.wait_for(r#""text":"last""#);
    assert_eq!(heard["type"], "heard");
    assert_eq!(heard["from"], key["public_key"]);

    // To one key alone, and to nobody else.
    let mut third = register(&url).args(["--stay"]).start();
    third.wait_for(r#""type":"registered""#);
    let fourth = register(&url).args(["--to", &first]).input("psst").run();
    fourth.succeeded();
    let delivered = fourth.the("delivered");
    assert_eq!(delivered["to"], first);
    assert_eq!(delivered["connections"], 1);
    assert_eq!(
        stays.wait_for("psst")["from"],
        fourth.the("key")["public_key"]
    );
    stays.say("to everybody");
    third.wait_for("to everybody");
    for running in [stays, third] {
        running.interrupt();
        running.end().succeeded();
    }
}

#[test]
fn a_key_that_nobody_has_is_told_of_and_the_rest_is_tried() {
    let (_server, url) = registrar(&[]);
    let like_an_option = format!("-{}", &NONCE[1..]);
    for key in [SOMEBODY, &like_an_option] {
        let ran = register(&url).args(["--to", key]).input("one\ntwo").run();
        let cause = ran.failed(1, "refused");
        assert_says(&cause, &["2 lines were refused"]);
        assert_eq!(of(&ran, "refused", "code"), ["unknown_key", "unknown_key"]);
        assert_eq!(of(&ran, "refused", "to"), [key, key]);
        assert_eq!(ran.summary()["refused"], 2);
    }
}

#[test]
fn a_key_that_begins_like_an_option_can_be_spoken_to() {
    let (_server, url) = registrar(&[]);
    // One key in 64 does.
    let mut pairs = (0..=u8::MAX).map(|number| KeyPair::from_seed([number; 32]));
    let begins_so = |pair: &KeyPair| pair.public_key().to_string().starts_with('-');
    let pair = pairs.find(begins_so).unwrap();
    let key = pair.public_key().to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    fs::write(&path, pair.to_pem().expose_secret()).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let program = register(&url).args(["--stay", "--key"]).args([path]);
    let mut stays = program.start();
    stays.wait_for(r#""type":"registered""#);
    for arguments in [&["--to", &key][..], &[&format!("--to={key}")]] {
        let ran = register(&url).args(arguments).input("psst").run();
        assert_eq!(ran.succeeded().the("delivered")["to"], key);
        let heard = stays.wait_for("psst");
        assert_eq!(heard["from"], ran.the("key")["public_key"]);
    }
    stays.interrupt();
    stays.end().succeeded();
}

#[test]
fn a_line_that_fits_into_no_message_is_refused_and_the_rest_is_said() {
    let (_server, url) = registrar(&[]);
    let input = format!("{}\n{}\nshort\n", "x".repeat(5000), "\u{1}".repeat(11_000));
    let ran = register(&url).input(input).run();
    ran.failed(1, "refused");
    assert_eq!(
        of(&ran, "refused", "code"),
        ["text_too_long", "text_too_long"]
    );
    assert_eq!(of(&ran, "delivered", "text"), ["short"]);
}

#[test]
fn who_has_nothing_to_say_finds_out_whether_the_key_is_taken() {
    let (_server, url) = registrar(&[]);
    let ran = register(&url).input("").run();
    ran.succeeded();
    assert_eq!(ran.summary()["registered"], 1);
}

#[test]
fn the_newer_of_two_with_one_key_takes_its_place_and_the_older_is_told() {
    let (_server, url) = registrar(&[]);
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    let key = key.to_str().unwrap();
    let mut older = register(&url).args(["--stay", "--key", key]).start();
    older.wait_for(r#""type":"registered""#);
    let mut newer = register(&url).args(["--stay", "--key", key]).start();
    newer.wait_for(r#""type":"registered""#);
    let ran = older.end();
    let cause = ran.failed(1, "policy");
    assert_says(&cause, &["1008", "registered over another connection"]);
    newer.interrupt();
    let newer = newer.end();
    newer.succeeded();
    assert_eq!(of(&newer, "key", "is_new"), [false]);
    assert_eq!(newer.summary()["public_key"], ran.summary()["public_key"]);
}

#[test]
fn who_is_rejected_too_often_hears_why() {
    let server = scripted(|registrar| {
        registrar.ask(NONCE);
        for (retries, nonce, next) in [(1, NONCE, ANOTHER_NONCE), (0, ANOTHER_NONCE, NONCE)] {
            let answer = registrar.answer(nonce);
            registrar.reject(&answer, retries, next);
        }
        registrar.answer(NONCE);
        registrar.socket.close(1008, "too many wrong answers");
        while registrar.socket.read().is_some() {}
    });
    let ran = register(&server.register_url()).input("hello").run();
    let cause = ran.failed(3, "credentials");
    assert_says(&cause, &["rejected", "1008", "too many wrong answers"]);
    assert_eq!(of(&ran, "rejected", "retries"), [1, 0]);
    let summary = ran.summary();
    assert_eq!(
        (
            &summary["registered"],
            &summary["rejected"],
            &summary["unsaid"]
        ),
        (&0.into(), &2.into(), &1.into())
    );
}

#[test]
fn a_rejection_can_be_followed_by_an_acceptance() {
    let server = scripted(|registrar| {
        registrar.ask(NONCE);
        let answer = registrar.answer(NONCE);
        registrar.reject(&answer, 3, ANOTHER_NONCE);
        let answer = registrar.answer(ANOTHER_NONCE);
        registrar.accept(&answer);
        assert_eq!(registrar.line(), "hello");
        registrar.say(json!({"delivered": 7}));
        assert_eq!(registrar.socket.part().0, 1000);
    });
    let ran = register(&server.register_url()).input("hello").run();
    ran.succeeded();
    assert_eq!(of(&ran, "delivered", "connections"), [7]);
    assert_eq!(of(&ran, "rejected", "retries"), [3]);
}

#[test]
fn nothing_is_signed_that_names_another_host() {
    let elsewhere = format!("wsbeat-registration-v1:elsewhere.example:443:{NONCE}");
    for (challenge, words) in [
        (
            elsewhere.as_str(),
            &["elsewhere.example:443", "127.0.0.1:"][..],
        ),
        (
            "I owe you \u{1b}[2J a million",
            &["I owe you \\u{1b}[2J", "127.0.0.1:"],
        ),
    ] {
        let said = json!({ "challenge": challenge });
        let server = scripted(move |registrar| {
            registrar.say(said.clone());
            // The first word is a farewell.
            let word = registrar.socket.read().unwrap();
            assert_eq!(word.opcode, Opcode::Close);
            assert_eq!(word.payload[..2], 1008_u16.to_be_bytes());
            registrar.socket.close(1008, "");
        });
        let ran = register(&server.register_url()).input("hello").run();
        let cause = ran.failed(5, "protocol");
        assert_says(&cause, words);
        assert_says(&cause, &["nothing was signed"]);
        assert_eq!(ran.the("foreign")["challenge"], challenge);
        assert_eq!(ran.summary()["registered"], 0);
    }
}

#[test]
fn the_host_that_is_named_is_the_one_that_was_asked_for() {
    let server = Script::new()
        .talk(|_, socket| {
            let mut registrar = Registrar::new(socket).called("pond.test");
            registrar.welcome();
            registrar.socket.part();
        })
        .start();
    let program = register(&server.register_url()).args(["-H", "Host: pond.test"]);
    program.input("").run().succeeded();
}

#[test]
fn a_server_that_does_not_challenge_is_no_registrar() {
    let server = scripted(|registrar| registrar.socket.hold());
    let ran = register(&server.register_url()).input("hello").run();
    let cause = ran.failed(5, "protocol");
    assert_says(
        &cause,
        &["no challenge for 10s", "the address of a registration"],
    );
    assert_eq!(ran.the("unanswered")["what"], "challenge");
}

#[test]
fn a_connection_that_is_lost_is_the_end_of_it() {
    let server = scripted(|registrar| {
        registrar.welcome();
        registrar.line();
        reset_when_dropped(registrar.socket.stream());
    });
    let ran = register(&server.register_url()).input("one\ntwo").run();
    let cause = ran.failed(4, "dropped");
    assert_says(&cause, &["the connection was lost", "registered"]);
    assert_eq!(ran.summary()["unsaid"], 2);
    assert_eq!(server.upgrades().len(), 1);
}

#[test]
fn what_a_server_says_as_it_closes_decides_how_it_ends() {
    for (code, exit, kind) in [
        (1000, 4, "dropped"),
        (1001, 4, "dropped"),
        (1008, 1, "policy"),
        (1009, 1, "refused"),
    ] {
        let server = scripted(move |registrar| {
            registrar.welcome();
            registrar.line();
            registrar.socket.close(code, "for a reason");
            while registrar.socket.read().is_some() {}
        });
        let ran = register(&server.register_url()).input("hello").run();
        let cause = ran.failed(exit, kind);
        assert_says(&cause, &[&code.to_string(), "for a reason"]);
    }
    // Before it was registered, it has been rejected.
    let server = scripted(|registrar| {
        registrar.socket.close(1008, "not you");
        while registrar.socket.read().is_some() {}
    });
    let ran = register(&server.register_url()).input("hello").run();
    assert_says(&ran.failed(3, "credentials"), &["rejected", "not you"]);
}

#[test]
fn who_is_unregistered_for_a_while_says_the_rest_afterwards() {
    let server = scripted(|registrar| {
        registrar.welcome();
        assert_eq!(registrar.line(), "one");
        registrar.say(json!({"error": "unregistered", "message": "You were silent."}));
        registrar.say(json!({"error": "not_registered", "message": "Not yet."}));
        registrar.ask(ANOTHER_NONCE);
        let answer = registrar.answer(ANOTHER_NONCE);
        registrar.accept(&answer);
        assert_eq!(registrar.line(), "one");
        registrar.say(json!({"delivered": 0}));
        registrar.socket.part();
    });
    let ran = register(&server.register_url()).input("one").run();
    ran.succeeded();
    assert_eq!(of(&ran, "unregistered", "reason"), ["You were silent."]);
    assert_eq!(ran.all("registered").len(), 2);
    assert_eq!(ran.summary()["registered"], 2);
    assert_eq!(ran.summary()["unsaid"], 0);
}

#[test]
fn what_comes_too_fast_is_said_again() {
    let server = scripted(|registrar| {
        registrar.welcome();
        registrar.line();
        registrar.say(json!({"error": "too_fast", "message": "Slowly.", "retryAfterMs": 50}));
        assert_eq!(registrar.line(), "hello");
        registrar.say(json!({"delivered": 1}));
        registrar.socket.part();
    });
    let ran = register(&server.register_url()).input("hello").run();
    ran.succeeded();
    assert_eq!(ran.the("held")["retry_in_ms"], 50.0);
}

#[test]
fn what_makes_no_sense_is_told_of() {
    let server = scripted(|registrar| {
        registrar.socket.text("good day");
        registrar.welcome();
        registrar.socket.part();
    });
    let ran = register(&server.register_url()).input("").run();
    ran.succeeded();
    assert_eq!(ran.the("odd")["text"], "good day");
}

#[test]
fn text_is_for_people_and_holds_nothing_that_a_terminal_obeys() {
    let server = scripted(|registrar| {
        registrar.welcome();
        let said = json!({
            "from": SOMEBODY, "text": "\u{1b}[2J\u{202e}evil", "timestamp": 1_795_264_496,
        });
        registrar.say(said);
        registrar.line();
        registrar.say(json!({"delivered": 1}));
        registrar.socket.part();
    });
    let program = Program::new("register").args([server.register_url()]);
    let ran = program.input("\u{1b}[2Jhi\n").run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_says(
        &ran.stdout,
        &[
            "key         ",
            "of this run only",
            "— registered as ",
            "times in UTC",
            "Zm9vYmFy  \\u{1b}[2J\\u{202e}evil\n",
            "you  \\u{1b}[2Jhi  (1 other)\n",
            "ended       registered, 1 delivered, 1 heard\n",
        ],
    );
    assert!(ran.stdout.starts_with("key "), "{ran:?}");
    assert!(!ran.stdout.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn an_upgrade_that_is_refused_comes_with_advice() {
    for (status, words) in [
        ("421 Misdirected Request", &["421", "--host HOST"][..]),
        ("404 Not Found", &["404", "/register"]),
    ] {
        let server = Script::new()
            .upgrade(move |_, _, mut stream| Reply::status(status, "no").send(&mut stream))
            .start();
        let ran = register(&server.register_url()).input("hello").run();
        assert_says(&ran.failed(4, "unreachable"), words);
    }
    let port = Port::reserve();
    let url = port.url().replace("http", "ws") + "/register";
    let ran = register(&url).input("hello").run();
    ran.failed(4, "unreachable");
    // What is known of the key is told all the same.
    assert_eq!(ran.summary()["public_key"], ran.the("key")["public_key"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_happens() {
    let nobody = "ws://127.0.0.1:1/register";
    for (arguments, words) in [
        (&["http://127.0.0.1:1/register"][..], &["ws://"][..]),
        (
            &["127.0.0.1:1/register"],
            &["register at", "ws://HOST:PORT/register"],
        ),
        (&[nobody, "--to", "bob"], &["--to", "43 characters"]),
        (
            &[nobody, "--to", &SOMEBODY[..42]],
            &["--to", "42 characters"],
        ),
        (
            &[nobody, "--key", "key.pem", "--record", "./key.pem"],
            &["--record would overwrite the key"],
        ),
    ] {
        let ran = Program::new("register").args(arguments).json().run();
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
        assert_says(&ran.stderr, words);
        assert_eq!(ran.summary()["outcome"], "failed");
        assert_eq!(ran.summary()["public_key"], Value::Null);
        assert_eq!(ran.the("error")["kind"], "usage");
        assert!(!ran.path("key.pem").exists());
    }
}
