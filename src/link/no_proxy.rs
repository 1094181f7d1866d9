use std::net::IpAddr;

use url::Host;

/// The hosts that are reached without a proxy, as `NO_PROXY` lists them and curl reads it:
///
/// - A list of `*` alone is every host. Within a longer list, `*` is no host.
/// - Entries are separated by commas or white space.
/// - A name is that host and everything below it: `example.org` is `www.example.org`, too. One dot
///   before it and one after it make no difference, nor does the case, nor a dot after the host.
/// - An address is itself, and `10.0.0.0/8` or `fd00::/8` are networks. IPv6 has no brackets here.
///
/// curl knows no other form, so these exempt nothing here either, and what they were meant to
/// exempt goes through the proxy: entries with a port (`example.org:8080`), with a star in them
/// (`*.example.org`, which is written `example.org`; `127.*`, which is written `127.0.0.0/8`), and
/// addresses in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoProxy {
    Everything,
    Listed(Vec<Entry>),
}

/// What one entry of the list exempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// In lower case, without dots around it.
    Name(String),
    /// The bits of the address from the first on that have to be the same.
    Network(IpAddr, u32),
}

impl NoProxy {
    /// Reads a list. What is no entry in it is passed over, as curl does.
    pub(super) fn new(list: &str) -> Self {
        if list.trim() == "*" {
            return NoProxy::Everything;
        }
        let entries = list.split(|it: char| it == ',' || it.is_ascii_whitespace());
        NoProxy::Listed(entries.filter_map(Entry::new).collect())
    }

    /// Whether a host is exempt.
    pub(super) fn exempts(&self, host: &Host<&str>) -> bool {
        match self {
            NoProxy::Everything => true,
            NoProxy::Listed(entries) => entries.iter().any(|entry| entry.exempts(host)),
        }
    }
}

impl Entry {
    fn new(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        if let Ok(address) = address.parse::<IpAddr>() {
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(longest);
            return (bits <= longest).then_some(Entry::Network(address, bits));
        }
        let name = text.strip_prefix('.').unwrap_or(text);
        let name = name.strip_suffix('.').unwrap_or(name);
        (!name.is_empty()).then(|| Entry::Name(name.to_ascii_lowercase()))
    }

    fn exempts(&self, host: &Host<&str>) -> bool {
        match (self, host) {
            (Entry::Name(name), Host::Domain(host)) => {
                let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
                let above = host.strip_suffix(name.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            (Entry::Network(IpAddr::V4(network), bits), Host::Ipv4(host)) => {
                let differing = network.to_bits() ^ host.to_bits();
                differing.leading_zeros() >= *bits
            }
            (Entry::Network(IpAddr::V6(network), bits), Host::Ipv6(host)) => {
                let differing = network.to_bits() ^ host.to_bits();
                differing.leading_zeros() >= *bits
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of these was tried with curl 7.88.1, too.
    #[test]
    fn a_list_means_what_it_means_to_curl() {
        for (list, host, is_exempt) in [
            ("*", "127.0.0.1", true),
            ("x,*", "127.0.0.1", false),
            ("127.0.0.1:7", "127.0.0.1", false),
            ("*.localhost", "a.localhost", false),
            (".localhost", "a.localhost", true),
            (".localhost", "localhost", true),
            ("..localhost", "a.localhost", false),
            ("127.*", "127.0.0.1", false),
            ("localhost.", "localhost", true),
            ("localhost", "localhost.", true),
            ("x localhost", "localhost", true),
            ("[::1]", "[::1]", false),
            ("::1", "[::1]", true),
            ("127.0.0.0/8", "127.0.0.1", true),
        ] {
            let host = Host::parse(host).unwrap();
            let host = match &host {
                Host::Domain(name) => Host::Domain(name.as_str()),
                Host::Ipv4(ip) => Host::Ipv4(*ip),
                Host::Ipv6(ip) => Host::Ipv6(*ip),
            };
            assert_eq!(
                NoProxy::new(list).exempts(&host),
                is_exempt,
                "{list} {host}"
            );
        }
    }

    #[test]
    fn networks_end_at_their_bits() {
        let exempts = |list: &str, ip: [u8; 4]| NoProxy::new(list).exempts(&Host::Ipv4(ip.into()));
        assert!(exempts("10.0.0.0/8", [10, 255, 0, 1]));
        assert!(!exempts("10.0.0.0/8", [11, 0, 0, 1]));
        assert!(exempts("0.0.0.0/0", [11, 0, 0, 1]));
        assert!(!exempts("10.0.0.0/33", [10, 0, 0, 0]));
        assert!(!exempts("10.0.0.0/x", [10, 0, 0, 0]));
        assert!(!exempts("::/0", [10, 0, 0, 0]));
        assert!(!exempts("", [10, 0, 0, 0]));
    }
}
