//! `wsbeat serve --behind-proxy`: behind a reverse proxy, each client counts by itself.

#![cfg(unix)]

mod support;

use serde_json::json;
use support::{Program, ask, ask_for_json, ask_to_upgrade, assert_says, serve};

/// What a proxy adds that passes on a request of this client, who has forged a line of its own.
fn of(client: &str) -> String {
    format!("X-Forwarded-For: 6.6.6.6\r\nx-forwarded-for: 7.7.7.7, {client}\r\n")
}

#[test]
fn each_client_of_a_proxy_has_a_limit_of_its_own_and_is_shown_as_it_is() {
    let args = [
        "--behind-proxy",
        "127.0.0.0/8",
        "--max-connections-per-address",
        "1",
    ];
    let (_server, url) = serve(&args);
    let address = url.strip_prefix("http://").unwrap();
    let open = |client: &str| ask_to_upgrade(address, "/echo", address, &of(client));
    let (head, _first) = open("192.0.2.1");
    assert_says(&head, &["101"]);
    let (head, _second) = open("2001:db8::1");
    assert_says(&head, &["101"]);
    for more in ["192.0.2.1", "2001:db8::2"] {
        let (head, _refused) = open(more);
        assert_says(&head, &["503"]);
    }
    let (_, answer) = ask_for_json(address, "GET /clients", json!({}));
    let clients = answer["clients"].as_array().unwrap().iter();
    let shown: Vec<_> = clients.map(|client| client["remote"].clone()).collect();
    assert_eq!(shown, ["192.0.2.1:0", "[2001:db8::1]:0"]);
}

#[test]
fn nobody_else_is_believed() {
    let args = [
        "--behind-proxy",
        "192.0.2.0/24",
        "--max-connections-per-address",
        "1",
    ];
    let (_server, url) = serve(&args);
    let address = url.strip_prefix("http://").unwrap();
    let (head, _first) = ask_to_upgrade(address, "/echo", address, &of("192.0.2.1"));
    assert_says(&head, &["101"]);
    let (head, _) = ask(address, "GET /clients", &of("192.0.2.2"), "");
    assert_says(&head, &["503"]);
}

#[test]
fn a_proxy_is_an_address_or_some() {
    for wrong in ["proxy", "10.0.0.0/33", ""] {
        let ran = Program::new("serve").args(["--behind-proxy", wrong]).run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_says(&ran.stderr, &["--behind-proxy", "10.0.0.0/8"]);
    }
}
