use super::*;
use crate::server::OwnHosts;
use axum::http::HeaderValue;
use axum::http::header::HOST;

#[test]
fn an_origin_is_a_scheme_a_host_and_a_port() {
    for (text, written) in [
        ("https://chat.example.org", "https://chat.example.org"),
        ("https://chat.example.org:443", "https://chat.example.org"),
        ("HTTPS://Chat.Example.ORG", "https://chat.example.org"),
        ("http://localhost:8765", "http://localhost:8765"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]", "http://[::1]"),
        ("http://[0:0::1]:8765", "http://[::1]:8765"),
        (
            "https://b\u{fc}cher.example",
            "https://xn--bcher-kva.example",
        ),
        (
            "chrome-extension://abcdefghijklmnop",
            "chrome-extension://abcdefghijklmnop",
        ),
    ] {
        let origin = text.parse::<Origin>();
        assert_eq!(
            origin.map(|origin| origin.to_string()),
            Ok(written.to_owned())
        );
    }
    let long = format!("https://{}", "a.".repeat(400));
    for wrong in [
        "",
        "*",
        "null",
        "chat.example.org",
        "https:chat.example.org",
        "https://",
        "https://:443",
        "://chat.example.org",
        "1https://chat.example.org",
        "ht tps://chat.example.org",
        "https://*.example.org",
        "https://chat.example.org/",
        "https://chat.example.org/path",
        "https://chat.example.org?query",
        "https://chat.example.org#part",
        "https://user@chat.example.org",
        "https://chat.example.org:",
        "https://chat.example.org:+443",
        "https://chat.example.org:65536",
        "https://chat.example.org:https",
        "https://chat.example.org https://chat.example.org",
        "https://::1",
        "https://[::1",
        "https://[::1]x",
        long.as_str(),
    ] {
        assert_eq!(wrong.parse::<Origin>(), Err(OriginError), "{wrong}");
    }
}

