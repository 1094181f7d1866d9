//! The timing game of hackattic's "WebSocket chit chat".
//!
//! The [`Host`] beats (`ping!`) after one of five [intervals](Interval) each round; the [`Player`]
//! measures how long it waited and answers with the interval before the next beat. A player that
//! answers every round right is told a secret.
//!
//! What the player makes of the stamps of the beats is an [`Estimator`]'s affair; [`Estimate`] is
//! the answer with its reasons, and [`Loss`] tells why a round was lost.
//!
//! [`ServerMessage`] is what the host can say, in the words of the challenge.

pub mod estimator;
mod host;
mod interval;
mod loss;
mod message;
mod player;
mod round;
#[cfg(test)]
mod tests;

pub use estimator::{Bayes, Estimate, Estimator, EstimatorKind, Plain, UnknownEstimatorError};
pub use host::{Host, HostEvent, LossCause};
pub use interval::{Interval, ParseIntervalError, Window};
pub use loss::{AMBIGUOUS, Loss, LossReason};
pub use message::ServerMessage;
pub use player::{Beat, Player, PlayerEvent, PlayerSettings, Standing};
pub use round::{Round, Verdict};

/// How long an unused one-time token is good for, as the challenge page states it.
pub const TOKEN_LIFETIME: std::time::Duration = std::time::Duration::from_secs(60 * 60);
