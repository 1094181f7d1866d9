use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::answer::{error, for_this_moment};
use super::hub::{Hub, Peer};
use super::occupancy::{Entry, Full, Place};
use super::routes::routes;
use super::write_limit::WriteLimit;
use crate::link::{Seldom, clock};

/// How long a request may take over its answer.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// How long a request that is under way may still take once the server has been told to stop.
const LAST_REQUEST_LIMIT: Duration = Duration::from_secs(1);

/// How long a client that there is no room for has to ask for something, and to be told so.
const TURNING_AWAY_LIMIT: Duration = Duration::from_secs(2);

/// How long to wait when no connection can be accepted, for want of file descriptors perhaps.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Accepts connections until the hub is told to stop.
pub(super) async fn accept(listener: TcpListener, hub: Arc<Hub>) {
    let routes = routes(hub.clone());
    let mut stop = hub.stop.clone();
    let (failing, turning_away) = (Seldom::new(), Seldom::new());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Beats are small and wanted at once: not to be held back by Nagle's algorithm.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "TCP_NODELAY cannot be set");
                    }
                    let local = match stream.local_addr() {
                        Ok(local) => local,
                        Err(error) => {
                            tracing::debug!(%peer, %error, "a connection has gone at once");
                            continue;
                        }
                    };
                    // Whom the requests of a proxy come from, they say themselves.
                    let site = (!hub.proxies.include(peer)).then(|| peer.ip().into());
                    let entry = hub.occupancy.enter(site);
                    if let Entry::TurnedAway(full, _) | Entry::Dropped(full) = &entry {
                        tracing::debug!(%peer, ?full, "there is no room for a connection");
                        if let Some(times) = turning_away.happens(clock::now()) {
                            tracing::warn!(times, "connections are turned away: there are too many");
                        }
                    }
                    let peer = Peer {
                        remote: peer,
                        local,
                    };
                    match entry {
                        Entry::Admitted(place) => {
                            let visitor = Visitor::new(peer, place, routes.clone(), &hub);
                            visitor.receive(stream, None, &hub);
                        }
                        Entry::TurnedAway(full, place) => {
                            let visitor = Visitor::new(peer, place, no_room(full), &hub);
                            visitor.receive(stream, Some(TURNING_AWAY_LIMIT), &hub);
                        }
                        Entry::Dropped(_) => {}
                    }
                }
                Err(error) => {
                    // It fails over and over until some connection ends.
                    if let Some(times) = failing.happens(clock::now()) {
                        tracing::warn!(times, %error, "no connection can be accepted for now");
                    }
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            },
            _ = stop.requested() => return,
        }
    }
}

/// Answers every request with the reason why there is no room, and hangs up.
fn no_room(full: Full) -> Router {
    Router::new().fallback(async move || {
        let mut answer = error(StatusCode::SERVICE_UNAVAILABLE, &full.to_string());
        let headers = answer.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    })
}

/// A client whose connection has been accepted.
struct Visitor {
    peer: Peer,
    /// Taken up until all is over that goes on for it.
    place: Place,
    /// What answers its requests.
    routes: Router,
    /// By when the first of them has to be there.
    deadline: Instant,
}

impl Visitor {
    fn new(peer: Peer, place: Place, routes: Router, hub: &Hub) -> Self {
        Visitor {
            peer,
            place,
            routes,
            deadline: Instant::from_std(clock::now() + hub.handshake),
        }
    }

    /// Deals with its connection, in the background and for no longer than the limit.
    fn receive(self, stream: TcpStream, limit: Option<Duration>, hub: &Arc<Hub>) {
        match &hub.emulation {
            None => spawn(limit, self.attend(stream, Arc::clone(hub)), hub),
            Some(emulation) => {
                let (stream, carrying) = emulation.between(stream);
                let place = self.place.clone();
                hub.spawn(async move {
                    carrying.await;
                    drop(place);
                });
                spawn(limit, self.attend(stream, Arc::clone(hub)), hub);
            }
        }
    }

    /// Decrypts its connection if need be, and answers its requests.
    async fn attend<S>(self, stream: S, hub: Arc<Hub>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match &hub.tls {
            None => self.serve(stream, &hub).await,
            Some(acceptor) => {
                if let Some(stream) = self.shake_hands(acceptor, stream, &hub).await {
                    self.serve(stream, &hub).await;
                }
            }
        }
    }

    /// Does the TLS handshake, unless there is no time for it.
    async fn shake_hands<S>(
        &self,
        acceptor: &TlsAcceptor,
        stream: S,
        hub: &Hub,
    ) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut stop = hub.stop.clone();
        let accepted = tokio::select! {
            accepted = timeout_at(self.deadline, acceptor.accept(stream)) => accepted,
            _ = stop.requested() => return None,
        };
        match accepted {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(peer = %self.peer.remote, %error, "a TLS handshake failed");
            }
            Err(_elapsed) => {
                tracing::debug!(peer = %self.peer.remote, "a TLS handshake took too long");
            }
        }
        None
    }

    /// Answers the requests of its connection.
    async fn serve<S>(self, stream: S, hub: &Hub)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Visitor { peer, place, .. } = self;
        let routes = TowerToHyperService::new(self.routes);
        let heard = Notify::new();
        let service = service_fn(|mut request: Request<Incoming>| {
            heard.notify_one();
            let answering = arrive(&mut request, peer, &place, hub).map(|()| routes.call(request));
            async move {
                let answering = match answering {
                    Ok(answering) => answering,
                    Err(full) => {
                        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
                        return Ok(for_this_moment(error(unavailable, &full.to_string())));
                    }
                };
                let answer = timeout(REQUEST_LIMIT, answering).await;
                let answer: Response<Body> = match answer {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(never)) => match never {},
                    Err(_elapsed) => error(
                        StatusCode::REQUEST_TIMEOUT,
                        "the request or its answer took too long; try again later",
                    ),
                };
                Ok::<_, Infallible>(for_this_moment(answer))
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(hub.handshake)
            .serve_connection(TokioIo::new(WriteLimit::new(stream)), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let mut stop = hub.stop.clone();
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            // The limit above begins anew with each head; what came before the first one counts, too.
            Err(_elapsed) = timeout_at(self.deadline, heard.notified()) => {
                tracing::debug!(peer = %peer.remote, "the first request took too long");
                return;
            }
            _ = stop.requested() => {
                connection.as_mut().graceful_shutdown();
                let last = timeout(LAST_REQUEST_LIMIT, connection).await;
                last.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %peer.remote, %error, "a connection failed");
        }
    }
}

