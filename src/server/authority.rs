//! The host and the port of an address, as headers and options write them.

use axum::http::HeaderMap;
use axum::http::header::AsHeaderName;
use url::Host;

/// The longest text that is read as an address: the longest host name (RFC 1035 section 2.3.4), with
/// room to spare.
pub(super) const LONGEST: usize = 512;

/// Whether the server speaks TLS, which is a part of where its own pages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    None,
    Tls,
}

impl Encryption {
    /// The scheme of the server's pages.
    pub(super) fn scheme(self) -> &'static str {
        match self {
            Encryption::None => "http",
            Encryption::Tls => "https",
        }
    }

    /// The port of an address of the server's that does not say.
    pub(super) fn default_port(self) -> u16 {
        match self {
            Encryption::None => HTTP,
            Encryption::Tls => HTTPS,
        }
    }
}

const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// The port of an address that does not say.
pub(super) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(HTTP),
        "https" => Some(HTTPS),
        _ => None,
    }
}

/// Reads `HOST` or `HOST:PORT`, with an IPv6 address in brackets.
pub(super) fn host_and_port(text: &str) -> Option<(Host, Option<u16>)> {
    let (host, port) = split_port(text)?;
    Some((read_host(host)?, port))
}

/// Splits `HOST` or `HOST:PORT`.
pub(super) fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.rsplit_once(':') {
        // Or else the colon is one of the address.
        Some((host, port)) if !port.ends_with(']') => {
            let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            Some((host, Some(port.parse().ok().filter(|_| is_number)?)))
        }
        _ => Some((text, None)),
    }
}

/// Reads `HOST`, as anybody may write it.
pub(super) fn read_host(text: &str) -> Option<Host> {
    let host = Host::parse(text).ok()?;
    // The parser lets more pass than names have; a star would look as if it stood for many.
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-._".contains(char);
    match &host {
        Host::Domain(name) if !name.chars().all(is_plain) => None,
        _ => Some(host),
    }
}

/// What there is of a header that should be there once.
pub(super) enum Only<'a> {
    None,
    /// `None` if it is no text.
    One(Option<&'a str>),
    Several,
}

pub(super) fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Only<'_> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::None,
        (Some(value), None) => Only::One(value.to_str().ok()),
        (Some(_), Some(_)) => Only::Several,
    }
}
