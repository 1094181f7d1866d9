//! A chat as lines for people.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use anstyle::Style;

use super::{ChatItem, ChatNews, ChatSummaryItem, colour};
use crate::conversation::chat::Request;
use crate::link::Printable;
use crate::report::Outcome;
use crate::report::layout::{BAD, LABEL, WARN, counted, label, lines};

/// What is not said by anybody, and what was said long ago.
const FAINT: Style = Style::new().dimmed();

/// How much of a line that was refused is repeated.
const QUOTED: usize = 40;

/// The first second of the year 10000, since 1970: from there on a year has five digits.
const YEAR_10000: u64 = 253_402_300_800;

/// Writes what happens in a chat as lines: each message is one.
#[derive(Debug, Default)]
pub(in crate::report) struct ChatLines {
    /// Whose chat this is.
    me: Option<String>,
    /// What its name was before, until everybody has been told.
    formerly: Option<String>,
    /// The day of the last message, and whether anybody has been told whose days these are.
    day: Option<String>,
    /// How the last message came to be heard.
    how: Option<&'static str>,
    recording: Option<String>,
}

impl ChatLines {
    /// Writes an item.
    pub(in crate::report) fn write(
        &mut self,
        item: &ChatItem,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if self.recording != item.recording {
            *self = ChatLines {
                recording: item.recording.clone(),
                ..ChatLines::default()
            };
            if let Some(recording) = &item.recording {
                writeln!(out, "\n{LABEL}{}{LABEL:#}", Printable(recording))?;
            }
        }
        match &item.news {
            ChatNews::Entered { channel, .. } => {
                self.how = None;
                notice(out, FAINT, format_args!("in #{}", Printable(channel)))
            }
            ChatNews::Named { user, .. } => {
                self.formerly = self.me.replace(user.clone());
                notice(out, FAINT, format_args!("you are {}", Printable(user)))
            }
            ChatNews::Unnamed { user, .. } => notice(
                out,
                WARN,
                format_args!(
                    "the name {} was free for a moment, since no answer came in time; claiming it \
                     again",
                    Printable(user)
                ),
            ),
            ChatNews::NameRefused {
                user,
                reason,
                retry_in_ms,
                ..
            } => {
                let mut text = format!("you cannot be {}", Printable(user));
                if !reason.is_empty() {
                    let _ = write!(text, ": {}", Printable(reason));
                }
                match retry_in_ms {
                    None => notice(out, BAD, text),
                    Some(wait) => notice(
                        out,
                        WARN,
                        format_args!("{text} (claiming it again in {:.1} s)", wait / 1e3),
                    ),
                }
            }
            ChatNews::Message {
                user,
                text,
                timestamp,
                how,
                ..
            } => self.message(user, text, *timestamp, how, out),
            ChatNews::Presence {
                came,
                went,
                total,
                roster,
                ..
            } => self.presence(came, went, *total, *roster, out),
            ChatNews::Refused { text, reason, .. } => {
                let reason = Printable(reason);
                match text {
                    Some(text) => notice(
                        out,
                        BAD,
                        format_args!("not said: \"{}\": {reason}", Said(&beginning(text))),
                    ),
                    None => notice(out, BAD, format_args!("refused: {reason}")),
                }
            }
            ChatNews::Held {
                retry_in_ms, what, ..
            } => {
                let again = match what {
                    Request::Line => "the line is said again",
                    Request::Name => "the name is claimed again",
                    Request::Channel => "the channel is asked for again",
                };
                notice(
                    out,
                    WARN,
                    format_args!(
                        "too fast for the room: {again} in {:.1} s",
                        retry_in_ms / 1e3
                    ),
                )
            }
            ChatNews::Unanswered { what, .. } => {
                let what = match what {
                    Request::Line => "the room does not answer to the line",
                    Request::Name => "the room does not answer to the name",
                    Request::Channel => "the room opens no channel",
                };
                notice(out, BAD, what)
            }
            ChatNews::Forgotten { .. } => notice(
                out,
                WARN,
                "more may have been said while you were away than the room remembers",
            ),
            ChatNews::Overfull { text, .. } => {
                let what = match text {
                    Some(text) => format!("not said: \"{}\"", Said(&beginning(text))),
                    None => "not done".to_owned(),
                };
                notice(
                    out,
                    BAD,
                    format_args!("{what}: too much waits for its turn already"),
                )
            }
            ChatNews::Odd { reason, .. } => notice(
                out,
                WARN,
                format_args!("the room makes no sense: {}", Printable(reason)),
            ),
        }
    }

