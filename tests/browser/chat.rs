//! The tab that people talk in.

use serde_json::{Value, json};
use thirtyfour::Key;

use crate::keyboard::tab_to;
use crate::page::{Browser, MARKUP};
use crate::support::{Program, Running, serve};

/// Enters the channel that the tab proposes.
#[track_caller]
fn enter(browser: &Browser, name: &str) {
    browser.fill("#chat-channel", "fishing");
    browser.fill("#chat-name", name);
    browser.click("#chat-enter");
}

#[track_caller]
fn say(browser: &Browser, text: &str) {
    browser.fill("#chat-text", text);
    browser.click("#chat-say");
}

/// Waits until exactly these are there.
#[track_caller]
fn wait_for_people(browser: &Browser, names: &[&str]) {
    browser.wait_until(
        &format!("{names:?} are there"),
        "const there = [...document.querySelectorAll('#chat-people bdi')].map((it) => it.textContent);
         return JSON.stringify(there.sort()) === JSON.stringify(arguments[0]);",
        &[json!(names)],
    );
}

/// Who has said this, in the log.
fn speaker(browser: &Browser, text: &str) -> String {
    let entry = browser.wait_until(
        &format!("{text:?} in the log"),
        "return [...document.querySelectorAll('#chat-log > *')].map((entry) => entry.textContent)
           .find((words) => words.includes(arguments[0]))",
        &[json!(text)],
    );
    entry.as_str().unwrap().replace(text, "")
}

