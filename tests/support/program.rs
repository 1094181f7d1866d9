//! Runs the program as its users do: in a folder, with an environment, until it ends.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use wsbeat::link::clock;

use super::{ACCESS_TOKEN, PATIENCE, Server, TlsFront, socket_url};

/// The program before it runs. It does so in a new folder, and knows no variables but those that
/// it is given.
pub struct Program {
    command: Command,
    stdin: Stdio,
    folder: TempDir,
}

impl Program {
    pub fn new(command: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_wsbeat"));
        program.current_dir(folder.path()).env_clear().arg(command);
        Program {
            command: program,
            stdin: Stdio::null(),
            folder,
        }
    }

    /// `wsbeat solve` against a server, with an access token, and with one attempt.
    pub fn solve(server: &Server) -> Self {
        Program::solve_at(&server.url()).args(["--attempts", "1"])
    }

    /// `wsbeat solve` against a base URL, with an access token.
    pub fn solve_at(url: &str) -> Self {
        Program::new("solve")
            .args(["--base-url", url])
            .env("HACKATTIC_ACCESS_TOKEN", ACCESS_TOKEN)
    }

    /// `wsbeat replay` of a live server, in JSON.
    pub fn replay(address: &str) -> Self {
        Program::new("replay").args([address]).json()
    }

    /// The same through a front, with the certificate of its authority at hand in `ca.pem`.
    pub fn replay_at_front(front: &TlsFront, host: &str) -> Self {
        Program::replay(&socket_url("wss", host, front.port())).file("ca.pem", front.pem())
    }

    /// `wsbeat solve` through a front, likewise, with one attempt.
    pub fn solve_at_front(front: &TlsFront, host: &str) -> Self {
        Program::solve_at(&format!("https://{host}:{}", front.port()))
            .args(["--attempts", "1"])
            .file("ca.pem", front.pem())
            .json()
    }

    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Writes JSON.
    pub fn json(self) -> Self {
        self.args(["-o", "json"])
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Puts a file into the folder that the program will run in.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.folder.path().join(name), content).unwrap();
        self
    }

    /// The same, for nobody but the user who runs the program.
    pub fn private_file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let program = self.file(name, content);
        let owner_only = Permissions::from_mode(0o600);
        fs::set_permissions(program.folder.path().join(name), owner_only).unwrap();
        program
    }

    /// Gives the program this to read on standard input, which is nothing otherwise.
    pub fn input(mut self, text: impl AsRef<[u8]>) -> Self {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_ref()).unwrap();
        file.rewind().unwrap();
        self.stdin = file.into();
        self
    }

    /// Lets standard input be written to while the program runs.
    pub fn typed_to(mut self) -> Self {
        self.stdin = Stdio::piped();
        self
    }

    pub fn start(mut self) -> Running {
        self.command
            .stdin(self.stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Running {
            args: self.command.get_args().map(OsStr::to_owned).collect(),
            stdout: lines_of(stdout),
            stdin: child.stdin.take(),
            seen: String::new(),
            stderr: lines_of(stderr),
            give_up: clock::now() + PATIENCE,
            child,
            folder: Arc::new(self.folder),
        }
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn run(self) -> Ran {
        self.start().end()
    }
}

/// The program while it runs. It is killed when it is dropped.
pub struct Running {
    child: Child,
    args: Vec<OsString>,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    /// What has been taken from `stdout`.
    seen: String,
    stderr: Receiver<String>,
    give_up: Instant,
    folder: Arc<TempDir>,
}

impl Running {
    /// Waits for a line on standard output that has this in it, and gives the object that it is.
    #[track_caller]
    pub fn wait_for(&mut self, words: &str) -> Value {
        loop {
            match self.stdout.recv_timeout(left(self.give_up)) {
                Ok(line) => {
                    self.seen += &line;
                    if line.contains(words) {
                        return objects(&line).remove(0);
                    }
                }
                Err(error) => panic!("{words:?} was not said ({error}): {}", self.seen),
            }
        }
    }

    /// Writes a line to standard input, which has to be [typed to](Program::typed_to).
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it is typed to");
        writeln!(stdin, "{line}").unwrap();
    }

    /// Ends standard input.
    pub fn end_input(&mut self) {
        drop(self.stdin.take());
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Takes its time away, for this long.
    pub fn suspend(&self, time: Duration) {
        let process = Pid::from_child(&self.child);
        kill_process(process, Signal::STOP).unwrap();
        thread::sleep(time);
        kill_process(process, Signal::CONT).unwrap();
    }

    /// What a service manager says.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// What `ps` shows.
    #[cfg(target_os = "linux")]
    pub fn command_line(&self) -> String {
        let path = format!("/proc/{}/cmdline", self.child.id());
        String::from_utf8(fs::read(path).unwrap()).unwrap()
    }

    /// The most memory that it has taken up so far, in KiB.
    #[cfg(target_os = "linux")]
    pub fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.unwrap().trim().strip_suffix(" kB");
        kib.unwrap().parse().unwrap()
    }

    /// Waits for the program to end.
    #[track_caller]
    pub fn end(mut self) -> Ran {
        let mut stdout = std::mem::take(&mut self.seen);
        let mut stderr = String::new();
        for (lines, text) in [(&self.stdout, &mut stdout), (&self.stderr, &mut stderr)] {
            loop {
                match lines.recv_timeout(left(self.give_up)) {
                    Ok(line) => text.push_str(&line),
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {
                        panic!("{:?} does not end; it said:\n{text}", self.args)
                    }
                }
            }
        }
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if clock::now() < self.give_up => thread::sleep(Duration::from_millis(2)),
                None => panic!("{:?} closed its output and does not end", self.args),
            }
        };
        Ran {
            code: status.code(),
            stdout,
            stderr,
            folder: Arc::clone(&self.folder),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program after it has run.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    folder: Arc<TempDir>,
}

