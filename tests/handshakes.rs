//! The server in this process, with little patience: clients that do not get going, or stop half way.

#![cfg(unix)]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU32;
use std::thread;
use std::time::Duration;

use support::{Client, Opcode, PATIENCE, ask, assert_says, connect};
use tokio::runtime::Runtime;
use wsbeat::link::{Stop, StopReason, Stopper, clock};
use wsbeat::server::{ConnectionLimits, Server, Settings, Tls};
use wsbeat::simulation::Model;

/// How long the server waits for a handshake: long enough for a busy machine to do one in.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// A server that runs until it is dropped.
struct Impatient {
    address: String,
    is_encrypted: bool,
    stopper: Stopper,
    /// What it runs on.
    _runtime: Runtime,
}

impl Impatient {
    fn start(tls: Option<Tls>, network: Option<Model>) -> Self {
        let runtime = Runtime::new().unwrap();
        let is_encrypted = tls.is_some();
        let server = Server::bind(Settings {
            network,
            connections: ConnectionLimits {
                handshake: HANDSHAKE,
                ..ConnectionLimits::default()
            },
            tls,
            ..Settings::new(([127, 0, 0, 1], 0).into(), NonZeroU32::MIN, 1, [1; 32])
        });
        let server = runtime.block_on(server).unwrap();
        let address: SocketAddr = server.address().unwrap();
        let (stopper, stop) = Stop::channel();
        runtime.spawn(server.run(stop, |_| {}));
        Impatient {
            address: address.to_string(),
            is_encrypted,
            stopper,
            _runtime: runtime,
        }
    }
}

impl Drop for Impatient {
    fn drop(&mut self) {
        self.stopper.stop(StopReason::Shutdown);
    }
}

/// Does something wherever a client can stall: with and without TLS and a network in between.
fn everywhere(stall: impl Fn(&Impatient) + Sync) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let tls = Tls::self_signed([127, 0, 0, 1].into(), clock::wall(), file).unwrap();
    let lan: Model = "lan".parse().unwrap();
    let servers = [
        (None, None),
        (None, Some(lan)),
        (Some(tls.clone()), None),
        (Some(tls), Some(lan)),
    ]
    .map(|(tls, network)| Impatient::start(tls, network));
    thread::scope(|scope| {
        for server in &servers {
            scope.spawn(|| stall(server));
        }
    });
}

/// Reads until the server hangs up, which it has to.
#[track_caller]
fn hung_up(mut stream: &TcpStream) {
    let mut sink = [0; 1024];
    loop {
        match stream.read(&mut sink) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                let reset = std::io::ErrorKind::ConnectionReset;
                assert_eq!(error.kind(), reset, "nobody hung up: {error}");
                return;
            }
        }
    }
}

#[test]
fn a_client_that_says_nothing_is_dropped_and_not_before_its_time() {
    everywhere(|server| {
        let begun = clock::now();
        let silent = connect(&server.address);
        hung_up(&silent);
        assert!(clock::now() - begun >= HANDSHAKE);
    });
}

#[test]
fn a_client_that_drips_is_dropped() {
    everywhere(|server| {
        let mut dripping = connect(&server.address);
        // The beginning of a request that never ends, or of a TLS record (RFC 8446 section 5.1) with
        // a message that is said to be longer.
        let begin: &[u8] = if server.is_encrypted {
            b"\x16\x03\x01\x3f\xff\x01\x00\x3f\xfb"
        } else {
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Drip: "
        };
        let mut dripped = dripping.write_all(begin);
        let give_up = clock::now() + PATIENCE;
        let mut drips = 0;
        // At some time the other end is gone, and the writes fail.
        while dripped.is_ok() {
            assert!(clock::now() < give_up, "nobody hung up");
            thread::sleep(Duration::from_millis(10));
            dripped = dripping.write_all(b"x");
            drips += 1;
        }
        assert!(drips > 1);
    });
}

#[test]
fn a_client_that_stalls_in_its_second_request_is_dropped() {
    let server = Impatient::start(None, None);
    let mut stream = connect(&server.address);
    let host = &server.address;
    let requests = format!("GET /clients HTTP/1.1\r\nHost: {host}\r\n\r\nGET /cli");
    stream.write_all(requests.as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
}

#[test]
fn once_it_is_inside_a_client_may_take_its_time() {
    for network in [None, Some("lan".parse().unwrap())] {
        let server = Impatient::start(None, network);
        let mut echo = Client::open(&server.address, "/echo");
        thread::sleep(2 * HANDSHAKE);
        echo.text("here");
        assert_eq!(echo.expect(Opcode::Text), b"here");
        let (head, _) = ask(&server.address, "GET /clients", "", "");
        assert_says(&head, &["200"]);
    }
}
