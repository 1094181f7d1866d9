//! How the program connects: certificates, proxies, headers and the like, as its users give them.

#![cfg(unix)]

mod support;

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use support::{
    ISSUER, Port, Presents, Program, Proxy, Ran, Reply, SECRET, Script, Server, TlsFront,
    assert_hides, assert_says, hold,
};

/// A server that plays one round, and takes its leave.
fn playing() -> Server {
    Script::new()
        .talk(|_, socket| {
            socket.round();
            socket.close(1000, "");
            socket.closed();
        })
        .start()
}

/// The path that scripted servers expect.
fn at(scheme: &str, host: &str, port: u16) -> String {
    format!("{scheme}://{host}:{port}/_/ws/typed-by-hand-0123")
}

fn replay(address: &str) -> Program {
    Program::new("replay").args([address]).json()
}

/// `wsbeat solve` over TLS.
fn solve_at_front(front: &TlsFront, host: &str) -> Program {
    let url = format!("https://{host}:{}", front.port());
    Program::solve_at(&url)
        .args(["--attempts", "1"])
        .file("ca.pem", front.pem())
        .json()
}

fn replay_at_front(front: &TlsFront, host: &str) -> Program {
    replay(&at("wss", host, front.port())).file("ca.pem", front.pem())
}

#[test]
fn a_private_authority_is_trusted_when_it_is_given() {
    let server = playing();
    let front = TlsFront::start(server.address());
    for host in ["localhost", "127.0.0.1"] {
        let ran = replay_at_front(&front, host)
            .args(["--ca-cert", "ca.pem"])
            .run();
        let open = ran.succeeded().the("open");
        assert!(open["tls_ms"].is_f64() && open["proxy"].is_null(), "{open}");
    }
    let ran = replay_at_front(&front, "localhost").run();
    let words = [
        "the TLS handshake with localhost:",
        "it is for localhost, server.test, 127.0.0.1",
        ISSUER,
        "not trusted",
        "--ca-cert",
    ];
    assert_says(&ran.failed(4, "unreachable"), &words);
    assert_eq!(server.upgrades().len(), 2);
}

#[test]
fn the_calls_of_solve_trust_whom_its_websocket_trusts() {
    let server = Script::winning(1).start();
    let front = TlsFront::start(server.address());
    let ran = solve_at_front(&front, "localhost")
        .args(["--ca-cert", "ca.pem"])
        .run();
    assert_eq!(ran.succeeded().summary()["secret"], SECRET);
    let ran = solve_at_front(&front, "localhost")
        .args(["--insecure"])
        .run();
    ran.succeeded();
    let websocket = replay_at_front(&front, "localhost").run();
    let ran = solve_at_front(&front, "localhost").run();
    let cause = ran.failed(4, "unreachable");
    assert_says(&cause, &["fetching a one-time token"]);
    let (_, sentence) = cause.split_once("its certificate").unwrap();
    assert_says(&websocket.failed(4, "unreachable"), &[sentence]);
    assert_eq!(server.problems().len(), 2);
}

#[test]
fn certificates_are_refused_each_with_its_advice() {
    let server = playing();
    let all: [(Presents, &[&str]); 4] = [
        (
            Presents::Expired,
            &["expired at", "2020", "clock", "--insecure"],
        ),
        (
            Presents::NotYetValid,
            &["not valid before", "2100", "clock"],
        ),
        (
            Presents::WrongName,
            &["for elsewhere.test,", "is not for localhost", "--resolve"],
        ),
        (
            Presents::Authority,
            &["of an authority", "another certificate", "--insecure"],
        ),
    ];
    for (presents, words) in all {
        let front = TlsFront::presenting(presents, server.address());
        let run = |arg| {
            let arguments: &[&str] = arg;
            replay_at_front(&front, "localhost").args(arguments).run()
        };
        let cause = run(&["--ca-cert", "ca.pem"]).failed(4, "unreachable");
        assert_says(&cause, words);
        assert!(!cause.contains("--ca-cert"), "{cause}");

        let ran = run(&["--insecure"]);
        assert_says(&ran.stderr, &["wsbeat: --insecure"]);
        ran.succeeded();
    }
    // As the advice says, a name that the certificate is for, at the address of the server.
    let front = TlsFront::presenting(Presents::WrongName, server.address());
    let resolve = format!("elsewhere.test:{}:127.0.0.1", front.port());
    let ran = replay_at_front(&front, "elsewhere.test")
        .args(["--ca-cert", "ca.pem", "--resolve", &resolve])
        .run();
    assert!(ran.succeeded().the("open")["dns_ms"].is_null());
}

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

