//! What goes wrong with the WebSocket: its upgrade, what is said over it, and how it ends.

#![cfg(unix)]

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use support::{
    Gate, Opcode, Program, Reply, Script, Socket, assert_says, attempt, end_of, hold,
    one_time_token, recorded, reset_when_dropped,
};

#[test]
fn a_refused_upgrade_is_told_with_its_status() {
    for (status, code, kind) in [
        ("401 Unauthorized", 3, "credentials"),
        ("403 Forbidden", 3, "credentials"),
        ("404 Not Found", 4, "unreachable"),
        ("503 Service Unavailable", 4, "unreachable"),
        ("200 OK", 5, "protocol"),
        ("302 Found", 5, "protocol"),
    ] {
        let server = Script::new()
            .upgrade(move |_, _, mut stream| Reply::status(status, "go away").send(&mut stream))
            .start();
        let ran = Program::solve(&server).json().run();
        let words = ["refused the WebSocket upgrade", status, "go away"];
        assert_says(&ran.failed(code, kind), &words);
        assert!(ran.all("open").is_empty());
    }
}

#[test]
fn a_refusal_in_an_older_http_is_told_with_its_body() {
    let server = Script::new()
        .upgrade(|_, _, mut stream| {
            let head = b"HTTP/1.0 404 File not found\r\nServer: simple\r\n\r\n";
            stream.write_all(head).unwrap();
            stream.write_all(b"\nno such file\nhere\n").unwrap();
        })
        .start();
    let ran = Program::solve(&server).json().run();
    let words = ["refused the WebSocket upgrade", "404", "no such file"];
    assert_says(&ran.failed(4, "unreachable"), &words);
}

#[test]
fn an_upgrade_that_is_forbidden_is_not_asked_for_again() {
    let server = Script::new()
        .upgrade(|_, _, mut stream| Reply::status("403 Forbidden", "").send(&mut stream))
        .start();
    let ran = Program::solve_at(&server.url()).json().run();
    assert_says(&ran.failed(3, "credentials"), &["403 Forbidden"]);
    assert_eq!(server.upgrades().len(), 1);
}

#[test]
fn a_wrong_sec_websocket_accept_is_no_websocket() {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                  Connection: Upgrade\r\nSec-WebSocket-Accept: d3Jvbmcgd3Jvbmcgd3Jvbmc=\r\n\r\n";
    let server = Script::new()
        .upgrade(move |_, _, mut stream| {
            stream.write_all(answer.as_bytes()).unwrap();
            hold(&mut stream);
        })
        .start();
    let ran = Program::solve(&server).json().run();
    let words = [
        "answered the WebSocket upgrade wrongly",
        "Sec-WebSocket-Accept",
    ];
    assert_says(&ran.failed(5, "protocol"), &words);
}

#[test]
fn what_is_no_http_is_no_websocket() {
    let server = Script::new()
        .upgrade(|_, _, mut stream| {
            stream
                .write_all(b"220 mail.example.org ESMTP\r\n\r\n")
                .unwrap();
            hold(&mut stream);
        })
        .start();
    let ran = Program::solve(&server).json().run();
    let words = ["answered the WebSocket upgrade wrongly"];
    assert_says(&ran.failed(5, "protocol"), &words);
}

#[test]
fn an_upgrade_that_never_comes_is_waited_for_as_long_as_was_said() {
    let server = Script::new()
        .upgrade(|_, _, mut stream| hold(&mut stream))
        .start();
    let ran = Program::solve(&server)
        .args(["--connect-timeout", "1s"])
        .json()
        .run();
    let words = ["the WebSocket upgrade at 127.0.0.1", "within 1s"];
    assert_says(&ran.failed(4, "unreachable"), &words);
}

#[test]
fn a_server_that_hangs_up_during_the_upgrade_is_unreachable() {
    let server = Script::new().upgrade(|_, _, _| {}).start();
    let ran = Program::solve(&server).json().run();
    let words = ["the WebSocket upgrade at 127.0.0.1"];
    assert_says(&ran.failed(4, "unreachable"), &words);
}

