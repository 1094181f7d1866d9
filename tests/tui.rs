//! `wsbeat ping --tui`, on a terminal of its own: what is seen, and how it is left.

#![cfg(target_os = "linux")]

mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use support::{Gate, Left, Program, Reply, Script, Server, Stderr, Tty, assert_says};
use wsbeat::conversation::latency::{Medium, PayloadSize, PingerSettings};
use wsbeat::report::{Colours, Live, PingTallies, PingTally, Redactor, Screen, View};

/// A server that answers all pings but those whose numbers end in five.
fn peer() -> Server {
    Script::new()
        .talk(|_, socket| {
            let mut number = 0;
            socket.answer_pings(|socket, payload| {
                number += 1;
                if number % 10 != 5 {
                    socket.pong(payload);
                }
            });
        })
        .start()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wsbeat"));
    command
        .env_clear()
        .env("TERM", "xterm-256color")
        .args(["ping", "--tui", "-i", "20ms", "-W", "200ms"])
        .args(arguments);
    command
}

fn watch(url: &str) -> Tty {
    Tty::start(command(&[url]), (24, 80), Stderr::Terminal)
}

/// The number in a column of counts.
fn count(screen: &str, name: &str) -> Option<u64> {
    let mut lines = screen.lines().skip_while(|line| !line.contains("received"));
    let header = lines.next()?;
    let end = header.find(name)? + name.len();
    let row = lines.next()?;
    row.get(..end)?.split_whitespace().next_back()?.parse().ok()
}

/// Waits until this many pings have left.
#[track_caller]
fn wait_for_pings(tty: &Tty, pings: u64) -> String {
    tty.wait_until(&format!("{pings} pings"), |screen| {
        screen.alternate_screen() && count(&screen.contents(), "sent") >= Some(pings)
    })
}

#[track_caller]
fn assert_sums_up(left: &Left) {
    let screen = left.screen();
    assert_says(&screen, &[" sent, ", "p99.9", "round trips from"]);
    assert!(!screen.contains("q quit"), "{screen}");
}

/// How somebody ends the run.
type WayOut = fn(&mut Tty);

#[test]
fn it_shows_what_happens_and_any_way_out_leaves_the_terminal_as_it_was() {
    let server = peer();
    let ways: [(&str, WayOut); 6] = [
        ("q", |tty| tty.press(b"q")),
        ("Escape", |tty| tty.press(b"\x1b")),
        ("Ctrl-C", |tty| tty.press(b"\x03")),
        ("SIGINT", |tty| tty.signal(Signal::INT)),
        ("SIGTERM", |tty| tty.signal(Signal::TERM)),
        ("other keys, then q", |tty| {
            tty.press("xé\x1b[Aq".as_bytes())
        }),
    ];
    thread::scope(|scope| {
        for (way, leave) in ways {
            let url = server.socket_url();
            scope.spawn(move || {
                let mut tty = watch(&url);
                let screen = wait_for_pings(&tty, 20);
                let words = [
                    "wsbeat ping",
                    "every 20ms",
                    "━ raw",
                    "from due",
                    "p99",
                    "q quit",
                ];
                assert_says(&screen, &words);
                tty.wait_until("something lost, and the cursor hidden", |screen| {
                    screen.contents().contains(" %)") && screen.hide_cursor()
                });
                assert!(!tty.is_as_before(), "no raw mode");
                leave(&mut tty);
                let left = tty.end();
                assert!(left.status.success(), "{way}: {}", left.screen());
                assert_sums_up(&left);
                assert!(!left.screen().contains("seq="), "{}", left.screen());
            });
        }
    });
}

#[test]
fn it_follows_the_size_of_the_terminal() {
    let server = peer();
    let mut tty = watch(&server.socket_url());
    wait_for_pings(&tty, 5);
    for (rows, columns) in [(50, 160), (12, 50), (2, 9), (30, 100)] {
        tty.resize(rows, columns);
        tty.wait_until("the last row, and nothing of before", |screen| {
            let contents = screen.contents();
            let lines: Vec<_> = contents.lines().collect();
            lines.len() == usize::from(rows)
                && lines[0].starts_with("wsbeat")
                && lines.iter().filter(|line| line.contains("q quit")).count() == 1
                && lines[lines.len() - 1].starts_with("q quit")
        });
    }
    let before = count(&wait_for_pings(&tty, 10), "sent").unwrap();
    wait_for_pings(&tty, before + 10);
    tty.press(b"q");
    assert_sums_up(&tty.end());
}

#[test]
fn it_ends_by_itself_when_the_run_does() {
    let server = peer();
    let url = server.socket_url();
    for limit in [["-c", "12"], ["-w", "500ms"]] {
        let arguments = [&limit[..], &[&url]].concat();
        let left = Tty::start(command(&arguments), (24, 80), Stderr::Terminal).end();
        assert!(left.status.success(), "{}", left.screen());
        assert_sums_up(&left);
        assert!(left.text().contains("\u{1b}[?1049h"));
    }
}

