//! What the tests of the program share: a runner for the binary, and a server that says what a
//! test tells it to.
//!
//! Everything is blocking, on threads of its own, and bounded: what should happen and does not
//! ends in a panic that says so, within [`PATIENCE`].

#![allow(
    dead_code,
    unused_imports,
    reason = "each test crate uses a part of it"
)]

mod chat;
mod client;
mod crowd;
mod party;
mod port;
mod program;
mod proxy;
mod registrant;
mod registrar;
mod secrecy;
mod server;
mod socket;
mod tls;
#[cfg(target_os = "linux")]
mod tty;

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;

pub use chat::{Talk, chat, messages, room, said};
pub use client::{Client, ask, ask_for_json, ask_to_upgrade, body_after, connect};
pub use crowd::{ANY_RATE, Chat, Guest, within};
pub use party::{Nobody, Silent};
pub use port::Port;
pub use program::{Program, Ran, Running};
pub use proxy::{Asked, Proxy};
pub use registrant::{Heard, Registrant, challenge_in, public, signing_key};
pub use registrar::{ANOTHER_NONCE, Answer, NONCE, Registrar, SOMEBODY, register, registrar};
pub use secrecy::{ODD, PLAIN, Tokens, assert_all_hidden, assert_hides, giving};
pub use server::{Reply, Request, Script, Server};
pub use socket::{Frame, Opcode, Socket, hold, reset_when_dropped};
pub use tls::{ELSEWHERE, ISSUER, Presents, TlsFront};
#[cfg(target_os = "linux")]
pub use tty::{Left, Stderr, Tty, seen};

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The access token that the program is run with.
pub const ACCESS_TOKEN: &str = "access-token-0123456789abcdef";

/// The secret that a scripted server tells.
pub const SECRET: &str = "square limit withered water yellow sun";

/// The one-time token that a scripted server gives in answer to the nth call.
pub fn one_time_token(call: usize) -> String {
    format!("one-time-token-{call}-fedcba9876543210")
}

/// The WebSocket of a scripted server, with a token in its address that nobody checks.
pub fn socket_url(scheme: &str, host: &str, port: u16) -> String {
    format!("{scheme}://{host}:{port}/_/ws/typed-by-hand-0123")
}

/// Asserts that a text has all of these in it.
#[track_caller]
pub fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

/// The practice server in a process of its own, and its base URL.
#[track_caller]
pub fn serve(args: &[&str]) -> (Running, String) {
    let (server, listening) = listening(args);
    (server, listening["url"].as_str().unwrap().to_owned())
}

/// The practice server in a process of its own, and what it says as it listens.
#[track_caller]
pub fn listening(args: &[&str]) -> (Running, Value) {
    let mut server = Program::new("serve")
        .args(["--listen", "127.0.0.1:0"])
        .args(args)
        .json()
        .start();
    let listening = server.wait_for("listening");
    (server, listening)
}

/// Two pings to the echo of a server that encrypts, by this name of its host.
pub fn ping_over_tls(url: &str, host: &str, args: &[&str]) -> Ran {
    let (_, port) = url.rsplit_once(':').unwrap();
    Program::new("ping")
        .args([&format!("wss://{host}:{port}/echo")])
        .args(["-c", "2", "-i", "20ms"])
        .args(args)
        .json()
        .run()
}

/// One attempt, recorded.
#[track_caller]
pub fn attempt(server: &Server, args: &[&str]) -> Ran {
    Program::solve(server)
        .args(["--record", "run.jsonl"])
        .args(args)
        .json()
        .run()
}

/// The end of a recording: by whom, code, reason.
pub fn end_of(ran: &Ran) -> (String, u64, String) {
    let lines = ran.recording("run.jsonl");
    let close = &lines[lines.len() - 1];
    let text = |name: &str| close[name].as_str().unwrap().to_owned();
    (text("by"), close["code"].as_u64().unwrap(), text("reason"))
}

/// What a recording holds of one direction: the text, or else the kind.
pub fn recorded(ran: &Ran, direction: &str) -> Vec<String> {
    let mut lines = ran.recording("run.jsonl");
    lines.retain(|line| line["type"] == direction);
    let show = |line: &Value| {
        let text = line["text"].as_str().or(line["kind"].as_str());
        text.unwrap().to_owned()
    };
    lines.iter().map(show).collect()
}

/// Something that happens once, and that others wait for.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Lets everyone through who waits, or will.
    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    /// Waits until it has happened.
    #[track_caller]
    pub fn wait(&self) {
        let open = self.open.lock().unwrap();
        let waited = self
            .opened
            .wait_timeout_while(open, PATIENCE, |open| !*open);
        assert!(!waited.unwrap().1.timed_out(), "it did not happen");
    }
}
