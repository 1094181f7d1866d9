//! The tab that is known by a key.

use std::str::FromStr;

use serde_json::{Value, json};
use wsbeat::conversation::registration::PublicKey;

use crate::page::{Browser, MARKUP};
use crate::support::{Program, Running, serve};

/// The key of the tab, once it has one.
#[track_caller]
fn key(browser: &Browser) -> String {
    browser.wait_for_enabled("#registration-connect");
    let key = browser.text("#registration-key");
    assert!(PublicKey::from_str(&key).is_ok(), "{key}");
    key
}

/// Registers, and gives the key.
#[track_caller]
fn register(browser: &Browser) -> String {
    let key = key(browser);
    browser.click("#registration-connect");
    browser.wait_for_enabled("#registration-send");
    key
}

/// Sends a text to one key, or to all.
#[track_caller]
fn send(browser: &Browser, to: Option<&str>, text: &str) {
    browser.fill("#registration-to", to.unwrap_or(""));
    browser.fill("#registration-text", text);
    browser.click("#registration-send");
}

/// The entry of the log that has this text, without it.
#[track_caller]
fn entry(browser: &Browser, text: &str) -> String {
    let entry = browser.wait_until(
        &format!("{text:?} in the log"),
        "return [...document.querySelectorAll('#registration-log > *')]
           .find((entry) => entry.textContent.includes(arguments[0]))?.outerHTML",
        &[json!(text)],
    );
    entry.as_str().unwrap().to_owned()
}

/// `wsbeat register`, and its key.
fn program(base: &str, args: &[&str]) -> (Running, String) {
    let url = format!("{}/register", base.replacen("http", "ws", 1));
    let mut program = Program::new("register")
        .args([&url, "--stay"])
        .args(args)
        .typed_to()
        .json()
        .start();
    let registered = program.wait_for("\"registered\"");
    let key = registered["public_key"].as_str().unwrap().to_owned();
    (program, key)
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn two_browsers_and_a_program_reach_each_other() {
    let (_server, base) = serve(&[]);
    let one = Browser::at(&base, "registration");
    let first = register(&one);
    let other = Browser::at(&base, "registration");
    let second = register(&other);
    assert_ne!(first, second);
    let (mut program, third) = program(&base, &[]);

    // To all but the one who says it.
    send(&one, None, "to all of you");
    assert!(entry(&other, "to all of you").contains(&first));
    assert_eq!(program.wait_for("to all of you")["from"], *first);
    program.say("from a terminal");
    assert!(entry(&one, "from a terminal").contains(&third));
    assert!(entry(&other, "from a terminal").contains(&third));

    // To one key.
    send(&one, Some(&third), "for your eyes only");
    assert_eq!(program.wait_for("for your eyes only")["from"], *first);
    send(&one, Some(&second), "and this is for yours");
    assert!(entry(&other, "and this is for yours").contains(&first));
    assert!(
        !other
            .text("#registration-log")
            .contains("for your eyes only")
    );

    // To one that nobody has here.
    let nobody = Browser::at(&base, "registration");
    send(&one, Some(&key(&nobody)), "is anybody there?");
    one.wait_for("#panel-registration", "key");

    one.click("#registration-disconnect");
    one.wait_for_enabled("#registration-connect");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn what_is_sent_stays_text() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "registration");
    let key = register(&browser);
    let (mut program, _) = program(&base, &["--to", &key]);
    program.say(MARKUP);
    browser.wait_for("#registration-log", MARKUP);
    browser.assert_markup_stayed_text();
    send(&browser, None, MARKUP);
    assert_eq!(program.wait_for("\"heard\"")["text"], MARKUP);
    browser.assert_markup_stayed_text();
    program.say("evil \u{202e}exe.txt");
    let log = browser.wait_for("#registration-log", "evil ");
    assert!(
        log.contains("exe.txt") && !log.contains('\u{202e}'),
        "{log}"
    );
}

