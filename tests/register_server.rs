//! `GET /register`, with registrants that are raw WebSocket clients.

#![cfg(unix)]

mod support;

use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use support::{
    Heard, Registrant, Running, ask_for_json, ask_to_upgrade, assert_says, body_after,
    challenge_in, connect, listening, public, signing_key, within,
};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use wsbeat::link::{Trust, client_config, clock};

/// A rate that nobody here reaches.
const ANY_RATE: &str = "10000/1ms";

/// A server in a process of its own, and where it listens.
fn server(args: &[&str]) -> (Running, String) {
    let (server, listening) = listening(args);
    let address = listening["address"].as_str().unwrap().to_owned();
    (server, address)
}

fn delivered(connections: usize) -> Value {
    json!({ "delivered": connections })
}

/// Asserts that a message is what this key has said, just now.
#[track_caller]
fn assert_said(message: &Value, from: &str, text: &str) {
    let timestamp = message["timestamp"].as_u64().unwrap();
    let now = clock::wall().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!((now - 60..=now).contains(&timestamp), "{message}");
    let expected = json!({ "from": from, "text": text, "timestamp": timestamp });
    assert_eq!(*message, expected);
}

#[track_caller]
fn assert_error(message: &Value, code: &str) {
    assert_eq!(message["error"], code, "{message}");
    assert!(message["message"].is_string(), "{message}");
}

#[tokio::test]
async fn who_signs_the_challenge_of_this_server_is_registered() {
    let (_server, address) = server(&[]);
    let localhost = address.replace("127.0.0.1", "localhost");
    let mut nonces = BTreeSet::new();
    for host in [&address, &localhost] {
        let mut registrant = Registrant::connect(&address, host, 1).await;
        let challenge = registrant.challenge().await;
        let named = format!("wsbeat-registration-v1:{host}:");
        let nonce = challenge
            .strip_prefix(&named)
            .unwrap_or_else(|| panic!("{challenge}"));
        assert_eq!(URL_SAFE_NO_PAD.decode(nonce).unwrap().len(), 32);
        assert!(nonces.insert(nonce.to_owned()));

        let (_, answer) = ask_for_json(&address, "GET /clients", json!({}));
        assert_eq!(answer["clients"][0]["route"], "register", "{answer}");
        let answer = registrant.answer(&challenge);
        registrant.send(&answer).await;
        let accepted = registrant.hear().await;
        assert_eq!(accepted["accepted"], true, "{accepted}");
        assert_eq!(accepted["publicKey"], registrant.name());
        assert_eq!(accepted["response"], answer["response"]);
        registrant.socket.close(None).await.unwrap();
        while registrant.next().await != Heard::End {}
    }
}

#[tokio::test]
async fn who_is_registered_is_heard_by_all_others_or_by_one() {
    let (_server, address) = server(&["--rate", ANY_RATE]);
    let mut ann = Registrant::registered(&address, 1).await;
    assert_eq!(ann.say("is anybody here?").await, delivered(0));
    let mut bob = Registrant::registered(&address, 2).await;
    let mut cid = Registrant::registered(&address, 3).await;

    // Both ways. Text is text.
    let markup = "<img src=x onerror=\"alert(1)\"> \u{1f3a3}";
    assert_eq!(ann.say(markup).await, delivered(2));
    assert_said(&bob.hear().await, &ann.name(), markup);
    assert_said(&cid.hear().await, &ann.name(), markup);
    assert_eq!(bob.say("hello").await, delivered(2));
    assert_said(&ann.hear().await, &bob.name(), "hello");
    assert_said(&cid.hear().await, &bob.name(), "hello");

    // To one, which the next thing that the other hears shows: it is something else.
    assert_eq!(bob.say_to(&ann.name(), "psst").await, delivered(1));
    assert_said(&ann.hear().await, &bob.name(), "psst");
    assert_eq!(ann.say("did you hear that?").await, delivered(2));
    assert_said(&cid.hear().await, &ann.name(), "did you hear that?");

    // To oneself, which comes before the receipt for it.
    cid.send(&json!({"text": "note to self", "to": cid.name()}))
        .await;
    assert_said(&cid.hear().await, &cid.name(), "note to self");
    assert_eq!(cid.hear().await, delivered(1));

    // To nobody.
    let nobody = public(&signing_key(9));
    assert_error(&cid.say_to(&nobody, "hello?").await, "unknown_key");
    assert_error(&cid.say_to("nobody", "hello?").await, "malformed");
    cid.socket.close(None).await.unwrap();
    while cid.next().await != Heard::End {}
    assert_said(&bob.hear().await, &ann.name(), "did you hear that?");
    // The server may take a moment to notice.
    let gone = within(async {
        loop {
            match bob.say_to(&cid.name(), "gone?").await {
                still if still == delivered(1) => {}
                gone => break gone,
            }
        }
    });
    assert_error(&gone.await, "unknown_key");
}

