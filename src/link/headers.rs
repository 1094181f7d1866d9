//! What a client says of itself in the upgrade: headers and subprotocols.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    SEC_WEBSOCKET_PROTOCOL, TRANSFER_ENCODING, UPGRADE,
};
use secrecy::SecretString;

/// What the name of a header has in it whose value is nobody's business.
const SECRETIVE: [&str; 6] = ["auth", "cookie", "key", "password", "secret", "token"];

/// A header to send with the WebSocket upgrade.
///
/// Debug output shows no value that looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    name: HeaderName,
    value: HeaderValue,
}

/// Why a text is no [`Header`]. None of these repeats the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// No colon.
    #[error("a header is written 'NAME: VALUE'")]
    NoColon,
    /// A name that is no token of RFC 9110 section 5.1.
    #[error("what stands before the colon is no name of a header")]
    Name,
    /// A value with control characters, or beyond ASCII.
    #[error("the value of {0} has characters in it that a header cannot have")]
    Value(HeaderName),
    /// A header that is a part of the handshake, or would give it a body.
    #[error("{0} is the business of the handshake, and cannot be set")]
    Handshake(HeaderName),
    /// The header of the subprotocols.
    #[error("a subprotocol is not asked for as a header, but on its own")]
    Subprotocol,
    /// `Proxy-Authorization`, which would go to the server and not to the proxy.
    #[error("credentials for a proxy stand in its URL, http://USER:PASSWORD@HOST:PORT")]
    ForProxy,
}

impl Header {
    /// Reads a header from its name and its value.
    ///
    /// # Errors
    ///
    /// When it could not be sent, or would interfere with the handshake.
    pub fn new(name: &str, value: &str) -> Result<Self, HeaderError> {
        let name = HeaderName::from_str(name.trim()).map_err(|_| HeaderError::Name)?;
        if name == SEC_WEBSOCKET_PROTOCOL {
            return Err(HeaderError::Subprotocol);
        }
        if name == PROXY_AUTHORIZATION {
            return Err(HeaderError::ForProxy);
        }
        let fixed = [CONNECTION, UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING];
        if fixed.contains(&name) || name.as_str().starts_with("sec-websocket-") {
            return Err(HeaderError::Handshake(name));
        }
        let value = value.trim();
        let parsed = HeaderValue::from_str(value).ok();
        // Beyond ASCII, `HeaderValue` takes what RFC 9110 section 5.5 calls obsolete, and what
        // `secrets` could not tell.
        let Some(mut value) = parsed.filter(|_| value.is_ascii()) else {
            return Err(HeaderError::Value(name));
        };
        value.set_sensitive(SECRETIVE.iter().any(|part| name.as_str().contains(part)));
        Ok(Header { name, value })
    }

    /// What of the value must be seen nowhere, if the name says that it is a secret: the whole of
    /// it, and the parts by which others may repeat it, credentials without their scheme and
    /// cookies without their names.
    pub fn secrets(&self) -> Vec<SecretString> {
        if !self.value.is_sensitive() {
            return Vec::new();
        }
        // `new` takes ASCII only.
        let value = self.value.to_str().unwrap_or_default();
        let credentials = value.split_once(' ').map(|(_scheme, rest)| rest.trim());
        // Those of the scheme `Basic` (RFC 7617): the password, in Base64 with the user's name.
        let decoded = credentials.and_then(|credentials| BASE64.decode(credentials).ok());
        let decoded = decoded.and_then(|pair| String::from_utf8(pair).ok());
        let password = decoded
            .as_deref()
            .and_then(|pair| Some(pair.split_once(':')?.1));
        let cookies = value
            .split(';')
            .filter_map(|cookie| Some(cookie.split_once('=')?.1));
        let cookies = cookies
            .map(str::trim)
            .filter(|_| self.name.as_str().contains("cookie"));
        let parts = [value].into_iter().chain(credentials).chain(cookies);
        let parts = parts.chain(decoded.as_deref()).chain(password);
        parts.map(SecretString::from).collect()
    }
}

impl FromStr for Header {
    type Err = HeaderError;

    /// Reads `NAME: VALUE`.
    fn from_str(text: &str) -> Result<Self, HeaderError> {
        let (name, value) = text.split_once(':').ok_or(HeaderError::NoColon)?;
        Header::new(name, value)
    }
}

/// Adds headers to those of a request. A `Host` takes the place of the one that is there.
pub(super) fn add_headers(headers: &[Header], request: &mut HeaderMap) {
    for Header { name, value } in headers {
        if *name == HOST {
            request.insert(name, value.clone());
        } else {
            request.append(name, value.clone());
        }
    }
}

/// The name of a subprotocol that a client would speak: a token (RFC 6455 section 4.1, item 10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subprotocol(String);

