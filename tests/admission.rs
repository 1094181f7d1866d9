//! `wsbeat serve`: which hosts and web pages are let in, and how many connections there may be.

#![cfg(unix)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::{
    Client, Opcode, PATIENCE, Program, Running, ask, ask_for_json, ask_to_upgrade, assert_says,
    body_after, connect, serve,
};
use wsbeat::link::clock;

/// How often a server is asked for what is awaited.
const A_MOMENT: Duration = Duration::from_millis(5);

fn listening(args: &[&str]) -> (Running, String) {
    let (server, url) = serve(args);
    (server, url.strip_prefix("http://").unwrap().to_owned())
}

/// Asks for a WebSocket as a web page from there does that addresses the server so, and gives the
/// status and what else the server has to say.
fn upgrade(address: &str, path: &str, host: &str, origins: &[&str]) -> (u16, Value) {
    let (status, answer, _) = upgraded(address, path, host, origins);
    (status, answer)
}

/// The same, and gives the connection as well.
fn upgraded(address: &str, path: &str, host: &str, origins: &[&str]) -> (u16, Value, TcpStream) {
    let origins: String = origins
        .iter()
        .map(|origin| format!("Origin: {origin}\r\n"))
        .collect();
    let (head, mut stream) = ask_to_upgrade(address, path, host, &origins);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = body_after(&head, &mut stream);
    (status, body, stream)
}

fn token(address: &str) -> String {
    let asking = "GET /challenges/websocket_chit_chat/problem?access_token=any";
    let (_, answer) = ask_for_json(address, asking, json!({}));
    answer["token"].as_str().unwrap().to_owned()
}

#[test]
fn pages_from_elsewhere_open_no_websocket() {
    let (_server, address) = listening(&[]);
    let own = format!("http://{address}");
    let encrypted = format!("https://{address}");
    let localhost = address.replace("127.0.0.1", "localhost");
    let localhost_page = format!("http://{localhost}");
    for (host, origins, status) in [
        (&*address, &[][..], 101),
        (&address, &[own.as_str()], 101),
        (&localhost, &[localhost_page.as_str()], 101),
        (&localhost, &[own.as_str()], 403),
        ("localhost:1", &["http://localhost:1"], 421),
        ("localhost:1", &[own.as_str()], 421),
        (&address, &[encrypted.as_str()], 403),
        (&address, &["http://evil.test"], 403),
        (&address, &["null"], 403),
        (&address, &[own.as_str(), own.as_str()], 403),
    ] {
        for path in ["/echo", "/_/ws/made-up", "/chat/fishing"] {
            let (got, answer) = upgrade(&address, path, host, origins);
            assert_eq!(got, status, "{path} {host} {origins:?}");
            let refused = status != 101;
            assert_eq!(answer["error"].is_string(), refused, "{answer}");
        }
    }
    // Nor anything else.
    for request in [
        "GET /",
        "GET /clients",
        "GET /challenges/websocket_chit_chat/problem",
        "POST /challenges/websocket_chit_chat/solve",
        "POST /ticket",
        "GET /nothing",
    ] {
        let (head, body) = ask(&address, request, "Origin: http://evil.test\r\n", "");
        assert_says(&head, &["403"]);
        assert_says(&body, &["error"]);
    }
}

/// Asks as a page does whose author has this name stand for the server's machine.
fn rebound(address: &str, name: &str) -> (u16, Value) {
    let (_, port) = address.rsplit_once(':').unwrap();
    let host = format!("{name}:{port}");
    upgrade(address, "/echo", &host, &[&format!("http://{host}")])
}

#[test]
fn a_name_that_somebody_has_stand_for_this_machine_is_not_the_servers() {
    let (server, address) =
        listening(&["--host", "Chat.example.org", "--host", "fixed.example:80"]);
    for _ in 0..2 {
        let (status, answer) = rebound(&address, "evil.example");
        assert_eq!(status, 421);
        assert_says(answer["error"].as_str().unwrap(), &["--host"]);
    }
    // Unless it is listed; with a port, at that port.
    assert_eq!(rebound(&address, "chat.example.org").0, 101);
    assert_eq!(rebound(&address, "evil.chat.example.org").0, 421);
    assert_eq!(rebound(&address, "fixed.example").0, 421);
    let page = &["http://fixed.example"];
    assert_eq!(upgrade(&address, "/echo", "fixed.example", page).0, 101);
    // It goes on to be known by what need not be listed. A page that only looks says no origin.
    assert_eq!(rebound(&address, "127.0.0.1").0, 101);
    assert_eq!(rebound(&address, "localhost").0, 101);
    assert_eq!(upgrade(&address, "/echo", "evil.example", &[]).0, 421);
    server.terminate();
    let ran = server.end();
    ran.succeeded();
    // Whoever runs it under another name than it knows learns what to do, and once.
    assert_eq!(ran.stderr.matches("--host").count(), 1, "{ran:?}");
    assert_says(&ran.stderr, &["evil.example"]);
}

