//! What becomes of a run whose attempts fail or that is stopped: tokens, pauses, recordings,
//! Ctrl-C and the deadline.

#![cfg(unix)]

mod support;

use std::fs;
use std::sync::{Arc, Mutex};

use support::{
    Gate, Opcode, Port, Program, Ran, Reply, SECRET, Script, Server, Socket, assert_says, hold,
    one_time_token, reset_when_dropped,
};

fn lose(socket: &mut Socket) {
    socket.round();
    socket.text("ping!");
    socket.answer();
    socket.text("ouch! seems like you missed a beat...");
    socket.part();
}

fn win(socket: &mut Socket) {
    socket.round();
    socket.won();
}

/// Ctrl-C at the moment for which a gate stands.
#[track_caller]
fn interrupted(server: &Server, moment: &Gate) -> Ran {
    let running = Program::solve_at(&server.url()).json().start();
    moment.wait();
    running.interrupt();
    let ran = running.end();
    ran.failed(130, "interrupted");
    ran
}

#[test]
fn each_further_attempt_has_a_heading_for_people() {
    let server = Script::new()
        .talk(|call, socket| if call == 1 { lose(socket) } else { win(socket) })
        .start();
    let ran = Program::solve_at(&server.url()).run();
    ran.succeeded();
    let headings = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("attempt "));
    assert_eq!(headings.collect::<Vec<_>>(), ["attempt 2 of 3"]);
    let (_, second) = ran.stdout.split_once("attempt 2 of 3\n").unwrap();
    assert!(second.starts_with("connected"), "{second}");
}

#[test]
fn a_lost_conversation_starts_over_with_a_new_token_and_a_new_recording() {
    let server = Script::new()
        .talk(|call, socket| if call == 1 { lose(socket) } else { win(socket) })
        .start();
    let ran = Program::solve_at(&server.url())
        .args(["--record", "run.jsonl"])
        .json()
        .run();
    ran.succeeded();
    assert_eq!(server.tokens_used(), [one_time_token(1), one_time_token(2)]);
    assert_eq!(server.problems().len(), 2);

    let error = ran.the("error");
    assert_eq!(error["kind"], "lost");
    assert_eq!(error["attempt"], 1);
    assert_eq!(error["retry_in_ms"], 500.0);
    assert_says(&ran.stderr, &["ouch! in round 2", "trying again in 500ms"]);
    let attempts: Vec<_> = ran
        .all("open")
        .iter()
        .map(|open| open["attempt"].clone())
        .collect();
    assert_eq!(attempts, [1, 2]);
    let summary = ran.summary();
    assert_eq!(
        (&summary["attempts"], &summary["rounds"]),
        (&2.into(), &1.into())
    );
    assert_eq!(summary["secret"], SECRET);

    let lost = ran.recording("run.jsonl");
    assert_eq!(
        lost[lost.len() - 2]["text"],
        "ouch! seems like you missed a beat..."
    );
    let won = ran.recording("run.2.jsonl");
    assert_says(&won[won.len() - 2].to_string(), &[SECRET]);
    assert!(!ran.path("run.3.jsonl").exists());
}

#[test]
fn a_dropped_connection_starts_over_until_there_is_no_attempt_left() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.round();
            reset_when_dropped(&socket.stream);
        })
        .start();
    let ran = Program::solve_at(&server.url()).json().run();
    ran.failed(4, "dropped");
    let tokens: Vec<String> = (1..=3).map(one_time_token).collect();
    assert_eq!(
        server.tokens_used(),
        tokens,
        "three attempts, each with its own"
    );
    let pauses: Vec<_> = ran
        .all("error")
        .iter()
        .map(|error| error["retry_in_ms"].clone())
        .collect();
    assert_eq!(
        pauses,
        [500.0.into(), 1000.0.into(), serde_json::Value::Null]
    );
    assert_eq!(ran.summary()["attempts"], 3);
    assert!(server.solutions().is_empty());
}

