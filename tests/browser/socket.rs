//! The tab that is the demo of the write-up: any address, and a log of what happens.

use serde_json::json;

use crate::page::{Browser, MARKUP};
use crate::support::{Opcode, Port, Script, serve};

/// The entries of the log: what happened, and with which words.
fn log(browser: &Browser) -> Vec<(String, String)> {
    let entries = browser.run(
        "return [...document.querySelectorAll('#socket-log > *')].map((entry) => {
           const words = [...entry.children].slice(3).map((part) => part.textContent).join(' ');
           return [entry.dataset.kind, words];
         })",
        &[],
    );
    serde_json::from_value(entries).unwrap()
}

/// Waits until something has happened, with these words.
#[track_caller]
fn happens(browser: &Browser, kind: &str, words: &str) {
    let selector = format!("#socket-log > [data-kind={kind}]");
    browser.wait_until(
        &format!("{kind} {words:?} in the log"),
        "return [...document.querySelectorAll(arguments[0])]
           .some((entry) => entry.textContent.includes(arguments[1]))",
        &[json!(selector), json!(words)],
    );
}

#[track_caller]
fn send(browser: &Browser, text: &str) {
    browser.fill("#socket-text", text);
    browser.click("#socket-send");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_socket_is_opened_and_talks_and_is_closed_with_a_code_and_a_reason() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "socket");
    let echo = format!("{}/echo", base.replacen("http", "ws", 1));
    assert_eq!(browser.value("#socket-url"), echo);
    browser.click("#socket-connect");
    happens(&browser, "open", &echo);
    send(&browser, "göod morning");
    happens(&browser, "message", "göod morning");
    send(&browser, MARKUP);
    happens(&browser, "message", MARKUP);
    browser.assert_markup_stayed_text();
    browser.fill("#socket-code", "4001");
    browser.fill("#socket-reason", "that is äll");
    browser.click("#socket-close");
    happens(&browser, "close", "4001");
    let happened = log(&browser);
    let kinds: Vec<&str> = happened.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["open", "sent", "message", "sent", "message", "close"],
        "{happened:?}"
    );
    let (_, end) = happened.last().unwrap();
    assert!(end.contains("4001") && end.contains("that is äll"), "{end}");
    // And again.
    browser.wait_for_enabled("#socket-connect");
    browser.click("#socket-connect");
    browser.wait_for_count("#socket-log > [data-kind=open]", 2);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn every_entry_of_the_log_has_a_stamp() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "socket");
    browser.click("#socket-connect");
    happens(&browser, "open", "/echo");
    send(&browser, "one");
    happens(&browser, "message", "one");
    send(&browser, "two");
    happens(&browser, "message", "two");
    let stamps = browser.run(
        "return [...document.querySelectorAll('#socket-log > *')].map((entry) =>
           [Date.parse(entry.querySelector('time').dateTime), entry.querySelector('.stamp').textContent])",
        &[],
    );
    let stamps: Vec<(f64, String)> = serde_json::from_value(stamps).unwrap();
    assert_eq!(stamps.len(), 5);
    let elapsed: Vec<f64> = stamps
        .iter()
        .map(|(_, stamp)| {
            stamp
                .trim_matches(|c: char| !c.is_ascii_digit())
                .parse()
                .unwrap()
        })
        .collect();
    assert!(elapsed.is_sorted(), "{elapsed:?}");
    assert!(stamps.is_sorted_by(|a, b| a.0 <= b.0), "{stamps:?}");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn the_other_end_gets_the_code_and_the_reason_and_says_its_own() {
    let (_page, base) = serve(&[]);
    let server = Script::new()
        .talk(|call, socket| {
            assert_eq!(socket.read().unwrap().payload, b"hello there");
            if call == 1 {
                socket.binary(&[0, 1, 0xfe]);
                let close = socket.read().unwrap();
                assert_eq!(close.opcode, Opcode::Close);
                assert_eq!(close.payload, b"\x0f\xa1that is all");
                socket.close(4001, "that is all");
            } else {
                socket.close(4321, "enough of you");
                socket.closed();
            }
        })
        .start();
    let browser = Browser::at(&base, "socket");
    browser.fill("#socket-url", &server.socket_url());
    browser.click("#socket-connect");
    browser.wait_for_enabled("#socket-send");
    send(&browser, "hello there");
    happens(&browser, "message", "3 bytes: 00 01 fe");
    browser.fill("#socket-code", "4001");
    browser.fill("#socket-reason", "that is all");
    browser.click("#socket-close");
    happens(&browser, "close", "that is all");

    browser.wait_for_enabled("#socket-connect");
    browser.click("#socket-connect");
    browser.wait_for_enabled("#socket-send");
    send(&browser, "hello there");
    happens(&browser, "close", "4321");
    browser.wait_for("#socket-status", "enough of you");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn what_cannot_be_opened_is_an_error_in_words() {
    let (_server, base) = serve(&[]);
    let closed = Port::reserve();
    let mut browser = Browser::at(&base, "socket");
    browser.provokes("ERR_CONNECTION_REFUSED");
    browser.fill("#socket-url", &closed.url().replacen("http", "ws", 1));
    browser.click("#socket-connect");
    happens(&browser, "error", "Could not connect");
    happens(&browser, "close", "1006");
    browser.wait_for("#socket-status", "Could not connect");

    for (address, words) in [
        ("gopher://127.0.0.1/", "ws://"),
        ("ws://", "no address"),
        ("ws://127.0.0.1:99999/", "no address"),
        ("ws://127.0.0.1/#part", "no address"),
    ] {
        browser.wait_for_enabled("#socket-connect");
        browser.fill("#socket-url", address);
        browser.click("#socket-connect");
        browser.wait_for("#socket-status", words);
    }
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn codes_and_reasons_that_browsers_do_not_send_are_told_in_words() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "socket");
    browser.click("#socket-connect");
    happens(&browser, "open", "/echo");
    let long = "ä".repeat(62);
    for (code, reason, words) in [
        ("1001", "", "1000"),
        ("2999", "", "3000"),
        ("5000", "", "4999"),
        ("none", "", "1000"),
        ("", "", "1000"),
        ("4000", long.as_str(), "124 bytes"),
    ] {
        browser.fill("#socket-code", code);
        browser.fill("#socket-reason", reason);
        browser.click("#socket-close");
        browser.wait_for("#socket-status", words);
    }
    // Nothing of that has closed it.
    send(&browser, "still there?");
    happens(&browser, "message", "still there?");
    browser.fill("#socket-code", "4000");
    browser.fill("#socket-reason", &"ä".repeat(61));
    browser.click("#socket-close");
    happens(&browser, "close", "4000");
    let kinds = log(&browser);
    assert!(kinds.iter().all(|(kind, _)| kind != "error"), "{kinds:?}");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn an_address_has_to_begin_with_ws_or_wss() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "socket");
    for (address, words) in [
        (
            "",
            "There is no address: it has to begin with ws:// or wss://.",
        ),
        (&base, "The address has to begin with ws:// or wss://."),
        ("/echo", "The address has to begin with ws:// or wss://."),
    ] {
        browser.fill("#socket-url", address);
        browser.click("#socket-connect");
        happens(&browser, "error", words);
        assert_eq!(browser.count("#socket-log > [data-kind=open]"), 0);
    }
}
