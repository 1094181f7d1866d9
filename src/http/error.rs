use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::StatusCode;

use crate::link::{
    CLIENT_CERTIFICATE_WANTED, CertificateRefused, Excerpt, is_client_certificate_wanted, is_no_tls,
};

/// What the HTTP client says of a proxy that answered CONNECT with 407: all there is to tell it by,
/// since the type of the error is not public (`TunnelError` of hyper-util 0.1).
const TUNNEL_WANTS_CREDENTIALS: &str = "tunnel error: proxy authorization required";

/// What it says of one that answered with any other status but 200.
const TUNNEL_REFUSED: &str = "tunnel error: unsuccessful";

/// Why a call got no answer from the server.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// There was no answer: no connection, or one that broke.
    #[error("{0}")]
    Unreachable(String),
    /// The answer did not come, or not to its end, within this time.
    #[error("no complete answer within {0:?}")]
    TimedOut(Duration),
    /// The certificate of the server was refused.
    #[error("{0}")]
    Certificate(Box<CertificateRefused>),
    /// The server wants a certificate of the client's, as this alert says.
    #[error("{wanted} ({0})", wanted = CLIENT_CERTIFICATE_WANTED)]
    ClientCertificate(String),
    /// What answered does not speak TLS.
    #[error("what answers there does not speak TLS")]
    NoTls,
    /// What answered does not speak HTTP.
    #[error("the answer is not HTTP: {0}")]
    NoHttp(String),
    /// The proxy wants credentials, or others.
    #[error("the proxy refused the credentials, or wants some: {0}{1}")]
    ProxyCredentials(StatusCode, Excerpt),
}

impl HttpError {
    /// Whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, HttpError::Unreachable(_) | HttpError::TimedOut(_))
    }

    /// The cause behind an error of the HTTP client, which has had this much time. `asked` says
    /// whether the server asked for a certificate of the client's.
    pub(super) fn of(
        error: &reqwest::Error,
        limit: Duration,
        through_proxy: bool,
        asked: bool,
    ) -> Self {
        if error.is_timeout() {
            return HttpError::TimedOut(limit);
        }
        if let Some(refused) = CertificateRefused::behind(error) {
            return HttpError::Certificate(Box::new(refused.clone()));
        }
        if is_no_tls(error) {
            return HttpError::NoTls;
        }
        // The outer layers only say that a request was being sent.
        let mut cause: &dyn Error = error;
        let mut is_no_http = false;
        while let Some(source) = cause.source() {
            cause = source;
            is_no_http |= source.downcast_ref().is_some_and(is_no_http_error);
        }
        let reason = cause.to_string();
        if through_proxy && reason == TUNNEL_WANTS_CREDENTIALS {
            let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
            HttpError::ProxyCredentials(status, Excerpt::default())
        } else if through_proxy && reason == TUNNEL_REFUSED {
            HttpError::Unreachable("the proxy refused a tunnel to the server".to_owned())
        } else if is_client_certificate_wanted(error, asked) {
            HttpError::ClientCertificate(reason)
        } else if is_no_http {
            HttpError::NoHttp(reason)
        } else if asked {
            // Its alert may be lost on the way, or it hung up for another reason.
            HttpError::Unreachable(format!("{CLIENT_CERTIFICATE_WANTED} ({reason})"))
        } else {
            HttpError::Unreachable(reason)
        }
    }
}

/// Whether what came was not HTTP, rather than too little of it, or nothing.
fn is_no_http_error(error: &hyper::Error) -> bool {
    let is_broken_off = error.is_incomplete_message()
        || error.is_closed()
        || error.is_canceled()
        || error.is_timeout()
        || error.source().is_some_and(|cause| cause.is::<io::Error>());
    error.is_parse() || !is_broken_off
}
