//! Which reverse proxies are believed when they say whom a request comes from.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;

/// The header that most proxies tell it in. No RFC has it.
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The reverse proxies in front of a server: it believes them, and nobody else, whom a request comes
/// from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Subnet>);

/// The addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, or one alone,
/// `192.0.2.7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    network: u128,
    /// The bits that count, from the first. Those of IPv4 stand at the end of an IPv6 address.
    mask: u128,
}

/// Why a text is no [`Subnet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has to be ADDRESS or ADDRESS/BITS, like 127.0.0.1, 10.0.0.0/8 or 2001:db8::/32")]
pub struct SubnetError;

impl FromStr for Subnet {
    type Err = SubnetError;

    fn from_str(text: &str) -> Result<Self, SubnetError> {
        let (address, bits) = match text.split_once('/') {
            None => (text, None),
            Some((address, bits)) => (address, Some(bits)),
        };
        let address: IpAddr = address.parse().map_err(|_| SubnetError)?;
        let longest: u32 = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => longest,
            // `+8` would be a number, too.
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().map_err(|_| SubnetError)?
            }
            Some(_) => return Err(SubnetError),
        };
        let free = longest.checked_sub(bits).ok_or(SubnetError)?;
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        Ok(Subnet {
            network: bits_of(address) & mask,
            mask,
        })
    }
}

impl Subnet {
    fn contains(self, address: IpAddr) -> bool {
        bits_of(address) & self.mask == self.network
    }
}

/// An address as one of IPv6, so that an IPv4 address is the same in whichever way it is written.
fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Proxies {
    /// The proxies at these addresses.
    pub fn new(subnets: Vec<Subnet>) -> Self {
        Proxies(subnets)
    }

    /// Whether a connection comes from one of them.
    pub(super) fn include(&self, peer: SocketAddr) -> bool {
        self.0.iter().any(|subnet| subnet.contains(peer.ip()))
    }

    /// Whom a request comes from that a peer has passed on: the last entry of the last
    /// `X-Forwarded-For` or `Forwarded` (RFC 7239) header. That is the one that the proxy itself has
    /// written, whatever a client has put before it: nginx and Apache add to the client's line, HAProxy
    /// adds a line, Caddy replaces it. The port is 0 where the proxy does not tell it.
    ///
    /// It is the peer if that is none of the proxies or says nothing of use; also if it says one thing
    /// in one header and another in the other, since one of them is the client's own then. Whoever
    /// forges a header thereby shares a budget with everybody who does, and gains none.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.include(peer) {
            return peer;
        }
        let last = |name: &str| {
            let line = headers.get_all(name).iter().next_back()?;
            Some(line.to_str().unwrap_or_default())
        };
        let by_custom = last(X_FORWARDED_FOR).map(|line| {
            let entry = line.rsplit(',').next().unwrap_or_default();
            read_node(entry.trim())
        });
        let by_standard = last(FORWARDED.as_str()).map(last_for);
        let client = match (by_custom, by_standard) {
            (Some(Some(one)), Some(Some(other))) if one.ip() == other.ip() => Some(one),
            (Some(_), Some(_)) | (None, None) => None,
            (Some(client), None) | (None, Some(client)) => client,
        };
        client.unwrap_or(peer)
    }
}

/// The `for` of the last element of a `Forwarded` header.
fn last_for(line: &str) -> Option<SocketAddr> {
    // A comma or a semicolon in a quoted string would be part of it, and neither is in an address:
    // where there is such a string, what is cut out is none.
    let element = line.rsplit(',').next()?;
    let mut nodes = element.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value)
    });
    let (node, None) = (nodes.next()?.trim(), nodes.next()) else {
        return None;
    };
    let quoted = node
        .strip_prefix('"')
        .and_then(|node| node.strip_suffix('"'));
    read_node(quoted.unwrap_or(node))
}

/// Reads an address, maybe with a port; IPv6 may have brackets without one, too.
fn read_node(node: &str) -> Option<SocketAddr> {
    if let Ok(address) = node.parse() {
        return Some(address);
    }
    let bare = node
        .strip_prefix('[')
        .and_then(|node| node.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(node).parse().ok()?;
    Some(SocketAddr::new(address.to_canonical(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn a_subnet_is_an_address_and_how_many_of_its_bits_count() {
        for (text, inside, outside) in [
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("10.1.2.3/8", "10.255.0.1", "11.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::a00:1"),
            ("0.0.0.0/0", "192.0.2.1", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
            ("::1/128", "::1", "::2"),
        ] {
            let address = |text: &str| text.parse::<IpAddr>().unwrap();
            assert!(subnet(text).contains(address(inside)), "{text}");
            assert!(!subnet(text).contains(address(outside)), "{text}");
        }
        assert!(subnet("::/0").contains("192.0.2.1".parse().unwrap()));
        for wrong in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10/8",
            "proxy",
            "10.0.0.0/8/8",
            " 10.0.0.1",
        ] {
            assert_eq!(wrong.parse::<Subnet>(), Err(SubnetError), "{wrong:?}");
        }
    }

    /// Whom a request comes from that 127.0.0.1, which is a proxy, passes on with these headers.
    fn client(headers: &[(&str, &str)]) -> String {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, value.parse().unwrap())
            })
            .collect();
        let proxies = Proxies::new(vec![subnet("127.0.0.0/8")]);
        let stranger = "192.0.2.9:1".parse().unwrap();
        assert_eq!(proxies.client(stranger, &headers), stranger);
        let peer = "127.0.0.1:4711".parse().unwrap();
        proxies.client(peer, &headers).to_string()
    }

    #[test]
    fn what_the_proxy_itself_has_written_is_the_last_entry_of_the_last_line() {
        const X: &str = "X-Forwarded-For";
        const F: &str = "Forwarded";
        let proxy = "127.0.0.1:4711";
        for (headers, expected) in [
            (&[(X, "192.0.2.1")][..], "192.0.2.1:0"),
            (&[(X, "6.6.6.6, 192.0.2.1")], "192.0.2.1:0"),
            (&[(X, "6.6.6.6"), (X, "192.0.2.1")], "192.0.2.1:0"),
            (&[(X, "2001:db8::1")], "[2001:db8::1]:0"),
            (&[(X, "[2001:db8::1]:7")], "[2001:db8::1]:7"),
            (&[(X, "::ffff:192.0.2.1")], "192.0.2.1:0"),
            (&[(X, "192.0.2.1:7")], "192.0.2.1:7"),
            (&[(F, "for=192.0.2.1")], "192.0.2.1:0"),
            (
                &[(F, "for=6.6.6.6, proto=https;For=\"[2001:db8::1]:7\";by=x")],
                "[2001:db8::1]:7",
            ),
            (&[(F, "for=\"[2001:db8::1]\"")], "[2001:db8::1]:0"),
            (&[(F, "for=192.0.2.1"), (X, "192.0.2.1")], "192.0.2.1:0"),
            // Nothing of use, and what the client may have forged.
            (&[], proxy),
            (&[(X, "")], proxy),
            (&[(X, "6.6.6.6,")], proxy),
            (&[(X, "192.0.2.1, unknown")], proxy),
            (&[(F, "for=_hidden")], proxy),
            (&[(F, "for=192.0.2.1;for=6.6.6.6")], proxy),
            (&[(F, "for=6.6.6.6, by=x")], proxy),
            (&[(F, "for=6.6.6.6"), (X, "192.0.2.1")], proxy),
            (&[(F, "for=unknown"), (X, "6.6.6.6")], proxy),
        ] {
            assert_eq!(client(headers), expected, "{headers:?}");
        }
    }
}