#[test]
fn tls_and_plain_text_are_told_apart() {
    let server = playing();
    let front = TlsFront::start(server.address());
    let ran = replay(&at("ws", "localhost", front.port())).run();
    let words = ["does not speak HTTP", "wss://"];
    assert_says(&ran.failed(5, "protocol"), &words);

    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = plain.accept().unwrap();
            Reply::status("400 Bad Request", "what?").send(&mut stream);
            hold(&mut stream);
        }
    });
    let ran = replay(&at("wss", "localhost", port)).run();
    let words = ["does not speak TLS", "ws:// rather than wss://"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    let ran = Program::solve_at(&format!("https://localhost:{port}"))
        .json()
        .run();
    let words = ["does not speak TLS", "http:// rather than https://"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    serving.join().unwrap();
}

#[test]
fn a_server_that_hangs_up_may_want_the_other_scheme() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        for _ in 0..2 {
            drop(listener.accept().unwrap());
        }
    });
    let ran = replay(&at("ws", "127.0.0.1", port)).run();
    let words = ["the WebSocket upgrade at", "wss:// rather than ws://"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    let ran = replay(&at("wss", "127.0.0.1", port)).run();
    let words = ["the TLS handshake with", "speak TLS there?"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    serving.join().unwrap();
}

/// A certificate that is none, in a PEM file as it should be.
const BROKEN: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// What is wrong with these arguments.
#[track_caller]
fn usage_error(args: &[&str], env: &[(&str, &str)]) -> String {
    let port = Port::reserve();
    let address = format!("{}/_/ws/x", port.url()).replace("http", "ws");
    let mut program = replay(&address)
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
    let server = playing();
    let address = at("ws", "127.0.0.1", server.address().port());
    let ran = replay(&address)
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
    let server = playing();
    let port = server.address().port();
    let proxy = Proxy::start(None);
    let address = at("ws", "server.invalid", port);
    let ran = replay(&address).env("http_proxy", &proxy.url()).run();
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
    let ran = replay(&at("ws", "127.0.0.1", port))
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
    let ran = solve_at_front(&front, "server.test")
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
    let ran = replay("ws://server.invalid:1/")
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
    let ran = replay(&there).env("HTTP_PROXY", &proxy.url()).run();
    let words = [
        &proxy.url(),
        "server.invalid",
        "502",
        "nobody is at home there",
    ];
    assert_says(&ran.failed(4, "unreachable"), &words);

    let silent = Proxy::answering(|_, stream| hold(stream));
    let ran = replay(&there)
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
    let ran = replay(&there).env("HTTP_PROXY", &garbled.url()).run();
    let words = [&garbled.url(), "answered wrongly"];
    assert_says(&ran.failed(5, "protocol"), &words);

    let ran = replay(&there).env("HTTP_PROXY", &nobody.url()).run();
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
    let ran = replay_at_front(&front, "localhost")
        .args(["--ca-cert", "ca.pem"])
        .env("HTTPS_PROXY", &proxy.url())
        .run();
    let words = ["refused the WebSocket upgrade: 404 Not Found: no such room"];
    let cause = ran.failed(4, "unreachable");
    assert_says(&cause, &words);
    assert!(!cause.contains("really"), "{cause}");
    assert_eq!(proxy.tunnels().len(), 1);
}

#[test]
fn a_subprotocol_that_is_chosen_is_told() {
    let server = playing_with_subprotocol();
    let address = at("ws", "127.0.0.1", server.address().port());
    let offers = ["--subprotocol", "beats.v2", "--subprotocol", "beats.v1"];
    let ran = replay(&address).args(offers).run();
    assert_eq!(ran.succeeded().the("open")["subprotocol"], "beats.v1");
    let ran = Program::new("replay").args([&address]).args(offers).run();
    assert_says(&ran.succeeded().stdout, &["\nsubprotocol beats.v1\n"]);

    let server = playing();
    let address = at("ws", "127.0.0.1", server.address().port());
    let ran = replay(&address).run();
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
        let ran = replay(&at("ws", "server.invalid", server.address().port()))
            .args(["-H", &authorization, "-H", &cookie])
            .env("HTTP_PROXY", &url)
            .env("RUST_LOG", "trace")
            .run();
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert_none_of(&secrets, &ran);
    }
}
