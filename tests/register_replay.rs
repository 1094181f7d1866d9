//! `wsbeat register --record`, and `wsbeat replay` of what it has recorded.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::{
    ANOTHER_NONCE, NONCE, Program, Ran, Registrar, SOMEBODY, Script, Server, assert_says, register,
};

/// A registrar that rejects the first answer, passes a line on, unregisters, and registers again.
fn eventful() -> Server {
    let talk = |registrar: &mut Registrar<'_>| {
        registrar.ask(NONCE);
        let answer = registrar.answer(NONCE);
        registrar.reject(&answer, 3, ANOTHER_NONCE);
        let answer = registrar.answer(ANOTHER_NONCE);
        registrar.accept(&answer);
        registrar.say(json!({"from": SOMEBODY, "text": "hello", "timestamp": 1_795_264_496}));
        registrar.line();
        registrar.say(json!({"delivered": 2}));
        registrar.line();
        registrar.say(json!({"error": "unknown_key", "message": "Nobody has it."}));
        registrar.say(json!({"error": "unregistered", "message": "You were silent."}));
        registrar.ask(NONCE);
        let answer = registrar.answer(NONCE);
        registrar.accept(&answer);
        registrar.socket.close(1001, "going away");
        while registrar.socket.read().is_some() {}
    };
    Script::new()
        .talk(move |_, socket| talk(&mut Registrar::new(socket)))
        .start()
}

/// A run that was recorded, and the recording.
fn recorded(more: &[&str]) -> (Ran, String) {
    let server = eventful();
    let program = register(&server.register_url()).args(["--stay", "--record", "run.jsonl"]);
    let ran = program.args(more).input("one\ntwo\n").run();
    ran.failed(4, "dropped");
    let recording = fs::read_to_string(ran.path("run.jsonl")).unwrap();
    (ran, recording)
}

fn replay(recording: &str) -> Ran {
    let program = Program::new("replay").file("run.jsonl", recording);
    program.args(["run.jsonl"]).json().run()
}

/// What was noticed: items without what only a replay or only a live run knows.
fn noticed(ran: &Ran) -> Vec<Value> {
    let mut items = ran.items();
    items.retain(|item| {
        let kind = item["type"].as_str().unwrap();
        !["key", "open", "error", "summary"].contains(&kind)
    });
    for item in &mut items {
        item.as_object_mut().unwrap().remove("recording");
    }
    items
}

#[test]
fn a_registration_is_told_again_as_it_was() {
    let (ran, recording) = recorded(&[]);
    let lines: Vec<Value> = recording
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["conversation"], "registration");
    assert_eq!(lines[1]["type"], "open");
    assert_eq!(lines[lines.len() - 1]["code"], 1001);

    let again = replay(&recording);
    again.succeeded();
    let kinds: Vec<_> = again.items().iter().map(|it| it["type"].clone()).collect();
    let expected = [
        "rejected",
        "registered",
        "heard",
        "delivered",
        "refused",
        "unregistered",
        "registered",
        "summary",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(noticed(&again), noticed(&ran));
    assert_eq!(again.items()[0]["recording"], "run.jsonl");
    let (then, now) = (ran.summary(), again.summary());
    for field in [
        "public_key",
        "registered",
        "rejected",
        "delivered",
        "refused",
        "heard",
    ] {
        assert_eq!(now[field], then[field], "{field}");
    }
    assert_eq!(
        (&now["outcome"], now.get("unsaid")),
        (&"ended".into(), None)
    );
    // Nobody has played a round.
    assert_eq!(now.get("rounds"), None);
}

#[test]
fn a_recording_of_old_verifies_still() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/registration.jsonl");
    let ran = Program::new("replay").args([path]).json().run();
    ran.succeeded();
    assert!(ran.all("unproven").is_empty(), "{ran:?}");
    let key = "-KqHlNuEmaHM3Sla0FaNUygugh0BeK0sOKgOURz0yg4";
    assert_eq!(ran.the("registered")["public_key"], key);
    let texts: Vec<_> = ran
        .all("delivered")
        .iter()
        .map(|it| it["text"].clone())
        .collect();
    assert_eq!(texts, ["hello", "how are you?"]);
}

#[test]
fn a_response_that_does_not_verify_is_said_so() {
    let (ran, recording) = recorded(&[]);
    let key = ran.summary()["public_key"].as_str().unwrap().to_owned();
    // What was answered to the one challenge proves nothing of the other.
    let swapped = recording
        .replace(NONCE, "swap")
        .replace(ANOTHER_NONCE, NONCE)
        .replace("swap", ANOTHER_NONCE);
    let somebody_else = recording.replace(&key, SOMEBODY);
    for (tampered, unproven) in [(&recording, 0), (&swapped, 3), (&somebody_else, 3)] {
        let again = replay(tampered);
        again.succeeded();
        let items = again.all("unproven");
        assert_eq!(items.len(), unproven, "{again:?}");
        for item in items {
            assert!(!item["reason"].as_str().unwrap().is_empty(), "{item}");
        }
        // What the registrar made of it then is told all the same.
        assert_eq!(again.all("registered").len(), 2);
    }
    let program = Program::new("replay").file("run.jsonl", &swapped);
    let ran = program.args(["run.jsonl"]).run();
    assert_says(
        &ran.succeeded().stdout,
        &["run.jsonl", "the answer proves nothing: "],
    );
}

#[test]
fn a_host_that_was_asked_for_by_another_name_is_not_foreign() {
    let server = Script::new()
        .talk(|_, socket| {
            let mut registrar = Registrar::new(socket).called("pond.test");
            registrar.welcome();
            registrar.socket.part();
        })
        .start();
    let program = register(&server.register_url())
        .args(["-H", "Host: pond.test", "--record", "run.jsonl"])
        .input("");
    let ran = program.run();
    ran.succeeded();
    let again = replay(&fs::read_to_string(ran.path("run.jsonl")).unwrap());
    assert!(again.all("foreign").is_empty(), "{again:?}");
    assert_eq!(noticed(&again), noticed(&ran));
}

#[test]
fn a_challenge_that_was_foreign_then_is_so_again() {
    let server = Script::new()
        .talk(|_, socket| {
            let mut registrar = Registrar::new(socket).called("elsewhere.test");
            registrar.ask(NONCE);
            registrar.socket.part();
        })
        .start();
    let program = register(&server.register_url()).args(["--record", "run.jsonl"]);
    let ran = program.input("").run();
    ran.failed(5, "protocol");
    let again = replay(&fs::read_to_string(ran.path("run.jsonl")).unwrap());
    again.succeeded();
    assert_eq!(again.the("foreign"), {
        let mut foreign = ran.the("foreign");
        foreign["recording"] = "run.jsonl".into();
        foreign
    });
}

#[test]
fn a_registration_is_not_drawn() {
    let (_ran, recording) = recorded(&[]);
    let program = Program::new("replay").file("run.jsonl", recording);
    let ran = program
        .args(["run.jsonl", "--plot", "picture.svg"])
        .json()
        .run();
    let failed = ran.failed(2, "usage");
    assert_says(&failed, &["--plot", "run.jsonl", "is a registration"]);
    assert!(!ran.path("picture.svg").exists());
}
