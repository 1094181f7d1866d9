//! Where randomness comes from, for those who ask for no seed of their own.

#![expect(clippy::disallowed_methods, reason = "this is the one place")]

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::failure::{Failure, Kind};
use crate::conversation::latency::RandomPart;

/// How many bits a fresh seed has: jq and JavaScript read whole numbers exactly below 2^53, and a
/// seed that is shown is to be given again. (One that a person chooses may have 64.)
const SEED_BITS: u32 = 53;

/// A seed that is different every time.
pub(super) fn fresh() -> Result<u64, Failure> {
    let seed = getrandom::u64().map_err(no_randomness)?;
    Ok(seed >> (u64::BITS - SEED_BITS))
}

/// A seed that nobody can guess.
pub(super) fn secret() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(no_randomness)?;
    Ok(seed)
}

/// A salt for a password, which no other password has.
pub(super) fn salt() -> Result<[u8; 16], Failure> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(no_randomness)?;
    Ok(salt)
}

/// The random part of pings: a generator of its own for each number, from a seed that nobody can guess.
pub(super) fn random_part() -> Result<RandomPart, Failure> {
    let secret = secret()?;
    Ok(RandomPart::new(move |sequence| {
        let mut seed = secret;
        for (byte, of_sequence) in seed.iter_mut().zip(sequence.to_le_bytes()) {
            *byte ^= of_sequence;
        }
        let mut part = [0; RandomPart::BYTES];
        StdRng::from_seed(seed).fill_bytes(&mut part);
        part
    }))
}

fn no_randomness(error: getrandom::Error) -> Failure {
    Kind::Internal.because(format_args!(
        "asking the operating system for random numbers: {error}"
    ))
}
