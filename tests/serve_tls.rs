//! `wsbeat serve` with TLS: a certificate that is made, and connections that are encrypted.

#![cfg(unix)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{Nobody, Program, Silent, assert_says, connect, listening, ping_over_tls};
use wsbeat::conversation::ClosedBy;
use wsbeat::link::{Address, Authority, Dialer, Limits, Stop, Trust, client_config, drive};

#[test]
fn the_options_go_together_or_not_at_all() {
    for (args, words) in [
        (&["--tls-cert", "a"][..], &["--tls-key"][..]),
        (&["--tls-key", "a"], &["--tls-cert"]),
        (
            &["--tls-self-signed", "--tls-cert", "a", "--tls-key", "b"],
            &["--tls-self-signed", "cannot be used with"],
        ),
    ] {
        let ran = Program::new("serve").args(args).run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_says(&ran.stderr, words);
    }
}

#[test]
fn a_certificate_is_made_and_its_authority_written_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own ca.pem");
    let file = file.to_str().unwrap();
    let option = format!("--tls-self-signed={file}");
    let mut before = String::new();
    // The second time the file of the first is there.
    for _ in 0..2 {
        let (_server, listening) = listening(&[&option, "--rounds", "1"]);
        assert_eq!(listening["ca_cert"], file);
        let url = listening["url"].as_str().unwrap();
        for host in ["localhost", "127.0.0.1"] {
            ping_over_tls(url, host, &["--ca-cert", file]).succeeded();
        }
        assert_says(
            &ping_over_tls(url, "localhost", &[]).stderr,
            &["not trusted"],
        );
        Program::solve_at(url)
            .args(["--ca-cert", file])
            .json()
            .run()
            .succeeded();
        let text = fs::read_to_string(file).unwrap();
        assert!(
            text.contains("BEGIN CERTIFICATE") && !text.contains("KEY"),
            "{text}"
        );
        assert_ne!(text, before);
        before = text;
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn the_file_has_a_name_if_nobody_gives_it_one() {
    let (server, listening) = listening(&["--tls-self-signed"]);
    assert_eq!(listening["ca_cert"], "wsbeat-ca.pem");
    server.terminate();
    let ran = server.end();
    ran.succeeded();
    // Others may read it, too.
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(ran.path("wsbeat-ca.pem"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o600, 0o600, "{mode:?}");
}

#[test]
fn a_file_of_somebody_else_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious.pem");
    fs::write(&precious, "precious").unwrap();
    let refused = |file: &Path, words: &[&str]| {
        let ran = Program::new("serve")
            .args(["--listen", "127.0.0.1:0"])
            .args([format!("--tls-self-signed={}", file.display())])
            .json()
            .run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_says(&ran.cause(), &["--tls-self-signed: "]);
        assert_says(&ran.cause(), words);
        assert_eq!(ran.the("error")["kind"], "usage");
    };
    refused(
        &precious,
        &["precious.pem", "left as it is", "another file"],
    );
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    refused(folder.path(), &["left as it is"]);
    refused(&folder.path().join("no/ca.pem"), &["writing", "no/ca.pem"]);
}

#[test]
fn a_server_that_gets_no_port_does_not_touch_the_file_of_the_one_that_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let option = format!("--tls-self-signed={}", file.display());
    let (_server, listening) = listening(&[&option]);
    let url = listening["url"].as_str().unwrap();
    let before = fs::read(&file).unwrap();
    let address = url.strip_prefix("https://").unwrap();
    let ran = Program::new("serve")
        .args(["--listen", address, &option])
        .run();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

/// The program as a person runs it, without `-o json`. It is killed when it is dropped.
struct Shown(Child);

impl Drop for Shown {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_is_printed_to_try_works() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_wsbeat"));
    let mut shown = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--rounds", "1"])
        .arg("--tls-self-signed=it's here.pem")
        .current_dir(folder.path())
        .env_clear()
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(shown.stdout.take().unwrap());
    let _shown = Shown(shown);
    let mut said = String::new();
    for line in stdout.lines() {
        said += &line.unwrap();
        said += "\n";
        if said.contains("/clients\n") {
            break;
        }
    }
    let (_, commands) = said.split_once("try: ").unwrap();
    let (solve, rest) = commands.split_once("     wsbeat ping").unwrap();
    let (ping, rest) = rest.split_once("     wsbeat chat").unwrap();
    let (chat, rest) = rest.split_once("     wsbeat register").unwrap();
    let (register, curl) = rest.split_once("     curl").unwrap();
    assert_says(curl, &[r"--cacert 'it'\''s here.pem' https://127.0.0.1:"]);
    for command in [
        solve.to_owned(),
        format!("wsbeat ping {} -c 1", ping.trim_end()),
        format!("wsbeat chat {chat}"),
        format!("wsbeat register {register}"),
    ] {
        let ran = Command::new("/bin/sh")
            .args(["-c", &command])
            .stdin(Stdio::null())
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", program.parent().unwrap())
            .output()
            .unwrap();
        assert!(ran.status.success(), "{command}: {ran:?}");
    }
}

#[test]
fn who_speaks_no_tls_is_hung_up_on_and_nobody_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let file = file.to_str().unwrap();
    let (server, listening) = listening(&[&format!("--tls-self-signed={file}")]);
    let url = listening["url"].as_str().unwrap();
    let mut plain = connect(url.strip_prefix("https://").unwrap());
    plain
        .write_all(b"GET /clients HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    // An alert, perhaps, and then nothing.
    let _ = std::io::Read::read_to_end(&mut plain, &mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    ping_over_tls(url, "localhost", &["--ca-cert", file]).succeeded();
    server.terminate();
    // It is no cause for alarm.
    assert_eq!(server.end().stderr, "");
}

#[test]
fn who_finds_no_room_is_told_so_over_tls_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let file = file.to_str().unwrap();
    let option = format!("--tls-self-signed={file}");
    let (_server, listening) = listening(&[&option, "--max-connections", "1"]);
    let url = listening["url"].as_str().unwrap();
    let _inside = connect(url.strip_prefix("https://").unwrap());
    let ran = ping_over_tls(url, "localhost", &["--ca-cert", file]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert_says(&ran.stderr, &["503", "no room for more connections"]);
}

#[tokio::test]
async fn sigterm_closes_every_encrypted_connection_with_a_close_frame() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let (server, listening) = listening(&[&format!("--tls-self-signed={}", file.display())]);
    let url = listening["url"].as_str().unwrap();
    let plain = url.strip_prefix("https://").unwrap();
    // One that has not begun to shake hands must not hold the server up, nor one that is halfway.
    let _silent = connect(plain);
    let mut halfway = connect(plain);
    halfway.write_all(b"\x16\x03\x01").unwrap();

    let trust = Trust::Authorities(Authority::read_all(&file).unwrap());
    let dialer = Dialer::new(Duration::from_secs(20), client_config(&trust).unwrap());
    let address: Address = format!("wss://{plain}/echo").parse().unwrap();
    let dialed = dialer.dial(&address).await.unwrap();
    server.terminate();
    let (_stopper, mut stop) = Stop::channel();
    let limits = Limits::default();
    let ending = drive(
        dialed.connection,
        &mut Silent,
        &mut Nobody,
        limits,
        &mut stop,
    )
    .await;
    assert_eq!(ending.close.by, ClosedBy::Peer);
    assert_eq!(ending.close.code, 1001);
    assert_eq!(ending.close.reason, "the server is shutting down");
    let ran = server.end();
    ran.succeeded();
    // Nobody had to be dropped.
    assert_eq!(ran.stderr, "");
}
