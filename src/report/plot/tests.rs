mod files;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::conversation::Stamp;
use crate::conversation::challenge::{
    Beat, Estimate, EstimatorKind, Interval, Player, PlayerEvent, PlayerSettings, Round, Verdict,
};
use crate::conversation::latency::{Flight, PingerEvent, Series, Statistics};
use crate::recording::{self, Recording};
use crate::simulation::{Contestant, Session};
use files::{Element, Svg, pixels};

const MS: Duration = Duration::from_millis(1);

/// Sky blue, bluish green, blue and vermillion, as they are written in SVG.
const LIGHT: &str = "#56B4E9";
const GREEN: &str = "#009E73";
const BLUE: &str = "#0072B2";
const RED: &str = "#D55E00";

/// What a ping came to: how late it set out and how long it took, or `None` if it was lost.
type Ping = Option<(Duration, Duration)>;

fn run(interval: Duration, pings: impl IntoIterator<Item = Ping>) -> (Series, Statistics) {
    let mut series = Series::new(interval);
    let mut statistics = Statistics::default();
    let mut due = Stamp::OPENING;
    for (sequence, ping) in (1..).zip(pings) {
        let (late, took) = ping.unwrap_or_default();
        let flight = Flight {
            sequence,
            due,
            set_out: due + late,
        };
        let fate = match ping {
            Some(_) => PingerEvent::Pong {
                flight,
                at: flight.set_out + took,
            },
            None => PingerEvent::Lost(flight),
        };
        for event in [PingerEvent::Sent(flight), fate] {
            series.count(&event);
            statistics.count(&event);
        }
        due = due + interval;
    }
    (series, statistics)
}

/// The document of some panels, all of them of this run.
fn svg_of(panels: usize, (series, statistics): &(Series, Statistics)) -> Svg {
    let panel = Panel {
        name: "wss://echo.example/socket",
        series,
        statistics,
    };
    Svg::parse(round_trips(&vec![panel; panels], PictureFormat::Svg).unwrap())
}

#[test]
fn the_name_of_a_file_tells_its_format() {
    let of = |name: &str| PictureFormat::of(Path::new(name));
    assert_eq!(of("a/run.svg"), Ok(PictureFormat::Svg));
    assert_eq!(of("run.2.PNG"), Ok(PictureFormat::Png));
    for wrong in ["run", "run.gif", ".svg", "svg", "-"] {
        let error = of(wrong).unwrap_err().to_string();
        assert!(error.contains(".svg") && error.contains(".png"), "{wrong}");
    }
}

#[test]
fn percentiles_are_lines_with_their_values() {
    let times = (1..=1000).map(|number| Some((Duration::ZERO, number * MS / 20)));
    let svg = svg_of(1, &run(1000 * MS, times));
    svg.says("wss://echo.example/socket");
    svg.says("1000 sent, 1000 received, 0 lost");
    svg.says("round trip (ms)");
    svg.says("time since the opening (min)");
    for value in [
        "p50  25.0 ms",
        "p90  45.0 ms",
        "p99  49.5 ms",
        "p99.9  50.0 ms",
    ] {
        svg.says(value);
    }
    // A thin line all the way across, at the height of its value.
    let (zero, fifty) = (svg.level("0"), svg.level("50"));
    for value in [25.0, 45.0, 49.5, 49.95] {
        let y = zero + (fifty - zero) * value / 50.0;
        let lines = svg.filled("rect", "#5A5A5A");
        let is = |it: &&Element| it.number("width") > 900.0 && (it.number("y") - y).abs() <= 1.5;
        assert!(lines.into_iter().any(|it| is(&it)), "{value}");
    }
    // One point a ping, and one in the key.
    assert_eq!(svg.filled("circle", BLUE).len(), 1001);
}

