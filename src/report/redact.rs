use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What is shown in the place of a secret.
const BLANK: &str = "…";

/// Secrets shorter than this are not looked for: they would be found in half of what is printed,
/// and nobody who chooses such a one expects it to stay secret.
const SHORTEST: usize = 6;

/// How many letters and digits of a secret in a row give it away. A text that was cut short, or
/// written in an encoding that is not thought of here, still has its runs of letters and digits.
const TELLING: usize = 8;

/// Knows the secrets that must not be seen, and blanks them in whatever is about to be.
///
/// No part of this program prints a secret to begin with. But servers echo what they are sent, in
/// error pages and greetings, and those are shown; so the doors through which text leaves the
/// program, standard output, standard error and recordings, all pass through here.
#[derive(Clone, Debug, Default)]
pub struct Redactor(Arc<RwLock<Hidden>>);

/// What is looked for.
#[derive(Debug, Default)]
struct Hidden {
    /// Secrets as a whole, as they are and as they are written in URLs and in JSON.
    whole: Vec<String>,
    /// Every run of [`TELLING`] letters and digits in them.
    parts: HashSet<[u8; TELLING]>,
}

impl Redactor {
    /// From now on this is not to be seen.
    pub fn hide(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let in_json = serde_json::Value::from(secret).to_string();
        let forms = [
            secret.to_owned(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            in_json[1..in_json.len() - 1].to_owned(),
        ];
        let mut hidden = self.0.write().unwrap_or_else(PoisonError::into_inner);
        hidden
            .parts
            .extend(telling_parts(secret).map(|(_, part)| part));
        for form in forms {
            if !hidden.whole.contains(&form) {
                hidden.whole.push(form);
            }
        }
    }

    /// The text without the secrets.
    pub fn redact(&self, text: &str) -> String {
        let hidden = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let text = hidden.whole.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret) {
                text.replace(secret, BLANK)
            } else {
                text
            }
        });
        let mut shown = String::with_capacity(text.len());
        let mut shown_to = 0;
        for (start, part) in telling_parts(&text) {
            if hidden.parts.contains(&part) {
                if start >= shown_to {
                    shown.push_str(&text[shown_to..start]);
                    shown.push_str(BLANK);
                }
                shown_to = start + TELLING;
            }
        }
        shown.push_str(&text[shown_to..]);
        shown
    }

    /// A writer that redacts what is written to it, line by line.
    pub fn writer<W: Write>(&self, inner: W) -> RedactingWriter<W> {
        RedactingWriter {
            redactor: self.clone(),
            line: Vec::new(),
            inner,
        }
    }
}

/// The runs of [`TELLING`] letters and digits in a text, and where they begin.
fn telling_parts(text: &str) -> impl Iterator<Item = (usize, [u8; TELLING])> {
    text.as_bytes()
        .windows(TELLING)
        .enumerate()
        .filter_map(|(start, window)| Some((start, window.try_into().ok()?)))
        .filter(|(_, part): &(usize, [u8; TELLING])| part.iter().all(u8::is_ascii_alphanumeric))
}

/// Holds back what is written until its line is whole, or it is flushed, so that no secret slips
/// through between two writes; then passes it on in one write, redacted.
#[derive(Debug)]
pub struct RedactingWriter<W: Write> {
    redactor: Redactor,
    line: Vec<u8>,
    inner: W,
}

impl<W: Write> RedactingWriter<W> {
    fn pass_on(&mut self, length: usize) -> io::Result<()> {
        let lines: Vec<u8> = self.line.drain(..length).collect();
        let redacted = self.redactor.redact(&String::from_utf8_lossy(&lines));
        self.inner.write_all(redacted.as_bytes())
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(text);
        if let Some(end) = self.line.iter().rposition(|byte| *byte == b'\n') {
            self.pass_on(end + 1)?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on(self.line.len())?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for RedactingWriter<W> {
    fn drop(&mut self) {
        // There is nobody left to tell of an error.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_blanked_in_all_their_forms() {
        let redactor = Redactor::default();
        redactor.hide("s3cr3t/\"token");
        redactor.hide("1");
        let mut out = Vec::new();
        {
            let mut writer = redactor.writer(&mut out);
            write!(writer, "1: s3cr3t/\"tok").unwrap();
            writeln!(writer, "en; s3cr3t%2F%22token; s3cr3t/\\\"token").unwrap();
            write!(writer, "no line end").unwrap();
        }
        assert_eq!(String::from_utf8(out).unwrap(), "1: …; …; …\nno line end");
    }

    #[test]
    fn a_part_of_a_secret_gives_it_away() {
        let redactor = Redactor::default();
        redactor.hide("0123456789abcdef+fedcba9876543210");
        for (text, expected) in [
            ("0123456789abcd", "…"),
            ("a 456789abcdef b", "a … b"),
            ("x0123456789abcdef%2bfedcba9876543210x", "x…%2b…x"),
            ("01234567 01234567", "… …"),
            ("0123456", "0123456"),
            ("übrigens", "übrigens"),
        ] {
            assert_eq!(redactor.redact(text), expected);
        }
    }
}
