//! `--plot`: pictures of sessions, won, lost, dropped and interrupted.

#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use support::{Port, Program, Ran, Script, Server, Socket, assert_says, serve};

/// A picture as SVG.
#[track_caller]
fn svg(ran: &Ran, name: &str) -> String {
    let document = fs::read_to_string(ran.path(name)).unwrap();
    assert!(document.starts_with("<svg "), "{document}");
    assert!(document.ends_with("</svg>\n"), "{document}");
    document
}

/// The size of a picture as PNG, and how many of its pixels have a colour.
#[track_caller]
fn png(path: &Path, colour: [u8; 3]) -> ((u32, u32), usize) {
    let file = std::io::Cursor::new(fs::read(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let pixels = bytes.chunks_exact(3).filter(|pixel| *pixel == colour);
    ((info.width, info.height), pixels.count())
}

fn lose(socket: &mut Socket) {
    socket.round();
    socket.text("ping!");
    socket.answer();
    socket.text("ouch! seems like you missed a beat...");
    socket.part();
}

fn plotted(server: &Server, name: &str) -> Ran {
    let program = Program::solve(server).args(["--plot", name]);
    program.json().run()
}

#[test]
fn practice_is_drawn() {
    let ran = Program::new("solve")
        .args(["--practice", "--rounds", "1", "--seed", "5"])
        .args(["--plot", "run.svg"])
        .json()
        .run();
    ran.succeeded();
    let document = svg(&ran, "run.svg");
    let url = ran.the("open")["url"].as_str().unwrap().to_owned();
    let words = [
        &url,
        "1 round, 1 good",
        "2750",
        "font-family=\"sans-serif\"",
    ];
    assert_says(&document, &words);
}

#[test]
fn a_lost_session_is_recorded_and_drawn() {
    let ran = Program::new("simulate")
        .args(["--model", "spiky", "--estimator", "plain", "--session", "3"])
        .args(["--record", "lost.jsonl"])
        .json()
        .run();
    let recording = fs::read(ran.succeeded().path("lost.jsonl")).unwrap();
    for name in ["lost.png", "lost.SVG"] {
        let ran = Program::new("replay")
            .file("lost.jsonl", &recording)
            .args(["lost.jsonl", "--estimator", "plain", "--plot", name])
            .json()
            .run();
        ran.succeeded();
        if name == "lost.png" {
            let vermillion = [213, 94, 0];
            let (size, lost) = png(&ran.path(name), vermillion);
            assert_eq!(size, (1200, 700));
            assert!(lost > 40, "{lost}");
        } else {
            let words = ["lost.jsonl: simulation://spiky", "was lost: ", "ouch! "];
            assert_says(&svg(&ran, name), &words);
        }
    }
}

#[test]
fn every_attempt_has_a_picture_also_of_what_was_lost_or_dropped() {
    let server = Script::new()
        .talk(|call, socket| match call {
            1 => lose(socket),
            2 => {
                socket.round();
                socket.close(1011, "sorry");
                socket.closed();
            }
            _ => {
                socket.round();
                socket.won();
            }
        })
        .start();
    let ran = Program::solve_at(&server.url())
        .args(["--plot", "run.svg"])
        .json()
        .run();
    ran.succeeded();
    assert_says(&svg(&ran, "run.svg"), &["2 rounds, 1 good, 1 ouch"]);
    assert_says(&svg(&ran, "run.2.svg"), &["1 round, 1 good"]);
    assert_says(&svg(&ran, "run.3.svg"), &["1 round, 1 good"]);
    for (name, token) in ["run.svg", "run.2.svg", "run.3.svg"]
        .iter()
        .zip(server.tokens_used())
    {
        assert!(!svg(&ran, name).contains(&token), "the token is blanked");
    }
}

#[test]
fn an_interrupted_run_is_drawn() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.round();
            socket.part();
        })
        .start();
    let mut running = Program::solve(&server)
        .args(["--plot", "run.svg"])
        .json()
        .start();
    running.wait_for("\"good\"");
    running.interrupt();
    let ran = running.end();
    ran.failed(130, "interrupted");
    assert_says(&svg(&ran, "run.svg"), &["1 round, 1 good"]);
}

#[test]
fn round_trips_are_drawn_also_of_an_interrupted_run() {
    let (_server, url) = serve(&[]);
    let url = format!("{url}/echo").replace("http", "ws");
    let mut running = Program::new("ping")
        .args([&url, "--interval", "5ms", "--plot", "run.svg"])
        .json()
        .start();
    running.wait_for("\"seq\":20,");
    running.interrupt();
    let ran = running.end();
    ran.succeeded();
    let summary = ran.summary();
    let counts = format!("{} sent, {} received", summary["sent"], summary["received"]);
    let words = [&url, &*counts, "p99.9", "time since the opening (s)"];
    assert_says(&svg(&ran, "run.svg"), &words);

    let port = Port::reserve();
    let url = port.url().replace("http", "ws");
    let ran = Program::new("ping")
        .args([&url, "--plot", "run.svg"])
        .json()
        .run();
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(!ran.path("run.svg").exists());
}