#[test]
fn a_stall_is_seen_at_its_height() {
    // A second of pings at 1 ms; in the middle nothing is sent for 200 ms, and all that was due is
    // sent after that.
    let pings = (0..1000_u32).map(|number| {
        let late = (400..600).contains(&number).then(|| (600 - number) * MS);
        Some((late.unwrap_or_default(), MS / 10))
    });
    let svg = svg_of(1, &run(MS, pings));
    svg.says("round trip (ms, logarithmic scale)");
    let (one, hundred) = (svg.level("1"), svg.level("100"));
    let y = one + (hundred - one) * 200.1_f64.log10() / 2.0;
    // The first one is the key's. Every ping of the stall is there.
    let points = &svg.filled("circle", LIGHT)[1..];
    assert_eq!(points.len(), 200);
    let highest = points
        .iter()
        .map(|it| it.number("cy"))
        .fold(f64::MAX, f64::min);
    assert!((highest - y).abs() <= 1.5, "{highest}, not {y}");
}

#[test]
fn every_loss_is_marked_at_the_upper_edge() {
    let lost = [3, 4, 90];
    let pings = (0..100).map(|number| (!lost.contains(&number)).then_some((MS, 20 * MS)));
    let svg = svg_of(1, &run(1000 * MS, pings));
    svg.says("lost: 3");
    svg.says("100 sent, 97 received, 3 lost");
    let marks = svg.filled("rect", RED);
    // And the one in the key.
    assert_eq!(marks.len(), 4);
    let uppermost = svg
        .filled("circle", BLUE)
        .iter()
        .skip(1)
        .map(|it| it.number("cy"))
        .fold(f64::MAX, f64::min);
    assert!(marks.iter().all(|it| it.number("y") < uppermost));
}

#[test]
fn several_targets_have_the_same_scale() {
    let fast = run(100 * MS, (0..50).map(|_| Some((Duration::ZERO, 10 * MS))));
    let slow = run(100 * MS, (0..100).map(|_| Some((Duration::ZERO, 40 * MS))));
    let panels = [&fast, &slow].map(|(series, statistics)| Panel {
        name: "ws://h/",
        series,
        statistics,
    });
    let svg = Svg::parse(round_trips(&panels, PictureFormat::Svg).unwrap());
    // Both have the same marks at both axes.
    let texts = svg.texts();
    for mark in ["0", "20", "40", "2", "4", "10"] {
        let times = texts.iter().filter(|text| **text == mark).count();
        assert!(times % 2 == 0 && times > 0, "{mark}: {texts:?}");
    }
    let many = svg_of(20, &fast);
    many.says("8 more targets are not drawn");
}

#[test]
fn what_there_is_nothing_of_is_said() {
    svg_of(0, &run(MS, [])).says("nothing was pinged");
    svg_of(1, &run(MS, [])).says("no ping was sent");
    let lost = svg_of(1, &run(MS, [None, None]));
    lost.says("no pong came");
    assert_eq!(lost.filled("rect", RED).len(), 3);
    let none = beats("ws://h/", &Beats::default(), PictureFormat::Svg).unwrap();
    Svg::parse(none).says("no beat came");
}

#[test]
fn pictures_do_not_grow_with_the_run() {
    let pings = (0..200_000_u32).map(|number| {
        let took = (number.wrapping_mul(2_654_435_761) >> 16) * Duration::from_micros(1);
        (number % 7 != 0).then_some((took / 3, took))
    });
    let run = run(MS, pings);
    let bytes = svg_of(1, &run).bytes;
    assert!(bytes < 1_200_000, "{bytes}");

    let all = session("broadband", EstimatorKind::Plain, 1, 10_000);
    let svg = Svg::parse(beats("ws://h/", &all, PictureFormat::Svg).unwrap());
    svg.says("10000 rounds, 10000 good");
    svg.says("of each 20 in a row");
    assert!(svg.bytes < 300_000, "{}", svg.bytes);

    let mut long = Beats::default();
    for _ in 0..10_500 {
        long.count(&PlayerEvent::Beat(beat(
            Round::FIRST,
            700 * MS,
            700 * MS,
            None,
        )));
    }
    let svg = Svg::parse(beats("ws://h/", &long, PictureFormat::Svg).unwrap());
    svg.says("10500 rounds, the last 10000 of them here");
}

