//! A line in `wsbeat chat` that is wider than its terminal: what is seen of it, and what is left.

#![cfg(target_os = "linux")]

mod support;

use support::{Program, Running, Tty, assert_says, serve};

const PROMPT: &str = "#fishing alice> ";

/// A real server, what bob has said there, and alice on a terminal of 24 rows and 80 columns.
struct Scene {
    _server: Running,
    url: String,
    tty: Tty,
}

impl Scene {
    fn begin() -> Self {
        let (server, url) = serve(&[]);
        let url = format!("{}/chat/fishing", url.replace("http", "ws"));
        says(&url, "one\ntwo\nthree");
        let tty = Tty::run(&["chat", &url, "--name", "alice"], &[]);
        let scene = Scene {
            _server: server,
            url,
            tty,
        };
        // The prompt is there before what the room remembers.
        scene.tty.wait_for("bob  three");
        scene.wait_for_typed("");
        scene
    }

    /// Types, and waits until this stands behind the prompt.
    #[track_caller]
    fn press(&mut self, keys: &[u8], typed: &str) {
        self.tty.press(keys);
        self.wait_for_typed(typed);
    }

    /// Waits until the screen ends with the prompt and this, broken to its width, and asserts that
    /// there is nothing of it above, and nothing lost.
    #[track_caller]
    fn wait_for_typed(&self, typed: &str) -> String {
        let line = format!("{PROMPT}{typed}");
        let seen = self.tty.wait_until(typed, |screen| {
            let (_, columns) = screen.size();
            let rows: Vec<_> = screen.rows(0, columns.get()).collect();
            let first = rows.iter().rposition(|row| row.starts_with(PROMPT.trim()));
            // The end of a row that is blank is not told from one that is empty.
            first.is_some_and(|first| rows[first..].concat().trim_end() == line.trim_end())
        });
        assert_eq!(seen.matches(PROMPT.trim()).count(), 1, "{seen}");
        assert_says(&seen, &["bob  one", "bob  two", "bob  three"]);
        seen
    }

    /// Leaves, and gives what is on the screen then.
    fn end(mut self) -> String {
        self.tty.press(b"\x04");
        let left = self.tty.end();
        assert!(left.status.success(), "{}", left.screen());
        let screen = left.screen();
        assert!(!screen.contains(PROMPT.trim()), "{screen}");
        assert_says(&screen, &["bob  one", "bob  two", "bob  three"]);
        screen
    }
}

/// Bob comes, says something, and goes.
#[track_caller]
fn says(url: &str, text: &str) {
    let program = Program::new("chat").args([url, "--name", "bob", "-o", "json"]);
    program.input(text).run().succeeded();
}

/// A text of so many characters, no two rows of which are the same.
fn long(characters: usize) -> String {
    let words = (0..).flat_map(|number: u32| format!("{number:03}-").into_bytes());
    let bytes = words.take(characters).collect();
    String::from_utf8(bytes).expect("it is ASCII")
}

#[test]
fn a_line_that_is_sent_leaves_no_trace() {
    let mut scene = Scene::begin();
    let text = long(300);
    scene.press(text.as_bytes(), &text);
    scene.tty.press(b"\r");
    // The room sends it back.
    scene.tty.wait_for("alice  000-");
    let screen = scene.wait_for_typed("");
    assert_eq!(screen.matches("000-001-").count(), 1, "{screen}");
    assert_eq!(screen.matches("070-").count(), 1, "{screen}");
    // It can be had again, and taken away again.
    scene.press(b"\x1b[A", &text);
    scene.press(b"\x1b[B", "");
    let screen = scene.end();
    assert_eq!(screen.matches("000-001-").count(), 1, "{screen}");
    assert_says(&screen, &["1 said"]);
}

#[test]
fn as_wide_as_the_terminal_is_no_exception() {
    let mut scene = Scene::begin();
    for rows in 1..4 {
        let text = long(80 * rows - PROMPT.len());
        scene.press(text.as_bytes(), &text);
        scene.press(b"x", &format!("{text}x"));
        scene.press(b"\x7f", &text);
        scene.press(b"\x7f", &text[..text.len() - 1]);
        scene.press(b"\x15", "");
    }
    let screen = scene.end();
    assert!(!screen.contains("000-"), "{screen}");
}

#[test]
fn messages_come_above_it() {
    let mut scene = Scene::begin();
    let text = long(200);
    scene.press(text.as_bytes(), &text);
    says(&scene.url, "four\nfive");
    scene.tty.wait_for("bob  five");
    let screen = scene.wait_for_typed(&text);
    assert_says(&screen, &["bob  four", "bob  five"]);
    // Also where the cursor stands in another row than the last.
    scene.press(b"\x01>", &format!(">{text}"));
    says(&scene.url, "six");
    scene.tty.wait_for("bob  six");
    let screen = scene.wait_for_typed(&format!(">{text}"));
    assert_says(&screen, &["bob  four", "bob  five", "bob  six"]);
    scene.press(b"\x0b\x7f", "");
    let screen = scene.end();
    assert!(!screen.contains("000-"), "{screen}");
}

#[test]
fn what_is_deleted_of_it_is_gone() {
    let mut scene = Scene::begin();
    let text = format!("{} last", long(250));
    scene.press(text.as_bytes(), &text);
    scene.press(b"\x17", &long(250));
    scene.press(b"\x01\x1b[3~", &long(250)[1..]);
    scene.press(b"\x0b", "");
    scene.press(text.as_bytes(), &text);
    scene.press(b"\x15", "");
    let screen = scene.end();
    assert!(!screen.contains("-0"), "{screen}");
    assert_says(&screen, &["0 said"]);
}

#[test]
fn ctrl_d_in_a_text_is_no_end() {
    let mut scene = Scene::begin();
    scene.press(b"xhello\x04", "xhello");
    scene.press(b"\x01\x04", "hello");
    scene.tty.press(b"\r");
    scene.tty.wait_for("alice  hello");
    scene.wait_for_typed("");
    assert_says(&scene.end(), &["1 said"]);
}

#[test]
fn on_a_terminal_that_grows_it_is_broken_anew() {
    let mut scene = Scene::begin();
    let text = long(300);
    scene.press(text.as_bytes(), &text);
    scene.tty.resize(24, 120);
    scene.tty.wait_until("the first row", |screen| {
        let row = format!("{PROMPT}{}", &text[..120 - PROMPT.len()]);
        screen.rows(0, 120).any(|it| it == row)
    });
    scene.wait_for_typed(&text);
    scene.press(b"\x15", "");
    let screen = scene.end();
    assert!(!screen.contains("-0"), "{screen}");
}

#[test]
fn what_is_pasted_is_taken_in_at_once_however_long_it_is() {
    let mut scene = Scene::begin();
    for _ in 0..100 {
        scene.tty.press(&[b'y'; 1000]);
        // Takes it back: the next one begins an empty line.
        scene.tty.press(b"\x15");
    }
    scene.press(b"", "");
    scene.end();
}