/// The status of the answer to a request of which only the first line and these headers are sent.
fn status(address: &str, request: &str, headers: &str) -> u16 {
    let mut stream = connect(address);
    write!(
        stream,
        "{request} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_request_has_to_name_a_host_of_the_servers_and_one() {
    let (_server, address) = listening(&[]);
    let own = format!("Host: {address}\r\n");
    let foreign = "Host: evil.test\r\n";
    for request in ["GET /", "GET /clients", "GET /page/main.js", "GET /echo"] {
        let good = if request == "GET /echo" { 426 } else { 200 };
        assert_eq!(status(&address, request, &own), good, "{request}");
        assert_eq!(status(&address, request, foreign), 421, "{request}");
        assert_eq!(status(&address, request, ""), 400, "{request}");
        let two = format!("{own}{own}");
        assert_eq!(status(&address, request, &two), 400, "{request}");
    }
}

#[test]
fn answers_are_for_the_moment_and_are_what_they_say() {
    let (_server, address) = listening(&[]);
    for request in [
        "GET /",
        "GET /clients",
        "GET /nothing",
        "PUT /",
        "GET /echo",
    ] {
        let (head, _) = ask(&address, request, "", "");
        let words = ["cache-control: no-store", "x-content-type-options: nosniff"];
        assert_says(&head.to_lowercase(), &words);
    }
}

#[test]
fn whoever_waits_to_be_told_to_go_on_is_told_so() {
    let (_server, address) = listening(&[]);
    let mut stream = connect(&address);
    write!(
        stream,
        "POST /challenges/websocket_chit_chat/solve?access_token=any HTTP/1.1\r\n\
         Host: {address}\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(br#"{"secret":"x"}"#).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_says(&answer, &["200 OK", "rejected"]);
    // And a WebSocket is granted all the same.
    let (head, _) = ask_to_upgrade(&address, "/echo", &address, "Expect: 100-continue\r\n");
    assert_says(&head, &[" 101 "]);
}

#[test]
fn a_listed_origin_needs_no_host_of_the_servers() {
    let (_server, address) = listening(&["--origin", "https://chat.example.org"]);
    let page = &["https://chat.example.org"];
    assert_eq!(upgrade(&address, "/echo", "inside.example", page).0, 101);
}

#[test]
fn a_page_that_is_refused_does_not_use_up_a_token() {
    let (_server, address) = listening(&[]);
    let path = format!("/_/ws/{}", token(&address));
    let (status, _) = upgrade(&address, &path, &address, &["http://evil.test"]);
    assert_eq!(status, 403);
    let hello = Client::open(&address, &path).expect(Opcode::Text);
    assert!(hello.starts_with(b"hello!"));
}

#[test]
fn a_page_that_is_refused_does_not_use_up_a_ticket() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    let users = users.to_str().unwrap();
    let passwd = Program::new("passwd").args([users, "ann"]);
    passwd.input("sesame").run().succeeded();
    let (_server, address) = listening(&["--tickets", users]);
    let applicant = json!({"user": "ann", "password": "sesame"});
    let (_, answer) = ask_for_json(&address, "POST /ticket", applicant);
    let path = format!(
        "/chat/fishing?ticket={}",
        answer["ticket"].as_str().unwrap()
    );
    let (status, _) = upgrade(&address, &path, &address, &["http://evil.test"]);
    assert_eq!(status, 403);
    let own = format!("http://{address}");
    assert_eq!(upgrade(&address, &path, &address, &[&own]).0, 101);
    // It is good for one connection, and that was it.
    assert_eq!(upgrade(&address, &path, &address, &[&own]).0, 401);
}

#[test]
fn with_origins_only_their_pages_are_let_in_and_those_who_are_no_pages() {
    let (_server, address) = listening(&[
        "--origin",
        "https://chat.example.org",
        "--origin",
        "HTTP://LocalHost:80",
    ]);
    let own = format!("http://{address}");
    for (origin, status) in [
        ("https://chat.example.org", 101),
        ("http://localhost", 101),
        ("http://chat.example.org", 403),
        ("https://chat.example.org:8443", 403),
        ("https://evil.chat.example.org", 403),
        (&own, 403),
        ("null", 403),
    ] {
        for path in ["/echo", "/chat/fishing"] {
            let (got, _) = upgrade(&address, path, &address, &[origin]);
            assert_eq!(got, status, "{path} {origin}");
        }
    }
    assert_eq!(upgrade(&address, "/echo", &address, &[]).0, 101);
}

#[test]
fn what_makes_no_sense_is_refused_before_the_port_is_taken() {
    for (option, value, reason) in [
        ("--origin", "*", "SCHEME://HOST"),
        ("--origin", "null", "SCHEME://HOST"),
        ("--origin", "chat.example.org", "SCHEME://HOST"),
        ("--origin", "https://chat.example.org/", "nothing after"),
        ("--host", "*", "HOST or HOST:PORT"),
        ("--host", "https://chat.example.org", "HOST or HOST:PORT"),
        ("--max-connections", "0", "1 at the least"),
        ("--max-connections", "-1", "1 at the least"),
        ("--max-connections-per-address", "none", "1 at the least"),
    ] {
        let argument = format!("{option}={value}");
        let ran = Program::new("serve").args([&argument]).json().run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_says(&ran.stderr, &[option, value]);
        let words = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_says(&words, &[reason]);
        assert_eq!(ran.the("error")["kind"], "usage");
    }
}

/// A request that there was no room for: it is said so, and the server hangs up.
#[track_caller]
fn assert_turned_away(address: &str, words: &[&str]) {
    for (request, body) in [("GET /clients", ""), ("POST /anything", "something")] {
        let (head, body) = ask(address, request, "", body);
        let head = head.to_lowercase();
        assert_says(&head, &["http/1.1 503", "connection: close"]);
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_says(answer["error"].as_str().unwrap(), words);
    }
    let (status, answer) = upgrade(address, "/echo", address, &[]);
    assert_eq!(status, 503, "{answer}");
}

/// Knocks until there is room, and stays inside.
#[track_caller]
fn get_inside(address: &str) -> Client {
    let give_up = clock::now() + PATIENCE;
    loop {
        let (status, answer, stream) = upgraded(address, "/echo", address, &[]);
        if status == 101 {
            return Client { stream };
        }
        assert!(clock::now() < give_up, "{status} {answer}");
        thread::sleep(A_MOMENT);
    }
}

#[test]
fn every_connection_counts_until_it_is_over() {
    for network in [&[][..], &["--network", "lan"]] {
        let (_server, address) = listening(&[&["--max-connections", "2"], network].concat());
        let mut echo = Client::open(&address, "/echo");
        let silent = connect(&address);
        assert_turned_away(&address, &["no room"]);

        // One that has asked for nothing.
        drop(silent);
        let another = get_inside(&address);
        assert_turned_away(&address, &["no room"]);

        // Those that are inside are none the worse.
        echo.text("still there?");
        assert_eq!(echo.expect(Opcode::Text), b"still there?");

        // One that vanishes, and one that closes properly.
        drop(another);
        let _third = get_inside(&address);
        assert_turned_away(&address, &["no room"]);
        echo.frame(Opcode::Close, &1000_u16.to_be_bytes());
        echo.expect(Opcode::Close);
        drop(echo);
        let _fourth = get_inside(&address);
        assert_turned_away(&address, &["no room"]);
    }
}

#[test]
fn connections_that_there_is_no_room_for_are_not_kept() {
    let (server, address) = listening(&["--max-connections", "1"]);
    let mut inside = Client::open(&address, "/echo");
    // Far more than are told, and they ask for nothing.
    let silent: Vec<TcpStream> = (0..200).map(|_| connect(&address)).collect();
    for mut silent in silent {
        // However it is hung up on, it is.
        let nothing = silent.read(&mut [0]);
        assert!(nothing.is_err() || matches!(nothing, Ok(0)), "{nothing:?}");
    }
    // They are no more in the way of those who ask.
    assert_turned_away(&address, &["no room"]);
    inside.text("still there?");
    assert_eq!(inside.expect(Opcode::Text), b"still there?");
    server.terminate();
    let ran = server.end();
    ran.succeeded();
    let warnings = ran.stderr.matches("connections are turned away").count();
    assert_eq!(warnings, 1, "{ran:?}");
}

/// Connects from another address of this machine: all of 127.0.0.0/8 are.
#[cfg(target_os = "linux")]
fn connect_from(local: [u8; 4], address: &str) -> TcpStream {
    use std::net::{SocketAddr, SocketAddrV4};

    use rustix::net::{AddressFamily, SocketType, bind, socket};

    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(local.into(), 0)).unwrap();
    let address: SocketAddr = address.parse().unwrap();
    rustix::net::connect(&socket, &address).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
#[cfg(target_os = "linux")]
fn an_address_has_a_limit_of_its_own() {
    let (_server, address) = listening(&["--max-connections-per-address", "2"]);
    let _silent = connect(&address);
    let echo = Client::open(&address, "/echo");
    assert_turned_away(&address, &["from your address"]);

    let mut other = connect_from([127, 0, 0, 2], &address);
    let request = format!("GET /clients HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    other.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).unwrap();
    assert_says(&answer, &["HTTP/1.1 200", "\"echo\""]);

    drop(echo);
    let _again = get_inside(&address);
    assert_turned_away(&address, &["from your address"]);
}