#[test]
fn a_peer_s_texts_stay_texts() {
    let name = "ws://h/<&\"'>\u{1b}[2J\u{202e}\u{ffff}\u{0}".repeat(30);
    let (series, statistics) = run(MS, []);
    let panel = Panel {
        name: &name,
        series: &series,
        statistics: &statistics,
    };
    // Parsing it finds no control characters.
    let svg = Svg::parse(round_trips(&[panel], PictureFormat::Svg).unwrap());
    svg.says("ws://h/&lt;&amp;&quot;&apos;&gt;\\u{1b}[2J\\u{202e}\u{fffd}");
    assert!(svg.texts().iter().any(|text| text.ends_with('…')));
}

fn count(pixels: &[[u8; 3]], colour: [u8; 3]) -> usize {
    pixels.iter().filter(|pixel| **pixel == colour).count()
}

#[test]
fn a_png_has_the_pixels_of_the_picture() {
    let pings = (0..300_u32).map(|number| {
        let late = if number % 50 == 7 {
            9 * MS
        } else {
            Duration::ZERO
        };
        (number % 100 != 99).then_some((late, 20 * MS + number % 11 * MS))
    });
    let (series, statistics) = run(1000 * MS, pings);
    let panel = Panel {
        name: "wss://echo.example/socket",
        series: &series,
        statistics: &statistics,
    };
    let file = round_trips(&[panel], PictureFormat::Png).unwrap();
    let (size, image) = pixels(&file);
    assert_eq!(size, (1200, 700));
    // Blue, sky blue, vermillion; some of it is white, and some of it is text.
    for colour in [[0, 114, 178], [86, 180, 233], [213, 94, 0]] {
        assert!(count(&image, colour) > 40, "{colour:?}");
    }
    assert!(count(&image, [255; 3]) > image.len() / 2);
    let dark = image
        .iter()
        .filter(|[red, green, blue]| *red < 80 && *green < 80 && *blue < 80);
    assert!(dark.count() > 1000, "there is text");
    // The same results give the same bytes.
    assert_eq!(file, round_trips(&[panel], PictureFormat::Png).unwrap());
    assert!(file.len() < 200_000);

    let lost = session("spiky", EstimatorKind::Plain, 3, 20);
    let file = beats("lost.jsonl", &lost, PictureFormat::Png).unwrap();
    let (size, image) = pixels(&file);
    assert_eq!(size, (1200, 700));
    for colour in [[0, 158, 115], [213, 94, 0]] {
        assert!(count(&image, colour) > 40, "{colour:?}");
    }
}

/// A session across a modelled network, as its player noticed it.
fn session(model: &str, kind: EstimatorKind, number: u64, rounds: u32) -> Beats {
    let session = Session {
        model: model.parse().unwrap(),
        rounds,
        seed: 1,
        number,
    };
    let (header, events, _) = session.record(Contestant::Estimator(kind));
    let mut player = Player::new(PlayerSettings {
        estimator: kind,
        round_limit: None,
    });
    let recording = Recording {
        header,
        events,
        cut: None,
    };
    let mut beats = Beats::default();
    let ignore = |_, _| {};
    recording::replay(&recording, &mut player, ignore, |event| beats.count(&event));
    beats
}

fn beat(round: Round, elapsed: Duration, corrected: Duration, sure: Option<f64>) -> Beat {
    let interval = Interval::nearest(corrected);
    Beat {
        round,
        at: Stamp::OPENING + elapsed,
        elapsed,
        estimate: Estimate {
            interval,
            corrected,
            probabilities: sure.map(|share| {
                let mut of = [(1.0 - share) / 4.0; 5];
                of[interval as usize] = share;
                of
            }),
        },
        answered_in: None,
    }
}

fn verdict(round: Round, verdict: Verdict) -> PlayerEvent {
    PlayerEvent::Verdict {
        at: Stamp::OPENING,
        round: Some(round),
        verdict,
    }
}

