//! ChromeDriver in a process of its own, and a headless Chromium that it runs.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use tempfile::TempDir;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{
    CapabilitiesHelper, ChromeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver,
};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::support::PATIENCE;

/// What ChromeDriver says once it listens, before the port.
const LISTENS: &str = "started successfully on port ";

/// Keeps Chromium from whatever is no business of a test: what it would fetch for itself, and what a
/// machine without a screen lacks.
const SWITCHES: [&str; 10] = [
    "--headless",
    "--disable-gpu",
    // Containers have little of it.
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
];

/// How long a browser may take to close. It is killed then.
const CLOSES_WITHIN: Duration = Duration::from_secs(10);

/// A browser that knows nobody, and a session with it. Both end when this is dropped.
pub struct Session {
    /// `None` once it is over.
    web: Option<WebDriver>,
    runtime: Runtime,
    // The processes go before their folder does.
    _process: ChromeDriver,
    _folder: TempDir,
}

impl Session {
    /// Starts a browser with these switches besides the usual ones.
    #[track_caller]
    pub fn start(switches: &[&str], accepts_any_certificate: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = ChromeDriver::start(folder.path());
        let mut wanted = wanted(folder.path(), switches);
        wanted
            .accept_insecure_certs(accepts_any_certificate)
            .unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let web = runtime.block_on(async {
            let connecting = WebDriver::builder(&process.url, wanted).client(http());
            timeout(PATIENCE, connecting.connect()).await
        });
        let web = web
            .expect("Chromium starts in time")
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        Session {
            web: Some(web),
            runtime,
            _process: process,
            _folder: folder,
        }
    }

    /// Does something in the browser, within [`PATIENCE`].
    #[track_caller]
    pub fn run<T>(&self, what: &str, act: impl AsyncFnOnce(&WebDriver) -> WebDriverResult<T>) -> T {
        self.attempt(act)
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// The same, where it may fail.
    pub fn attempt<T>(
        &self,
        act: impl AsyncFnOnce(&WebDriver) -> WebDriverResult<T>,
    ) -> Result<T, String> {
        let web = self.web.as_ref().expect("it is over when this is dropped");
        match self
            .runtime
            .block_on(async { timeout(PATIENCE, act(web)).await })
        {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(_) => Err("the browser does not answer".to_owned()),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(web) = self.web.take() {
            let closing = async { timeout(CLOSES_WITHIN, web.quit()).await };
            // What does not close is killed in a moment.
            let _ = self.runtime.block_on(closing);
        }
    }
}

/// Runs ChromeDriver until standard input ends, which it does with the test, however that ends: also
/// when somebody presses Ctrl-C, and nothing is dropped.
const UNTIL_THE_END: &str = r#"
    command -v "$0" || exit
    "$0" --port=0 &
    read -r nothing
    kill -KILL 0
"#;

/// ChromeDriver, in a group of processes that the browser belongs to as well.
struct ChromeDriver {
    shell: Child,
    url: String,
}

impl ChromeDriver {
    /// Starts it. Whatever is to be kept for a while goes into this folder.
    #[track_caller]
    fn start(folder: &Path) -> Self {
        let program = env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let mut shell = Command::new("sh")
            .args([OsStr::new("-c"), OsStr::new(UNTIL_THE_END), &program])
            .env("TMPDIR", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let stdout = shell.stdout.take().unwrap();
        let mut driver = ChromeDriver {
            shell,
            url: String::new(),
        };
        match port(stdout) {
            Ok(port) => driver.url = format!("http://127.0.0.1:{port}"),
            Err(said) => panic!(
                "{program:?}, which CHROMEDRIVER names or the PATH has, does not say that it \
                 listens: {said:?}"
            ),
        }
        driver
    }
}

impl Drop for ChromeDriver {
    fn drop(&mut self) {
        // Both fail when all have ended already.
        let _ = kill_process_group(Pid::from_child(&self.shell), Signal::KILL);
        let _ = self.shell.wait();
    }
}

/// The port that ChromeDriver says it listens on, or else what it says.
fn port(stdout: impl Read + Send + 'static) -> Result<u16, String> {
    let (sender, lines) = channel();
    // It reads on until the end: nobody who writes is to wait for a reader.
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let mut said = String::new();
    while let Ok(line) = lines.recv_timeout(PATIENCE) {
        if let Some((_, port)) = line.split_once(LISTENS) {
            return port.trim_end_matches('.').parse().map_err(|_| line);
        }
        said += &line;
    }
    Err(said)
}

/// What Chromium is to be like.
fn wanted(folder: &Path, switches: &[&str]) -> ChromeCapabilities {
    let mut wanted = DesiredCapabilities::chrome();
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    // Its sandbox is not for root, which the tests of a container are run by.
    let sandbox = geteuid().is_root().then_some("--no-sandbox");
    let own = SWITCHES.iter().chain(switches).copied();
    for switch in own.chain(sandbox).chain([profile.as_str()]) {
        wanted.add_arg(switch).unwrap();
    }
    wanted
        .set_browser_log_level(LoggingPrefsLogLevel::All)
        .unwrap();
    wanted
}

/// A client for ChromeDriver, which is on this machine: no proxy stands before it.
fn http() -> reqwest::Client {
    // Only the first of the tests in this process sets it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    client.build().unwrap()
}
