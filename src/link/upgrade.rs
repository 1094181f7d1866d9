use hyper::StatusCode;
use hyper::header::{
    CONNECTION, HeaderMap, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, UPGRADE,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tungstenite::error::{ProtocolError, SubProtocolError};
use tungstenite::handshake::client::{Request, generate_request};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::Role;
use url::Url;

use super::answer::{AnswerError, Version, lists, read_body, read_head};
use super::connection::socket;
use super::headers::chosen;
use super::watched::Watched;
use super::{Excerpt, Refusal, Subprotocol};

/// Why there is no WebSocket.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpgradeError {
    /// The request cannot be made.
    #[error("the request cannot be made: {0}")]
    Request(#[from] tungstenite::Error),
    /// There is no answer.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The answer is another than 101.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The answer is 101, and breaks RFC 6455.
    #[error("{0}")]
    Wrong(String),
}

/// Asks for a WebSocket, and checks the answer (RFC 6455 section 4.1). An answer that redirects is
/// read as one from this URL.
///
/// The handshake of the library would do, were it not for its answers to those who speak HTTP but
/// not WebSocket: it takes HTTP/1.0 for a violation, an interim answer for the final one, and shows of
/// a body what came in one piece with its head.
///
/// # Errors
///
/// When there is no answer, or none that grants the upgrade as it was asked for.
pub(super) async fn upgrade<S>(
    mut stream: S,
    request: Request,
    offered: &[Subprotocol],
    url: Option<&Url>,
) -> Result<(WebSocketStream<Watched<S>>, Option<String>), UpgradeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (request, key) = generate_request(request)?;
    let asked = async {
        stream.write_all(&request).await?;
        stream.flush().await
    };
    asked.await.map_err(AnswerError::Lost)?;

    let (head, rest) = read_head(&mut stream).await?;
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        let body = read_body(&mut stream, &head.headers, rest).await;
        let refusal = Refusal::new(head.status, &head.headers, &body, url);
        return Err(UpgradeError::Refused(Box::new(refusal)));
    }
    if head.version == Version::Old {
        return Err(UpgradeError::Wrong(
            ProtocolError::WrongHttpVersion.to_string(),
        ));
    }
    let subprotocol = verify(&head.headers, &key, offered).map_err(UpgradeError::Wrong)?;
    let socket = socket(stream, rest, Role::Client).await;
    Ok((socket, subprotocol))
}

