//! How lines for people are laid out: labels before them, colours, and 80 columns.

use std::fmt;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

pub(super) const LABEL: Style = Style::new().bold();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
pub(super) const WARN: Style = AnsiColor::Yellow.on_default();

/// How much of a server's remark is shown: what fits behind a label into 80 columns, with the sign
/// that there is more.
pub(super) const REMARK: usize = 67;

pub(super) fn label(out: &mut impl Write, label: &str, text: impl fmt::Display) -> io::Result<()> {
    writeln!(out, "{LABEL}{label:<11}{LABEL:#} {text}")
}

/// A text as lines that fit behind a label.
pub(super) fn lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let fits = |line: &String| line.chars().count() + 1 + word.chars().count() <= REMARK;
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if fits(line) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A number of things, with the plural that it takes.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