#[test]
fn a_server_that_vanishes_ends_it_with_the_reason_last() {
    let server = Script::new()
        .talk(|_, socket| {
            for _ in 0..15 {
                let ping = socket.read().unwrap();
                socket.frame(true, support::Opcode::Pong, &ping.payload);
            }
        })
        .start();
    let left = watch(&server.socket_url()).end();
    assert_eq!(left.status.code(), Some(4), "{}", left.screen());
    assert_sums_up(&left);
    let screen = left.screen();
    let last = screen.lines().rfind(|line| line.starts_with("error: "));
    assert!(
        last.is_some_and(|line| line.contains("connection")),
        "{screen}"
    );
}

#[test]
fn one_target_that_fails_shows_why_and_the_other_goes_on() {
    let server = peer();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("ws://{}/", gone.local_addr().unwrap());
    drop(gone);
    let both = command(&[&nowhere, &server.socket_url()]);
    let mut tty = Tty::start(both, (30, 120), Stderr::Terminal);
    let screen = tty.wait_for("1 failed: ");
    assert_says(&screen, &["2 ws://", "2 round trip"]);
    tty.wait_until("pongs", |screen| {
        let contents = screen.contents();
        let counts = contents.lines().rev().nth(1).unwrap_or_default();
        let mut numbers = counts
            .split_whitespace()
            .map_while(|it| it.parse::<u64>().ok());
        numbers.next() == Some(2) && numbers.next() > Some(10)
    });
    tty.press(b"q");
    let left = tty.end();
    assert_eq!(left.status.code(), Some(4), "{}", left.screen());
    assert_says(
        &left.text(),
        &["wsbeat: target 1: ", "error: 1 of 2 targets failed"],
    );
}

#[test]
fn no_secret_is_seen_in_it() {
    let token = support::one_time_token(1);
    let echoing = Script::new()
        .upgrade(|_, request, mut stream| {
            Reply::status("403 Forbidden", format!("no {}", request.target)).send(&mut stream);
        })
        .start();
    let server = peer();
    let url = echoing.socket_url().replace("peer", &token);
    let both = command(&[&url, &server.socket_url()]);
    let mut tty = Tty::start(both, (30, 160), Stderr::Terminal);
    let screen = tty.wait_for("1 failed: ");
    assert_says(&screen, &["403", "/_/ws/…"]);
    tty.press(b"q");
    let text = tty.end().text();
    assert!(!text.contains(&token), "{text}");
}

#[test]
fn a_second_key_does_not_wait_for_the_peer() {
    // It would be a second until its silence is no longer waited for.
    let server = Script::new()
        .talk(|_, socket| {
            while let Some(frame) = socket.read() {
                if frame.opcode == support::Opcode::Ping {
                    socket.frame(true, support::Opcode::Pong, &frame.payload);
                }
            }
        })
        .start();
    let mut tty = watch(&server.socket_url());
    wait_for_pings(&tty, 5);
    tty.press(b"qq");
    let left = tty.end();
    assert_eq!(left.status.code(), Some(130), "{}", left.screen());
    assert_sums_up(&left);
    assert_says(&left.screen(), &["error: interrupted twice"]);
}

#[test]
fn a_terminal_that_is_held_holds_no_ping_and_signals_still_end_it() {
    let many = Arc::new(Gate::default());
    let reached = Arc::clone(&many);
    let server = Script::new()
        .talk(move |_, socket| {
            let mut number = 0;
            socket.answer_pings(|socket, payload| {
                number += 1;
                if number == 150 {
                    reached.open();
                }
                socket.pong(payload);
            });
        })
        .start();
    let mut tty = Tty::start(
        command(&[&server.socket_url()]),
        (100, 300),
        Stderr::Terminal,
    );
    wait_for_pings(&tty, 1);
    tty.hold();
    many.wait();
    // One to stop, one not to wait for that, and one for each of two ways to the terminal.
    while !tty.has_ended() {
        tty.signal(Signal::INT);
    }
    assert!(tty.is_as_before());
}

#[test]
fn a_terminal_that_vanishes_ends_it() {
    let server = peer();
    let tty = watch(&server.socket_url());
    wait_for_pings(&tty, 5);
    assert_eq!(tty.vanish().code(), Some(1));
}

