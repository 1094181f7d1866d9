//! Where randomness comes from, for those who ask for no seed of their own.

#![expect(clippy::disallowed_methods, reason = "this is the one place")]

use super::failure::{Failure, Kind};

/// A seed that is different every time.
pub(super) fn fresh() -> Result<u64, Failure> {
    getrandom::u64().map_err(no_randomness)
}

/// A seed that nobody can guess.
pub(super) fn secret() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(no_randomness)?;
    Ok(seed)
}

fn no_randomness(error: getrandom::Error) -> Failure {
    Kind::Internal.because(format_args!(
        "asking the operating system for random numbers: {error}"
    ))
}
