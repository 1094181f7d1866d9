//! How the program connects, as its users tell it: proxies, headers, subprotocols, addresses, and
//! what makes no sense.

#![cfg(unix)]

mod support;

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use support::{
    Port, Program, Proxy, Ran, Reply, Script, Server, TlsFront, assert_hides, assert_says, hold,
    socket_url,
};

#[test]
fn hosts_are_found_where_they_are_said_to_be_over_http_as_well() {
    let server = Script::winning(1).start();
    let port = server.address().port();
    let ran = Program::solve_at(&format!("http://server.invalid:{port}"))
        .args(["--resolve", &format!("server.invalid:{port}:127.0.0.1")])
        .json()
        .run();
    ran.succeeded();
    assert_eq!(server.solutions().len(), 1);
}

/// A certificate that is none, in a PEM file as it should be.
const BROKEN: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// What is wrong with these arguments.
#[track_caller]
fn usage_error(args: &[&str], env: &[(&str, &str)]) -> String {
    let port = Port::reserve();
    let address = format!("{}/_/ws/x", port.url()).replace("http", "ws");
    let mut program = Program::replay(&address)
        .file("empty.pem", "no certificates\n")
        .file("broken.pem", BROKEN)
        .args(args);
    for (name, value) in env {
        program = program.env(name, value);
    }
    let ran = program.run();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.the("error")["kind"], "usage");
    ran.stderr
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let with = |args: &[&str]| usage_error(args, &[]);
    assert_says(
        &with(&["--ca-cert", "empty.pem"]),
        &["no certificates in empty.pem"],
    );
    assert_says(
        &with(&["--ca-cert", "none.pem"]),
        &["none.pem", "No such file"],
    );
    assert_says(
        &with(&["--ca-cert", "broken.pem"]),
        &["in broken.pem makes no sense"],
    );
    assert_says(
        &with(&["--ca-cert", "x", "--insecure"]),
        &["cannot be used with"],
    );
    assert_says(&with(&["--resolve", "a:80"]), &["HOST:PORT:ADDRESS"]);
    assert_says(&with(&["--subprotocol", "a b"]), &["ASCII letters"]);
    let twice = ["--subprotocol", "a", "--subprotocol", "a"];
    assert_says(&with(&twice), &["given twice"]);
    assert_says(
        &with(&["-H", "Connection: close"]),
        &["connection", "handshake"],
    );
    let subprotocol = ["-H", "Sec-WebSocket-Protocol: chat"];
    assert_says(&with(&subprotocol), &["--subprotocol"]);
    for wrong in [
        "X-Token s3cr3t-s3cr3t",
        "X Token: s3cr3t-s3cr3t",
        "X-Token: s3cr3t-s3cr3t\u{1}",
    ] {
        let error = with(&["--header", wrong]);
        assert_says(&error, &["-H: "]);
        assert!(!error.contains("s3cr3t"), "{error}");
    }
    for (url, words) in [
        (
            "socks5://me:s3cr3t-s3cr3t@h:1080",
            ["HTTP_PROXY", "socks5://"],
        ),
        ("https://me:s3cr3t-s3cr3t@h", ["HTTP_PROXY", "https://"]),
        ("mailto:s3cr3t-s3cr3t", ["HTTP_PROXY", "no URL of a proxy"]),
    ] {
        let error = usage_error(&[], &[("HTTP_PROXY", url)]);
        assert_says(&error, &words);
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}

#[test]
fn a_proxy_that_is_not_needed_may_be_of_any_kind() {
    let server = Script::leaving().start();
    let address = socket_url("ws", "127.0.0.1", server.address().port());
    let ran = Program::replay(&address)
        .env("HTTPS_PROXY", "socks5://127.0.0.1:1")
        .env("HTTP_PROXY", "socks5://127.0.0.1:1")
        .env("NO_PROXY", "127.0.0.1")
        .run();
    assert!(ran.succeeded().the("open")["proxy"].is_null());
    let ran = Program::new("solve")
        .args(["--practice", "--rounds", "1", "--seed", "2"])
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .json()
        .run();
    assert!(ran.succeeded().the("open")["proxy"].is_null());
}

#[test]
fn a_proxy_in_the_way_is_told_of() {
    let server = Script::leaving().start();
    let port = server.address().port();
    let proxy = Proxy::start(None);
    let address = socket_url("ws", "server.invalid", port);
    let ran = Program::replay(&address)
        .env("http_proxy", &proxy.url())
        .run();
    let open = ran.succeeded().the("open");
    assert_eq!(open["proxy"], proxy.url());
    assert!(
        open["proxy_ms"].is_f64() && open["dns_ms"].is_null(),
        "{open}"
    );
    assert_eq!(proxy.tunnels(), [format!("server.invalid:{port}")]);

    let ran = Program::new("replay")
        .args([&address])
        .env("ALL_PROXY", &proxy.url())
        .run();
    let shown = format!("            through the proxy {}\n", proxy.url());
    assert_says(&ran.succeeded().stdout, &[&shown, ", proxy "]);
    // A setting of the machine, not of a folder.
    let ran = Program::replay(&socket_url("ws", "127.0.0.1", port))
        .file(".env", format!("HTTP_PROXY={}\n", proxy.url()))
        .run();
    ran.succeeded();
    assert_eq!(proxy.tunnels().len(), 2);
}