#[test]
fn what_goes_to_the_terminal_waits_and_what_goes_elsewhere_does_not() {
    let server = peer();
    let mut debugging = command(&[&server.socket_url()]);
    debugging.env("RUST_LOG", "wsbeat=trace");
    let mut tty = Tty::start(debugging, (24, 80), Stderr::Pipe);
    let mut first = String::new();
    let mut stderr = BufReader::new(tty.stderr());
    stderr.read_line(&mut first).unwrap();
    assert!(first.contains("wsbeat"), "{first}");
    // It has come while the view goes on.
    wait_for_pings(&tty, 5);
    let rest = thread::spawn(move || stderr.lines().map_while(Result::ok).count());
    tty.press(b"q");
    assert_sums_up(&tty.end());
    rest.join().unwrap();

    let mut debugging = command(&[&server.socket_url()]);
    debugging.env("RUST_LOG", "wsbeat=trace");
    let mut tty = Tty::start(debugging, (24, 80), Stderr::Terminal);
    wait_for_pings(&tty, 5);
    tty.press(b"q");
    let text = tty.end().text();
    let left = text.find("\u{1b}[?1049l").unwrap();
    let entered = text.find("\u{1b}[?1049h").unwrap();
    assert!(!text[entered..left].contains("wsbeat::"), "{text:?}");
    assert!(text[left..].contains("wsbeat::"), "{text:?}");
}

#[test]
fn no_color_is_no_colour() {
    let server = peer();
    for (variables, is_coloured) in [(None, true), (Some(("NO_COLOR", "1")), false)] {
        let url = server.socket_url();
        let mut command = command(&["-c", "8", &url]);
        command.envs(variables);
        let left = Tty::start(command, (24, 80), Stderr::Terminal).end();
        assert_sums_up(&left);
        let is_colour = |style: &String| {
            let mut parts = style.split([';', ':']);
            parts.any(|part| {
                part.len() == 2 && part.starts_with(['3', '4']) && part != "39" && part != "49"
            })
        };
        let coloured: Vec<_> = left.styles().into_iter().filter(is_colour).collect();
        assert_eq!(!coloured.is_empty(), is_coloured, "{coloured:?}");
    }
}

#[test]
fn without_a_terminal_or_with_another_output_it_is_refused_before_anything_happens() {
    let nobody = "ws://127.0.0.1:1/";
    let ping = |arguments: &[&str]| {
        Program::new("ping")
            .args(["--tui"])
            .args(arguments)
            .args([nobody])
    };
    let none = ping(&[]).run();
    assert_eq!(none.code, Some(2), "{none:?}");
    assert_says(
        &none.stderr,
        &["--tui needs a terminal", "standard input and output"],
    );
    let cause = ping(&["-o", "json"]).run().failed(2, "usage");
    assert_says(&cause, &["--tui", "-o json"]);
    let quiet = ping(&["-q"]).run();
    assert_eq!(quiet.code, Some(2), "{quiet:?}");
    assert_says(&quiet.stderr, &["--tui", "--quiet"]);
}

/// How the test below knows that it is the program that it runs.
const PANICKING: &str = "WSBEAT_TEST_PANICS_IN";

#[test]
fn a_panic_in_any_thread_gives_the_terminal_back_before_it_is_told_of() {
    if let Ok(place) = std::env::var(PANICKING) {
        return panic_in(&place);
    }
    for place in ["main", "another", "keys"] {
        let name = "a_panic_in_any_thread_gives_the_terminal_back_before_it_is_told_of";
        let mut tty = Tty::run_test(name, (PANICKING, place));
        tty.wait_for("q quit");
        assert!(!tty.is_as_before());
        tty.press(b"q");
        let left = tty.end();
        let text = left.text();
        let (view, after) = text.split_once("\u{1b}[?1049l").unwrap();
        assert!(!view.contains("as it was to"), "{place}: {text:?}");
        assert!(after.contains("as it was to"), "{place}: {text:?}");
        assert!(after.contains("\u{1b}[?25h"), "{place}: {text:?}");
        assert!(!after.contains("q quit"), "{place}: {text:?}");
        assert!(!after.contains("Failed to"), "{place}: {text:?}");
        left.screen();
    }
}

/// Has a screen, and panics as soon as `q` is pressed.
fn panic_in(place: &str) {
    let settings = PingerSettings {
        medium: Medium::Frames,
        interval: Duration::from_secs(1),
        count: None,
        wait: Duration::from_secs(1),
        payload: PayloadSize::LEAST,
    };
    let tallies = PingTallies::default();
    let url = "ws://127.0.0.1/".to_owned();
    tallies
        .lock()
        .push(PingTally::new(1, url, settings.interval));
    let (quit, pressed) = std::sync::mpsc::channel();
    let is_keys = place == "keys";
    let screen = Screen::open(
        View::new(settings, Colours::Welcome),
        tallies,
        Redactor::default(),
        Live::off().hold(),
        move || {
            quit.send(()).unwrap();
            assert!(!is_keys, "panics in the keys, as it was to");
        },
    );
    let mut screen = screen.unwrap();
    pressed.recv().unwrap();
    match place {
        "main" => panic!("panics in main, as it was to"),
        "another" => {
            let other = thread::spawn(|| panic!("panics elsewhere, as it was to"));
            assert!(other.join().is_err());
        }
        _ => {}
    }
    // A view that is gone is told of.
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let error = runtime.unwrap().block_on(screen.broken());
    assert!(
        error.to_string().contains("the terminal has been left"),
        "{error}"
    );
}
