//! What is wrong with a file is told without its bytes, however they could be written: a private key
//! where another file should be, or in a file that is damaged, is in no message and no log.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rcgen::{CertifiedKey, KeyPair};
use secrecy::SecretString;
use support::{Program, Ran};
use wsbeat::conversation::registration;
use wsbeat::link::Authority;
use wsbeat::recording::Recording;
use wsbeat::server::{Tls, Users};

/// How many bytes of a secret in a row may be seen: any less come about by chance.
const TOLERATED: usize = 7;

/// A certificate and its key, in PEM.
static PAIR: LazyLock<(String, String)> = LazyLock::new(|| {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
});

/// A private key of its own for each file, in PEM.
fn secret() -> String {
    KeyPair::generate().unwrap().serialize_pem()
}

/// What is between the first and the last line of a PEM file.
fn payload(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

/// Asserts that a text holds nothing of a secret in PEM: as it stands there, as bytes in hexadecimal
/// or as a list of decimals, or in Base64 once more.
#[track_caller]
fn assert_hides(pem: &str, text: &str, what: &str) {
    let payload = payload(pem);
    let bytes = STANDARD.decode(&payload).unwrap();
    let decimals = |bytes: &[u8]| {
        let list: Vec<_> = bytes.iter().map(u8::to_string).collect();
        list.join(", ")
    };
    let hexadecimal =
        |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let lower = text.to_lowercase();
    for window in payload.as_bytes().windows(TOLERATED + 1) {
        let shown = str::from_utf8(window).unwrap();
        for form in [
            shown.to_owned(),
            decimals(window),
            // Where a window begins within three bytes changes what it looks like in Base64; all
            // beginnings are tried, since all windows are.
            STANDARD.encode(&window[..6]),
        ] {
            assert!(!text.contains(&form), "{what} shows {shown:?}: {text}");
        }
        assert!(!lower.contains(&hexadecimal(window)), "{what}: {text}");
    }
    for window in bytes.windows(TOLERATED + 1) {
        assert!(!text.contains(&decimals(window)), "{what}: {text}");
        assert!(!lower.contains(&hexadecimal(window)), "{what}: {text}");
    }
}

/// Files in which a key is not as it should be, or has no business.
fn shapes(pem: &str) -> Vec<String> {
    let payload = payload(pem);
    let joined = pem.replace('\n', "");
    let (first, rest) = pem.split_once('\n').unwrap();
    vec![
        joined.clone(),
        format!("{}\n", pem.trim_end().replace('\n', " ")),
        pem[..pem.len() / 2].to_owned(),
        rest.to_owned(),
        format!("{}{payload}\n{rest}", first.trim_end_matches('-')),
        pem.replacen(&payload[10..11], "!", 1),
        pem.replace("PRIVATE KEY", &payload[..30]),
        format!("-----BEGIN CERTIFICATE-----\n{payload}\n-----END CERTIFICATE-----\n"),
        payload.clone(),
        format!("alice:{payload}\n"),
        format!("alice:${payload}$v=19$m=1,t=1,p=1\n"),
        format!("alice:$argon2id$v=19$m=8,t=1,p=1${payload}\n"),
        format!("{{\"type\":\"recording\",\"version\":\"{payload}\"}}\n"),
        format!("{{\"type\":\"recording\",\"version\":1,\"conversation\":\"{payload}\"}}\n"),
        format!("{{\"{payload}\":1,\n"),
        format!("HACKATTIC_ACCESS_TOKEN {payload}\n"),
        format!("HACKATTIC_ACCESS_TOKEN='{payload}\n"),
        format!("{payload} {payload}\n"),
        // A file that is no text.
        format!("{payload}\u{0}\n"),
    ]
}

/// A command that reads the file `F` and ends.
fn readers() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        ("ping", vec!["wss://127.0.0.1:1/", "--ca-cert", "F"]),
        ("serve", vec!["--tls-cert", "F", "--tls-key", "F"]),
        ("serve", vec!["--tls-cert", "CERT", "--tls-key", "F"]),
        ("serve", vec!["--tickets", "F", "--listen", "192.0.2.1:1"]),
        (
            "serve",
            vec!["--access-token-file", "F", "--listen", "192.0.2.1:1"],
        ),
        ("passwd", vec!["F", "alice", "--delete"]),
        ("replay", vec!["F"]),
        ("register", vec!["ws://127.0.0.1:1/register", "--key", "F"]),
        (
            "chat",
            vec![
                "ws://127.0.0.1:1/chat/a",
                "--name",
                "a",
                "--password-file",
                "F",
            ],
        ),
        (
            "solve",
            vec!["--base-url", "http://127.0.0.1:1", "--attempts", "1"],
        ),
    ]
}

fn read(command: &str, args: &[&str], content: &str) -> Ran {
    let program = Program::new(command)
        .env("RUST_LOG", "trace")
        .private_file("F", content)
        .file(".env", content)
        .file("CERT", &PAIR.0)
        .args(args);
    match command {
        // It has one line to say.
        "passwd" => program.run(),
        _ => program.json().run(),
    }
}

#[test]
fn no_command_shows_anything_of_a_key_in_the_file_that_it_reads() {
    for (command, args) in readers() {
        let secret = secret();
        for content in shapes(&secret) {
            let ran = read(command, &args, &content);
            assert_ne!(ran.code, Some(0), "{command} {args:?}: {ran:?}");
            let what = format!("{command} {args:?}");
            assert_hides(&secret, &ran.stdout, &what);
            assert_hides(&secret, &ran.stderr, &what);
        }
    }
}

/// What a reader of the library says of a file, in both ways in which it can be printed.
fn complaints(path: &Path, content: &str) -> String {
    let (certificate, key) = (path.with_extension("pem"), &PAIR.0);
    fs::write(&certificate, key).unwrap();
    fs::write(path, content).unwrap();
    fn shown<T>(read: Result<T, impl std::fmt::Display>) -> String {
        read.err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }
    [
        shown(Authority::read_all(path)),
        shown(Tls::read(path, path)),
        shown(Tls::read(&certificate, path)),
        shown(Users::read(path)),
        shown(Recording::open(path)),
        shown(registration::KeyPair::from_pem(&SecretString::from(
            content,
        ))),
    ]
    .join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_reader_repeats_what_it_stumbles_over(
        shape in 0_usize..19,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        static SECRET: LazyLock<String> = LazyLock::new(secret);
        let mut content: Vec<char> = shapes(&SECRET)[shape].chars().collect();
        for (place, character) in damage {
            let place = place.index(content.len());
            content[place] = character;
        }
        content.truncate(cut.index(content.len()) + 1);
        let content: String = content.into_iter().collect();
        let folder = tempfile::tempdir().unwrap();
        let said = complaints(&folder.path().join("file"), &content);
        assert_hides(&SECRET, &said, "an error");
    }
}
