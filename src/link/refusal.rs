//! What is told of an answer that refuses something.

use std::fmt;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{
    CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, LOCATION, PROXY_AUTHENTICATE,
    RETRY_AFTER, SEC_WEBSOCKET_VERSION, WWW_AUTHENTICATE,
};
use url::Url;

use super::{Excerpt, Printable};

/// The headers of a refusal that say what to do about it, as RFC 9110 and RFC 6455 write them.
const TELLING: [(HeaderName, &str); 4] = [
    (RETRY_AFTER, "Retry-After"),
    (WWW_AUTHENTICATE, "WWW-Authenticate"),
    (PROXY_AUTHENTICATE, "Proxy-Authenticate"),
    (SEC_WEBSOCKET_VERSION, "Sec-WebSocket-Version"),
];

/// How much of a header is told.
const VALUE_LENGTH: usize = 160;

/// What a gzip file begins with (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// An answer with another status than was wanted.
///
/// It is printed as its status, the beginning of its body, and what its headers say to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    body: Excerpt,
    hints: Vec<String>,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// What an answer from this URL comes to.
    pub(super) fn new(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        url: Option<&Url>,
    ) -> Self {
        let mut hints = Vec::new();
        if let Some(elsewhere) = redirection(status, headers, url) {
            hints.push(format!(
                "it redirects to {elsewhere}, which is not followed"
            ));
        }
        for (name, written) in TELLING {
            let values: Vec<_> = headers
                .get_all(&name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            let mut value = values.join(", ");
            if let Some((end, _)) = value.char_indices().nth(VALUE_LENGTH) {
                value.truncate(end);
                value.push('…');
            }
            if !value.is_empty() {
                hints.push(format!("{written}: {value}"));
            }
        }
        Refusal {
            status,
            body: Excerpt::of(&readable(headers, body)),
            hints,
            retry_after: retry_after(headers),
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// How long the peer wants to be left alone, if it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.status, self.body)?;
        for hint in &self.hints {
            write!(f, "; {}", Printable(hint))?;
        }
        Ok(())
    }
}

/// Where an answer from this URL redirects to, if it does, but for what may repeat a secret: the
/// query, the fragment and credentials.
pub fn redirection(status: StatusCode, headers: &HeaderMap, url: Option<&Url>) -> Option<Url> {
    if !status.is_redirection() {
        return None;
    }
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let mut elsewhere = Url::options().base_url(url).parse(location).ok()?;
    elsewhere.set_query(None);
    elsewhere.set_fragment(None);
    // Refused where there is no host, and nothing to hide then.
    let _ = elsewhere.set_username("");
    let _ = elsewhere.set_password(None);
    Some(elsewhere)
}

/// How long to wait, in seconds (RFC 9110 section 10.2.3). A date is not understood: it would take
/// two clocks that agree.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}

/// The text of a body, or what there is to say of one that is none.
pub fn readable(headers: &HeaderMap, body: &[u8]) -> String {
    let encoding = headers.get(CONTENT_ENCODING).map(HeaderValue::to_str);
    let encoding = encoding.and_then(Result::ok).unwrap_or_default().trim();
    match encoding {
        _ if body.is_empty() => String::new(),
        "" | "identity" if body.starts_with(&GZIP) => "(a body encoded as gzip)".to_owned(),
        "" | "identity" if body.contains(&0) => "(a body that is no text)".to_owned(),
        "" | "identity" => {
            let text = String::from_utf8_lossy(body);
            // A byte order mark says nothing in UTF-8, and JSON is read without it.
            text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
        }
        encoding => format!("(a body encoded as {encoding})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let url = "ws://user:pw@h:1/a/b?token=s3cret".parse().unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        Refusal::new(status, &map, body, Some(&url)).to_string()
    }

    #[test]
    fn a_refusal_says_what_to_do_about_it() {
        assert_eq!(shown(404, &[], b"no\n"), "404 Not Found: no");
        let busy = shown(503, &[("retry-after", "120")], b"{\n  \"a\": 1\n}\n");
        assert_eq!(
            busy,
            "503 Service Unavailable: { \"a\": 1 }; Retry-After: 120"
        );
        let schemes = [
            ("www-authenticate", "Basic realm=\"x\""),
            ("www-authenticate", "Bearer"),
        ];
        assert_eq!(
            shown(401, &schemes, b""),
            "401 Unauthorized; WWW-Authenticate: Basic realm=\"x\", Bearer"
        );
        assert_eq!(
            shown(426, &[("sec-websocket-version", "8, 7")], b""),
            "426 Upgrade Required; Sec-WebSocket-Version: 8, 7"
        );
        let long = shown(503, &[("retry-after", &"9".repeat(1000))], b"");
        assert!(long.ends_with("9…") && long.len() < 250, "{long}");
    }

    #[test]
    fn a_redirect_tells_where_to_without_what_may_be_secret() {
        for (location, elsewhere) in [
            ("/login?token=s3cret#s3cret", "ws://h:1/login"),
            ("https://me:s3cret@other/x?s3cret", "https://other/x"),
        ] {
            let shown = shown(302, &[("location", location)], b"");
            assert_eq!(
                shown,
                format!("302 Found; it redirects to {elsewhere}, which is not followed")
            );
        }
        assert_eq!(shown(302, &[("location", "http://")], b""), "302 Found");
        assert_eq!(shown(200, &[("location", "/x")], b""), "200 OK");
    }

    #[test]
    fn a_body_that_is_no_text_is_said_to_be_none() {
        let gzip = [0x1f, 0x8b, 8, 0, 1, 2, 3];
        assert_eq!(
            shown(403, &[], &gzip),
            "403 Forbidden: (a body encoded as gzip)"
        );
        let encoded = shown(403, &[("content-encoding", "br")], &gzip);
        assert_eq!(encoded, "403 Forbidden: (a body encoded as br)");
        assert_eq!(
            shown(403, &[], b"\x89PNG\0"),
            "403 Forbidden: (a body that is no text)"
        );
        assert_eq!(
            shown(403, &[("content-encoding", "gzip")], b""),
            "403 Forbidden"
        );
    }
}
