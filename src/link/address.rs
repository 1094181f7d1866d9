use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// Where a WebSocket server is: a `ws://` or `wss://` URL that can be dialled.
///
/// Printing one shows the URL without what must stay secret in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: Url,
    shown: String,
}

/// Why a text is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a URL at all.
    #[error("not a URL: {0}")]
    NotAUrl(#[from] url::ParseError),
    /// A URL of another kind.
    #[error("a WebSocket address begins with ws:// or wss://, not {0}://")]
    Scheme(String),
    /// `ws:///path`.
    #[error("it names no host")]
    NoHost,
    /// `ws://user:password@host`.
    #[error("a user name or password in the address is not supported")]
    Credentials,
}

impl Address {
    /// Checks that a URL can be dialled.
    ///
    /// # Errors
    ///
    /// When its scheme is not `ws` or `wss`, or it names no host, or credentials.
    pub fn new(mut url: Url) -> Result<Self, AddressError> {
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(AddressError::Scheme(url.scheme().to_owned()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(AddressError::NoHost);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        // RFC 6455 section 3: a fragment has no meaning here and must not be sent.
        url.set_fragment(None);
        let shown = match url.query() {
            None => url.to_string(),
            // Many servers take their tickets there.
            Some(_) => {
                let mut shown = url.clone();
                shown.set_query(None);
                format!("{shown}?…")
            }
        };
        Ok(Address { url, shown })
    }

    /// Shows the last segment of the path as `…`, since it is a secret.
    pub fn with_last_segment_concealed(mut self) -> Self {
        let mut shown = self.url.clone();
        shown.set_query(None);
        if let Ok(mut segments) = shown.path_segments_mut() {
            segments.pop_if_empty().pop();
        }
        self.shown = format!("{}/…", shown.as_str().trim_end_matches('/'));
        self
    }

    /// The segments of the path, secrets and all.
    pub fn path_segments(&self) -> impl Iterator<Item = &str> {
        self.url.path_segments().into_iter().flatten()
    }

    /// A value of the query by its name, decoded: a secret, as far as anybody knows.
    pub fn query_value(&self, name: &str) -> Option<String> {
        let mut pairs = self.url.query_pairs();
        let (_, value) = pairs.find(|(key, _)| key == name)?;
        Some(value.into_owned()).filter(|value| !value.is_empty())
    }

    /// Whether the connection is to be encrypted.
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// The host, if it is named rather than numbered.
    pub fn domain(&self) -> Option<&str> {
        match self.host() {
            Host::Domain(name) => Some(name),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// Where the same server is spoken to over HTTP: this path, which begins with a slash, at the
    /// same host and port, and encrypted if the WebSocket is.
    pub fn http_url(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let scheme = if self.is_secure() { "https" } else { "http" };
        // Never refused: all four schemes are special ones of the URL standard, which may take
        // each other's place.
        let _ = url.set_scheme(scheme);
        url.set_path(path);
        url.set_query(None);
        url
    }

    /// The host, as it has to be looked up or connected to.
    pub(super) fn host(&self) -> Host<&str> {
        // `new` has checked that there is one.
        self.url.host().unwrap_or(Host::Domain(""))
    }

    /// The port, or the scheme's own: 80 or 443.
    pub(super) fn port(&self) -> u16 {
        let default = if self.is_secure() { 443 } else { 80 };
        self.url.port().unwrap_or(default)
    }

    /// Host and port, as people write them.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host(), self.port())
    }

    /// The URL, secrets and all, for resolving others against it.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The whole URL, secrets and all, for the request line and nothing else.
    pub(super) fn request_url(&self) -> &str {
        self.url.as_str()
    }
}

/// Whether a name is `localhost` or below it: such names stand for this machine, and are not asked
/// of any DNS server (RFC 6761 section 6.3).
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Address::new(Url::parse(text)?)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_knows_where_to_go() {
        let address: Address = "wss://example.org/a?b=c#d".parse().unwrap();
        assert_eq!(address.authority(), "example.org:443");
        assert_eq!(address.to_string(), "wss://example.org/a?…");
        assert_eq!(address.query_value("b").as_deref(), Some("c"));
        assert_eq!(address.query_value("c"), None);
        let address: Address = "ws://[::1]:8080".parse().unwrap();
        assert_eq!(address.authority(), "[::1]:8080");
        assert_eq!(address.port(), 8080);
    }

    #[test]
    fn names_below_localhost_are_this_machine() {
        for name in ["localhost", "LOCALHOST.", "a.localhost", "a.b.localhost."] {
            assert!(is_localhost(name), "{name}");
        }
        for name in [
            "alocalhost",
            "localhost.example.org",
            "localhost..",
            "local",
            "",
        ] {
            assert!(!is_localhost(name), "{name}");
        }
    }

    #[test]
    fn http_is_spoken_at_the_same_host_and_port() {
        let url = |text: &str| text.parse::<Address>().unwrap().http_url("/ticket");
        let plain = url("ws://[::1]:8080/chat/a?ticket=b");
        assert_eq!(plain.as_str(), "http://[::1]:8080/ticket");
        let secure = url("wss://example.org");
        assert_eq!(secure.as_str(), "https://example.org/ticket");
        let domain = |text: &str| text.parse::<Address>().unwrap().domain().map(str::to_owned);
        assert_eq!(domain("ws://a.test"), Some("a.test".to_owned()));
        assert_eq!(domain("ws://127.0.0.1"), None);
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        let error = |text: &str| text.parse::<Address>().unwrap_err();
        assert!(matches!(error("http://x"), AddressError::Scheme(_)));
        assert!(matches!(error("ws://"), AddressError::NotAUrl(_)));
        assert!(matches!(error("x"), AddressError::NotAUrl(_)));
        assert_eq!(error("ws://me:pw@x"), AddressError::Credentials);
    }

    #[test]
    fn a_concealed_segment_is_shown_nowhere() {
        let address: Address = "ws://host:1/pre/_/ws/t0ken".parse().unwrap();
        let address = address.with_last_segment_concealed();
        assert_eq!(address.to_string(), "ws://host:1/pre/_/ws/…");
        assert!(!format!("{address:?}").contains("t0ken"));
        assert!(address.request_url().ends_with("/t0ken"));
    }
}
