//! What lateness may be like on a network: the laws that the estimator tells networks apart by.
//!
//! None of them is any network's own. Three means, each some times the one before, so that one is
//! near to whatever the jitter is; and for each of the smaller two the choice that matters most on
//! a network that has been calm so far: either messages are held up now and then, or the way
//! changes now and then. An unexpected stamp is a late beat after a short interval to the one, and
//! an early one after a long interval to the other. Two more laws have a floor that never rests.

use std::sync::LazyLock;

/// How many laws there are: as many as fit into two SSE registers, so that all of them are computed
/// at once.
pub(super) const LAWS: usize = 8;

/// How wide a cell of the lattice is, in milliseconds. Windows are decided by tens of milliseconds,
/// so this is fine enough.
pub(super) const CELL_MS: f64 = 8.0;

/// How many cells the floor is looked for in: a second. A floor further below the newest beats than
/// that is given up; with half as much again, queues that build up are followed less well.
pub(super) const FLOORS: usize = 128;

/// The earliest and the latest lateness in a table, in cells: a second and a half early, four and a
/// half late. What lies beyond is as improbable as they are.
const EARLIEST: i64 = -192;
const LATEST: i64 = 575;

/// A density, a millisecond, below which none falls: nothing is impossible.
const NEVER_LESS: f64 = 1e-9;

/// How much probability lies below the floor, where practically nothing should be. A floor is only
/// ever an estimate, and laws of jitter have softer edges than an exponential one.
const BELOW: f64 = 0.024;

/// How far below, on average, as a share of the law's mean.
const EDGE: f64 = 0.25;

/// A message that is held up is late by this at the least, in milliseconds, and by one of these
/// exponential laws on top of it (weight, mean in milliseconds).
const HELD_UP_MS: f64 = 80.0;
const HELD_UP: [(f64, f64); 2] = [(0.3, 85.0), (0.7, 300.0)];

/// How far a floor moves when it moves, up or down, on average in milliseconds.
const HOP_MS: f64 = 80.0;

const ALL: [Law; LAWS] = [
    Law::held_up_at_times(8.0, 0.2),
    Law::changing_at_times(8.0, 0.08),
    Law::held_up_at_times(30.0, 0.19),
    Law::changing_at_times(30.0, 0.08),
    Law {
        credit: 0.2,
        mean_ms: 100.0,
        held_up: 0.03,
        hop_rate: 0.005,
        hop_ms: (HOP_MS, HOP_MS),
        upwards: 0.5,
    },
    // A server whose sleeps end late: the floor is lifted by each.
    Law::moving(8.0, (60.0, 20.0), 0.9),
    // A queue that fills and drains.
    Law::moving(30.0, (84.0, 56.0), 0.5),
    // A way on which much is held up.
    Law {
        held_up: 0.2,
        ..Law::held_up_at_times(8.0, 0.12)
    },
];

/// One way in which messages may be late.
#[derive(Clone, Copy)]
struct Law {
    /// How much credit it has before anything is known, in proportion to the others.
    credit: f64,
    /// Most messages are late by an exponential law of this mean, in milliseconds.
    mean_ms: f64,
    /// This share of them is held up.
    held_up: f64,
    /// With which probability the floor moves in two seconds.
    hop_rate: f64,
    /// How far it then moves up or down, on average in milliseconds, by exponential laws.
    hop_ms: (f64, f64),
    /// How often it then moves upwards.
    upwards: f64,
}

impl Law {
    /// Messages are held up now and then, on a way that stays the same.
    const fn held_up_at_times(mean_ms: f64, credit: f64) -> Law {
        Law {
            credit,
            mean_ms,
            held_up: 0.08,
            hop_rate: 0.001,
            hop_ms: (HOP_MS, HOP_MS),
            upwards: 0.5,
        }
    }

    /// The way is another one now and then, and little is held up on it.
    const fn changing_at_times(mean_ms: f64, credit: f64) -> Law {
        Law {
            held_up: 0.005,
            hop_rate: 0.01,
            ..Law::held_up_at_times(mean_ms, credit)
        }
    }

    /// The floor is another one for every beat.
    const fn moving(mean_ms: f64, hop_ms: (f64, f64), upwards: f64) -> Law {
        Law {
            credit: 0.1,
            mean_ms,
            held_up: 0.003,
            hop_rate: 1.0,
            hop_ms,
            upwards,
        }
    }

