//! The link over real sockets: dialling, driving both ends, and closing.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use support::Silent;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wsbeat::conversation::challenge::{Host, Interval, Player, PlayerEvent, Standing};
use wsbeat::conversation::{ClosedBy, Message, Output, Party, Stamp, WireEvent};
use wsbeat::link::{
    Address, Connection, DialError, Dialed, Dialer, EndCause, Ending, Limits, Observer, Phase,
    Precision, Stop, StopReason, clock, drive,
};

const LIMIT: Duration = Duration::from_secs(20);

/// Keeps what an observer is told.
struct Notes<E> {
    wire: Vec<(Stamp, WireEvent)>,
    events: Vec<E>,
}

impl<E> Default for Notes<E> {
    fn default() -> Self {
        Notes {
            wire: Vec::new(),
            events: Vec::new(),
        }
    }
}

impl<E> Observer<E> for Notes<E> {
    fn wire(&mut self, at: Stamp, event: &WireEvent) {
        self.wire.push((at, event.clone()));
    }

    fn event(&mut self, event: E) {
        self.events.push(event);
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Grants the upgrade that a client asks for, by hand.
async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> Connection<S> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    Connection::accepted(stream, Vec::new()).await
}

fn address(scheme: &str, host: &str, port: u16) -> Address {
    format!("{scheme}://{host}:{port}/").parse().unwrap()
}

async fn run<S, P>(
    connection: Connection<S>,
    party: &mut P,
    limits: Limits,
) -> (Ending, Notes<P::Event>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    P: Party,
{
    let (_stopper, mut stop) = Stop::channel();
    let mut notes = Notes::default();
    let ending = drive(connection, party, &mut notes, limits, &mut stop).await;
    (ending, notes)
}

fn host() -> Host {
    Host::new(vec![Interval::Ms700; 2], "open sesame")
}

fn fine() -> Limits {
    Limits {
        precision: Precision::Microsecond,
        ..Limits::default()
    }
}

/// A certificate authority and a server's certificate that it has signed for `localhost`.
fn certificates() -> (RootCertStore, Arc<ServerConfig>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (roots, Arc::new(server))
}

fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[tokio::test]
async fn a_conversation_over_tls_is_won_and_its_phases_are_told() {
    let (roots, server) = certificates();
    let (listener, at) = listen().await;
    let hosting = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = TlsAcceptor::from(server).accept(stream).await.unwrap();
        let mut host = host();
        run(upgrade(stream).await, &mut host, fine()).await.0
    });

    let dialer = Dialer::new(LIMIT, trusting(roots));
    let Dialed {
        connection, phases, ..
    } = dialer
        .dial(&address("wss", "localhost", at.port()))
        .await
        .unwrap();
    // A name that stands for this machine is looked up nowhere.
    assert!(phases.dns.is_none() && phases.tls.is_some());

    let mut player = Player::default();
    let (ending, notes) = run(connection, &mut player, Limits::default()).await;
    assert!(matches!(player.standing(), Standing::Won { secret } if secret == "open sesame"));
    assert!(matches!(ending.cause, EndCause::Done));
    assert_eq!(ending.close.by, ClosedBy::Us);
    let beats = notes
        .events
        .iter()
        .filter(|event| matches!(event, PlayerEvent::Beat(beat) if beat.answered_in.is_some()));
    assert_eq!(beats.count(), 2);
    assert_eq!(notes.wire[0], (Stamp::OPENING, WireEvent::Open));
    assert!(matches!(notes.wire.last(), Some((_, WireEvent::Close(_)))));
    assert!(notes.wire.is_sorted_by_key(|(at, _)| *at));
    assert!(matches!(hosting.await.unwrap().cause, EndCause::Done));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_ends_the_dial() {
    let (_roots, server) = certificates();
    let (listener, at) = listen().await;
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        TlsAcceptor::from(server).accept(stream).await.is_err()
    });
    let dialer = Dialer::new(LIMIT, trusting(RootCertStore::empty()));
    let error = dialer
        .dial(&address("wss", "localhost", at.port()))
        .await
        .unwrap_err();
    assert_eq!(error.phase(), Phase::Tls);
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(serving.await.unwrap());
}

#[tokio::test]
async fn a_tls_server_that_says_nothing_runs_into_the_phase_limit() {
    let (listener, at) = listen().await;
    let dialer = Dialer::new(Duration::from_millis(50), trusting(RootCertStore::empty()));
    let error = dialer
        .dial(&address("wss", "127.0.0.1", at.port()))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            DialError::TimedOut {
                phase: Phase::Tls,
                ..
            }
        ),
        "{error}"
    );
    drop(listener);
}