#[test]
fn a_live_server_without_tokens_is_drawn() {
    let server = Script::new().talk(|_, socket| lose(socket)).start();
    let url = format!("{}/_/ws/typed-by-hand-0123", server.url()).replace("http", "ws");
    let ran = Program::new("replay")
        .args([&url, "--plot", "run.svg"])
        .json()
        .run();
    ran.failed(1, "lost");
    let document = svg(&ran, "run.svg");
    assert_says(&document, &["/_/ws/…", "2 rounds, 1 good, 1 ouch"]);
    assert!(!document.contains("typed-by-hand"), "{document}");
}

#[test]
fn what_makes_no_sense_is_a_usage_error_before_anything_is_done() {
    let server = Script::new().start();
    for name in ["run.gif", "run", "svg", "-"] {
        let ran = plotted(&server, name);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_says(&ran.stderr, &["--plot", name, ".svg", ".png"]);
        assert_eq!(ran.the("error")["kind"], "usage");
        assert!(!ran.path(name).exists());
    }
    assert!(server.problems().is_empty());

    let cases: [(&[&str], &str); 3] = [
        (
            &["a.jsonl", "b.jsonl", "--plot", "x.svg"],
            "one conversation",
        ),
        (&["old.svg", "--plot", "old.svg"], "would overwrite old.svg"),
        (
            &["ws://127.0.0.1:1/", "--record", "x.svg", "--plot", "x.svg"],
            "would overwrite x.svg",
        ),
    ];
    for (args, words) in cases {
        let ran = Program::new("replay")
            .file("old.svg", "old")
            .args(args)
            .json()
            .run();
        assert_says(&ran.failed(2, "usage"), &[words]);
        assert!(!ran.path("x.svg").exists());
        assert_eq!(fs::read_to_string(ran.path("old.svg")).unwrap(), "old");
    }
}

#[test]
fn a_picture_that_cannot_be_written_is_found_before_a_token_is_spent() {
    let server = Script::new().start();
    let ran = plotted(&server, "nowhere/run.png");
    let words = [
        "the picture nowhere/run.png cannot be written",
        "No such file",
    ];
    assert_says(&ran.failed(2, "picture"), &words);
    assert!(server.problems().is_empty());
    assert!(server.upgrades().is_empty());
}

#[test]
fn a_file_is_left_as_it_was_if_nothing_is_drawn() {
    let port = Port::reserve();
    for (content, left) in [(Some("an older picture"), true), (None, false)] {
        let mut program =
            Program::solve_at(&port.url()).args(["--attempts", "1", "--plot", "run.svg"]);
        if let Some(content) = content {
            program = program.file("run.svg", content);
        }
        let ran = program.json().run();
        ran.failed(4, "unreachable");
        assert_eq!(ran.path("run.svg").exists(), left);
        if let Some(content) = content {
            assert_eq!(fs::read_to_string(ran.path("run.svg")).unwrap(), content);
        }
    }
}

#[test]
fn a_longer_picture_is_overwritten_whole() {
    let server = Script::winning(1).start();
    let ran = Program::solve(&server)
        .file("run.svg", "old\n".repeat(100_000))
        .args(["--plot", "run.svg"])
        .json()
        .run();
    ran.succeeded();
    assert!(!svg(&ran, "run.svg").contains("old"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_picture_that_fails_does_not_take_the_run_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let full = folder.path().join("full.svg");
    symlink("/dev/full", &full).unwrap();
    let server = Script::winning(1).start();
    let ran = plotted(&server, full.to_str().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.summary()["outcome"], "solved");
    assert_eq!(ran.the("error")["kind"], "picture");
    assert_says(
        &ran.stderr,
        &["full.svg cannot be written", "No space left"],
    );
}

#[test]
fn a_pipe_that_nobody_reads_does_not_hold_an_interrupted_run() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.svg");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let server = Script::new()
        .talk(|_, socket| {
            // More than a pipe holds: each beat is drawn.
            for _ in 0..400 {
                socket.round();
            }
            socket.part();
        })
        .start();
    // Opened for reading and never read.
    use rustix::fs::{Mode, OFlags, open};
    let reader = open(&pipe, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
    let mut running = Program::solve(&server)
        .args(["--plot", pipe.to_str().unwrap()])
        .json()
        .start();
    running.wait_for("\"round\":400,\"verdict\"");
    running.interrupt();
    let ran = running.end();
    ran.failed(130, "interrupted");
    assert_says(&ran.stderr, &["pipe.svg cannot be written", "not taken"]);
    drop(reader);
}
