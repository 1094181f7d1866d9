use std::fmt;

use crate::conversation::is_deceptive;

/// How much of it is kept.
const LENGTH: usize = 160;

/// The beginning of what a peer answered in place of what was wanted, in one line: enough to see what
/// it is.
///
/// It is printed after a colon, or not at all if there is nothing to show; control characters, by
/// which a peer could command the terminal, are printed as escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    /// The first lines of a text that have something in them, one after the other.
    pub fn of(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut characters = lines
            .enumerate()
            .flat_map(|(index, line)| (index > 0).then_some(' ').into_iter().chain(line.chars()));
        let mut excerpt: String = characters.by_ref().take(LENGTH).collect();
        if characters.next().is_some() {
            // Also the sign by which a secret that was cut here is known.
            excerpt.push('…');
        }
        Excerpt(excerpt)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", Printable(&self.0))
    }
}

/// Prints a peer's text with its control characters as escapes, and those that are invisible or turn
/// the direction of writing around, by which a text can look like another.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() || is_deceptive(character) {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_harmless_line() {
        let show = |text: &str| Excerpt::of(text).to_string();
        assert_eq!(
            show("\n  <!doctype html>\n<html>"),
            ": <!doctype html> <html>"
        );
        assert_eq!(show("{\n  \"a\": 1\r\n}\n"), ": { \"a\": 1 }");
        assert_eq!(show("\u{1b}[2J gone"), ": \\u{1b}[2J gone");
        assert_eq!(show("\u{202e}live"), ": \\u{202e}live");
        assert_eq!(show(" \n"), "");
        let cut = format!(": {}…", "x".repeat(LENGTH));
        assert_eq!(show(&"x".repeat(1000)), cut);
    }
}
