use std::collections::VecDeque;
use std::sync::LazyLock;
use std::time::Duration;

use super::floor::Floor;
use super::law::{ByLaw, CELL_MS, LAWS_AS_TABLES, Laws};
use super::{Estimate, Estimator};
use crate::conversation::Stamp;
use crate::conversation::challenge::Interval;

/// A greeting within this time of the opening came on its heels.
const HEELS: Duration = Duration::from_millis(2);

/// A density, a millisecond, so small that it is more probable that the schedule has been lost: as
/// if one beat in ten thousand did that, for anything up to ten seconds.
const INEXPLICABLE: f32 = 1e-8;

/// The interval that the hop rates of the laws are meant for, in milliseconds.
const HOP_RATES_FOR_MS: f32 = 2000.0;

/// How many times as often floors hop before anything is known of the network.
const HOPS_AT_FIRST: f32 = 9.0;

/// After how many beats half of that is left.
const KNOWN_AFTER: f32 = 3.0;

/// Whether floors hop is an even bet at the most, but for those that do so always.
const MOST_HOPS: f32 = 0.5;

/// How many residuals are remembered, to tell lateness more precisely than by cells.
const REMEMBERED: usize = 8;

/// The most probable interval, given all that the conversation has told.
///
/// A beat's *residual* is the time by which it came later than the opening and the intervals
/// confirmed since would have it. It is the sum of the *floor*, which every beat shares, and of the
/// beat's own lateness, and each of the five intervals that a new beat can stand for gives it
/// another residual. The estimator answers with the interval whose residual is the most probable.
///
/// See the [module](super) for how it knows what is probable.
#[derive(Clone, Debug, Default)]
pub struct Bayes {
    /// The opening and the confirmed intervals: when the newest confirmed beat would have come if
    /// the floor were at zero.
    schedule: Stamp,
    /// When the newest beat came, or the opening.
    newest: Stamp,
    /// The newest beat has not been confirmed yet.
    is_open: bool,
    beats: u32,
    state: Option<State>,
}

/// What has been learned since the opening.
#[derive(Clone, Debug)]
struct State {
    /// How probable each law is.
    weights: ByLaw,
    /// The floor of the beats.
    beats: Floor,
    /// The residuals of the newest beats, and of the opening, in milliseconds.
    residuals_ms: VecDeque<f64>,
    /// The floor of the round trips, from an answer to its verdict, once there has been one, and
    /// what they count from.
    round_trips: Option<(Floor, Duration)>,
    /// How many round trips there have been.
    answers: u32,
}

impl Bayes {
    /// An estimator that has what it needs before the connection opens, when time begins to count.
    pub(super) fn prepared() -> Self {
        LazyLock::force(&LAWS_AS_TABLES);
        Bayes::default()
    }

    /// By how much a stamp is later than the schedule has it, in milliseconds.
    fn residual_ms(&self, at: Stamp) -> f64 {
        (at.since_opening().as_secs_f64() - self.schedule.since_opening().as_secs_f64()) * 1e3
    }
}

impl Estimator for Bayes {
    fn opened(&mut self, at: Stamp) {
        let laws = &*LAWS_AS_TABLES;
        *self = Bayes {
            schedule: at,
            newest: at,
            is_open: false,
            beats: 0,
            state: Some(State {
                weights: laws.credit,
                beats: Floor::below(0, laws, &laws.message),
                residuals_ms: VecDeque::from([0.0]),
                round_trips: None,
                answers: 0,
            }),
        };
    }

    fn greeted(&mut self, at: Stamp) {
        let late = at.since(self.newest);
        let late = (late >= HEELS).then(|| cells(late.as_secs_f64() * 1e3));
        if let Some(state) = &mut self.state {
            let laws = &*LAWS_AS_TABLES;
            let evidence = state.beats.learn_from_second(0, late, laws, &laws.message);
            state.weigh(evidence, laws);
        }
    }

