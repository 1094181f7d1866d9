use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::client_async_with_config;
use tokio_util::either::Either;
use url::Host;

use super::connection::websocket_config;
use super::race::race;
use super::{Address, Connection, DialError, Phase, clock};

/// What a dialled WebSocket runs over: TCP, or TLS on top of it.
pub type Transport = Either<TcpStream, TlsStream<TcpStream>>;

/// Opens connections, each phase within the same time limit.
#[derive(Clone, Debug)]
pub struct Dialer {
    phase_limit: Duration,
    tls: Arc<ClientConfig>,
}

/// A connection that has just been opened.
#[derive(Debug)]
pub struct Dialed {
    /// The connection.
    pub connection: Connection<Transport>,
    /// Whom it leads to.
    pub peer: SocketAddr,
    /// How long it took to open.
    pub phases: Phases,
}

/// How long each phase of a dial took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// Looking up the host; `None` if the address names it by number.
    pub dns: Option<Duration>,
    /// From the first connection attempt to the first success.
    pub tcp: Duration,
    /// The TLS handshake; `None` without encryption.
    pub tls: Option<Duration>,
    /// From the request to the last byte of the answer.
    pub upgrade: Duration,
}

impl Dialer {
    /// A dialer that allows this long for each phase, and encrypts as it is told, by
    /// [`client_config`](super::client_config) as a rule.
    pub fn new(phase_limit: Duration, tls: Arc<ClientConfig>) -> Self {
        Dialer { phase_limit, tls }
    }

    /// Dials: looks up the host, connects, encrypts, and asks for the WebSocket.
    ///
    /// # Errors
    ///
    /// A [`DialError`] that names the phase, the address and the cause. Up to
    /// [`Phase::Tls`], the server has seen nothing of the URL's path.
    pub async fn dial(&self, address: &Address) -> Result<Dialed, DialError> {
        let (addresses, dns) = self.look_up(address).await?;
        let ((peer, stream), tcp) = self.connect(address, addresses).await?;
        let (stream, tls) = if address.is_secure() {
            let (stream, took) = self.encrypt(address, stream).await?;
            (Either::Right(stream), Some(took))
        } else {
            (Either::Left(stream), None)
        };
        let (connection, upgrade) = self.upgrade(address, stream).await?;

        let phases = Phases {
            dns,
            tcp,
            tls,
            upgrade,
        };
        let ms = |took: Duration| took.as_secs_f64() * 1e3;
        tracing::debug!(
            %address,
            %peer,
            dns_ms = dns.map(ms),
            tcp_ms = ms(tcp),
            tls_ms = tls.map(ms),
            upgrade_ms = ms(upgrade),
            "connected"
        );
        Ok(Dialed {
            connection,
            peer,
            phases,
        })
    }

    async fn look_up(
        &self,
        address: &Address,
    ) -> Result<(Vec<SocketAddr>, Option<Duration>), DialError> {
        let port = address.port();
        let name = match address.host() {
            Host::Ipv4(ip) => return Ok((vec![(ip, port).into()], None)),
            Host::Ipv6(ip) => return Ok((vec![(ip, port).into()], None)),
            Host::Domain(name) => name,
        };
        let lookup = async { Ok(tokio::net::lookup_host((name, port)).await?.collect()) };
        let (found, took) = self.timed(Phase::Dns, address, lookup).await?;
        let addresses: io::Result<Vec<SocketAddr>> = found;
        match addresses {
            Ok(addresses) => Ok((addresses, Some(took))),
            Err(source) => Err(DialError::Lookup {
                host: name.to_owned(),
                source,
            }),
        }
    }

    async fn connect(
        &self,
        address: &Address,
        addresses: Vec<SocketAddr>,
    ) -> Result<((SocketAddr, TcpStream), Duration), DialError> {
        let race = race(addresses, |address| async move {
            let stream = TcpStream::connect(address).await?;
            // Answers are small and wanted at once: not to be held back by Nagle's algorithm.
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        match self.timed(Phase::Tcp, address, race).await? {
            (Ok(connected), took) => Ok((connected, took)),
            (Err(failures), _) => Err(DialError::Connect {
                authority: address.authority(),
                failures,
            }),
        }
    }

    async fn encrypt(
        &self,
        address: &Address,
        stream: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Duration), DialError> {
        let failed = |source| DialError::Tls {
            authority: address.authority(),
            source,
        };
        let name = match address.host() {
            Host::Domain(name) => ServerName::try_from(name.to_owned())
                .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?,
            Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::from(ip)),
            Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::from(ip)),
        };
        let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream);
        let (result, took) = self.timed(Phase::Tls, address, handshake).await?;
        Ok((result.map_err(failed)?, took))
    }

    async fn upgrade(
        &self,
        address: &Address,
        stream: Transport,
    ) -> Result<(Connection<Transport>, Duration), DialError> {
        let handshake =
            client_async_with_config(address.request_url(), stream, Some(websocket_config()));
        match self.timed(Phase::Upgrade, address, handshake).await? {
            (Ok((socket, _response)), took) => Ok((Connection::open(socket), took)),
            (Err(error), _) => Err(DialError::upgrade(address.authority(), error)),
        }
    }

    /// Awaits a phase within its time limit, and says how long it took.
    async fn timed<T>(
        &self,
        phase: Phase,
        address: &Address,
        work: impl Future<Output = T>,
    ) -> Result<(T, Duration), DialError> {
        let begun = clock::now();
        let done = tokio::time::timeout(self.phase_limit, work).await;
        let took = clock::now().saturating_duration_since(begun);
        match done {
            Ok(result) => Ok((result, took)),
            Err(_elapsed) => Err(DialError::TimedOut {
                phase,
                authority: address.authority(),
                limit: self.phase_limit,
            }),
        }
    }
}
