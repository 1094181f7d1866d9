//! Frames that break the protocol, and frames that are merely odd.

#![cfg(unix)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;
use support::{Opcode, Program, SECRET, Script, Socket, assert_says, attempt, end_of, recorded};

#[test]
fn text_that_is_not_utf8_breaks_the_protocol() {
    let farewell = Arc::new(AtomicUsize::new(0));
    let server = Script::new()
        .talk({
            let farewell = Arc::clone(&farewell);
            move |_, socket| {
                socket.round();
                socket.frame(true, Opcode::Text, b"ping!\xff");
                farewell.store(socket.closed().0.into(), Ordering::SeqCst);
            }
        })
        .start();
    let ran = attempt(&server, &[]);
    let words = ["broke the WebSocket protocol after round 1", "UTF-8"];
    assert_says(&ran.failed(5, "protocol"), &words);
    let end = ("us".to_owned(), 1007, String::new());
    assert_eq!(end_of(&ran), end);
    drop(server);
    assert_eq!(farewell.load(Ordering::SeqCst), 1007);
}

#[test]
fn frames_that_make_no_sense_break_the_protocol() {
    let nonsense: [(&str, &[u8]); 4] = [
        ("a reserved opcode", &[0x83, 0]),
        ("a reserved bit", &[0xc1, 1, b'x']),
        ("a continuation of nothing", &[0x80, 1, b'x']),
        ("a masked frame", &[0x81, 0x81, 0, 0, 0, 0, b'x']),
    ];
    for (what, bytes) in nonsense {
        let farewell = Arc::new(AtomicUsize::new(0));
        let server = Script::new()
            .talk({
                let farewell = Arc::clone(&farewell);
                move |_, socket| {
                    socket.raw(bytes).unwrap();
                    farewell.store(socket.closed().0.into(), Ordering::SeqCst);
                }
            })
            .start();
        let ran = attempt(&server, &[]);
        assert_says(
            &ran.failed(5, "protocol"),
            &["broke the WebSocket protocol"],
        );
        drop(server);
        assert_eq!(farewell.load(Ordering::SeqCst), 1002, "{what}");
    }
}

/// 32 MiB.
const HUGE: usize = 32 * 1024 * 1024;

#[test]
fn a_huge_message_is_refused_when_it_is_announced() {
    let (written, farewell) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = Script::new()
        .talk({
            let (written, farewell) = (Arc::clone(&written), Arc::clone(&farewell));
            move |_, socket| {
                socket.round();
                let mut reading = Socket {
                    stream: socket.stream.try_clone().unwrap(),
                };
                let reading = thread::spawn(move || reading.closed().0);
                let mut header = vec![0x81, 127];
                header.extend_from_slice(&(HUGE as u64).to_be_bytes());
                socket.raw(&header).unwrap();
                while written.load(Ordering::SeqCst) < HUGE && socket.raw(&[b'x'; 1024]).is_ok() {
                    written.fetch_add(1024, Ordering::SeqCst);
                }
                farewell.store(reading.join().unwrap().into(), Ordering::SeqCst);
            }
        })
        .start();
    let ran = attempt(&server, &[]);
    let words = ["after round 1", "33554432 bytes", "limit of 65536"];
    assert_says(&ran.failed(5, "protocol"), &words);
    assert_eq!(end_of(&ran), ("us".to_owned(), 1009, String::new()));
    drop(server);
    assert_eq!(farewell.load(Ordering::SeqCst), 1009);
    let written = written.load(Ordering::SeqCst);
    // What fits into the sockets' own buffers was written for nobody.
    assert!(written < HUGE / 2, "{written} bytes could be written");
}

#[test]
fn a_huge_message_is_refused_in_small_pieces_too() {
    let farewell = Arc::new(AtomicUsize::new(0));
    let server = Script::new()
        .talk({
            let farewell = Arc::clone(&farewell);
            move |_, socket| {
                socket.frame(false, Opcode::Text, &[b'x'; 1000]);
                for _ in 0..64 {
                    socket.frame(false, Opcode::Continuation, &[b'x'; 1000]);
                }
                // 65,000 bytes are no offence yet.
                socket.ping(b"");
                assert_eq!(socket.read().unwrap().opcode, Opcode::Pong);
                socket.frame(false, Opcode::Continuation, &[b'x'; 1000]);
                farewell.store(socket.closed().0.into(), Ordering::SeqCst);
            }
        })
        .start();
    let ran = attempt(&server, &[]);
    assert_says(&ran.failed(5, "protocol"), &["limit of 65536"]);
    drop(server);
    assert_eq!(farewell.load(Ordering::SeqCst), 1009);
}

