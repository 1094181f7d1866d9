//! What a view looks like, at any size.

use std::time::Duration;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::*;
use crate::conversation::Stamp;
use crate::conversation::latency::{Flight, PayloadSize, PingerEvent};

const SETTINGS: PingerSettings = PingerSettings {
    medium: Medium::Frames,
    interval: Duration::from_millis(100),
    count: None,
    wait: Duration::from_secs(2),
    payload: PayloadSize::LEAST,
};

fn ms(millis: f64) -> Duration {
    Duration::from_secs_f64(millis / 1e3)
}

/// A tally of a target that answers, or does not.
struct Pinged {
    tally: PingTally,
    sent: u32,
}

impl Pinged {
    fn new(target: usize) -> Self {
        let url = format!("ws://127.0.0.1:{}/", 8000 + target);
        let mut tally = PingTally::new(target, url, SETTINGS.interval);
        tally.standing = Standing::Open(format!("127.0.0.1:{}", 8000 + target));
        Pinged { tally, sent: 0 }
    }

    fn send(&mut self, held_up: Duration) -> Flight {
        let due = Stamp::OPENING + SETTINGS.interval.saturating_mul(self.sent);
        self.sent += 1;
        let flight = Flight {
            sequence: self.sent,
            due,
            set_out: due + held_up,
        };
        self.tally.count(&PingerEvent::Sent(flight));
        flight
    }

    fn pong(&mut self, held_up: Duration, took: Duration) {
        let flight = self.send(held_up);
        let at = flight.set_out + took;
        self.tally.count(&PingerEvent::Pong { flight, at });
    }

    fn lose(&mut self) {
        let flight = self.send(Duration::ZERO);
        self.tally.count(&PingerEvent::Lost(flight));
    }
}

/// Twelve seconds with three pings lost, and a stall after them in which the pings wait for their
/// turn.
fn eventful(target: usize, usual: f64) -> PingTally {
    let mut pinged = Pinged::new(target);
    for index in 0..120_u32 {
        let wave = f64::from(index % 7) * 0.1 * usual;
        match index {
            40..43 => pinged.lose(),
            80..84 => {
                let held_up = ms(f64::from(84 - index) * 90.0);
                pinged.pong(held_up, ms(usual));
            }
            _ => pinged.pong(Duration::ZERO, ms(usual + wave)),
        }
    }
    let late = Flight {
        sequence: 41,
        due: Stamp::OPENING,
        set_out: Stamp::OPENING,
    };
    let at = Stamp::after_opening(Duration::from_secs(9));
    pinged.tally.count(&PingerEvent::Late { flight: late, at });
    pinged
        .tally
        .count(&PingerEvent::Doubled { sequence: 50, at });
    pinged.tally.tcp_rtt = Some(Duration::from_micros(87));
    pinged.tally
}

