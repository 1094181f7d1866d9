use std::time::Duration;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, SEC_WEBSOCKET_ACCEPT, TRANSFER_ENCODING,
    UPGRADE,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tungstenite::error::{Error, ProtocolError, SubProtocolError};
use tungstenite::handshake::client::{Request, Response, generate_request};
use tungstenite::handshake::derive_accept_key;
use tungstenite::handshake::machine::TryParse;
use tungstenite::http::StatusCode;
use tungstenite::protocol::Role;

use super::Subprotocol;
use super::connection::websocket_config;
use super::headers::chosen;

/// The longest head of an answer that is read: as much as the common web servers send at the most.
const HEAD_LIMIT: usize = 16 * 1024;

/// How much is read of what comes with a refusal.
pub(super) const BODY_LIMIT: usize = 4 * 1024;

/// How long it is waited for: the status alone is worth telling.
pub(super) const BODY_PATIENCE: Duration = Duration::from_secs(1);

/// Asks for a WebSocket, and checks the answer (RFC 6455 section 4.1).
///
/// The handshake of the library would do, were it not for its answers to those who speak HTTP but
/// not WebSocket: it takes HTTP/1.0 for a violation, and shows of a body what came in one piece
/// with its head.
///
/// # Errors
///
/// Those of the library's handshake. [`Error::Http`] holds the beginning of the body.
pub(super) async fn upgrade<S>(
    mut stream: S,
    request: Request,
    offered: &[Subprotocol],
) -> Result<(WebSocketStream<S>, Option<String>), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (request, key) = generate_request(request)?;
    stream.write_all(&request).await?;
    stream.flush().await?;

    let (version, mut response, rest) = read_head(&mut stream).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let body = read_body(&mut stream, response.headers(), rest).await;
        *response.body_mut() = Some(body);
        return Err(Error::Http(response.into()));
    }
    if version == Version::Old {
        return Err(ProtocolError::WrongHttpVersion.into());
    }
    let subprotocol = verify(response.headers(), &key, offered)?;
    let config = Some(websocket_config());
    let socket = WebSocketStream::from_partially_read(stream, rest, Role::Client, config).await;
    Ok((socket, subprotocol))
}

/// The version of HTTP that an answer is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// 1.1.
    Current,
    /// 1.0, in which there is no upgrade, but there are refusals.
    Old,
}

/// Reads the head of an answer, and maybe something of what follows it.
async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<(Version, Response, Vec<u8>), Error> {
    let mut read = Vec::new();
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Err(ProtocolError::HandshakeIncomplete.into());
        }
        let mut version = Version::Current;
        // The parser refuses to read further than this digit.
        if let Some(digit) = read.strip_prefix(b"HTTP/1.").and_then(<[u8]>::first)
            && *digit == b'0'
        {
            version = Version::Old;
            read[b"HTTP/1.".len()] = b'1';
        }
        if let Some((length, response)) = Response::try_parse(&read)? {
            let rest = read.split_off(length);
            return Ok((version, response, rest));
        }
        if version == Version::Old {
            read[b"HTTP/1.".len()] = b'0';
        }
        if read.len() > HEAD_LIMIT {
            return Err(Error::AttackAttempt);
        }
    }
}

/// Reads what comes of a body soon enough, and puts its chunks together.
async fn read_body(
    stream: &mut (impl AsyncRead + Unpin),
    headers: &HeaderMap,
    mut read: Vec<u8>,
) -> Vec<u8> {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let is_chunked = lists(headers, &TRANSFER_ENCODING, "chunked");
    let wanted = match length {
        Some(length) if !is_chunked => BODY_LIMIT.min(length),
        _ => BODY_LIMIT,
    };
    let is_whole = |read: &[u8]| {
        let is_last_chunk = is_chunked && read.ends_with(b"0\r\n\r\n");
        read.len() >= wanted || is_last_chunk
    };
    let reading = async {
        while !is_whole(&read)
            && let Ok(1..) = stream.read_buf(&mut read).await
        {}
    };
    // Too late or not, what has been read is there.
    let _ = tokio::time::timeout(BODY_PATIENCE, reading).await;
    if is_chunked { unchunked(&read) } else { read }
}

