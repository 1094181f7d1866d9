//! What is seen on a terminal: a real one, as far as the program can tell.

#![cfg(target_os = "linux")]

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::num::NonZero;
use std::process::{Command, ExitStatus};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

const ROWS: NonZero<u16> = NonZero::new(24).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();

/// Runs the program on a terminal of its own, and gives all that it writes there.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (ExitStatus, Vec<u8>) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize {
        ws_row: ROWS.get(),
        ws_col: COLUMNS.get(),
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let open = || {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options.open(name.to_str().unwrap()).unwrap()
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_wsbeat"))
        .args(arguments)
        .env_clear()
        .env("TERM", "xterm-256color")
        .envs(variables.iter().copied())
        .stdin(open())
        .stdout(open())
        .stderr(open())
        .spawn()
        .unwrap();
    let mut written = Vec::new();
    // The last reader of the other end is gone when the program is: then reading fails.
    let _ = File::from(terminal).read_to_end(&mut written);
    (child.wait().unwrap(), written)
}

/// What is left on the screen when the program has ended.
fn screen(written: &[u8]) -> String {
    let mut terminal = vt100::Parser::new(ROWS, COLUMNS, 0);
    terminal.process(written);
    assert!(!terminal.screen().hide_cursor());
    terminal.screen().contents()
}

const PRACTICE: [&str; 6] = ["solve", "--practice", "--rounds", "1", "--seed", "5"];

/// How a terminal is told to turn green, and that there is nothing special any more.
const GREEN: &str = "\u{1b}[32m";

#[test]
fn a_live_line_counts_and_leaves_no_trace() {
    let (status, written) = run(&PRACTICE, &[]);
    assert!(status.success());
    let text = String::from_utf8(written.clone()).unwrap();
    assert!(text.contains("    1  … 0."), "{text:?}");
    assert!(text.contains(GREEN), "{text:?}");

    // Ctrl-C at the worst moment: what the terminal echoes then is taken away with the line.
    let cleared = text.rfind("\r\u{1b}[2K").unwrap();
    let echoed = [&written[..cleared], b"^C", &written[cleared..]].concat();
    for written in [&written, &echoed] {
        assert_is_clean(&screen(written));
    }
}

fn assert_is_clean(screen: &str) {
    let lines: Vec<_> = screen.lines().map(str::trim_end).collect();
    assert!(lines[0].starts_with("connected"), "{screen}");
    let row = lines.iter().find(|line| line.ends_with("good")).unwrap();
    assert!(row.starts_with("    1  "), "{screen}");
    assert!(lines.last().unwrap().starts_with("lateness"), "{screen}");
    assert!(!screen.contains("… 0"), "{screen}");
    assert!(!screen.contains("… 1"), "{screen}");
}

#[test]
fn no_color_is_no_colour_and_still_a_live_line() {
    let (status, written) = run(&PRACTICE, &[("NO_COLOR", "1")]);
    assert!(status.success());
    let text = String::from_utf8(written).unwrap();
    assert!(text.contains("    1  … 0."), "{text:?}");
    let styles = text.split("\u{1b}[").skip(1).filter(|rest| {
        let end = rest.find(|character: char| character.is_ascii_alphabetic());
        end.is_some_and(|end| rest.as_bytes()[end] == b'm')
    });
    assert_eq!(styles.count(), 0, "{text:?}");
}

#[test]
fn json_on_a_terminal_is_json() {
    let json = [&PRACTICE[..], &["-o", "json"]].concat();
    let (status, written) = run(&json, &[]);
    assert!(status.success());
    let text = String::from_utf8(written).unwrap();
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn an_error_is_the_last_line() {
    let (status, written) = run(&["solve", "--base-url", "http://127.0.0.1:1"], &[]);
    assert_eq!(status.code(), Some(2));
    let screen = screen(&written);
    assert!(screen.starts_with("error: no access token"), "{screen}");
}
