//! Which web pages may open a WebSocket here. Browsers let any page open one to any server, with the
//! cookies and from the network of whoever looks at the page, and say in the `Origin` header which
//! page it is (RFC 6455 section 10.2). Programs that are no browsers can say there what they like, and
//! mostly say nothing: this keeps pages out, not people.

use std::fmt;
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::{AsHeaderName, HOST, ORIGIN};
use url::Host;

/// The longest origin: that of the longest host name (RFC 1035 section 2.3.4), with room to spare.
const LONGEST: usize = 512;

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

/// The port of an address that does not say.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Reads `HOST` or `HOST:PORT`, with an IPv6 address in brackets.
fn host_and_port(text: &str) -> Option<(Host, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        // Or else the colon is one of the address.
        Some((host, port)) if !port.ends_with(']') => {
            let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            (host, Some(port.parse().ok().filter(|_| is_number)?))
        }
        _ => (text, None),
    };
    let host = Host::parse(host).ok()?;
    // The parser lets more pass than names have; a star would look as if it stood for many.
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-._".contains(char);
    match &host {
        Host::Domain(name) if !name.chars().all(is_plain) => None,
        _ => Some((host, port)),
    }
}

/// From where pages may open WebSockets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// From this server itself, as the browser that shows the page addresses it. Whoever can make a
    /// name of theirs stand for this machine passes as well.
    #[default]
    Same,
    /// From these, and only these.
    Listed(Vec<Origin>),
}

/// Whether the server speaks TLS, which is a part of where its own pages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    None,
    Tls,
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
}

impl Origins {
    /// Whether a request with these headers may open a WebSocket. One without an `Origin` may.
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        encryption: Encryption,
    ) -> Result<(), OriginRefused> {
        let origin = match only(headers, ORIGIN) {
            Only::None => return Ok(()),
            Only::Several => return Err(OriginRefused::Repeated),
            Only::One(text) => text
                .and_then(|text| text.parse::<Origin>().ok())
                .ok_or(OriginRefused::Unreadable)?,
        };
        let is_welcome = match self {
            Origins::Listed(listed) => listed.contains(&origin),
            Origins::Same => own(headers, encryption).is_some_and(|own| own == origin),
        };
        if is_welcome {
            Ok(())
        } else {
            Err(OriginRefused::Foreign)
        }
    }
}

/// Where a page of this server comes from, by the address that the request is made to.
fn own(headers: &HeaderMap, encryption: Encryption) -> Option<Origin> {
    let Only::One(Some(host)) = only(headers, HOST) else {
        return None;
    };
    let scheme = match encryption {
        Encryption::None => "http",
        Encryption::Tls => "https",
    };
    format!("{scheme}://{host}").parse().ok()
}

/// What there is of a header that should be there once.
enum Only<'a> {
    None,
    /// `None` if it is no text.
    One(Option<&'a str>),
    Several,
}

fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Only<'_> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::None,
        (Some(value), None) => Only::One(value.to_str().ok()),
        (Some(_), Some(_)) => Only::Several,
    }
}

#[cfg(test)]
mod tests;