#[test]
fn the_calls_of_solve_go_through_the_proxy_as_its_websocket_does() {
    let server = Script::winning(1).start();
    let port = server.address().port();
    let proxy = Proxy::start(Some("me:open-sesame"));
    let ran = Program::solve_at(&format!("http://server.invalid:{port}"))
        .env("HTTP_PROXY", &proxy.url_with("me:open-sesame"))
        .json()
        .run();
    ran.succeeded();
    let methods: Vec<_> = proxy.asked().into_iter().map(|it| it.method).collect();
    assert_eq!(methods, ["GET", "CONNECT", "POST"]);

    let front = TlsFront::start(server.address());
    let proxy = Proxy::start(Some("me:open-sesame"));
    let ran = Program::solve_at_front(&front, "server.test")
        .args(["--ca-cert", "ca.pem"])
        .env("HTTPS_PROXY", &proxy.url_with("me:open-sesame"))
        .run();
    ran.succeeded();
    let there = format!("server.test:{}", front.port());
    assert_eq!(proxy.tunnels(), [there.clone(), there.clone(), there]);
}

#[test]
fn a_proxy_that_wants_other_credentials_is_asked_once() {
    let proxy = Proxy::start(Some("me:open-sesame"));
    let url = proxy.url_with("me:guessed-wrong");
    let ran = Program::replay("ws://server.invalid:1/")
        .env("ALL_PROXY", &url)
        .run();
    let words = [&proxy.url(), "407", "who are you?", "USER:PASSWORD"];
    assert_says(&ran.failed(3, "credentials"), &words);
    for scheme in ["http", "https"] {
        let ran = Program::solve_at(&format!("{scheme}://server.invalid:1"))
            .env("ALL_PROXY", &url)
            .json()
            .run();
        let words = [&proxy.url(), "407", "USER:PASSWORD"];
        assert_says(&ran.failed(3, "credentials"), &words);
    }
    assert_eq!(proxy.asked().len(), 3);
}

#[test]
fn what_goes_wrong_on_the_way_through_a_proxy_is_told_apart() {
    let nobody = Port::reserve();
    let there = nobody
        .url()
        .replace("http://127.0.0.1", "ws://server.invalid");
    let proxy = Proxy::start(None);
    let ran = Program::replay(&there)
        .env("HTTP_PROXY", &proxy.url())
        .run();
    let words = [
        &proxy.url(),
        "server.invalid",
        "502",
        "nobody is at home there",
    ];
    assert_says(&ran.failed(4, "unreachable"), &words);
    let ran = Program::solve_at("https://server.invalid:1")
        .env("HTTPS_PROXY", &proxy.url())
        .json()
        .run();
    let words = ["the proxy refused a tunnel"];
    assert_says(&ran.failed(4, "unreachable"), &words);

    let silent = Proxy::answering(|_, stream| hold(stream));
    let ran = Program::replay(&there)
        .args(["--connect-timeout", "200ms"])
        .env("HTTP_PROXY", &silent.url())
        .run();
    let words = [&silent.url(), "server.invalid", "within 200ms"];
    assert_says(&ran.failed(4, "unreachable"), &words);

    let garbled = Proxy::answering(|_, stream| {
        use std::io::Write as _;
        stream
            .write_all(b"220 mail.example.org ESMTP\r\n\r\n")
            .unwrap();
        hold(stream);
    });
    let ran = Program::replay(&there)
        .env("HTTP_PROXY", &garbled.url())
        .run();
    let words = [&garbled.url(), "answered wrongly"];
    assert_says(&ran.failed(5, "protocol"), &words);

    let ran = Program::replay(&there)
        .env("HTTP_PROXY", &nobody.url())
        .run();
    let words = ["connecting to the proxy", &nobody.url()];
    assert_says(&ran.failed(4, "unreachable"), &words);
}

#[test]
fn a_refused_upgrade_is_quoted_through_tls_and_a_proxy() {
    let server = Script::new()
        .upgrade(|_, _, mut stream| {
            Reply::status("404 Not Found", "no such room\nreally").send(&mut stream);
        })
        .start();
    let front = TlsFront::start(server.address());
    let proxy = Proxy::start(None);
    let ran = Program::replay_at_front(&front, "localhost")
        .args(["--ca-cert", "ca.pem"])
        .env("HTTPS_PROXY", &proxy.url())
        .run();
    let words = ["refused the WebSocket upgrade: 404 Not Found: no such room really"];
    let cause = ran.failed(4, "unreachable");
    assert_says(&cause, &words);
    assert_eq!(proxy.tunnels().len(), 1);
}

