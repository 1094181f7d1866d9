use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use url::Host;

use super::Address;

/// Where a host is to be found whatever the resolver would say: `HOST:PORT:ADDRESS`, as curl's
/// `--resolve` has it. With `*` for the host, it is for every name that no other resolution is for;
/// a host that is given by number is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// `None` for every name.
    host: Option<String>,
    address: SocketAddr,
}

/// Why a text is no [`Resolution`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolutionError {
    /// It has not three parts.
    #[error("write it HOST:PORT:ADDRESS, like example.org:443:127.0.0.1 or example.org:80:[::1]")]
    Form,
    /// A host that is no name: what is given by number is not looked up.
    #[error("{0:?} is no name that would be looked up")]
    Host(String),
    /// A port that is no number from 1 to 65535.
    #[error("{0:?} is no port")]
    Port(String),
    /// An address that is none.
    #[error("{0:?} is no IP address")]
    Address(String),
}

impl FromStr for Resolution {
    type Err = ResolutionError;

    fn from_str(text: &str) -> Result<Self, ResolutionError> {
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(ip)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ResolutionError::Form);
        };
        let name = match (host, Host::parse(host)) {
            ("*", _) => None,
            // A URL can have a star in its host, but curl knows it alone only.
            (_, Ok(Host::Domain(name))) if !name.contains('*') => Some(name),
            _ => return Err(ResolutionError::Host(host.to_owned())),
        };
        let number = port.parse().ok().filter(|port| *port != 0);
        let number: u16 = number.ok_or_else(|| ResolutionError::Port(port.to_owned()))?;
        let bare = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']'));
        let parsed: Result<IpAddr, _> = bare.unwrap_or(ip).parse();
        let address = parsed.map_err(|_| ResolutionError::Address(ip.to_owned()))?;
        Ok(Resolution {
            host: name,
            address: SocketAddr::new(address, number),
        })
    }
}

impl Resolution {
    /// Where the host of an address is to be found, by those of these that are for it and its port.
    pub(super) fn find(these: &[Resolution], address: &Address) -> Vec<SocketAddr> {
        let Some(name) = address.domain() else {
            return Vec::new();
        };
        let of = |host: Option<&str>| -> Vec<SocketAddr> {
            let these = these.iter().filter(|it| it.host.as_deref() == host);
            let there = these.map(|it| it.address);
            there.filter(|it| it.port() == address.port()).collect()
        };
        let by_name = of(Some(name));
        if by_name.is_empty() {
            of(None)
        } else {
            by_name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolution_is_for_its_host_and_port() {
        let resolution: Resolution = "Example.org:443:[::1]".parse().unwrap();
        let these = [resolution];
        let of = |text: &str| Resolution::find(&these, &text.parse().unwrap());
        let there: SocketAddr = "[::1]:443".parse().unwrap();
        assert_eq!(of("wss://example.org/x"), [there]);
        assert_eq!(of("wss://example.org:444"), []);
        assert_eq!(of("wss://www.example.org"), []);
        let plain: Resolution = "a:80:127.0.0.1".parse().unwrap();
        assert_eq!(plain.address, "127.0.0.1:80".parse().unwrap());
    }

    #[test]
    fn a_star_is_every_name_that_has_no_resolution_of_its_own() {
        let these = ["*:80:127.0.0.2", "a.test:80:127.0.0.3"].map(|it| it.parse().unwrap());
        let of = |text: &str| Resolution::find(&these, &text.parse().unwrap());
        assert_eq!(of("ws://b.test"), ["127.0.0.2:80".parse().unwrap()]);
        assert_eq!(of("ws://a.test"), ["127.0.0.3:80".parse().unwrap()]);
        assert_eq!(of("ws://b.test:81"), []);
        assert_eq!(of("ws://192.0.2.1"), []);
    }

    #[test]
    fn what_is_none_is_refused() {
        let error = |text: &str| text.parse::<Resolution>().unwrap_err();
        assert_eq!(error("a:80"), ResolutionError::Form);
        assert!(matches!(
            error("127.0.0.1:80:127.0.0.1"),
            ResolutionError::Host(_)
        ));
        assert!(matches!(
            error("*.a:80:127.0.0.1"),
            ResolutionError::Host(_)
        ));
        assert!(matches!(
            error("a:http:127.0.0.1"),
            ResolutionError::Port(_)
        ));
        assert!(matches!(error("a:0:127.0.0.1"), ResolutionError::Port(_)));
        assert!(matches!(error("a:80:b"), ResolutionError::Address(_)));
        assert!(matches!(error("a:80:"), ResolutionError::Address(_)));
    }
}
