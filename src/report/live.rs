use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::above::Above;
use crate::link::clock;

/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// Takes the line away that the cursor stands in.
const ERASE: &str = "\r\u{1b}[2K";

/// How many columns stay free: a terminal writes `^C` there when it is pressed, and a line that it
/// had to break would not be taken away whole.
const FREE: usize = 3;

/// How wide a terminal is that does not say.
const COLUMNS: usize = 80;

/// The line at the bottom of a terminal that counts up while something is awaited. Off a terminal
/// it does nothing.
#[derive(Clone, Debug)]
pub struct Live(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    line: Mutex<Line>,
    /// There is something to count for, or the terminal is everybody's again.
    begun: Condvar,
    /// The terminal is everybody's again.
    released: Condvar,
}

#[derive(Debug)]
struct Line {
    /// What is counted for, if anything is.
    text: Option<String>,
    since: Instant,
    claim: Claim,
}

/// Whose the terminal is.
#[derive(Clone, Debug)]
enum Claim {
    Everybodys,
    Held,
    /// There is a prompt, and everybody writes above it.
    Prompted(Above),
}

/// The terminal to oneself: until this is dropped, whoever else wants to write there
/// [waits](Live::hold).
#[derive(Debug)]
pub struct Hold(Option<Arc<Shared>>);

/// The bottom of the terminal to a [prompt](super::Prompt), until this is dropped.
#[derive(Debug)]
pub(super) struct Prompted {
    _hold: Hold,
}

impl Live {
    /// A live line on standard output, which is a terminal.
    ///
    /// # Errors
    ///
    /// When there can be no thread that draws it.
    pub fn on_stdout() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            line: Mutex::new(Line {
                text: None,
                since: clock::now(),
                claim: Claim::Everybodys,
            }),
            begun: Condvar::new(),
            released: Condvar::new(),
        });
        let drawn = Arc::clone(&shared);
        thread::Builder::new()
            .name("live line".to_owned())
            .spawn(move || {
                loop {
                    drawn.tick();
                    thread::sleep(TICK);
                }
            })?;
        Ok(Live(Some(shared)))
    }

    /// No live line.
    pub fn off() -> Self {
        Live(None)
    }

    /// Counts from zero, behind this text.
    pub fn count_behind(&self, text: String) {
        self.change(|line| {
            line.text = Some(text);
            line.since = clock::now();
        });
    }

    /// Goes on counting, behind another text.
    pub fn set_text(&self, text: String) {
        self.change(|line| line.text = Some(text));
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.change(|line| line.text = None);
    }

    fn change(&self, change: impl FnOnce(&mut Line)) {
        if let Some(shared) = &self.0 {
            let mut line = shared.lock_released();
            line.erase();
            change(&mut line);
            line.draw();
            shared.begun.notify_one();
        }
    }

    /// Writes whole lines to the terminal, by `write` and while the line is out of the way, or else
    /// above the prompt, if there is one.
    pub fn aside(
        &self,
        text: &[u8],
        write: impl FnOnce(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(shared) = &self.0 else {
            return write(text);
        };
        let mut line = shared.lock_released();
        if let Claim::Prompted(above) = &line.claim {
            let above = above.clone();
            drop(line);
            if above.write(text).is_ok() {
                return Ok(());
            }
            // The prompt is about to be gone.
            line = shared.lock_unclaimed();
        }
        line.erase();
        let done = write(text);
        line.draw();
        done
    }

    /// Takes the terminal for something that fills it. Until the hold is dropped, all that goes
    /// [aside](Live::aside), and the line itself, waits: on the threads of the
    /// [outlets](super::Outlet), so that nobody else does. Off a terminal this holds nothing.
    pub fn hold(&self) -> Hold {
        self.claim(Claim::Held);
        Hold(self.0.clone())
    }

    /// Gives the bottom of the terminal to a prompt. Until this is dropped, all that goes
    /// [aside](Live::aside) goes above it, and the line is not seen.
    pub(super) fn prompted(&self, above: Above) -> Prompted {
        self.claim(Claim::Prompted(above));
        Prompted {
            _hold: Hold(self.0.clone()),
        }
    }

    /// The prompt, if there still is one, takes no lines any more: who wants to write waits until it
    /// is gone.
    pub(super) fn end_prompt(&self) {
        if let Some(shared) = &self.0 {
            let mut line = shared.lock();
            if let Claim::Prompted(_) = line.claim {
                line.claim = Claim::Held;
            }
        }
    }

    fn claim(&self, claim: Claim) {
        if let Some(shared) = &self.0 {
            let mut line = shared.lock_released();
            line.erase();
            line.claim = claim;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            let mut line = shared.lock();
            line.claim = Claim::Everybodys;
            line.draw();
            shared.released.notify_all();
            shared.begun.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Line> {
        // Nothing that holds the lock can leave its work half done.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, once the terminal is not held.
    fn lock_released(&self) -> MutexGuard<'_, Line> {
        self.released
            .wait_while(self.lock(), |line| matches!(line.claim, Claim::Held))
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, once the terminal is nobody else's in any way.
    fn lock_unclaimed(&self) -> MutexGuard<'_, Line> {
        self.released
            .wait_while(self.lock(), |line| !line.is_everybodys())
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws the line anew, once there is one and room for it.
    fn tick(&self) {
        let line = self.begun.wait_while(self.lock(), |line| {
            line.text.is_none() || !line.is_everybodys()
        });
        line.unwrap_or_else(PoisonError::into_inner).draw();
    }
}

impl Line {
    fn is_everybodys(&self) -> bool {
        matches!(self.claim, Claim::Everybodys)
    }

    fn draw(&self) {
        if let Some(text) = self.text.as_ref().filter(|_| self.is_everybodys()) {
            let waited = clock::now().saturating_duration_since(self.since);
            let columns = terminal_size::terminal_size();
            let columns = columns.map_or(COLUMNS, |(width, _)| width.0.into());
            write(&shown(text, waited, columns));
        }
    }

    fn erase(&self) {
        if self.text.is_some() && self.is_everybodys() {
            write(ERASE);
        }
    }
}

/// What is drawn for a text, on a terminal of so many columns.
fn shown(text: &str, waited: Duration, columns: usize) -> String {
    let line = format!("{text} {:.1} s", waited.as_secs_f64());
    let room = columns.saturating_sub(FREE);
    ERASE.chars().chain(line.chars().take(room)).collect()
}

/// A line that cannot be drawn is no reason for anything.
fn write(text: &str) {
    let mut stdout = io::stdout();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_never_as_wide_as_the_terminal() {
        let waited = Duration::from_millis(1234);
        assert_eq!(shown("    1  …", waited, 80), "\r\u{1b}[2K    1  … 1.2 s");
        assert_eq!(shown("    1  …", waited, 10), "\r\u{1b}[2K    1  ");
        assert_eq!(shown("    1  …", waited, 0), ERASE);
    }

    #[test]
    fn while_the_terminal_is_held_all_others_wait() {
        let live = Live::on_stdout().unwrap();
        let hold = live.hold();
        let (written, seen) = std::sync::mpsc::channel();
        let (others, before) = (live.clone(), written.clone());
        let other = thread::spawn(move || {
            others.aside(b"", |_| written.send("another").map_err(io::Error::other))
        });
        // Whichever of the two comes first: the other one cannot before the hold is dropped.
        before.send("the holder").unwrap();
        drop(hold);
        other.join().unwrap().unwrap();
        assert_eq!(
            seen.try_iter().collect::<Vec<_>>(),
            ["the holder", "another"]
        );
        live.aside(b"", |_| Ok(())).unwrap();
    }
}
