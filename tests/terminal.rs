//! What is seen on a terminal: a real one, as far as the program can tell.

#![cfg(target_os = "linux")]

mod support;

use support::{Left, Tty, seen};

/// Runs the program on a terminal of its own, to its end.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Left {
    Tty::run(arguments, variables).end()
}

const PRACTICE: [&str; 6] = ["solve", "--practice", "--rounds", "1", "--seed", "5"];

/// How a terminal is told to turn green, and that there is nothing special any more.
const GREEN: &str = "\u{1b}[32m";

#[test]
fn a_live_line_counts_and_leaves_no_trace() {
    let left = run(&PRACTICE, &[]);
    assert!(left.status.success());
    let (text, written) = (left.text(), &left.written[..]);
    assert!(text.contains("    1  … 0."), "{text:?}");
    assert!(text.contains(GREEN), "{text:?}");

    // Ctrl-C at the worst moment: what the terminal echoes then is taken away with the line.
    let cleared = text.rfind("\r\u{1b}[2K").unwrap();
    let echoed = [&written[..cleared], b"^C", &written[cleared..]].concat();
    for written in [written, &echoed] {
        assert_is_clean(&seen(written));
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
    let left = run(&PRACTICE, &[("NO_COLOR", "1")]);
    assert!(left.status.success());
    let text = left.text();
    assert!(text.contains("    1  … 0."), "{text:?}");
    assert!(left.styles().is_empty(), "{text:?}");
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_has_no_live_line() {
    let left = run(&PRACTICE, &[("TERM", "dumb")]);
    assert!(left.status.success());
    let text = left.text();
    assert!(!text.contains("… 0."), "{text:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let returns = text.replace("\r\n", "");
    assert!(!returns.contains('\r'), "{text:?}");
}

#[test]
fn json_on_a_terminal_is_json() {
    let json = [&PRACTICE[..], &["-o", "json"]].concat();
    let left = run(&json, &[]);
    assert!(left.status.success());
    for line in left.text().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn an_error_is_the_last_line() {
    let left = run(&["solve", "--base-url", "http://127.0.0.1:1"], &[]);
    assert_eq!(left.status.code(), Some(2));
    let screen = left.screen();
    assert!(screen.starts_with("error: no access token"), "{screen}");
}
