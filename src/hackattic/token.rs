use std::time::Instant;

use secrecy::SecretString;

use super::{Api, ApiError};
use crate::conversation::challenge::TOKEN_LIFETIME;

/// What admits to one conversation.
pub type OneTimeToken = SecretString;

/// Provides one-time tokens: fetches one when it is needed, and keeps it for as long as no
/// connection has used it.
#[derive(Debug)]
pub struct TokenProvider {
    source: Source,
    held: Option<Held>,
}

#[derive(Debug)]
enum Source {
    Site {
        api: Api,
        access_token: SecretString,
    },
    /// A single token that was fetched by hand.
    Hand,
}

#[derive(Debug)]
struct Held {
    token: OneTimeToken,
    good_until: Option<Instant>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The site did not give one.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The only token there was has been used.
    #[error("the one-time token has been used, and there is no other")]
    Spent,
}

impl TokenProvider {
    /// A provider that asks the site for tokens, in the name of an access token.
    pub fn fetching(api: Api, access_token: SecretString) -> Self {
        TokenProvider {
            source: Source::Site { api, access_token },
            held: None,
        }
    }

    /// A provider of one token that was fetched by hand.
    pub fn holding(token: OneTimeToken) -> Self {
        TokenProvider {
            source: Source::Hand,
            held: Some(Held {
                token,
                good_until: None,
            }),
        }
    }

    /// A token that no connection has used yet: the one at hand, or a new one where there is none
    /// or it has grown too old by `now`.
    ///
    /// # Errors
    ///
    /// When the site does not give one, or the only one has been [spent](Self::spend).
    pub async fn token(&mut self, now: Instant) -> Result<OneTimeToken, TokenError> {
        if let Some(held) = &self.held
            && held.good_until.is_none_or(|until| now < until)
        {
            return Ok(held.token.clone());
        }
        self.held = None;
        match &self.source {
            Source::Hand => Err(TokenError::Spent),
            Source::Site { api, access_token } => {
                let token = api.problem(access_token).await?;
                self.held = Some(Held {
                    token: token.clone(),
                    // Counted from before the request: rather too soon than too late.
                    good_until: Some(now + TOKEN_LIFETIME),
                });
                Ok(token)
            }
        }
    }

    /// A connection has used the token, or may have: it is not given out again.
    pub fn spend(&mut self) {
        self.held = None;
    }

    /// Whether there is a token for another try, or a way to one.
    pub fn can_provide(&self) -> bool {
        self.held.is_some() || matches!(self.source, Source::Site { .. })
    }
}
