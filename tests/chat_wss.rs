//! `wsbeat chat` with a server of ours that speaks TLS and wants tickets: both as users run them.

#![cfg(unix)]

mod support;

use support::{Program, assert_says, serve};

const PASSWORDS: [(&str, &str); 2] = [("alice", "tight lines"), ("bob", "correct horse battery")];

#[test]
fn two_guests_with_tickets_talk_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (users, certificate) = (path("users"), path("certificate.pem"));
    for (name, password) in PASSWORDS {
        let made = Program::new("passwd").args([&*users, name]);
        let made = made.input(format!("{password}\n")).run();
        assert_eq!(made.code, Some(0), "{made:?}");
    }
    let tls = format!("--tls-self-signed={certificate}");
    let (_server, url) = serve(&["--tickets", &users, &tls]);
    let url = format!("{}/chat/fishing", url.replace("https", "wss"));
    assert!(url.starts_with("wss://"), "{url}");
    let guest = |name: &str, password: &str| {
        Program::new("chat")
            .args([&*url, "--name", name, "--ca-cert", &certificate])
            .args(["--password-file", "password", "--retry-for", "5s"])
            .file("password", password)
            .json()
    };
    let [(alice, hers), (bob, his)] = PASSWORDS;

    let mut stays = guest(bob, his).args(["--stay"]).input("").start();
    stays.wait_for(r#""type":"named""#);
    let ran = guest(alice, hers).input("hello, bob\n").run();
    ran.succeeded();
    assert_eq!(ran.summary()["sent"], 1);
    let heard = stays.wait_for(r#""how":"live""#);
    assert_eq!(
        (&heard["user"], &heard["text"]),
        (&"alice".into(), &"hello, bob".into())
    );
    stays.interrupt();
    let ran = stays.end();
    ran.succeeded();
    assert!(!ran.stderr.contains("unencrypted"), "{ran:?}");

    // Somebody else's password gets nobody in, and nobody gets in under somebody else's name.
    let ran = guest(alice, his).input("hello\n").run();
    ran.failed(3, "credentials");
    // Who does not trust the certificate sends no password.
    let stranger = Program::new("chat").args([&*url, "--name", alice]).json();
    let stranger = stranger
        .file("password", hers)
        .args(["--password-file", "password"]);
    let cause = stranger.input("hello\n").run().failed(4, "unreachable");
    assert_says(&cause, &["certificate", "--ca-cert"]);
}
