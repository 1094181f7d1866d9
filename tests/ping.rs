//! `wsbeat ping` against peers that answer as they should, and against peers that do not.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::Value;
use support::{
    Opcode, Port, Program, Ran, Reply, Running, Script, Server, assert_says, hold,
    reset_when_dropped,
};

/// Pings one server; more of its arguments follow.
fn ping(server: &Server) -> Program {
    Program::new("ping").args([server.socket_url()])
}

fn sequences(items: &[Value]) -> Vec<u64> {
    items.iter().map(|it| it["seq"].as_u64().unwrap()).collect()
}

/// Waits for this many pongs.
fn after(pongs: usize, program: Program) -> Running {
    let mut running = program.json().start();
    for _ in 0..pongs {
        running.wait_for(r#""type":"pong""#);
    }
    running
}

#[test]
fn every_ping_is_timed_and_added_up() {
    let server = Script::answering_pings().start();
    let ran = ping(&server)
        .args(["-c", "20", "-i", "5ms", "-s", "125"])
        .json()
        .run();
    ran.succeeded();
    let begun = ran.the("pinging");
    assert_eq!(begun["payload_bytes"], 125);
    assert_eq!(
        (&begun["interval_ms"], &begun["count"]),
        (&5.0.into(), &20.into())
    );
    assert_eq!(ran.the("open")["target"], 1);
    let pongs = ran.all("pong");
    assert_eq!(sequences(&pongs), (1..=20).collect::<Vec<_>>());
    for pong in &pongs {
        let time = |name: &str| pong[name].as_f64().unwrap();
        assert!(0.0 < time("rtt_ms") && time("rtt_ms") <= time("intended_rtt_ms"));
    }
    let summary = ran.summary();
    for (name, number) in [("sent", 20), ("received", 20), ("lost", 0), ("late", 0)] {
        assert_eq!(summary[name], number, "{name}");
    }
    for prefix in ["", "intended_"] {
        let names = ["min_ms", "p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"];
        let times = names.map(|name| summary[format!("{prefix}{name}")].as_f64().unwrap());
        assert!(times.is_sorted() && times[0] > 0.0, "{times:?}");
    }
    for name in ["mean_ms", "stddev_ms", "jitter_ms"] {
        assert!(summary[name].as_f64().unwrap() > 0.0, "{name}");
    }
    let newest = pongs.iter().map(|pong| pong["rtt_ms"].as_f64().unwrap());
    assert_eq!(newest.reduce(f64::max), summary["max_ms"].as_f64());
}

#[test]
fn people_read_a_line_a_pong_and_a_table() {
    let server = Script::answering_pings().start();
    let ran = ping(&server).args(["-c", "3", "-i", "2ms"]).run();
    ran.succeeded();
    let words = [
        "Ping frames of 56 bytes every 2ms, 3 times",
        "\nconnected   ws://127.0.0.1:",
        "tcp ",
        "upgrade ",
        "\nseq=1 time=",
        "\nseq=3 time=",
        "3 sent, 3 received, 0 lost\n",
        "p99.9",
        "\nround trip",
        "\nfrom due",
        "█",
    ];
    assert_says(&ran.stdout, &words);

    let quiet = ping(&server).args(["-q", "-c", "3", "-i", "2ms"]).run();
    quiet.succeeded();
    assert!(!quiet.stdout.contains("seq="), "{quiet:?}");
    assert_says(&quiet.stdout, &["3 sent, 3 received, 0 lost\n"]);
}

#[test]
fn messages_are_echoed_by_the_application() {
    let server = Script::answering_pings().start();
    let ran = ping(&server)
        .args(["--echo", "-c", "5", "-i", "2ms"])
        .json()
        .run();
    ran.succeeded();
    assert_eq!(ran.the("pinging")["medium"], "messages");
    assert_eq!(ran.summary()["received"], 5);

    // This one answers Ping frames, and has other things to say.
    let server = Script::new()
        .talk(|_, socket| {
            socket.text("welcome");
            while let Some(frame) = socket.read() {
                match frame.opcode {
                    Opcode::Close => return socket.frame(true, Opcode::Close, &frame.payload),
                    _ => socket.text("what?"),
                }
            }
        })
        .start();
    let ran = ping(&server)
        .args(["--echo", "-c", "2", "-i", "2ms", "-W", "300ms"])
        .json()
        .run();
    let words = [
        "no pong at all to 2 pings",
        "match none of them",
        "echo messages",
    ];
    assert_says(&ran.failed(1, "unanswered"), &words);
    assert_eq!(ran.all("invented")[0]["text"], "welcome");
}

#[test]
fn a_peer_that_never_pongs_is_waited_for_as_long_as_was_said() {
    let server = Script::new()
        .talk(|_, socket| socket.answer_pings(|_, _| {}))
        .start();
    let ran = ping(&server)
        .args(["-c", "3", "-i", "1ms", "-W", "200ms"])
        .json()
        .run();
    let words = ["no pong at all to 3 pings (3 lost after 200ms)"];
    assert_says(&ran.failed(1, "unanswered"), &words);
    assert_eq!(sequences(&ran.all("lost")), [1, 2, 3]);
    assert_eq!(ran.summary()["lost"], 3);
    assert_eq!(ran.summary()["min_ms"], Value::Null);
    // It is the application that does not answer: the network does.
    #[cfg(target_os = "linux")]
    assert!(ran.summary()["tcp_rtt_ms"].as_f64() > Some(0.0), "{ran:?}");
}

#[test]
fn a_peer_that_answers_with_another_payload_has_not_answered() {
    let server = Script::new()
        .talk(|_, socket| socket.answer_pings(|socket, _| socket.pong(b"pong!")))
        .start();
    let ran = ping(&server)
        .args(["-c", "2", "-i", "1ms", "-W", "200ms"])
        .json()
        .run();
    let words = [
        "no pong at all to 2 pings",
        "2 answers came that match none of them",
    ];
    assert_says(&ran.failed(1, "unanswered"), &words);
    assert_eq!(ran.all("invented")[1]["text"], "pong!");
    assert_eq!(ran.summary()["invented"], 2);
}

#[test]
fn a_pong_that_comes_twice_counts_once() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.answer_pings(|socket, payload| {
                socket.pong(payload);
                socket.pong(payload);
            });
        })
        .start();
    let ran = ping(&server).args(["-c", "3", "-i", "20ms"]).json().run();
    ran.succeeded();
    assert_eq!(sequences(&ran.all("pong")), [1, 2, 3]);
    // The last one may come when all that was waited for is there.
    assert_eq!(sequences(&ran.all("doubled"))[..2], [1, 2]);
    assert_eq!(ran.summary()["received"], 3);
}

