//! The tab to play the timing game in, and to watch the program play it.

use std::time::Duration;

use serde_json::json;
use wsbeat::conversation::challenge::Interval;

use crate::page::Browser;
use crate::support::{Running, serve};

const SECRET: &str = "square limit withered water";

/// A server with a game of two rounds.
fn server(args: &[&str]) -> (Running, String) {
    let game = ["--rounds", "2", "--secret", SECRET];
    serve(&[&game[..], args].concat())
}

/// Waits for a beat, and gives the interval that its elapsed time is nearest to, as it is shown.
#[track_caller]
fn beat(browser: &Browser, round: usize) -> Interval {
    let elapsed = browser.wait_until(
        &format!("the beat of round {round}"),
        "const rows = [...document.querySelectorAll('#challenge-rounds tr')];
         const row = rows.find((row) => row.cells[0].textContent === String(arguments[0]));
         return row?.cells[1].textContent;",
        &[json!(round)],
    );
    let elapsed = elapsed.as_str().unwrap();
    let millis: f64 = elapsed.trim_end_matches(" ms").parse().unwrap();
    Interval::nearest(Duration::from_secs_f64(millis / 1e3))
}

/// Waits for the verdict on a round, and gives it with the answer.
#[track_caller]
fn verdict(browser: &Browser, round: usize) -> (String, String) {
    let row = browser.wait_until(
        &format!("the verdict on round {round}"),
        "const rows = [...document.querySelectorAll('#challenge-rounds tr')];
         const row = rows.find((row) => row.cells[0].textContent === String(arguments[0]));
         return row?.cells[4].textContent && [row.cells[2].textContent, row.cells[4].textContent];",
        &[json!(round)],
    );
    serde_json::from_value(row).unwrap()
}

/// The key that answers an interval.
fn key(interval: Interval) -> String {
    let place = Interval::ALL.iter().position(|it| *it == interval);
    (place.unwrap() + 1).to_string()
}

/// The button that does.
fn button(interval: Interval) -> String {
    format!("#answer-{interval}")
}

/// How many marks the drawing has.
fn marks(browser: &Browser) -> u64 {
    browser.count("#challenge-drawing [data-round]")
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_game_is_won_by_keys_and_clicks() {
    let (_server, base) = server(&[]);
    let browser = Browser::at(&base, "challenge");
    browser.click("#challenge-play");
    let first = beat(&browser, 1);
    browser.write(&key(first));
    assert_eq!(
        verdict(&browser, 1),
        (first.to_string(), "good!".to_owned())
    );
    let second = beat(&browser, 2);
    browser.click(&button(second));
    browser.wait_for("#challenge-status", SECRET);
    let (answer, _) = verdict(&browser, 2);
    assert_eq!(answer, second.to_string());
    assert_eq!(marks(&browser), 2);
    // It is over, and another one can be played.
    for interval in Interval::ALL {
        let script = "return document.querySelector(arguments[0]).disabled";
        let is_disabled = browser.run(script, &[json!(button(interval))]);
        assert_eq!(is_disabled, true, "{interval}");
    }
    browser.click("#challenge-play");
    beat(&browser, 1);
    browser.click("#challenge-stop");
    browser.wait_for_enabled("#challenge-play");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_wrong_answer_loses() {
    let (_server, base) = server(&[]);
    let browser = Browser::at(&base, "challenge");
    browser.click("#challenge-play");
    let right = beat(&browser, 1);
    let wrong = Interval::ALL.into_iter().find(|it| *it != right).unwrap();
    browser.write(&key(wrong));
    let (answer, verdict) = verdict(&browser, 1);
    assert_eq!(answer, wrong.to_string());
    assert!(verdict.contains("ouch"), "{verdict}");
    browser.wait_for("#challenge-status", "lost");
    browser.wait_for_enabled("#challenge-play");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn keys_are_for_the_game_only_where_it_is_played() {
    let (_server, base) = server(&[]);
    let browser = Browser::at(&base, "challenge");
    browser.click("#challenge-play");
    // Before there is a beat, there is nothing to answer.
    browser.write("1");
    beat(&browser, 1);
    // And what is written into a field is for the field.
    browser.go_to("chat");
    browser.fill("#chat-name", "12345");
    assert_eq!(browser.value("#chat-name"), "12345");
    browser.go_to("challenge");
    // Nobody has answered.
    let (_, verdict) = verdict(&browser, 1);
    assert!(verdict.contains("ouch"), "{verdict}");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn the_program_is_watched_to_the_secret() {
    let (_server, base) = server(&[]);
    let browser = Browser::at(&base, "challenge");
    browser.click("#challenge-watch");
    for round in [1, 2] {
        let interval = beat(&browser, round);
        let (answer, _) = verdict(&browser, round);
        assert_eq!(answer, interval.to_string());
    }
    browser.wait_for("#challenge-status", "The secret is");
    assert_eq!(marks(&browser), 2);
    browser.wait_for_enabled("#challenge-play");
    browser.wait_for_enabled("#challenge-watch");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_game_that_is_watched_can_be_left() {
    let (_server, base) = server(&[]);
    let browser = Browser::at(&base, "challenge");
    browser.click("#challenge-watch");
    beat(&browser, 1);
    browser.click("#challenge-stop");
    browser.wait_for_enabled("#challenge-watch");
    browser.go_to("clients");
    browser.wait_for("#clients-status", "Nobody");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn where_an_access_token_is_wanted_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "the-only-good-one").unwrap();
    let (_server, base) = server(&["--access-token-file", file.to_str().unwrap()]);
    let mut browser = Browser::at(&base, "challenge");
    browser.provokes("the server responded with a status of 401");
    browser.click("#challenge-play");
    browser.wait_for("#challenge-status", "token");
    browser.wait_for_enabled("#challenge-play");
    browser.fill("#challenge-token", "the-only-good-one");
    browser.click("#challenge-play");
    beat(&browser, 1);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_server_that_goes_is_told_of() {
    let (server, base) = server(&[]);
    let browser = Browser::at(&base, "challenge");
    browser.click("#challenge-play");
    beat(&browser, 1);
    server.interrupt();
    server.end().succeeded();
    browser.wait_for("#challenge-status", "closed");
    browser.wait_for_enabled("#challenge-play");
}
