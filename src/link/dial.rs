use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HOST, HeaderValue};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_util::either::Either;
use url::Host;

use super::address::is_localhost;
use super::client_certificate::noting_requests;
use super::headers::{add_headers, ask_for};
use super::race::race;
use super::tunnel::open_tunnel;
use super::upgrade::{UpgradeError, upgrade};
use super::{
    Address, Connection, DialError, Encryption, Header, Phase, Proxies, Proxy, ProxyError,
    Resolution, Subprotocol, TcpProbe, clock,
};

/// What a dialled WebSocket runs over: TCP, or TLS on top of it.
pub type Transport = Either<TcpStream, TlsStream<TcpStream>>;

/// Opens connections, each phase within the same time limit.
#[derive(Clone, Debug)]
pub struct Dialer {
    phase_limit: Duration,
    tls: Arc<ClientConfig>,
    headers: Vec<Header>,
    subprotocols: Vec<Subprotocol>,
    resolutions: Vec<Resolution>,
    proxies: Proxies,
}

/// A connection that has just been opened.
#[derive(Debug)]
pub struct Dialed {
    /// The connection.
    pub connection: Connection<Transport>,
    /// Whom the TCP connection leads to: the proxy, if there is one.
    pub peer: SocketAddr,
    /// The proxy on the way, if there is one.
    pub proxy: Option<Proxy>,
    /// Which host was asked for, by the `Host` header of the upgrade.
    pub host: String,
    /// The subprotocol that the server has chosen, if it was offered any.
    pub subprotocol: Option<String>,
    /// How long it took to open.
    pub phases: Phases,
    /// What the kernel knows of the TCP connection, at any time.
    pub kernel: TcpProbe,
}

/// How long each phase of a dial took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// Looking up the host, or the proxy's; `None` if it was known by number.
    pub dns: Option<Duration>,
    /// From the first connection attempt to the first success.
    pub tcp: Duration,
    /// From asking the proxy for a tunnel to having it; `None` without a proxy.
    pub proxy: Option<Duration>,
    /// The TLS handshake; `None` without encryption.
    pub tls: Option<Duration>,
    /// From the request to the last byte of the answer.
    pub upgrade: Duration,
}

/// What the last phase of a dial gives.
struct Upgraded {
    connection: Connection<Transport>,
    host: String,
    subprotocol: Option<String>,
}

/// What is connected to: the host of the address, or the proxy on the way there.
struct Hop<'a> {
    host: Host<&'a str>,
    port: u16,
    /// Host and port, or the proxy, for errors.
    shown: String,
    /// What an error of the resolver is about: the name, or the proxy that has it.
    looked_up: String,
}

impl Dialer {
    /// A dialer that allows this long for each phase, and encrypts as it is told, by
    /// [`client_config`](super::client_config) as a rule.
    pub fn new(phase_limit: Duration, tls: Arc<ClientConfig>) -> Self {
        Dialer {
            phase_limit,
            tls,
            headers: Vec::new(),
            subprotocols: Vec::new(),
            resolutions: Vec::new(),
            proxies: Proxies::default(),
        }
    }

    /// Sends these headers with the upgrade.
    pub fn with_headers(self, headers: Vec<Header>) -> Self {
        Dialer { headers, ..self }
    }

    /// Offers these subprotocols, the preferred one first. A server that chooses none of them is
    /// an error then, as it is in browsers.
    pub fn with_subprotocols(self, subprotocols: Vec<Subprotocol>) -> Self {
        Dialer {
            subprotocols,
            ..self
        }
    }

    /// Finds hosts at these addresses, without looking them up.
    pub fn with_resolutions(self, resolutions: Vec<Resolution>) -> Self {
        Dialer {
            resolutions,
            ..self
        }
    }

    /// Goes through these proxies.
    pub fn with_proxies(self, proxies: Proxies) -> Self {
        Dialer { proxies, ..self }
    }

    /// How long each phase may take.
    pub fn phase_limit(&self) -> Duration {
        self.phase_limit
    }

    /// How it encrypts.
    pub fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    /// The proxy on the way to an address, if there is one.
    ///
    /// # Errors
    ///
    /// When there is to be one that cannot be used.
    pub fn proxy(&self, address: &Address) -> Result<Option<Proxy>, ProxyError> {
        self.proxies.on_the_way_to(address)
    }