    fn beat(&mut self, at: Stamp) -> Estimate {
        let elapsed = at.since(self.newest);
        let since_schedule_ms = self.residual_ms(at);
        (self.newest, self.is_open) = (at, true);
        self.beats = self.beats.saturating_add(1);
        let plain = Estimate {
            interval: Interval::nearest(elapsed),
            corrected: elapsed,
            probabilities: None,
        };
        let Some(state) = &self.state else {
            return plain;
        };
        let laws = &*LAWS_AS_TABLES;
        let residual_ms = |interval: Interval| since_schedule_ms - f64::from(interval.millis());
        let densities = Interval::ALL.map(|interval| {
            let hops = hops(laws, interval, self.beats);
            let residual = cells(residual_ms(interval));
            let densities = state.beats.density(residual, hops, &laws.message);
            densities.times(state.weights).sum()
        });
        let all: f32 = densities.iter().sum();
        let best = Interval::ALL.into_iter().zip(densities);
        let Some((interval, density)) = best.max_by(|one, other| one.1.total_cmp(&other.1)) else {
            return plain;
        };
        if density < INEXPLICABLE {
            // The schedule has been lost. The time since the newest beat is the next best.
            return plain;
        }
        let floor = state.beats.explaining(
            cells(residual_ms(interval)),
            hops(laws, interval, self.beats),
            state.weights,
            &laws.message,
        );
        let residual_ms = residual_ms(interval);
        let lateness_ms = residual_ms - state.precisely(floor as f64 * CELL_MS, residual_ms);
        let corrected_ms = (f64::from(interval.millis()) + lateness_ms).max(0.0);
        Estimate {
            interval,
            corrected: Duration::try_from_secs_f64(corrected_ms / 1e3).unwrap_or(elapsed),
            probabilities: Some(densities.map(|density| f64::from(density / all))),
        }
    }

    fn confirmed(&mut self, interval: Interval) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        self.schedule = self.schedule + interval.duration();
        let residual_ms = self.residual_ms(self.newest);
        let residual = cells(residual_ms);
        if let Some(state) = &mut self.state {
            state.remember(residual_ms);
            let laws = &*LAWS_AS_TABLES;
            let hops = hops(laws, interval, self.beats);
            let table = &laws.message;
            let evidence = state
                .beats
                .learn(residual, hops, state.weights, laws, table);
            if evidence.times(state.weights).sum() < INEXPLICABLE {
                state.beats = Floor::below(residual, laws, table);
            } else {
                state.weigh(evidence, laws);
            }
        }
    }

    fn judged_after(&mut self, round_trip: Duration) {
        let Some(state) = &mut self.state else {
            return;
        };
        let laws = &*LAWS_AS_TABLES;
        let table = &laws.round_trip;
        state.answers = state.answers.saturating_add(1);
        let Some((floor, first)) = &mut state.round_trips else {
            state.round_trips = Some((Floor::below(0, laws, table), round_trip));
            return;
        };
        let residual = cells((round_trip.as_secs_f64() - first.as_secs_f64()) * 1e3);
        // A round trip takes no interval: what floors do meanwhile is what they do in any time.
        let hops = hops(laws, Interval::Ms2000, state.answers);
        let evidence = floor.learn(residual, hops, state.weights, laws, table);
        if evidence.times(state.weights).sum() < INEXPLICABLE {
            *floor = Floor::below(residual, laws, table);
        } else {
            // Half of the way was not the beats': so is half of the evidence.
            state.weigh(
                evidence.with(ByLaw::ONE, |evidence, _| evidence.sqrt()),
                laws,
            );
        }
    }
}

impl State {
    fn remember(&mut self, residual_ms: f64) {
        if self.residuals_ms.len() == REMEMBERED {
            self.residuals_ms.pop_front();
        }
        self.residuals_ms.push_back(residual_ms);
    }

    /// A floor that is known to a cell, where possible to a fraction of it: the earliest message
    /// that came near it was not late. `newest_ms` is a beat that has not been confirmed yet.
    fn precisely(&self, floor_ms: f64, newest_ms: f64) -> f64 {
        let residuals = self.residuals_ms.iter().copied().chain([newest_ms]);
        let near = residuals.filter(|residual_ms| (residual_ms - floor_ms).abs() < 1.5 * CELL_MS);
        near.min_by(f64::total_cmp).unwrap_or(floor_ms)
    }

    /// Makes laws more or less probable, by the density that each gave to what happened.
    fn weigh(&mut self, evidence: ByLaw, laws: &Laws) {
        let weights = self.weights.times(evidence);
        let all = weights.sum().max(f32::MIN_POSITIVE);
        let weights = weights.with(ByLaw::ONE, |weight, _| weight / all);
        // No law is ever ruled out: what a network is like may change.
        self.weights = weights.with(laws.credit, |weight, credit| weight.max(credit * 1e-12));
    }
}

