use std::io;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::answer::{AnswerError, read_body, read_head};
use super::{Proxy, Refusal};

/// Why a proxy gave no tunnel.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// It answered with another status than a success.
    #[error("it refused the tunnel: {0}")]
    Refused(Box<Refusal>),
    /// Its answer breaks HTTP.
    #[error("it answered wrongly: {0}")]
    Wrong(String),
    /// The connection was lost.
    #[error("{0}")]
    Dropped(io::Error),
}

impl From<AnswerError> for TunnelError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Lost(error) => TunnelError::Dropped(error),
            AnswerError::NoHttp(_) | AnswerError::TooLong => TunnelError::Wrong(error.to_string()),
        }
    }
}

/// Asks a proxy for a tunnel to a host and port (RFC 9110 section 9.3.6), and gives the connection
/// back, which leads there from now on. Any 2xx grants it, and none has a body.
pub(super) async fn open_tunnel(
    mut stream: TcpStream,
    proxy: &Proxy,
    target: &str,
) -> Result<TcpStream, TunnelError> {
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let asked = stream.write_all(&request).await;
    asked.map_err(TunnelError::Dropped)?;

    let (head, rest) = read_head(&mut stream).await?;
    if !head.status.is_success() {
        let body = read_body(&mut stream, &head.headers, rest).await;
        let refusal = Refusal::new(head.status, &head.headers, &body, None);
        return Err(TunnelError::Refused(Box::new(refusal)));
    }
    // Nobody at the other end of the tunnel speaks before it is spoken to.
    if !rest.is_empty() {
        let reason = "something came through the tunnel before it was used".to_owned();
        return Err(TunnelError::Wrong(reason));
    }
    Ok(stream)
}
