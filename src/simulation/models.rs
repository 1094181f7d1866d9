//! How late messages are, and servers. Times are in milliseconds here, as the laws have them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1, LogNormal, Pareto};
use rand_pcg::Pcg64;

use crate::conversation::Stamp;

/// How late messages are on their way in one direction of a network.
pub trait Path: Send {
    /// How late a message is that is sent at this time. The times of later calls are no earlier.
    ///
    /// That nothing overtakes is the affair of whoever delivers.
    fn lateness(&mut self, at: Stamp) -> Duration;
}

/// A network, and how punctual a server is that sits in it.
#[derive(Clone, Copy)]
pub struct Model {
    /// The name, as it is typed and printed.
    pub name: &'static str,
    /// What it stands for, in a few words.
    pub about: &'static str,
    lateness: Lateness,
    /// How much later than it meant to a sleeping server wakes up.
    oversleep: fn(&mut Pcg64) -> f64,
}

/// What decides how late a message is.
#[derive(Clone, Copy)]
enum Lateness {
    /// Chance alone: one message's lateness says nothing about the next one's.
    Independent(fn(&mut Pcg64) -> f64),
    /// The time as well.
    Varying(fn(Pcg64) -> Box<dyn Path>),
}

impl Model {
    /// The models that there are. [The first](Model::TARGETED) are those of the reference that the
    /// default estimator's targets are set for.
    pub const ALL: &[Model] = &[
        Model {
            name: "lan",
            about: "a cable",
            lateness: Lateness::Independent(|rng| 0.5 + exponential(rng, 0.2)),
            oversleep: punctual,
        },
        Model {
            name: "broadband",
            about: "a line at home",
            lateness: Lateness::Independent(broadband),
            oversleep: punctual,
        },
        Model {
            name: "mobile",
            about: "a phone: jitter that never rests",
            lateness: Lateness::Independent(|rng| 40.0 + exponential(rng, 70.0)),
            oversleep: punctual,
        },
        Model {
            name: "lossy3",
            about: "3 % of the segments are lost and sent again",
            lateness: Lateness::Independent(|rng| lossy(rng, 0.03)),
            oversleep: punctual,
        },
        Model {
            name: "lossy8",
            about: "8 % of the segments are lost and sent again",
            lateness: Lateness::Independent(|rng| lossy(rng, 0.08)),
            oversleep: punctual,
        },
        Model {
            name: "spiky",
            about: "one message in ten is held up, some of them for long",
            lateness: Lateness::Independent(spiky),
            oversleep: punctual,
        },
        Model {
            name: "queue",
            about: "a buffer that other traffic fills and that drains again",
            lateness: Lateness::Varying(|rng| Box::new(Queue::new(rng))),
            oversleep: punctual,
        },
        Model {
            name: "handover",
            about: "a moving phone: each new cell is another way, after a pause",
            lateness: Lateness::Varying(|rng| Box::new(Handovers::new(rng))),
            oversleep: punctual,
        },
        Model {
            name: "satellite",
            about: "a long way, and a repetition now and then",
            lateness: Lateness::Independent(|rng| {
                let repeated = if rng.random_bool(0.01) { 300.0 } else { 0.0 };
                250.0 + exponential(rng, 12.0) + repeated
            }),
            oversleep: punctual,
        },
        Model {
            name: "sleepy",
            about: "a line at home, to a server whose sleeps end up to 40 ms late",
            lateness: Lateness::Independent(broadband),
            oversleep: |rng| rng.random_range(0.0..40.0),
        },
    ];

    /// The models that targets are set for.
    pub const TARGETED: &[Model] = Model::ALL.split_at(6).0;

    /// One direction of this network, with a will of its own that the seed decides.
    pub fn path(&self, seed: u64) -> Box<dyn Path> {
        let rng = Pcg64::seed_from_u64(seed);
        match self.lateness {
            Lateness::Independent(draw) => Box::new(Independent { rng, draw }),
            Lateness::Varying(path) => path(rng),
        }
    }