/// How probable hops are before a beat after this interval, the beat of this number. The longer
/// the silence, the more may have happened; and the less is known yet, the more is possible.
fn hops(laws: &Laws, interval: Interval, number: u32) -> ByLaw {
    let at_first = 1.0 + HOPS_AT_FIRST / (1.0 + (number as f32 / KNOWN_AFTER).powi(2));
    let scale = f32::from(interval.millis()) / HOP_RATES_FOR_MS * at_first;
    laws.hop_rate.with(ByLaw::ONE, |rate, always| {
        if rate < MOST_HOPS {
            (rate * scale).min(MOST_HOPS)
        } else {
            always
        }
    })
}

/// Milliseconds as cells of the lattice. What is further away than anything that happens is as far
/// as that, so that residuals can be added up.
fn cells(ms: f64) -> i64 {
    const FARTHEST: f64 = 1e15;
    (ms / CELL_MS).round().clamp(-FARTHEST, FARTHEST) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An estimator at work, at times in milliseconds.
    struct Game {
        estimator: Bayes,
        /// When the next interval begins to count.
        beat_ms: f64,
    }

    impl Game {
        fn open() -> Self {
            let mut estimator = Bayes::default();
            estimator.opened(Stamp::OPENING);
            Game {
                estimator,
                beat_ms: 0.0,
            }
        }

        /// A beat after this interval, late by this much, that is confirmed afterwards.
        fn beat(&mut self, interval: Interval, late_ms: f64) -> Estimate {
            self.beat_ms += f64::from(interval.millis());
            let estimate = self.estimator.beat(at(self.beat_ms + late_ms));
            self.estimator.confirmed(interval);
            estimate
        }

        /// Beats of all intervals in turn, late by the same.
        fn beats(&mut self, number: usize, late_ms: f64) {
            for interval in Interval::ALL.into_iter().cycle().take(number) {
                self.beat(interval, late_ms);
            }
        }
    }

    fn at(ms: f64) -> Stamp {
        Stamp::after_opening(Duration::from_secs_f64(ms.max(0.0) / 1e3))
    }

    #[test]
    fn until_anything_is_known_a_punctual_beat_is_what_its_window_says() {
        for interval in Interval::ALL {
            for late_ms in [0.0, 2.0, 20.0, 60.0, 120.0, 200.0, -100.0] {
                let estimate = Game::open().beat(interval, late_ms);
                assert_eq!(estimate.interval, interval, "{late_ms} ms late");
                assert!(estimate.confidence() > Some(0.5), "{estimate:?}");
            }
        }
        let punctual = Game::open().beat(Interval::Ms2000, 1.0);
        assert!(punctual.confidence() > Some(0.99), "{punctual:?}");
        assert!(
            punctual.corrected.abs_diff(Duration::from_millis(2000)) < Duration::from_millis(20)
        );
    }

    #[test]
    fn a_late_beat_is_seen_through_and_does_not_spoil_the_next() {
        let mut game = Game::open();
        game.beats(6, 3.0);
        // Nearer to 2500 than to 2000, but beats are late and not early.
        let late = game.beat(Interval::Ms2000, 290.0);
        assert_eq!(late.interval, Interval::Ms2000, "{late:?}");
        assert!(
            (late.lateness_ns() - 290_000_000).abs() < 20_000_000,
            "{late:?}"
        );
        assert!(late.margin_ns() < 0, "{late:?}");
        // From beat to beat this one came 290 ms early.
        let next = game.beat(Interval::Ms2500, 2.0);
        assert_eq!(next.interval, Interval::Ms2500, "{next:?}");
        assert!(next.lateness_ns().abs() < 20_000_000, "{next:?}");
        assert!(next.confidence() > Some(0.9), "{next:?}");
    }

    #[test]
    fn an_opening_that_was_late_is_found_out() {
        let mut game = Game::open();
        for interval in [Interval::Ms700, Interval::Ms700, Interval::Ms1500] {
            assert_eq!(game.beat(interval, -180.0).interval, interval);
        }
        assert_eq!(game.beat(Interval::Ms2000, 90.0).interval, Interval::Ms2000);
    }

    #[test]
    fn a_server_whose_sleeps_end_late_is_followed() {
        let mut game = Game::open();
        let intervals = Interval::ALL.into_iter().cycle().take(300);
        for (round, interval) in intervals.enumerate() {
            // Up to 20 ms at a time, six seconds late in the end.
            let late_ms = round as f64 * 20.0 + 5.0;
            let estimate = game.beat(interval, late_ms);
            assert_eq!(estimate.interval, interval, "round {round}: {estimate:?}");
        }
    }

    #[test]
    fn a_clock_that_is_fast_is_followed_downwards() {
        let mut game = Game::open();
        for (round, interval) in Interval::ALL.into_iter().cycle().take(300).enumerate() {
            let estimate = game.beat(interval, -2.0 * round as f64);
            assert_eq!(estimate.interval, interval, "round {round}: {estimate:?}");
        }
    }

    #[test]
    fn a_schedule_that_is_lost_is_found_again() {
        for stall_ms in [4000.0, 60_000.0] {
            let mut game = Game::open();
            game.beats(10, 3.0);
            // A server that stood still for a while, and then goes on as before.
            game.beat(Interval::Ms3000, stall_ms);
            for interval in [Interval::Ms700, Interval::Ms2000, Interval::Ms1500] {
                let estimate = game.beat(interval, stall_ms + 2.0);
                assert_eq!(estimate.interval, interval, "{stall_ms}: {estimate:?}");
            }
        }
    }

    #[test]
    fn a_server_that_beats_at_once_and_judges_nothing_is_no_trouble() {
        let mut estimator = Bayes::default();
        estimator.opened(Stamp::OPENING);
        let mut answers = Vec::new();
        for beat in 0..20 {
            let answer = estimator.beat(at(1.0 + 701.0 * f64::from(beat))).interval;
            estimator.confirmed(answer);
            answers.push(answer);
        }
        assert_eq!(answers, [Interval::Ms700; 20]);
    }

    #[test]
    fn a_greeting_well_after_the_opening_vouches_for_the_opening() {
        // The beat seems 240 ms early, or 260 ms late; the opening may have been late.
        let estimate = |greeted_ms: Option<f64>| {
            let mut estimator = Bayes::default();
            estimator.opened(Stamp::OPENING);
            if let Some(ms) = greeted_ms {
                estimator.greeted(at(ms));
            }
            estimator
                .beat(at(2260.0))
                .probability(Interval::Ms2000)
                .unwrap()
        };
        assert!(estimate(Some(25.0)) > estimate(None));
        assert!(estimate(Some(0.1)) < estimate(None));
    }

    #[test]
    fn round_trips_tell_what_the_network_is_like() {
        let probability = |round_trips_ms: &[u64]| {
            let mut game = Game::open();
            for ms in round_trips_ms {
                game.beat(Interval::Ms700, 2.0);
                game.estimator.judged_after(Duration::from_millis(*ms));
            }
            let estimate = game.beat(Interval::Ms2000, 420.0);
            estimate.probability(Interval::Ms2000).unwrap()
        };
        // Where answers are held up, so are beats.
        let (calm, spiky) = ([20; 6], [20, 21, 320, 20, 450, 22]);
        assert!(probability(&spiky) > probability(&calm) + 0.05);
    }

    #[test]
    fn what_is_kept_for_a_conversation_is_a_few_kib() {
        use crate::conversation::challenge::estimator::law::FLOORS;

        let floor = 2 * FLOORS * size_of::<ByLaw>() + size_of::<Floor>();
        assert!(2 * floor + size_of::<Bayes>() < 20 * 1024);
    }

    proptest! {
        #[test]
        fn no_stamps_are_too_strange(
            calls in prop::collection::vec((0..5_u8, any::<u64>(), 0..20_000_000_000_u64), 0..60),
        ) {
            let mut estimator = Bayes::default();
            for (call, far, near) in calls {
                let stamp = match far % 8 {
                    0 => Stamp::from_nanos(far),
                    1 => Stamp::after_opening(Duration::new(far, 5)),
                    _ => Stamp::from_nanos(near),
                };
                match call {
                    0 => estimator.opened(stamp),
                    1 => estimator.greeted(stamp),
                    2 => estimator.confirmed(Interval::ALL[(far % 5) as usize]),
                    3 => estimator.judged_after(stamp.since_opening()),
                    _ => {
                        let estimate = estimator.beat(stamp);
                        if let Some(probabilities) = estimate.probabilities {
                            let sum: f64 = probabilities.iter().sum();
                            prop_assert!((sum - 1.0).abs() < 1e-3, "{estimate:?}");
                            let best = probabilities.into_iter().fold(0.0, f64::max);
                            prop_assert_eq!(estimate.confidence(), Some(best));
                        }
                    }
                }
            }
        }
    }
}
