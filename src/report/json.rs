//! One JSON object a line, as the README describes them.

use std::io::{self, Write};

use super::Item;

/// Writes an item as one line.
///
/// # Errors
///
/// When the writer fails.
pub fn write(item: &Item, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, item)?;
    out.write_all(b"\n")
}