#[test]
fn a_pong_that_comes_too_late_is_lost_and_told() {
    // The first is answered when the fourth has come: 300 ms later at the least.
    let server = Script::new()
        .talk(|_, socket| {
            let mut held_back = Vec::new();
            socket.answer_pings(move |socket, payload| {
                held_back.push(payload.to_vec());
                match held_back.len() {
                    1 => {}
                    4 => {
                        socket.pong(&held_back[0]);
                        socket.pong(payload);
                    }
                    _ => socket.pong(payload),
                }
            });
        })
        .start();
    let ran = ping(&server)
        .args(["-c", "6", "-i", "100ms", "-W", "150ms"])
        .json()
        .run();
    ran.succeeded();
    assert!(sequences(&ran.all("lost")).contains(&1), "{ran:?}");
    let late = ran.all("late").into_iter().find(|it| it["seq"] == 1);
    let late = late.expect("the first pong is told of, late as it is");
    assert!(late["rtt_ms"].as_f64() >= Some(299.0), "{late}");
    assert!(ran.summary()["late"].as_u64() >= Some(1));
}

#[test]
fn a_connection_that_ends_midway_is_a_failure_that_says_when() {
    let server = Script::new()
        .talk(|_, socket| {
            for _ in 0..2 {
                let ping = socket.read().unwrap();
                socket.pong(&ping.payload);
            }
            socket.close(1001, "closing time");
            socket.hold();
        })
        .start();
    let ran = ping(&server).args(["-i", "5ms"]).json().run();
    let words = ["after 2 pongs", "code 1001", "closing time"];
    assert_says(&ran.failed(4, "dropped"), &words);
    assert_eq!(ran.summary()["received"], 2);

    let server = Script::new()
        .talk(|_, socket| {
            socket.read().unwrap();
            reset_when_dropped(socket.stream());
        })
        .start();
    let ran = ping(&server).args(["-i", "5ms"]).json().run();
    let words = ["the connection was lost before the first pong"];
    assert_says(&ran.failed(4, "dropped"), &words);

    let server = Script::new()
        .talk(|_, socket| {
            // An opcode that is reserved (RFC 6455 section 5.2).
            let _ = socket.raw(&[0x83, 0]);
            socket.hold();
        })
        .start();
    let ran = ping(&server).args(["-i", "5ms"]).json().run();
    let words = ["broke the WebSocket protocol before the first pong"];
    assert_says(&ran.failed(5, "protocol"), &words);
}