    /// How probable a lateness from here up to there is, in milliseconds.
    fn probability(&self, from_ms: f64, to_ms: f64) -> f64 {
        let within = |law: &dyn Fn(f64) -> f64| law(to_ms) - law(from_ms);
        let usual = within(&|ms| exponential(self.mean_ms, ms));
        let held_up: f64 = HELD_UP
            .iter()
            .map(|(weight, mean)| weight * within(&|ms| exponential(*mean, ms - HELD_UP_MS)))
            .sum();
        let below = within(&|ms| 1.0 - exponential(EDGE * self.mean_ms, -ms));
        (1.0 - self.held_up) * usual + self.held_up * held_up + BELOW * below
    }
}

/// The distribution function of an exponential law.
fn exponential(mean: f64, at: f64) -> f64 {
    1.0 - (-at.max(0.0) / mean).exp()
}

/// A number for each law.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(16))]
pub(super) struct ByLaw(pub(super) [f32; LAWS]);

impl ByLaw {
    pub(super) const ZERO: ByLaw = ByLaw([0.0; LAWS]);
    pub(super) const ONE: ByLaw = ByLaw([1.0; LAWS]);

    /// The sum over all laws.
    #[inline(always)]
    pub(super) fn sum(self) -> f32 {
        self.0.iter().sum()
    }

    /// Combines this number with another, law by law.
    #[inline(always)]
    pub(super) fn with(mut self, other: ByLaw, combine: impl Fn(f32, f32) -> f32) -> ByLaw {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = combine(*mine, theirs);
        }
        self
    }

    /// The product with another, law by law.
    #[inline(always)]
    pub(super) fn times(self, other: ByLaw) -> ByLaw {
        self.with(other, |one, other| one * other)
    }

    /// The sum with another, law by law.
    #[inline(always)]
    pub(super) fn plus(self, other: ByLaw) -> ByLaw {
        self.with(other, |one, other| one + other)
    }
}

/// Densities by lateness.
pub(super) struct Table {
    /// A millisecond, from the latest to the earliest: so they are read in the order of the floors
    /// that lateness counts from.
    densities: Vec<ByLaw>,
    /// The probability of being no later.
    no_later: Vec<ByLaw>,
}

/// All that there is to know of the laws.
pub(super) struct Laws {
    /// Of a message.
    pub(super) message: Table,
    /// Of a round trip: of two messages, one in each direction.
    pub(super) round_trip: Table,
    /// How much credit each law has before anything is known; all together have one.
    pub(super) credit: ByLaw,
    pub(super) hop_rate: ByLaw,
    /// How often a hop leads upwards.
    pub(super) upwards: ByLaw,
    /// What share of the hops leads further than a cell on, upwards and downwards.
    pub(super) further_up: ByLaw,
    pub(super) further_down: ByLaw,
}

/// The laws are the same for every conversation, and tabulated once.
pub(super) static LAWS_AS_TABLES: LazyLock<Laws> = LazyLock::new(|| {
    let by_law = |number: &dyn Fn(&Law) -> f64| ByLaw(ALL.each_ref().map(|law| number(law) as f32));
    let credit: f64 = ALL.iter().map(|law| law.credit).sum();
    let message: Vec<ByLaw> = (EARLIEST..=LATEST)
        .rev()
        .map(|cell| {
            let from_ms = (cell as f64 - 0.5) * CELL_MS;
            by_law(&|law| law.probability(from_ms, from_ms + CELL_MS) / CELL_MS + NEVER_LESS)
        })
        .collect();
    let message = Table::new(message);
    Laws {
        round_trip: message.twice(),
        message,
        credit: by_law(&|law| law.credit / credit),
        hop_rate: by_law(&|law| law.hop_rate),
        upwards: by_law(&|law| law.upwards),
        further_up: by_law(&|law| (-CELL_MS / law.hop_ms.0).exp()),
        further_down: by_law(&|law| (-CELL_MS / law.hop_ms.1).exp()),
    }
});

impl Table {
    fn new(densities: Vec<ByLaw>) -> Self {
        let mut sum = ByLaw::ZERO;
        let mut no_later: Vec<ByLaw> = densities
            .iter()
            .rev()
            .map(|density| {
                sum = sum.with(*density, |sum, density| sum + density * CELL_MS as f32);
                sum.with(ByLaw::ONE, f32::min)
            })
            .collect();
        no_later.reverse();
        Table {
            densities,
            no_later,
        }
    }