#[test]
fn a_token_that_a_failed_upgrade_may_have_used_is_replaced() {
    let server = Script::new()
        .upgrade(|_, _, mut stream| {
            Reply::status("503 Service Unavailable", "").send(&mut stream);
        })
        .start();
    let ran = Program::solve_at(&server.url())
        .args(["--attempts", "2"])
        .json()
        .run();
    assert_says(&ran.failed(4, "unreachable"), &["503 Service Unavailable"]);
    assert_eq!(server.tokens_used(), [one_time_token(1), one_time_token(2)]);
}

#[test]
fn a_token_that_no_connection_has_used_is_used_for_the_next_try() {
    let port = Port::reserve();
    // Gives a token, and is gone before anyone can connect with it.
    let giving = Server::once_on(port.listener(), Script::new());
    let mut running = Program::solve_at(&port.url())
        .args(["--attempts", "6"])
        .json()
        .start();
    // The first try to connect has been refused.
    running.wait_for("retry_in_ms");
    assert_eq!(giving.problems().len(), 1);
    let talking = Server::on(
        port.into_listener(),
        Script::winning(1).problem(|_, _| Reply::token("a-new-one-that-nobody-needs")),
    );
    let ran = running.end();
    ran.succeeded();
    assert_eq!(talking.tokens_used(), [one_time_token(1)]);
    assert!(talking.problems().is_empty());
    let error = &ran.all("error")[0];
    assert_says(
        &error["message"].to_string(),
        &["connecting to 127.0.0.1", "refused"],
    );
}

#[test]
fn a_token_fetched_by_hand_is_played_without_asking_for_another() {
    let server = Script::winning(1).start();
    let ran = Program::solve_at(&server.url())
        .without_env("HACKATTIC_ACCESS_TOKEN")
        .file("token", "fetched-by-hand\n")
        .args(["--token-file", "token", "--no-submit"])
        .json()
        .run();
    ran.succeeded();
    assert_eq!(ran.summary()["secret"], SECRET);
    assert_eq!(server.tokens_used(), ["fetched-by-hand"]);
    assert!(server.problems().is_empty());
}

#[test]
fn a_token_fetched_by_hand_is_played_once() {
    let dropped = |_, socket: &mut Socket| {
        socket.round();
        socket.close(1011, "sorry");
        socket.closed();
    };
    let expired = |_, socket: &mut Socket| {
        socket.text("expired challenge token");
        socket.part();
    };
    let cases = [
        (Script::new().talk(dropped), 4, "dropped"),
        (Script::new().talk(|_, socket| lose(socket)), 1, "lost"),
        (Script::new().talk(expired), 3, "credentials"),
    ];
    for (script, code, kind) in cases {
        let server = script.start();
        let ran = Program::solve_at(&server.url())
            .file("token", "fetched-by-hand")
            .args(["--token-file", "token"])
            .json()
            .run();
        ran.failed(code, kind);
        assert_eq!(server.tokens_used(), ["fetched-by-hand"]);
        assert!(server.problems().is_empty());
        assert_eq!(ran.all("error").len(), 1);
    }
}

#[test]
fn without_an_access_token_a_token_by_hand_cannot_be_submitted_for() {
    let server = Script::new().start();
    let ran = Program::solve_at(&server.url())
        .without_env("HACKATTIC_ACCESS_TOKEN")
        .file("token", "fetched-by-hand")
        .args(["--token-file", "token"])
        .json()
        .run();
    let words = ["no access token", "--no-submit"];
    assert_says(&ran.failed(2, "usage"), &words);
    assert!(server.upgrades().is_empty());
}

#[test]
fn a_recording_that_cannot_be_written_is_found_before_a_token_is_spent() {
    for (name, reason) in [("nowhere/run.jsonl", "No such file"), (".", "directory")] {
        let server = Script::new().start();
        let ran = Program::solve_at(&server.url())
            .args(["--record", name])
            .json()
            .run();
        let words = [name, "cannot be written", reason];
        assert_says(&ran.failed(2, "recording"), &words);
        assert!(server.problems().is_empty(), "{name}");
        assert!(server.upgrades().is_empty(), "{name}");
    }
}

