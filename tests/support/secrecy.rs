//! Tokens, and how to tell whether something shows them.

use std::fs;

use super::{Ran, Reply, Script};

/// The two tokens.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    pub access: &'static str,
    pub one_time: &'static str,
}

/// Tokens as they are.
pub const PLAIN: Tokens = Tokens {
    access: "ac0e55a1b2c3d4e5f60718293a4b5c6d7e8f",
    one_time: "0e71e9f8e7d6c5b4a39281706f5e4d3c2b1a",
};

/// Tokens that look otherwise in a URL, otherwise in a query than in a path, and otherwise again
/// in JSON and in logs.
pub const ODD: Tokens = Tokens {
    access: "AccessAlpha11/AccessBravo22+AccessCharlie33=%2F&AccessDelta44?#~\"AccessEcho55",
    one_time: "OneTimeAlpha66/OneTimeBravo77+OneTimeCharlie88=%2F&OneTimeDelta99?#~\"OneTimeEcho00",
};

/// How much of a token may be seen at the most, in characters.
const TOLERATED: usize = 7;

/// Asserts that a text has nothing of a token in it, however the token may be written there.
#[track_caller]
pub fn assert_hides(token: &str, text: &str, what: &str) {
    for part in token.split(|character: char| !character.is_ascii_alphanumeric()) {
        for window in part.as_bytes().windows(TOLERATED + 1) {
            let window = std::str::from_utf8(window).unwrap();
            let line = text.lines().find(|line| line.contains(window));
            assert!(
                line.is_none(),
                "{what} shows {window:?} of {token:?}: {line:?}"
            );
        }
    }
}

/// Asserts that nothing of what a run has left behind has a token in it.
#[track_caller]
pub fn assert_all_hidden(tokens: Tokens, ran: &Ran) {
    for token in [tokens.access, tokens.one_time] {
        assert_hides(token, &ran.stdout, "standard output");
        assert_hides(token, &ran.stderr, "standard error");
        for entry in fs::read_dir(ran.path("")).unwrap() {
            let path = entry.unwrap().path();
            let content = fs::read_to_string(&path).unwrap();
            assert_hides(token, &content, &path.display().to_string());
        }
    }
}

/// A script that gives the one-time token.
pub fn giving(tokens: Tokens) -> Script {
    Script::new().problem(move |_, _| Reply::token(tokens.one_time))
}
