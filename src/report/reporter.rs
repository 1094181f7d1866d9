use std::io::{self, IsTerminal, Write};

use super::layout::LABEL;
use super::outlet::{Job, Outlet};
use super::text::Text;
use super::{Item, Live, Redactor, VerdictItem, json};

/// How items are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// Objects for scripts.
    Json,
}

/// Reports items on standard output, without waiting for whoever reads them.
///
/// A reader who hangs up (`wsbeat … | head`) does not end a conversation: what follows goes
/// nowhere.
#[derive(Debug)]
pub struct Reporter {
    format: Format,
    text: Text,
    redactor: Redactor,
    outlet: Outlet,
    patience: Patience,
}

/// What becomes of items for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// They are dropped: nothing waits for a reader.
    None,
    /// They are kept: whoever reports them waits for [`room`](Reporter::room) now and then.
    Some,
}

impl Reporter {
    /// A reporter on standard output, and the live line that others who write to the same terminal
    /// have to step around. Text is coloured and has a live line if standard output is a terminal
    /// and colours are welcome there; one of the kind TERM=dumb has neither.
    ///
    /// # Errors
    ///
    /// When there can be no thread that writes.
    pub fn on_stdout(format: Format, redactor: &Redactor) -> io::Result<(Self, Live)> {
        let (live, mut stdout): (_, Box<dyn Write + Send>) = match format {
            Format::Json => (Live::off(), Box::new(io::stdout())),
            Format::Text => {
                // Where a cursor cannot be moved, each drawing of it would stay.
                let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
                let live = if io::stdout().is_terminal() && !is_dumb {
                    Live::on_stdout()?
                } else {
                    Live::off()
                };
                (live, Box::new(anstream::AutoStream::auto(io::stdout())))
            }
        };
        let line = live.clone();
        let outlet = Outlet::new(move |job| match job {
            Job::Write(text) => line.aside(&text, |text| {
                stdout.write_all(text)?;
                stdout.flush()
            }),
            Job::Count(text) => {
                line.count_behind(text);
                Ok(())
            }
            Job::Retitle(text) => {
                line.set_text(text);
                Ok(())
            }
            Job::Clear => {
                line.clear();
                Ok(())
            }
        })?;
        let reporter = Reporter {
            format,
            text: Text::default(),
            redactor: redactor.clone(),
            outlet,
            patience: Patience::None,
        };
        Ok((reporter, live))
    }

    /// Reports an item, without the secrets that a peer may have put into it.
    pub fn report(&mut self, item: &Item) {
        let item = &item.with_texts(|text| self.redactor.redact(text));
        self.write(|format, text, out| match format {
            Format::Json => json::write(item, out),
            Format::Text => text.write(item, out),
        });
        self.count(item);
    }

    /// Tells the person at a terminal something that is no item: an answer to what was typed there.
    /// Scripts do not read it.
    pub fn tell(&mut self, text: &str) {
        let text = self.redactor.redact(text);
        self.write(|format, _, out| match format {
            Format::Json => Ok(()),
            Format::Text => writeln!(out, "{text}"),
        });
    }

    /// Writes a heading for people above what comes.
    pub fn head(&mut self, heading: &str) {
        self.write(|format, _, out| match format {
            Format::Json => Ok(()),
            Format::Text => writeln!(out, "\n{LABEL}{heading}{LABEL:#}"),
        });
    }

    /// Where everything goes out, for others who have a say in what the live line does.
    pub fn outlet(&self) -> Outlet {
        self.outlet.clone()
    }

    /// Shows on the live line what is waited for, until the next item.
    pub fn wait_for(&self, what: &str) {
        self.outlet.send(Job::Count(format!("{what}  …")));
    }

    /// Shows on the live line how what is waited for has come along.
    pub fn still_wait_for(&self, what: &str) {
        self.outlet.send(Job::Retitle(what.to_owned()));
    }

    /// Waits until whoever reads has caught up. Whoever does so now and then loses no item from
    /// here on, however slow the reader.
    pub async fn room(&mut self) {
        self.patience = Patience::Some;
        self.outlet.room().await;
    }

    /// Writes what is still held back, takes the live line away, and waits until all has been read.
    ///
    /// # Errors
    ///
    /// When any of what was reported could not be written, other than because its reader has hung
    /// up.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.outlet.send(Job::Clear);
        self.write(|_, text, out| text.flush(out));
        self.outlet.emptied().await
    }

    fn write(&mut self, write: impl FnOnce(Format, &mut Text, &mut Vec<u8>) -> io::Result<()>) {
        let mut lines = Vec::new();
        // Writing to memory does not fail.
        if write(self.format, &mut self.text, &mut lines).is_ok() && !lines.is_empty() {
            match self.patience {
                Patience::None => self.outlet.send(Job::Write(lines)),
                Patience::Some => self.outlet.send_surely(Job::Write(lines)),
            }
        }
    }

    /// Counts the time to the next beat, where there is one to come.
    fn count(&self, item: &Item) {
        let job = match item {
            Item::Open(open) if open.target.is_none() => Job::Count(waiting_for(1)),
            Item::Beat(beat) if beat.recorded.is_none() => {
                let row = self.text.held_back().unwrap_or_default();
                Job::Count(format!("{row}  …"))
            }
            Item::Verdict(VerdictItem {
                verdict: "good",
                round: Some(round),
                ..
            }) => Job::Retitle(waiting_for(round + 1)),
            Item::Verdict(_)
            | Item::Secret { .. }
            | Item::Error(_)
            | Item::Summary(_)
            | Item::Simulation(_)
            | Item::Open(_)
            | Item::PingSummary(_)
            | Item::Chat(_)
            | Item::ChatSummary(_)
            | Item::Registration(_)
            | Item::RegistrationSummary(_) => Job::Clear,
            _ => return,
        };
        self.outlet.send(job);
    }
}

/// The beginning of a row that the next beat will complete.
fn waiting_for(round: u32) -> String {
    format!("{round:>5}  …")
}
