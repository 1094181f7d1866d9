//! HTTP calls, over connections such as the link's dialer makes.
//!
//! Others make their calls with what is here: a [`Caller`] that trusts whom the dialer trusts and goes
//! the way that it goes, and an [`HttpError`] for each thing that can go wrong below what is said.

mod caller;
mod error;

pub use caller::{ANSWER_LIMIT, Answer, Caller, CallerError};
pub use error::HttpError;
