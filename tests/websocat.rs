//! Against websocat, both ways round.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use support::{PATIENCE, Port, Program, serve};
use wsbeat::link::clock;

/// A websocat that is killed when the test is over.
struct Websocat(Child);

impl Websocat {
    fn run(arguments: &[&str]) -> Self {
        let child = Command::new("websocat")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("websocat is on the PATH");
        Websocat(child)
    }

    /// The server of the write-up: a shell script that says `ping!`, on a free port.
    fn serve(script: &str) -> (Self, String) {
        Websocat::serve_with(&format!("sh-c:{script}"))
    }

    /// A server on a free port whose every client talks to this.
    fn serve_with(specifier: &str) -> (Self, String) {
        let port = Port::reserve();
        let url = port.url();
        let address = url.trim_start_matches("http://").to_owned();
        drop(port);
        let listen = format!("ws-l:{address}");
        let server = Websocat::run(&["-t", &listen, specifier]);
        let give_up = clock::now() + PATIENCE;
        while TcpStream::connect(&address).is_err() {
            assert!(clock::now() < give_up, "websocat does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        (server, format!("ws://{address}"))
    }
}

impl Drop for Websocat {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs websocat 1.x on the PATH: cargo install websocat --version '^1'"]
fn the_server_of_the_write_up_is_answered_for_20_rounds_with_no_mistake() {
    let (_server, url) = Websocat::serve(r#"while true; do echo "ping!"; sleep 0.7; done"#);
    let ran = Program::new("replay")
        .args([&url, "--rounds", "20", "--record", "run.jsonl"])
        .json()
        .run();
    ran.succeeded();
    let answers: Vec<_> = ran
        .all("beat")
        .iter()
        .map(|beat| beat["interval_ms"].as_u64())
        .collect();
    assert_eq!(answers, [Some(700); 20]);
    assert_eq!(ran.summary()["outcome"], "ended");
    assert_eq!(ran.summary()["rounds"], 20);

    let recording = ran.path("run.jsonl");
    let again = Program::new("replay").args([&recording]).json().run();
    again.succeeded();
    assert_eq!(again.summary()["rounds"], 20);
    assert_eq!(again.summary()["differences"], 0);
}

#[test]
#[ignore = "needs websocat 1.x on the PATH: cargo install websocat --version '^1'"]
fn every_interval_is_told_apart_and_the_end_of_the_script_is_the_end() {
    // The script outlives its last beat: websocat drops a connection whose answers it can no longer
    // hand to the script, without a Close frame.
    let script = r#"for s in 0.7 1.5 2 2.5 3; do sleep $s; echo "ping!"; done; sleep 1"#;
    let (_server, url) = Websocat::serve(script);
    let ran = Program::new("replay").args([&url]).json().run();
    ran.succeeded();
    let answers: Vec<_> = ran
        .all("beat")
        .iter()
        .map(|beat| beat["interval_ms"].as_u64())
        .collect();
    assert_eq!(answers, [700, 1500, 2000, 2500, 3000].map(Some));
    assert_eq!(ran.summary()["outcome"], "ended");
}

#[test]
#[ignore = "needs websocat 1.x on the PATH: cargo install websocat --version '^1'"]
fn websocat_can_talk_to_the_practice_server() {
    let (server, url) = serve(&[]);
    let url = url.replace("http", "ws");
    let mut client = Websocat::run(&["-t", "-n", &format!("{url}/_/ws/made-up")]);
    let mut said = String::new();
    let output = client.0.stdout.take().unwrap();
    BufReader::new(output.take(1000))
        .read_line(&mut said)
        .unwrap();
    assert_eq!(said.trim(), "expired challenge token");
    server.interrupt();
    server.end().succeeded();
}

#[test]
#[ignore = "needs websocat 1.x on the PATH: cargo install websocat --version '^1'"]
fn websocat_answers_pings_and_echoes_messages() {
    let (_server, url) = Websocat::serve_with("mirror:");
    for more in [&[][..], &["--echo"]] {
        let ran = Program::new("ping")
            .args([&url, "-c", "50", "-i", "4ms"])
            .args(more)
            .json()
            .run();
        ran.succeeded();
        assert_eq!(ran.summary()["received"], 50, "{ran:?}");
        assert_eq!(ran.summary()["invented"], 0, "{ran:?}");
    }
}