#[test]
fn pages_of_this_server_or_of_those_listed_are_let_in_and_clients_that_are_no_pages() {
    use Encryption::{None as Plain, Tls};
    use OriginRefused::{Foreign, Repeated, Unreadable};
    const LISTED: &[&str] = &["https://chat.example.org", "http://localhost:3000"];
    const SAME: &[&str] = &[];
    let welcome = Ok(());
    let local = "127.0.0.1:8765".parse().unwrap();
    let named = ["example.org", "[::1]"].map(|host| host.parse().unwrap());
    let own_hosts = OwnHosts::new(named.to_vec());
    for (listed, encryption, hosts, origins, expected) in [
        // No browser.
        (SAME, Plain, &["example.org"][..], &[][..], welcome),
        (SAME, Plain, &[], &[], welcome),
        (LISTED, Tls, &["example.org"], &[], welcome),
        // The same, whether the port is said or goes without saying.
        (
            SAME,
            Plain,
            &["localhost:8765"],
            &["http://localhost:8765"],
            welcome,
        ),
        (
            SAME,
            Plain,
            &["Example.org:80"],
            &["http://example.org"],
            welcome,
        ),
        (
            SAME,
            Plain,
            &["example.org"],
            &["http://example.org:80"],
            welcome,
        ),
        (
            SAME,
            Tls,
            &["example.org"],
            &["https://example.org"],
            welcome,
        ),
        (
            SAME,
            Tls,
            &["example.org:443"],
            &["https://example.org"],
            welcome,
        ),
        (
            SAME,
            Plain,
            &["[::1]:8765"],
            &["http://[::1]:8765"],
            welcome,
        ),
        // Another scheme, host or port.
        (
            SAME,
            Plain,
            &["example.org"],
            &["https://example.org"],
            Err(Foreign),
        ),
        (
            SAME,
            Tls,
            &["example.org"],
            &["http://example.org"],
            Err(Foreign),
        ),
        (
            SAME,
            Tls,
            &["example.org:80"],
            &["https://example.org"],
            Err(Foreign),
        ),
        (
            SAME,
            Plain,
            &["localhost:8765"],
            &["http://localhost"],
            Err(Foreign),
        ),
        (
            SAME,
            Plain,
            &["localhost:8765"],
            &["http://127.0.0.1:8765"],
            Err(Foreign),
        ),
        (
            SAME,
            Plain,
            &["example.org"],
            &["http://example.org.evil.test"],
            Err(Foreign),
        ),
        // A host that is not the server's, whose page has its own name stand for this machine.
        (
            SAME,
            Plain,
            &["evil.example:8765"],
            &["http://evil.example:8765"],
            Err(Foreign),
        ),
        (
            SAME,
            Plain,
            &["evil.example"],
            &["http://EVIL.example:80"],
            Err(Foreign),
        ),
        (
            SAME,
            Plain,
            &["evil.example:8765"],
            &["http://localhost:8765"],
            Err(Foreign),
        ),
        (
            LISTED,
            Plain,
            &["evil.example:8765"],
            &["http://evil.example:8765"],
            Err(Foreign),
        ),
        // No telling which is the same.
        (SAME, Plain, &[], &["http://example.org"], Err(Foreign)),
        (
            SAME,
            Plain,
            &["a.test", "b.test"],
            &["http://a.test"],
            Err(Foreign),
        ),
        // Those listed, and only those.
        (
            LISTED,
            Plain,
            &["x"],
            &["https://chat.example.org"],
            welcome,
        ),
        (LISTED, Plain, &["x"], &["http://localhost:3000"], welcome),
        (
            LISTED,
            Plain,
            &["x"],
            &["http://chat.example.org"],
            Err(Foreign),
        ),
        (
            LISTED,
            Plain,
            &["x"],
            &["https://chat.example.org:8443"],
            Err(Foreign),
        ),
        (
            LISTED,
            Plain,
            &["x"],
            &["https://a.chat.example.org"],
            Err(Foreign),
        ),
        (LISTED, Plain, &["x:1"], &["http://x:1"], Err(Foreign)),
        // What browsers do not say, or say of pages without an address.
        (SAME, Plain, &["x"], &["null"], Err(Unreadable)),
        (LISTED, Plain, &["x"], &["null"], Err(Unreadable)),
        (SAME, Plain, &["x"], &[""], Err(Unreadable)),
        (SAME, Plain, &["x"], &["http://x/"], Err(Unreadable)),
        (SAME, Plain, &["x"], &["http://\u{ff}"], Err(Unreadable)),
        (
            SAME,
            Plain,
            &["x"],
            &["http://x", "http://x"],
            Err(Repeated),
        ),
        (
            LISTED,
            Plain,
            &["x"],
            &["https://chat.example.org", "null"],
            Err(Repeated),
        ),
    ] {
        let allowed = if listed.is_empty() {
            Origins::Same
        } else {
            Origins::Listed(listed.iter().map(|text| text.parse().unwrap()).collect())
        };
        let mut headers = HeaderMap::new();
        for (name, values) in [(HOST, hosts), (ORIGIN, origins)] {
            for value in values {
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(name.clone(), value);
            }
        }
        let host = own_hosts.own(&headers, local, encryption);
        assert_eq!(
            allowed.admit(&headers, host.ok(), encryption),
            expected,
            "{allowed:?} {encryption:?} {headers:?}"
        );
    }
}

#[test]
fn a_listed_origin_vouches_for_its_host_and_for_its_pages() {
    let vouched = |origins: &Origins, host: &str, origin: Option<&str>| {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.append(ORIGIN, origin.parse().unwrap());
        }
        origins.vouch(&headers, host)
    };
    let listed = Origins::Listed(vec!["https://chat.example.org".parse().unwrap()]);
    let page = Some("https://chat.example.org");
    assert!(vouched(&listed, "chat.example.org", None));
    assert!(vouched(&listed, "chat.example.org:443", None));
    assert!(vouched(&listed, "inside:8765", page));
    for (host, origin) in [
        ("chat.example.org:8765", None),
        ("inside:8765", None),
        ("evil.test", None),
        ("chat.example.org", Some("https://evil.test")),
        ("chat.example.org", Some("null")),
    ] {
        assert!(!vouched(&listed, host, origin), "{host} {origin:?}");
    }
    assert!(!vouched(&Origins::Same, "chat.example.org", page));
}
