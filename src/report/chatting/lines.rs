//! A chat as lines for people.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::Style;

use super::{ChatItem, ChatNews, ChatSummaryItem};
use crate::conversation::chat::Request;
use crate::link::Printable;
use crate::report::Outcome;
use crate::report::layout::{BAD, LABEL, WARN, counted, label};
use crate::report::spoken::{Calendar, FAINT, Said, beginning, colour_of, notice};

/// Writes what happens in a chat as lines: each message is one.
#[derive(Debug, Default)]
pub(in crate::report) struct ChatLines {
    /// Whose chat this is.
    me: Option<String>,
    /// What its name was before, until everybody has been told.
    formerly: Option<String>,
    calendar: Calendar,
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
        let time = self.calendar.time(timestamp, out)?;
        if how == "missed" && self.how != Some("missed") {
            notice(out, WARN, "missed while away")?;
        }
        self.how = Some(how);
        let name = match how {
            "earlier" => colour_of(user).dimmed(),
            "own" => colour_of(user).bold(),
            _ => colour_of(user),
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

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(|name| Printable(name).to_string()).collect();
    names.join(", ")
}
