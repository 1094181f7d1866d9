use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use url::Host;

use super::Address;

/// Where a host is to be found whatever the resolver would say: `HOST:PORT:ADDRESS`, as curl's
/// `--resolve` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    host: String,
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
        let Ok(Host::Domain(name)) = Host::parse(host) else {
            return Err(ResolutionError::Host(host.to_owned()));
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
    /// The address, if it is one of this host and port.
    pub(super) fn of(&self, address: &Address) -> Option<SocketAddr> {
        let is_same = address.host() == Host::Domain(self.host.as_str())
            && address.port() == self.address.port();
        is_same.then_some(self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolution_is_for_its_host_and_port() {
        let resolution: Resolution = "Example.org:443:[::1]".parse().unwrap();
        let of = |text: &str| resolution.of(&text.parse().unwrap());
        let there: SocketAddr = "[::1]:443".parse().unwrap();
        assert_eq!(of("wss://example.org/x"), Some(there));
        assert_eq!(of("wss://example.org:444"), None);
        assert_eq!(of("wss://www.example.org"), None);
        let plain: Resolution = "a:80:127.0.0.1".parse().unwrap();
        assert_eq!(plain.address, "127.0.0.1:80".parse().unwrap());
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
            error("a:http:127.0.0.1"),
            ResolutionError::Port(_)
        ));
        assert!(matches!(error("a:0:127.0.0.1"), ResolutionError::Port(_)));
        assert!(matches!(error("a:80:b"), ResolutionError::Address(_)));
        assert!(matches!(error("a:80:"), ResolutionError::Address(_)));
    }
}
