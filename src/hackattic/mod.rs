//! The two HTTP calls around the challenge: the one-time token before it, the solution after it.
//!
//! A [`Site`] knows the URLs, an [`Api`] makes the calls, and a [`TokenProvider`] sees to it that
//! a token is asked for no sooner than it is needed and never used twice. The conversation between
//! the two calls is the [`challenge`](crate::conversation::challenge).

mod api;
mod site;
mod token;

pub use api::{Api, ApiCause, ApiError, Call, ClientError, Submission, Submitting};
pub use site::{Site, SiteError, conceal_token};
pub use token::{OneTimeToken, TokenError, TokenProvider};
