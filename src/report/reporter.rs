use std::io::{self, IsTerminal, LineWriter, Write};

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

/// Reports items on standard output.
///
/// A reader who hangs up (`wsbeat … | head`) does not end a conversation: what follows goes
/// nowhere. Other errors of the output are kept for [`finish`](Reporter::finish).
pub struct Reporter {
    format: Format,
    text: Text,
    live: Live,
    redactor: Redactor,
    out: Box<dyn Write + Send>,
    failure: Option<io::Error>,
}

impl Reporter {
    /// A reporter on standard output. It is coloured and has a live line if that is a terminal,
    /// and colours are welcome there.
    pub fn on_stdout(format: Format, redactor: &Redactor) -> Self {
        let live = if format == Format::Text && io::stdout().is_terminal() {
            Live::on_stdout()
        } else {
            Live::off()
        };
        let screen = Screen {
            live: live.clone(),
            stdout: anstream::AutoStream::auto(io::stdout()),
        };
        Reporter {
            format,
            text: Text::default(),
            live,
            redactor: redactor.clone(),
            // Whole lines at a time: they are not written piece by piece around the live line.
            out: Box::new(LineWriter::new(screen)),
            failure: None,
        }
    }

    /// The live line, for others who write to the same terminal.
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// Reports an item, without the secrets that a peer may have put into it.
    pub fn report(&mut self, item: &Item) {
        let item = &item.with_texts(|text| self.redactor.redact(text));
        let written = match self.format {
            Format::Json => json::write(item, &mut self.out),
            Format::Text => self.text.write(item, &mut self.out),
        };
        self.note(written);
        let flushed = self.out.flush();
        self.note(flushed);
        self.count(item);
    }

    /// Writes what is still held back, and takes the live line away.
    ///
    /// # Errors
    ///
    /// When any of what was reported could not be written, other than because its reader has hung
    /// up.
    pub fn finish(&mut self) -> io::Result<()> {
        self.live.clear();
        let written = self
            .text
            .flush(&mut self.out)
            .and_then(|()| self.out.flush());
        self.note(written);
        self.failure.take().map_or(Ok(()), Err)
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.out = Box::new(io::sink());
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.failure.get_or_insert(error);
            }
        }
    }

    /// Counts the time to the next beat, where there is one to come.
    fn count(&self, item: &Item) {
        match item {
            Item::Open(_) => self.live.count_behind(waiting_for(1)),
            Item::Beat(beat) if beat.recorded.is_none() => {
                let row = self.text.held_back().unwrap_or_default();
                self.live.count_behind(format!("{row}  …"));
            }
            Item::Verdict(VerdictItem {
                verdict: "good",
                round: Some(round),
                ..
            }) => self.live.set_text(waiting_for(round + 1)),
            Item::Verdict(_) | Item::Secret { .. } | Item::Error(_) | Item::Summary(_) => {
                self.live.clear();
            }
            _ => {}
        }
    }
}

/// The beginning of a row that the next beat will complete.
fn waiting_for(round: u32) -> String {
    format!("{round:>5}  …")
}

/// Standard output, out of the way of the live line.
struct Screen {
    live: Live,
    stdout: anstream::AutoStream<io::Stdout>,
}

impl Write for Screen {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.live.aside(|| self.stdout.write(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}
