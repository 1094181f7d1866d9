//! One JSON object a line, as the README describes them.

use std::io::{self, Write};

use super::Item;

/// Writes an item as one line.
///
/// # Errors
///
/// When the writer fails.
pub fn write(item: &Item, out: &mut impl Write) -> io::Result<()> {
    let text = serde_json::to_string(item)?;
    // JSON leaves these as they are, and terminals obey them.
    if text.contains(is_late_control) {
        for character in text.chars() {
            if is_late_control(character) {
                write!(out, "\\u{:04x}", u32::from(character))?;
            } else {
                write!(out, "{character}")?;
            }
        }
    } else {
        out.write_all(text.as_bytes())?;
    }
    out.write_all(b"\n")
}

/// The control characters beyond those that have to be escaped in JSON: DEL and C1. They can only
/// occur within strings.
fn is_late_control(character: char) -> bool {
    matches!(character, '\u{7f}'..='\u{9f}')
}
