//! What HTTP calls fail with.

use reqwest::StatusCode;

use super::{CLIENT_CERTIFICATE, Failure, Kind, PROXY_CREDENTIALS, advice_on};
use crate::hackattic::{ApiCause, ApiError, TokenError};
use crate::http::{CallerError, HttpError};
use crate::tickets::{TicketCallCause, TicketCallError};

/// What people give that leads to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    BaseUrl,
    Address,
}

/// What kind of failure it is to have no answer to an HTTP call, and what to do about it.
fn unanswered(error: &HttpError, given: Given) -> (Kind, &'static str) {
    match (error, given) {
        (HttpError::ProxyCredentials(..), _) => (Kind::Credentials, PROXY_CREDENTIALS),
        (HttpError::Certificate(refused), _) => (Kind::Unreachable, advice_on(refused)),
        (HttpError::ClientCertificate(_), _) => (Kind::Unreachable, CLIENT_CERTIFICATE),
        (HttpError::TimedOut(_), _) => (Kind::Unreachable, ""),
        (HttpError::NoTls, Given::BaseUrl) => (
            Kind::Unreachable,
            "; does the base URL begin with http:// rather than https://?",
        ),
        (HttpError::NoTls, Given::Address) => (
            Kind::Unreachable,
            "; does the address begin with ws:// rather than wss://?",
        ),
        (HttpError::NoHttp(_), Given::BaseUrl) => (Kind::Protocol, "; is the base URL right?"),
        (HttpError::NoHttp(_), Given::Address) => (
            Kind::Protocol,
            "; is the address right, or does it begin with wss:// rather than ws://?",
        ),
        (HttpError::Unreachable(_), Given::BaseUrl) => (
            Kind::Unreachable,
            "; is the base URL right, and is the server up?",
        ),
        (HttpError::Unreachable(_), Given::Address) => (
            Kind::Unreachable,
            "; is the address right, and is the server up?",
        ),
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let worth_it = error.is_transient();
        let (kind, advice) = match &error.cause {
            ApiCause::Http(error) => unanswered(error, Given::BaseUrl),
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

impl From<TicketCallError> for Failure {
    fn from(error: TicketCallError) -> Self {
        let worth_it = error.cause.is_transient();
        let (kind, advice) = match &error.cause {
            TicketCallCause::Http(error) => unanswered(error, Given::Address),
            TicketCallCause::Caller(CallerError::Proxy(_)) => (Kind::Usage, ""),
            TicketCallCause::Caller(CallerError::Client(_)) => (Kind::Internal, ""),
            TicketCallCause::Refused(_) => (
                Kind::Credentials,
                "; whoever runs the server sets passwords with wsbeat passwd",
            ),
            TicketCallCause::NotOffered(_) => (
                Kind::Unreachable,
                "; is the address right, and does it take a ticket to enter there?",
            ),
            TicketCallCause::Answer(_) => (Kind::Protocol, "; is the address right?"),
            TicketCallCause::Status(status) if status.is_redirection() => {
                (Kind::Protocol, "; is the address right?")
            }
            TicketCallCause::Throttled(_) | TicketCallCause::Status(_) => (Kind::Unreachable, ""),
        };
        let wait = match &error.cause {
            TicketCallCause::Throttled(wait) => *wait,
            _ => None,
        };
        kind.because(format_args!("{error}{advice}"))
            .with_another_try_worth_it(worth_it)
            .with_wait(wait)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What becomes of a call for a ticket that fails for this reason: the exit code by its kind,
    /// and whether it is tried again.
    #[track_caller]
    fn check(cause: TicketCallCause, kind: Kind, again: bool, words: &[&str]) {
        let failure = Failure::from(TicketCallError {
            user: "al\u{7}ice".to_owned(),
            server: "http://h/ticket".to_owned(),
            proxy: None,
            cause,
        });
        let text = failure.to_string();
        assert_eq!(failure.kind, kind, "{text}");
        assert_eq!(failure.is_worth_another_try(), again, "{text}");
        let begin = "fetching a ticket for al\\u{7}ice at http://h/ticket: ";
        assert!(text.starts_with(begin), "{text}");
        for word in words {
            assert!(text.contains(word), "{word:?} is missing in: {text}");
        }
    }

    #[test]
    fn a_call_for_a_ticket_fails_in_the_kind_that_a_person_can_act_on() {
        use TicketCallCause::{Answer, Http, NotOffered, Refused, Status, Throttled};
        let refused = Refused(StatusCode::UNAUTHORIZED);
        check(refused, Kind::Credentials, false, &["wsbeat passwd"]);
        let wait = Some(Duration::from_secs(4));
        let again = &["try again in 4s"];
        check(Throttled(wait), Kind::Unreachable, true, again);
        let none = NotOffered(StatusCode::NOT_FOUND);
        check(none, Kind::Unreachable, false, &["does it take a ticket"]);
        let nonsense = Answer("the answer holds no ticket".to_owned());
        check(nonsense, Kind::Protocol, false, &["is the address right"]);
        let elsewhere = Status(StatusCode::FOUND);
        check(elsewhere, Kind::Protocol, false, &["302"]);
        let broken = Status(StatusCode::INTERNAL_SERVER_ERROR);
        check(broken, Kind::Unreachable, true, &["500"]);
        let nobody = Http(HttpError::Unreachable("refused".to_owned()));
        check(nobody, Kind::Unreachable, true, &["is the server up"]);
        check(Http(HttpError::NoTls), Kind::Unreachable, false, &["ws://"]);
    }
}