impl Ran {
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The objects on standard output, which holds nothing else.
    #[track_caller]
    pub fn items(&self) -> Vec<Value> {
        objects(&self.stdout)
    }

    /// The objects of a type.
    #[track_caller]
    pub fn all(&self, kind: &str) -> Vec<Value> {
        let mut items = self.items();
        items.retain(|item| item["type"] == kind);
        items
    }

    /// The only object of a type.
    #[track_caller]
    pub fn the(&self, kind: &str) -> Value {
        let mut all = self.all(kind);
        assert_eq!(all.len(), 1, "how often there is {kind:?}: {self:?}");
        all.remove(0)
    }

    /// The last object, the summary.
    #[track_caller]
    pub fn summary(&self) -> Value {
        let last = self.items().pop().expect("something on standard output");
        assert_eq!(last["type"], "summary", "{self:?}");
        last
    }

    /// Asserts that all went well.
    #[track_caller]
    pub fn succeeded(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert!(!self.stderr.contains("error: "), "{self:?}");
        self
    }

    /// The cause on standard error: its last line, and the only one of its kind. Beside it there
    /// is nothing but what was tried again, or did not matter.
    #[track_caller]
    pub fn cause(&self) -> String {
        let lines: Vec<&str> = self.stderr.lines().collect();
        let (last, others) = lines.split_last().expect("something on standard error");
        for other in others {
            assert!(other.starts_with("wsbeat: "), "{self:?}");
        }
        let cause = last.strip_prefix("error: ");
        cause.unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// Asserts that it failed with this exit code and this kind of error, told both to people and,
    /// in JSON, to scripts, and that the summary says so, too. Returns the cause.
    #[track_caller]
    pub fn failed(&self, code: i32, kind: &str) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        let cause = self.cause();
        let errors = self.all("error");
        let last = errors.last().unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!(last["kind"], kind, "{self:?}");
        assert_eq!(last["message"], cause, "{self:?}");
        let outcome = match kind {
            "lost" | "rejected" | "interrupted" => kind,
            "unanswered" => "lost",
            _ => "failed",
        };
        assert_eq!(self.summary()["outcome"], outcome, "{self:?}");
        cause
    }

    /// The lines of a recording that has been written to its end, but for the first, which is
    /// checked here: they begin with `open`, stand in order, and end with `close`.
    #[track_caller]
    pub fn recording(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.ends_with('\n'), "the last line is cut: {text}");
        let mut lines = objects(&text);
        let header = lines.remove(0);
        assert_eq!(header["type"], "recording", "{text}");
        assert_eq!(header["version"], 1, "{text}");
        assert_eq!(header["conversation"], "challenge", "{text}");
        let url = header["url"].as_str().unwrap();
        assert!(url.ends_with("/_/ws/…"), "the token is blanked: {url}");
        assert_eq!(lines[0]["type"], "open", "{text}");
        assert_eq!(lines[lines.len() - 1]["type"], "close", "{text}");
        let stamps: Vec<_> = lines.iter().map(|line| line["at_ns"].as_u64()).collect();
        assert!(stamps.is_sorted() && stamps[0] == Some(0), "{text}");
        lines
    }
}

#[track_caller]
fn objects(text: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| match serde_json::from_str(line) {
        Ok(object @ Value::Object(_)) => object,
        _ => panic!("{line:?} is no JSON object in:\n{text}"),
    });
    lines.collect()
}

fn left(give_up: Instant) -> Duration {
    give_up.saturating_duration_since(clock::now())
}

fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            let length = output.read_until(b'\n', &mut line).unwrap();
            let line = String::from_utf8(line).expect("the program prints UTF-8");
            if length == 0 || sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
