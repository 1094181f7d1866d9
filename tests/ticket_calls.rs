//! The client's call for a ticket: to a real server, on every way there, and to servers that answer
//! something else.

#![cfg(unix)]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::Path;
use std::thread;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use support::{Port, Presents, Proxy, TlsFront, assert_hides, assert_says};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use wsbeat::http::HttpError;
use wsbeat::link::{
    Address, Authority, Dialer, Proxies, Stop, StopReason, Stopper, Trust, client_config,
};
use wsbeat::server::{OwnHosts, Password, Server, Settings, StoredPassword, TicketSettings, Users};
use wsbeat::tickets::{TicketCallCause, TicketCallError, fetch_ticket};

const LIMIT: Duration = Duration::from_secs(20);
const PASSWORD: &str = "0pensesameplease";
const WRONG: &str = "hunter2hunter2hunter2";

/// An address at which nobody listens yet, for what has to be known before a server is.
fn free_address() -> SocketAddr {
    let url = Port::reserve().url();
    url.trim_start_matches("http://").parse().unwrap()
}

/// A server that gives tickets to alice, or to nobody.
struct Desk {
    address: SocketAddr,
    stopper: Stopper,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl Desk {
    async fn open() -> Self {
        Desk::open_at(([127, 0, 0, 1], 0).into(), &[]).await
    }

    /// One that listens here, and is reached by these hosts besides.
    async fn open_at(listen: SocketAddr, hosts: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        let mut users = Users::default();
        let password = Password::new(SecretString::from(PASSWORD)).unwrap();
        let stored = StoredPassword::of(&password, [7; 16]).unwrap();
        users.set("alice", stored).unwrap();
        users.write(&file).unwrap();
        Desk::with(Some(&file), folder, listen, hosts).await
    }

    async fn closed() -> Self {
        let listen = ([127, 0, 0, 1], 0).into();
        Desk::with(None, tempfile::tempdir().unwrap(), listen, &[]).await
    }

    async fn with(
        file: Option<&Path>,
        folder: TempDir,
        listen: SocketAddr,
        hosts: &[String],
    ) -> Self {
        let hosts = hosts.iter().map(|host| host.parse().unwrap());
        let server = Server::bind(Settings {
            hosts: OwnHosts::new(hosts.collect()),
            tickets: file.map(|users| TicketSettings::new(users.to_owned(), [2; 32])),
            ..Settings::new(listen, NonZeroU32::MIN, 1, [1; 32])
        })
        .await
        .unwrap();
        let address = server.address().unwrap();
        let (stopper, stop) = Stop::channel();
        Desk {
            address,
            stopper,
            serving: tokio::spawn(server.run(stop, |_| {})),
            _folder: folder,
        }
    }

    async fn close(self) {
        self.stopper.stop(StopReason::Shutdown);
        self.serving.await.unwrap();
    }
}

fn dialer(trust: &Trust) -> Dialer {
    Dialer::new(LIMIT, client_config(trust).unwrap())
}

/// Asks whoever is there for alice's ticket.
async fn fetch(
    address: &str,
    password: &str,
    dialer: &Dialer,
) -> Result<SecretString, TicketCallError> {
    let address: Address = address.parse().unwrap();
    fetch_ticket(&address, "alice", &SecretString::from(password), dialer).await
}

fn plain(address: SocketAddr) -> String {
    format!("ws://{address}/chat/lobby?ticket=none")
}

#[track_caller]
fn assert_is_ticket(fetched: Result<SecretString, TicketCallError>) {
    assert_eq!(fetched.unwrap().expose_secret().len(), 32);
}

#[tokio::test]
async fn a_password_gets_a_ticket_a_wrong_one_a_refusal_and_then_it_is_to_wait() {
    let desk = Desk::open().await;
    let dialer = dialer(&Trust::default());
    let url = plain(desk.address);
    assert_is_ticket(fetch(&url, PASSWORD, &dialer).await);

    let refused = fetch(&url, WRONG, &dialer).await.unwrap_err();
    assert!(
        matches!(refused.cause, TicketCallCause::Refused(_)),
        "{refused}"
    );
    assert!(!refused.cause.is_transient());
    let server = format!("http://{}/ticket", desk.address);
    assert_says(
        &refused.to_string(),
        &["ticket for alice", &server, "is wrong", "401"],
    );
    // Soon enough for the next one, unless this machine is very busy.
    match fetch(&url, PASSWORD, &dialer).await {
        Ok(_) => {}
        Err(error) => {
            let second = Some(Duration::from_secs(1));
            assert!(
                matches!(error.cause, TicketCallCause::Throttled(wait) if wait == second),
                "{error}"
            );
            assert!(error.cause.is_transient());
            assert_says(&error.to_string(), &["too many", "try again in 1s"]);
        }
    }
    desk.close().await;
}

#[tokio::test]
async fn a_server_without_tickets_says_so() {
    let desk = Desk::closed().await;
    let error = fetch(&plain(desk.address), PASSWORD, &dialer(&Trust::default())).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error.cause, TicketCallCause::NotOffered(_)),
        "{error}"
    );
    assert_says(&error.to_string(), &["gives no tickets", "404"]);
    desk.close().await;
}

