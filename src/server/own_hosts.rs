//! By which hosts clients reach this server. What a `Host` header says, its sender has chosen: only
//! of a host that is known to be the server's own may anything be concluded from it.
//!
//! A web page whose author has their own name stand for this machine (DNS rebinding) has that name
//! in its `Host` and its `Origin` alike, and is told from the server's pages by it. And whoever
//! passes a registration through from another server cannot have this one name that other host in
//! its challenge.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::HOST;
use url::Host;

use super::authority::{Encryption, LONGEST, Only, host_and_port, only, read_host, split_port};
use crate::link::is_localhost;

/// A host that clients reach a server by, and maybe the port: `chat.example.org`, or
/// `chat.example.org:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnHost {
    host: Host,
    /// `None` for the port that goes without saying, and the one that the server listens on.
    port: Option<u16>,
}

/// Why a text is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has to be HOST or HOST:PORT, like chat.example.org, with an IPv6 address in brackets, and \
     nothing before or after that"
)]
pub struct OwnHostError;

impl FromStr for OwnHost {
    type Err = OwnHostError;

    fn from_str(text: &str) -> Result<Self, OwnHostError> {
        let parsed = Some(text).filter(|text| text.len() <= LONGEST);
        let (host, port) = parsed.and_then(host_and_port).ok_or(OwnHostError)?;
        match canonical(host) {
            Host::Domain(name) if name.is_empty() => Err(OwnHostError),
            host => Ok(OwnHost { host, port }),
        }
    }
}

impl fmt::Display for OwnHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// The hosts that a server knows as its own, beside the addresses that its connections lead to and,
/// over loopback, `localhost` and the names below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnHosts(Vec<OwnHost>);

/// Why a request is not known to be meant for this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HostRefused<'a> {
    #[error("the Host header has to be there once")]
    NotOnce,
    #[error("the Host header is no HOST or HOST:PORT")]
    Unreadable,
    /// An address has other forms without end, like `127.1` or `000177.0.0.1`, and what is copied
    /// from here is to be of one form.
    #[error("the Host header writes the address {address} in a way that is not the usual one")]
    Unusual { address: IpAddr },
    #[error(
        "this server does not know the host in the Host header as its own; whoever runs it can name \
         it with --host"
    )]
    Unknown {
        /// As the header writes it.
        host: &'a str,
    },
}

impl OwnHosts {
    /// These, and those that need not be listed.
    pub fn new(listed: Vec<OwnHost>) -> Self {
        OwnHosts(listed)
    }

    /// The host that a request is made to, as its `Host` header writes it, if that is one of the
    /// server's own. `local` is where the request's connection arrived.
    pub(super) fn own<'a>(
        &self,
        headers: &'a HeaderMap,
        local: SocketAddr,
        encryption: Encryption,
    ) -> Result<&'a str, HostRefused<'a>> {
        let text = match only(headers, HOST) {
            Only::None | Only::Several => return Err(HostRefused::NotOnce),
            // The parser would decode it, but nobody has to write a host like that.
            Only::One(text) => text.filter(|text| text.len() <= LONGEST && !text.contains('%')),
        };
        let text = text.ok_or(HostRefused::Unreadable)?;
        let (written, port) = split_port(text).ok_or(HostRefused::Unreadable)?;
        let host = read_host(written).ok_or(HostRefused::Unreadable)?;
        if let Some(address) = address(&host)
            && !is_usual(written, address)
        {
            return Err(HostRefused::Unusual { address });
        }
        let host = canonical(host);
        let default = encryption.default_port();
        let port = port.unwrap_or(default);
        let is_listed = self.0.iter().any(|own| {
            own.host == host
                && match own.port {
                    Some(own) => own == port,
                    None => [default, local.port()].contains(&port),
                }
        });
        if is_listed || port == local.port() && leads_to(&host, local.ip().to_canonical()) {
            Ok(text)
        } else {
            Err(HostRefused::Unknown { host: text })
        }
    }
}

/// Whether a host stands for this address, whoever asks.
fn leads_to(host: &Host, local: IpAddr) -> bool {
    match host {
        // Nobody else's: browsers never ask DNS for these names either. The dot of a whole name is gone,
        // and another is none.
        Host::Domain(name) => is_localhost(name) && !name.ends_with('.') && local.is_loopback(),
        Host::Ipv4(ip) => local == *ip,
        Host::Ipv6(ip) => local == *ip,
    }
}

/// The address that a host is, if it is one.
fn address(host: &Host) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(ip) => Some(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => Some(IpAddr::V6(*ip)),
    }
}

/// Whether an address is written as programs write it.
fn is_usual(written: &str, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => written == ip.to_string(),
        // The URL standard and RFC 5952 section 5 differ over an IPv4 address within.
        IpAddr::V6(ip) => [Host::<String>::Ipv6(ip).to_string(), format!("[{ip}]")]
            .iter()
            .any(|usual| written.eq_ignore_ascii_case(usual)),
    }
}

/// A host as others that mean the same are written, too.
fn canonical(host: Host) -> Host {
    match host {
        // The dot says that the name is a whole one (RFC 1034 section 3.1).
        Host::Domain(name) => match name.strip_suffix('.') {
            Some(name) => Host::Domain(name.to_owned()),
            None => Host::Domain(name),
        },
        Host::Ipv6(ip) => match ip.to_canonical() {
            IpAddr::V4(ip) => Host::Ipv4(ip),
            IpAddr::V6(ip) => Host::Ipv6(ip),
        },
        Host::Ipv4(ip) => Host::Ipv4(ip),
    }
}

#[cfg(test)]
mod tests;
