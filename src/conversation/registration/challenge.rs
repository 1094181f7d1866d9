use std::fmt;
use std::str::FromStr;

use super::EncodingError;
use super::encoding::written_as_base64url;

/// What a challenge begins with. It keeps the signature apart from any other that the key may ever
/// make, and its number from those of later versions.
const PREFIX: &str = "wsbeat-registration-v1:";

/// What a registrar wants signed: the string `wsbeat-registration-v1:HOST:NONCE`.
///
/// The host is the `Host` header of the upgrade, to the letter. Whoever is challenged can tell by it
/// whether the challenge is made for the connection on which it came, or is another server's, passed
/// on.
///
/// ```
/// use wsbeat::conversation::registration::Challenge;
///
/// let text = "wsbeat-registration-v1:[::1]:8080:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// let challenge: Challenge = text.parse()?;
/// assert_eq!(challenge.host(), "[::1]:8080");
/// assert_eq!(challenge.to_string(), text);
/// # Ok::<(), wsbeat::conversation::registration::ChallengeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Challenge {
    host: String,
    nonce: Nonce,
}

/// 32 random bytes that make a challenge good for one answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce([u8; 32]);

/// Why a text is no challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// It begins otherwise.
    #[error("it does not begin with {PREFIX:?}")]
    Prefix,
    /// There is no colon between a host and a nonce.
    #[error("it does not name a host and a nonce, with a colon between them")]
    NoHost,
    /// The nonce is none.
    #[error("its nonce is none: {0}")]
    Nonce(EncodingError),
}

impl Challenge {
    /// The challenge of the server that is called this.
    pub fn new(host: impl Into<String>, nonce: Nonce) -> Self {
        let host = host.into();
        Challenge { host, nonce }
    }

    /// The server for which a signature of it is good.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl Nonce {
    /// A nonce of these bytes, which have to be random.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Nonce(bytes)
    }
}

written_as_base64url!(Nonce);

impl fmt::Display for Challenge {
    /// The string that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}:{}", self.host, self.nonce)
    }
}

impl FromStr for Challenge {
    type Err = ChallengeError;

    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    fn from_str(text: &str) -> Result<Self, ChallengeError> {
        let rest = text.strip_prefix(PREFIX).ok_or(ChallengeError::Prefix)?;
        // A host can have colons in it, and a nonce has none.
        let (host, nonce) = rest.rsplit_once(':').ok_or(ChallengeError::NoHost)?;
        if host.is_empty() {
            return Err(ChallengeError::NoHost);
        }
        let nonce = nonce.parse().map_err(ChallengeError::Nonce)?;
        Ok(Challenge::new(host, nonce))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn what_is_no_challenge_says_in_which_way() {
        use ChallengeError::{NoHost, Nonce, Prefix};
        let wanted = 43;
        let length = |characters| Nonce(EncodingError::Length { characters, wanted });
        let form = Nonce(EncodingError::NotCanonical);
        for (text, error) in [
            (String::new(), Prefix),
            (format!("wsbeat-registration-v2:pond:{NONCE}"), Prefix),
            (format!(" {PREFIX}pond:{NONCE}"), Prefix),
            (format!("{PREFIX}{NONCE}"), NoHost),
            (format!("{PREFIX}:{NONCE}"), NoHost),
            (format!("{PREFIX}pond:"), length(0)),
            (format!("{PREFIX}pond:{NONCE}="), length(44)),
            (format!("{PREFIX}pond:{NONCE}\n"), length(44)),
            (format!("{PREFIX}pond:{}B", &NONCE[1..]), form),
        ] {
            assert_eq!(text.parse::<Challenge>(), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_challenge_is_read_as_it_is_written(host in ".{1,20}", nonce in any::<[u8; 32]>()) {
            let challenge = Challenge::new(host, Nonce::new(nonce));
            prop_assert_eq!(challenge.to_string().parse(), Ok(challenge));
        }

        #[test]
        fn what_can_be_read_is_written_the_same(rest in "[a-z:]{0,6}:?[A-Za-z0-9_-]{42}[A-Z]?") {
            let text = format!("{PREFIX}{rest}");
            if let Ok(challenge) = text.parse::<Challenge>() {
                prop_assert_eq!(challenge.to_string(), text);
            }
        }
    }
}
