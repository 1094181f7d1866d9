//! A terminal, as far as the program can tell, and what is seen on it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use wsbeat::link::clock;

use super::PATIENCE;

/// The size that terminals have if nobody says otherwise: rows and columns.
const USUAL: (u16, u16) = (24, 80);

/// Where standard error goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stderr {
    Terminal,
    /// To be read with [`Tty::stderr`].
    Pipe,
}

/// A program on a terminal of its own. It is killed when it is dropped.
pub struct Tty {
    child: Child,
    master: File,
    /// Keeps the terminal as the program leaves it.
    slave: Option<File>,
    before: Modes,
    shown: Arc<Shown>,
    reader: Option<JoinHandle<()>>,
    give_up: Instant,
}

/// What has been written to the terminal, and what that looks like.
struct Shown {
    page: Mutex<Page>,
    changed: Condvar,
}

struct Page {
    written: Vec<u8>,
    terminal: vt100::Parser,
    is_read: bool,
    is_over: bool,
}

/// What is left when the program has ended.
pub struct Left {
    pub status: ExitStatus,
    pub written: Vec<u8>,
    screen: vt100::Screen,
}

/// The modes of a terminal that a program could leave changed.
#[derive(Debug, PartialEq, Eq)]
struct Modes(String);

impl Modes {
    fn of(terminal: &File) -> Self {
        let Termios {
            input_modes,
            output_modes,
            control_modes,
            local_modes,
            ..
        } = tcgetattr(terminal).unwrap();
        Modes(format!(
            "{input_modes:?} {output_modes:?} {control_modes:?} {local_modes:?}"
        ))
    }
}

