//! A registration as lines for people.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use anstyle::Style;

use super::{KeyItem, RegistrationItem, RegistrationNews, RegistrationSummaryItem};
use crate::conversation::registration::{PublicKey, Request};
use crate::link::Printable;
use crate::report::Outcome;
use crate::report::layout::{BAD, GOOD, LABEL, WARN, counted, label, lines};
use crate::report::spoken::{Calendar, FAINT, Said, beginning, colour_of, notice};

/// Writes what happens in a registration as lines: each message is one.
#[derive(Debug, Default)]
pub(in crate::report) struct RegistrationLines {
    calendar: Calendar,
    recording: Option<String>,
}

impl RegistrationLines {
    /// Writes an item.
    pub(in crate::report) fn write(
        &mut self,
        item: &RegistrationItem,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if self.recording != item.recording {
            *self = RegistrationLines {
                recording: item.recording.clone(),
                ..RegistrationLines::default()
            };
            if let Some(recording) = &item.recording {
                writeln!(out, "\n{LABEL}{}{LABEL:#}", Printable(recording))?;
            }
        }
        match &item.news {
            RegistrationNews::Registered { public_key, .. } => match public_key {
                Some(key) => notice(out, GOOD, format_args!("registered as {}", key.short())),
                None => notice(out, GOOD, "registered"),
            },
            RegistrationNews::Rejected { retries, .. } => {
                let left = match retries {
                    0 => "there is no other try".to_owned(),
                    1 => "there is another try".to_owned(),
                    more => format!("there are {more} other tries"),
                };
                notice(out, WARN, format_args!("the answer was rejected; {left}"))
            }
            RegistrationNews::Unregistered { reason, .. } => {
                let mut text = "registered no more".to_owned();
                if !reason.is_empty() {
                    // Writing to a string does not fail.
                    let _ = write!(text, ": {}", Printable(reason));
                }
                notice(out, WARN, text)
            }
            RegistrationNews::Foreign { challenge, .. } => notice(
                out,
                BAD,
                format_args!("not signed: \"{}\"", Said(&beginning(challenge))),
            ),
            RegistrationNews::Heard {
                from,
                text,
                timestamp,
                ..
            } => {
                let time = self.calendar.time(*timestamp, out)?;
                let style = colour_of(&from.to_string());
                writeln!(
                    out,
                    "{FAINT}{time}{FAINT:#} {style}{}{style:#}  {}",
                    from.short(),
                    Said(text)
                )
            }
            RegistrationNews::Delivered {
                text,
                to,
                connections,
                ..
            } => {
                let bold = Style::new().bold();
                // Nobody has said what time it was. It is as wide as one.
                let time = "";
                writeln!(
                    out,
                    "{time:8} {bold}you{}{bold:#}  {}{FAINT}{}{FAINT:#}",
                    Addressee(to.as_ref()),
                    Said(text),
                    Reach(to.as_ref(), *connections)
                )
            }
            RegistrationNews::Refused {
                text, to, reason, ..
            } => {
                let reason = Printable(reason);
                match text {
                    Some(text) => notice(
                        out,
                        BAD,
                        format_args!(
                            "not said{}: \"{}\": {reason}",
                            Addressee(to.as_ref()),
                            Said(&beginning(text))
                        ),
                    ),
                    None => notice(out, BAD, format_args!("refused: {reason}")),
                }
            }
            RegistrationNews::Held {
                retry_in_ms, what, ..
            } => {
                let what = match what {
                    Request::Line => "the line is said",
                    Request::Answer | Request::Challenge => "the answer is given",
                };
                notice(
                    out,
                    WARN,
                    format_args!(
                        "too fast for the registrar: {what} again in {:.1} s",
                        retry_in_ms / 1e3
                    ),
                )
            }
            RegistrationNews::Unanswered { what, .. } => {
                let what = match what {
                    Request::Challenge => "the registrar does not challenge",
                    Request::Answer => "the registrar does not say what it makes of the answer",
                    Request::Line => "the registrar does not answer to the line",
                };
                notice(out, BAD, what)
            }
            RegistrationNews::Overfull { text, to, .. } => notice(
                out,
                BAD,
                format_args!(
                    "not said{}: \"{}\": too much waits for its turn already",
                    Addressee(to.as_ref()),
                    Said(&beginning(text))
                ),
            ),
            RegistrationNews::Odd { reason, .. } => notice(
                out,
                WARN,
                format_args!("the registrar makes no sense: {}", Printable(reason)),
            ),
            RegistrationNews::Unproven { reason, .. } => notice(
                out,
                BAD,
                format_args!("the answer proves nothing: {}", Printable(reason)),
            ),
        }
    }
}

/// Writes which key it is.
pub(in crate::report) fn write_key(key: &KeyItem, out: &mut impl Write) -> io::Result<()> {
    label(out, "key", key.public_key)?;
    match (&key.file, key.is_new) {
        (Some(file), true) => label(
            out,
            "",
            format_args!("made, and kept in {}", Printable(file)),
        ),
        (Some(_), false) => Ok(()),
        (None, _) => label(out, "", "of this run only; --key FILE keeps one"),
    }
}

/// Writes what a registration has come to.
pub(in crate::report) fn write_registration_summary(
    summary: &RegistrationSummaryItem,
    out: &mut impl Write,
) -> io::Result<()> {
    let nothing_happened = summary.connections == 0;
    if nothing_happened && summary.outcome == Outcome::Failed {
        // The error says it all.
        return Ok(());
    }
    let mut text = match summary.registered {
        0 => "never registered".to_owned(),
        1 => "registered".to_owned(),
        times => format!("registered {}", counted(times, "time")),
    };
    let _ = write!(
        text,
        ", {} delivered, {} heard",
        summary.delivered, summary.heard
    );
    for (number, what) in [
        (summary.refused, "refused"),
        (summary.unsaid.unwrap_or(0), "left unsaid"),
    ] {
        if number > 0 {
            let _ = write!(text, ", {number} {what}");
        }
    }
    if summary.rejected > 0 {
        let _ = write!(text, ", {} rejected", counted(summary.rejected, "answer"));
    }
    writeln!(out)?;
    for (index, line) in lines(&text).iter().enumerate() {
        let word = summary.outcome.as_str();
        label(out, if index == 0 { word } else { "" }, line)?;
    }
    Ok(())
}

/// To whom a line is said, if not to everybody.
struct Addressee<'a>(Option<&'a PublicKey>);

impl fmt::Display for Addressee<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(key) => write!(f, " to {}", key.short()),
        }
    }
}

/// How many connections a line has reached, where that says something.
struct Reach<'a>(Option<&'a PublicKey>, usize);

impl fmt::Display for Reach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (_, 0) => f.write_str("  (nobody else is there)"),
            (Some(_), 1) => Ok(()),
            (_, 1) => f.write_str("  (1 other)"),
            (_, others) => write!(f, "  ({others} others)"),
        }
    }
}