#[test]
fn a_conversation_that_never_opens_leaves_an_older_recording_alone() {
    let server = Script::new()
        .upgrade(|_, _, mut stream| Reply::status("403 Forbidden", "").send(&mut stream))
        .start();
    let ran = Program::solve(&server)
        .file("run.jsonl", "precious\n")
        .args(["--record", "run.jsonl"])
        .json()
        .run();
    ran.failed(3, "credentials");
    let kept = std::fs::read_to_string(ran.path("run.jsonl")).unwrap();
    assert_eq!(kept, "precious\n");
}

#[test]
fn an_expired_token_is_replaced_before_it_is_given_up() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.text("expired challenge token");
            socket.part();
        })
        .start();
    let ran = Program::solve_at(&server.url())
        .args(["--attempts", "2", "--record", "run.jsonl"])
        .json()
        .run();
    let words = ["one-time token has expired or was used before"];
    assert_says(&ran.failed(3, "credentials"), &words);
    assert_eq!(server.tokens_used(), [one_time_token(1), one_time_token(2)]);
    for name in ["run.jsonl", "run.2.jsonl"] {
        let lines = ran.recording(name);
        assert_eq!(lines[1]["text"], "expired challenge token");
        assert_eq!(lines[2]["by"], "us");
    }
}

#[test]
fn ouch_says_which_round_and_the_margins_of_the_last_beats() {
    let lose = |_, socket: &mut Socket| {
        for _ in 0..4 {
            socket.round();
        }
        socket.text("ping!");
        socket.answer();
        socket.text("ouch! seems like you missed a beat... sorry, this conversation is over.");
        socket.part();
    };
    let server = Script::new().talk(lose).start();
    let ran = attempt(&server, &[]);
    let cause = ran.failed(1, "lost");
    assert_says(&cause, &["ouch! in round 5", "margins of the last beats"]);
    let (_, margins) = cause.split_once("last beats: ").unwrap();
    let margins: Vec<&str> = margins.split(", ").collect();
    assert_eq!(margins.len(), 3, "{cause}");
    for (round, margin) in (3..).zip(margins) {
        let words: Vec<&str> = margin.split(' ').collect();
        let [_, number, milliseconds, "ms"] = words[..] else {
            panic!("{cause}");
        };
        assert_eq!(number, round.to_string());
        assert!(milliseconds.parse::<f64>().is_ok(), "{cause}");
    }
    let verdict = ran.all("verdict").pop().unwrap();
    assert_eq!(
        (&verdict["round"], &verdict["verdict"]),
        (&5.into(), &"ouch".into())
    );
    assert_eq!(ran.summary()["rounds"], 5);
    assert_eq!(recorded(&ran, "sent").len(), 5);
    end_of(&ran);
}

#[test]
fn people_see_in_which_round_it_ended() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.round();
            socket.text("ping!");
            socket.answer();
            socket.text("ouch! seems like you missed a beat...");
            socket.part();
        })
        .start();
    let ran = Program::solve(&server).run();
    assert_eq!(ran.code, Some(1));
    assert_says(&ran.cause(), &["ouch! in round 2"]);
    let rows: Vec<Vec<&str>> = ran
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let row = |round: &str, verdict: &str| {
        let mut rows = rows.iter();
        rows.any(|row| row.first() == Some(&round) && row.last() == Some(&verdict))
    };
    assert!(row("1", "good") && row("2", "ouch"), "{}", ran.stdout);
    assert_says(&ran.stdout, &["lost", "2 rounds, 1 attempt"]);
    assert!(!ran.stdout.contains('\x1b'), "{:?}", ran.stdout);
}

#[test]
fn ouch_before_the_first_beat_is_no_round() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.text("ouch! you are late");
            socket.part();
        })
        .start();
    let ran = attempt(&server, &[]);
    assert_says(&ran.failed(1, "lost"), &["ouch! before the first beat"]);
}

#[test]
fn a_server_that_opens_and_stays_silent_is_left() {
    let farewell = Arc::new(Mutex::new(None));
    let server = Script::new()
        .talk({
            let farewell = Arc::clone(&farewell);
            move |_, socket| *farewell.lock().unwrap() = Some(socket.part())
        })
        .start();
    let ran = attempt(&server, &["--idle-timeout", "300ms"]);
    let words = [
        "no message for 300ms before the first beat",
        "--idle-timeout",
    ];
    assert_says(&ran.failed(4, "silent"), &words);
    drop(server);
    let farewell = farewell.lock().unwrap().take().unwrap();
    assert_eq!(farewell, (1001, "no message for 300ms".to_owned()));
    let end = ("us".to_owned(), 1001, "no message for 300ms".to_owned());
    assert_eq!(end_of(&ran), end);
}

