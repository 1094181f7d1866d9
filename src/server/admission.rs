use std::collections::VecDeque;
use std::time::Instant;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::one_time::{AllGiven, OneTime};
use crate::conversation::challenge::TOKEN_LIFETIME;

/// How many secrets are remembered. Beyond that the oldest is forgotten, so that a flood of
/// conversations does not fill the memory.
const REMEMBERED: usize = 10_000;

/// Who may do what: access tokens, one-time tokens, and the secrets.
pub(super) struct Admission {
    access_token: Option<SecretString>,
    tokens: OneTime<()>,
    /// The secret that every conversation tells, if there is one such.
    secret: Option<String>,
    /// The secrets that conversations were held for, oldest first.
    held_for: VecDeque<String>,
}

impl Admission {
    pub(super) fn new(
        access_token: Option<SecretString>,
        token_seed: [u8; 32],
        secret: Option<String>,
    ) -> Self {
        Admission {
            access_token,
            tokens: OneTime::new(token_seed, TOKEN_LIFETIME),
            secret,
            held_for: VecDeque::new(),
        }
    }

    /// Whether an access token is good. Takes as long for a nearly right one as for any other.
    pub(super) fn admits(&self, access_token: &str) -> bool {
        match &self.access_token {
            None => !access_token.is_empty(),
            Some(expected) => {
                let expected = expected.expose_secret().as_bytes();
                expected.ct_eq(access_token.as_bytes()).into()
            }
        }
    }

    /// A new one-time token.
    ///
    /// # Errors
    ///
    /// When too many are out already.
    pub(super) fn issue(&mut self, now: Instant) -> Result<String, AllGiven> {
        self.tokens.issue((), now)
    }

    /// Uses a token up, and says whether it was good: issued, unused, and not too old.
    pub(super) fn redeem(&mut self, token: &str, now: Instant) -> bool {
        self.tokens.redeem(token, now).is_ok()
    }

    /// A conversation is held for this secret.
    pub(super) fn remember(&mut self, secret: String) {
        if self.held_for.len() >= REMEMBERED {
            self.held_for.pop_front();
        }
        self.held_for.push_back(secret);
    }

    /// Whether a secret solves the challenge.
    pub(super) fn solves(&self, secret: &str) -> bool {
        let mut known = self.secret.iter().chain(&self.held_for);
        known.any(|known| known == secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::clock;
    use std::time::Duration;

    fn admission(access_token: Option<&str>) -> Admission {
        Admission::new(access_token.map(SecretString::from), [7; 32], None)
    }

    #[test]
    fn a_token_is_good_once_and_for_an_hour() {
        let (mut admission, now) = (admission(None), clock::now());
        let (first, second) = (admission.issue(now).unwrap(), admission.issue(now).unwrap());
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
        assert!(admission.redeem(&first, now));
        assert!(!admission.redeem(&first, now));
        assert!(!admission.redeem(&second, now + Duration::from_secs(3600)));
        assert!(!admission.redeem("made up", now));
    }

    #[test]
    fn access_tokens_are_any_or_the_one() {
        assert!(admission(None).admits("anything"));
        assert!(!admission(None).admits(""));
        assert!(admission(Some("right")).admits("right"));
        assert!(!admission(Some("right")).admits("wrong"));
    }

    #[test]
    fn only_secrets_of_conversations_solve() {
        let mut admission = admission(None);
        assert!(!admission.solves("open sesame"));
        admission.remember("open sesame".into());
        assert!(admission.solves("open sesame"));
    }
}
