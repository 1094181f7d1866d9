//! The access token and the one-time token are seen nowhere, not in what is printed, logged at any
//! level or recorded, also not when a server repeats them.

#![cfg(unix)]

mod support;

use std::fs;

use serde_json::json;
use support::{
    ODD, Opcode, PLAIN, Port, Program, Ran, Reply, Request, SECRET, Script, Server, Socket, Tokens,
    assert_all_hidden, assert_says, giving,
};

/// Runs `wsbeat solve` against what a script plays, with every log there is, once for people and
/// once for scripts, and checks what can be seen of the tokens. Returns the latter run.
#[track_caller]
fn check(tokens: Tokens, script: impl Fn() -> Script, code: i32) -> Ran {
    for format in ["text", "json"] {
        let server = script().start();
        let ran = solve(tokens, &server.url(), format);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        let asked = &server.problems()[0];
        assert_eq!(asked.query("access_token").unwrap(), tokens.access);
        // The logs are there, down to the last level.
        assert_says(&ran.stderr, &["calling", "wsbeat::", "TRACE"]);
        assert_all_hidden(tokens, &ran);
        if format == "json" {
            return ran;
        }
    }
    unreachable!("the last format has been returned");
}

fn solve(tokens: Tokens, url: &str, format: &str) -> Ran {
    Program::solve_at(url)
        .env("HACKATTIC_ACCESS_TOKEN", tokens.access)
        .env("RUST_LOG", "trace")
        .args(["--attempts", "1", "--record", "run.jsonl"])
        .args(["--log-format", format, "-o", format])
        .run()
}

/// What a careless server repeats: what it was asked, and what it made of it.
fn echo(request: &Request, token: &str) -> String {
    format!(
        "you asked for {} with {token}, did you not?",
        request.target
    )
}

fn success(tokens: Tokens) {
    let ran = check(
        tokens,
        || {
            giving(tokens).talk(|_, socket| {
                socket.text("hello! start counting");
                socket.round();
                socket.won();
            })
        },
        0,
    );
    assert_says(&ran.stdout, &[SECRET]);
}

#[test]
fn a_run_that_succeeds_shows_no_token() {
    success(PLAIN);
    success(ODD);
}

fn words_of_the_server(tokens: Tokens) {
    let ran = check(
        tokens,
        || {
            giving(tokens).talk(move |_, socket| {
                let Tokens { access, one_time } = tokens;
                socket.text(&format!("hello! your tokens: {one_time} {access}"));
                socket.text(&format!("a note on {one_time} and {access}"));
                socket.round();
                socket.text(&json!({"token": one_time, "access_token": access}).to_string());
                socket.won();
            })
        },
        0,
    );
    assert_says(&ran.the("hello")["text"].to_string(), &["your tokens: … …"]);
    assert_says(&ran.all("note")[0].to_string(), &["a note on … and …"]);
    let recording = fs::read_to_string(ran.path("run.jsonl")).unwrap();
    assert_says(&recording, &["your tokens: … …", "a note on … and …"]);
}

#[test]
fn a_server_that_repeats_the_tokens_in_what_it_says_is_not_quoted() {
    words_of_the_server(PLAIN);
}

#[test]
fn a_server_that_repeats_odd_tokens_in_what_it_says_is_not_quoted() {
    words_of_the_server(ODD);
}

fn refused_access_token(tokens: Tokens) {
    let ran = check(
        tokens,
        || {
            Script::new().problem(move |_, request| {
                Reply::status("401 Unauthorized", echo(request, tokens.access))
            })
        },
        3,
    );
    assert_says(
        &ran.the("error").to_string(),
        &["401", "you asked for", "…"],
    );
}

#[test]
fn a_refusal_that_repeats_the_access_token_is_not_quoted() {
    refused_access_token(PLAIN);
}

#[test]
fn a_refusal_that_repeats_an_odd_access_token_is_not_quoted() {
    refused_access_token(ODD);
}

fn refused_upgrade(tokens: Tokens) {
    let ran = check(
        tokens,
        || {
            giving(tokens).upgrade(move |_, request, mut stream| {
                let body = echo(request, tokens.one_time);
                Reply::status("403 Forbidden", body).send(&mut stream);
            })
        },
        3,
    );
    assert_says(
        &ran.the("error").to_string(),
        &["403", "you asked for", "…"],
    );
}

#[test]
fn a_refused_upgrade_that_repeats_the_one_time_token_is_not_quoted() {
    refused_upgrade(PLAIN);
}

#[test]
fn a_refused_upgrade_that_repeats_an_odd_one_time_token_is_not_quoted() {
    refused_upgrade(ODD);
}

fn rejected_solution(tokens: Tokens) {
    let ran = check(
        tokens,
        || {
            giving(tokens)
                .talk(|_, socket| {
                    socket.round();
                    socket.won();
                })
                .solve(move |_, request| {
                    Reply::json(json!({"rejected": echo(request, tokens.access)}))
                })
        },
        1,
    );
    assert_says(&ran.the("submission").to_string(), &["you asked for", "…"]);
}

#[test]
fn a_rejection_that_repeats_the_access_token_is_not_quoted() {
    rejected_solution(PLAIN);
}

#[test]
fn a_rejection_that_repeats_an_odd_access_token_is_not_quoted() {
    rejected_solution(ODD);
}