#[test]
fn an_older_and_longer_recording_is_overwritten_whole() {
    let server = Script::winning(1).start();
    let ran = Program::solve(&server)
        .file("run.jsonl", "old\n".repeat(10_000))
        .args(["--record", "run.jsonl"])
        .json()
        .run();
    ran.succeeded();
    ran.recording("run.jsonl");
    assert!(
        !fs::read_to_string(ran.path("run.jsonl"))
            .unwrap()
            .contains("old")
    );
}

#[test]
fn ctrl_c_closes_the_conversation() {
    let farewell = Arc::new(Mutex::new(None));
    let server = Script::new()
        .talk({
            let farewell = Arc::clone(&farewell);
            move |_, socket| {
                socket.round();
                *farewell.lock().unwrap() = Some(socket.part());
            }
        })
        .start();
    let mut running = Program::solve_at(&server.url())
        .args(["--record", "run.jsonl"])
        .json()
        .start();
    running.wait_for("\"good\"");
    running.interrupt();
    let ran = running.end();
    assert_says(&ran.failed(130, "interrupted"), &["interrupted"]);
    assert_eq!(ran.summary()["rounds"], 1);
    assert_eq!(server.upgrades().len(), 1, "it was not tried again");
    drop(server);
    let (code, _) = farewell.lock().unwrap().take().unwrap();
    assert_eq!(code, 1001);
    let lines = ran.recording("run.jsonl");
    let close = &lines[lines.len() - 1];
    assert_eq!((&close["by"], &close["code"]), (&"us".into(), &1001.into()));
}

#[test]
fn ctrl_c_ends_a_conversation_with_a_server_that_does_not_close() {
    let gone = Arc::new(Gate::default());
    let server = Script::new()
        .talk({
            let gone = Arc::clone(&gone);
            move |_, socket| {
                socket.round();
                // Neither read nor written any more, and not closed either.
                gone.wait();
            }
        })
        .start();
    let mut running = Program::solve(&server).json().start();
    running.wait_for("\"good\"");
    running.interrupt();
    let ran = running.end();
    gone.open();
    ran.failed(130, "interrupted");
}

#[test]
fn ctrl_c_while_the_token_is_fetched_ends_the_run() {
    let asked = Arc::new(Gate::default());
    let server = Script::new()
        .problem({
            let asked = Arc::clone(&asked);
            move |_, _| {
                asked.open();
                Reply::hang()
            }
        })
        .start();
    interrupted(&server, &asked);
    assert_eq!(server.problems().len(), 1);
}

#[test]
fn ctrl_c_during_the_upgrade_ends_the_run() {
    let asked = Arc::new(Gate::default());
    let server = Script::new()
        .upgrade({
            let asked = Arc::clone(&asked);
            move |_, _, mut stream| {
                asked.open();
                hold(&mut stream);
            }
        })
        .start();
    let running = Program::solve_at(&server.url()).json().start();
    asked.wait();
    running.interrupt();
    running.end().failed(130, "interrupted");
}

#[test]
fn ctrl_c_between_two_attempts_ends_the_run() {
    let server = Script::new()
        .problem(|_, _| Reply::status("503 Service Unavailable", ""))
        .start();
    let mut running = Program::solve_at(&server.url())
        .args(["--attempts", "1000"])
        .json()
        .start();
    // Sooner or later: one pause is as good as another.
    running.wait_for("retry_in_ms");
    running.interrupt();
    running.end().failed(130, "interrupted");
}

