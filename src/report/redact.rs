use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What is shown in the place of a secret.
const BLANK: &str = "…";

/// Secrets shorter than this are not looked for: they would be found in half of what is printed,
/// and nobody who chooses such a one expects it to stay secret.
const SHORTEST: usize = 6;

/// Knows the secrets that must not be seen, and blanks them in whatever is about to be.
///
/// No part of this program prints a secret to begin with. But servers echo what they are sent, in
/// error pages and greetings, and those are shown; so the doors through which text leaves the
/// program, standard output, standard error and recordings, all pass through here.
#[derive(Clone, Debug, Default)]
pub struct Redactor(Arc<RwLock<Vec<String>>>);

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
        for form in forms {
            if !hidden.contains(&form) {
                hidden.push(form);
            }
        }
    }

    /// The text without the secrets.
    pub fn redact(&self, text: &str) -> String {
        let hidden = self.0.read().unwrap_or_else(PoisonError::into_inner);
        hidden.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret) {
                text.replace(secret, BLANK)
            } else {
                text
            }
        })
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
}
