use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use crate::conversation::{CloseReason, Message, WireEvent};

/// What is shown in the place of a secret.
const BLANK: &str = "…";

/// Secrets shorter than this are not looked for: they would be found in half of what is printed,
/// and nobody who chooses such a one expects it to stay secret.
const SHORTEST: usize = 6;

/// No way to spell a byte that is known here takes longer: `%25` and two digits, or `\\u00` and two
/// digits with its backslash doubled once.
const LONGEST_ESCAPE: usize = 8;

/// How many backslashes before a byte are taken for its escape: as many as three rounds of escaping
/// put there, and few enough that a hostile text cannot make this into work.
const BACKSLASHES: usize = 7;

/// Knows the secrets that must not be seen, and blanks them in whatever is about to be.
///
/// No part of this program prints a secret to begin with. But servers echo what they are sent, in
/// error pages and greetings, and those are shown. So whatever a peer may have had a say in passes
/// through here on its way out: the texts of items and recordings, before they are formatted, so
/// that the formats stay whole; and logs and last words as they are written.
#[derive(Clone, Debug, Default)]
pub struct Redactor(Arc<RwLock<Vec<String>>>);

impl Redactor {
    /// From now on this is not to be seen.
    pub fn hide(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut hidden = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !hidden.iter().any(|known| known == secret) {
            hidden.push(secret.to_owned());
        }
    }

    /// The text without the secrets.
    pub fn redact(&self, text: &str) -> String {
        let hidden = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if hidden.is_empty() {
            return text.to_owned();
        }
        let mut redacted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let written = hidden.iter().filter_map(|secret| written(secret, rest));
            match written.max() {
                Some(length) => {
                    redacted.push_str(BLANK);
                    rest = &rest[length..];
                }
                None => {
                    redacted.push(character);
                    rest = &rest[character.len_utf8()..];
                }
            }
        }
        redacted
    }

    /// What happened on the wire without the secrets, as it is to be recorded.
    pub fn wire_event(&self, event: &WireEvent) -> WireEvent {
        match event {
            WireEvent::Open => WireEvent::Open,
            WireEvent::Received(message) => WireEvent::Received(self.message(message)),
            WireEvent::Sent(message) => WireEvent::Sent(self.message(message)),
            WireEvent::Close(close) => WireEvent::Close(CloseReason {
                reason: self.redact(&close.reason),
                ..*close
            }),
        }
    }

    fn message(&self, message: &Message) -> Message {
        match message {
            Message::Text(text) => Message::Text(self.redact(text)),
            Message::Binary(data) => Message::Binary(self.bytes(data)),
            Message::Ping(data) => Message::Ping(self.bytes(data)),
            Message::Pong(data) => Message::Pong(self.bytes(data)),
        }
    }

    fn bytes(&self, data: &[u8]) -> Vec<u8> {
        let mut redacted = Vec::with_capacity(data.len());
        for chunk in data.utf8_chunks() {
            redacted.extend_from_slice(self.redact(chunk.valid()).as_bytes());
            redacted.extend_from_slice(chunk.invalid());
        }
        redacted
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

/// How much of the beginning of a text is this secret, whatever it went through on its way there:
/// encoded for a URL, in one of the several ways that there are, escaped for JSON or a log, once or
/// more often, or cut off by us.
fn written(secret: &str, text: &str) -> Option<usize> {
    let escaped_first = |byte, text: &[u8]| escaped(byte, text).or_else(|| plain(byte, text));
    // A secret may itself look as if it were escaped.
    let plain_first = |byte, text: &[u8]| plain(byte, text).or_else(|| escaped(byte, text));
    spelled_out(secret, text, escaped_first).or_else(|| spelled_out(secret, text, plain_first))
}

fn spelled_out(
    secret: &str,
    text: &str,
    spelled: impl Fn(u8, &[u8]) -> Option<usize>,
) -> Option<usize> {
    let mut length = 0;
    for (known, byte) in secret.bytes().enumerate() {
        match spelled(byte, &text.as_bytes()[length..]) {
            Some(more) => length += more,
            None if known < SHORTEST => return None,
            // Half of an escape may stand between what is known and where it was cut.
            None => {
                let rest = text.get(length..)?;
                let cut = rest.find(BLANK)?;
                let half_an_escape = cut < LONGEST_ESCAPE && rest.starts_with(['%', '\\']);
                return (cut == 0 || half_an_escape).then_some(length + cut + BLANK.len());
            }
        }
    }
    Some(length)
}

/// How many bytes of a text it takes to write this byte of a secret as it is: one, if it does.
fn plain(byte: u8, text: &[u8]) -> Option<usize> {
    (text.first() == Some(&byte)).then_some(1)
}

/// How many bytes of a text it takes to write this byte of a secret in another way.
fn escaped(byte: u8, text: &[u8]) -> Option<usize> {
    let is = |digits: &[u8]| {
        let digits = digits
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) == Some(byte)
    };
    let backslashes = text
        .iter()
        .take(BACKSLASHES)
        .take_while(|first| **first == b'\\');
    let backslashes = backslashes.count();
    match &text[backslashes..] {
        rest if backslashes > 0 => match rest {
            [b'u', b'0', b'0', digits @ ..] if is(digits) => Some(backslashes + 5),
            rest => plain(byte, rest).map(|length| backslashes + length),
        },
        [b'+', ..] if byte == b' ' => Some(1),
        // Encoded, and the encoding of the per cent sign encoded again, maybe.
        [b'%', digits @ ..] if is(digits) => Some(3),
        [b'%', b'2', b'5', digits @ ..] if is(digits) => Some(5),
        _ => None,
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

    #[test]
    fn secrets_are_known_in_every_spelling_and_when_they_were_cut() {
        let redactor = Redactor::default();
        redactor.hide("al/pha+be=ta");
        for (text, expected) in [
            ("x al/pha+be=ta x", "x … x"),
            ("al%2Fpha%2bbe%3Dta", "…"),
            ("al%252Fpha+be=ta", "…"),
            ("al\\/pha\\u002bbe=ta", "…"),
            ("see al/pha+be…", "see …"),
            ("see al/pha%2…", "see …"),
            ("al/pha and be=ta", "al/pha and be=ta"),
            ("al/p…", "al/p…"),
        ] {
            assert_eq!(redactor.redact(text), expected, "{text}");
        }
    }

    #[test]
    fn recorded_bytes_are_looked_through() {
        let redactor = Redactor::default();
        redactor.hide("t0ken-t0ken");
        let data = b"\xff t0ken-t0ken \xfe".to_vec();
        let event = redactor.wire_event(&WireEvent::Received(Message::Binary(data)));
        let expected = [b"\xff ", BLANK.as_bytes(), b" \xfe"].concat();
        assert_eq!(event, WireEvent::Received(Message::Binary(expected)));
    }
}
