//! What HTTP calls fail with.

use reqwest::StatusCode;

use super::{Failure, Kind, PROXY_CREDENTIALS, advice_on};
use crate::hackattic::{ApiCause, ApiError, TokenError};
use crate::http::HttpError;

/// What kind of failure it is to have no answer to an HTTP call, and what to do about it.
fn unanswered(error: &HttpError) -> (Kind, &'static str) {
    match error {
        HttpError::ProxyCredentials(..) => (Kind::Credentials, PROXY_CREDENTIALS),
        HttpError::Certificate(refused) => (Kind::Unreachable, advice_on(refused)),
        HttpError::TimedOut(_) => (Kind::Unreachable, ""),
        HttpError::NoTls => (
            Kind::Unreachable,
            "; does the base URL begin with http:// rather than https://?",
        ),
        HttpError::NoHttp(_) => (Kind::Protocol, "; is the base URL right?"),
        HttpError::Unreachable(_) => (
            Kind::Unreachable,
            "; is the base URL right, and is the server up?",
        ),
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let worth_it = error.is_transient();
        let (kind, advice) = match &error.cause {
            ApiCause::Http(error) => unanswered(error),
            ApiCause::Credentials(..) => (
                Kind::Credentials,
                "; your access token is shown on hackattic.com when you are logged in",
            ),
            ApiCause::Answer(..) => (Kind::Protocol, "; is the base URL right?"),
            ApiCause::Status(status, _) if status.is_redirection() => {
                (Kind::Protocol, "; is the base URL right?")
            }
            ApiCause::Status(StatusCode::NOT_FOUND, _) => {
                (Kind::Unreachable, "; is the base URL right?")
            }
            ApiCause::Status(..) => (Kind::Unreachable, ""),
        };
        kind.because(format_args!("{error}{advice}"))
            .with_another_try_worth_it(worth_it)
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Api(error) => error.into(),
            TokenError::Spent => Kind::Credentials.because(error),
        }
    }
}
