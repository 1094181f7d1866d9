//! The only place that touches a WebSocket, and the only place that reads the clock.
//!
//! A [`Dialer`] turns an [`Address`] into a [`Connection`], phase by phase, each with a time limit
//! and its duration reported. A server [grants the upgrade](grant_upgrade) that a request asks
//! for. [`drive`] then runs a [`Party`](crate::conversation::Party) over the
//! connection, at either end: it stamps each frame as it is read, sends what the party says, and
//! closes properly. A [`Stop`] ends a conversation from outside.
//!
//! What is said over the link, and what to do when it fails, are not its affair.

mod accept;
mod address;
pub mod clock;
mod connection;
mod dial;
mod driver;
mod error;
mod excerpt;
mod race;
mod stop;
mod timer;
mod tls;

pub use accept::{Upgrading, grant_upgrade};
pub use address::{Address, AddressError};
pub use connection::{Connection, MESSAGE_LIMIT};
pub use dial::{Dialed, Dialer, Phases, Transport};
pub use driver::{EndCause, Ending, Limits, Observer, drive};
pub use error::{DialError, Phase, Violation};
pub use excerpt::{Excerpt, Printable};
pub use stop::{Stop, StopReason, Stopper};
pub use timer::Precision;
pub use tls::client_config;
