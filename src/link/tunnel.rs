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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::link::Proxies;

    /// What comes through a tunnel that a proxy grants with this head.
    async fn heard(head: &str) -> Result<String, TunnelError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let value_of =
            |name: &str| (name == "HTTP_PROXY").then(|| format!("http://me:pw@{address}"));
        let to = "ws://server.invalid:8080".parse().unwrap();
        let proxy = Proxies::from_variables(value_of).on_the_way_to(&to);
        let proxy = proxy.unwrap().unwrap();
        let granting = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut asked).await.unwrap();
            }
            stream.write_all(head.as_bytes()).await.unwrap();
            // Not before the tunnel is used.
            stream.read_u8().await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            String::from_utf8(asked).unwrap()
        };
        let using = async {
            let stream = TcpStream::connect(address).await.unwrap();
            let mut tunnel = open_tunnel(stream, &proxy, "server.invalid:8080").await?;
            tunnel.write_all(b"?").await.unwrap();
            let mut said = String::new();
            tunnel.read_to_string(&mut said).await.unwrap();
            Ok(said)
        };
        let (asked, said) = tokio::join!(granting, using);
        assert_eq!(
            asked,
            "CONNECT server.invalid:8080 HTTP/1.1\r\nHost: server.invalid:8080\r\n\
             Proxy-Authorization: Basic bWU6cHc=\r\n\r\n"
        );
        said
    }

    #[tokio::test]
    async fn any_success_grants_a_tunnel_however_it_is_written() {
        let many = "X: y\r\n".repeat(200);
        for head in [
            "HTTP/1.1 200 Connection established\r\n\r\n",
            "HTTP/1.0 200 OK\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            // The length of a body that there is none of (RFC 9110 section 9.3.6).
            "HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 Fine\r\nVia: a,\r\n b\r\n\r\n",
            &format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
        ] {
            assert_eq!(heard(head).await.unwrap(), "hello", "{head}");
        }
    }
}
