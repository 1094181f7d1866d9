//! The ways to a peer that is pinged: the program's own server, TLS, a proxy, and what a stall on the
//! way leaves in a picture.

#![cfg(unix)]

mod support;

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use support::{
    Program, Proxy, Ran, Script, TlsFront, ask_for_json, assert_says, serve, socket_url,
};

/// The password of a proxy.
const PASSWORD: &str = "open-sesame-0123456789";

/// A run of ten pings at an address.
fn ten(url: &str) -> Program {
    Program::new("ping").args([url, "-c", "10", "-i", "5ms"])
}

#[track_caller]
fn all_ten_came_back(ran: &Ran) -> Value {
    ran.succeeded();
    let summary = ran.summary();
    assert_eq!(
        (&summary["sent"], &summary["received"]),
        (&10.into(), &10.into())
    );
    summary
}

#[test]
fn the_programs_own_server_answers_pings_and_echoes_messages() {
    let (server, url) = serve(&[]);
    let echo = format!("{}/echo", url.replace("http", "ws"));
    all_ten_came_back(&ten(&echo).json().run());
    all_ten_came_back(&ten(&echo).args(["--echo"]).json().run());
    server.interrupt();
    server.end().succeeded();
}

#[test]
fn whoever_pings_is_among_the_clients_until_the_end() {
    let (_server, url) = serve(&[]);
    let address = url.strip_prefix("http://").unwrap();
    let mut pinging = Program::new("ping")
        .args([format!("ws://{address}/echo"), "-i".into(), "5ms".into()])
        .json()
        .start();
    pinging.wait_for(r#""type":"pong""#);
    let (_, answer) = ask_for_json(address, "GET /clients", json!({}));
    assert_eq!(answer["clients"][0]["route"], "echo", "{answer}");
    assert!(answer["clients"][0]["frames_in"].as_u64() >= Some(1));
    pinging.interrupt();
    pinging.end().succeeded();
}

#[test]
#[cfg(target_os = "linux")]
fn the_kernel_has_its_own_estimate() {
    let server = Script::answering_pings().start();
    let summary = all_ten_came_back(&ten(&server.socket_url()).json().run());
    assert!(summary["tcp_rtt_ms"].as_f64() > Some(0.0), "{summary}");
    let ran = ten(&server.socket_url()).run();
    assert_says(&ran.stdout, &["by the kernel"]);
}

#[test]
fn a_server_with_an_authority_of_its_own_is_pinged_once_that_is_trusted() {
    let server = Script::answering_pings().start();
    let front = TlsFront::start(server.address());
    let url = socket_url("wss", "localhost", front.port());
    let ping = || ten(&url).file("ca.pem", front.pem()).json();
    let ran = ping().args(["--ca-cert", "ca.pem"]).run();
    all_ten_came_back(&ran);
    assert!(ran.the("open")["tls_ms"].as_f64() > Some(0.0));
    all_ten_came_back(&ping().args(["--insecure"]).run());

    let ran = ping().run();
    let words = ["it is for localhost", "was issued by", "--ca-cert"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    assert_eq!(ran.summary()["sent"], 0);
}

#[test]
fn a_proxy_is_gone_through_and_told_of() {
    let server = Script::answering_pings().start();
    let proxy = Proxy::start(Some(&format!("me:{PASSWORD}")));
    let url = socket_url("ws", "server.invalid", server.address().port());
    let through = |credentials: &str| {
        ten(&url)
            .env("HTTP_PROXY", &proxy.url_with(credentials))
            .env("RUST_LOG", "trace")
    };
    let ran = through(&format!("me:{PASSWORD}")).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let words = ["10 received", &format!("through the proxy {}", proxy.url())];
    assert_says(&ran.stdout, &words);
    assert!(!ran.stdout.contains(PASSWORD) && !ran.stderr.contains(PASSWORD));
    assert_eq!(proxy.tunnels().len(), 1);

    let ran = through("me:wrong").without_env("RUST_LOG").json().run();
    assert_says(&ran.failed(3, "credentials"), &["407", &proxy.url()]);
}

#[test]
fn what_is_sent_with_the_upgrade_arrives() {
    let server = Script::answering_pings().start();
    let ran = ten(&server.socket_url())
        .args(["-H", "X-Wanted: as it is", "-H", "Host: elsewhere.test"])
        .json()
        .run();
    all_ten_came_back(&ran);
    let upgrade = &server.upgrades()[0];
    assert_eq!(upgrade.header("X-Wanted"), Some("as it is"));
    assert_eq!(upgrade.header("Host"), Some("elsewhere.test"));
}

#[test]
fn a_stall_is_in_the_picture() {
    const STALL: Duration = Duration::from_millis(200);
    let server = Script::stalling(STALL).start();
    let ran = Program::new("ping")
        .args([&server.socket_url(), "-q", "-c", "500", "-i", "1ms"])
        .args(["--plot", "stall.svg"])
        .json()
        .run();
    ran.succeeded();
    let summary = ran.summary();
    let time = |name: &str| summary[name].as_f64().unwrap();
    assert!(time("intended_p99_ms") >= 180.0, "{summary}");
    let picture = fs::read_to_string(ran.path("stall.svg")).unwrap();
    // The label of its line, rounded as the picture does.
    let label = format!("{:.0} ms", time("intended_p99_ms"));
    assert_says(&picture, &["p99", &label]);
}