/// Checks an answer that grants the upgrade, and gives the subprotocol that it chooses, or what is
/// wrong with it.
fn verify(
    headers: &HeaderMap,
    key: &str,
    offered: &[Subprotocol],
) -> Result<Option<String>, String> {
    if !lists(headers, &UPGRADE, "websocket") {
        return Err(ProtocolError::MissingUpgradeWebSocketHeader.to_string());
    }
    if !lists(headers, &CONNECTION, "upgrade") {
        return Err(ProtocolError::MissingConnectionUpgradeHeader.to_string());
    }
    let accept = headers.get(SEC_WEBSOCKET_ACCEPT);
    if accept.is_none_or(|accept| *accept != derive_accept_key(key.as_bytes())) {
        return Err(ProtocolError::SecWebSocketAcceptKeyMismatch.to_string());
    }
    // None is ever offered (RFC 6455 section 4.1, item 5 of what is checked).
    if let Some(extension) = headers.get(SEC_WEBSOCKET_EXTENSIONS) {
        let extension = Excerpt::of(&String::from_utf8_lossy(extension.as_bytes()));
        return Err(format!(
            "it chose an extension that it was not offered{extension}"
        ));
    }
    let chosen = chosen(headers);
    let wrong = match &chosen {
        None if offered.is_empty() => return Ok(None),
        // The RFC lets a server choose none; browsers do not (WHATWG, The WebSocket protocol).
        None => "it chose none of the subprotocols that it was offered".to_owned(),
        Some(_) if offered.is_empty() => {
            let error = SubProtocolError::ServerSentSubProtocolNoneRequested;
            ProtocolError::SecWebSocketSubProtocolError(error).to_string()
        }
        Some(name) if offered.iter().any(|it| it.to_string() == *name) => return Ok(chosen),
        Some(_) => "it chose a subprotocol that it was not offered".to_owned(),
    };
    Err(wrong)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;

    use super::*;

    /// What comes of these pieces of an answer, after which the server waits.
    async fn answered(pieces: &[&str]) -> UpgradeError {
        let (client, mut server) = tokio::io::duplex(64 * 1024);
        let request = "ws://example.org/".into_client_request().unwrap();
        let answering = async {
            let mut request = [0; 64];
            server.read_exact(&mut request).await.unwrap();
            for piece in pieces {
                server.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            result = upgrade(client, request, &[], None) => result.map(drop).unwrap_err(),
            () = answering => unreachable!("the server waits"),
        }
    }

    async fn body(pieces: &[&str]) -> String {
        match answered(pieces).await {
            UpgradeError::Refused(refusal) => refusal.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_read_in_whichever_pieces_it_comes() {
        let pieces = [
            "HTTP/1.",
            "0 404 File not found\r\nServer: x\r\n",
            "Content-Length: 9\r\n\r\n",
            "not ",
            "here!",
        ];
        assert_eq!(body(&pieces).await, "404 Not Found: not here!");
        let chunked = [
            "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n",
            "4\r\nnot ",
            "\r\n5;x=y\r\nhere!\r\n0\r\n\r\n",
        ];
        assert_eq!(body(&chunked).await, "403 Forbidden: not here!");
        // Until nothing more comes.
        let endless = ["HTTP/1.1 500 Oh\r\n\r\n", "help"];
        assert_eq!(body(&endless).await, "500 Internal Server Error: help");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_answer_to_an_upgrade_is_an_error() {
        let wrong = async |answer: &str| match answered(&[answer]).await {
            UpgradeError::Wrong(reason) => reason,
            other => panic!("{other:?}"),
        };
        let old = wrong("HTTP/1.0 101 Switching\r\n\r\n").await;
        assert!(old.contains("HTTP version"), "{old}");
        let bare = wrong("HTTP/1.1 101 Switching\r\n\r\n").await;
        assert!(bare.contains("Upgrade: websocket"), "{bare}");
    }

    #[test]
    fn an_answer_is_checked_as_the_rfc_says() {
        // The key and its answer are those of RFC 6455 section 1.3.
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let with = |chosen: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(UPGRADE, "WebSocket".parse().unwrap());
            headers.insert(CONNECTION, "keep-alive, Upgrade".parse().unwrap());
            let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".parse().unwrap();
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
            if let Some(name) = chosen {
                headers.insert("Sec-WebSocket-Protocol", name.parse().unwrap());
            }
            headers
        };
        let offered = ["a", "b"].map(|name| name.parse().unwrap());
        assert_eq!(verify(&with(None), key, &[]), Ok(None));
        assert_eq!(
            verify(&with(Some("b")), key, &offered),
            Ok(Some("b".to_owned()))
        );
        assert!(verify(&with(Some("c")), key, &offered).is_err());
        assert!(verify(&with(None), key, &offered).is_err());
        assert!(verify(&with(Some("a")), key, &[]).is_err());
        let mismatch = ProtocolError::SecWebSocketAcceptKeyMismatch.to_string();
        assert_eq!(verify(&with(None), "another", &[]), Err(mismatch));
        let mut headers = with(None);
        let extension = "permessage-deflate; client_max_window_bits=15";
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, extension.parse().unwrap());
        let unoffered = verify(&headers, key, &[]).unwrap_err();
        assert!(unoffered.contains(extension), "{unoffered}");
        let mut headers = with(None);
        headers.remove(CONNECTION);
        let missing = ProtocolError::MissingConnectionUpgradeHeader.to_string();
        assert_eq!(verify(&headers, key, &[]), Err(missing));
    }
}