/// Puts on a request whom it comes from, and the place that it takes up: its connection's or, if a
/// proxy passes it on, that of the client besides.
fn arrive(
    request: &mut Request<Incoming>,
    peer: Peer,
    place: &Place,
    hub: &Hub,
) -> Result<(), Full> {
    let (mut peer, mut place, proxy) = (peer, place.clone(), peer.remote);
    if hub.proxies.include(proxy) {
        peer.remote = hub.proxies.client(proxy, request.headers());
        // A proxy that says nothing of others speaks for itself, as a probe for its health does.
        if peer.remote != proxy {
            let site = peer.remote.ip().into();
            place = hub.occupancy.enter_behind(site)?.on(&place);
        }
    }
    request.extensions_mut().insert(peer);
    request.extensions_mut().insert(place);
    Ok(())
}

/// Has work done in the background, for no longer than the limit.
fn spawn(limit: Option<Duration>, work: impl Future<Output = ()> + Send + 'static, hub: &Hub) {
    match limit {
        None => hub.spawn(work),
        Some(limit) => hub.spawn(async move {
            if timeout(limit, work).await.is_err() {
                tracing::debug!("a connection that there is no room for asked for nothing in time");
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use rustls::pki_types::ServerName;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::runtime;
    use tokio::time::sleep;
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::link::{Stop, Trust, client_config};
    use crate::server::{ConnectionLimits, Settings, Tls};

    const LIMIT: Duration = Duration::from_secs(10);
    const SECOND: Duration = Duration::from_secs(1);

    /// A hub whose clients have to speak TLS.
    fn hub_with_tls() -> Arc<Hub> {
        let localhost = [127, 0, 0, 1];
        // The file of the authority is planned, and never written.
        let file = std::env::temp_dir().join("wsbeat-no-such-file.pem");
        let settings = Settings {
            connections: ConnectionLimits {
                handshake: LIMIT,
                ..ConnectionLimits::default()
            },
            tls: Some(Tls::self_signed(localhost.into(), clock::wall(), file).unwrap()),
            ..Settings::new((localhost, 0).into(), NonZeroU32::MIN, 1, [1; 32])
        };
        let (_stopper, stop) = Stop::channel();
        Arc::new(Hub::new(settings, stop, Box::new(|_| {})))
    }

    /// Whether a client that shakes hands after a while, and asks for something after another, gets
    /// its answer.
    async fn is_answered(before_tls: Duration, before_request: Duration) -> bool {
        let hub = hub_with_tls();
        let (near, far) = duplex(64 * 1024);
        let peer = Peer {
            remote: ([127, 0, 0, 1], 4711).into(),
            local: ([127, 0, 0, 1], 8765).into(),
        };
        let Entry::Admitted(place) = hub.occupancy.enter(None) else {
            panic!("there is room");
        };
        let visitor = Visitor::new(peer, place, routes(hub.clone()), &hub);
        let attending = visitor.attend(near, hub);
        let asking = async {
            sleep(before_tls).await;
            let connector = TlsConnector::from(client_config(&Trust::Anyone).unwrap());
            let name = ServerName::try_from("localhost").unwrap();
            let Ok(mut stream) = connector.connect(name, far).await else {
                return false;
            };
            sleep(before_request).await;
            let request =
                b"GET /clients HTTP/1.1\r\nHost: localhost:8765\r\nConnection: close\r\n\r\n";
            let mut answer = Vec::new();
            // Whether it cannot be written or is not answered is all the same.
            let _ = stream.write_all(request).await;
            let _ = stream.read_to_end(&mut answer).await;
            answer.starts_with(b"HTTP/1.1 200")
        };
        tokio::join!(attending, asking).1
    }

    #[test]
    fn the_time_for_a_handshake_is_that_of_tls_and_the_first_request_together() {
        for (before_tls, before_request, expected) in [
            (Duration::ZERO, Duration::ZERO, true),
            (LIMIT - SECOND, Duration::ZERO, true),
            (Duration::ZERO, LIMIT - SECOND, true),
            (LIMIT + SECOND, Duration::ZERO, false),
            (Duration::ZERO, LIMIT + SECOND, false),
            // Neither takes too long, but both together do.
            (LIMIT - SECOND, 2 * SECOND, false),
        ] {
            // Another runtime each time: deadlines are reckoned from the real time, which stands
            // still while that of a runtime goes on.
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
                .unwrap();
            let answered = runtime.block_on(is_answered(before_tls, before_request));
            assert_eq!(answered, expected, "{before_tls:?}, {before_request:?}");
        }
    }
}