    /// The densities of the sum of two latenesses: the convolution of the table with itself.
    fn twice(&self) -> Self {
        // Further below the floor there is nothing worth adding up.
        const LOWEST: i64 = -24;
        let densities = (EARLIEST..=LATEST).rev().map(|sum| {
            let mut density = [0.0_f64; LAWS];
            for one in LOWEST..=(sum - LOWEST).min(LATEST) {
                let (one, other) = (self.density(one), self.density(sum - one));
                for (density, (one, other)) in density.iter_mut().zip(one.0.iter().zip(other.0)) {
                    *density += f64::from(*one) * f64::from(other) * CELL_MS;
                }
            }
            ByLaw(density.map(|density| density.max(NEVER_LESS) as f32))
        });
        Table::new(densities.collect())
    }

    /// The density of a message this many cells above its floor.
    pub(super) fn density(&self, lateness: i64) -> ByLaw {
        self.densities[(LATEST - lateness.clamp(EARLIEST, LATEST)) as usize]
    }

    /// The density of a message in this cell, for a floor in each of the cells from zero on.
    pub(super) fn densities(&self, message: i64) -> &[ByLaw] {
        over_floors(&self.densities, message)
    }

    /// The probability that a message comes no later than in this cell, for a floor in each of the
    /// cells from zero on.
    pub(super) fn no_later(&self, message: i64) -> &[ByLaw] {
        over_floors(&self.no_later, message)
    }
}

/// The part of a table that belongs to the floors: for the one in cell zero the lateness is the
/// cell of the message, for each one after it a cell less.
fn over_floors(table: &[ByLaw], message: i64) -> &[ByLaw] {
    let lateness = message.clamp(EARLIEST + FLOORS as i64 - 1, LATEST);
    let first = (LATEST - lateness) as usize;
    &table[first..first + FLOORS]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laws_are_laws() {
        let tables = &*LAWS_AS_TABLES;
        assert!((tables.credit.sum() - 1.0).abs() < 1e-6);
        for law in 0..LAWS {
            for (table, below) in [(&tables.message, BELOW), (&tables.round_trip, 2.0 * BELOW)] {
                let densities = table.densities.iter().map(|of| f64::from(of.0[law]));
                let sum = densities.sum::<f64>() * CELL_MS;
                // What lies below the floor comes on top.
                assert!((sum - 1.0 - below).abs() < 0.01, "law {law}: {sum}");
                let no_later: Vec<f32> = table.no_later.iter().map(|of| of.0[law]).collect();
                assert!(no_later.is_sorted_by(|late, early| late >= early));
                assert!((no_later[0] - 1.0).abs() < 0.01, "law {law}");
            }
        }
    }

    #[test]
    fn late_is_more_probable_than_early_and_nothing_is_impossible() {
        for law in 0..LAWS {
            let density = |lateness| LAWS_AS_TABLES.message.density(lateness).0[law];
            assert!(density(30) > density(-30), "law {law}");
            assert!(
                density(0) > density(60) && density(60) > density(200),
                "law {law}"
            );
            for far in [i64::MIN, -100_000, 100_000, i64::MAX] {
                assert!(density(far) > 0.0, "law {law}");
            }
        }
    }

    #[test]
    fn a_round_trip_is_as_late_as_two_messages() {
        let mean = |table: &Table, law: usize| {
            let cells = (EARLIEST..=LATEST).rev().zip(&table.densities);
            let (mut sum, mut all) = (0.0, 0.0);
            for (cell, density) in cells {
                let share = f64::from(density.0[law]);
                sum += share * cell as f64 * CELL_MS;
                all += share;
            }
            sum / all
        };
        for law in 0..LAWS {
            let message = mean(&LAWS_AS_TABLES.message, law);
            let round_trip = mean(&LAWS_AS_TABLES.round_trip, law);
            assert!(
                (round_trip - 2.0 * message).abs() < 1.0,
                "{message} {round_trip}"
            );
        }
    }

    #[test]
    fn floors_further_up_make_a_message_less_late() {
        let table = &LAWS_AS_TABLES.message;
        for message in [-500, -65, 0, 100, 191, 575, 10_000] {
            let densities = table.densities(message);
            assert_eq!(densities.len(), FLOORS);
            let message = message.clamp(-65, LATEST);
            for floor in [0, 1, 77, FLOORS - 1] {
                assert_eq!(densities[floor], table.density(message - floor as i64));
            }
        }
    }
}
