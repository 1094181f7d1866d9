//! Round trips: how long a message takes to the peer and back.
//!
//! A [`Pinger`] sends pings at fixed times and notices what becomes of each. [`Statistics`] adds up
//! what it noticed, and a [`Series`] keeps its course over time, both in bounded memory, however
//! long it goes on. [`Echo`] is the other side of pings that are messages. A [`KeepAlive`] goes around
//! any party, and finds out whether a silent peer is still there, and how far away.

mod echo;
mod keep_alive;
mod pinger;
mod series;
mod statistics;
#[cfg(test)]
mod tests;

pub use echo::Echo;
pub use keep_alive::{KeepAlive, KeepAliveEvent, KeepAliveSettings};
pub use pinger::{Flight, Medium, PayloadSize, Pinger, PingerEvent, PingerSettings, RandomPart};
pub use series::{Series, Slot, Span};
pub use statistics::{RoundTrips, Statistics};