fn program(base: &str, name: &str) -> Running {
    let url = format!("{}/chat/fishing", base.replacen("http", "ws", 1));
    Program::new("chat")
        .args([&url, "--name", name, "--stay"])
        .typed_to()
        .json()
        .start()
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn two_browsers_and_a_program_talk() {
    let (_server, base) = serve(&[]);
    let ann = Browser::at(&base, "chat");
    enter(&ann, "ann");
    wait_for_people(&ann, &["ann"]);
    say(&ann, "göod morning");
    assert!(speaker(&ann, "göod morning").contains("ann"));

    // What was said before is repeated to those who come.
    let bob = Browser::at(&base, "chat");
    enter(&bob, "bob");
    assert!(speaker(&bob, "göod morning").contains("ann"));
    let mut carl = program(&base, "carl");
    wait_for_people(&ann, &["ann", "bob", "carl"]);
    wait_for_people(&bob, &["ann", "bob", "carl"]);

    say(&bob, "tight lines");
    assert!(speaker(&ann, "tight lines").contains("bob"));
    assert_eq!(carl.wait_for("tight lines")["user"], "bob");
    carl.say("from a terminal");
    assert!(speaker(&ann, "from a terminal").contains("carl"));
    assert!(speaker(&bob, "from a terminal").contains("carl"));

    carl.interrupt();
    wait_for_people(&ann, &["ann", "bob"]);
    bob.click("#chat-leave");
    wait_for_people(&ann, &["ann"]);
    bob.wait_for_enabled("#chat-enter");
    assert!(!ann.text("#chat-status").is_empty());
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn what_is_said_stays_text() {
    let (_server, base) = serve(&[]);
    let ann = Browser::at(&base, "chat");
    enter(&ann, "ann");
    wait_for_people(&ann, &["ann"]);
    let mut carl = program(&base, "<b>carl<b>");
    carl.say(MARKUP);
    assert!(speaker(&ann, MARKUP).contains("<b>carl<b>"));
    say(&ann, MARKUP);
    assert_eq!(carl.wait_for("\"user\":\"ann\"")["text"], MARKUP);
    wait_for_people(&ann, &["<b>carl<b>", "ann"]);
    ann.assert_markup_stayed_text();
    assert_eq!(ann.count("#panel-chat b"), 0);
    // What would turn the writing around is seen as what it is.
    carl.say("evil \u{202e}exe.txt");
    let said = ann.wait_for("#chat-log", "evil ");
    assert!(
        said.contains("exe.txt") && !said.contains('\u{202e}'),
        "{said}"
    );
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_name_that_is_taken_is_told_and_another_one_will_do() {
    let (_server, base) = serve(&[]);
    let mut carl = program(&base, "carl");
    carl.wait_for("\"carl\"");
    let browser = Browser::at(&base, "chat");
    enter(&browser, "carl");
    browser.wait_for("#chat-status", "carl");
    browser.wait_for_enabled("#chat-enter");
    enter(&browser, "ann");
    wait_for_people(&browser, &["ann", "carl"]);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn heartbeats_keep_the_name() {
    let (_server, base) = serve(&["--heartbeat", "200ms", "--heartbeat-timeout", "30s"]);
    let ann = Browser::at(&base, "chat");
    enter(&ann, "ann");
    wait_for_people(&ann, &["ann"]);
    // The server counts what came in: the name, and an answer to each heartbeat.
    ann.wait_until(
        "five frames of the chat have come in",
        "return fetch('/clients').then((answer) => answer.json())
           .then(({ clients }) => clients[0].frames_in >= 5)",
        &[],
    );
    say(&ann, "still here");
    assert!(speaker(&ann, "still here").contains("ann"));
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn where_tickets_are_wanted_a_password_gets_one() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    let users = users.to_str().unwrap();
    let passwd = Program::new("passwd").args([users, "ann"]);
    passwd.input("sesame").run().succeeded();
    let (_server, base) = serve(&["--tickets", users]);
    let mut browser = Browser::at(&base, "chat");
    assert!(!is_shown(&browser, "#chat-password"));
    enter(&browser, "ann");
    browser.wait_for_enabled("#chat-password");
    // A refusal is an answer of the server, which the browser notes in the console.
    browser.provokes("status of 401");
    browser.fill("#chat-password", "wrong");
    browser.click("#chat-enter");
    browser.wait_for("#chat-status", "wrong");
    // Who has just been wrong is made to wait, and told how long.
    browser.tolerates("status of 429");
    while !is_let_in(&browser, "sesame") {
        browser.wait_for("#chat-status", "try again in");
    }
    wait_for_people(&browser, &["ann"]);
    // Nothing is kept where somebody else could read it.
    let kept = browser.run(
        "return [document.cookie, localStorage.length, sessionStorage.length]",
        &[],
    );
    assert_eq!(kept, json!(["", 0, 0]));
}

/// Tries a password, and says whether it was the right one at the right time.
#[track_caller]
fn is_let_in(browser: &Browser, password: &str) -> bool {
    browser.wait_for_enabled("#chat-enter");
    browser.fill("#chat-password", password);
    browser.click("#chat-enter");
    let leads_to = browser.wait_until(
        "an answer to the password",
        "const status = document.querySelector('#chat-status');
         const people = document.querySelector('#chat-people');
         return people.childElementCount > 0 ? 'inside'
           : status.dataset.mood === 'bad' && 'to the door';",
        &[],
    );
    leads_to == "inside"
}

#[track_caller]
fn is_shown(browser: &Browser, selector: &str) -> bool {
    let is_shown = browser.run(
        "return document.querySelector(arguments[0]).checkVisibility()",
        &[json!(selector)],
    );
    is_shown == Value::Bool(true)
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_server_that_goes_is_told_of() {
    let (server, base) = serve(&[]);
    let ann = Browser::at(&base, "chat");
    enter(&ann, "ann");
    wait_for_people(&ann, &["ann"]);
    server.interrupt();
    server.end().succeeded();
    ann.wait_for("#chat-status", "closed");
    ann.wait_for_enabled("#chat-enter");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn it_is_done_without_a_mouse() {
    let (_server, base) = serve(&[]);
    let browser = Browser::start();
    browser.open(&format!("{base}/#chat"));
    tab_to(&browser, "chat-name");
    browser.write("ann");
    browser.press(Key::Enter);
    wait_for_people(&browser, &["ann"]);
    tab_to(&browser, "chat-text");
    browser.write("no mouse");
    browser.press(Key::Enter);
    browser.wait_for("#chat-log", "no mouse");
    tab_to(&browser, "chat-leave");
    browser.press(Key::Space);
    browser.wait_for_enabled("#chat-enter");
}
