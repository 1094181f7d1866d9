use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::http::{ANSWER_LIMIT, Answer, Caller, CallerError, HttpError};
use crate::link::{Address, Dialer, Excerpt, Printable, retry_after};

/// Where a server of ours is asked for a ticket.
pub const TICKET_PATH: &str = "/ticket";

/// The longest ticket that is taken, in bytes: it has to fit into the line of a request. Ours have
/// 32.
const TICKET_LIMIT: usize = 1024;

/// A call for a ticket that failed. It quotes nothing of the answer: a careless server could repeat
/// the password there.
#[derive(Debug, thiserror::Error)]
#[error("fetching a ticket for {} at {server}{}: {cause}", Printable(user), through(proxy.as_deref()))]
pub struct TicketCallError {
    /// Whom the ticket was to be for.
    pub user: String,
    /// The URL that was called.
    pub server: String,
    /// The proxy on the way, if there is one, without credentials.
    pub proxy: Option<String>,
    /// Why.
    pub cause: TicketCallCause,
}

/// Why there is no ticket.
#[derive(Debug, thiserror::Error)]
pub enum TicketCallCause {
    /// The call cannot be made.
    #[error(transparent)]
    Caller(CallerError),
    /// There was no answer of the server.
    #[error(transparent)]
    Http(HttpError),
    /// 401 or 403.
    #[error("the user name or the password is wrong ({0})")]
    Refused(StatusCode),
    /// 429: there have been too many wrong passwords. How long to wait, if the server says so.
    #[error("too many wrong passwords so far{}", waiting(*.0))]
    Throttled(Option<Duration>),
    /// 404 or 405: nobody gives tickets there.
    #[error("the server gives no tickets ({0})")]
    NotOffered(StatusCode),
    /// Another status that is no success.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// An answer without a ticket in it, and what is wrong with it.
    #[error("{0}")]
    Answer(String),
}

impl TicketCallCause {
    /// Whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            TicketCallCause::Http(error) => error.is_transient(),
            TicketCallCause::Throttled(_) => true,
            TicketCallCause::Status(status) => {
                status.is_server_error() || *status == StatusCode::REQUEST_TIMEOUT
            }
            TicketCallCause::Caller(_)
            | TicketCallCause::Refused(_)
            | TicketCallCause::NotOffered(_)
            | TicketCallCause::Answer(_) => false,
        }
    }
}

fn through(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"))
}

fn waiting(time: Option<Duration>) -> String {
    time.map_or_else(String::new, |time| format!("; try again in {time:?}"))
}

/// Fetches a ticket from the server that is at this address, for one connection to it, which has to
/// be made soon: within 30 s if the server is ours. The call is made as a [`Caller`] makes them,
/// within the dialer's time limit.
///
/// # Errors
///
/// When there is no answer, or none with a ticket in it.
pub async fn fetch_ticket(
    address: &Address,
    user: &str,
    password: &SecretString,
    dialer: &Dialer,
) -> Result<SecretString, TicketCallError> {
    let url = address.http_url(TICKET_PATH);
    let failed = |proxy, cause| TicketCallError {
        user: user.to_owned(),
        server: url.to_string(),
        proxy,
        cause,
    };
    let caller = Caller::new(address, dialer);
    let caller = caller.map_err(|error| failed(None, TicketCallCause::Caller(error)))?;
    let through = || caller.proxy().map(ToString::to_string);
    let request = caller.post(url.clone()).json(&json!({
        "user": user,
        "password": password.expose_secret(),
    }));
    tracing::debug!(%url, user = %Printable(user), "fetching a ticket");
    let answer = caller.call(request).await.map_err(|error| {
        let error = match error {
            HttpError::ProxyCredentials(status, _) => {
                HttpError::ProxyCredentials(status, Excerpt::default())
            }
            error => error,
        };
        failed(through(), TicketCallCause::Http(error))
    })?;
    tracing::debug!(%url, status = %answer.status, "answered");
    ticket(&answer).map_err(|cause| failed(through(), cause))
}

/// The ticket in an answer.
fn ticket(answer: &Answer) -> Result<SecretString, TicketCallCause> {
    #[derive(Deserialize)]
    struct Given {
        ticket: String,
    }
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(TicketCallCause::Refused(answer.status));
        }
        StatusCode::TOO_MANY_REQUESTS => {
            return Err(TicketCallCause::Throttled(retry_after(&answer.headers)));
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            return Err(TicketCallCause::NotOffered(answer.status));
        }
        status if !status.is_success() => return Err(TicketCallCause::Status(status)),
        _ => {}
    }
    let wrong = |reason: &str| Err(TicketCallCause::Answer(reason.to_owned()));
    if answer.is_too_long() {
        return wrong(&format!(
            "the answer is over {} KiB long",
            ANSWER_LIMIT / 1024
        ));
    }
    let Ok(Given { ticket }) = serde_json::from_str(&answer.body) else {
        return wrong("the answer holds no ticket");
    };
    let is_odd = |character: char| character.is_whitespace() || character.is_control();
    if ticket.is_empty() || ticket.len() > TICKET_LIMIT || ticket.contains(is_odd) {
        return wrong("what the answer holds in place of a ticket is none");
    }
    Ok(SecretString::from(ticket))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, RETRY_AFTER};

    use super::*;

    fn answer(status: StatusCode, body: &str) -> Answer {
        Answer {
            status,
            headers: HeaderMap::new(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn a_ticket_is_a_word_in_an_object() {
        let given = answer(StatusCode::OK, r#"{"ticket":"a1b2","expires_in_s":30}"#);
        assert_eq!(ticket(&given).unwrap().expose_secret(), "a1b2");
        let long = format!(r#"{{"ticket":"{}"}}"#, "a".repeat(TICKET_LIMIT + 1));
        let too_long = "x".repeat(ANSWER_LIMIT + 1);
        for body in [
            "",
            "welcome",
            "[]",
            r#"{"ticket":7}"#,
            r#"{"ticket":""}"#,
            r#"{"ticket":"a b"}"#,
            r#"{"ticket":"a\n"}"#,
            &long,
            &too_long,
        ] {
            let cause = ticket(&answer(StatusCode::OK, body)).unwrap_err();
            assert!(matches!(cause, TicketCallCause::Answer(_)), "{cause:?}");
        }
    }

    #[test]
    fn a_wait_is_in_seconds_or_unknown() {
        let waiting = |value: &str| {
            let mut answer = answer(StatusCode::TOO_MANY_REQUESTS, "");
            answer.headers.insert(RETRY_AFTER, value.parse().unwrap());
            match ticket(&answer) {
                Err(TicketCallCause::Throttled(wait)) => wait,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(waiting("4"), Some(Duration::from_secs(4)));
        assert_eq!(waiting("Sat, 21 Nov 2026 12:00:00 GMT"), None);
        assert_eq!(waiting("-1"), None);
    }
}
