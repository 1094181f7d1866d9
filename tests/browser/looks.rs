//! How the page looks: on wide screens and narrow ones, in light and in dark.

use std::path::Path;

use serde_json::json;

use crate::page::{Browser, MARKUP, Scheme, TABS};
use crate::support::{Client, Program, Running, serve};

/// Where the pictures go.
const PICTURES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/page");

/// A small phone, in CSS pixels.
const PHONE: (u32, u32) = (360, 740);

/// The narrowest that pages are to be read on without scrolling sideways (WCAG 2.2, 1.4.10).
const NARROWEST: (u32, u32) = (320, 568);

/// The least contrast of text to what it stands on (WCAG 2.2, 1.4.3), large or not.
const LEAST_CONTRAST: f64 = 4.5;

/// What is less readable than that on the page as it is shown: the text, and its contrast. If there is
/// a selector, of what it selects; otherwise of all that is not disabled.
const PALE: &str = r#"
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const over = (colours) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const colour of colours) {
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
        }
        return canvas.getImageData(0, 0, 1, 1).data;
    };
    // WCAG 2.2, "relative luminance".
    const luminance = ([red, green, blue]) => {
        const [r, g, b] = [red, green, blue].map((channel) => {
            const share = channel / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const grounds = (element) => {
        const colours = [];
        for (let it = element; it; it = it.parentElement) {
            colours.unshift(getComputedStyle(it).backgroundColor);
        }
        return ['canvas', ...colours];
    };
    const contrast = (element) => {
        const ground = grounds(element);
        const { color, fill } = getComputedStyle(element);
        const ink = element instanceof SVGElement ? fill : color;
        const [light, dark] = [luminance(over([...ground, ink])), luminance(over(ground))]
            .sort((one, other) => other - one);
        return (light + 0.05) / (dark + 0.05);
    };
    const hasText = (element) => [...element.childNodes]
        .some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
    const isMeant = arguments[1] === ''
        ? (it) => it.checkVisibility() && !it.matches(':disabled, :disabled *')
        : (it) => it.matches(arguments[1]);
    return [...document.body.querySelectorAll('*')]
        .filter((it) => hasText(it) && isMeant(it))
        .map((it) => [`${it.localName}: ${it.textContent.trim()}`, contrast(it)])
        .filter(([, contrast]) => contrast < arguments[0]);
"#;

/// Asserts that nothing has to be scrolled to sideways, but for what scrolls by itself.
#[track_caller]
fn assert_fits(browser: &Browser, tab: &str, (width, height): (u32, u32)) {
    browser.resize(width, height);
    let wide = browser.run("return document.documentElement.scrollWidth", &[]);
    assert!(
        wide.as_u64().unwrap() <= width.into(),
        "{tab}: {wide} of {width} px"
    );
    // Fingers are wide. What stands in a line of text may be as high as the line.
    let small = browser.run(
        "const small = (it) => {
           const { width, height } = it.getBoundingClientRect();
           const least = it.closest('[role=log]') ? 24 : 44;
           return width > 0 && (width < 24 || height < least);
         };
         return [...document.querySelectorAll('button, input, select')].filter(small).map((it) => it.outerHTML);",
        &[],
    );
    assert_eq!(small, json!([]), "{tab}: too small to be touched");
}

#[track_caller]
fn assert_readable(browser: &Browser, tab: &str, scheme: Scheme) {
    let pale = browser.run(PALE, &[json!(LEAST_CONTRAST), json!("")]);
    assert_eq!(pale, json!([]), "{tab}, {scheme:?}");
}

/// WCAG asks for no contrast of what is disabled, but whoever points at a button wants to know which
/// one it is.
#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_disabled_button_stays_readable_under_the_pointer() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "challenge");
    for scheme in [Scheme::Light, Scheme::Dark] {
        browser.prefer(scheme);
        for (tab, button) in [
            ("challenge", "#challenge-play"),
            ("latency", "#latency-start"),
        ] {
            browser.go_to(tab);
            browser.run(
                "document.querySelector(arguments[0]).disabled = false",
                &[json!(button)],
            );
            browser.point_at(button);
            browser.run(
                "document.querySelector(arguments[0]).disabled = true",
                &[json!(button)],
            );
            settle(&browser);
            let selector = format!("{button}:hover:disabled");
            assert_eq!(browser.count(&selector), 1, "{button}, {scheme:?}");
            let pale = browser.run(PALE, &[json!(LEAST_CONTRAST), json!(selector)]);
            assert_eq!(pale, json!([]), "{button}, {scheme:?}");
        }
    }
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn every_tab_fits_on_a_phone_before_anything_is_done() {
    let (_server, base) = serve(&[]);
    let browser = Browser::start();
    browser.open(&format!("{base}/"));
    for tab in TABS {
        for size in [PHONE, NARROWEST] {
            browser.resize(1200, 900);
            browser.go_to(tab);
            assert_fits(&browser, tab, size);
        }
    }
}

/// Every tab after something has happened in it: its text can be read in light and in dark, it fits on
/// a phone, and there is a picture of it to be looked at.
#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn screenshots() {
    let (_server, base) = serve(&["--rounds", "6", "--seed", "28"]);
    let address = base.strip_prefix("http://").unwrap();
    let browser = Browser::at(&base, "challenge");
    browser.click("#challenge-watch");
    measure(&browser);
    let _others = talk(&browser, &base);
    let _registrant = register(&browser, &base);
    dial(&browser);
    let _echo = Client::open(address, "/echo");
    browser.go_to("challenge");
    browser.wait_for("#challenge-status", "\u{201c}");
    for tab in TABS {
        for (scheme, name) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
            browser.prefer(scheme);
            browser.resize(1200, 800);
            browser.go_to(tab);
            settle(&browser);
            assert_readable(&browser, tab, scheme);
            browser.picture(&Path::new(PICTURES).join(format!("{tab}-{name}.png")));
        }
        browser.prefer(Scheme::Light);
        assert_fits(&browser, tab, NARROWEST);
        assert_fits(&browser, tab, PHONE);
        settle(&browser);
        browser.picture(&Path::new(PICTURES).join(format!("{tab}-phone.png")));
    }
}

