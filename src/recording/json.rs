//! JSON that is also harmless to look at.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::conversation::is_deceptive;

/// A value as JSON in one line, without the end of the line.
///
/// JSON lets control characters from DEL on stand in strings as they are, and terminals obey them;
/// and a text can look like another one by bidirectional marks, or be broken into lines by U+2028
/// and U+2029. All of them are written as escapes, so that the line shows what it holds wherever it
/// is shown, and reads back as the same value.
///
/// # Errors
///
/// When the value has no form in JSON.
pub(crate) fn to_line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut line, Harmless))?;
    Ok(line)
}

/// Compact JSON, with such characters as escapes.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        let mut rest = fragment;
        while let Some(at) = rest.find(needs_escape) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut characters = from.chars();
            let mut units = [0; 2];
            for character in characters.by_ref().take(1) {
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

fn needs_escape(character: char) -> bool {
    character.is_control() || is_deceptive(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_seen_is_written_as_an_escape() {
        let text = "a\u{7f}\u{9b}2J\u{202e}b\u{2028}\u{2066}\u{feff}\u{e0041}é🎣\n\"";
        assert_eq!(
            String::from_utf8(to_line(&text).unwrap()).unwrap(),
            r#""a\u007f\u009b2J\u202eb\u2028\u2066\ufeff\udb40\udc41é🎣\n\"""#
        );
        let object = serde_json::json!({ "\u{202e}": text });
        let line = to_line(&object).unwrap();
        assert!(!String::from_utf8(line).unwrap().contains(needs_escape));
    }

    proptest! {
        #[test]
        fn any_text_reads_back_as_it_was(text in "(\\PC|\\p{C}){0,40}") {
            let line = String::from_utf8(to_line(&text).unwrap()).unwrap();
            prop_assert!(!line.contains(needs_escape));
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