/// A text is no [`Subprotocol`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subprotocol is a name of ASCII letters, digits and any of !#$%&'*+-.^_`|~")]
pub struct SubprotocolError;

impl FromStr for Subprotocol {
    type Err = SubprotocolError;

    fn from_str(text: &str) -> Result<Self, SubprotocolError> {
        // The characters of a token: RFC 9110 section 5.6.2.
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if text.is_empty() || !text.bytes().all(is_token) {
            return Err(SubprotocolError);
        }
        Ok(Subprotocol(text.to_owned()))
    }
}

impl fmt::Display for Subprotocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Asks for one of these subprotocols, the first ones rather than the last.
pub(super) fn ask_for(subprotocols: &[Subprotocol], request: &mut HeaderMap) {
    let names: Vec<&str> = subprotocols.iter().map(|it| it.0.as_str()).collect();
    // Tokens make a value, and a request with an empty one would ask for a subprotocol all the same.
    if !names.is_empty()
        && let Ok(value) = HeaderValue::from_str(&names.join(", "))
    {
        request.insert(SEC_WEBSOCKET_PROTOCOL, value);
    }
}

/// The subprotocol that a server has chosen.
pub(super) fn chosen(response: &HeaderMap) -> Option<String> {
    let value = response.get(SEC_WEBSOCKET_PROTOCOL)?;
    Some(value.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn what_is_no_header_is_refused_without_repeating_it() {
        let error = |text: &str| text.parse::<Header>().unwrap_err();
        assert_eq!(error("X-Token s3cr3t"), HeaderError::NoColon);
        assert_eq!(error("X Token: s3cr3t"), HeaderError::Name);
        assert_eq!(error(": s3cr3t"), HeaderError::Name);
        assert!(matches!(
            error("X-Token: s3cr3t\r\nX: y"),
            HeaderError::Value(_)
        ));
        assert!(matches!(
            error("Connection: close"),
            HeaderError::Handshake(_)
        ));
        assert!(matches!(
            error("sec-websocket-key: x"),
            HeaderError::Handshake(_)
        ));
        assert!(matches!(
            error("Content-Length: 5"),
            HeaderError::Handshake(_)
        ));
        assert_eq!(
            error("Sec-WebSocket-Protocol: chat"),
            HeaderError::Subprotocol
        );
        // What could not be hidden afterwards.
        assert!(matches!(error("X-Token: s3cr3té"), HeaderError::Value(_)));
        assert_eq!(error("Proxy-Authorization: Basic x"), HeaderError::ForProxy);
        for text in ["X-Token s3cr3t", "X Token: s3cr3t", "X-Token: s3cr3té"] {
            assert!(!error(text).to_string().contains("s3cr3t"));
        }
    }

    #[test]
    fn the_parts_of_secrets_are_secrets_too() {
        let secrets = |text: &str| {
            let header: Header = text.parse().unwrap();
            let secrets = header.secrets();
            let shown = secrets
                .iter()
                .map(|secret| secret.expose_secret().to_owned());
            shown.collect::<Vec<_>>()
        };
        assert_eq!(secrets("Authorization: Bearer abc"), ["Bearer abc", "abc"]);
        assert_eq!(secrets("X-Api-Key:abc"), ["abc"]);
        // RFC 7617, section 2.
        let basic = secrets("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(basic[2..], ["Aladdin:open sesame", "open sesame"]);
        assert_eq!(secrets("Cookie: a=1; b=2"), ["a=1; b=2", "b=2", "1", "2"]);
        assert!(secrets("Origin: https://example.org").is_empty());
        let header: Header = "X-Auth: abcdef".parse().unwrap();
        assert!(!format!("{header:?}").contains("abcdef"));
    }

    #[test]
    fn a_host_is_replaced_and_others_are_added() {
        let mut request = HeaderMap::new();
        request.insert(HOST, HeaderValue::from_static("there"));
        let given = ["Host: here", "X: 1", "X: 2"].map(|text| text.parse().unwrap());
        add_headers(&given, &mut request);
        assert_eq!(request.get_all(HOST).iter().collect::<Vec<_>>(), ["here"]);
        assert_eq!(request.get_all("x").iter().collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn a_subprotocol_is_a_token() {
        for wrong in ["", "a b", "a,b", "ü", "a\n", "a/b"] {
            assert_eq!(
                wrong.parse::<Subprotocol>(),
                Err(SubprotocolError),
                "{wrong}"
            );
        }
        let mut request = HeaderMap::new();
        ask_for(&[], &mut request);
        assert!(request.is_empty());
        ask_for(
            &["a.1", "b"].map(|text| text.parse().unwrap()),
            &mut request,
        );
        assert_eq!(request[SEC_WEBSOCKET_PROTOCOL], "a.1, b");
    }
}