/// Waits until what moves has come to rest.
#[track_caller]
fn settle(browser: &Browser) {
    browser.run(
        "return Promise.allSettled(document.getAnimations().map((it) => it.finished))
           .then(() => new Promise((resolve) => requestAnimationFrame(() => resolve(true))))",
        &[],
    );
}

/// Measures a while.
#[track_caller]
fn measure(browser: &Browser) {
    browser.go_to("latency");
    browser.run(
        "document.querySelector('#latency-interval').value = '100'",
        &[],
    );
    browser.click("#latency-start");
    browser.wait_until(
        "30 round trips",
        "return Number(document.querySelector('[data-figure=count]').textContent) >= 30",
        &[],
    );
    browser.click("#latency-stop");
}

/// Enters a chat with others in it, who say something, and says something, too.
#[track_caller]
fn talk(browser: &Browser, base: &str) -> Vec<Running> {
    let url = format!("{}/chat/fishing", base.replacen("http", "ws", 1));
    browser.go_to("chat");
    browser.fill("#chat-name", "ann");
    browser.click("#chat-enter");
    browser.wait_for("#chat-people", "ann");
    let others = [
        ("bob", "The trout are rising below the weir."),
        ("carl", MARKUP),
    ];
    let others = others.map(|(name, text)| {
        let mut other = Program::new("chat")
            .args([&url, "--name", name, "--stay"])
            .typed_to()
            .start();
        other.say(text);
        browser.wait_for("#chat-log", text);
        other
    });
    browser.fill(
        "#chat-text",
        "Tight lines! I am on my way, with a thermos of tea and the long rod.",
    );
    browser.click("#chat-say");
    browser.wait_for("#chat-log", "Tight lines!");
    others.into()
}

/// Registers, and hears from somebody else.
#[track_caller]
fn register(browser: &Browser, base: &str) -> Running {
    browser.go_to("registration");
    browser.wait_for_enabled("#registration-connect");
    browser.click("#registration-connect");
    browser.wait_for_enabled("#registration-send");
    let mut other = Program::new("register")
        .args([
            &format!("{}/register", base.replacen("http", "ws", 1)),
            "--stay",
        ])
        .typed_to()
        .start();
    other.say("Is anybody on this frequency?");
    browser.wait_for("#registration-log", "anybody");
    browser.fill("#registration-text", "Loud and clear.");
    browser.click("#registration-send");
    browser.wait_for("#registration-log", "Loud and clear.");
    other
}

/// Dials the echo, and something that cannot be dialled.
#[track_caller]
fn dial(browser: &Browser) {
    browser.go_to("socket");
    let echo = browser.value("#socket-url");
    browser.fill("#socket-url", "ws://");
    browser.click("#socket-connect");
    browser.wait_for("#socket-log", "error");
    browser.fill("#socket-url", &echo);
    browser.click("#socket-connect");
    browser.wait_for_enabled("#socket-send");
    browser.fill("#socket-text", "hello there");
    browser.click("#socket-send");
    browser.wait_for("#socket-log", "message");
}