#[test]
fn a_server_that_only_pings_says_nothing() {
    let server = Script::new()
        .talk(|_, socket| {
            loop {
                socket.ping(b"still here");
                let frame = socket.read().expect("a Pong or a Close");
                if frame.opcode == Opcode::Close {
                    socket.close(1001, "");
                    break;
                }
                assert_eq!(frame.opcode, Opcode::Pong);
                // As if it came from afar.
                thread::sleep(Duration::from_millis(20));
            }
        })
        .start();
    let ran = attempt(&server, &["--idle-timeout", "300ms"]);
    assert_says(&ran.failed(4, "silent"), &["no message for 300ms"]);
    assert!(recorded(&ran, "received").contains(&"ping".to_owned()));
}

#[test]
fn a_connection_that_dies_after_two_rounds_without_a_word_is_given_up() {
    let gone = Arc::new(Gate::default());
    let server = Script::new()
        .talk({
            let gone = Arc::clone(&gone);
            move |_, socket| {
                socket.round();
                socket.round();
                // Neither read nor written any more, and not closed either.
                gone.wait();
            }
        })
        .start();
    let ran = attempt(&server, &["--idle-timeout", "2s"]);
    gone.open();
    let cause = ran.failed(4, "silent");
    assert_says(&cause, &["no message for 2s after round 2"]);
    assert_eq!(ran.all("beat").len(), 2);
    let received = ["ping!", "good!", "ping!", "good!"];
    assert_eq!(recorded(&ran, "received"), received);
    assert_eq!(end_of(&ran).1, 1001);
}

#[test]
fn a_reset_connection_is_lost() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.round();
            socket.text("ping!");
            socket.answer();
            reset_when_dropped(&socket.stream);
        })
        .start();
    let ran = attempt(&server, &[]);
    let cause = ran.failed(4, "dropped");
    assert_says(&cause, &["the connection was lost after round 2", "reset"]);
    let (by, code, reason) = end_of(&ran);
    assert_eq!((by.as_str(), code), ("network", 1006));
    assert_says(&reason, &["reset"]);
    assert_eq!(recorded(&ran, "sent").len(), 2);
}

#[test]
fn a_server_that_hangs_up_without_a_close_frame_is_lost() {
    let server = Script::new().talk(|_, socket| socket.round()).start();
    let ran = attempt(&server, &[]);
    let words = ["lost after round 1", "hung up without a Close frame"];
    assert_says(&ran.failed(4, "dropped"), &words);
    assert_eq!(end_of(&ran).0, "network");
}

#[test]
fn a_close_before_the_secret_is_told_with_code_and_reason() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.round();
            socket.close(1012, "we are moving house");
            assert_eq!(socket.closed().0, 1012);
        })
        .start();
    let ran = attempt(&server, &[]);
    let words = ["after round 1", "1012", "we are moving house", "no secret"];
    assert_says(&ran.failed(4, "dropped"), &words);
    let end = ("peer".to_owned(), 1012, "we are moving house".to_owned());
    assert_eq!(end_of(&ran), end);
}

#[test]
fn a_close_frame_may_have_no_code() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.frame(true, Opcode::Close, b"");
            socket.hold();
        })
        .start();
    let ran = attempt(&server, &[]);
    let words = ["before the first beat", "without a code", "no secret"];
    assert_says(&ran.failed(4, "dropped"), &words);
    assert_eq!(end_of(&ran), ("peer".to_owned(), 1005, String::new()));
}

#[test]
fn what_came_in_before_the_connection_broke_counts() {
    for (last, code, kind) in [("ouch! no", 1, "lost"), ("secret: open sesame", 0, "")] {
        let server = Script::new()
            .talk(move |_, socket| {
                // All at once, and then a reset: the answer cannot be written any more.
                socket.text("ping!");
                socket.text(last);
                socket.close(1000, "");
                reset_when_dropped(socket.stream());
            })
            .start();
        let ran = attempt(&server, &["--no-submit"]);
        if code == 0 {
            assert_eq!(ran.succeeded().summary()["secret"], "open sesame");
        } else {
            assert_says(&ran.failed(code, kind), &["ouch"]);
        }
    }
}