#[tokio::test]
async fn what_two_say_at_once_everybody_hears_in_the_same_order() {
    const EACH: usize = 200;
    let (_server, address) = server(&["--rate", ANY_RATE, "--egress-queue", "1000"]);
    let mut listeners = Vec::new();
    for key in 1..=3 {
        listeners.push(Registrant::registered(&address, key).await);
    }
    let mut speaking = Vec::new();
    for key in 4..=5 {
        let mut speaker = Registrant::registered(&address, key).await;
        speaking.push(tokio::spawn(async move {
            for number in 0..EACH {
                speaker
                    .send(&json!({ "text": format!("{key}: {number}") }))
                    .await;
            }
            speaker
        }));
    }
    let mut heard = Vec::new();
    for mut listener in listeners {
        let mut texts = Vec::new();
        for _ in 0..2 * EACH {
            let message = listener.hear().await;
            texts.push(message["text"].as_str().unwrap().to_owned());
        }
        heard.push(texts);
    }
    for key in 4..=5 {
        let said = |text: &&String| text.starts_with(&format!("{key}:"));
        let of_one: Vec<_> = heard[0].iter().filter(said).cloned().collect();
        let expected: Vec<_> = (0..EACH).map(|number| format!("{key}: {number}")).collect();
        assert_eq!(of_one, expected);
    }
    assert!(heard[1..].iter().all(|other| *other == heard[0]));
    for speaker in speaking {
        within(speaker).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_passed_on_before_acceptance_in_either_direction() {
    let (_server, address) = server(&[]);
    let mut ann = Registrant::registered(&address, 1).await;
    let mut bob = Registrant::connect(&address, &address, 2).await;
    let challenge = bob.challenge().await;
    assert_error(&bob.say("let me in").await, "not_registered");
    assert_error(
        &bob.say_to(&ann.name(), "let me in").await,
        "not_registered",
    );
    // He is not reached either.
    assert_eq!(ann.say("who is there?").await, delivered(0));
    assert_error(&ann.say_to(&bob.name(), "you?").await, "unknown_key");

    let answer = bob.answer(&challenge);
    bob.send(&answer).await;
    assert_eq!(bob.hear().await["accepted"], true);
    assert_eq!(bob.say("here I am").await, delivered(1));
    assert_said(&ann.hear().await, &bob.name(), "here I am");
}

#[tokio::test]
async fn who_has_read_that_it_is_registered_is_reached() {
    let (_server, address) = server(&["--rate", ANY_RATE]);
    let mut ann = Registrant::registered(&address, 1).await;
    for key in 2..100 {
        let mut other = Registrant::registered(&address, key).await;
        assert_eq!(ann.say_to(&other.name(), "welcome").await, delivered(1));
        assert_said(&other.hear().await, &ann.name(), "welcome");
    }
}

#[tokio::test]
async fn a_key_is_reached_over_the_connection_that_it_registered_over_last() {
    let (_server, address) = server(&[]);
    let mut bob = Registrant::registered(&address, 2).await;
    let mut older = Registrant::registered(&address, 1).await;
    let mut newer = Registrant::registered(&address, 1).await;
    let (code, reason) = older.closed().await;
    assert_eq!(code, 1008);
    assert_says(&reason, &["registered over another connection"]);
    while older.next().await != Heard::End {}
    // The going of the older one does not take the newer one with it.
    for _ in 0..3 {
        assert_eq!(bob.say("which of you?").await, delivered(1));
        assert_said(&newer.hear().await, &bob.name(), "which of you?");
    }
    assert_eq!(newer.say("me").await, delivered(1));
}

#[tokio::test]
async fn who_answers_wrongly_may_try_three_more_times() {
    let (_server, address) = server(&[]);
    let mut ann = Registrant::registered(&address, 1).await;
    let mut mallory = Registrant::connect(&address, &address, 3).await;
    let mut challenge = mallory.challenge().await;
    let first = mallory.answer(&challenge);
    for retries in [3, 2, 1] {
        // A good signature, but not this key's.
        let mut wrong = mallory.answer(&challenge);
        wrong["publicKey"] = ann.name().into();
        mallory.send(&wrong).await;
        let rejected = mallory.hear().await;
        assert_eq!(rejected["accepted"], false, "{rejected}");
        assert_eq!(rejected["retries"], retries);
        assert_eq!(rejected["publicKey"], ann.name());
        assert_eq!(rejected["response"], wrong["response"]);
        let next = challenge_in(&rejected);
        assert_ne!(next, challenge);
        challenge = next;
    }
    // One that was good once.
    mallory.send(&first).await;
    let (code, reason) = mallory.closed().await;
    assert_eq!(code, 1008);
    assert_says(&reason, &["challenge"]);
    assert_eq!(ann.say("alone again").await, delivered(0));

    // Whoever gets it right in the end is in, and has not registered with any other key.
    let mut bob = Registrant::connect(&address, &address, 2).await;
    let challenge = bob.challenge().await;
    bob.send(&json!({"publicKey": bob.name(), "response": "x".repeat(86)}))
        .await;
    let rejected = bob.hear().await;
    assert_ne!(challenge_in(&rejected), challenge);
    let answer = bob.answer(&challenge_in(&rejected));
    bob.send(&answer).await;
    assert_eq!(bob.hear().await["accepted"], true);
    assert_eq!(ann.say("welcome").await, delivered(1));
}

#[tokio::test]
async fn who_does_not_answer_the_heartbeat_is_registered_no_more_until_it_does() {
    let args = ["--heartbeat", "100ms", "--heartbeat-timeout", "2s"];
    let (_server, address) = server(&args);
    let mut ann = Registrant::registered(&address, 1).await;
    // She answers one, and not the next.
    ann.register().await;
    ann.challenge().await;
    assert_error(&ann.hear().await, "unregistered");
    // The challenge comes again at once: the time for it is over.
    let challenge = ann.challenge().await;
    assert_error(&ann.say("am I there?").await, "not_registered");
    let answer = ann.answer(&challenge);
    ann.send(&answer).await;
    assert_eq!(ann.hear().await["accepted"], true);
    ann.send(&json!({ "text": "I am" })).await;
    // A heartbeat may come first.
    while ann.hear().await != delivered(0) {}
}

#[tokio::test]
async fn who_never_answers_is_shown_out() {
    let args = ["--heartbeat", "200ms", "--heartbeat-timeout", "100ms"];
    let (_server, address) = server(&args);
    let mut silent = Registrant::connect(&address, &address, 2).await;
    for _ in 0..4 {
        silent.challenge().await;
    }
    let (code, reason) = silent.closed().await;
    assert_eq!(
        (code, &*reason),
        (1008, "no challenge was answered in time")
    );
}

/// Asks for a WebSocket by this name of the server, and gives the status and what it says besides.
fn asked(address: &str, host: &str, headers: &str) -> (u16, Value) {
    let (head, mut stream) = ask_to_upgrade(address, "/register", host, headers);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body_after(&head, &mut stream))
}

#[tokio::test]
async fn a_host_that_is_not_the_servers_is_not_put_into_a_challenge() {
    let (_server, address) = server(&["--host", "pond.example"]);
    let (_, port) = address.rsplit_once(':').unwrap();
    for unknown in ["evil.example", "127.0.0.1", "localhost:1", "192.0.2.1:80"] {
        let (status, answer) = asked(&address, unknown, "");
        assert_eq!(status, 421, "{unknown}");
        assert_says(answer["error"].as_str().unwrap(), &["--host"]);
    }
    let unusual = format!("0177.0.0.1:{port}");
    let zeros = format!("{}{unusual}", "0".repeat(200_000));
    for (host, headers) in [
        ("user@localhost", ""),
        ("pond.example", "Host: pond.example\r\n"),
        (&unusual, ""),
        (&zeros, ""),
    ] {
        assert_eq!(asked(&address, host, headers).0, 400, "{host:.40}");
    }
    let known = format!("POND.example:{port}");
    let stream = TcpStream::connect(&address).await.unwrap();
    let url = format!("ws://{known}/register");
    let mut registrant = Registrant::ask(stream, &url, 1).await.unwrap();
    let challenge = registrant.challenge().await;
    // As it was written.
    let named = challenge.to_lowercase();
    assert_says(&named, &[&format!(":pond.example:{port}:")]);
}

#[test]
fn pages_from_elsewhere_do_not_register() {
    let (_server, address) = server(&[]);
    for (origin, status) in [
        (format!("http://{address}"), 101),
        ("http://evil.test".to_owned(), 403),
        ("null".to_owned(), 403),
    ] {
        let headers = format!("Origin: {origin}\r\n");
        assert_eq!(asked(&address, &address, &headers).0, status, "{origin}");
    }
    // A page from elsewhere whose author has their name stand for this machine.
    let (_, port) = address.rsplit_once(':').unwrap();
    let rebound = format!("evil.example:{port}");
    let headers = format!("Origin: http://{rebound}\r\n");
    assert_eq!(asked(&address, &rebound, &headers).0, 421);
}

#[tokio::test]
async fn it_is_the_same_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let option = format!(
        "--tls-self-signed={}",
        folder.path().join("ca.pem").display()
    );
    let (_server, address) = server(&[&option]);
    let mut registrants = Vec::new();
    for key in 1..=2 {
        let connector = TlsConnector::from(client_config(&Trust::Anyone).unwrap());
        let stream = TcpStream::connect(&address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = within(connector.connect(name, stream)).await.unwrap();
        let url = format!("wss://{address}/register");
        let mut registrant = Registrant::ask(stream, &url, key).await.unwrap();
        registrant.register().await;
        registrants.push(registrant);
    }
    let [ann, bob] = &mut registrants[..] else {
        unreachable!("there are two");
    };
    assert_eq!(ann.say("over TLS").await, delivered(1));
    assert_said(&bob.hear().await, &ann.name(), "over TLS");
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_closed_and_keeps_nobody_waiting() {
    let args = ["--rate", ANY_RATE, "--egress-queue", "64"];
    let (_server, address) = server(&args);
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let url = format!("ws://{address}/register");
    let mut sleeper = Registrant::ask(stream, &url, 1).await.unwrap();
    sleeper.register().await;
    let mut speaker = Registrant::registered(&address, 2).await;
    let long = "x".repeat(4096);
    let mut said = 0;
    // From here on the sleeper does not read, until the others see it go.
    while speaker.say(&long).await == delivered(1) {
        said += 1;
        assert!(said < 100_000, "nothing fills the queue of the sleeper");
    }
    assert!(said >= 64, "{said} messages do not fill the queue");
    assert_eq!(sleeper.closed().await.0, 1013);
    assert_eq!(speaker.say("alone again").await, delivered(0));
    // There is a place for it all the same.
    let mut back = Registrant::registered(&address, 1).await;
    assert_eq!(speaker.say("welcome back").await, delivered(1));
    assert_said(&back.hear().await, &speaker.name(), "welcome back");
}

#[tokio::test]
async fn the_limits_are_those_of_the_chat() {
    let (_server, address) = server(&["--rate", "3/10m", "--max-message", "5"]);
    let mut ann = Registrant::registered(&address, 1).await;
    assert_error(&ann.say("too long").await, "text_too_long");
    assert_error(&ann.say(" ").await, "text_empty");
    assert_eq!(ann.say("short").await, delivered(0));
    for _ in 0..3 {
        let refused = ann.say("hasty").await;
        assert_error(&refused, "too_fast");
        assert!(
            refused["retryAfterMs"].as_u64().unwrap() > 1000,
            "{refused}"
        );
    }
    ann.send(&json!({ "text": "flood" })).await;
    let (code, reason) = ann.closed().await;
    assert_eq!(
        (code, &*reason),
        (1008, "too many messages in too short a time")
    );
}

#[tokio::test]
async fn a_server_that_goes_says_so() {
    let (server, address) = server(&[]);
    let mut registered = Registrant::registered(&address, 1).await;
    let mut waiting = Registrant::connect(&address, &address, 2).await;
    waiting.challenge().await;
    let _silent = connect(&address);
    server.terminate();
    for registrant in [&mut registered, &mut waiting] {
        assert_eq!(registrant.closed().await.0, 1001);
    }
    server.end().succeeded();
}
