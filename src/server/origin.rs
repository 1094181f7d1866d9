//! Which web pages may ask for anything here. Browsers let any page open one to any server, with the
//! cookies and from the network of whoever looks at the page, and say in the `Origin` header which
//! page it is (RFC 6455 section 10.2). Programs that are no browsers can say there what they like, and
//! mostly say nothing: this keeps pages out, not people.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use url::Host;

use super::answer::error;
use super::authority::{Encryption, LONGEST, Only, default_port, host_and_port, only};
use super::hub::{Hub, Peer};
use super::own_hosts::HostRefused;
use crate::link::clock;

/// Where a web page comes from: scheme, host and port (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: Host,
    /// `None` for a scheme that has no port of its own, when none is given.
    port: Option<u16>,
}

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has to be SCHEME://HOST or SCHEME://HOST:PORT, like https://chat.example.org, and nothing \
     after that"
)]
pub struct OriginError;

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text.len() > LONGEST {
            return Err(OriginError);
        }
        let (scheme, authority) = text.split_once("://").ok_or(OriginError)?;
        // RFC 3986 section 3.1.
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char));
        if !is_scheme {
            return Err(OriginError);
        }
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = host_and_port(authority).ok_or(OriginError)?;
        let port = port.or_else(|| default_port(&scheme));
        Ok(Origin { scheme, host, port })
    }
}

impl fmt::Display for Origin {
    /// As browsers write it: without the port that goes without saying.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) if default_port(&self.scheme) != Some(port) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

/// From where pages may ask for anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// From this server itself, as the browser that shows the page addresses it: by a host that the
    /// server [knows as its own](super::OwnHosts). Whoever can make a name of theirs stand for this
    /// machine does not pass.
    #[default]
    Same,
    /// From these, and only these.
    Listed(Vec<Origin>),
}

/// Why a request is not let in because of the page that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OriginRefused {
    #[error("the Origin header has to be there once, or not at all")]
    Repeated,
    #[error("the Origin header makes no sense, or is null: nobody knows where the page comes from")]
    Unreadable,
    #[error("pages from this origin may not ask for anything here")]
    Foreign,
}

impl Origins {
    /// Whether a request with these headers may come in. One without an `Origin` may. `host` is the
    /// server's own that it is made to, if it is one.
    fn admit(
        &self,
        headers: &HeaderMap,
        host: Option<&str>,
        encryption: Encryption,
    ) -> Result<(), OriginRefused> {
        let origin = match only(headers, ORIGIN) {
            Only::None => return Ok(()),
            Only::Several => return Err(OriginRefused::Repeated),
            Only::One(text) => text
                .and_then(|text| text.parse::<Origin>().ok())
                .ok_or(OriginRefused::Unreadable)?,
        };
        let is_at = |host: &str| {
            let own = format!("{}://{host}", encryption.scheme()).parse();
            own.is_ok_and(|own: Origin| own == origin)
        };
        match (self, host) {
            (Origins::Listed(listed), _) if listed.contains(&origin) => Ok(()),
            (Origins::Same, Some(host)) if is_at(host) => Ok(()),
            _ => Err(OriginRefused::Foreign),
        }
    }

    /// Whether a request to a host that the server does not know as its own may come in all the same:
    /// because it comes from a page that is listed, through something that changes the host, or because
    /// the host is that of a listed origin, behind something that encrypts.
    fn vouch(&self, headers: &HeaderMap, host: &str) -> bool {
        let Origins::Listed(listed) = self else {
            return false;
        };
        match only(headers, ORIGIN) {
            Only::One(Some(origin)) => origin.parse().is_ok_and(|origin| listed.contains(&origin)),
            Only::One(None) | Only::Several => false,
            Only::None => host_and_port(host).is_some_and(|(host, port)| {
                let is_at = |origin: &Origin| {
                    origin.host == host && (port.is_none() || port == origin.port)
                };
                listed.iter().any(is_at)
            }),
        }
    }
}

/// Lets a request in that is made to a host of this server's, and by none of other people's pages. A
/// page whose author has a name of theirs stand for this machine sends that name as the host, and no
/// `Origin` where it only looks.
pub(super) async fn only_own_pages(
    State(hub): State<Arc<Hub>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let (headers, encryption) = (request.headers(), hub.encryption());
    let host = match hub.hosts.own(headers, peer.local, encryption) {
        Ok(host) => Some(host),
        Err(HostRefused::Unknown { host }) if hub.origins.vouch(headers, host) => None,
        Err(refused) => return wrong_host(&hub, peer, refused),
    };
    if let Err(refused) = hub.origins.admit(headers, host, encryption) {
        let (origin, peer) = (headers.get(ORIGIN), peer.remote);
        tracing::debug!(%peer, ?origin, %refused, "a web page is refused");
        return error(StatusCode::FORBIDDEN, &refused.to_string());
    }
    next.run(request).await
}

/// Answers a request that is not made to a host of this server's.
pub(super) fn wrong_host(hub: &Hub, peer: Peer, refused: HostRefused<'_>) -> Response {
    tracing::debug!(peer = %peer.remote, ?refused, "a request is not for this host");
    let status = match refused {
        HostRefused::Unknown { host } => {
            // Whoever runs the server under a name that it does not know wonders why nobody gets in.
            if let Some(times) = hub.foreign_hosts.happens(clock::now()) {
                tracing::warn!(
                    times,
                    host,
                    "a request is refused: if that is where clients reach this server, say so with \
                     --host"
                );
            }
            StatusCode::MISDIRECTED_REQUEST
        }
        // RFC 9112 section 3.2.
        HostRefused::NotOnce | HostRefused::Unreadable | HostRefused::Unusual { .. } => {
            StatusCode::BAD_REQUEST
        }
    };
    error(status, &refused.to_string())
}

#[cfg(test)]
mod tests;
