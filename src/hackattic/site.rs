use std::fmt;
use std::str::FromStr;

use secrecy::ExposeSecret;
use url::Url;

use super::OneTimeToken;
use crate::link::{Address, AddressError};

/// The path of the challenge on its site.
const CHALLENGE: [&str; 2] = ["challenges", "websocket_chit_chat"];

/// The path of its WebSocket, which a one-time token ends.
const SOCKET: [&str; 2] = ["_", "ws"];

/// Where the challenge is: an `http://` or `https://` URL, possibly with a path that all the
/// others begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site(Url);

/// Why a text names no [`Site`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// Not a URL at all.
    #[error("not a URL: {0}; it begins with http:// or https://")]
    NotAUrl(#[from] url::ParseError),
    /// A URL of another kind.
    #[error("a base URL begins with http:// or https://, not {0}://")]
    Scheme(String),
    /// Credentials, a query or a fragment have no place in it.
    #[error("a base URL is no more than scheme, host, port and path")]
    TooMuch,
}

impl FromStr for Site {
    type Err = SiteError;

    fn from_str(text: &str) -> Result<Self, SiteError> {
        let url = Url::parse(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SiteError::Scheme(url.scheme().to_owned()));
        }
        let credentials = !url.username().is_empty() || url.password().is_some();
        if credentials || url.query().is_some() || url.fragment().is_some() {
            return Err(SiteError::TooMuch);
        }
        Ok(Site(url))
    }
}

impl Site {
    /// Whether the site is spoken to over TLS.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Where a one-time token is had from.
    pub(super) fn problem(&self) -> Url {
        self.join(&CHALLENGE, "problem")
    }

    /// Where a solution is handed in.
    pub(super) fn solve(&self) -> Url {
        self.join(&CHALLENGE, "solve")
    }

    /// Where the conversation is held that this token admits to. The token is not shown.
    ///
    /// # Errors
    ///
    /// When the URL that comes of it cannot be dialled.
    pub fn socket(&self, token: &OneTimeToken) -> Result<Address, AddressError> {
        let address = self.as_socket(self.join(&SOCKET, token.expose_secret()))?;
        Ok(address.with_last_segment_concealed())
    }

    /// The site as the link knows it: the same host and port, reached by the same way.
    ///
    /// # Errors
    ///
    /// When the URL that comes of it cannot be dialled.
    pub fn address(&self) -> Result<Address, AddressError> {
        self.as_socket(self.0.clone())
    }

    fn as_socket(&self, mut url: Url) -> Result<Address, AddressError> {
        // http becomes ws and https wss, which the URL standard allows without further ado.
        let scheme = if self.is_secure() { "wss" } else { "ws" };
        if url.set_scheme(scheme).is_err() {
            return Err(AddressError::Scheme(url.scheme().to_owned()));
        }
        Address::new(url)
    }

    fn join(&self, path: &[&str], last: &str) -> Url {
        let mut url = self.0.clone();
        // `http` URLs always have a path, so that there are segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path).push(last);
        }
        url
    }
}

/// Takes care of an address that somebody has typed: if a one-time token ends its path, the token
/// is not shown, and is handed out for others to hide.
pub fn conceal_token(address: Address) -> (Address, Option<OneTimeToken>) {
    let mut segments: Vec<&str> = address.path_segments().collect();
    // A slash behind the token leaves an empty segment.
    segments.pop_if(|last| last.is_empty());
    match segments[..] {
        [.., first, second, token] if [first, second] == SOCKET => {
            let token = OneTimeToken::from(token);
            (address.with_last_segment_concealed(), Some(token))
        }
        _ => (address, None),
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_url_begins_with_the_base() {
        for base in ["http://h:1/pre", "http://h:1/pre/"] {
            let site: Site = base.parse().unwrap();
            let problem = "http://h:1/pre/challenges/websocket_chit_chat/problem";
            assert_eq!(site.problem().as_str(), problem);
            assert_eq!(site.to_string(), "http://h:1/pre");
            let socket = site
                .socket(&OneTimeToken::from("t0k/en".to_owned()))
                .unwrap();
            assert_eq!(socket.to_string(), "ws://h:1/pre/_/ws/…");
        }
        let site: Site = "https://hackattic.com".parse().unwrap();
        let solve = "https://hackattic.com/challenges/websocket_chit_chat/solve";
        assert_eq!(site.solve().as_str(), solve);
        let socket = site.socket(&OneTimeToken::from("x".to_owned())).unwrap();
        assert_eq!(socket.to_string(), "wss://hackattic.com/_/ws/…");
    }

    #[test]
    fn a_token_in_a_typed_address_is_concealed() {
        let (address, token) = conceal_token("wss://h/pre/_/ws/t0ken?x".parse().unwrap());
        assert_eq!(address.to_string(), "wss://h/pre/_/ws/…");
        assert_eq!(token.unwrap().expose_secret(), "t0ken");
        let (address, token) = conceal_token("ws://h/_/ws/t0ken/".parse().unwrap());
        assert_eq!(address.to_string(), "ws://h/_/ws/…");
        assert!(token.is_some());
        for plain in ["ws://h/", "ws://h/_/ws/", "ws://h/ws/t0ken"] {
            let (address, token) = conceal_token(plain.parse().unwrap());
            assert_eq!(address.to_string(), plain);
            assert!(token.is_none());
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        let error = |text: &str| text.parse::<Site>().unwrap_err();
        assert!(matches!(error("hackattic.com"), SiteError::NotAUrl(_)));
        assert_eq!(error("ws://h"), SiteError::Scheme("ws".into()));
        for text in ["http://me@h", "http://h?a=b", "http://h#a"] {
            assert_eq!(error(text), SiteError::TooMuch);
        }
    }
}
