//! The tab that measures this browser's round trips.

use std::time::Duration;

use serde_json::json;

use crate::page::Browser;
use crate::support::serve;

/// Something of the statistics, as it is shown.
fn figure(browser: &Browser, name: &str) -> String {
    browser.text(&format!("#latency-stats [data-figure={name}]"))
}

/// A time of the statistics, in milliseconds.
#[track_caller]
fn millis(browser: &Browser, name: &str) -> f64 {
    let text = figure(browser, name);
    let number = text.strip_suffix(" ms").unwrap_or(&text);
    number
        .parse()
        .unwrap_or_else(|_| panic!("{name}: {text:?}"))
}

/// Waits until a figure of the statistics is as high at least.
#[track_caller]
fn wait_for_figure(browser: &Browser, name: &str, least: u32) {
    browser.wait_until(
        &format!("{name} of {least}"),
        "return Number(document.querySelector(arguments[0]).textContent) >= arguments[1]",
        &[
            json!(format!("#latency-stats [data-figure={name}]")),
            json!(least),
        ],
    );
}

/// Starts to measure, ten times a second.
#[track_caller]
fn start(browser: &Browser) {
    browser.run(
        "const interval = document.querySelector('#latency-interval');
         interval.value = '100';
         interval.dispatchEvent(new Event('change', { bubbles: true }));",
        &[],
    );
    browser.click("#latency-start");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn round_trips_are_counted_and_drawn() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "latency");
    assert_eq!(figure(&browser, "count"), "0");
    start(&browser);
    wait_for_figure(&browser, "count", 5);
    let marks = "#latency-series circle, #latency-series [class*=dot]";
    browser.wait_for_count(marks, 5);
    let bars = "#latency-histogram rect";
    browser.wait_for_count(bars, 1);
    browser.click("#latency-stop");
    browser.wait_for_enabled("#latency-start");

    let all = ["min", "median", "p90", "p99", "max"].map(|name| millis(&browser, name));
    assert!(all.is_sorted() && all[0] > 0.0, "{all:?}");
    assert_eq!(figure(&browser, "lost"), "0");
    // It is over: nothing is counted any more.
    let counted = figure(&browser, "count");
    browser.go_to("clients");
    browser.wait_for("#clients-status", "Nobody");
    browser.go_to("latency");
    assert_eq!(figure(&browser, "count"), counted);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn what_is_measured_is_the_way_there_and_back() {
    // A quarter of a second each way, at the least.
    let (_server, base) = serve(&["--network", "satellite"]);
    let browser = Browser::at(&base, "latency");
    start(&browser);
    wait_for_figure(&browser, "count", 3);
    assert!(millis(&browser, "min") >= 500.0);
    assert_eq!(figure(&browser, "lost"), "0");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn what_does_not_come_back_in_time_is_lost_and_noted_when_it_does() {
    let (server, base) = serve(&[]);
    let browser = Browser::at(&base, "latency");
    start(&browser);
    wait_for_figure(&browser, "count", 1);
    server.suspend(Duration::from_millis(2500));
    wait_for_figure(&browser, "lost", 1);
    wait_for_figure(&browser, "late", 1);
    wait_for_figure(&browser, "count", 3);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_server_that_goes_is_told_of_and_the_figures_stay() {
    let (server, base) = serve(&[]);
    let browser = Browser::at(&base, "latency");
    start(&browser);
    wait_for_figure(&browser, "count", 2);
    server.interrupt();
    server.end().succeeded();
    browser.wait_for("#latency-status", "closed");
    browser.wait_for_enabled("#latency-start");
    assert_ne!(figure(&browser, "count"), "0");
    assert!(millis(&browser, "max") > 0.0);
}
