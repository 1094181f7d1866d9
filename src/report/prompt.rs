//! The line that a person types at the bottom of a terminal, below what is reported meanwhile.

mod drawing;
mod line;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event, EventStream};
use futures_util::StreamExt;
use tokio::runtime;
use tokio::sync::mpsc;

use self::drawing::Size;
use self::line::{Line, Pressed};
use super::Live;
use super::above::{Above, Wish};
use super::live::Prompted;
use super::view::{Colours, Taken, Terminal};

/// How often the thread at the prompt looks whether the terminal is still there. Reading from one
/// that is gone does not tell: crossterm takes its end for nothing typed.
const LOOK: Duration = Duration::from_secs(1);

/// How many events are taken at most before the line is drawn anew. What is pasted comes key by key,
/// and would be drawn as often.
const AT_ONCE: usize = 1024;

/// A prompt, and the line that is being typed behind it, until it is dropped. All that others write
/// to the terminal meanwhile appears above it.
///
/// A thread of its own reads the keys and does the drawing, so that nothing else waits for a
/// terminal that is held. Dropping the prompt does not wait either: the terminal leaves raw mode at
/// once, and the line is taken away before anybody else writes there.
#[derive(Debug)]
pub struct Prompt {
    wishes: mpsc::UnboundedSender<Wish>,
    terminal: Arc<Terminal>,
    live: Live,
    asked: String,
}

/// What a person does at a prompt, other than editing the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line, whole.
    Line(String),
    /// Ctrl-D: there will be no more.
    End,
}

impl Prompt {
    /// Takes the terminal on standard input and output, which is where the live line stands, and
    /// shows this prompt there. What is typed comes out of the receiver, which ends when nothing can
    /// be typed any more. It has no bounds but the person's patience: were it full, Ctrl-C could not
    /// be heard any more. For that, `interrupt` is called.
    ///
    /// # Errors
    ///
    /// When there is no terminal, or can be no thread.
    pub fn open(
        prompt: &str,
        live: &Live,
        colours: Colours,
        interrupt: impl Fn() + Send + 'static,
    ) -> io::Result<(Self, mpsc::UnboundedReceiver<Typed>)> {
        let (wishes, wished) = mpsc::unbounded_channel();
        let (typing, typed) = mpsc::unbounded_channel();
        let above = Above::new(wishes.clone(), colours);
        // First of all: in raw mode, lines that go straight to the terminal would come out as stairs.
        let prompted = live.prompted(above);
        let taken = Taken::new()?;
        let terminal = taken.terminal();
        let typist = Typist {
            typing,
            interrupt,
            taken,
            _prompted: prompted,
        };
        // From here on an error drops the prompt, and with it all that has been begun.
        let opened = Prompt {
            wishes,
            terminal,
            live: live.clone(),
            asked: prompt.to_owned(),
        };
        let prompt = prompt.to_owned();
        thread::Builder::new()
            .name("prompt".to_owned())
            .spawn(move || typist.run(prompt, wished))?;
        Ok((opened, typed))
    }

    /// Shows another prompt before what is being typed.
    pub fn ask(&mut self, prompt: &str) {
        if self.asked == prompt {
            return;
        }
        prompt.clone_into(&mut self.asked);
        // Where nothing is shown any more, this neither.
        let _ = self.wishes.send(Wish::Ask(prompt.to_owned()));
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        self.live.end_prompt();
        let _ = self.wishes.send(Wish::Leave);
        self.terminal.calm();
    }
}

/// What reads the keys and draws the line.
struct Typist<I> {
    typing: mpsc::UnboundedSender<Typed>,
    interrupt: I,
    /// Given back before others write to the terminal again: fields are dropped in this order.
    taken: Taken,
    _prompted: Prompted,
}

impl<I: Fn()> Typist<I> {
    fn run(self, prompt: String, wishes: mpsc::UnboundedReceiver<Wish>) {
        // Whatever goes wrong here, the receiver of what is typed ends by it.
        if let Err(error) = self.serve(prompt, wishes) {
            tracing::debug!(%error, "the prompt broke down");
        }
    }

    fn serve(&self, prompt: String, wishes: mpsc::UnboundedReceiver<Wish>) -> io::Result<()> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        runtime.block_on(self.attend(Line::new(prompt), wishes))
    }

    async fn attend(
        &self,
        mut line: Line,
        mut wishes: mpsc::UnboundedReceiver<Wish>,
    ) -> io::Result<()> {
        let mut events = EventStream::new();
        let mut look = tokio::time::interval(LOOK);
        write(line.show(Size::now()))?;
        loop {
            tokio::select! {
                biased;
                event = events.next() => {
                    let event = event.unwrap_or_else(|| Err(gone()))?;
                    self.take(event, &mut line)?;
                }
                wish = wishes.recv() => match wish {
                    Some(Wish::Print(text, done)) => {
                        write(line.print(&text, Size::now()))?;
                        // Who does not wait for it any more need not be told.
                        let _ = done.send(());
                    }
                    Some(Wish::Ask(prompt)) => {
                        line.ask(prompt);
                        write(line.show(Size::now()))?;
                    }
                    Some(Wish::Leave) | None => return write(line.erase(Size::now())),
                },
                _ = look.tick() => if !stdin().is_terminal() {
                    return Err(gone());
                },
            }
        }
    }

    /// Does what an event means, and those that have come after it, and draws the line once.
    fn take(&self, first: Event, line: &mut Line) -> io::Result<()> {
        let mut event = first;
        let mut is_alone = false;
        for left in (0..AT_ONCE).rev() {
            // Nobody may listen any more: then there is an end to it soon.
            match line.take(&event) {
                Some(Pressed::Enter(text)) => drop(self.typing.send(Typed::Line(text))),
                Some(Pressed::End) => drop(self.typing.send(Typed::End)),
                Some(Pressed::Interrupt) => (self.interrupt)(),
                Some(Pressed::Clear) => is_alone = true,
                None => {}
            }
            if left == 0 || !event::poll(Duration::ZERO)? {
                break;
            }
            event = event::read()?;
        }
        let size = Size::now();
        write(if is_alone {
            line.show_alone(size)
        } else {
            line.show(size)
        })
    }
}

/// Writes to the terminal, all at once.
fn write(text: impl AsRef<[u8]>) -> io::Result<()> {
    let mut stdout = stdout().lock();
    stdout.write_all(text.as_ref())?;
    stdout.flush()
}

fn gone() -> io::Error {
    io::Error::other("the terminal is gone")
}

impl<I> Drop for Typist<I> {
    fn drop(&mut self) {
        // Before anything else: what follows here could wait for a terminal that is held.
        self.taken.terminal().calm();
    }
}
