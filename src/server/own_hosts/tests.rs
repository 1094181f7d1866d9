use super::*;
use axum::http::HeaderValue;

use Encryption::{None as Plain, Tls};

fn headers(hosts: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for host in hosts {
        let value = HeaderValue::from_bytes(host.as_bytes()).unwrap();
        headers.append(HOST, value);
    }
    headers
}

fn listed(hosts: &[&str]) -> OwnHosts {
    OwnHosts::new(hosts.iter().map(|host| host.parse().unwrap()).collect())
}

/// Whether a host is one of a server's that has these listed, on a connection to this address.
fn is_own(listing: &[&str], local: &str, encryption: Encryption, host: &str) -> bool {
    let headers = headers(&[host]);
    let own = listed(listing).own(&headers, local.parse().unwrap(), encryption);
    match own {
        Ok(text) => {
            assert_eq!(text, host, "it is given as it was written");
            true
        }
        Err(refused) => {
            assert_eq!(refused, HostRefused::Unknown { host });
            false
        }
    }
}

#[test]
fn a_host_may_have_a_port_and_nothing_else() {
    for (text, written) in [
        ("chat.example.org", "chat.example.org"),
        ("Chat.Example.ORG:8443", "chat.example.org:8443"),
        ("chat.example.org.", "chat.example.org"),
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:80", "192.0.2.7:80"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
        ("[::ffff:192.0.2.7]:1", "192.0.2.7:1"),
        ("b\u{fc}cher.example", "xn--bcher-kva.example"),
    ] {
        let host = text.parse::<OwnHost>();
        assert_eq!(host.map(|host| host.to_string()), Ok(written.to_owned()));
    }
    let long = "a.".repeat(400);
    for wrong in [
        "",
        ".",
        "*",
        "*.example.org",
        ":80",
        "chat.example.org:",
        "chat.example.org:+80",
        "chat.example.org:65536",
        "https://chat.example.org",
        "chat.example.org/",
        "user@chat.example.org",
        "chat example.org",
        "2001:db8::1",
        "[2001:db8::1",
        &long,
    ] {
        assert_eq!(wrong.parse::<OwnHost>(), Err(OwnHostError), "{wrong}");
    }
}

#[test]
fn without_a_listing_a_host_is_own_that_leads_nowhere_else() {
    const V4: &str = "127.0.0.1:8765";
    const V6: &str = "[::1]:8765";
    const MAPPED: &str = "[::ffff:192.0.2.7]:8765";
    for (local, encryption, host, expected) in [
        // The address and the port of the connection.
        (V4, Plain, "127.0.0.1:8765", true),
        (V4, Tls, "127.0.0.1:8765", true),
        (V6, Plain, "[::1]:8765", true),
        (MAPPED, Plain, "192.0.2.7:8765", true),
        (MAPPED, Plain, "[::ffff:192.0.2.7]:8765", true),
        ("192.0.2.7:8765", Plain, "[::ffff:c000:207]:8765", true),
        ("[fe80::1%2]:8765", Plain, "[fe80::1]:8765", true),
        // Another address of this machine's, or of another machine.
        (V4, Plain, "127.0.0.2:8765", false),
        (V4, Plain, "0.0.0.0:8765", false),
        (V4, Plain, "[::1]:8765", false),
        (V6, Plain, "127.0.0.1:8765", false),
        (MAPPED, Plain, "192.0.2.8:8765", false),
        // Another port, which may be another server's.
        (V4, Plain, "127.0.0.1:8766", false),
        (V4, Plain, "127.0.0.1", false),
        (V4, Plain, "127.0.0.1:80", false),
        (V6, Plain, "[::1]", false),
        // The port that goes without saying.
        ("127.0.0.1:80", Plain, "127.0.0.1", true),
        ("127.0.0.1:80", Plain, "127.0.0.1:80", true),
        ("127.0.0.1:443", Tls, "127.0.0.1", true),
        ("[::1]:443", Tls, "[::1]", true),
        ("127.0.0.1:443", Plain, "127.0.0.1", false),
        ("127.0.0.1:80", Tls, "127.0.0.1", false),
        ("127.0.0.1:443", Plain, "127.0.0.1:443", true),
        // A name of this machine for itself.
        (V4, Plain, "localhost:8765", true),
        (V4, Plain, "LocalHost.:8765", true),
        (V4, Plain, "app.localhost:8765", true),
        (MAPPED, Plain, "app.localhost:8765", false),
        (V6, Tls, "localhost:8765", true),
        ("[::ffff:127.0.0.1]:8765", Plain, "localhost:8765", true),
        ("127.9.9.9:80", Plain, "localhost", true),
        (V4, Plain, "localhost", false),
        (V4, Plain, "localhost..:8765", false),
        (MAPPED, Plain, "localhost:8765", false),
        // Names, which anybody may have stand for any address.
        (V4, Plain, "evil.example:8765", false),
        (V4, Plain, "evillocalhost:8765", false),
        (V4, Plain, "localhost.evil.example:8765", false),
        (V4, Plain, "127.0.0.1.evil.example:8765", false),
    ] {
        let own = is_own(&[], local, encryption, host);
        assert_eq!(own, expected, "{local} {encryption:?} {host}");
    }
}