    /// How late the wake-ups of a sleeping server in this network are, one after the other.
    pub fn oversleep(&self, seed: u64) -> impl FnMut() -> Duration + use<> {
        let mut rng = Pcg64::seed_from_u64(seed);
        let draw = self.oversleep;
        move || millis(draw(&mut rng))
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Model").field(&self.name).finish()
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// There is no model of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no network model of that name")]
pub struct UnknownModelError;

impl FromStr for Model {
    type Err = UnknownModelError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let named = Model::ALL.iter().find(|model| model.name == name);
        named.copied().ok_or(UnknownModelError)
    }
}

fn millis(ms: f64) -> Duration {
    Duration::from_nanos((ms.max(0.0) * 1e6) as u64)
}

fn exponential(rng: &mut Pcg64, mean: f64) -> f64 {
    let unit: f64 = Exp1.sample(rng);
    mean * unit
}

/// A server that wakes up 2 ms late on average.
fn punctual(rng: &mut Pcg64) -> f64 {
    exponential(rng, 2.0)
}

fn broadband(rng: &mut Pcg64) -> f64 {
    // The parameters are good ones: the deviation is finite.
    let jitter = LogNormal::new(5_f64.ln(), 0.8).map_or(5.0, |law| law.sample(rng));
    20.0 + jitter
}

/// A lost segment waits for its retransmission, and sometimes for a second one.
fn lossy(rng: &mut Pcg64, share: f64) -> f64 {
    let mut lateness = 40.0 + exponential(rng, 10.0);
    if rng.random_bool(share) {
        lateness += rng.random_range(220.0..320.0);
        if rng.random_bool(share) {
            lateness += rng.random_range(400.0..600.0);
        }
    }
    lateness
}

fn spiky(rng: &mut Pcg64) -> f64 {
    let mut lateness = 10.0 + exponential(rng, 5.0);
    if rng.random_bool(0.1) {
        // The parameters are good ones: both are above zero.
        let spike: f64 = Pareto::new(100.0, 1.5).map_or(100.0, |law| law.sample(rng));
        lateness += spike.min(1200.0);
    }
    lateness
}

/// Lateness by chance alone.
struct Independent {
    rng: Pcg64,
    draw: fn(&mut Pcg64) -> f64,
}

impl Path for Independent {
    fn lateness(&mut self, _at: Stamp) -> Duration {
        millis((self.draw)(&mut self.rng))
    }
}

/// A buffer in front of a narrow link. Other traffic comes and goes; while it is there, the buffer
/// fills, and afterwards it drains.
struct Queue {
    rng: Pcg64,
    /// How long the buffer takes to send what it holds, in milliseconds.
    length: f64,
    is_filling: bool,
    /// Up to when the above is known, and when the other traffic comes or goes next.
    now: f64,
    change: f64,
}

impl Queue {
    const LONGEST: f64 = 300.0;
    /// In milliseconds a millisecond.
    const FILLS: f64 = 0.1;
    const DRAINS: f64 = 0.15;
    const STAYS: f64 = 3000.0;

    fn new(mut rng: Pcg64) -> Self {
        Queue {
            length: 0.0,
            is_filling: rng.random(),
            now: 0.0,
            change: exponential(&mut rng, Queue::STAYS),
            rng,
        }
    }

