//! A registration: whoever has a private key proves it, and is reached by the public one.
//!
//! A [`Registrar`] is the server's party in it. It [challenges](Challenge) whoever connects with a
//! string that names the server and is good for one answer; the [`Registrant`], the client's party,
//! answers with its [`PublicKey`] and the [signature](Response) of that string. If the answer is
//! right, the connection is registered: what it says is passed on to the others that are, or to one
//! of them alone. The challenge comes again as a heartbeat, and whoever lets it go unanswered is
//! registered no more.
//!
//! A registrar knows one connection. Which keys are registered, and how each is reached, a
//! [`Directory`] knows; what goes between them is passed on by whoever drives the parties. A
//! [`Witness`] tells what a registrant noticed, from a recording.
//!
//! What the signatures are good for:
//!
//! - A nonce is good once and for a short time, so that an answer that somebody has seen cannot be
//!   given again.
//! - The string names the host that was dialled, and a registrant signs no other: a server cannot
//!   pass on the challenge of another one and take the answer there as its own.
//! - Keys, nonces and signatures have one written form each, and keys for which anybody can sign are
//!   refused: two keys that look different are different.
//!
//! They say who opened the connection, not who is at the other end of it: what is said afterwards is
//! protected by TLS or by nothing.
//!
//! [`RegistrantMessage`] and [`RegistrarMessage`] are what the two sides can say.

mod challenge;
mod directory;
mod encoding;
mod key;
mod message;
mod registrant;
mod registrar;
#[cfg(test)]
mod tests;

pub use challenge::{Challenge, ChallengeError, Nonce};
pub use directory::Directory;
pub use encoding::EncodingError;
pub use key::{KeyPair, PemError, PublicKey, Response, VerifyError};
pub use message::{ErrorCode, MessageError, RegistrantMessage, RegistrarMessage};
pub use registrant::{
    Line, Registrant, RegistrantCue, RegistrantEvent, RegistrantSettings, Request, Witness,
};
pub use registrar::{Registrar, RegistrarCue, RegistrarEvent, RegistrarSettings, Rejection};
