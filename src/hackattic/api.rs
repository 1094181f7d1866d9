use std::fmt;

use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{OneTimeToken, Site};
use crate::http::{ANSWER_LIMIT, Caller, CallerError, HttpError};
use crate::link::{AddressError, Dialer, Excerpt};

/// Makes the calls.
#[derive(Clone, Debug)]
pub struct Api {
    caller: Caller,
    site: Site,
}

/// Why there is nothing to make the calls with.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The site cannot be dialled.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Caller(#[from] CallerError),
}

/// Which call it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Fetching a one-time token.
    Problem,
    /// Handing in a solution.
    Solve,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Call::Problem => "fetching a one-time token",
            Call::Solve => "handing in the solution",
        })
    }
}

/// Whether a solution counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitting {
    /// For the score.
    Scored,
    /// Once more, for no score: hackattic's "playground".
    Playground,
}

/// What the site says of a solution.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// Whether it counts as solved: a 2xx status and a `result`.
    pub passed: bool,
    /// The whole answer, a JSON object.
    pub response: Value,
}

/// A call that failed. The access token is in its URL, so that no error holds the URL.
#[derive(Debug, thiserror::Error)]
#[error("{call} at {site}{}: {cause}", through(proxy.as_deref()))]
pub struct ApiError {
    /// Which call.
    pub call: Call,
    /// Where.
    pub site: String,
    /// The proxy on the way, if there is one, without credentials.
    pub proxy: Option<String>,
    /// Why.
    pub cause: ApiCause,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiCause {
    /// There was no answer of the site.
    #[error(transparent)]
    Http(HttpError),
    /// 401 or 403.
    #[error("the access token was refused: {0}{1}")]
    Credentials(StatusCode, Excerpt),
    /// Another status that is no success.
    #[error("{0}{1}")]
    Status(StatusCode, Excerpt),
    /// An answer that is not what the challenge describes, and what is wrong with it.
    #[error("{0}{1}")]
    Answer(String, Excerpt),
}

impl ApiError {
    /// Whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match &self.cause {
            ApiCause::Http(error) => error.is_transient(),
            ApiCause::Status(status, _) => {
                status.is_server_error()
                    || *status == StatusCode::TOO_MANY_REQUESTS
                    || *status == StatusCode::REQUEST_TIMEOUT
            }
            ApiCause::Credentials(..) | ApiCause::Answer(..) => false,
        }
    }
}

impl Api {
    /// The calls to a site, over connections such as this dialer makes, as a [`Caller`] does.
    ///
    /// # Errors
    ///
    /// When the site cannot be dialled, there is a proxy on the way that cannot be used, or no HTTP
    /// client can be made with this TLS configuration.
    pub fn new(site: Site, dialer: &Dialer) -> Result<Self, ClientError> {
        let caller = Caller::new(&site.address()?, dialer)?;
        Ok(Api { caller, site })
    }

    /// Fetches a one-time token.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none with a token in it.
    pub async fn problem(&self, access_token: &SecretString) -> Result<OneTimeToken, ApiError> {
        let request = self
            .caller
            .get(self.site.problem())
            .query(&[("access_token", access_token.expose_secret())]);
        let (status, body) = self.call(Call::Problem, request).await?;
        if !status.is_success() {
            return Err(self.refused(Call::Problem, status, &body));
        }
        let answer = self.object(Call::Problem, &body)?;
        let is_odd = |character: char| character.is_whitespace() || character.is_control();
        match answer.get("token").and_then(Value::as_str) {
            Some(token) if !token.is_empty() && !token.contains(is_odd) => {
                Ok(OneTimeToken::from(token))
            }
            _ => {
                // All that is quoted of an answer that may have a token in it, in whatever shape.
                let said = answer.get("error").and_then(Value::as_str);
                let excerpt = Excerpt::of(said.unwrap_or_default());
                let reason = "the answer holds no token".to_owned();
                Err(self.error(Call::Problem, ApiCause::Answer(reason, excerpt)))
            }
        }
    }

    /// Hands in the secret.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none that is a JSON object, or its status says that the secret
    /// was not looked at: 401, 403, 404, 408, 429, 3xx or 5xx. A rejected secret is no error.
    pub async fn solve(
        &self,
        access_token: &SecretString,
        secret: &str,
        submitting: Submitting,
    ) -> Result<Submission, ApiError> {
        let mut request = self
            .caller
            .post(self.site.solve())
            .query(&[("access_token", access_token.expose_secret())])
            .json(&json!({ "secret": secret }));
        if submitting == Submitting::Playground {
            request = request.query(&[("playground", "1")]);
        }
        let (status, body) = self.call(Call::Solve, request).await?;
        // Answers that say nothing of the secret.
        let unheard = matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::NOT_FOUND
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        );
        if unheard || status.is_server_error() || status.is_redirection() {
            return Err(self.refused(Call::Solve, status, &body));
        }
        match self.object(Call::Solve, &body) {
            Ok(response) => Ok(Submission {
                passed: status.is_success() && response.get("result").is_some(),
                response,
            }),
            Err(error) if status.is_success() => Err(error),
            Err(_) => Err(self.refused(Call::Solve, status, &body)),
        }
    }

    async fn call(
        &self,
        call: Call,
        request: RequestBuilder,
    ) -> Result<(StatusCode, String), ApiError> {
        tracing::debug!(%call, site = %self.site, "calling");
        let answer = self.caller.call(request).await;
        let answer = answer.map_err(|error| self.error(call, ApiCause::Http(error)))?;
        let (status, bytes) = (answer.status, answer.body.len());
        tracing::debug!(%call, site = %self.site, %status, bytes, "answered");
        // Of any other, the status says enough.
        if answer.is_too_long() && status.is_success() {
            let reason = format!("the answer is over {} KiB long", ANSWER_LIMIT / 1024);
            return Err(self.wrong(call, &reason, &answer.body));
        }
        Ok((status, answer.body))
    }

    fn refused(&self, call: Call, status: StatusCode, body: &str) -> ApiError {
        let excerpt = Excerpt::of(body);
        let cause = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                ApiCause::Credentials(status, excerpt)
            }
            _ => ApiCause::Status(status, excerpt),
        };
        self.error(call, cause)
    }

    fn object(&self, call: Call, body: &str) -> Result<Value, ApiError> {
        let reason = match serde_json::from_str(body) {
            Ok(value @ Value::Object(_)) => return Ok(value),
            Ok(_) => "the answer is no JSON object",
            Err(error) if error.is_eof() && body.trim_start().starts_with('{') => {
                "the answer is cut off JSON"
            }
            Err(_) => "the answer is not JSON",
        };
        Err(self.wrong(call, reason, body))
    }

    fn wrong(&self, call: Call, reason: &str, body: &str) -> ApiError {
        // What looks like an object may have a good one-time token in it, which nobody knows to
        // hide yet.
        let may_hold_token = call == Call::Problem && body.trim_start().starts_with('{');
        let excerpt = if may_hold_token {
            Excerpt::default()
        } else {
            Excerpt::of(body)
        };
        self.error(call, ApiCause::Answer(reason.to_owned(), excerpt))
    }

    fn error(&self, call: Call, cause: ApiCause) -> ApiError {
        ApiError {
            call,
            site: self.site.to_string(),
            proxy: self.caller.proxy().map(ToString::to_string),
            cause,
        }
    }
}

fn through(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"))
}
