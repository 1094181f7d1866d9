//! `wsbeat register` when it is told to end: by a person, or by the time.

#![cfg(unix)]

mod support;

use std::sync::Arc;

use serde_json::json;
use support::{Gate, NONCE, Registrar, Script, Server, assert_says, register};

/// A server that talks to a registrant like this.
fn scripted(talk: impl Fn(&mut Registrar<'_>) + Send + Sync + 'static) -> Server {
    Script::new()
        .talk(move |_, socket| talk(&mut Registrar::new(socket)))
        .start()
}

#[test]
fn who_is_stopped_with_something_left_to_say_hears_of_it() {
    let gate = Arc::new(Gate::default());
    let opened = Arc::clone(&gate);
    let server = scripted(move |registrar| {
        registrar.welcome();
        registrar.line();
        opened.open();
        registrar.socket.part();
    });
    let program = register(&server.register_url()).args(["--stay"]);
    let running = program.input("one\ntwo\n").start();
    gate.wait();
    running.interrupt();
    let ran = running.end();
    assert_says(&ran.failed(130, "interrupted"), &["2 lines left unsaid"]);
}

#[test]
fn who_is_stopped_before_it_was_registered_has_not_had_what_it_came_for() {
    for stay in [&[][..], &["--stay"]] {
        let server = scripted(|registrar| {
            registrar.socket.part();
        });
        let program = register(&server.register_url()).args(stay);
        let mut running = program.typed_to().start();
        running.wait_for(r#""type":"open""#);
        running.interrupt();
        let ran = running.end();
        assert_says(
            &ran.failed(130, "interrupted"),
            &["before the key was registered"],
        );
    }
}

#[test]
fn who_was_registered_once_ends_well_by_being_stopped() {
    let server = scripted(|registrar| {
        registrar.welcome();
        registrar.say(json!({"error": "unregistered", "message": "You were silent."}));
        registrar.socket.part();
    });
    let mut running = register(&server.register_url()).args(["--stay"]).start();
    running.wait_for(r#""type":"unregistered""#);
    running.interrupt();
    let ran = running.end();
    assert_eq!(ran.succeeded().summary()["outcome"], "ended");
}

#[test]
fn the_time_for_it_can_be_limited() {
    let server = scripted(|registrar| {
        registrar.ask(NONCE);
        // Where all takes longer, the time can be up at any point of this.
        while let Some(mut heard) = registrar.hear_or_close() {
            if heard["response"].is_string() {
                heard["accepted"] = true.into();
                registrar.say(heard);
            }
        }
    });
    // However slow it is here, it is registered within one of these.
    for seconds in [1, 2, 4, 8, 16] {
        let deadline = format!("{seconds}s");
        let program = register(&server.register_url()).args(["--deadline", &deadline]);
        let mut running = program.typed_to().start();
        running.say("hello");
        let ran = running.end();
        let cause = ran.failed(4, "deadline");
        assert_says(&cause, &["--deadline"]);
        if ran.summary()["registered"] == 1 && ran.summary()["unsaid"] == 1 {
            return assert_says(&cause, &["at least 1 line left unsaid"]);
        }
    }
    panic!("it was never registered in time");
}
