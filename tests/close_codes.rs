//! Close frames with codes that may not be sent, and with one that the WebSocket library does not
//! know, at both ends; and lengths that are longer than they have to be.

#![cfg(unix)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{
    Client, Opcode, Program, Script, Server, Talk, assert_says, attempt, chat, end_of, serve,
};

/// Codes that may not be sent: RFC 6455 section 7.4, and none that IANA has registered since.
const FORBIDDEN: [u16; 12] = [
    0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
];

/// A server that closes with this code, and what it is closed with.
fn closing(code: u16) -> (Server, Arc<AtomicUsize>) {
    let answer = Arc::new(AtomicUsize::new(0));
    let server = Script::new().talk({
        let answer = Arc::clone(&answer);
        move |_, socket| {
            socket.close(code, "as I please");
            answer.store(socket.closed().0.into(), Ordering::SeqCst);
        }
    });
    (server.start(), answer)
}

#[test]
fn a_code_that_may_not_be_sent_is_told_as_a_breach() {
    for code in FORBIDDEN {
        let (server, answer) = closing(code);
        let ran = attempt(&server, &[]);
        let shown = format!("closed with code {code}, which may not be sent");
        let words = ["broke the WebSocket protocol", &shown, "as I please"];
        let cause = ran.failed(5, "protocol");
        assert_says(&cause, &words);
        assert_says(&ran.stderr, &words);
        assert!(!cause.contains("1002"), "{cause}");
        let reason = format!("code {code} may not be sent");
        assert_eq!(end_of(&ran), ("us".to_owned(), 1002, reason));
        drop(server);
        assert_eq!(answer.load(Ordering::SeqCst), 1002, "{code}");
    }
}

#[test]
fn a_bad_gateway_is_told_as_one_and_answered_in_kind() {
    let (server, answer) = closing(1014);
    let ran = attempt(&server, &[]);
    let words = ["closed the connection", "code 1014", "as I please"];
    assert_says(&ran.failed(4, "dropped"), &words);
    let end = ("peer".to_owned(), 1014, "as I please".to_owned());
    assert_eq!(end_of(&ran), end);
    drop(server);
    assert_eq!(answer.load(Ordering::SeqCst), 1014);
}

#[test]
fn a_chat_comes_back_after_a_bad_gateway_and_not_after_a_breach() {
    for (code, connections) in [(1014, 2), (2999, 1)] {
        let server = Script::new().talk(move |call, socket| {
            let mut talk = Talk(socket);
            let user = talk.welcome(&[]);
            if call == 1 {
                talk.0.close(code, "");
                while talk.0.read().is_some() {}
            } else {
                talk.echo(&user);
                talk.0.part();
            }
        });
        let server = server.start();
        let ran = chat(&server.chat_url()).input("hello").run();
        if connections == 2 {
            ran.succeeded();
        } else {
            assert_says(&ran.failed(5, "protocol"), &["2999"]);
        }
        assert_eq!(server.upgrades().len(), connections);
    }
}

/// What the server answers to a Close frame.
fn answered(payload: &[u8]) -> u16 {
    let (_server, url) = serve(&[]);
    let mut client = Client::open(url.trim_start_matches("http://"), "/echo");
    client.text("hello");
    client.expect(Opcode::Text);
    client.frame(Opcode::Close, payload);
    let said = client.expect(Opcode::Close);
    assert!(client.read().is_none(), "the server hangs up");
    u16::from_be_bytes([said[0], said[1]])
}

#[test]
fn the_server_takes_the_codes_that_may_be_sent_and_no_others() {
    for code in [1000, 1014, 3000, 4999] {
        let payload = [&u16::to_be_bytes(code), &b"bye"[..]].concat();
        assert_eq!(answered(&payload), code);
    }
    for code in [1005_u16, 2999] {
        assert_eq!(answered(&code.to_be_bytes()), 1002);
    }
}

#[test]
fn a_length_in_more_bytes_than_it_takes_breaks_the_protocol() {
    for head in [
        &[0x81, 126, 0, 5][..],
        &[0x81, 127, 0, 0, 0, 0, 0, 0, 0, 5],
        &[0x88, 126, 0, 5],
    ] {
        let server = Script::new()
            .talk(move |_, socket| {
                socket.round();
                socket.raw(head).unwrap();
                socket.raw(b"ping!").unwrap();
                assert_eq!(socket.closed().0, 1002);
            })
            .start();
        let ran = attempt(&server, &[]);
        let words = ["broke the WebSocket protocol after round 1", "length"];
        assert_says(&ran.failed(5, "protocol"), &words);
        assert_eq!(ran.all("verdict").len(), 1);
    }
    let (_server, url) = serve(&[]);
    let mut client = Client::open(url.trim_start_matches("http://"), "/echo");
    std::io::Write::write_all(&mut client.stream, &[0x81, 0xfe, 0, 1, 0, 0, 0, 0, b'x']).unwrap();
    let said = client.expect(Opcode::Close);
    assert_eq!(said[..2], 1002_u16.to_be_bytes());
}

#[test]
fn ping_tells_the_code_that_came() {
    let (server, _) = closing(999);
    let url = server.socket_url();
    let ran = Program::new("ping").args([url.as_str()]).json().run();
    assert_says(&ran.failed(5, "protocol"), &["code 999", "may not be sent"]);
}