fn size(size: (u16, u16)) -> Winsize {
    Winsize {
        ws_row: size.0,
        ws_col: size.1,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

fn parser((rows, columns): (u16, u16)) -> vt100::Parser {
    let cells = |count| NonZero::new(count).unwrap();
    vt100::Parser::new(cells(rows), cells(columns), 0)
}

/// What is left on a screen of the usual size by what has been written to it.
#[track_caller]
pub fn seen(written: &[u8]) -> String {
    let mut terminal = parser(USUAL);
    terminal.process(written);
    assert!(!terminal.screen().hide_cursor());
    terminal.screen().contents()
}

impl Tty {
    /// Runs wsbeat on a terminal of the usual size. It knows these variables, and no others but
    /// TERM.
    pub fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wsbeat"));
        command
            .args(arguments)
            .env_clear()
            .env("TERM", "xterm-256color")
            .envs(variables.iter().copied());
        Tty::start(command, USUAL, Stderr::Terminal)
    }

    /// Runs one of the tests of the crate that this is a part of, which knows by a variable of the
    /// environment that it is run so: for what would take the whole process with it.
    pub fn run_test(name: &str, (variable, value): (&str, &str)) -> Self {
        let mut itself = Command::new(std::env::current_exe().unwrap());
        itself
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(variable, value)
            .env("TERM", "xterm-256color");
        Tty::start(itself, USUAL, Stderr::Terminal)
    }

    /// Runs a command on a terminal of this size.
    pub fn start(mut command: Command, rows_columns: (u16, u16), stderr: Stderr) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC);
        let master = File::from(master.unwrap());
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, size(rows_columns)).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let open = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true);
            options.open(name.to_str().unwrap()).unwrap()
        };
        let slave = open();
        let before = Modes::of(&slave);
        let child = command
            .stdin(open())
            .stdout(open())
            .stderr(match stderr {
                Stderr::Terminal => Stdio::from(open()),
                Stderr::Pipe => Stdio::piped(),
            })
            .spawn()
            .unwrap();
        let shown = Arc::new(Shown {
            page: Mutex::new(Page {
                written: Vec::new(),
                terminal: parser(rows_columns),
                is_read: true,
                is_over: false,
            }),
            changed: Condvar::new(),
        });
        let reader = thread::spawn({
            let (shown, master) = (Arc::clone(&shown), master.try_clone().unwrap());
            move || shown.read(master)
        });
        Tty {
            child,
            master,
            slave: Some(slave),
            before,
            shown,
            reader: Some(reader),
            give_up: clock::now() + PATIENCE,
        }
    }

    /// Waits until what is seen is as it should be, and gives that.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) -> String {
        let left = self.give_up.saturating_duration_since(clock::now());
        let waited = self
            .shown
            .changed
            .wait_timeout_while(self.shown.lock(), left, |page| {
                !page.is_over && !is_so(page.terminal.screen())
            });
        let screen = waited.unwrap().0.terminal.screen().clone();
        let contents = screen.contents();
        assert!(is_so(&screen), "{what} is not seen:\n{contents}");
        contents
    }

    /// Waits until these words are seen.
    #[track_caller]
    pub fn wait_for(&self, words: &str) -> String {
        self.wait_until(words, |screen| screen.contents().contains(words))
    }

    /// All that has been written so far.
    pub fn written(&self) -> Vec<u8> {
        self.shown.lock().written.clone()
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &[u8]) {
        self.master.write_all(keys).unwrap();
    }

    /// Changes the size, and tells the program, as the kernel tells those whose controlling
    /// terminal it is.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        let cells = |count| NonZero::new(count).unwrap();
        self.shown
            .lock()
            .terminal
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        tcsetwinsize(&self.master, size((rows, columns))).unwrap();
        self.signal(Signal::WINCH);
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// From here on, nothing is taken from the program: its terminal is held.
    pub fn hold(&self) {
        self.shown.lock().is_read = false;
    }

    /// Takes what has been written, and everything from here on.
    pub fn release(&self) {
        self.shown.lock().is_read = true;
        self.shown.changed.notify_all();
    }

    /// Standard error, if it is a pipe.
    pub fn stderr(&mut self) -> impl Read + use<> {
        self.child.stderr.take().expect("a pipe, not taken yet")
    }

    /// Whether the program has ended, after a little while.
    pub fn has_ended(&mut self) -> bool {
        thread::sleep(Duration::from_millis(20));
        assert!(clock::now() < self.give_up, "it does not end");
        self.child.try_wait().unwrap().is_some()
    }

    /// Whether the terminal is in the modes that it was in before.
    pub fn is_as_before(&self) -> bool {
        let slave = self.slave.as_ref().expect("it is there until the end");
        Modes::of(slave) == self.before
    }

    /// Takes the terminal away from the program.
    pub fn vanish(mut self) -> ExitStatus {
        // The reader holds the other end as well, and ends when there is something to read.
        self.shown.lock().is_over = true;
        self.shown.changed.notify_all();
        while !self.reader.as_ref().is_none_or(JoinHandle::is_finished) {
            assert!(!self.has_ended(), "it was to notice later");
        }
        drop(self.slave.take());
        self.master = File::open("/dev/null").unwrap();
        while !self.has_ended() {}
        self.child.wait().unwrap()
    }

    /// Waits for the end of the program, and asserts that the terminal is in the modes that it was
    /// in before.
    #[track_caller]
    pub fn end(mut self) -> Left {
        while !self.has_ended() {}
        let status = self.child.wait().unwrap();
        let slave = self.slave.take().expect("it is there until the end");
        assert_eq!(Modes::of(&slave), self.before);
        // With the last reader of the other end gone, reading what is left ends.
        drop(slave);
        self.release();
        self.reader
            .take()
            .expect("it is joined once")
            .join()
            .unwrap();
        let page = self.shown.lock();
        Left {
            status,
            written: page.written.clone(),
            screen: page.terminal.screen().clone(),
        }
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Left {
    /// What is seen on the screen, which is the usual one, with its cursor.
    #[track_caller]
    pub fn screen(&self) -> String {
        assert!(!self.screen.alternate_screen());
        assert!(!self.screen.hide_cursor());
        self.screen.contents()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.written.clone()).unwrap()
    }

    /// The parameters of all sequences that have set a colour or a style.
    pub fn styles(&self) -> Vec<String> {
        let text = self.text();
        let sequences = text.split("\u{1b}[").skip(1).filter_map(|rest| {
            let end = rest.find(|character: char| character.is_ascii_alphabetic())?;
            (rest.as_bytes()[end] == b'm').then(|| rest[..end].to_owned())
        });
        sequences.collect()
    }
}

impl Shown {
    fn lock(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap()
    }

    fn read(&self, mut master: File) {
        let mut buffer = [0; 4096];
        loop {
            let page = self.lock();
            let page = self
                .changed
                .wait_while(page, |page| !page.is_read && !page.is_over);
            if page.unwrap().is_over {
                return;
            }
            // Fails when nobody has the other end any more.
            let length = master.read(&mut buffer).unwrap_or_default();
            let mut page = self.lock();
            page.written.extend_from_slice(&buffer[..length]);
            page.terminal.process(&buffer[..length]);
            page.is_over |= length == 0;
            self.changed.notify_all();
        }
    }
}