#[tokio::test]
async fn a_stop_closes_both_ends() {
    let (listener, at) = listen().await;
    let hosting = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut host = host();
        run(upgrade(stream).await, &mut host, fine()).await.0
    });
    let dialer = Dialer::new(LIMIT, trusting(RootCertStore::empty()));
    let dialed = dialer
        .dial(&address("ws", "127.0.0.1", at.port()))
        .await
        .unwrap();
    let (stopper, mut stop) = Stop::channel();
    stopper.stop(StopReason::Interrupted);
    let mut notes = Notes::default();
    let mut player = Player::default();
    let limits = Limits::default();
    let ending = drive(
        dialed.connection,
        &mut player,
        &mut notes,
        limits,
        &mut stop,
    )
    .await;
    assert!(matches!(
        ending.cause,
        EndCause::Stopped(StopReason::Interrupted)
    ));
    let theirs = hosting.await.unwrap();
    assert!(matches!(theirs.cause, EndCause::PeerClosed));
    assert_eq!(theirs.close.code, 1001);
    assert_eq!(theirs.close.reason, "interrupted");
}

/// Has more to send than any socket buffers.
struct Flood {
    messages: u32,
}

impl Party for Flood {
    type Event = ();
    type Cue = std::convert::Infallible;

    fn handle_open(&mut self, _at: Stamp) {}

    fn handle_message(&mut self, _at: Stamp, _message: &Message) {}

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn poll_output(&mut self) -> Option<Output<()>> {
        self.messages = self.messages.checked_sub(1)?;
        Some(Output::Send(Message::Binary(vec![0; 16 * 1024])))
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_ends_the_conversation() {
    let (listener, at) = listen().await;
    let flooding = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let limits = Limits {
            write: Duration::from_millis(100),
            ..Limits::default()
        };
        let connection = upgrade(stream).await;
        let mut flood = Flood { messages: 4096 };
        run(connection, &mut flood, limits).await.0
    });
    let dialer = Dialer::new(LIMIT, trusting(RootCertStore::empty()));
    let dialed = dialer
        .dial(&address("ws", "127.0.0.1", at.port()))
        .await
        .unwrap();
    let ending = flooding.await.unwrap();
    assert!(matches!(ending.cause, EndCause::Lost(_)), "{ending:?}");
    assert_eq!(ending.close.by, ClosedBy::Network);
    drop(dialed);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_pings_and_never_reads_is_held_back_and_dropped() {
    // More than all buffers on the way hold.
    const LOTS: usize = 64 * 1024;
    let (near, mut far) = tokio::io::duplex(1024);
    let connection = Connection::accepted(near, Vec::new()).await;
    let pinging = tokio::spawn(async move {
        // Masked with zeros (RFC 6455 section 5.2).
        let mut ping = vec![0x89, 0x80 | 125, 0, 0, 0, 0];
        ping.resize(ping.len() + 125, b'x');
        for _ in 0..LOTS / ping.len() {
            if far.write_all(&ping).await.is_err() {
                return;
            }
        }
    });
    let mut silent = Flood { messages: 0 };
    let (ending, _) = run(connection, &mut silent, Limits::default()).await;
    let EndCause::Lost(error) = &ending.cause else {
        panic!("{ending:?}");
    };
    // Had it been read from all the same, it would have hung up first.
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    pinging.await.unwrap();
}

#[tokio::test]
async fn a_stop_is_heard_while_a_write_has_to_wait() {
    let (listener, at) = listen().await;
    let (stopper, mut stop) = Stop::channel();
    let flooding = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let limits = Limits {
            write: 10 * LIMIT,
            close: Duration::from_millis(50),
            ..Limits::default()
        };
        let connection = upgrade(stream).await;
        let mut flood = Flood { messages: 4096 };
        let mut notes = Notes::default();
        drive(connection, &mut flood, &mut notes, limits, &mut stop).await
    });
    let dialer = Dialer::new(LIMIT, trusting(RootCertStore::empty()));
    let dialed = dialer
        .dial(&address("ws", "127.0.0.1", at.port()))
        .await
        .unwrap();
    stopper.stop(StopReason::Shutdown);
    let ending = tokio::time::timeout(LIMIT, flooding).await.unwrap();
    let cause = ending.unwrap().cause;
    assert!(
        matches!(cause, EndCause::Stopped(_) | EndCause::Lost(_)),
        "{cause:?}"
    );
    drop(dialed);
}

#[tokio::test]
async fn the_stamp_of_a_close_is_when_it_came_and_not_when_the_waiting_was_over() {
    let begun = clock::now();
    let (listener, at) = listen().await;
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(upgrade(&mut stream).await);
        // A Close frame, and then the connection is left open.
        stream.write_all(b"\x88\x02\x03\xe8").await.unwrap();
        stream
    });
    let dialer = Dialer::new(LIMIT, trusting(RootCertStore::empty()));
    let dialed = dialer
        .dial(&address("ws", "127.0.0.1", at.port()))
        .await
        .unwrap();
    let limits = Limits {
        close: Duration::from_millis(300),
        ..Limits::default()
    };
    let (ending, notes) = run(dialed.connection, &mut Silent, limits).await;
    assert!(matches!(ending.cause, EndCause::PeerClosed));
    assert!(ending.at.since_opening() + limits.close <= clock::now() - begun);
    assert_eq!(notes.wire.last().unwrap().0, ending.at);
    drop(serving.await.unwrap());
}