#[test]
fn a_subprotocol_that_is_chosen_is_told() {
    let server = playing_with_subprotocol();
    let address = socket_url("ws", "127.0.0.1", server.address().port());
    let offers = ["--subprotocol", "beats.v2", "--subprotocol", "beats.v1"];
    let ran = Program::replay(&address).args(offers).run();
    assert_eq!(ran.succeeded().the("open")["subprotocol"], "beats.v1");
    let ran = Program::new("replay").args([&address]).args(offers).run();
    assert_says(&ran.succeeded().stdout, &["\nsubprotocol beats.v1\n"]);

    let server = Script::leaving().start();
    let address = socket_url("ws", "127.0.0.1", server.address().port());
    let ran = Program::replay(&address).run();
    assert!(ran.succeeded().the("open")["subprotocol"].is_null());
}

/// A server that speaks `beats.v1`, and says nothing in it.
fn playing_with_subprotocol() -> Server {
    use std::io::Write as _;
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
    Script::new()
        .upgrade(|_, request, mut stream| {
            let key = request.header("Sec-WebSocket-Key").unwrap();
            let accept = derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\
                 Sec-WebSocket-Protocol: beats.v1\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).unwrap();
            // A Close frame: it takes its leave at once.
            stream.write_all(b"\x88\x02\x03\xe8").unwrap();
            hold(&mut stream);
        })
        .start()
}

/// Asserts that a run has left nothing of these behind, with every log that there is.
#[track_caller]
fn assert_none_of(secrets: &[&str], ran: &Ran) {
    assert_says(&ran.stderr, &["TRACE", "wsbeat::"]);
    for secret in secrets {
        assert_hides(secret, &ran.stdout, "standard output");
        assert_hides(secret, &ran.stderr, "standard error");
        for entry in fs::read_dir(ran.path("")).unwrap() {
            let path = entry.unwrap().path();
            let content = fs::read_to_string(&path).unwrap();
            assert_hides(secret, &content, &path.display().to_string());
        }
    }
}

const PASSWORD: &str = "ProxyPasswordAlpha11+Bravo22";
const BEARER: &str = "BearerAlpha3344556677";
const COOKIE: &str = "CookieBravo8899001122";

#[test]
fn the_password_of_a_proxy_and_secret_headers_are_seen_nowhere() {
    let credentials = format!("proxyuser:{PASSWORD}");
    let encoded = BASE64_STANDARD.encode(&credentials);
    let secrets = [PASSWORD, encoded.as_str(), BEARER, COOKIE];
    let server = Script::new()
        .talk(move |_, socket| {
            // As careless servers do, and no proxy should.
            let encoded = BASE64_STANDARD.encode(format!("proxyuser:{PASSWORD}"));
            socket.text(&format!("hello! {BEARER} {COOKIE} {PASSWORD} {encoded}"));
            socket.round();
            socket.won();
        })
        .start();
    let authorization = format!("Authorization: Bearer {BEARER}");
    let cookie = format!("Cookie: a=b; session={COOKIE}");
    let refusing = Proxy::answering(|asked, stream| {
        let credentials = asked.header("Proxy-Authorization").unwrap_or_default();
        let body = format!("not with {credentials}, that is {PASSWORD}");
        Reply::status("407 Proxy Authentication Required", body).send(stream);
    });
    let proxy = Proxy::start(Some(&credentials));
    for (proxy, format, code) in [
        (&proxy, "json", 0),
        (&proxy, "text", 0),
        (&refusing, "json", 3),
        (&refusing, "text", 3),
    ] {
        let base = format!("http://server.invalid:{}", server.address().port());
        let before = server.upgrades().len();
        let ran = Program::solve_at(&base)
            .args(["-H", &authorization, "-H", &cookie])
            .args([
                "--record",
                "run.jsonl",
                "-o",
                format,
                "--log-format",
                format,
            ])
            .env("HTTP_PROXY", &proxy.url_with(&credentials))
            .env("RUST_LOG", "trace")
            .run();
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_none_of(&secrets, &ran);
        if code == 0 {
            let upgrade = &server.upgrades()[before];
            let bearer = format!("Bearer {BEARER}");
            assert_eq!(upgrade.header("Authorization"), Some(bearer.as_str()));
            assert_says(&ran.stdout, &["hello", "… … … …"]);
        }
    }
    for (url, code) in [
        (proxy.url_with(&credentials), 0),
        (refusing.url_with(&credentials), 3),
    ] {
        let ran = Program::replay(&socket_url("ws", "server.invalid", server.address().port()))
            .args(["-H", &authorization, "-H", &cookie])
            .env("HTTP_PROXY", &url)
            .env("RUST_LOG", "trace")
            .run();
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_none_of(&secrets, &ran);
    }
}
