//! Where the floor is: a belief that every message changes.

use super::law::{ByLaw, CELL_MS, FLOORS, Laws, Table};

/// How late a server's sleep ends, on average in milliseconds: each one lifts the floor for good.
const OVERSLEEP_MS: f64 = 2.0;

/// How much of the belief may be given up at its lower end, to follow the messages upwards.
const NEGLIGIBLE: f32 = 1e-4;

/// With which probability two messages that leave together are late for the same reason, such as a
/// queue that both wait in, so that the second says nothing about the first.
const TOGETHER: f32 = 0.1;

/// How many cells of the lattice stay free above the newest message: room for it to move up.
const HEADROOM: i64 = FLOORS as i64 / 8;

/// What is believed about a floor, the residual of a message that nothing delays, under each law.
///
/// Residuals are times by which something came later than the schedule has it. In here they are
/// whole cells of [`CELL_MS`].
#[derive(Clone, Debug)]
pub(super) struct Floor {
    /// The probability of each cell under each law, which sums up to one for each law: if the floor
    /// does not hop before the next message.
    resting: Box<[ByLaw]>,
    /// The same if it does.
    hopping: Box<[ByLaw]>,
    /// The residual of the lowest cell.
    lowest: i64,
}

impl Floor {
    /// What is to be believed once a first message has come with this residual.
    pub(super) fn below(residual: i64, laws: &Laws, table: &Table) -> Self {
        let lowest = residual - (FLOORS as i64 - HEADROOM);
        let mut floor = Floor {
            resting: table.densities(residual - lowest).into(),
            hopping: vec![ByLaw::ZERO; FLOORS].into(),
            lowest,
        };
        floor.normalise();
        floor.move_on(laws);
        floor
    }

    /// The density, a millisecond, of a message with this residual under each law.
    pub(super) fn density(&self, residual: i64, hops: ByLaw, table: &Table) -> ByLaw {
        let mut sum = ByLaw::ZERO;
        let densities = table.densities(residual - self.lowest);
        for ((resting, hopping), density) in self.resting.iter().zip(&self.hopping).zip(densities) {
            sum = sum.plus(mixed(*resting, *hopping, hops).times(*density));
        }
        sum
    }

    /// The residual of the floor that explains a message with this residual best.
    pub(super) fn explaining(
        &self,
        residual: i64,
        hops: ByLaw,
        weights: ByLaw,
        table: &Table,
    ) -> i64 {
        let densities = table.densities(residual - self.lowest);
        let beliefs = self.resting.iter().zip(&self.hopping).zip(densities);
        let shares = beliefs.map(|((resting, hopping), density)| {
            let share = mixed(*resting, *hopping, hops).times(*density);
            share.times(weights).sum()
        });
        let best = shares
            .enumerate()
            .max_by(|one, other| one.1.total_cmp(&other.1));
        self.lowest + best.map_or(0, |(cell, _)| cell as i64)
    }

    /// Learns from a message with this residual, and expects the next one. Returns the density that
    /// it had under each law.
    pub(super) fn learn(
        &mut self,
        residual: i64,
        hops: ByLaw,
        weights: ByLaw,
        laws: &Laws,
        table: &Table,
    ) -> ByLaw {
        let densities = table.densities(residual - self.lowest);
        let beliefs = self.resting.iter_mut().zip(&self.hopping).zip(densities);
        for ((resting, hopping), density) in beliefs {
            *resting = mixed(*resting, *hopping, hops).times(*density);
        }
        let evidence = self.normalise();
        self.follow(residual, weights);
        self.move_on(laws);
        evidence
    }

    /// Learns from a message that left together with the first. `late` is by how much it came later
    /// than that one, or `None` if it came on its heels and may have been waiting for it. Returns
    /// the density that it had under each law.
    pub(super) fn learn_from_second(
        &mut self,
        first: i64,
        late: Option<i64>,
        laws: &Laws,
        table: &Table,
    ) -> ByLaw {
        let (likelihoods, if_together) = match late {
            Some(late) => (
                table.densities(first + late - self.lowest),
                table.density(late),
            ),
            None => (table.no_later(first - self.lowest), ByLaw::ONE),
        };
        for (resting, likelihood) in self.resting.iter_mut().zip(likelihoods) {
            let likelihood = likelihood.with(if_together, |apart, together| {
                (1.0 - TOGETHER) * apart + TOGETHER * together
            });
            *resting = resting.times(likelihood);
        }
        let evidence = self.normalise();
        self.move_on(laws);
        evidence
    }

    /// Makes the probabilities of each law sum up to one, and returns what they summed up to.
    fn normalise(&mut self) -> ByLaw {
        let mut sum = ByLaw::ZERO;
        for resting in &self.resting {
            sum = sum.plus(*resting);
        }
        let scale = sum.with(ByLaw::ONE, |sum, one| one / sum.max(f32::MIN_POSITIVE));
        for resting in &mut self.resting {
            *resting = resting.times(scale);
        }
        sum
    }

    /// Moves the lattice so that it has room around the newest message.
    fn follow(&mut self, residual: i64, weights: ByLaw) {
        let all = FLOORS as i64;
        let cell = residual - self.lowest;
        let shift = if cell > all - HEADROOM {
            let mut given_up = 0.0;
            let lowest_believed = self.resting.iter().position(|resting| {
                given_up += resting.times(weights).sum();
                given_up > NEGLIGIBLE
            });
            (cell - (all - HEADROOM)).min(lowest_believed.map_or(all, |cell| cell as i64))
        } else if cell < all / 4 {
            (cell - all / 2).max(-all)
        } else {
            return;
        };
        let distance = shift.unsigned_abs() as usize;
        if shift > 0 {
            self.resting.copy_within(distance.., 0);
            self.resting[FLOORS - distance..].fill(ByLaw::ZERO);
        } else {
            self.resting.copy_within(..FLOORS - distance, distance);
            self.resting[..distance].fill(ByLaw::ZERO);
        }
        self.lowest += shift;
    }

    /// A server oversleeps, and its floor is lifted; then the floor rests there, or hops.
    fn move_on(&mut self, laws: &Laws) {
        let further = (-CELL_MS / OVERSLEEP_MS).exp() as f32;
        let further_up = laws.further_up;
        let up = further_up.with(laws.upwards, |further, upwards| (1.0 - further) * upwards);
        let further_down = laws.further_down;
        let down = further_down.with(laws.upwards, |further, upwards| {
            (1.0 - further) * (1.0 - upwards)
        });
        let (mut lifted, mut rising, mut falling) = (ByLaw::ZERO, ByLaw::ZERO, ByLaw::ZERO);
        for (resting, hopping) in self.resting.iter_mut().zip(&mut self.hopping) {
            lifted = lifted.with(*resting, |lifted, resting| {
                lifted * further + resting * (1.0 - further)
            });
            rising = rising.times(further_up).plus(lifted.times(up));
            *resting = lifted;
            *hopping = rising;
        }
        let cells = self.resting.iter().zip(&mut self.hopping).rev();
        for (resting, hopping) in cells {
            falling = falling.times(further_down).plus(resting.times(down));
            *hopping = hopping.plus(falling);
        }
    }
}

/// The belief in a floor that hops with these probabilities.
#[inline(always)]
fn mixed(resting: ByLaw, hopping: ByLaw, hops: ByLaw) -> ByLaw {
    let moved = hopping.with(resting, |hopping, resting| hopping - resting);
    resting.plus(moved.times(hops))
}
