use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Connection;
use super::answer::lists;

/// A WebSocket whose upgrade has been granted and whose answer is on its way to the client.
#[derive(Debug)]
pub struct Upgrading(hyper::upgrade::OnUpgrade);

/// Why an upgrade is not granted (RFC 6455 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeRefused {
    /// Item 1.
    #[error("a WebSocket is asked for with GET")]
    Method,
    /// Item 1, too.
    #[error("a WebSocket is asked for with HTTP/1.1")]
    HttpVersion,
    /// Items 3 and 4.
    #[error(
        "here is a WebSocket: ask with the headers Connection: Upgrade and Upgrade: websocket, as \
         WebSocket clients do"
    )]
    NotAsked,
    /// Item 6.
    #[error("the header Sec-WebSocket-Version has to be there once, and to say 13")]
    Version,
    /// Item 6, of a request that says several things.
    #[error("the header Sec-WebSocket-Version is there more than once")]
    Versions,
    /// Item 5.
    #[error("the header Sec-WebSocket-Key has to be there once, with 16 bytes in Base64")]
    Key,
}

impl UpgradeRefused {
    /// The status to answer with. What would be welcome instead goes with 426 (RFC 9110 section
    /// 15.5.22).
    pub fn status(self) -> StatusCode {
        match self {
            UpgradeRefused::Method => StatusCode::METHOD_NOT_ALLOWED,
            UpgradeRefused::HttpVersion | UpgradeRefused::NotAsked | UpgradeRefused::Version => {
                StatusCode::UPGRADE_REQUIRED
            }
            UpgradeRefused::Versions | UpgradeRefused::Key => StatusCode::BAD_REQUEST,
        }
    }
}

/// Grants the WebSocket upgrade that an HTTP request asks for (RFC 6455 section 4.2): gives the
/// response to send, and what the connection will come of.
///
/// The library's own reading of a request takes the first line of a header for all of them, and
/// knows of one protocol to upgrade to only: a proxy may add a line, or offer others (RFC 9110 sections
/// 5.3 and 7.8).
///
/// # Errors
///
/// When the request asks for no WebSocket, or for another version of it.
pub fn grant_upgrade<B, R: Default>(
    request: &mut Request<B>,
) -> Result<(Response<R>, Upgrading), UpgradeRefused> {
    let accept = accept(request.method(), request.version(), request.headers())?;
    let mut response = Response::new(R::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok((response, Upgrading(hyper::upgrade::on(request))))
}

/// What the response has to hold.
fn accept(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
) -> Result<HeaderValue, UpgradeRefused> {
    if method != Method::GET {
        return Err(UpgradeRefused::Method);
    }
    if version < Version::HTTP_11 {
        return Err(UpgradeRefused::HttpVersion);
    }
    if !lists(headers, &CONNECTION, "upgrade") || !lists(headers, &UPGRADE, "websocket") {
        return Err(UpgradeRefused::NotAsked);
    }
    let is_thirteen = |value: &HeaderValue| value.as_bytes().trim_ascii() == b"13";
    match lines(headers, &SEC_WEBSOCKET_VERSION) {
        (Some(version), None) if is_thirteen(version) => {}
        (_, Some(_)) => return Err(UpgradeRefused::Versions),
        _ => return Err(UpgradeRefused::Version),
    }
    let (Some(key), None) = lines(headers, &SEC_WEBSOCKET_KEY) else {
        return Err(UpgradeRefused::Key);
    };
    let key = key.as_bytes().trim_ascii();
    if !STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) {
        return Err(UpgradeRefused::Key);
    }
    HeaderValue::try_from(derive_accept_key(key)).map_err(|_| UpgradeRefused::Key)
}

/// The first two lines of a header.
fn lines<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> (Option<&'a HeaderValue>, Option<&'a HeaderValue>) {
    let mut lines = headers.get_all(name).iter();
    (lines.next(), lines.next())
}

impl Upgrading {
    /// The connection, once the answer has been written.
    ///
    /// # Errors
    ///
    /// When the client has gone before that.
    pub async fn connection(self) -> hyper::Result<Connection<TokioIo<Upgraded>>> {
        let upgraded = TokioIo::new(self.0.await?);
        Ok(Connection::accepted(upgraded, Vec::new()).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the answer to it of RFC 6455 section 1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    type Headers = [(&'static str, &'static str)];

    /// What becomes of a good request that has these headers more, or in place of its own.
    fn asked(instead: &[&str], more: &[(&str, &str)]) -> Result<HeaderValue, UpgradeRefused> {
        let own = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ];
        let kept = own.iter().filter(|(name, _)| !instead.contains(name));
        let headers: HeaderMap = kept
            .chain(more)
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append::<HeaderName>(name, value);
                headers
            });
        accept(&Method::GET, Version::HTTP_11, &headers)
    }

    #[test]
    fn whatever_asks_for_a_websocket_among_other_things_gets_one() {
        let cases: [(&[&str], &Headers); 7] = [
            (&[], &[]),
            (&[], &[("connection", "keep-alive")]),
            (
                &["connection"],
                &[("connection", "keep-alive"), ("connection", "Upgrade")],
            ),
            (&["connection"], &[("connection", "keep-alive,upgrade")]),
            (&["upgrade"], &[("upgrade", "h2c, websocket")]),
            (
                &["upgrade"],
                &[("upgrade", "h2c"), ("upgrade", "WebSocket")],
            ),
            (&[], &[("expect", "100-continue")]),
        ];
        for (instead, more) in cases {
            assert_eq!(asked(instead, more).unwrap(), ACCEPT, "{more:?}");
        }
    }

    #[test]
    fn what_asks_for_none_is_told_so_by_its_status() {
        let version = "sec-websocket-version";
        let key = "sec-websocket-key";
        let cases: [(&[&str], &Headers, u16); 11] = [
            (&["connection"], &[], 426),
            (&["connection"], &[("connection", "keep-alive")], 426),
            (&["upgrade"], &[("upgrade", "h2c")], 426),
            (&[version], &[], 426),
            (&[version], &[(version, "8")], 426),
            (&[], &[(version, "13")], 400),
            (&[key], &[], 400),
            (&[], &[(key, KEY)], 400),
            (&[key], &[(key, "")], 400),
            (&[key], &[(key, "c2hvcnQ=")], 400),
            (&[key], &[(key, "dGhlIHNhbXBsZSBub25jZQ")], 400),
        ];
        for (instead, more, status) in cases {
            let refused = asked(instead, more).unwrap_err();
            assert_eq!(refused.status().as_u16(), status, "{instead:?} {more:?}");
        }
        let refused = accept(&Method::HEAD, Version::HTTP_11, &HeaderMap::new());
        assert_eq!(refused, Err(UpgradeRefused::Method));
        let refused = accept(&Method::GET, Version::HTTP_10, &HeaderMap::new());
        assert_eq!(refused, Err(UpgradeRefused::HttpVersion));
    }
}
