//! Autobahn's test suite against both ends of the link: its fuzzing client asks the server's echo,
//! and its fuzzing server is asked by the example that echoes.
//!
//! The suite is autobahntestsuite 0.8.2 of PyPI, which wants Python 2.7; the later 25.10.1 installs under
//! Python 3 and does not start.

#![cfg(unix)]

mod support;

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::{PATIENCE, Port, serve};
use tempfile::TempDir;
use wsbeat::link::clock;

/// How long the suite may take for all of its cases: it took 16 s on two busy cores.
const PATIENCE_WITH_ALL: Duration = Duration::from_secs(600);

/// How the suite is started where only its package is known, and not where its script was put.
const START: &str = "from autobahntestsuite.wstest import run; run()";

/// A process that is ended when the test is over.
struct Suite(Child);

impl Suite {
    /// Runs a mode of the suite with this specification. Its own words go into a file beside it.
    fn run(folder: &Path, mode: &str, specification: &Value) -> Self {
        let path = folder.join("specification.json");
        fs::write(&path, specification.to_string()).unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = Command::new("python2.7")
            .args(["-c", START, "--mode", mode, "--spec"])
            .arg(&path)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("python2.7 is on the PATH");
        Suite(child)
    }

    fn has_ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until there is something, for as long as the suite runs and this is not over.
#[track_caller]
fn wait<T>(limit: Duration, folder: &TempDir, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = clock::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        let log = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert!(clock::now() < give_up, "not within {limit:?}: {}", log());
        thread::sleep(Duration::from_millis(20));
    }
}

/// Holds what the suite found against what may be: whatever is within the message limit is right,
/// what is over it is refused as such (1009), and only compression, which nobody offers, is not
/// tried. Sections 12 and 13 are about compression, and 9 is about large messages.
#[track_caller]
fn judge(folder: &TempDir) {
    let index = fs::read(folder.path().join("reports/index.json")).unwrap();
    let agents: Value = serde_json::from_slice(&index).unwrap();
    let (_agent, cases) = agents.as_object().unwrap().iter().next().unwrap();
    let (mut right, mut wrong) = (0, Vec::new());
    for (name, case) in cases.as_object().unwrap() {
        let section = name.split('.').next().unwrap();
        let is_ok = |verdict: &Value| match verdict.as_str().unwrap() {
            // Wrong UTF-8 that is noticed with the message, not within it: 6.4.
            "OK" | "NON-STRICT" => true,
            "INFORMATIONAL" => section == "7",
            "UNIMPLEMENTED" => section == "12" || section == "13",
            _ => false,
        };
        let is_over_the_limit = section == "9" && case["remoteCloseCode"] == 1009;
        if is_ok(&case["behavior"]) && is_ok(&case["behaviorClose"]) {
            right += 1;
        } else if !is_over_the_limit {
            wrong.push(format!("{name}: {case}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // As many as 0.8.2 has, with those of compression.
    assert!(right > 450, "only {right} cases have been tried");
}

#[test]
#[ignore = "needs python2.7 on the PATH with autobahntestsuite: pip install autobahntestsuite==0.8.2"]
fn autobahns_fuzzing_client_finds_nothing_wrong_with_the_servers_echo() {
    let (_server, url) = serve(&[]);
    let url = format!("{}/echo", url.replace("http://", "ws://"));
    let folder = tempfile::tempdir().unwrap();
    let specification = json!({
        "outdir": folder.path().join("reports"),
        "servers": [{"agent": "wsbeat", "url": url}],
        "cases": ["*"],
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let mut suite = Suite::run(folder.path(), "fuzzingclient", &specification);
    let ended = wait(PATIENCE_WITH_ALL, &folder, || suite.has_ended());
    assert!(ended.success(), "{ended}");
    judge(&folder);
}

/// The example that echoes, built as it is now.
fn example() -> PathBuf {
    let profile: &[&str] = if cfg!(debug_assertions) {
        &[]
    } else {
        &["--release"]
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--example", "echo"])
        .args(profile)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success());
    // A test lies in the folder `deps` of its profile.
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap();
    folder.join("examples").join("echo")
}

#[test]
#[ignore = "needs python2.7 on the PATH with autobahntestsuite: pip install autobahntestsuite==0.8.2"]
fn autobahns_fuzzing_server_finds_nothing_wrong_with_the_client() {
    let example = example();
    let port = Port::reserve();
    let address = port.url().replace("http://", "");
    drop(port);
    let folder = tempfile::tempdir().unwrap();
    let specification = json!({
        "outdir": folder.path().join("reports"),
        "url": format!("ws://{address}"),
        "cases": ["*"],
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let mut suite = Suite::run(folder.path(), "fuzzingserver", &specification);
    wait(PATIENCE, &folder, || {
        assert_eq!(suite.has_ended(), None, "the suite has ended");
        TcpStream::connect(&address).ok()
    });
    let echo = |path: &str| -> Output {
        let url = format!("ws://{address}/{path}");
        let output = Command::new(&example).arg(&url).output().unwrap();
        assert!(output.status.success(), "{url}: {output:?}");
        output
    };
    let count = echo("getCaseCount").stdout;
    let count: usize = String::from_utf8(count).unwrap().trim().parse().unwrap();
    for case in 1..=count {
        echo(&format!("runCase?case={case}&agent=wsbeat"));
    }
    echo("updateReports?agent=wsbeat");
    judge(&folder);
}
