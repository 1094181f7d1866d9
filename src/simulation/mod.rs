//! Conversations across modelled networks, in virtual time.
//!
//! A [`Pair`] runs two parties against each other, the client's and the server's, over two
//! directions that deliver every message late and in order; twenty rounds of the challenge take it
//! some microseconds. A [`Model`] says how late. [`Session`] plays the challenge that way, the real
//! [`Player`](crate::conversation::challenge::Player) against the real
//! [`Host`](crate::conversation::challenge::Host); [`Batch`] plays many on all cores and counts
//! what came of them.
//!
//! Everything is drawn from seeds: the same seed gives the same session, to the byte.
//!
//! To add a network, add an entry to [`Model::ALL`].

mod batch;
mod models;
mod pair;
mod session;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Progress, Results};
pub use models::{Model, Path, UnknownModelError};
pub use pair::{Pair, Watcher};
pub use session::{Contestant, Played, Session};