fn drawn_in(colours: Colours, tallies: &[PingTally], width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let moment = Moment {
        tallies,
        elapsed: Duration::from_secs(12),
        stage: Stage::Running,
    };
    let view = View::new(SETTINGS, colours);
    terminal.draw(|frame| view.draw(&moment, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn drawn(tallies: &[PingTally], width: u16, height: u16) -> String {
    text(&drawn_in(Colours::Welcome, tallies, width, height))
}

fn text(buffer: &Buffer) -> String {
    let rows = buffer.content().chunks(buffer.area.width.into());
    let row = |cells: &[ratatui::buffer::Cell]| {
        let row: String = cells.iter().map(|cell| cell.symbol()).collect();
        row.trim_end().to_owned() + "\n"
    };
    rows.map(row).collect()
}

#[test]
fn one_target_fills_a_terminal_of_the_usual_size() {
    insta::assert_snapshot!(drawn(&[eventful(1, 0.2)], 80, 24), @r##"
wsbeat ping  Ping frames of 16 bytes every 100ms                         0:00:12
ws://127.0.0.1:8001/  (127.0.0.1:8001)
 round trip, ms  ━ raw  ━ from due  × lost ──────────  round trips from ────────
1000│         ××                                          0.2 ms ███████▋ 21
    │                  ⢠⡀                                0.22 ms ██████▏ 17
    │                  ⢸⡇                                0.24 ms ████████████ 33
 100│                  ⢸⡇                                0.27 ms █████▉ 16
    │                  ⢸⢣                                 0.3 ms ██████████▉ 30
    │                  ⢸⢸
  10│                  ⢸⢸
    │                  ⢸⢸
    │                  ⢸⢸
   1│                  ⢸⠘⡄
    │                  ⢸ ⡇
    │⡴⢴⠦⣦⠴⡴⢴⠦⣦⠐⡴⢴⠦⣦⠴⡴⢴⠦⣦⣀⡴⢴⠦⣦⠢⡴⢴⠦⡆
 0.1│
    └────────────────────────────────────────────────
 0:00                      0:10                  0:20
ms                 min     mean      p50      p90      p99    p99.9      max
round trip       0.200    0.256    0.260    0.320    0.320    0.320    0.320
from due         0.200    7.948    0.260    0.320  270.270  360.200  360.200
    sent received           lost  late doubled invented jitter, ms  tcp, ms
     120      117      3 (2.5 %)     1       1        0      0.036    0.087
q quit
"##);
}

#[test]
fn two_targets_stand_side_by_side() {
    let both = [eventful(1, 0.2), eventful(2, 31.0)];
    insta::assert_snapshot!(drawn(&both, 80, 24), @r##"
wsbeat ping  Ping frames of 16 bytes every 100ms                         0:00:12
1 ws://127.0.0.1:8001/  (127.0.0.1:8001)
2 ws://127.0.0.1:8002/  (127.0.0.1:8002)
 1 ms  ━ raw  ━ from due  × lost ───────  2 ms  ━ raw  ━ from due  × lost ──────
470│       ×      ⣷                      470│       ×      ⡆
   │              ⣿                         │              ⡇
   │              ⡇⡇                        │⢀ ⣀⣀⡀⢀ ⢀⢀⡀⢀⢀⣀⡀⢹⡀⢀⣀⣀ ⡀
0.1│⠖⠖⠶⠲⠒⠖⠶⠰⠲⠲⠖⠖⠖⠲⠦⠖⠖⠶⠲⠲⠒⠆                22│⠛⠙⠃⠙⠉⠛⠃⠊⠙⠙⠙⠛⠈⠋⠚⠋⠛⠈⠋⠙⠃
   └────────────────────────────────────    └───────────────────────────────────
0:00                0:10            0:20 0:00               0:10            0:20
 1 round trips from ────────────────────  2 round trips from ───────────────────
    0.2 ms ████████████████████▏ 38           30 ms ████████████████████▋ 38
   0.24 ms ██████████████████████████ 49      36 ms █████████████████▉ 33
    0.3 ms ███████████████▉ 30                43 ms █████████████████████████ 46

ms                 min     mean      p50      p90      p99    p99.9      max
1 round trip     0.200    0.256    0.260    0.320    0.320    0.320    0.320
1 from due       0.200    7.948    0.260    0.320  270.270  360.200  360.200
2 round trip    31.000   39.691   40.305   49.600   49.600   49.600   49.600
2 from due      31.000   47.383   40.305   49.611  301.203  391.000  391.000
       sent received           lost  late doubled invented jitter, ms  tcp, ms
1       120      117      3 (2.5 %)     1       1        0      0.036    0.087
2       120      117      3 (2.5 %)     1       1        0      5.601    0.087
q quit
"##);
}

#[test]
fn many_targets_share_a_chart() {
    let many = [1, 2, 3, 4].map(|target| eventful(target, f64::from(target as u32)));
    insta::assert_snapshot!(drawn(&many, 80, 24), @r##"
wsbeat ping  Ping frames of 16 bytes every 100ms                         0:00:12
1 ws://127.0.0.1:8001/  (127.0.0.1:8001)
2 ws://127.0.0.1:8002/  (127.0.0.1:8002)
3 ws://127.0.0.1:8003/  (127.0.0.1:8003)
4 ws://127.0.0.1:8004/  (127.0.0.1:8004)
 round trip, ms  ━ 1  ━ 2  ━ 3  ━ 4  × lost ────────────────────────────────────
 10│               ××
   │  ⢀ ⢀  ⢀  ⡀  ⡀    ⡀ ⢀  ⢀ ⢀  ⢀     ⡀ ⡀  ⢀ ⢀  ⢀
   │⣀⠎⢾⡤⠋⢆⠖⢻⢦⠋⢣⡰⠱⣧⠜ ⡰⠚⡷⡜⠙⣄⠎⢾⡤⠋⢆⠖⢻⢦⣀⣀⡰⠱⣧⠜⠱⣀⠎⢾⡤⠋⢆⠖⢻
   │⠒⠁⠙⠋⠁⠑⠉⠘⠙⠁⠘⠊⠈⠛⠉ ⠊⠁⠋⠋⠴⠓⠁⠙⠋⠁⠑⠉⠘⠙⠒⠒⠊⠈⠛⠉⠈⠒⠁⠙⠋⠁⠑⠉⠘
  0│⠒⠊⠙⠒⠋⠑⠒⠙⠑⠋⠑⠒⠉⠓⠚ ⠒⠊⠋⠚⠉⠒⠊⠙⠒⠋⠑⠒⠙⠑⠒⠒⠒⠉⠓⠚⠉⠒⠊⠙⠒⠋⠑⠒⠙
   └────────────────────────────────────────────────────────────────────────────
0:00                                    0:10                                0:20
ms                 min     mean      p50      p90      p99    p99.9      max
1 round trip     1.000    1.280    1.300    1.600    1.600    1.600    1.600
2 round trip     2.000    2.561    2.601    3.200    3.200    3.200    3.200
3 round trip     3.000    3.841    3.901    4.800    4.800    4.800    4.800
4 round trip     4.000    5.121    5.202    6.400    6.400    6.400    6.400
       sent received           lost  late doubled invented jitter, ms  tcp, ms
1       120      117      3 (2.5 %)     1       1        0      0.181    0.087
2       120      117      3 (2.5 %)     1       1        0      0.361    0.087
3       120      117      3 (2.5 %)     1       1        0      0.542    0.087
4       120      117      3 (2.5 %)     1       1        0      0.723    0.087
q quit
"##);
}

#[test]
fn before_the_first_pong_and_after_a_failure_there_is_something_to_read() {
    let mut connecting = PingTally::new(1, "ws://a.example/".to_owned(), SETTINGS.interval);
    connecting.standing = Standing::Connecting;
    let mut failed = PingTally::new(2, "ws://b.example/".to_owned(), SETTINGS.interval);
    let error = "connecting to b.example: refused\u{1b}[2J".to_owned();
    failed.standing = Standing::Failed(Outcome::Failed, error);
    insta::assert_snapshot!(drawn(&[connecting, failed], 60, 14), @r##"
wsbeat ping  Ping frames of 16 bytes every 100ms     0:00:12
1 ws://a.example/  connecting …
2 failed: connecting to b.example: refused\u{1b}[2J
 1 ms  ━ raw  ━ from due  × lo  2 ms  ━ raw  ━ from due  × l




    ──────────────────────────     ─────────────────────────
0:00          0:05        0:10 0:00                     0:10
       sent received           lost jitter, ms  tcp, ms
1         0        0              0          -        -
2         0        0              0          -        -
q quit
"##);
}

#[test]
fn what_matters_most_is_left_where_there_is_little_room() {
    let one = [eventful(1, 0.2)];
    insta::assert_snapshot!(drawn(&one, 40, 10), @r##"
wsbeat ping  Ping frames of 16   0:00:12
ws://127.0.0.1:8001/  (127.0.0.1:8001)
 ms  ━ raw  ━ from due  × lost ─────────
470│       ×      ⣿
0.1│⠤⠤⠤⠤⠤⠤⠤⠠⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠄
   └────────────────────────────────────
0:00                0:10            0:20
    sent received           lost
     120      117      3 (2.5 %)
q quit
"##);
    insta::assert_snapshot!(drawn(&one, 24, 4), @r##"
wsbeat ping  P   0:00:12
    sent received
     120      117
q quit   and 1 more targ
"##);
}

#[test]
fn a_large_terminal_is_used() {
    let large = drawn(&[eventful(1, 0.2), eventful(2, 31.0)], 200, 60);
    let blank = large.lines().filter(|line| line.is_empty()).count();
    assert!(blank < 30, "{large}");
    for column in ["deviation", "p99.9", "invented"] {
        assert!(large.contains(column), "{large}");
    }
}

#[test]
fn any_size_will_do() {
    let many: Vec<_> = (1..=9).map(|target| eventful(target, 3.0)).collect();
    for targets in [0, 1, 2, 5, 9] {
        for width in (1..40).chain((40..=200).step_by(23)) {
            for height in (1..20).chain((20..=60).step_by(9)) {
                drawn(&many[..targets], width, height);
            }
        }
    }
}

#[test]
fn without_colours_there_are_none_and_shapes_tell_the_same() {
    let both = [eventful(1, 0.2), eventful(2, 31.0)];
    for (colours, is_coloured) in [(Colours::Welcome, true), (Colours::Unwelcome, false)] {
        let buffer = drawn_in(colours, &both, 80, 24);
        let has_colour =
            |cell: &ratatui::buffer::Cell| (cell.fg, cell.bg) != (Color::Reset, Color::Reset);
        assert_eq!(buffer.content().iter().any(has_colour), is_coloured);
        let text = text(&buffer);
        assert_eq!(text.contains("• from due"), !is_coloured);
        assert!(text.contains('×'));
    }
}

#[test]
fn each_stage_says_what_the_keys_do() {
    assert_eq!(footer(Stage::Running, 0).to_string(), "q quit");
    let more = footer(Stage::Running, 43).to_string();
    assert!(more.contains("and 43 more targets"), "{more}");
    assert_eq!(
        footer(Stage::Ending, 0).to_string(),
        "closing …  q quit without waiting for it"
    );
    assert_eq!(running(Duration::from_secs(3723)), "1:02:03");
}

/// Something that happens to a tally.
#[derive(Clone, Debug)]
enum Happening {
    Pong { held_up: u64, took: u64 },
    Lost,
    Silence,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (any::<u64>(), any::<u64>(), 0..63_u32).prop_map(|(held_up, took, shift)| {
            // All orders of magnitude.
            Happening::Pong { held_up: held_up >> shift >> 1, took: took >> shift >> 1 }
        }),
        1 => Just(Happening::Lost),
        1 => Just(Happening::Silence),
    ]
}

proptest! {
    #[test]
    fn whatever_has_happened_it_can_be_drawn(
        targets in proptest::collection::vec(
            (proptest::collection::vec(happening(), 0..80), any::<String>()), 0..5),
        width in 1..220_u16,
        height in 1..70_u16,
        is_ended: bool,
    ) {
        let tallies = targets.into_iter().enumerate().map(|(index, (happenings, text))| {
            let mut pinged = Pinged::new(index + 1);
            for happening in happenings {
                match happening {
                    Happening::Pong { held_up, took } => {
                        pinged.pong(Duration::from_nanos(held_up), Duration::from_nanos(took));
                    }
                    Happening::Lost => pinged.lose(),
                    Happening::Silence => drop(pinged.send(Duration::ZERO)),
                }
            }
            if is_ended {
                pinged.tally.standing = Standing::Failed(Outcome::Failed, text);
            }
            pinged.tally
        });
        let tallies: Vec<_> = tallies.collect();
        let text = drawn(&tallies, width, height);
        prop_assert!(!text.chars().any(|it| it.is_control() && it != '\n'));
        if width >= 80 && height >= 24 {
            for tally in &tallies {
                let sent = tally.statistics.sent.to_string();
                prop_assert!(text.contains(&sent), "{sent} is missing in: {text}");
            }
            prop_assert!(text.contains("q quit"));
        }
    }
}