fn lost(tokens: Tokens) {
    let endings: [fn(Tokens, &mut Socket); 4] = [
        |tokens, socket| {
            socket.text(&format!("no idea what {} is", tokens.one_time));
            socket.text("expired challenge token");
            socket.part();
        },
        |tokens, socket| {
            socket.round();
            socket.text(&format!("ouch! that was it for {}", tokens.one_time));
            socket.part();
        },
        |tokens, socket| {
            socket.close(4000, &format!("enough of {}", tokens.one_time));
            socket.closed();
        },
        |_, socket| {
            socket.frame(true, Opcode::Text, b"\xff");
            socket.hold();
        },
    ];
    for (ending, code) in endings.into_iter().zip([3, 1, 4, 5]) {
        let script = || giving(tokens).talk(move |_, socket| ending(tokens, socket));
        check(tokens, script, code);
    }
}

#[test]
fn conversations_that_are_lost_show_no_token() {
    lost(PLAIN);
}

#[test]
fn conversations_that_are_lost_show_no_odd_token() {
    lost(ODD);
}

#[test]
fn a_server_that_cannot_be_connected_to_is_named_without_a_token() {
    for tokens in [PLAIN, ODD] {
        for format in ["text", "json"] {
            let port = Port::reserve();
            let ran = solve(tokens, &port.url(), format);
            assert_eq!(ran.code, Some(4), "{ran:?}");
            assert_all_hidden(tokens, &ran);

            // Once more, with a server that is gone when the one-time token is used.
            let port = Port::reserve();
            let server = Server::once_on(port.listener(), giving(tokens));
            let ran = solve(tokens, &port.url(), format);
            assert_eq!(ran.code, Some(4), "{ran:?}");
            assert_says(&ran.stderr, &["error: connecting to 127.0.0.1"]);
            assert_eq!(server.problems().len(), 1);
            assert_all_hidden(tokens, &ran);
        }
    }
}

#[test]
fn an_answer_that_is_cut_off_behind_the_token_is_not_quoted() {
    let cut = || {
        Script::new()
            .problem(|_, _| Reply::status("200 OK", format!("{{\"token\":\"{}", PLAIN.one_time)))
    };
    let ran = check(PLAIN, cut, 5);
    assert_says(&ran.the("error").to_string(), &["cut off JSON"]);
}

#[test]
fn an_answer_with_a_token_under_another_name_is_not_quoted() {
    let odd = || Script::new().problem(|_, _| Reply::json(json!({"tok": PLAIN.one_time})));
    let ran = check(PLAIN, odd, 5);
    assert_says(&ran.the("error").to_string(), &["holds no token"]);
}

#[test]
fn an_answer_that_is_too_long_and_begins_with_the_token_is_not_quoted() {
    let long = || {
        Script::new().problem(|_, _| {
            let padding = "x".repeat(100_000);
            Reply::json(format!(
                "{{\"token\":\"{}\",\"padding\":\"{padding}\"}}",
                PLAIN.one_time
            ))
        })
    };
    let ran = check(PLAIN, long, 5);
    assert_says(&ran.the("error").to_string(), &["over 64 KiB"]);
}

#[test]
fn a_refusal_that_is_shown_in_part_does_not_show_a_part_of_the_access_token() {
    for before in [120, 130, 140, 150] {
        let refused = move || {
            Script::new().problem(move |_, _| {
                let body = format!("{} {}", "x".repeat(before), PLAIN.access);
                Reply::status("401 Unauthorized", body)
            })
        };
        check(PLAIN, refused, 3);
    }
}

#[test]
fn a_refused_upgrade_that_is_shown_in_part_does_not_show_a_part_of_the_one_time_token() {
    for before in [120, 130, 140, 150] {
        let refused = move || {
            giving(PLAIN).upgrade(move |_, _, mut stream| {
                let body = format!("{} {}", "x".repeat(before), PLAIN.one_time);
                Reply::status("403 Forbidden", body).send(&mut stream);
            })
        };
        check(PLAIN, refused, 3);
    }
}

#[test]
fn words_that_are_shown_in_part_do_not_show_a_part_of_a_token() {
    let wordy = || {
        giving(PLAIN).talk(|_, socket| {
            for before in (0..200).step_by(9) {
                let padding = "x".repeat(before);
                socket.text(&format!("{padding} {}", PLAIN.one_time));
                socket.text(&format!("{padding} {}", PLAIN.access));
            }
            socket.round();
            socket.won();
        })
    };
    let ran = check(PLAIN, wordy, 0);
    assert_eq!(ran.all("note").len(), 46);
}

#[test]
fn a_token_made_of_the_words_of_the_formats_breaks_none_of_them() {
    let words = Tokens {
        access: "submission",
        one_time: "challenge",
    };
    let server = giving(words)
        .talk(|_, socket| {
            socket.text("hello! challenge: submission");
            socket.round();
            socket.won();
        })
        .start();
    let ran = solve(words, &server.url(), "json");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.the("submission")["passed"], true);
    assert_eq!(ran.the("hello")["text"], "hello! …: …");
    let lines = ran.recording("run.jsonl");
    assert!(lines.iter().any(|line| line["text"] == "hello! …: …"));
}
