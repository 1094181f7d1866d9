//! A view on a terminal.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::{TerminalOptions, Viewport};
use tokio::sync::mpsc;

use super::terminal::{Taken, Terminal};
use super::{Moment, Stage, View};
use crate::link::clock;
use crate::report::{Hold, PingTallies, PingTally, Redactor, Standing};

/// How often the view is drawn.
const TICK: Duration = Duration::from_millis(100);

/// How often the thread that waits for keys looks whether there is still a screen.
const LOOK: Duration = Duration::from_millis(50);

/// How large a terminal is that does not say.
const SIZE: (u16, u16) = (80, 24);

/// No terminal is larger: one that says so is not to be believed.
const LARGEST: (u16, u16) = (1000, 500);

/// A live view that fills the terminal, until it is dropped.
///
/// A thread of its own draws, about ten times a second, and another one reads the keys. So nothing
/// waits for a terminal that is held, and keys are heard all the same. Dropping the screen does not
/// wait either: the terminal leaves raw mode at once, and what else is to be undone is done before
/// the [`Hold`] is given up. Whatever is reported meanwhile waits for that.
#[derive(Debug)]
pub struct Screen {
    wishes: Arc<Wishes>,
    terminal: Arc<Terminal>,
    broken: mpsc::Receiver<io::Error>,
}

impl Screen {
    /// Takes the terminal on standard input and output, and draws what there is in the tallies,
    /// with secrets blanked. `quit` is called for each press of `q`, Escape or Ctrl-C.
    ///
    /// # Errors
    ///
    /// When there is no terminal, or can be no threads.
    pub fn open(
        view: View,
        tallies: PingTallies,
        redactor: Redactor,
        hold: Hold,
        quit: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let wishes = Arc::new(Wishes::default());
        let taken = Taken::new()?;
        let terminal = taken.terminal();
        let (break_down, broken) = mpsc::channel(2);
        let painter = Painter {
            view,
            tallies,
            redactor,
            since: clock::now(),
            wishes: Arc::clone(&wishes),
            broken: break_down.clone(),
            taken,
            _hold: hold,
        };
        // From here on an error drops the screen, and with it all that has been begun.
        let screen = Screen {
            wishes: Arc::clone(&wishes),
            terminal,
            broken,
        };
        thread::Builder::new()
            .name("view".to_owned())
            .spawn(move || painter.run())?;
        thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || {
                if let Err(error) = read_keys(&wishes, quit) {
                    // Whoever listens needs to hear of one error only.
                    let _ = break_down.try_send(error);
                }
            })?;
        Ok(screen)
    }

    /// Waits until the view cannot be shown any more, or its keys not be read: forever, if all goes
    /// well.
    pub async fn broken(&mut self) -> io::Error {
        match self.broken.recv().await {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.wishes.change(|wish| wish.is_closed = true);
        self.terminal.calm();
    }
}

/// What others want of the thread that draws.
#[derive(Debug, Default)]
struct Wishes {
    wish: Mutex<Wish>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Wish {
    /// Draw at once.
    is_urgent: bool,
    /// Somebody has asked for the end of the run.
    is_ending: bool,
    /// The screen is gone.
    is_closed: bool,
}

impl Wishes {
    fn lock(&self) -> MutexGuard<'_, Wish> {
        // Nothing that holds the lock can leave its work half done.
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until it is time to draw again, and tells what has been wished for until then.
    fn next(&self) -> Wish {
        let idle = |wish: &mut Wish| !wish.is_urgent && !wish.is_closed;
        let waited = self.changed.wait_timeout_while(self.lock(), TICK, idle);
        let (mut wish, _) = waited.unwrap_or_else(PoisonError::into_inner);
        wish.is_urgent = false;
        *wish
    }
}

/// What draws.
struct Painter {
    view: View,
    tallies: PingTallies,
    redactor: Redactor,
    since: Instant,
    wishes: Arc<Wishes>,
    broken: mpsc::Sender<io::Error>,
    /// Given back before the hold is: fields are dropped in this order.
    taken: Taken,
    _hold: Hold,
}

impl Painter {
    fn run(self) {
        if let Err(error) = self.paint() {
            // Whoever listens needs to hear of one error only.
            let _ = self.broken.try_send(error);
        }
    }

    fn paint(&self) -> io::Result<()> {
        self.taken.terminal().enter()?;
        let page = Page::default();
        let mut area = area();
        // The size is asked of standard output. Left to itself, ratatui asks the controlling
        // terminal, which may be another one.
        let options = TerminalOptions {
            viewport: Viewport::Fixed(area),
        };
        let backend = CrosstermBackend::new(page.clone());
        let mut terminal = ratatui::Terminal::with_options(backend, options)?;
        let mut wish = Wish::default();
        while !wish.is_closed {
            let tallies = self.snapshot();
            let moment = Moment {
                tallies: &tallies,
                elapsed: clock::now().saturating_duration_since(self.since),
                stage: if wish.is_ending {
                    Stage::Ending
                } else {
                    Stage::Running
                },
            };
            terminal.draw(|frame| self.view.draw(&moment, frame))?;
            self.taken.terminal().write(&page.take())?;
            wish = self.wishes.next();
            if area != self::area() {
                area = self::area();
                terminal.resize(area)?;
            }
        }
        Ok(())
    }

    /// What is drawn: copied target by target, so that no ping waits for more than one copy.
    fn snapshot(&self) -> Vec<PingTally> {
        let count = self.tallies.lock().len();
        let copies = (0..count).filter_map(|index| self.tallies.lock().get(index).cloned());
        let shown = copies.map(|tally| PingTally {
            url: self.redactor.redact(&tally.url),
            standing: match tally.standing {
                Standing::Failed(outcome, error) => {
                    Standing::Failed(outcome, self.redactor.redact(&error))
                }
                other => other,
            },
            ..tally
        });
        shown.collect()
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        if thread::panicking() {
            // Without a view nobody could see that the run goes on.
            let _ = self.broken.try_send(io::Error::other("the view panicked"));
        }
    }
}

fn area() -> Rect {
    let size = terminal_size::terminal_size_of(io::stdout());
    let (width, height) = size.map_or(SIZE, |(width, height)| (width.0, height.0));
    Rect::new(0, 0, width.min(LARGEST.0), height.min(LARGEST.1))
}

/// Collects what is to be drawn, so that it is written in one go, by us: ratatui has more to say
/// when it is dropped, and complains on standard error if it cannot.
#[derive(Clone, Default)]
struct Page(Rc<RefCell<Vec<u8>>>);

impl Page {
    fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Page {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads keys as long as there is a screen.
fn read_keys(wishes: &Wishes, quit: impl Fn()) -> io::Result<()> {
    while !wishes.lock().is_closed {
        if !event::poll(LOOK)? {
            continue;
        }
        match event::read()? {
            Event::Key(key) if is_quit(&key) => {
                wishes.change(|wish| (wish.is_urgent, wish.is_ending) = (true, true));
                quit();
            }
            Event::Key(_) | Event::Resize(..) => wishes.change(|wish| wish.is_urgent = true),
            _ => {}
        }
    }
    Ok(())
}

fn is_quit(key: &KeyEvent) -> bool {
    let is_interrupt =
        key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
    let is_key = matches!(key.code, KeyCode::Char('q' | 'Q') | KeyCode::Esc);
    key.kind == KeyEventKind::Press && (is_interrupt || is_key)
}