#[test]
fn a_lost_session_can_be_looked_at() {
    let lost = session("spiky", EstimatorKind::Plain, 3, 20);
    let svg = Svg::parse(beats("lost.jsonl: ws://h/", &lost, PictureFormat::Svg).unwrap());
    svg.says("lost.jsonl: ws://h/");
    svg.says("17 rounds, 16 good, 1 ouch");
    svg.says("Round 17 was lost: its beat was ambiguous");
    svg.says("ouch! ambiguous");
    for edge in ["1100", "1750", "2250", "2750"] {
        svg.says(edge);
    }
    // A point for each answer, and a ring for each elapsed time; one of each is in the key.
    assert_eq!(svg.filled("circle", GREEN).len(), 16);
    assert_eq!(svg.filled("circle", RED).len(), 1);
    assert_eq!(svg.filled("circle", "none").len(), 18);
}

#[test]
fn beats_are_where_their_times_are() {
    let mut some = Beats::default();
    let round = Round::FIRST;
    some.count(&PlayerEvent::Beat(beat(
        round,
        1690 * MS,
        1720 * MS,
        Some(0.87),
    )));
    some.count(&verdict(round, Verdict::Good));
    let next = round.next();
    some.count(&PlayerEvent::Beat(beat(
        next,
        2000 * MS,
        2000 * MS,
        Some(0.999),
    )));
    // Another answer was given then.
    some.count(&verdict(next, Verdict::Ouch));
    let svg = Svg::parse(beats("ws://h/", &some, PictureFormat::Svg).unwrap());
    let (low, high) = (svg.level("700"), svg.level("3000"));
    let level = |ms: f64| low + (high - low) * (ms - 700.0) / 2300.0;
    let near = |element: &Element, ms: f64| (element.number("cy") - level(ms)).abs() <= 1.5;
    let rings = svg.filled("circle", "none");
    assert!(near(rings[1], 1690.0), "{:?}", rings[1]);
    assert!(near(rings[2], 2000.0), "{:?}", rings[2]);
    assert!(near(svg.filled("circle", GREEN)[0], 1720.0));
    assert!(near(svg.filled("circle", RED)[0], 2000.0));
    // What is narrow and what is unsure is written, and nothing else.
    svg.says("30 ms");
    svg.says("87 %");
    svg.says("ouch! for another answer");
    svg.says("2 rounds, 1 good, 1 ouch; narrowest margin 30 ms; least sure 87.0 %");
    assert!(!svg.texts().contains(&"100 %"));
}

fn times() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0..4_000_000_000_u64).prop_map(Duration::from_nanos),
        1 => any::<u64>().prop_map(Duration::from_nanos),
        1 => Just(Duration::MAX),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_round_trips_can_be_drawn(
        interval in times(),
        pings in prop::collection::vec(prop::option::of((times(), times())), 0..60),
        panels in 0..4_usize,
    ) {
        let run = run(interval, pings);
        let svg = svg_of(panels, &run);
        prop_assert!(!svg.texts().is_empty());
    }

    #[test]
    fn any_beats_can_be_drawn(
        rounds in prop::collection::vec(
            (times(), times(), prop::option::of(0.0..=1.0), 0..3_u8, any::<bool>()),
            0..80,
        ),
        is_png in prop::bool::weighted(0.1),
    ) {
        let mut some = Beats::default();
        let mut round = Round::FIRST;
        for (elapsed, corrected, sure, fate, stays) in rounds {
            some.count(&PlayerEvent::Beat(beat(round, elapsed, corrected, sure)));
            match fate {
                0 => some.count(&verdict(round, Verdict::Good)),
                1 => some.count(&verdict(round, Verdict::Ouch)),
                _ => {}
            }
            // Rounds that repeat are none that a player tells of, and no reason to panic.
            if !stays {
                round = round.next();
            }
        }
        let format = if is_png { PictureFormat::Png } else { PictureFormat::Svg };
        prop_assert!(!beats("ws://h/", &some, format).unwrap().is_empty());
    }
}