#[test]
fn ctrl_c_while_the_solution_is_handed_in_still_prints_the_secret() {
    let asked = Arc::new(Gate::default());
    let server = Script::winning(1)
        .solve({
            let asked = Arc::clone(&asked);
            move |_, _| {
                asked.open();
                Reply::hang()
            }
        })
        .start();
    let ran = interrupted(&server, &asked);
    assert_eq!(ran.the("secret")["secret"], SECRET);
    assert_eq!(ran.summary()["secret"], SECRET);
}

#[test]
fn the_deadline_ends_a_conversation_that_goes_on() {
    let server = Script::new()
        .talk(|_, socket| {
            // A server that never stops talking, but leaves when it is told to.
            loop {
                socket.text("la");
                socket.ping(b"la");
                let frame = socket.read().expect("a Pong or a Close");
                if frame.opcode == Opcode::Close {
                    assert_eq!(&frame.payload[..2], &1001_u16.to_be_bytes());
                    socket.close(1001, "");
                    break;
                }
            }
        })
        .start();
    let ran = Program::solve_at(&server.url())
        .args(["--deadline", "2s", "--record", "run.jsonl"])
        .json()
        .run();
    assert_says(&ran.failed(4, "deadline"), &["--deadline"]);
    assert_eq!(server.upgrades().len(), 1, "it was not tried again");
    let lines = ran.recording("run.jsonl");
    assert_eq!(lines[lines.len() - 1]["code"], 1001);
}

#[test]
fn the_deadline_ends_a_run_that_waits_for_an_answer() {
    let server = Script::new().problem(|_, _| Reply::hang()).start();
    let ran = Program::solve_at(&server.url())
        .args(["--deadline", "300ms"])
        .json()
        .run();
    assert_says(&ran.failed(4, "deadline"), &["--deadline"]);
}

#[test]
fn a_conversation_that_never_opens_leaves_the_recordings_as_they_were() {
    let port = Port::reserve();
    let ran = Program::solve_at(&port.url())
        .args(["--attempts", "1", "--record", "new.jsonl"])
        .json()
        .run();
    ran.failed(4, "unreachable");
    assert!(!ran.path("new.jsonl").exists());

    let ran = Program::solve_at(&port.url())
        .file("old.jsonl", "an older recording\n")
        .args(["--attempts", "1", "--record", "old.jsonl"])
        .json()
        .run();
    ran.failed(4, "unreachable");
    let old = fs::read_to_string(ran.path("old.jsonl")).unwrap();
    assert_eq!(old, "an older recording\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_recording_that_fails_does_not_take_the_conversation_with_it() {
    let server = Script::winning(2).start();
    let ran = Program::solve(&server)
        .args(["--record", "/dev/full"])
        .json()
        .run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.summary()["outcome"], "solved");
    assert_eq!(ran.the("error")["kind"], "recording");
    assert_says(&ran.stderr, &["the recording ends here"]);
}

#[test]
fn what_comes_in_after_ctrl_c_is_no_round() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.round();
            assert_eq!(socket.closed().0, 1001);
            // Under way when the player left.
            socket.text("ping!");
            socket.close(1001, "");
        })
        .start();
    let mut running = Program::solve(&server).json().start();
    running.wait_for("verdict");
    running.interrupt();
    let ran = running.end();
    ran.failed(130, "interrupted");
    assert_eq!(ran.summary()["rounds"], 1);
    assert_eq!(ran.all("beat").len(), 1);
}

#[test]
fn ctrl_c_is_heard_while_a_file_keeps_the_program_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let other = folder.path().join("other");
    let running = Program::new("replay").args([&pipe, &other]).json().start();
    // This only works once the program has opened its end.
    let give_up = wsbeat::link::clock::now() + support::PATIENCE;
    let writer = loop {
        use rustix::fs::{Mode, OFlags, open};
        match open(&pipe, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()) {
            Ok(writer) => break writer,
            Err(_) => assert!(wsbeat::link::clock::now() < give_up),
        }
    };
    running.interrupt();
    let ran = running.end();
    // It is no recording that could not be read.
    ran.failed(130, "interrupted");
    drop(writer);
}
