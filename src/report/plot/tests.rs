use std::time::Duration;

use super::*;
use crate::conversation::Stamp;
use crate::conversation::challenge::{EstimatorKind, Player, PlayerSettings};
use crate::conversation::latency::{Flight, PingerEvent, Series, Statistics};
use crate::recording::{self, Recording};
use crate::simulation::{Contestant, Session};

const MS: Duration = Duration::from_millis(1);

/// What pings came to, at an interval: how late each left and how long it took from then, or `None`
/// if it was lost.
fn run(interval: Duration, pings: &[Option<(Duration, Duration)>]) -> (Series, Statistics) {
    let mut series = Series::new(interval);
    let mut statistics = Statistics::default();
    let mut due = Stamp::OPENING;
    for (sequence, ping) in (1..).zip(pings) {
        let late = ping.map_or(Duration::ZERO, |(late, _)| late);
        let flight = Flight {
            sequence,
            due,
            set_out: due + late,
        };
        let fate = match ping {
            Some((_, took)) => PingerEvent::Pong {
                flight,
                at: flight.set_out + *took,
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
    let mut beats = Beats::default();
    let recording = Recording { header, events, cut: None };
    recording::replay(&recording, &mut player, |_, _| {}, |event| beats.count(&event));
    beats
}

#[test]
fn show() {
    let mut x = 1u64;
    let mut rnd = move || { x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); ((x >> 33) as f64) / (1u64<<31) as f64 };
    let mut pings: Vec<_> = (0..300).map(|_| Some((Duration::ZERO, MS.mul_f64(20.0 + 8.0*rnd()*rnd())))).collect();
    for k in [50, 51, 130] { pings[k] = None; }
    let (s, st) = run(1000 * MS, &pings);
    let save = |name: &str, bytes: Vec<u8>| { std::fs::create_dir_all("/tmp/plots").unwrap(); std::fs::write(format!("/tmp/plots/{name}"), bytes).unwrap() };
    let a = Panel { name: "wss://echo.example.org/socket", series: &s, statistics: &st };
    save("rt1.png", round_trips(&[a], PictureFormat::Png).unwrap());
    save("rt1.svg", round_trips(&[a], PictureFormat::Svg).unwrap());
    // stall
    let mut pings: Vec<_> = (0..2000).map(|_| Some((Duration::ZERO, MS.mul_f64(0.08 + 0.1*rnd()*rnd())))).collect();
    for k in 0..200 { pings[900+k] = Some(((200 - k as u32) * MS, MS/10)); }
    let (s2, st2) = run(MS, &pings);
    let b = Panel { name: "ws://127.0.0.1:8765/echo", series: &s2, statistics: &st2 };
    save("rt2.png", round_trips(&[b], PictureFormat::Png).unwrap());
    let (s3, st3) = run(1000*MS, &[None, None, None]);
    let c = Panel { name: "ws://silent.example/", series: &s3, statistics: &st3 };
    save("rt3.png", round_trips(&[a, b, c], PictureFormat::Png).unwrap());
    save("rt4.png", round_trips(&[c], PictureFormat::Png).unwrap());
    for (m, k) in [("spiky", EstimatorKind::Plain), ("lossy8", EstimatorKind::Bayes), ("mobile", EstimatorKind::Bayes), ("lan", EstimatorKind::Bayes)] {
        for n in 0..4 {
            save(&format!("b-{m}-{n}.png"), beats(&format!("lost.jsonl: ws://127.0.0.1:8765/_/ws/… ({m} {n})"), &session(m, k, n, 20), PictureFormat::Png).unwrap());
        }
    }
    save("b-many.png", beats("many", &session("lan", EstimatorKind::Plain, 1, 300), PictureFormat::Png).unwrap());
    save("b-most.png", beats("many", &session("broadband", EstimatorKind::Plain, 1, 10000), PictureFormat::Png).unwrap());
    save("b-none.png", beats("none", &Beats::default(), PictureFormat::Png).unwrap());
}
