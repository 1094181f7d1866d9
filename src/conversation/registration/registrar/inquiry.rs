use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{RegistrarSettings, Rejection};
use crate::conversation::Stamp;
use crate::conversation::registration::{Challenge, Nonce, PublicKey, Response};

/// What a connection is asked, what its answers are worth, and how many more it may give.
#[derive(Debug)]
pub(super) struct Inquiry {
    heartbeat: Duration,
    answer_within: Duration,
    /// How many challenges there are in a row.
    tries: u32,
    host: String,
    nonces: StdRng,
    asking: Asking,
    /// The challenge that was missed last, until the next answer: that may have been on its way to
    /// it.
    missed: Option<Challenge>,
    /// The key of the first right answer. The connection keeps that.
    key: Option<PublicKey>,
    /// How many challenges in a row were not answered rightly.
    failures: u32,
}

/// Whether a challenge is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asking {
    /// This one is.
    Now {
        challenge: Challenge,
        since: Stamp,
        until: Stamp,
    },
    /// The last one was answered rightly.
    Answered { next: Stamp },
    /// The last one was not answered in time.
    Missed { next: Stamp },
}

impl Inquiry {
    /// One that is due to begin at the opening.
    pub(super) fn new(settings: &RegistrarSettings, host: String, seed: [u8; 32]) -> Self {
        Inquiry {
            heartbeat: settings.heartbeat,
            answer_within: settings.answer_within,
            tries: settings.retries.saturating_add(1),
            host,
            nonces: StdRng::from_seed(seed),
            asking: Asking::Answered {
                next: Stamp::OPENING,
            },
            missed: None,
            key: None,
            failures: 0,
        }
    }

    /// When a challenge is missed or the next is due.
    pub(super) fn due(&self) -> Stamp {
        match self.asking {
            Asking::Now { until, .. } => until,
            Asking::Answered { next } | Asking::Missed { next } => next,
        }
    }

    /// Whether there is a challenge to answer.
    pub(super) fn is_asking(&self) -> bool {
        matches!(self.asking, Asking::Now { .. })
    }

    /// A challenge that has not been there before. It is to be answered from now on.
    pub(super) fn ask(&mut self, at: Stamp) -> String {
        let mut nonce = [0; 32];
        self.nonces.fill_bytes(&mut nonce);
        let challenge = Challenge::new(self.host.clone(), Nonce::new(nonce));
        let text = challenge.to_string();
        self.asking = Asking::Now {
            challenge,
            since: at,
            until: at + self.answer_within,
        };
        text
    }

    /// What is to be answered after an answer that was wrong in this way.
    pub(super) fn ask_after(&mut self, at: Stamp, why: Rejection) -> String {
        match &self.asking {
            // It was to the challenge before: this one is as good as it was, and has no more time.
            // The answer to another would cross the one to this, and be late again.
            Asking::Now { challenge, .. } if why == Rejection::Late => challenge.to_string(),
            _ => self.ask(at),
        }
    }

    /// Gives up a challenge whose time is over, and says how many tries are left then. `None` if
    /// there is none.
    pub(super) fn expire(&mut self, at: Stamp) -> Option<u32> {
        match &self.asking {
            Asking::Now {
                challenge,
                since,
                until,
            } if *until <= at => {
                self.missed = Some(challenge.clone());
                self.asking = Asking::Missed {
                    next: *since + self.heartbeat,
                };
                Some(self.fail())
            }
            _ => None,
        }
    }

    /// Whether the next challenge is due.
    pub(super) fn is_due(&self, at: Stamp) -> bool {
        !self.is_asking() && self.due() <= at
    }

    /// Judges an answer. One that is right gives the key. For another there is what is wrong with it,
    /// and how many tries are left.
    pub(super) fn judge(
        &mut self,
        at: Stamp,
        public_key: &str,
        response: &str,
    ) -> Result<PublicKey, (Rejection, u32)> {
        let missed = self.missed.take();
        match self.verdict(missed.as_ref(), public_key, response) {
            Ok(key) => {
                self.failures = 0;
                self.key = Some(key);
                self.asking = Asking::Answered {
                    next: at + self.heartbeat,
                };
                Ok(key)
            }
            // That has cost a try already when it did not come.
            Err(Rejection::Late) => Err((Rejection::Late, self.tries_left())),
            Err(why) => Err((why, self.fail())),
        }
    }

    fn verdict(
        &self,
        missed: Option<&Challenge>,
        public_key: &str,
        response: &str,
    ) -> Result<PublicKey, Rejection> {
        let challenge = match &self.asking {
            Asking::Now { challenge, .. } => challenge,
            Asking::Answered { .. } => return Err(Rejection::Unasked),
            Asking::Missed { .. } => return Err(Rejection::Late),
        };
        let key = public_key.parse().map_err(Rejection::KeyText)?;
        let response = response.parse().map_err(Rejection::ResponseText)?;
        self.check(key, &response, challenge).map_err(|why| {
            let would_have_been_right =
                missed.is_some_and(|missed| self.check(key, &response, missed).is_ok());
            if would_have_been_right {
                Rejection::Late
            } else {
                why
            }
        })?;
        Ok(key)
    }

    /// Whether this is a right answer to a challenge.
    fn check(
        &self,
        key: PublicKey,
        response: &Response,
        challenge: &Challenge,
    ) -> Result<(), Rejection> {
        key.verify(challenge, response)?;
        match self.key {
            Some(own) if own != key => Err(Rejection::OtherKey),
            _ => Ok(()),
        }
    }

    /// Takes a try, and says how many are left.
    fn fail(&mut self) -> u32 {
        self.failures = self.failures.saturating_add(1);
        self.tries_left()
    }

    fn tries_left(&self) -> u32 {
        self.tries.saturating_sub(self.failures)
    }
}