    fn message(
        &mut self,
        user: &str,
        text: &str,
        timestamp: i64,
        how: &'static str,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (day, time) = written(timestamp);
        if self.day.as_ref() != Some(&day) {
            match self.day {
                None => notice(out, FAINT, format_args!("{day}, times in UTC"))?,
                Some(_) => notice(out, FAINT, &day)?,
            }
            self.day = Some(day);
        }
        if how == "missed" && self.how != Some("missed") {
            notice(out, WARN, "missed while away")?;
        }
        self.how = Some(how);
        let name = match how {
            "earlier" => colour::of(user).dimmed(),
            "own" => colour::of(user).bold(),
            _ => colour::of(user),
        };
        let said = match how {
            "earlier" => FAINT,
            _ => Style::new(),
        };
        writeln!(
            out,
            "{FAINT}{time}{FAINT:#} {name}{}{name:#}  {said}{}{said:#}",
            Printable(user),
            Said(text)
        )
    }

    fn presence(
        &mut self,
        came: &[String],
        went: &[String],
        total: usize,
        is_roster: bool,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if is_roster {
            let mut text = match came {
                [] if total == 0 => "nobody is here".to_owned(),
                [] => "here".to_owned(),
                names => format!("here: {}", list(names.iter())),
            };
            let unlisted = total.saturating_sub(came.len());
            if unlisted > 0 {
                let _ = write!(text, " and {unlisted} more");
            }
            return notice(out, FAINT, text);
        }
        let formerly = self.formerly.take();
        let me = [self.me.as_ref(), formerly.as_ref()];
        let others = |names: &[String]| list(names.iter().filter(|it| !me.contains(&Some(it))));
        for (names, what) in [(others(came), "came"), (others(went), "went")] {
            if !names.is_empty() {
                notice(out, FAINT, format_args!("{names} {what}"))?;
            }
        }
        Ok(())
    }
}

/// Writes what a chat has come to.
pub(in crate::report) fn write_chat_summary(
    summary: &ChatSummaryItem,
    out: &mut impl Write,
) -> io::Result<()> {
    let nothing_happened = summary.connections == 0;
    if nothing_happened && summary.outcome == Outcome::Failed {
        // The error says it all.
        return Ok(());
    }
    let mut text = format!("{} said, {} heard", summary.sent, summary.received);
    for (number, what) in [
        (summary.refused, "refused"),
        (summary.unsaid.unwrap_or(0), "left unsaid"),
    ] {
        if number > 0 {
            let _ = write!(text, ", {number} {what}");
        }
    }
    if summary.connections > 1 {
        let connections = counted(summary.connections.into(), "connection");
        let _ = write!(text, ", over {connections}");
    }
    writeln!(out)?;
    label(out, summary.outcome.as_str(), text)
}

/// Writes what nobody said, set apart from what somebody could say.
fn notice(out: &mut impl Write, style: Style, text: impl fmt::Display) -> io::Result<()> {
    let lines = lines(&text.to_string());
    for (index, line) in lines.iter().enumerate() {
        let begin = if index == 0 { "—" } else { " " };
        let end = if index + 1 == lines.len() { " —" } else { "" };
        writeln!(out, "{style}{begin} {line}{end}{style:#}")?;
    }
    Ok(())
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(|name| Printable(name).to_string()).collect();
    names.join(", ")
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

fn beginning(text: &str) -> String {
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