#[tokio::test]
async fn the_call_is_encrypted_and_trusts_whom_the_link_does() {
    let at = free_address();
    let front = TlsFront::start(at);
    let expired = TlsFront::presenting(Presents::Expired, at);
    let hosts = [
        format!("127.0.0.1:{}", front.port()),
        format!("server.test:{}", front.port()),
        format!("127.0.0.1:{}", expired.port()),
    ];
    let desk = Desk::open_at(at, &hosts).await;
    let url = |host: &str, port: u16| format!("wss://{host}:{port}/chat/lobby");
    let trusting = dialer(&Trust::Authorities(vec![Authority::from(
        front.authority(),
    )]));
    assert_is_ticket(fetch(&url("127.0.0.1", front.port()), PASSWORD, &trusting).await);

    // A host that only --resolve knows.
    let resolution = format!("server.test:{}:127.0.0.1", front.port());
    let resolving = trusting
        .clone()
        .with_resolutions(vec![resolution.parse().unwrap()]);
    assert_is_ticket(fetch(&url("server.test", front.port()), PASSWORD, &resolving).await);

    for (front, trust) in [(&front, Trust::default()), (&expired, Trust::default())] {
        let error = fetch(&url("127.0.0.1", front.port()), PASSWORD, &dialer(&trust)).await;
        let cause = error.unwrap_err().cause;
        let is_certificate = matches!(cause, TicketCallCause::Http(HttpError::Certificate(_)));
        assert!(is_certificate && !cause.is_transient(), "{cause}");
    }
    let anyone = dialer(&Trust::Anyone);
    assert_is_ticket(fetch(&url("127.0.0.1", expired.port()), PASSWORD, &anyone).await);

    let no_tls = fetch(&url("127.0.0.1", desk.address.port()), PASSWORD, &trusting).await;
    let cause = no_tls.unwrap_err().cause;
    assert!(
        matches!(cause, TicketCallCause::Http(HttpError::NoTls)),
        "{cause}"
    );
    desk.close().await;
}

#[tokio::test]
async fn the_call_goes_through_the_proxy_of_the_link() {
    let at = free_address();
    let front = TlsFront::start(at);
    let desk = Desk::open_at(at, &[format!("server.test:{}", front.port())]).await;
    let proxy = Proxy::start(Some("me:s3cr3t"));
    let proxies =
        |url: String| Proxies::from_variables(|name| (name == "ALL_PROXY").then(|| url.clone()));
    let trust = Trust::Authorities(vec![Authority::from(front.authority())]);
    let url = format!("wss://server.test:{}/chat/lobby", front.port());
    let through = dialer(&trust).with_proxies(proxies(proxy.url_with("me:s3cr3t")));
    assert_is_ticket(fetch(&url, PASSWORD, &through).await);
    assert_eq!(proxy.tunnels(), [format!("server.test:{}", front.port())]);

    let nobody = dialer(&trust).with_proxies(proxies(proxy.url()));
    for url in [url, plain(desk.address)] {
        let error = fetch(&url, PASSWORD, &nobody).await.unwrap_err();
        let cause = &error.cause;
        let is_proxy = matches!(
            cause,
            TicketCallCause::Http(HttpError::ProxyCredentials(..))
        );
        assert!(is_proxy, "{error}");
        assert_says(&error.to_string(), &["through the proxy", "407"]);
        assert!(!error.to_string().contains("who are you"), "{error}");
    }
    let odd = dialer(&trust).with_proxies(proxies("socks5://127.0.0.1:1".to_owned()));
    let error = fetch(&plain(desk.address), PASSWORD, &odd)
        .await
        .unwrap_err();
    assert!(matches!(error.cause, TicketCallCause::Caller(_)), "{error}");
    desk.close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing_is_given_up_on() {
    let port = Port::reserve();
    let url = port.url().replace("http", "ws");
    let error = fetch(&url, PASSWORD, &dialer(&Trust::default())).await;
    let cause = error.unwrap_err().cause;
    let is_unreachable = matches!(cause, TicketCallCause::Http(HttpError::Unreachable(_)));
    assert!(is_unreachable && cause.is_transient(), "{cause}");

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let limit = Duration::from_millis(200);
    let dialer = Dialer::new(limit, client_config(&Trust::default()).unwrap());
    let error = fetch(&plain(silent.local_addr().unwrap()), PASSWORD, &dialer).await;
    let cause = error.unwrap_err().cause;
    let is_late = matches!(cause, TicketCallCause::Http(HttpError::TimedOut(at)) if at == limit);
    assert!(is_late && cause.is_transient(), "{cause}");
}

/// A server that answers one request with this, whatever it is.
fn answering(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut request = Vec::new();
        // The password is the last thing that it says.
        while !request.ends_with(b"}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        stream.write_all(answer.as_bytes()).unwrap();
    });
    address
}

#[tokio::test]
async fn an_answer_that_is_no_ticket_is_an_error_and_not_quoted() {
    let http = |status: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let said = format!("{{\"error\":\"{PASSWORD}, you say?\"}}");
    let dialer = dialer(&Trust::default());
    let long = format!("{{\"ticket\":\"{}\"}}", "a".repeat(100_000));
    for (answer, reason) in [
        (http("200 OK", &said), "holds no ticket"),
        (http("200 OK", &long), "over 64 KiB"),
        (
            http("200 OK", &format!("\"{PASSWORD}\"")),
            "holds no ticket",
        ),
        (
            http("200 OK", &format!("{{\"ticket\":\"{PASSWORD} \"}}")),
            "is none",
        ),
        (http("401 Unauthorized", &said), "is wrong (401"),
        (http("403 Forbidden", &said), "is wrong (403"),
        (http("500 Internal Server Error", &said), "answered 500"),
        (
            format!("HTTP/1.1 302 Found\r\nLocation: /?{PASSWORD}\r\nContent-Length: 0\r\n\r\n"),
            "answered 302",
        ),
        (format!("SSH-2.0 {PASSWORD}\r\n\r\n"), "not HTTP"),
    ] {
        let error = fetch(&plain(answering(answer)), PASSWORD, &dialer)
            .await
            .unwrap_err();
        assert_says(&error.to_string(), &[reason]);
        for shown in [error.to_string(), format!("{error:?}")] {
            assert_hides(PASSWORD, &shown, "the error");
        }
    }
}
