//! A page in a browser, as the one who sits before it uses it.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use thirtyfour::{By, Key};
use wsbeat::link::clock;

use crate::driver::Session;
use crate::support::PATIENCE;

/// How often a page is asked for what is awaited.
const A_MOMENT: Duration = Duration::from_millis(20);

/// The tabs, as they stand beside each other.
pub const TABS: [&str; 6] = [
    "challenge",
    "latency",
    "chat",
    "registration",
    "socket",
    "clients",
];

/// What becomes a picture, and a script that runs, wherever text is taken for markup.
pub const MARKUP: &str = r#"<img src=x onerror="document.title='caught'">"#;

thread_local! {
    /// How many browsers this test has started: each runs on a thread of its own.
    static STARTED: Cell<u32> = const { Cell::new(0) };
}

/// What the user's system prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

/// A browser with one page. When it is dropped its console has to be free of errors, but for those
/// that were [provoked](Browser::provokes). Where a test fails, its console is printed and what it
/// shows is saved.
pub struct Browser {
    session: Session,
    /// Which of the test's browsers it is.
    number: u32,
    provoked: Vec<String>,
    tolerated: Vec<String>,
}

impl Browser {
    #[track_caller]
    pub fn start() -> Self {
        Browser::of(Session::start(&[], false))
    }

    /// One with these switches besides.
    #[track_caller]
    pub fn with(switches: &[&str]) -> Self {
        Browser::of(Session::start(switches, false))
    }

    /// One whose user clicks every warning of certificates away.
    #[track_caller]
    pub fn careless() -> Self {
        Browser::of(Session::start(&[], true))
    }

    /// One that shows the page of a server, at one of its tabs.
    #[track_caller]
    pub fn at(base: &str, tab: &str) -> Self {
        let browser = Browser::start();
        browser.open_tab(base, tab);
        browser
    }

    fn of(session: Session) -> Self {
        let browser = Browser {
            session,
            number: STARTED.replace(STARTED.get() + 1),
            provoked: Vec::new(),
            tolerated: Vec::new(),
        };
        browser.resize(1200, 900);
        browser
    }

    #[track_caller]
    pub fn open(&self, url: &str) {
        self.session.run(url, async |web| web.goto(url).await);
    }

    /// Opens the page of a server, and one of its tabs.
    #[track_caller]
    pub fn open_tab(&self, base: &str, tab: &str) {
        self.open(&format!("{base}/"));
        self.go_to(tab);
    }

    /// Goes to another tab.
    #[track_caller]
    pub fn go_to(&self, tab: &str) {
        self.click(&format!("#tab-{tab}"));
        self.wait_until(
            &format!("the tab {tab}"),
            "return document.getElementById(arguments[0]).checkVisibility()",
            &[json!(format!("panel-{tab}"))],
        );
    }

    #[track_caller]
    pub fn reload(&self) {
        self.session.run("reload", async |web| web.refresh().await);
    }

    /// Opens another page beside the one there is, and goes on with that.
    #[track_caller]
    pub fn open_another(&self, url: &str) {
        self.session.run(url, async |web| {
            let window = web.new_tab().await?;
            web.switch_to_window(window).await?;
            web.goto(url).await
        });
    }

    /// Goes on with the page that was opened first.
    #[track_caller]
    pub fn go_back_to_the_first(&self) {
        self.session.run("the first page", async |web| {
            let windows = web.windows().await?;
            web.switch_to_window(windows[0].clone()).await
        });
    }

    /// Says that errors with these words in it are to be found in the console.
    pub fn provokes(&mut self, words: &str) {
        self.provoked.push(words.to_owned());
    }

    /// Says that errors with these words in it may be in the console.
    pub fn tolerates(&mut self, words: &str) {
        self.tolerated.push(words.to_owned());
    }

