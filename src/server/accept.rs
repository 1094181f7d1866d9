use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use super::hub::{Hub, Peer};
use super::routes::routes;

/// How long a client may take over the head of a request, and a request over its answer.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// How long a request that is under way may still take once the server has been told to stop.
const LAST_REQUEST_LIMIT: Duration = Duration::from_secs(1);

/// How long to wait when no connection can be accepted, for want of file descriptors perhaps.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Accepts connections until the hub is told to stop.
pub(super) async fn accept(listener: TcpListener, hub: Arc<Hub>) {
    let routes = routes(hub.clone());
    let mut stop = hub.stop.clone();
    let mut is_failing = false;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    is_failing = false;
                    // Beats are small and wanted at once: not to be held back by Nagle's algorithm.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "TCP_NODELAY cannot be set");
                    }
                    let (peer, routes) = (Peer(peer), routes.clone());
                    match &hub.emulation {
                        None => hub.spawn(serve(stream, peer, routes, hub.clone())),
                        Some(emulation) => {
                            let (stream, carrying) = emulation.between(stream);
                            hub.spawn(carrying);
                            hub.spawn(serve(stream, peer, routes, hub.clone()));
                        }
                    }
                }
                Err(error) => {
                    // It fails over and over until some connection ends: once is enough to know.
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::warn!(%error, "no connection can be accepted for now");
                    }
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            },
            _ = stop.requested() => return,
        }
    }
}

/// Answers the requests of one connection.
async fn serve<S>(stream: S, peer: Peer, routes: Router, hub: Arc<Hub>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let answering = routes.call(request);
        async move {
            let answer = tokio::time::timeout(REQUEST_LIMIT, answering).await;
            let answer: Response<Body> = match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(never)) => match never {},
                Err(_elapsed) => StatusCode::REQUEST_TIMEOUT.into_response(),
            };
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_LIMIT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let mut stop = hub.stop.clone();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.requested() => {
            connection.as_mut().graceful_shutdown();
            let last = tokio::time::timeout(LAST_REQUEST_LIMIT, connection).await;
            last.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %peer.0, %error, "a connection failed");
    }
}
