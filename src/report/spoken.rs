//! What people say to each other, as lines for people.

mod colour;

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use anstyle::Style;

pub(super) use self::colour::of as colour_of;
use super::layout::lines;
use crate::link::Printable;

/// What is not said by anybody, and what was said long ago.
pub(super) const FAINT: Style = Style::new().dimmed();

/// How much of a line that was refused is repeated.
const QUOTED: usize = 40;

/// The first second of the year 10000, since 1970: from there on a year has five digits.
const YEAR_10000: u64 = 253_402_300_800;

/// Knows which day it was when something was said.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    /// The day of the last message, and whether anybody has been told whose days these are.
    day: Option<String>,
}

impl Calendar {
    /// The time of day, in UTC, at which something was said: seconds since 1970. Where the day is
    /// another one than that of what was said before, that is written first.
    pub(super) fn time(&mut self, timestamp: i64, out: &mut impl Write) -> io::Result<String> {
        let (day, time) = written(timestamp);
        if self.day.as_ref() != Some(&day) {
            match self.day {
                None => notice(out, FAINT, format_args!("{day}, times in UTC"))?,
                Some(_) => notice(out, FAINT, &day)?,
            }
            self.day = Some(day);
        }
        Ok(time)
    }
}

/// Writes what nobody said, set apart from what somebody could say.
pub(super) fn notice(
    out: &mut impl Write,
    style: Style,
    text: impl fmt::Display,
) -> io::Result<()> {
    let lines = lines(&text.to_string());
    for (index, line) in lines.iter().enumerate() {
        let begin = if index == 0 { "—" } else { " " };
        let end = if index + 1 == lines.len() { " —" } else { "" };
        writeln!(out, "{style}{begin} {line}{end}{style:#}")?;
    }
    Ok(())
}

/// The day and the time of day of a timestamp, in UTC.
fn written(timestamp: i64) -> (String, String) {
    let seconds = u64::try_from(timestamp).ok();
    let Some(seconds) = seconds.filter(|seconds| *seconds < YEAR_10000) else {
        return ("on no day".to_owned(), "--:--:--".to_owned());
    };
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    // 2026-11-21T12:34:56Z
    let text = humantime::format_rfc3339_seconds(time).to_string();
    let (day, time) = text.split_once('T').unwrap_or_default();
    (day.to_owned(), time.trim_end_matches('Z').to_owned())
}

/// As much of a line as is repeated where it was refused.
pub(super) fn beginning(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Prints what somebody said in one line, and so that it commands nothing: line feeds as signs for
/// them, tabs as spaces, and what is [no text](Printable) as escapes. The joiners that scripts and
/// emoji need stay.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a>(pub &'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.char_indices().peekable();
        while let Some((start, character)) = characters.next() {
            match character {
                '\r' if characters.peek().is_some_and(|(_, next)| *next == '\n') => {}
                '\n' => f.write_str(" ⏎ ")?,
                '\t' => f.write_char(' ')?,
                '\u{200c}' | '\u{200d}' => f.write_char(character)?,
                _ => {
                    let end = start + character.len_utf8();
                    write!(f, "{}", Printable(&self.0[start..end]))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_one_line_and_harmless() {
        for (text, expected) in [
            ("hello", "hello"),
            ("a\nb\r\nc", "a ⏎ b ⏎ c"),
            ("a\tb", "a b"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\rb", "a\\u{d}b"),
            ("\u{202e}live", "\\u{202e}live"),
            ("\u{2028}", "\\u{2028}"),
            ("\u{e0041}", "\\u{e0041}"),
            ("👩\u{200d}🚀", "👩\u{200d}🚀"),
        ] {
            assert_eq!(Said(text).to_string(), expected);
        }
    }

    #[test]
    fn a_timestamp_is_a_day_and_a_time_or_neither() {
        let of = |timestamp| {
            let (day, time) = written(timestamp);
            format!("{day} {time}")
        };
        assert_eq!(of(1_652_997_756), "2022-05-19 22:02:36");
        assert_eq!(of(0), "1970-01-01 00:00:00");
        assert_eq!(of(YEAR_10000 as i64 - 1), "9999-12-31 23:59:59");
        for nonsense in [-1, i64::MIN, i64::MAX, YEAR_10000 as i64] {
            assert_eq!(of(nonsense), "on no day --:--:--");
        }
    }
}