    /// Where the host of an address is to be found without looking it up; empty if it is to be
    /// looked up.
    pub fn resolved(&self, address: &Address) -> Vec<SocketAddr> {
        Resolution::find(&self.resolutions, address)
    }

    /// Dials: looks up the host, connects, encrypts, and asks for the WebSocket. If there is a
    /// proxy on the way, it is looked up and connected to in place of the host, and asked for a
    /// tunnel with CONNECT, whether or not the connection is encrypted (RFC 6455 section 4.1).
    ///
    /// # Errors
    ///
    /// A [`DialError`] that names the phase, the address and the cause. Up to
    /// [`Phase::Tls`], the server has seen nothing of the URL's path.
    pub async fn dial(&self, address: &Address) -> Result<Dialed, DialError> {
        let route = self.proxy(address).map_err(|source| DialError::Proxy {
            authority: address.authority(),
            source,
        })?;
        let hop = Hop::first(address, route.as_ref());
        let mut resolved = self.resolved(address);
        let (addresses, dns) = if route.is_some() || resolved.is_empty() {
            self.look_up(&hop).await?
        } else {
            (std::mem::take(&mut resolved), None)
        };
        let ((peer, stream), tcp) = self.connect(&hop, addresses).await?;
        let kernel = TcpProbe::new(&stream);
        let (stream, proxy) = match &route {
            None => (stream, None),
            Some(proxy) => {
                let target = match resolved.first() {
                    // The proxy is not asked to look up what is known here.
                    Some(known) => known.to_string(),
                    None => address.authority(),
                };
                let (stream, took) = self.tunnel(address, stream, proxy, &target).await?;
                (stream, Some(took))
            }
        };
        let mut is_certificate_asked_for = false;
        let (stream, tls) = if address.is_secure() {
            let (encrypted, asked) = noting_requests(self.encrypt(address, stream)).await;
            is_certificate_asked_for = asked;
            let (stream, took) =
                encrypted.map_err(|error| error.with_certificate_asked_for(asked))?;
            (Either::Right(stream), Some(took))
        } else {
            (Either::Left(stream), None)
        };
        let upgraded = self.upgrade(address, stream).await;
        let (upgraded, upgrade) =
            upgraded.map_err(|error| error.with_certificate_asked_for(is_certificate_asked_for))?;

        let phases = Phases {
            dns,
            tcp,
            proxy,
            tls,
            upgrade,
        };
        let ms = |took: Duration| took.as_secs_f64() * 1e3;
        tracing::debug!(
            %address,
            %peer,
            proxy = route.as_ref().map(tracing::field::display),
            dns_ms = dns.map(ms),
            tcp_ms = ms(tcp),
            proxy_ms = proxy.map(ms),
            tls_ms = tls.map(ms),
            upgrade_ms = ms(upgrade),
            "connected"
        );
        Ok(Dialed {
            connection: upgraded.connection,
            peer,
            proxy: route,
            host: upgraded.host,
            subprotocol: upgraded.subprotocol,
            phases,
            kernel,
        })
    }

    async fn look_up(
        &self,
        hop: &Hop<'_>,
    ) -> Result<(Vec<SocketAddr>, Option<Duration>), DialError> {
        let port = hop.port;
        let name = match hop.host {
            Host::Ipv4(ip) => return Ok((vec![(ip, port).into()], None)),
            Host::Ipv6(ip) => return Ok((vec![(ip, port).into()], None)),
            Host::Domain(name) => name,
        };
        if is_localhost(name) {
            return Ok((loopback(port).into(), None));
        }
        let lookup = async { Ok(tokio::net::lookup_host((name, port)).await?.collect()) };
        let (found, took) = self.timed(Phase::Dns, &hop.shown, lookup).await?;
        let addresses: io::Result<Vec<SocketAddr>> = found;
        match addresses {
            Ok(addresses) => Ok((addresses, Some(took))),
            Err(source) => Err(DialError::Lookup {
                host: hop.looked_up.clone(),
                source,
            }),
        }
    }

