//! Round trips: how long a message takes to the peer and back.
//!
//! A [`Pinger`] sends pings at fixed times and notices what becomes of each. [`Statistics`] adds up
//! what it noticed, and a [`Series`] keeps its course over time, both in bounded memory, however
//! long it goes on.

mod pinger;
mod series;
mod statistics;
#[cfg(test)]
mod tests;

pub use pinger::{Flight, Medium, PayloadSize, Pinger, PingerEvent, PingerSettings};
pub use series::{Series, Slot, Span};
pub use statistics::{RoundTrips, Statistics};
