//! `wsbeat serve`: its endpoints, spoken to by hand, and how it ends.

#![cfg(unix)]

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use support::{
    Client, Opcode, PATIENCE, Port, Program, Running, ask, ask_for_json, assert_says, connect,
    serve,
};
use wsbeat::link::clock;

/// A server in a process of its own, and its address.
fn listening(args: &[&str]) -> (Running, String) {
    let (server, url) = serve(args);
    (server, url.strip_prefix("http://").unwrap().to_owned())
}

const PROBLEM: &str = "GET /challenges/websocket_chit_chat/problem";
const SOLVE: &str = "POST /challenges/websocket_chit_chat/solve";

/// Opens the WebSocket of a token, by hand.
fn open(address: &str, token: &str) -> Client {
    Client::open(address, &format!("/_/ws/{token}"))
}

/// Reads the text that comes next.
#[track_caller]
fn text(client: &mut Client) -> String {
    String::from_utf8(client.expect(Opcode::Text)).unwrap()
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

    assert!(text(&mut open(&address, &first)).starts_with("hello!"));
    for bad in [first.as_str(), "made-up"] {
        let mut socket = open(&address, bad);
        assert_eq!(text(&mut socket), "expired challenge token");
        socket.expect(Opcode::Close);
    }
    assert!(text(&mut open(&address, &second)).starts_with("hello!"));
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
        ("GET /nothing", object.clone(), "404", "nothing here"),
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
        assert_says(&text(&mut open(&address, "made-up")), &["expired"]);
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
        assert!(text(&mut talking).starts_with("hello!"));
        // One that has asked for nothing yet must not hold the server up, nor one that is halfway
        // through its request.
        let _silent = connect(&address);
        let mut halfway = connect(&address);
        halfway.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();

        end(&server);
        let payload = talking.expect(Opcode::Close);
        assert_eq!(&payload[..2], &1001_u16.to_be_bytes()[..]);
        assert_eq!(&payload[2..], b"the server is shutting down");
        let ran = server.end();
        ran.succeeded();
        let held = ran.the("conversation");
        assert_eq!(held["result"], "broken_off");
        assert!(TcpStream::connect(&address).is_err());
    }
}

#[test]
fn a_server_whose_output_nobody_reads_ends_all_the_same() {
    let (reader, writer) = std::io::pipe().unwrap();
    // Until there is no more room.
    let mut filler = writer.try_clone().unwrap();
    let filling = thread::spawn(move || while filler.write_all(&[b' '; 4096]).is_ok() {});
    let port = Port::reserve();
    let address = port.url().replace("http://", "");
    drop(port);
    let mut server = Command::new(env!("CARGO_BIN_EXE_wsbeat"))
        .args(["serve", "--listen", &address])
        .stdout(writer)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let give_up = clock::now() + PATIENCE;
    while TcpStream::connect(&address).is_err() {
        assert!(clock::now() < give_up, "it does not listen");
        thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    let ended = loop {
        if let Some(ended) = server.try_wait().unwrap() {
            break ended;
        }
        if clock::now() >= give_up {
            server.kill().unwrap();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(ended.code(), Some(0));
    drop(reader);
    filling.join().unwrap();
}

#[test]
fn more_connections_than_there_are_descriptors_for_are_told_of() {
    let (server, _) = listening(&["--max-connections", "4000000000"]);
    server.terminate();
    let ran = server.end();
    ran.succeeded();
    assert_says(&ran.stderr, &["--max-connections", "ulimit -n"]);
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
    drop(text(&mut open(address, token)));
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
