//! The terminal while a view fills it, and its way back.

use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::queue;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The terminal in raw mode, and its other screen. Both are undone when this is dropped, and before
/// a panic, in whichever thread, is told of.
pub(in crate::report) struct Taken {
    terminal: Arc<Terminal>,
    /// What was to happen in a panic before.
    hook: Option<Arc<Hook>>,
}

/// What can be undone by whoever comes first.
#[derive(Debug)]
pub(in crate::report) struct Terminal(Mutex<Shown>);

/// Which screen of the terminal is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// The usual one, before.
    Usual,
    /// The one that knows no past.
    Alternate,
    /// The usual one again, for good.
    UsualAgain,
}

impl Taken {
    /// Takes the terminal into raw mode, in which it hands over each key as it is pressed, and
    /// Ctrl-C is one of them. Does not wait for a terminal that is held.
    ///
    /// # Errors
    ///
    /// When there is no terminal that can be.
    pub(in crate::report) fn new() -> io::Result<Self> {
        enable_raw_mode()?;
        let terminal = Arc::new(Terminal(Mutex::new(Shown::Usual)));
        let hook = Arc::new(panic::take_hook());
        let (undone, next) = (Arc::clone(&terminal), Arc::clone(&hook));
        panic::set_hook(Box::new(move |panic| {
            undone.leave();
            next(panic);
        }));
        Ok(Taken {
            terminal,
            hook: Some(hook),
        })
    }

    /// What others need to leave the terminal, or to write to it.
    pub(in crate::report) fn terminal(&self) -> Arc<Terminal> {
        Arc::clone(&self.terminal)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.terminal.leave();
        // A thread that panics must not touch the hook. It stays, then, and does no harm.
        if thread::panicking() {
            return;
        }
        drop(panic::take_hook());
        if let Some(hook) = self.hook.take().and_then(Arc::into_inner) {
            panic::set_hook(hook);
        }
    }
}

impl Terminal {
    /// Shows the other screen, unless the terminal has been left already.
    pub(super) fn enter(&self) -> io::Result<()> {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown == Shown::Usual {
            *shown = Shown::Alternate;
            let mut stdout = io::stdout();
            queue!(stdout, EnterAlternateScreen, Hide)?;
            stdout.flush()?;
        }
        Ok(())
    }

    /// Writes to the other screen.
    ///
    /// # Errors
    ///
    /// When it is gone, or the terminal is.
    pub(super) fn write(&self, text: &[u8]) -> io::Result<()> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown != Shown::Alternate {
            return Err(io::Error::other("the terminal has been left"));
        }
        let mut stdout = io::stdout();
        stdout.write_all(text)?;
        stdout.flush()
    }

    /// Ends the raw mode. This never waits, not even for a terminal that is held. Nobody is left to
    /// tell of an error.
    pub(in crate::report) fn calm(&self) {
        let _ = disable_raw_mode();
    }

    /// Undoes everything, once.
    pub(super) fn leave(&self) {
        self.calm();
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown == Shown::Alternate {
            let mut stdout = io::stdout();
            // A terminal that is gone needs no care.
            let _ = queue!(stdout, LeaveAlternateScreen, Show).and_then(|()| stdout.flush());
        }
        *shown = Shown::UsualAgain;
    }
}