#[test]
fn a_server_that_speaks_http_only_is_quoted() {
    let page = "<!doctype html>\n<title>hello</title>";
    let server = Script::new()
        .upgrade(move |_, _, mut stream| Reply::status("404 Not Found", page).send(&mut stream))
        .start();
    let ran = ping(&server).json().run();
    let words = ["404 Not Found", "<!doctype html>"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    assert_eq!(ran.summary()["sent"], 0);
}

#[test]
fn ctrl_c_is_how_a_ping_ends() {
    let server = Script::answering_pings().start();
    let running = after(3, ping(&server).args(["-i", "5ms"]));
    running.interrupt();
    let ran = running.end();
    ran.succeeded();
    assert!(ran.summary()["received"].as_u64() >= Some(3));
    assert_eq!(ran.summary()["outcome"], "ended");
    assert_eq!(ran.summary()["lost"], 0);
}

#[test]
fn signals_that_come_together_are_one() {
    let server = Script::answering_pings().start();
    let running = after(3, ping(&server).args(["-i", "5ms"]));
    // As timeout(1) does it.
    running.terminate();
    running.interrupt();
    running.end().succeeded();
}

#[test]
fn a_reader_who_hangs_up_ends_it() {
    let server = Script::answering_pings().start();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_wsbeat"))
        .args(["ping", "-i", "5ms", &server.socket_url()])
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while !lines.next().unwrap().unwrap().starts_with("seq=") {}
    drop(lines);
    // The server's script ends when the program closes the connection, and the test with it.
    drop(server);
    assert!(child.wait().unwrap().success());
}

#[test]
fn ctrl_c_before_any_pong_is_no_success() {
    let server = Script::new()
        .talk(|_, socket| socket.answer_pings(|_, _| {}))
        .start();
    let mut running = ping(&server).json().start();
    running.wait_for(r#""type":"open""#);
    running.interrupt();
    let ran = running.end();
    assert_says(&ran.failed(1, "unanswered"), &["no pong at all to"]);
    assert_eq!(ran.summary()["lost"], 0, "none has had its time");
}

#[test]
fn a_deadline_ends_it_like_a_person() {
    let server = Script::answering_pings().start();
    let ran = ping(&server).args(["-i", "10ms", "-w", "1s"]).json().run();
    ran.succeeded();
    assert!(ran.summary()["received"].as_u64() >= Some(2), "{ran:?}");
}

#[test]
fn a_stall_shows_in_what_is_measured_from_the_intended_times() {
    const STALL: Duration = Duration::from_millis(200);
    let server = Script::stalling(STALL).start();
    let ran = ping(&server)
        .args(["-q", "-c", "500", "-i", "1ms"])
        .json()
        .run();
    ran.succeeded();
    let summary = ran.summary();
    let time = |name: &str| summary[name].as_f64().unwrap();
    assert_eq!(summary["received"], 500);
    // Of 500 pings some 200 meet with the stall, each for as long as it still goes on.
    assert!(time("intended_p99_ms") >= 180.0, "{summary}");
    assert!(time("intended_max_ms") >= 200.0, "{summary}");
}

#[test]
fn a_stall_on_this_side_shows_in_what_counts_from_the_intended_times_alone() {
    const STALL: Duration = Duration::from_millis(300);
    let server = Script::answering_pings().start();
    let running = after(1, ping(&server).args(["-c", "1000", "-i", "1ms"]));
    running.suspend(STALL);
    let ran = running.end();
    ran.succeeded();
    let summary = ran.summary();
    let time = |name: &str| summary[name].as_f64().unwrap();
    // Of 1000 pings, 300 could not leave when they were due; all but the one or two that had just
    // left were answered at once when they did.
    assert!(time("intended_p90_ms") >= 150.0, "{summary}");
    assert!(time("p90_ms") <= time("intended_p90_ms") / 2.0, "{summary}");
}

#[test]
fn an_echo_that_ends_its_lines_is_an_echo() {
    let server = Script::new()
        .talk(|_, socket| {
            while let Some(frame) = socket.read() {
                match frame.opcode {
                    Opcode::Text => {
                        let line = [&frame.payload[..], b"\r\n"].concat();
                        socket.frame(true, Opcode::Text, &line);
                    }
                    _ => return socket.frame(true, frame.opcode, &frame.payload),
                }
            }
        })
        .start();
    let ran = ping(&server)
        .args(["--echo", "-c", "3", "-i", "2ms"])
        .json()
        .run();
    ran.succeeded();
    assert_eq!(ran.summary()["received"], 3);
}

#[test]
fn who_is_still_being_connected_to_when_the_run_ends_has_not_failed() {
    let answering = Script::answering_pings().start();
    let hanging = Script::new()
        .upgrade(|_, _, mut stream| hold(&mut stream))
        .start();
    let urls = [answering.socket_url(), hanging.socket_url()];
    let both = || Program::new("ping").args(&urls).args(["-i", "5ms"]);
    let running = after(2, both());
    running.interrupt();
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.all("summary")[0]["received"].as_u64() >= Some(2));
    let ran = both().args(["-w", "1s"]).json().run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_secret_that_is_cut_is_still_a_secret() {
    const TOKEN: &str = "SuperSecretToken1234567890abcdef";
    let server = Script::new()
        .talk(|_, socket| {
            socket.text(&format!("welcome, your bearer is: {TOKEN}"));
            socket.answer_pings(|socket, payload| socket.pong(payload));
        })
        .start();
    let ran = ping(&server)
        .args([
            "--echo",
            "-c",
            "1",
            "-H",
            &format!("Authorization: Bearer {TOKEN}"),
        ])
        .json()
        .run();
    ran.succeeded();
    let said = ran.all("invented")[0]["text"].as_str().unwrap().to_owned();
    assert_says(&said, &["welcome"]);
    assert!(!said.contains(&TOKEN[..8]), "{said}");
}

#[test]
fn several_are_pinged_side_by_side_and_one_that_fails_fails_alone() {
    let (one, other) = (
        Script::answering_pings().start(),
        Script::answering_pings().start(),
    );
    let refusing = Port::reserve();
    let refused = refusing.url().replace("http", "ws");
    let ran = Program::new("ping")
        .args([one.socket_url(), refused, other.socket_url()])
        .args(["-c", "5", "-i", "5ms"])
        .json()
        .run();
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let of = |target: u64, kind: &str| -> Vec<Value> {
        let mut items = ran.all(kind);
        items.retain(|item| item["target"] == target);
        items
    };
    for target in [1, 3] {
        assert_eq!(sequences(&of(target, "pong")), [1, 2, 3, 4, 5]);
        assert_eq!(of(target, "summary")[0]["received"], 5);
        assert_eq!(of(target, "summary")[0]["outcome"], "ended");
    }
    assert_eq!(of(2, "error")[0]["kind"], "unreachable");
    assert_eq!(of(2, "summary")[0]["outcome"], "failed");
    assert_says(&ran.stderr, &["wsbeat: target 2: connecting to", "refused"]);
    assert_says(&ran.stderr, &["error: 1 of 3 targets failed"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let refused = |args: &[&str]| -> Ran {
        let ran = Program::new("ping").args(args).json().run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_eq!(ran.the("error")["kind"], "usage", "{ran:?}");
        assert_eq!(ran.summary()["sent"], 0);
        ran
    };
    // Nobody listens on this port: an attempt to connect would be another error.
    let url = "ws://127.0.0.1:1/";
    for (option, value) in [
        ("-i", "0"),
        ("-i", "0.5ms"),
        ("-i", "often"),
        ("-s", "126"),
        ("-s", "15"),
        ("-c", "0"),
        ("-W", "0"),
        ("-w", "-1"),
    ] {
        refused(&[url, option, value]);
    }
    assert_says(
        &refused(&["http://127.0.0.1:1/"]).stderr,
        &["ws:// or wss://"],
    );
    let words = ["the address to ping", "write it like ws://"];
    assert_says(&refused(&["127.0.0.1:1"]).stderr, &words);
    assert_says(&refused(&["localhost:1"]).stderr, &words);
    let endless = refused(&[url, "-i", "1ms", "-W", "1h"]);
    assert_says(&endless.stderr, &["--wait 3600s", "100000 pings"]);
    let several = refused(&[url, "ftp://h/"]);
    assert_says(&several.stderr, &["the address number 2 to ping", "ftp://"]);
    refused(&[]);
}