/// What can be had of the private keys that this origin has stored: those that can be taken out.
const TAKEN_OUT: &str = r#"
    const done = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    const privateKeys = (value) => {
        if (value instanceof CryptoKey) return value.type === 'public' ? [] : [value];
        return value && typeof value === 'object' ? Object.values(value).flatMap(privateKeys) : [];
    };
    const found = [];
    return indexedDB.databases().then(async (databases) => {
        for (const { name } of databases) {
            const database = await done(indexedDB.open(name));
            for (const store of database.objectStoreNames) {
                const all = await done(database.transaction(store).objectStore(store).getAll());
                found.push(...all.flatMap((value) => {
                    // A pair is an object of the browser's own, whose members are not its own.
                    const pair = value?.privateKey ?? value?.keys?.privateKey;
                    return pair ? [pair] : privateKeys(value);
                }));
            }
            database.close();
        }
        const taken = await Promise.all(found.map((key) =>
            crypto.subtle.exportKey('pkcs8', key).then(() => true, () => false)));
        return { found: found.length, extractable: found.filter((key) => key.extractable).length,
                 taken: taken.filter(Boolean).length };
    });
"#;

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn the_key_survives_a_reload_and_is_not_taken_out() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "registration");
    let before = register(&browser);
    browser.reload();
    assert_eq!(register(&browser), before);
    let stored = browser.run(TAKEN_OUT, &[]);
    assert_eq!(stored, json!({"found": 1, "extractable": 0, "taken": 0}));
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_new_key_is_made_only_when_it_is_meant() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "registration");
    let before = key(&browser);
    browser.click("#registration-new-key");
    browser.click("#registration-new-key-no");
    assert_eq!(key(&browser), before);
    browser.click("#registration-new-key");
    browser.click("#registration-new-key-yes");
    browser.wait_until(
        "another key",
        "const key = document.querySelector('#registration-key').textContent;
         return key.length === 43 && key !== arguments[0];",
        &[json!(before)],
    );
    let after = register(&browser);
    browser.reload();
    assert_eq!(key(&browser), after);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn heartbeats_are_answered() {
    let (_server, base) = serve(&["--heartbeat", "200ms"]);
    let browser = Browser::at(&base, "registration");
    register(&browser);
    // Each of them is a frame that has come in.
    browser.wait_until(
        "five answers to challenges",
        "return fetch('/clients').then((answer) => answer.json())
           .then(({ clients }) => clients[0].frames_in >= 5)",
        &[],
    );
    send(&browser, None, "still here");
    browser.wait_for("#registration-log", "still here");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn the_newer_connection_of_a_key_replaces_the_older_which_is_told() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "registration");
    register(&browser);
    // Another tab of the same browser has the same key.
    browser.open_another(&format!("{base}/#registration"));
    register(&browser);
    browser.go_back_to_the_first();
    browser.wait_for("#registration-status", "another connection");
    browser.wait_for_enabled("#registration-connect");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn it_works_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let file = file.to_str().unwrap();
    let (_server, base) = serve(&[&format!("--tls-self-signed={file}")]);
    let browser = Browser::careless();
    browser.open_tab(&base, "registration");
    let first = register(&browser);
    let (mut program, second) = program(&base, &["--ca-cert", file]);
    send(&browser, None, "unseen by others");
    assert_eq!(program.wait_for("unseen by others")["from"], *first);
    program.say("as it should be");
    assert!(entry(&browser, "as it should be").contains(&second));
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn where_browsers_keep_no_keys_it_is_said_what_to_do() {
    // A name that is not this machine's, without TLS: no secure context.
    let (_server, base) = serve(&["--host", "lan.test"]);
    let (_, port) = base.rsplit_once(':').unwrap();
    let mut browser = Browser::with(&["--host-resolver-rules=MAP lan.test 127.0.0.1"]);
    browser.provokes("Cross-Origin-Opener-Policy header has been ignored");
    browser.open_tab(&format!("http://lan.test:{port}"), "registration");
    let said = browser.wait_for("#registration-status", "localhost");
    assert!(said.contains("--tls"), "{said}");
    let is_disabled = browser.run(
        "return document.querySelector('#registration-connect').disabled",
        &[],
    );
    assert_eq!(is_disabled, Value::Bool(true));
}
