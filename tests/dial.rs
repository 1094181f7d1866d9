//! What dialling can be told, over real sockets: headers, subprotocols, addresses, proxies, and
//! whom to trust.

#![cfg(unix)]

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use support::{
    Asked, Nobody, Port, Presents, Proxy, Reply, Script, Server, Socket, TlsFront, assert_says,
    hold,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wsbeat::conversation::{Farewell, Message, Output, Party, Stamp};
use wsbeat::link::{
    Address, Authority, Connection, DialError, Dialed, Dialer, Limits, Phase, Proxies,
    RefusalReason, Resolution, Stop, Transport, Trust, TunnelError, client_config, drive,
};

const LIMIT: Duration = Duration::from_secs(20);

/// The path that scripted servers expect.
const PATH: &str = "/_/ws/x";

fn dialer_trusting(authorities: Vec<Authority>) -> Dialer {
    let trust = Trust::Authorities(authorities);
    Dialer::new(LIMIT, client_config(&trust).unwrap())
}

fn dialer() -> Dialer {
    dialer_trusting(Vec::new())
}

/// The proxies of an environment with these variables.
fn proxies(variables: &[(&str, String)]) -> Proxies {
    Proxies::from_variables(|name| {
        let mut variables = variables.iter();
        let found = variables.find(|(variable, _)| *variable == name);
        found.map(|(_, value)| value.clone())
    })
}

fn through(url: String) -> Dialer {
    dialer().with_proxies(proxies(&[("ALL_PROXY", url)]))
}

fn address(scheme: &str, host: &str, port: u16) -> Address {
    format!("{scheme}://{host}:{port}{PATH}").parse().unwrap()
}

/// A server that opens a WebSocket, says something, and parts.
fn greeting() -> Server {
    let greet = |_, socket: &mut Socket| {
        socket.text("good day");
        socket.part();
    };
    Script::new().talk(greet).start()
}

/// Hears one message and is done.
#[derive(Default)]
struct Listener {
    heard: Vec<Message>,
    is_done: bool,
}

impl Party for Listener {
    type Event = ();
    type Cue = std::convert::Infallible;

    fn handle_open(&mut self, _at: Stamp) {}

    fn handle_message(&mut self, _at: Stamp, message: &Message) {
        self.heard.push(message.clone());
    }

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn poll_output(&mut self) -> Option<Output<()>> {
        if self.heard.is_empty() || self.is_done {
            return None;
        }
        self.is_done = true;
        Some(Output::Close(Farewell::normal()))
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}

/// Listens to what is said over a connection.
async fn hear(connection: Connection<Transport>) {
    let (_stopper, mut stop) = Stop::channel();
    let mut listener = Listener::default();
    let limits = Limits {
        idle: Some(LIMIT),
        ..Limits::default()
    };
    drive(connection, &mut listener, &mut Nobody, limits, &mut stop).await;
    assert_eq!(listener.heard, [Message::Text("good day".to_owned())]);
}

#[tokio::test]
async fn headers_arrive_and_a_host_replaces_the_one_of_the_address() {
    let server = greeting();
    let port = server.address().port();
    let headers = [
        "Host: example.org",
        "X-Twice: 1",
        "X-Twice: 2",
        "Origin: https://example.org",
    ];
    let dialer = dialer().with_headers(headers.map(|text| text.parse().unwrap()).to_vec());
    let dialed = dialer.dial(&address("ws", "127.0.0.1", port)).await;
    hear(dialed.unwrap().connection).await;
    let request = &server.upgrades()[0];
    let all = |name: &str| {
        let headers = request.headers.iter();
        let found = headers.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(all("Host"), ["example.org"]);
    assert_eq!(all("X-Twice"), ["1", "2"]);
    assert_eq!(all("Origin"), ["https://example.org"]);
}

/// A server that chooses a subprotocol, or none.
fn choosing(subprotocol: Option<&'static str>) -> Server {
    Script::new()
        .upgrade(move |_, request, mut stream| {
            let key = request.header("Sec-WebSocket-Key").unwrap();
            let chosen = subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{}\r\n",
                derive_accept_key(key.as_bytes()),
                chosen.unwrap_or_default()
            );
            // A client that does not like the answer is gone.
            let _ = stream.write_all(answer.as_bytes());
            hold(&mut stream);
        })
        .start()
}

#[tokio::test]
async fn the_subprotocol_that_the_server_chooses_is_told() {
    let offers = ["chat.v1", "chat.v2"].map(|name| name.parse().unwrap());
    let offering = dialer().with_subprotocols(offers.to_vec());
    let server = choosing(Some("chat.v2"));
    let there = address("ws", "127.0.0.1", server.address().port());
    let dialed = offering.dial(&there).await.unwrap();
    assert_eq!(dialed.subprotocol.as_deref(), Some("chat.v2"));
    let asked = server.upgrades();
    let asked = asked[0].header("Sec-WebSocket-Protocol");
    assert_eq!(asked, Some("chat.v1, chat.v2"));
    drop(dialed);

    for (chosen, words) in [
        (None, "none of the subprotocols"),
        (Some("chat.v3"), "a subprotocol that it was not offered"),
    ] {
        let server = choosing(chosen);
        let there = address("ws", "127.0.0.1", server.address().port());
        let error = offering.dial(&there).await.unwrap_err();
        assert!(matches!(error, DialError::Handshake { .. }), "{error}");
        assert_says(&error.to_string(), &[words]);
    }
}

#[tokio::test]
async fn a_host_is_found_where_it_is_said_to_be() {
    let server = greeting();
    let port = server.address().port();
    let resolution: Resolution = format!("server.invalid:{port}:127.0.0.1").parse().unwrap();
    let dialer = dialer().with_resolutions(vec![resolution]);
    let dialed = dialer.dial(&address("ws", "server.invalid", port)).await;
    let dialed = dialed.unwrap();
    assert_eq!(dialed.phases.dns, None);
    assert_eq!(dialed.peer, server.address());
    assert!(dialed.proxy.is_none() && dialed.phases.proxy.is_none());
    hear(dialed.connection).await;
    let host = format!("server.invalid:{port}");
    assert_eq!(server.upgrades()[0].header("Host"), Some(host.as_str()));
    assert_eq!(dialed.host, host);
}

#[tokio::test]
async fn the_host_that_was_asked_for_is_known() {
    let server = greeting();
    let there = address("ws", "127.0.0.1", server.address().port());
    let named = dialer().with_headers(vec!["Host: other.test:1".parse().unwrap()]);
    for (dialer, host) in [
        (dialer(), server.address().to_string()),
        (named, "other.test:1".to_owned()),
    ] {
        let dialed = dialer.dial(&there).await.unwrap();
        assert_eq!(dialed.host, host);
        hear(dialed.connection).await;
    }
    let hosts: Vec<_> = server.upgrades();
    let hosts: Vec<_> = hosts.iter().map(|it| it.header("Host").unwrap()).collect();
    assert_eq!(hosts[1], "other.test:1");
}

#[tokio::test]
async fn the_kernel_is_asked_while_the_connection_is_driven_and_after() {
    let server = greeting();
    let there = address("ws", "127.0.0.1", server.address().port());
    let dialed = dialer().dial(&there).await.unwrap();
    let is_linux = cfg!(target_os = "linux");
    assert_eq!(dialed.kernel.round_trip().is_some(), is_linux);
    let Dialed {
        connection, kernel, ..
    } = dialed;
    hear(connection).await;
    let after = kernel.round_trip();
    assert_eq!(after.is_some(), is_linux);
    assert!(after.is_none_or(|after| after < LIMIT), "{after:?}");
}

#[tokio::test]
async fn a_proxy_gives_a_tunnel_and_looks_the_host_up() {
    let server = greeting();
    let port = server.address().port();
    let proxy = Proxy::start(None);
    let there = address("ws", "server.invalid", port);
    let dialed = through(proxy.url()).dial(&there).await.unwrap();
    assert_eq!(dialed.proxy.as_ref().unwrap().to_string(), proxy.url());
    assert_eq!(format!("http://{}", dialed.peer), proxy.url());
    assert!(dialed.phases.proxy.is_some() && dialed.phases.dns.is_none());
    hear(dialed.connection).await;
    assert_eq!(proxy.tunnels(), [format!("server.invalid:{port}")]);
    let Asked { headers, .. } = &proxy.asked()[0];
    assert!(
        !headers
            .iter()
            .any(|(name, _)| name.contains("uthorization"))
    );

    // What is known here is not asked of the proxy.
    let resolution = format!("server.invalid:{port}:127.0.0.2").parse().unwrap();
    let knowing = through(proxy.url()).with_resolutions(vec![resolution]);
    hear(knowing.dial(&there).await.unwrap().connection).await;
    assert_eq!(proxy.tunnels()[1], format!("127.0.0.2:{port}"));
}

#[tokio::test]
async fn a_proxy_is_told_the_credentials_in_its_url() {
    let server = greeting();
    let proxy = Proxy::start(Some("me:open s@same"));
    let there = address("ws", "127.0.0.1", server.address().port());
    let url = proxy.url_with("me:open%20s%40same");
    hear(through(url).dial(&there).await.unwrap().connection).await;

    for url in [proxy.url(), proxy.url_with("me:guessed")] {
        let error = through(url).dial(&there).await.unwrap_err();
        assert_eq!(error.phase(), Phase::Proxy);
        let words = [&proxy.url(), "407", "who are you?", "127.0.0.1"];
        assert_says(&error.to_string(), &words);
        assert!(!error.to_string().contains("guessed"), "{error}");
    }
    assert_eq!(server.upgrades().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_cannot_reach_the_host_says_so() {
    let nobody = Port::reserve();
    let url: url::Url = nobody.url().parse().unwrap();
    let proxy = Proxy::start(None);
    let there = address("ws", "server.invalid", url.port().unwrap());
    let error = through(proxy.url()).dial(&there).await.unwrap_err();
    let DialError::Tunnel { source, .. } = &error else {
        panic!("{error}");
    };
    assert!(matches!(source, TunnelError::Refused(it) if it.status().as_u16() == 502));
    let words = ["refused the tunnel", "502", "nobody is at home there"];
    assert_says(&error.to_string(), &words);
}

/// What comes of a dial through a proxy that does this.
async fn odd(
    answer: impl Fn(&mut TcpStream) + Send + Sync + 'static,
    limit: Duration,
) -> DialError {
    let proxy = Proxy::answering(move |_, stream| answer(stream));
    let dialer = Dialer::new(limit, client_config(&Trust::default()).unwrap())
        .with_proxies(proxies(&[("HTTP_PROXY", proxy.url())]));
    let error = dialer.dial(&address("ws", "server.invalid", 1)).await;
    let error = error.unwrap_err();
    assert_eq!(error.phase(), Phase::Proxy, "{error}");
    assert_says(&error.to_string(), &[&proxy.url(), "server.invalid:1"]);
    error
}

fn saying(words: &'static [u8]) -> impl Fn(&mut TcpStream) + Send + Sync + 'static {
    move |stream| {
        // The client may have gone before the last of it.
        let _ = stream.write_all(words);
        hold(stream);
    }
}

#[tokio::test]
async fn proxies_that_behave_oddly_are_told_apart() {
    let silent = odd(hold, Duration::from_millis(100)).await;
    assert!(matches!(silent, DialError::TimedOut { .. }), "{silent}");

    let gone = odd(|_| {}, LIMIT).await;
    let DialError::Tunnel { source, .. } = &gone else {
        panic!("{gone}");
    };
    assert!(matches!(source, TunnelError::Dropped(_)), "{gone}");

    let garbage: [&'static [u8]; 2] = [
        b"220 mail.example.org ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nand a banner",
    ];
    for garbage in garbage {
        let error = odd(saying(garbage), LIMIT).await;
        let DialError::Tunnel { source, .. } = &error else {
            panic!("{error}");
        };
        assert!(matches!(source, TunnelError::Wrong(_)), "{error}");
    }

    // A refusal in folded lines, after an interim answer.
    let folded =
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n \
                   realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
    let error = odd(saying(folded), LIMIT).await;
    let words = ["407", "Proxy-Authenticate: Basic realm=\"x\""];
    assert_says(&error.to_string(), &words);

    // A refusal whose body never ends.
    let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\nnot you\n";
    let error = odd(saying(refusal), LIMIT).await;
    assert_says(&error.to_string(), &["403 Forbidden: not you"]);
}

#[tokio::test]
async fn a_proxy_that_is_down_is_named() {
    let port = Port::reserve();
    let there = address("ws", "server.invalid", 1);
    let error = through(port.url()).dial(&there).await.unwrap_err();
    assert_eq!(error.phase(), Phase::Tcp);
    assert_says(&error.to_string(), &["the proxy", &port.url()]);
    let error = through("http://proxy.invalid:1".to_owned())
        .dial(&there)
        .await;
    let error = error.unwrap_err();
    assert_eq!(error.phase(), Phase::Dns);
    assert_says(
        &error.to_string(),
        &["looking up the proxy http://proxy.invalid:1"],
    );
}

#[tokio::test]
async fn some_hosts_are_reached_without_a_proxy() {
    let server = greeting();
    let proxy = Proxy::start(None);
    let there = address("ws", "127.0.0.1", server.address().port());
    let excepted = [
        ("HTTP_PROXY", proxy.url()),
        ("no_proxy", "127.0.0.0/8".to_owned()),
    ];
    let other = [("HTTPS_PROXY", proxy.url())];
    for variables in [&excepted[..], &other[..]] {
        let dialer = dialer().with_proxies(proxies(variables));
        let dialed = dialer.dial(&there).await.unwrap();
        assert!(dialed.proxy.is_none());
        hear(dialed.connection).await;
    }
    assert_eq!(proxy.asked(), []);
}

#[tokio::test]
async fn a_proxy_that_is_none_of_http_is_an_error_before_anything_is_sent() {
    let url = "socks5://127.0.0.1:1".to_owned();
    let error = through(url).dial(&address("ws", "server.invalid", 1)).await;
    let error = error.unwrap_err();
    assert!(matches!(error, DialError::Proxy { .. }), "{error}");
    assert_says(&error.to_string(), &["ALL_PROXY", "socks5://"]);
}

#[tokio::test]
async fn tls_goes_through_a_proxy_to_the_host_that_was_meant() {
    let server = greeting();
    let front = TlsFront::start(server.address());
    let proxy = Proxy::start(None);
    let there = address("wss", "server.test", front.port());
    let trusting = dialer_trusting(vec![front.authority().into()]);
    let dialer = trusting.with_proxies(proxies(&[("https_proxy", proxy.url())]));
    let dialed = dialer.dial(&there).await.unwrap();
    assert!(dialed.phases.proxy.is_some() && dialed.phases.tls.is_some());
    hear(dialed.connection).await;
    assert_eq!(proxy.tunnels(), [format!("server.test:{}", front.port())]);
}

/// What a certificate is refused for.
async fn refusal(presents: Presents) -> (RefusalReason, String) {
    let server = greeting();
    let front = TlsFront::presenting(presents, server.address());
    let trusting = dialer_trusting(vec![front.authority().into()]);
    let there = address("wss", "localhost", front.port());
    match trusting.dial(&there).await.unwrap_err() {
        DialError::Certificate { refused, .. } => (refused.reason().clone(), refused.to_string()),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn certificates_are_refused_each_for_its_reason() {
    let (reason, text) = refusal(Presents::Expired).await;
    assert!(matches!(reason, RefusalReason::Expired(Some(_))), "{text}");
    assert_says(
        &text,
        &["localhost, server.test, 127.0.0.1", "expired at", "2020"],
    );
    let (reason, text) = refusal(Presents::NotYetValid).await;
    assert!(matches!(reason, RefusalReason::NotYetValid(_)), "{text}");
    assert_says(&text, &["not valid before", "2100"]);
    let (reason, text) = refusal(Presents::WrongName).await;
    assert_eq!(reason, RefusalReason::WrongName("localhost".to_owned()));
    assert_says(&text, &["for elsewhere.test,", "is not for localhost"]);
    let (reason, text) = refusal(Presents::Authority).await;
    assert_eq!(reason, RefusalReason::IsAuthority, "{text}");
}

#[tokio::test]
async fn an_unknown_authority_is_named_and_not_verified_if_nobody_is() {
    let server = greeting();
    let front = TlsFront::start(server.address());
    let there = address("wss", "localhost", front.port());
    let error = dialer().dial(&there).await.unwrap_err();
    let DialError::Certificate { refused, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*refused.reason(), RefusalReason::UnknownIssuer);
    assert_says(
        &error.to_string(),
        &["localhost", support::ISSUER, "not trusted"],
    );

    for presents in [Presents::Expired, Presents::WrongName, Presents::Authority] {
        let front = TlsFront::presenting(presents, server.address());
        let there = address("wss", "localhost", front.port());
        let credulous = Dialer::new(LIMIT, client_config(&Trust::Anyone).unwrap());
        hear(credulous.dial(&there).await.unwrap().connection).await;
    }
}

#[tokio::test]
async fn tls_where_there_is_none_and_none_where_there_is_are_told() {
    let plain = Script::new()
        .upgrade(|_, _, mut stream| Reply::status("404 Not Found", "").send(&mut stream))
        .start();
    let front = TlsFront::start(plain.address());
    let there = address("ws", "localhost", front.port());
    let error = dialer().dial(&there).await.unwrap_err();
    assert!(matches!(error, DialError::NoHttp { .. }), "{error}");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        Reply::status("400 Bad Request", "what?").send(&mut stream);
        hold(&mut stream);
    });
    let error = dialer().dial(&address("wss", "localhost", port)).await;
    let error = error.unwrap_err();
    assert!(matches!(error, DialError::NoTls { .. }), "{error}");
    serving.join().unwrap();
}
