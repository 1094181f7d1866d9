//! `wsbeat serve`: its endpoints, spoken to by hand, and how it ends.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use support::{PATIENCE, Program, Running, assert_says, serve};

/// A server in a process of its own, and its address.
fn listening(args: &[&str]) -> (Running, String) {
    let (server, url) = serve(args);
    (server, url.strip_prefix("http://").unwrap().to_owned())
}

/// Makes one request, and gives the status line, the headers and the body of the answer.
fn ask(address: &str, request_line: &str, headers: &str, body: &str) -> (String, String) {
    let mut stream = connect(address);
    let length = body.len();
    write!(
        stream,
        "{request_line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn ask_for_json(address: &str, request_line: &str, body: Value) -> (String, Value) {
    let headers = "Content-Type: application/json\r\n";
    let (head, body) = ask(address, request_line, headers, &body.to_string());
    let body = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{head}\n{body}"));
    (head.lines().next().unwrap().to_owned(), body)
}

const PROBLEM: &str = "GET /challenges/websocket_chit_chat/problem";
const SOLVE: &str = "POST /challenges/websocket_chit_chat/solve";

/// Opens the WebSocket of a token, by hand.
fn open(address: &str, token: &str) -> BufReader<TcpStream> {
    let mut stream = connect(address);
    write!(
        stream,
        "GET /_/ws/{token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let lower = head.to_lowercase();
    // The key and the answer to it of RFC 6455 section 1.3.
    assert_says(&lower, &["http/1.1 101", "s3pplmbitxaq9kygzzhzrbk+xoo="]);
    reader
}

/// Reads a short frame that is not masked: its first byte and its payload.
fn frame(reader: &mut impl Read) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    reader.read_exact(&mut head).unwrap();
    let mut payload = vec![0; usize::from(head[1])];
    reader.read_exact(&mut payload).unwrap();
    (head[0], payload)
}

fn token(address: &str) -> String {
    let (status, answer) = ask_for_json(address, &format!("{PROBLEM}?access_token=any"), json!({}));
    assert_says(&status, &["200"]);
    answer["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_admits_one_connection() {
    let (_server, address) = listening(&["--rounds", "1"]);
    let (first, second) = (token(&address), token(&address));
    assert_ne!(first, second);

    let hello = frame(&mut open(&address, &first));
    assert!(hello.1.starts_with(b"hello!"));
    for bad in [first.as_str(), "made-up"] {
        let mut socket = open(&address, bad);
        assert_eq!(
            frame(&mut socket),
            (0x81, b"expired challenge token".to_vec())
        );
        assert_eq!(frame(&mut socket).0, 0x88);
    }
    assert!(frame(&mut open(&address, &second)).1.starts_with(b"hello!"));
}

#[test]
fn mistakes_are_answered_with_a_reason() {
    let (_server, address) = listening(&["--secret", "open sesame"]);
    let solve = format!("{SOLVE}?access_token=any");
    let object = json!({});
    for (request, body, status, reason) in [
        (PROBLEM, object.clone(), "401", "access token"),
        (SOLVE, object.clone(), "401", "access token"),
        (&solve, object.clone(), "422", "secret"),
        ("GET /", object.clone(), "404", "nothing here"),
        ("DELETE /_/ws/x", object.clone(), "405", "method"),
        ("GET /_/ws/x", object.clone(), "426", "pgrade"),
    ] {
        let (got, answer) = ask_for_json(&address, request, body);
        assert_says(&got, &[status]);
        assert_says(answer["error"].as_str().unwrap(), &[reason]);
    }
    let (head, _) = ask(&address, "GET /_/ws/x", "", "");
    let head = head.to_lowercase();
    assert_says(&head, &["upgrade: websocket", "sec-websocket-version: 13"]);

    let (_, answer) = ask_for_json(&address, &solve, json!({"secret": "abracadabra"}));
    assert!(answer["rejected"].is_string(), "{answer}");
    let (_, answer) = ask_for_json(&address, &solve, json!({"secret": "open sesame"}));
    assert!(answer["result"].is_string(), "{answer}");
    let (status, answer) = ask_for_json(&address, &solve, json!({"secret": "x".repeat(100_000)}));
    assert_says(&status, &["413"]);
    assert!(answer["error"].is_string(), "{answer}");
}

#[test]
fn a_seed_decides_what_is_played() {
    let secrets = [(); 2].map(|()| {
        let (_server, address) = listening(&["--rounds", "1", "--seed", "5"]);
        // Who is not admitted changes nothing.
        assert_says(
            std::str::from_utf8(&frame(&mut open(&address, "made-up")).1).unwrap(),
            &["expired"],
        );
        let ran = Program::solve_at(&format!("http://{address}")).json().run();
        let answer = ran.succeeded().the("beat")["interval_ms"].clone();
        (ran.summary()["secret"].clone(), answer)
    });
    assert_eq!(secrets[0], secrets[1]);
}

#[test]
fn ctrl_c_and_sigterm_close_every_connection_with_a_close_frame() {
    for end in [Running::interrupt, Running::terminate] {
        let (server, address) = listening(&[]);
        let mut talking = open(&address, &token(&address));
        assert!(frame(&mut talking).1.starts_with(b"hello!"));
        // One that has asked for nothing yet must not hold the server up, nor one that is halfway
        // through its request.
        let _silent = connect(&address);
        let mut halfway = connect(&address);
        halfway.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();

        end(&server);
        let (opcode, payload) = frame(&mut talking);
        assert_eq!((opcode, &payload[..2]), (0x88, &1001_u16.to_be_bytes()[..]));
        assert_eq!(&payload[2..], b"the server is shutting down");
        let ran = server.end();
        ran.succeeded();
        let held = ran.the("conversation");
        assert_eq!(held["result"], "broken_off");
        assert!(TcpStream::connect(&address).is_err());
    }
}

#[test]
fn the_log_of_a_server_shows_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let access = "access-0123456789abcdef";
    std::fs::write(&file, access).unwrap();
    let mut server = Program::new("serve")
        .args(["--listen", "127.0.0.1:0", "--access-token-file"])
        .args([&file])
        .env("RUST_LOG", "trace")
        .json()
        .start();
    let url = server.wait_for("listening")["url"].clone();
    let address = url.as_str().unwrap().strip_prefix("http://").unwrap();
    let asking = format!("{PROBLEM}?access_token={access}");
    let (_, answer) = ask_for_json(address, &asking, json!({}));
    let token = answer["token"].as_str().unwrap();
    drop(frame(&mut open(address, token)));
    server.interrupt();
    let ran = server.end();
    assert_eq!(ran.code, Some(0));
    assert_says(&ran.stderr, &["DEBUG", "hello!"]);
    for secret in [access, token] {
        assert!(!ran.stderr.contains(secret), "{ran:?}");
        assert!(!ran.stdout.contains(secret), "{ran:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (_server, address) = listening(&[]);
    let ran = Program::new("serve")
        .args(["--listen", &address])
        .json()
        .run();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_says(&ran.cause(), &[&address, "--listen"]);
    assert_eq!(ran.the("error")["kind"], "usage");
}
