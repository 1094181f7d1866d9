//! Which web pages may open a WebSocket here. Browsers let any page open one to any server, with the
//! cookies and from the network of whoever looks at the page, and say in the `Origin` header which
//! page it is (RFC 6455 section 10.2). Programs that are no browsers can say there what they like, and
//! mostly say nothing: this keeps pages out, not people.

use std::fmt;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use url::Host;

use super::authority::{Encryption, LONGEST, Only, default_port, host_and_port, only};
use super::own_hosts::HostRefused;

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

/// From where pages may open WebSockets.
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

/// Why a request is not granted a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OriginRefused {
    #[error("the Origin header has to be there once, or not at all")]
    Repeated,
    #[error("the Origin header makes no sense, or is null: nobody knows where the page comes from")]
    Unreadable,
    #[error("pages from this origin may not open a WebSocket here")]
    Foreign,
    #[error(
        "the page comes from where its request goes, but this server does not know that host as its \
         own; whoever runs it can name it with --host"
    )]
    UnknownHost,
}

impl Origins {
    /// Whether a request with these headers may open a WebSocket. One without an `Origin` may.
    /// `host` is the server's own that it is made to, if it is one.
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        host: Result<&str, HostRefused<'_>>,
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
            (Origins::Same, Ok(host)) if is_at(host) => Ok(()),
            (Origins::Same, Err(HostRefused::Unknown { host })) if is_at(host) => {
                Err(OriginRefused::UnknownHost)
            }
            _ => Err(OriginRefused::Foreign),
        }
    }
}

#[cfg(test)]
mod tests;
