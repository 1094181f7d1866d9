//! The page for those who use it without a mouse.

use serde_json::{Value, json};
use thirtyfour::Key;

use crate::page::{Browser, TABS};
use crate::support::serve;

/// More elements than any tab lets the focus stop at.
const STOPS: usize = 60;

/// What has the focus: its id.
fn focused(browser: &Browser) -> String {
    let id = browser.run("return document.activeElement.id", &[]);
    id.as_str().unwrap().to_owned()
}

/// Presses the tab key until this has the focus. Wherever the focus stops, it is seen.
#[track_caller]
pub fn tab_to(browser: &Browser, id: &str) {
    for _ in 0..STOPS {
        if focused(browser) == id {
            return;
        }
        browser.press(Key::Tab);
        let is_seen = browser.run(
            "const it = document.activeElement;
             if (it === document.body) return true;
             const { outlineStyle, outlineWidth } = getComputedStyle(it);
             return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;",
            &[],
        );
        assert_eq!(is_seen, true, "the focus on {:?}", focused(browser));
    }
    panic!("the tab key does not lead to {id}");
}

/// Asserts that one tab is shown, and the others are not.
#[track_caller]
fn assert_shown(browser: &Browser, name: &str) {
    let shown = browser.run(
        "const isSelected = (tab) => tab.getAttribute('aria-selected') === 'true';
         const tabs = [...document.querySelectorAll('[role=tab]')].filter(isSelected);
         const panels = [...document.querySelectorAll('[role=tabpanel]')];
         return [tabs.map((tab) => tab.id), panels.filter((it) => it.checkVisibility()).map((it) => it.id)];",
        &[],
    );
    assert_eq!(
        shown,
        json!([[format!("tab-{name}")], [format!("panel-{name}")]])
    );
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn the_arrow_keys_go_from_tab_to_tab() {
    let (_server, base) = serve(&[]);
    let browser = Browser::start();
    browser.open(&format!("{base}/"));
    assert_shown(&browser, "challenge");
    tab_to(&browser, "tab-challenge");
    for (key, name) in [
        (Key::Right, "latency"),
        (Key::Right, "chat"),
        (Key::Left, "latency"),
        (Key::End, "clients"),
        (Key::Right, "challenge"),
        (Key::Left, "clients"),
        (Key::Home, "challenge"),
    ] {
        browser.press(key);
        assert_shown(&browser, name);
        assert_eq!(focused(&browser), format!("tab-{name}"));
    }
    // The tab key leaves the tabs for what the chosen one shows.
    browser.press(Key::Tab);
    let is_inside = browser.run(
        "return document.activeElement.closest('#panel-challenge') !== null",
        &[],
    );
    assert_eq!(is_inside, true, "{:?}", focused(&browser));
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_tab_has_an_address() {
    let (_server, base) = serve(&[]);
    let browser = Browser::start();
    for name in TABS {
        browser.open(&format!("{base}/#{name}"));
        assert_shown(&browser, name);
        browser.reload();
        assert_shown(&browser, name);
    }
    browser.go_to("socket");
    assert_eq!(browser.run("return location.hash", &[]), "#socket");
    browser.open(&format!("{base}/#no-such-tab"));
    assert_shown(&browser, "challenge");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn everything_that_is_used_has_a_name() {
    let (_server, base) = serve(&[]);
    let browser = Browser::start();
    browser.open(&format!("{base}/"));
    let nameless = browser.run(
        "const labelled = (it) => (it.labels?.length ?? 0) > 0 || it.ariaLabel
           || it.hasAttribute('aria-labelledby');
         const isNameless = (it) => it.matches('input, select, textarea, output, [role=log], svg[role=img]')
           ? !labelled(it) : !labelled(it) && it.textContent.trim() === '';
         const used = 'input, select, textarea, button, output, [role=log], [role=region], svg[role=img]';
         return [...document.querySelectorAll(used)].filter(isNameless).map((it) => it.outerHTML);",
        &[],
    );
    assert_eq!(nameless, json!([]));
    let untold = browser.run(
        "const isTold = (it) => it.matches('[role=status], [role=log], [role=alert], [aria-live]');
         return [...document.querySelectorAll('[id$=-status], [id$=-log]')]
           .filter((it) => !isTold(it)).map((it) => it.id)",
        &[],
    );
    assert_eq!(untold, Value::Array(vec![]));
}
