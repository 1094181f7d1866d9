use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, PROXY_AUTHORIZATION};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use super::upgrade::{BODY_LIMIT, BODY_PATIENCE};
use super::{Excerpt, Proxy};

/// Why a proxy gave no tunnel.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// It answered with another status than a success.
    #[error("it refused the tunnel: {status}{body}")]
    Refused {
        /// The status and its name.
        status: StatusCode,
        /// What came with it.
        body: Excerpt,
    },
    /// Its answer breaks HTTP.
    #[error("it answered wrongly: {0}")]
    Wrong(String),
    /// The connection was lost.
    #[error("{0}")]
    Dropped(io::Error),
}

impl From<hyper::Error> for TunnelError {
    fn from(error: hyper::Error) -> Self {
        if error.is_parse() {
            return TunnelError::Wrong(error.to_string());
        }
        let cause = std::error::Error::source(&error).and_then(|it| it.downcast_ref::<io::Error>());
        TunnelError::Dropped(match cause {
            Some(cause) => io::Error::new(cause.kind(), cause.to_string()),
            None => io::Error::new(io::ErrorKind::UnexpectedEof, error.to_string()),
        })
    }
}

/// Asks a proxy for a tunnel to a host and port (RFC 9110 section 9.3.6), and gives the connection
/// back, which leads there from now on.
pub(super) async fn open_tunnel(
    stream: TcpStream,
    proxy: &Proxy,
    target: &str,
) -> Result<TcpStream, TunnelError> {
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(target)
        .header(HOST, target);
    if let Some(authorization) = proxy.authorization() {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    let request = request.body(String::new()).map_err(|error| {
        TunnelError::Dropped(io::Error::new(io::ErrorKind::InvalidInput, error))
    })?;

    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // The task ends with the upgrade, or else with this function.
    let _driving = AbortOnDropHandle::new(tokio::spawn(connection.with_upgrades()));
    let response = sender.send_request(request).await?;
    let status = response.status();
    if !status.is_success() {
        let body = beginning(response.into_body()).await;
        let body = Excerpt::of(&String::from_utf8_lossy(&body));
        return Err(TunnelError::Refused { status, body });
    }
    let upgraded = hyper::upgrade::on(response).await?;
    // The type is that of the stream that the connection was made of.
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        return Err(TunnelError::Wrong(
            "the connection was not handed back".to_owned(),
        ));
    };
    // Nobody at the other end of the tunnel speaks before it is spoken to.
    if !parts.read_buf.is_empty() {
        let reason = "something came through the tunnel before it was used".to_owned();
        return Err(TunnelError::Wrong(reason));
    }
    Ok(parts.io.into_inner())
}

/// What comes of a body soon enough.
async fn beginning(mut body: Incoming) -> Vec<u8> {
    let mut read = Vec::new();
    let reading = async {
        while read.len() < BODY_LIMIT
            && let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
        {
            if let Ok(data) = frame.into_data() {
                read.extend_from_slice(&data);
            }
        }
    };
    // Too late or not, what has been read is there.
    let _ = tokio::time::timeout(BODY_PATIENCE, reading).await;
    read
}