#[test]
fn a_listed_host_is_own_at_its_port_or_at_those_that_are_likely() {
    const LOCAL: &str = "192.0.2.7:8765";
    const LISTED: &[&str] = &["Chat.example.org.", "203.0.113.9:8443", "[2001:db8::1]"];
    for (encryption, host, expected) in [
        // Without a port: none, that of the scheme, or that of the server.
        (Plain, "chat.example.org", true),
        (Plain, "CHAT.Example.org.:80", true),
        (Plain, "chat.example.org:8765", true),
        (Tls, "chat.example.org:443", true),
        (Tls, "chat.example.org:80", false),
        (Plain, "chat.example.org:443", false),
        (Plain, "chat.example.org:8766", false),
        (Plain, "[2001:db8::1]:8765", true),
        (Plain, "[2001:DB8::1]", true),
        // With a port: that.
        (Plain, "203.0.113.9:8443", true),
        (Plain, "203.0.113.9", false),
        (Plain, "203.0.113.9:8765", false),
        // No part of a name, and no name below it.
        (Plain, "example.org", false),
        (Plain, "a.chat.example.org", false),
        (Plain, "chat.example.org.evil.example", false),
        // Those that are not listed.
        (Plain, "192.0.2.7:8765", true),
        (Plain, "localhost:8765", false),
    ] {
        let own = is_own(LISTED, LOCAL, encryption, host);
        assert_eq!(own, expected, "{encryption:?} {host}");
    }
    assert!(is_own(&["x:80"], LOCAL, Plain, "x"));
    assert!(is_own(&["x:443"], LOCAL, Tls, "x"));
    assert!(!is_own(&["x:443"], LOCAL, Plain, "x"));
}

#[test]
fn a_host_that_is_not_there_once_or_makes_no_sense_is_nobodys() {
    use HostRefused::{NotOnce, Unreadable};
    let zeros = format!("{}177.0.0.1:8765", "0".repeat(200_000));
    let labels = format!("{}localhost:8765", "a.".repeat(400));
    for (hosts, refused) in [
        (&[][..], NotOnce),
        (&["localhost:8765", "localhost:8765"], NotOnce),
        (&["localhost:8765", "evil.example"], NotOnce),
        (&[""], Unreadable),
        (&["localhost:"], Unreadable),
        (&["localhost:8765:8765"], Unreadable),
        (&["::1:8765"], Unreadable),
        (&["user@localhost:8765"], Unreadable),
        (&["localhost:8765/"], Unreadable),
        (&["localhost:8765, localhost:8765"], Unreadable),
        (&["%6cocalhost:8765"], Unreadable),
        (&["l\u{f6}calhost:8765"], Unreadable),
        (&[&zeros], Unreadable),
        (&[&labels], Unreadable),
    ] {
        let headers = headers(hosts);
        let own = OwnHosts::default().own(&headers, "127.0.0.1:8765".parse().unwrap(), Plain);
        assert_eq!(own, Err(refused), "{hosts:?}");
    }
}

#[test]
fn an_address_has_one_spelling() {
    // What is refused leads to the server all the same, and is listed besides.
    for (local, usual, others) in [
        (
            "127.0.0.1:8765",
            &["127.0.0.1"][..],
            &[
                "127.1",
                "127.0.1",
                "127.0.0.1.",
                "127.0.0.01",
                "0177.0.0.1",
                "00000000000000000177.0.0.1",
                "0x7f.0.0.1",
                "0X7F000001",
                "2130706433",
                "017700000001",
            ][..],
        ),
        (
            "[2001:db8::1]:8765",
            &["[2001:db8::1]", "[2001:DB8::1]"],
            &[
                "[2001:0db8::1]",
                "[2001:db8::0001]",
                "[2001:db8:0::1]",
                "[2001:db8:0:0:0:0:0:1]",
                "[2001:db8::0.0.0.1]",
            ],
        ),
        (
            // The URL standard writes it the one way, RFC 5952 the other.
            "[::ffff:192.0.2.7]:8765",
            &["[::ffff:192.0.2.7]", "[::FFFF:c000:207]", "192.0.2.7"],
            &["[0::ffff:192.0.2.7]", "[::ffff:c000:0207]", "192.0.519"],
        ),
    ] {
        let local: SocketAddr = local.parse().unwrap();
        let listing = OwnHosts::new(vec![usual[0].parse().unwrap()]);
        for own_hosts in [OwnHosts::default(), listing] {
            for usual in usual {
                let host = format!("{usual}:8765");
                let headers = headers(&[&host]);
                assert_eq!(own_hosts.own(&headers, local, Plain), Ok(&*host));
            }
            for other in others {
                let headers = headers(&[&format!("{other}:8765")]);
                let own = own_hosts.own(&headers, local, Plain);
                let is_unusual = matches!(own, Err(HostRefused::Unusual { .. }));
                assert!(is_unusual, "{other}: {own:?}");
            }
        }
    }
}
