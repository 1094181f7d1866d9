use std::net::{IpAddr, Ipv6Addr};

/// Whence somebody comes, as far as limits go: an IPv4 address, or the 64 bits that an IPv6 network
/// begins with. Within those, anybody has any number of addresses (RFC 6177 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Site(IpAddr);

impl From<IpAddr> for Site {
    /// On a socket for both, IPv4 addresses come as IPv6 ones: those are taken for what they are.
    fn from(address: IpAddr) -> Self {
        Site(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            address => address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_an_ipv4_address_or_an_ipv6_network() {
        let site = |text: &str| Site::from(text.parse::<IpAddr>().unwrap());
        assert_ne!(site("192.0.2.1"), site("192.0.2.2"));
        assert_eq!(site("192.0.2.1"), site("::ffff:192.0.2.1"));
        assert_eq!(site("2001:db8::1"), site("2001:db8::ffff:1"));
        assert_ne!(site("2001:db8::1"), site("2001:db8:0:1::1"));
    }
}