    async fn connect(
        &self,
        hop: &Hop<'_>,
        addresses: Vec<SocketAddr>,
    ) -> Result<((SocketAddr, TcpStream), Duration), DialError> {
        let race = race(addresses, |address| async move {
            let stream = TcpStream::connect(address).await?;
            // Answers are small and wanted at once: not to be held back by Nagle's algorithm.
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        match self.timed(Phase::Tcp, &hop.shown, race).await? {
            (Ok(connected), took) => Ok((connected, took)),
            (Err(failures), _) => Err(DialError::Connect {
                authority: hop.shown.clone(),
                failures,
            }),
        }
    }

    async fn tunnel(
        &self,
        address: &Address,
        stream: TcpStream,
        proxy: &Proxy,
        target: &str,
    ) -> Result<(TcpStream, Duration), DialError> {
        let shown = format!("{} through the proxy {proxy}", address.authority());
        let asking = open_tunnel(stream, proxy, target);
        let (result, took) = self.timed(Phase::Proxy, &shown, asking).await?;
        let stream = result.map_err(|source| DialError::Tunnel {
            proxy: proxy.to_string(),
            authority: address.authority(),
            source,
        })?;
        Ok((stream, took))
    }

    async fn encrypt(
        &self,
        address: &Address,
        stream: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Duration), DialError> {
        let failed = |source| DialError::tls(address.authority(), source);
        let name = match address.host() {
            Host::Domain(name) => ServerName::try_from(name.to_owned())
                .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?,
            Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::from(ip)),
            Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::from(ip)),
        };
        let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream);
        let (result, took) = self
            .timed(Phase::Tls, &address.authority(), handshake)
            .await?;
        Ok((result.map_err(failed)?, took))
    }

    async fn upgrade(
        &self,
        address: &Address,
        stream: Transport,
    ) -> Result<(Upgraded, Duration), DialError> {
        let authority = address.authority();
        let handshake = async {
            let request = address.request_url().into_client_request();
            let mut request = request.map_err(UpgradeError::Request)?;
            add_headers(&self.headers, request.headers_mut());
            ask_for(&self.subprotocols, request.headers_mut());
            // Text: a URL's host is ASCII, and so is a header that was given.
            let host = request.headers().get(HOST).map(HeaderValue::to_str);
            let host = host.and_then(Result::ok).unwrap_or_default().to_owned();
            let (socket, subprotocol) =
                upgrade(stream, request, &self.subprotocols, Some(address.url())).await?;
            Ok((socket, host, subprotocol))
        };
        match self.timed(Phase::Upgrade, &authority, handshake).await? {
            (Ok((socket, host, subprotocol)), took) => {
                let connection = Connection::open(socket);
                let upgraded = Upgraded {
                    connection,
                    host,
                    subprotocol,
                };
                Ok((upgraded, took))
            }
            (Err(error), _) => {
                let encryption = if address.is_secure() {
                    Encryption::Tls
                } else {
                    Encryption::None
                };
                Err(DialError::upgrade(authority, encryption, error))
            }
        }
    }

    /// Awaits a phase within its time limit, and says how long it took.
    async fn timed<T>(
        &self,
        phase: Phase,
        whom: &str,
        work: impl Future<Output = T>,
    ) -> Result<(T, Duration), DialError> {
        let begun = clock::now();
        let done = tokio::time::timeout(self.phase_limit, work).await;
        let took = clock::now().saturating_duration_since(begun);
        match done {
            Ok(result) => Ok((result, took)),
            Err(_elapsed) => Err(DialError::TimedOut {
                phase,
                authority: whom.to_owned(),
                limit: self.phase_limit,
            }),
        }
    }
}

/// The addresses that names for this machine stand for.
pub(crate) fn loopback(port: u16) -> [SocketAddr; 2] {
    [
        (Ipv6Addr::LOCALHOST, port).into(),
        (Ipv4Addr::LOCALHOST, port).into(),
    ]
}

impl<'a> Hop<'a> {
    fn first(address: &'a Address, proxy: Option<&'a Proxy>) -> Self {
        match proxy {
            Some(proxy) => Hop {
                host: proxy.host(),
                port: proxy.port(),
                shown: format!("the proxy {proxy}"),
                looked_up: format!("the proxy {proxy}"),
            },
            None => Hop {
                host: address.host(),
                port: address.port(),
                shown: address.authority(),
                looked_up: address.host().to_string(),
            },
        }
    }
}
