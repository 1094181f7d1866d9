//! One JSON object a line, as the README describes them.

use std::io::{self, Write};

use super::Item;
use crate::recording::to_line;

/// Writes an item as one line, with characters that are not seen, or that terminals obey, as escapes.
///
/// # Errors
///
/// When the writer fails.
pub fn write(item: &Item, out: &mut impl Write) -> io::Result<()> {
    let mut line = to_line(item)?;
    line.push(b'\n');
    out.write_all(&line)
}