    /// Clicks on what can be clicked on: it is seen, and nothing lies over it.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.session.run(selector, async |web| {
            web.find(By::Css(selector)).await?.click().await
        });
    }

    /// Moves the pointer there.
    #[track_caller]
    pub fn point_at(&self, selector: &str) {
        self.session.run(selector, async |web| {
            let there = web.find(By::Css(selector)).await?;
            let chain = web.action_chain().move_to_element_center(&there);
            chain.perform().await
        });
    }

    /// Writes into a field, in place of what it holds.
    #[track_caller]
    pub fn fill(&self, selector: &str, text: &str) {
        self.session.run(selector, async |web| {
            let field = web.find(By::Css(selector)).await?;
            field.clear().await?;
            field.send_keys(text).await
        });
    }

    /// Presses a key, wherever the focus is.
    #[track_caller]
    pub fn press(&self, key: Key) {
        self.write(&char::from(key).to_string());
    }

    /// Writes wherever the focus is, key by key.
    #[track_caller]
    pub fn write(&self, text: &str) {
        self.session.run(text, async |web| {
            web.action_chain().send_keys(text).perform().await
        });
    }

    /// Runs the body of a function in the page, and gives what it returns, or what the promise does
    /// that it returns.
    #[track_caller]
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.session.run(script, async |web| {
            let returned = web.execute(script, arguments.to_vec()).await?;
            Ok(returned.json().clone())
        })
    }

    /// Runs the body of a function in the page until it returns something that is true, and gives
    /// that.
    #[track_caller]
    pub fn wait_until(&self, what: &str, script: &str, arguments: &[Value]) -> Value {
        let give_up = clock::now() + PATIENCE;
        loop {
            let returned = self.run(script, arguments);
            let falsy = [json!(null), json!(false), json!(0), json!("")];
            if !falsy.contains(&returned) {
                return returned;
            }
            assert!(clock::now() < give_up, "{what}: it does not come to be");
            thread::sleep(A_MOMENT);
        }
    }

    /// The text of what is there, seen or not.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let text = self.run(
            "return document.querySelector(arguments[0]).textContent",
            &[json!(selector)],
        );
        text.as_str().unwrap().to_owned()
    }

    /// Waits for these words, and gives the text that they are in.
    #[track_caller]
    pub fn wait_for(&self, selector: &str, words: &str) -> String {
        let text = self.wait_until(
            &format!("{words:?} in {selector}"),
            "const text = document.querySelector(arguments[0])?.textContent ?? '';
             return text.includes(arguments[1]) && text;",
            &[json!(selector), json!(words)],
        );
        text.as_str().unwrap().to_owned()
    }

    /// Waits until something can be clicked on or written to.
    #[track_caller]
    pub fn wait_for_enabled(&self, selector: &str) {
        self.wait_until(
            &format!("{selector} is enabled"),
            "const it = document.querySelector(arguments[0]);
             return it && it.checkVisibility() && !it.disabled;",
            &[json!(selector)],
        );
    }

    /// What is in a field.
    #[track_caller]
    pub fn value(&self, selector: &str) -> String {
        let value = self.run(
            "return document.querySelector(arguments[0]).value",
            &[json!(selector)],
        );
        value.as_str().unwrap().to_owned()
    }

    /// How many there are.
    #[track_caller]
    pub fn count(&self, selector: &str) -> u64 {
        let script = "return document.querySelectorAll(arguments[0]).length";
        self.run(script, &[json!(selector)]).as_u64().unwrap()
    }

    /// Waits until there are as many at least.
    #[track_caller]
    pub fn wait_for_count(&self, selector: &str, count: u64) {
        self.wait_until(
            &format!("{count} of {selector}"),
            "return document.querySelectorAll(arguments[0]).length >= arguments[1]",
            &[json!(selector), json!(count)],
        );
    }

    /// Asserts that the [markup](MARKUP) that was sent has become no part of the page.
    #[track_caller]
    pub fn assert_markup_stayed_text(&self) {
        let pictures = self.run(
            "return [...document.images].map((image) => image.getAttribute('src'))",
            &[],
        );
        for picture in pictures.as_array().unwrap() {
            assert!(
                picture.as_str().unwrap().starts_with("/page/"),
                "{pictures}"
            );
        }
        assert_eq!(self.count("[onerror]"), 0);
        assert_eq!(self.run("return document.title", &[]), "wsbeat");
    }

    /// Makes the page so wide and high, in CSS pixels. As on phones, scroll bars take no room of it.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.devtools("Emulation.setScrollbarsHidden", json!({"hidden": true}));
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    #[track_caller]
    pub fn prefer(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let feature = json!({"name": "prefers-color-scheme", "value": value});
        self.devtools("Emulation.setEmulatedMedia", json!({"features": [feature]}));
    }

    /// Takes the network away, or gives it back.
    #[track_caller]
    pub fn cut_off(&self, is_cut_off: bool) {
        self.devtools("Network.enable", json!({}));
        let unlimited = -1;
        self.devtools(
            "Network.emulateNetworkConditions",
            json!({
                "offline": is_cut_off, "latency": 0,
                "downloadThroughput": unlimited, "uploadThroughput": unlimited,
            }),
        );
    }

    /// Saves a picture of the page, from its top to its bottom.
    #[track_caller]
    pub fn picture(&self, file: &Path) {
        let size = self.run(
            "const { clientWidth, scrollHeight } = document.documentElement;
             return { x: 0, y: 0, width: clientWidth, height: scrollHeight, scale: 1 };",
            &[],
        );
        let picture = self.devtools(
            "Page.captureScreenshot",
            json!({"format": "png", "captureBeyondViewport": true, "clip": size}),
        );
        let picture = BASE64_STANDARD.decode(picture["data"].as_str().unwrap());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, picture.unwrap()).unwrap();
    }

    /// Says something to the browser in the protocol of its developer tools.
    #[track_caller]
    fn devtools(&self, method: &str, parameters: Value) -> Value {
        self.session.run(method, async |web| {
            web.cdp().send_raw(method, parameters).await
        })
    }

    /// What has got into the console since it was last asked for: a line an entry.
    fn console(&self) -> Result<Vec<String>, String> {
        let entries = self.session.attempt(async |web| web.browser_log().await)?;
        let lines = entries.iter();
        let lines = lines.map(|entry| format!("{}: {}", entry.level, entry.message));
        Ok(lines.collect())
    }

    /// Asserts that there are no errors and warnings in the console but those that were provoked or are
    /// tolerated, and that the former are there.
    #[track_caller]
    fn assert_console_is_clean(&self) {
        let console = self.console().unwrap();
        let is_bad = |line: &&String| line.starts_with("SEVERE") || line.starts_with("WARNING");
        let mut missing = self.provoked.clone();
        for line in console.iter().filter(is_bad) {
            let mut expected = self.provoked.iter().chain(&self.tolerated);
            assert!(
                expected.any(|words| line.contains(words)),
                "in the console: {line}"
            );
            missing.retain(|words| !line.contains(words));
        }
        assert!(missing.is_empty(), "not in the console: {missing:?}");
    }

    /// Prints the console, and saves what is seen: a test has failed.
    fn testify(&self) {
        println!("the console: {:#?}", self.console());
        let shown = self
            .session
            .attempt(async |web| web.screenshot_as_png().await);
        let current = thread::current();
        let test = current.name().unwrap_or("test").replace("::", "-");
        let file = format!("{test}-{}.png", self.number);
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        match shown.map(|picture| fs::write(&file, picture)) {
            Ok(Ok(())) => println!("what was seen: {}", file.display()),
            failed => println!("what was seen is not known: {failed:?}"),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        match thread::panicking() {
            true => self.testify(),
            false => self.assert_console_is_clean(),
        }
    }
}