/// The data of chunks (RFC 9112 section 7.1), as far as they make sense.
fn unchunked(mut chunks: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    while let Some(end) = chunks.windows(2).position(|pair| pair == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).unwrap_or_default();
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size @ 1..) = usize::from_str_radix(size, 16) else {
            break;
        };
        let rest = &chunks[end + 2..];
        data.extend_from_slice(&rest[..size.min(rest.len())]);
        // The line end behind the data.
        chunks = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    data
}

/// Checks an answer that grants the upgrade, and gives the subprotocol that it chooses.
fn verify(
    headers: &HeaderMap,
    key: &str,
    offered: &[Subprotocol],
) -> Result<Option<String>, ProtocolError> {
    if !lists(headers, &UPGRADE, "websocket") {
        return Err(ProtocolError::MissingUpgradeWebSocketHeader);
    }
    if !lists(headers, &CONNECTION, "upgrade") {
        return Err(ProtocolError::MissingConnectionUpgradeHeader);
    }
    let accept = headers.get(SEC_WEBSOCKET_ACCEPT);
    if accept.is_none_or(|accept| *accept != derive_accept_key(key.as_bytes())) {
        return Err(ProtocolError::SecWebSocketAcceptKeyMismatch);
    }
    let chosen = chosen(headers);
    let wrong = match &chosen {
        None if offered.is_empty() => return Ok(None),
        // The RFC lets a server choose none; browsers do not (WHATWG, The WebSocket protocol).
        None => SubProtocolError::NoSubProtocol,
        Some(_) if offered.is_empty() => SubProtocolError::ServerSentSubProtocolNoneRequested,
        Some(name) if offered.iter().any(|it| it.to_string() == *name) => return Ok(chosen),
        Some(_) => SubProtocolError::InvalidSubProtocol,
    };
    Err(ProtocolError::SecWebSocketSubProtocolError(wrong))
}

/// Whether a header lists a word.
pub(super) fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter();
    let mut words = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    words.any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;

    use super::*;

    /// What comes of these pieces of an answer, after which the server waits.
    async fn answered(pieces: &[&str]) -> Error {
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
            result = upgrade(client, request, &[]) => result.map(drop).unwrap_err(),
            () = answering => unreachable!("the server waits"),
        }
    }

    async fn body(pieces: &[&str]) -> (u16, String) {
        let Error::Http(response) = answered(pieces).await else {
            panic!("{pieces:?}");
        };
        let body = response.body().clone().unwrap();
        (response.status().as_u16(), String::from_utf8(body).unwrap())
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
        assert_eq!(body(&pieces).await, (404, "not here!".to_owned()));
        let chunked = [
            "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n",
            "4\r\nnot ",
            "\r\n5;x=y\r\nhere!\r\n0\r\n\r\n",
        ];
        assert_eq!(body(&chunked).await, (403, "not here!".to_owned()));
        // Until nothing more comes.
        let endless = ["HTTP/1.1 500 Oh\r\n\r\n", "help"];
        assert_eq!(body(&endless).await, (500, "help".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_answer_to_an_upgrade_is_an_error() {
        let old = answered(&["HTTP/1.0 101 Switching\r\n\r\n"]).await;
        assert!(matches!(
            old,
            Error::Protocol(ProtocolError::WrongHttpVersion)
        ));
        let bare = answered(&["HTTP/1.1 101 Switching\r\n\r\n"]).await;
        let bare = matches!(
            bare,
            Error::Protocol(ProtocolError::MissingUpgradeWebSocketHeader)
        );
        assert!(bare);
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(2 * HEAD_LIMIT));
        assert!(matches!(answered(&[&long]).await, Error::AttackAttempt));
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
        let mismatch = ProtocolError::SecWebSocketAcceptKeyMismatch;
        assert_eq!(verify(&with(None), "another", &[]), Err(mismatch));
        let mut headers = with(None);
        headers.remove(CONNECTION);
        let missing = ProtocolError::MissingConnectionUpgradeHeader;
        assert_eq!(verify(&headers, key, &[]), Err(missing));
    }

    #[test]
    fn chunks_that_make_no_sense_end_the_body() {
        assert_eq!(unchunked(b"3\r\nabc\r\nzz\r\nd"), b"abc");
        assert_eq!(unchunked(b"ffffffffffffffff\r\nabc"), b"abc");
        assert_eq!(unchunked(b"\r\n"), b"");
        assert_eq!(unchunked(b"5"), b"");
    }
}
