//! The tab that shows who is connected.

use serde_json::json;

use crate::page::Browser;
use crate::support::{Client, serve};

/// The cells of the table, row by row, without what changes by itself: since when, and how long a
/// round trip takes.
fn rows(browser: &Browser) -> Vec<Vec<String>> {
    let rows = browser.run(
        "return [...document.querySelectorAll('#clients-table tbody tr')].map((row) =>
           [...row.cells].filter((_, column) => column !== 3 && column !== 8)
             .map((cell) => cell.textContent))",
        &[],
    );
    serde_json::from_value(rows).unwrap()
}

/// Waits until so many are listed.
#[track_caller]
fn wait_for_rows(browser: &Browser, count: usize) -> Vec<Vec<String>> {
    browser.wait_until(
        &format!("{count} clients"),
        "return document.querySelectorAll('#clients-table tbody tr').length === arguments[0]",
        &[json!(count)],
    );
    rows(browser)
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn clients_come_and_go() {
    let (_server, base) = serve(&[]);
    let address = base.strip_prefix("http://").unwrap();
    let browser = Browser::at(&base, "clients");
    browser.wait_for("#clients-status", "Nobody");

    let mut echo = Client::open(address, "/echo");
    echo.text("four");
    echo.expect(crate::support::Opcode::Text);
    let chat = Client::open(address, "/chat/fishing");
    let from = |client: &Client| client.stream.local_addr().unwrap().to_string();
    let listed = wait_for_rows(&browser, 2);
    let (first, second) = (&listed[0], &listed[1]);
    assert_eq!(first[..3], ["1", "echo", &from(&echo)]);
    assert_eq!(first[3..], ["1", "1", "4", "4"], "frames and bytes");
    assert_eq!(second[..3], ["2", "chat", &from(&chat)]);
    browser.wait_for("#clients-status", "2 connections");

    drop(echo);
    let listed = wait_for_rows(&browser, 1);
    assert_eq!(listed[0][..3], ["2", "chat", &from(&chat)]);
    drop(chat);
    wait_for_rows(&browser, 0);
    browser.wait_for("#clients-status", "Nobody");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn the_page_itself_is_listed_with_what_it_has_open() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "socket");
    browser.click("#socket-connect");
    browser.wait_for_enabled("#socket-send");
    browser.go_to("clients");
    let listed = wait_for_rows(&browser, 1);
    assert_eq!(listed[0][1], "echo");
    // Whoever leaves the page takes its connections along.
    browser.reload();
    wait_for_rows(&browser, 0);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_server_that_is_out_of_reach_is_told_of_and_found_again() {
    let (_server, base) = serve(&[]);
    let address = base.strip_prefix("http://").unwrap();
    let _echo = Client::open(address, "/echo");
    let mut browser = Browser::at(&base, "clients");
    wait_for_rows(&browser, 1);
    browser.provokes("ERR_INTERNET_DISCONNECTED");
    browser.cut_off(true);
    browser.wait_for("#clients-status", "does not answer");
    browser.cut_off(false);
    browser.wait_for("#clients-status", "One connection");
}
