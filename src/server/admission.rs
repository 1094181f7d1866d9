use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::conversation::challenge::TOKEN_LIFETIME;

/// How many unused tokens, and how many secrets, are remembered. Beyond that
/// the oldest is forgotten, so that a flood of requests does not fill the memory.
const REMEMBERED: usize = 10_000;

/// Who may do what: access tokens, one-time tokens, and the secrets.
pub(super) struct Admission {
    access_token: Option<SecretString>,
    rng: StdRng,
    /// When each unused token was issued.
    unused: HashMap<String, Instant>,
    /// The same tokens, oldest first; some may have been used by now.
    issued: VecDeque<String>,
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
            rng: StdRng::from_seed(token_seed),
            unused: HashMap::new(),
            issued: VecDeque::new(),
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

    /// A new one-time token: 128 random bits in hexadecimal.
    pub(super) fn issue(&mut self, now: Instant) -> String {
        let mut bits = [0; 16];
        self.rng.fill_bytes(&mut bits);
        let token: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        if self.issued.len() >= REMEMBERED
            && let Some(oldest) = self.issued.pop_front()
        {
            self.unused.remove(&oldest);
        }
        self.unused.insert(token.clone(), now);
        self.issued.push_back(token.clone());
        token
    }

    /// Uses a token up, and says whether it was good: issued, unused, and not too old.
    pub(super) fn redeem(&mut self, token: &str, now: Instant) -> bool {
        self.unused
            .remove(token)
            .is_some_and(|issued| now.saturating_duration_since(issued) < TOKEN_LIFETIME)
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
        let (first, second) = (admission.issue(now), admission.issue(now));
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
        assert!(admission.redeem(&first, now));
        assert!(!admission.redeem(&first, now));
        assert!(!admission.redeem(&second, now + Duration::from_secs(3600)));
        assert!(!admission.redeem("made up", now));
    }

    #[test]
    fn the_oldest_tokens_make_room() {
        let (mut admission, now) = (admission(None), clock::now());
        let first = admission.issue(now);
        let second = admission.issue(now);
        for _ in 2..=REMEMBERED {
            admission.issue(now);
        }
        assert!(!admission.redeem(&first, now));
        assert!(admission.redeem(&second, now));
        assert!(admission.unused.len() < REMEMBERED);
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
