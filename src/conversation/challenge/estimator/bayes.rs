use std::time::Duration;

use super::floor::Floor;
use super::law::{ByLaw, CELL_MS, LAWS_AS_TABLES, Laws, NEVER_LESS};
use super::{Estimate, Estimator};
use crate::conversation::Stamp;
use crate::conversation::challenge::Interval;

/// A greeting within this time of the opening came on its heels.
const HEELS: Duration = Duration::from_millis(2);

/// A density, a millisecond, so small that nothing explains the stamp: not much more than what the
/// tables give to anything at all.
const INEXPLICABLE: f32 = 2.0 * NEVER_LESS as f32;

/// The longest interval for which the hop rates of the laws are meant, in milliseconds.
const HOP_RATES_FOR_MS: f32 = 2000.0;

/// How many times as often floors hop before anything is known of the network.
const HOPS_AT_FIRST: f32 = 10.0;

/// After how many beats half of that is left.
const KNOWN_AFTER: f32 = 3.0;

/// Whether floors hop is an even bet at the most, but for those that do so always.
const MOST_HOPS: f32 = 0.5;

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
    /// The floor of the round trips, from an answer to its verdict, once there has been one, and
    /// what they count from.
    round_trips: Option<(Floor, Duration)>,
    /// How many round trips there have been.
    answers: u32,
}

impl Bayes {
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
        let lateness_ms = residual_ms(interval) - floor * CELL_MS;
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
        let residual = cells(self.residual_ms(self.newest));
        if let Some(state) = &mut self.state {
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

/// Milliseconds as cells of the lattice.
fn cells(ms: f64) -> i64 {
    (ms / CELL_MS).round() as i64
}