    fn run_until(&mut self, until: f64) {
        let rate = if self.is_filling {
            Queue::FILLS
        } else {
            -Queue::DRAINS
        };
        let length = self.length + rate * (until - self.now);
        self.length = length.clamp(0.0, Queue::LONGEST);
        self.now = until;
    }
}

impl Path for Queue {
    fn lateness(&mut self, at: Stamp) -> Duration {
        let at = at.since_opening().as_secs_f64() * 1e3;
        while self.change < at {
            self.run_until(self.change);
            self.is_filling = !self.is_filling;
            self.change += exponential(&mut self.rng, Queue::STAYS);
        }
        self.run_until(at);
        millis(25.0 + self.length + exponential(&mut self.rng, 8.0))
    }
}

/// A phone on the move. In each cell the way is another one; between two, nothing gets through for
/// a while, and then all of it at once.
struct Handovers {
    rng: Pcg64,
    /// How long the way is, in milliseconds.
    way: f64,
    /// Since when, in milliseconds, and when the phone moves on.
    since: f64,
    until: f64,
}

impl Handovers {
    const STAYS: f64 = 10_000.0;

    fn new(mut rng: Pcg64) -> Self {
        Handovers {
            way: rng.random_range(20.0..120.0),
            since: 0.0,
            until: exponential(&mut rng, Handovers::STAYS),
            rng,
        }
    }
}

impl Path for Handovers {
    fn lateness(&mut self, at: Stamp) -> Duration {
        let at = at.since_opening().as_secs_f64() * 1e3;
        while self.until < at {
            self.since = self.until + self.rng.random_range(50.0..400.0);
            self.until = self.since + exponential(&mut self.rng, Handovers::STAYS);
            self.way = self.rng.random_range(20.0..120.0);
        }
        let held_up = (self.since - at).max(0.0);
        millis(held_up + self.way + exponential(&mut self.rng, 12.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_differ() {
        for model in Model::ALL {
            let found: Model = model.name.parse().unwrap();
            assert_eq!(found.about, model.about);
            let same = Model::ALL.iter().filter(|other| other.name == model.name);
            assert_eq!(same.count(), 1, "{model}");
        }
        assert!("moon".parse::<Model>().is_err());
    }

    /// Means of the laws as `network_models` has them: 20,000 draws have a standard error of one
    /// percent of the spread.
    #[test]
    fn lateness_is_as_late_as_the_law_says() {
        let mean = |name: &str| {
            let mut path = name.parse::<Model>().unwrap().path(7);
            let draws = 20_000;
            let sum: f64 = (0..draws)
                .map(|_| path.lateness(Stamp::OPENING).as_secs_f64() * 1e3)
                .sum();
            sum / f64::from(draws)
        };
        // A log-normal law's mean is exp(mu + sigma² / 2); the spikes' one is an integral up to the
        // cap, 100 · (3 - 2 · (100/1200)^0.5).
        let expected = [
            ("lan", 0.7),
            ("broadband", 20.0 + 5.0 * (0.32_f64).exp()),
            ("mobile", 110.0),
            ("lossy3", 50.0 + 0.03 * (270.0 + 0.03 * 500.0)),
            ("lossy8", 50.0 + 0.08 * (270.0 + 0.08 * 500.0)),
            (
                "spiky",
                15.0 + 0.1 * 100.0 * (3.0 - 2.0 * (1.0_f64 / 12.0).sqrt()),
            ),
            ("satellite", 265.0),
        ];
        for (name, expected) in expected {
            let mean = mean(name);
            assert!(
                (mean / expected - 1.0).abs() < 0.05,
                "{name}: {mean}, not {expected}"
            );
        }
    }

    #[test]
    fn a_queue_fills_no_faster_than_its_traffic_comes() {
        let mut path = "queue".parse::<Model>().unwrap().path(3);
        let at = |ms: u64| Stamp::after_opening(Duration::from_millis(ms));
        let latenesses: Vec<f64> = (0..2000)
            .map(|beat| path.lateness(at(beat * 100)).as_secs_f64() * 1e3)
            .collect();
        // In 100 ms it grows by 10 ms at the most; the rest is jitter of 8 ms.
        assert!(
            latenesses
                .windows(2)
                .all(|pair| pair[1] - pair[0] < 10.0 + 15.0 * 8.0)
        );
        assert!(latenesses.iter().any(|late| *late > 250.0));
        assert!(latenesses.iter().any(|late| *late < 40.0));
    }
}