#[test]
fn a_message_of_64_kib_is_long_and_no_more() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.text(&"x".repeat(64 * 1024));
            socket.round();
            socket.won();
        })
        .start();
    let ran = attempt(&server, &[]);
    ran.succeeded();
    assert_eq!(ran.the("note")["bytes"], 64 * 1024);
}

#[test]
fn binary_frames_and_unknown_text_between_beats_are_noted_and_harmless() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.text("hello! start counting");
            socket.binary(&[0, 159, 146, 150]);
            socket.round();
            socket.text("the weather is \u{1b}[31mfine");
            socket.text("");
            socket.binary(b"");
            socket.text("{\"ping!\": true}");
            socket.text("good!");
            socket.round();
            socket.won();
        })
        .start();
    let ran = attempt(&server, &[]);
    ran.succeeded();
    assert_eq!(ran.summary()["outcome"], "solved");
    assert_eq!(ran.summary()["rounds"], 2);
    let notes: Vec<_> = ran
        .all("note")
        .iter()
        .map(|note| {
            (
                note["kind"].clone(),
                note["text"].clone(),
                note["bytes"].clone(),
            )
        })
        .collect();
    let text = |text: &str| ("text".into(), text.into(), text.len().into());
    let binary = |bytes: usize| ("binary".into(), Value::Null, bytes.into());
    let expected: [(Value, Value, Value); 6] = [
        binary(4),
        text("the weather is \u{1b}[31mfine"),
        text(""),
        binary(0),
        text("{\"ping!\": true}"),
        text("good!"),
    ];
    assert_eq!(notes, expected);
    assert_eq!(recorded(&ran, "sent").len(), 2);

    let ran = Program::solve(&server).run();
    ran.succeeded();
    assert_says(
        &ran.stdout,
        &["4 bytes of binary", "the weather is", SECRET],
    );
    assert!(!ran.stdout.contains('\x1b'), "{:?}", ran.stdout);
}

#[test]
fn protocol_pings_between_beats_are_answered_and_harmless() {
    let server = Script::new()
        .talk(|_, socket| {
            for payload in [&b""[..], b"are you there?", &[0xff; 125]] {
                socket.ping(payload);
                let frame = socket.read().unwrap();
                assert_eq!((frame.opcode, &frame.payload[..]), (Opcode::Pong, payload));
                socket.round();
            }
            // A Pong that nobody asked for.
            socket.frame(true, Opcode::Pong, b"heartbeat");
            socket.round();
            socket.won();
        })
        .start();
    let ran = attempt(&server, &[]);
    ran.succeeded();
    assert_eq!(ran.summary()["rounds"], 4);
    assert!(ran.all("note").is_empty());
}

#[test]
fn protocol_pings_between_the_fragments_of_a_beat_are_answered_and_harmless() {
    let server = Script::new()
        .talk(|_, socket| {
            for _ in 0..3 {
                socket.frame(false, Opcode::Text, b"pi");
                socket.ping(b"in between");
                // Now, and not only when the beat is whole.
                let pong = socket.read().unwrap();
                assert_eq!(pong.opcode, Opcode::Pong);
                assert_eq!(pong.payload, b"in between");
                socket.frame(false, Opcode::Continuation, b"");
                socket.ping(b"once more");
                socket.frame(true, Opcode::Continuation, b"ng!");
                let pong = socket.read().unwrap();
                assert_eq!(pong.payload, b"once more");
                socket.answer();
                socket.text("good!");
            }
            socket.won();
        })
        .start();
    let ran = attempt(&server, &[]);
    ran.succeeded();
    assert_eq!(ran.summary()["rounds"], 3);
    let goods = ran.all("verdict");
    assert!(goods.iter().all(|verdict| verdict["verdict"] == "good"));
}

#[test]
fn case_and_trailing_white_space_do_not_matter() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.text("HELLO! start counting\n");
            for (ping, good) in [("PING!\n", "Good!\n"), ("Ping!\r\n", "GOOD! \n")] {
                socket.text(ping);
                socket.answer();
                socket.text(good);
            }
            socket.text("Secret: open sesame\n");
            socket.part();
        })
        .start();
    let ran = attempt(&server, &[]);
    ran.succeeded();
    ran.the("hello");
    assert_eq!(ran.all("verdict").len(), 2);
    assert!(ran.all("note").is_empty());
    assert_eq!(ran.summary()["secret"], "open sesame");
    let solution = &server.solutions()[0];
    assert_eq!(solution.body, r#"{"secret":"open sesame"}"#);
}
