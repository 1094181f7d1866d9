//! HTTP calls, over connections such as the link's dialer makes.
//!
//! Two who know nothing of each other make calls beside a conversation:
//! [`hackattic`](crate::hackattic) around the challenge, and [`tickets`](crate::tickets) before a
//! chat. What they have in common is here: a [`Caller`] that trusts whom the dialer trusts and goes
//! the way that it goes, and an [`HttpError`] for each thing that can go wrong below what is said.

mod caller;
mod error;

pub use caller::{ANSWER_LIMIT, Answer, Caller, CallerError};
pub use error::HttpError;
