use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::{ExposeSecret, SecretString};
use url::Host;

use super::Address;
use super::no_proxy::NoProxy;

/// The port of a proxy whose URL names none: that of HTTP, as everywhere in this program's HTTP
/// client.
const DEFAULT_PORT: u16 = 80;

/// Which addresses are reached through a proxy, as the customary variables of the environment say.
/// By default, none.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    for_ws: Option<Setting>,
    for_wss: Option<Setting>,
    exceptions: Option<NoProxy>,
}

/// A variable and its value, which may hold a password.
#[derive(Clone, Debug)]
struct Setting {
    variable: &'static str,
    value: SecretString,
}

/// An HTTP proxy. Printing it shows its URL without credentials.
#[derive(Clone, Debug)]
pub struct Proxy {
    host: Host,
    port: u16,
    authorization: Option<HeaderValue>,
}

/// Why a proxy cannot be used. None of these repeats its URL, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Not a URL of a proxy at all.
    #[error("{variable} holds no URL of a proxy; write it http://HOST:PORT")]
    NotAUrl {
        /// The variable that it was in.
        variable: &'static str,
    },
    /// A proxy that is spoken to in another way than by plain HTTP.
    #[error(
        "{variable} names a proxy of the kind {scheme}://, and only http:// proxies are supported; \
         NO_PROXY lists hosts that are reached without one"
    )]
    Scheme {
        /// The variable that it was in.
        variable: &'static str,
        /// What its URL begins with.
        scheme: String,
    },
}

impl Proxies {
    /// Reads the customary variables: `HTTPS_PROXY` is for `wss` and `https` addresses,
    /// `HTTP_PROXY` for `ws` and `http`, `ALL_PROXY` for those that have none of their own, and
    /// `NO_PROXY` lists hosts that are reached without, in the forms that curl knows. Their names in
    /// lower case count where the ones in upper case are not set.
    ///
    /// There are no proxies in a CGI script, which `REQUEST_METHOD` tells: there, `HTTP_PROXY` is
    /// what a client sent as its `Proxy` header (CVE-2016-5385).
    pub fn from_variables(value_of: impl Fn(&str) -> Option<String>) -> Self {
        if value_of("REQUEST_METHOD").is_some() {
            return Proxies::default();
        }
        let setting = |variable, lower: &'static str| {
            let (variable, value) = match value_of(variable) {
                Some(value) => (variable, value),
                None => (lower, value_of(lower)?),
            };
            let value = SecretString::from(value.trim());
            (!value.expose_secret().is_empty()).then_some(Setting { variable, value })
        };
        let all = setting("ALL_PROXY", "all_proxy");
        let exceptions = value_of("NO_PROXY").or_else(|| value_of("no_proxy"));
        Proxies {
            for_ws: setting("HTTP_PROXY", "http_proxy").or_else(|| all.clone()),
            for_wss: setting("HTTPS_PROXY", "https_proxy").or(all),
            exceptions: exceptions.as_deref().map(NoProxy::new),
        }
    }

    /// The proxy on the way to an address, if there is one.
    ///
    /// # Errors
    ///
    /// When there is to be one that cannot be used.
    pub fn on_the_way_to(&self, address: &Address) -> Result<Option<Proxy>, ProxyError> {
        let setting = if address.is_secure() {
            &self.for_wss
        } else {
            &self.for_ws
        };
        let Some(Setting { variable, value }) = setting else {
            return Ok(None);
        };
        let not_a_url = ProxyError::NotAUrl { variable };
        let exceptions = self.exceptions.as_ref();
        if exceptions.is_some_and(|exceptions| exceptions.exempts(&address.host())) {
            return Ok(None);
        }
        let any = Uri::from_static("http://host/");
        let matcher = Matcher::builder().all(value.expose_secret()).build();
        let Some(intercept) = matcher.intercept(&any) else {
            return Err(not_a_url);
        };
        match intercept.uri().scheme_str() {
            Some("http") => {}
            other => {
                return Err(ProxyError::Scheme {
                    variable,
                    scheme: other.unwrap_or_default().to_owned(),
                });
            }
        }
        let Some(authority) = intercept.uri().authority() else {
            return Err(not_a_url);
        };
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("" | ":") => Some(DEFAULT_PORT),
            // Not a number, or a part of credentials that were not encoded.
            _ => authority.port_u16(),
        };
        let authorization = intercept.basic_auth().cloned();
        let is_whole = value.expose_secret().contains('@') == authorization.is_some();
        match (Host::parse(authority.host()), port) {
            (Ok(host), Some(port)) if is_whole => Ok(Some(Proxy {
                host,
                port,
                authorization,
            })),
            _ => Err(not_a_url),
        }
    }
}

impl Proxy {
    /// The host, as it has to be looked up or connected to.
    pub(super) fn host(&self) -> Host<&str> {
        match &self.host {
            Host::Domain(name) => Host::Domain(name),
            Host::Ipv4(ip) => Host::Ipv4(*ip),
            Host::Ipv6(ip) => Host::Ipv6(*ip),
        }
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What it is to be sent as `Proxy-Authorization`, if its URL has credentials in it (RFC 7617).
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// What must be seen nowhere: the credentials as they are sent, and the password in them, or
    /// the user name if it stands alone, as tokens do.
    pub fn secrets(&self) -> Vec<SecretString> {
        let sent = self
            .authorization
            .as_ref()
            .and_then(|value| value.to_str().ok());
        let Some(encoded) = sent.and_then(|sent| sent.strip_prefix("Basic ")) else {
            return Vec::new();
        };
        let mut secrets = vec![SecretString::from(encoded)];
        let credentials = BASE64_STANDARD.decode(encoded).unwrap_or_default();
        let credentials = String::from_utf8_lossy(&credentials);
        secrets.extend(match credentials.split_once(':') {
            Some((user, "")) => Some(SecretString::from(user)),
            Some((_user, password)) => Some(SecretString::from(password)),
            None => None,
        });
        secrets
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy on the way to an address, in an environment.
    fn proxy(variables: &[(&str, &str)], address: &str) -> Result<Option<Proxy>, ProxyError> {
        let value_of = |name: &str| {
            let mut variables = variables.iter();
            let found = variables.find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Proxies::from_variables(value_of).on_the_way_to(&address.parse().unwrap())
    }

    fn shown(variables: &[(&str, &str)], address: &str) -> Option<String> {
        proxy(variables, address)
            .unwrap()
            .map(|proxy| proxy.to_string())
    }

    #[test]
    fn each_scheme_has_its_variable_and_some_hosts_have_none() {
        let variables = [
            ("HTTPS_PROXY", "http://secure:3128"),
            ("http_proxy", "plain"),
            ("NO_PROXY", "example.org, 10.0.0.0/8, ::1"),
        ];
        let through = |address| shown(&variables, address);
        assert_eq!(through("wss://h").as_deref(), Some("http://secure:3128"));
        assert_eq!(through("ws://h").as_deref(), Some("http://plain:80"));
        for without in [
            "ws://example.org",
            "wss://a.example.org",
            "ws://10.1.2.3",
            "ws://[::1]:1",
        ] {
            assert_eq!(through(without), None, "{without}");
        }
        assert!(through("ws://anexample.org").is_some());
    }

    #[test]
    fn upper_case_comes_first_and_all_last() {
        let variables = [
            ("HTTP_PROXY", "http://upper"),
            ("http_proxy", "http://lower"),
            ("all_proxy", "http://[::1]:8080"),
        ];
        assert_eq!(
            shown(&variables, "ws://h").as_deref(),
            Some("http://upper:80")
        );
        assert_eq!(
            shown(&variables, "wss://h").as_deref(),
            Some("http://[::1]:8080")
        );
        assert_eq!(shown(&[("HTTP_PROXY", "")], "ws://h"), None);
        assert_eq!(shown(&[], "ws://h"), None);
        let script = [("HTTP_PROXY", "http://evil"), ("REQUEST_METHOD", "GET")];
        assert_eq!(shown(&script, "ws://h"), None);
    }

    #[test]
    fn credentials_are_sent_and_not_shown() {
        let variables = [("ALL_PROXY", "http://me:op%40n-sesame@proxy:3128")];
        let proxy = proxy(&variables, "ws://h").unwrap().unwrap();
        assert_eq!(proxy.to_string(), "http://proxy:3128");
        let encoded = BASE64_STANDARD.encode("me:op@n-sesame");
        let sent = proxy.authorization().unwrap();
        assert_eq!(sent, &format!("Basic {encoded}"));
        let secrets = proxy.secrets();
        let secrets: Vec<_> = secrets.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(secrets, [encoded.as_str(), "op@n-sesame"]);
        assert!(!format!("{proxy:?}").contains(&encoded));
    }

    #[test]
    fn what_cannot_be_used_is_an_error_where_it_would_be_used() {
        for (url, scheme) in [("socks5://me:pw@h:1080", "socks5"), ("https://h", "https")] {
            let variables = [("HTTPS_PROXY", url)];
            let error = proxy(&variables, "wss://h").unwrap_err();
            let variable = "HTTPS_PROXY";
            let scheme = scheme.to_owned();
            assert_eq!(error, ProxyError::Scheme { variable, scheme });
            assert!(proxy(&variables, "ws://h").unwrap().is_none());
            let variables = [("HTTPS_PROXY", url), ("NO_PROXY", "*")];
            assert!(proxy(&variables, "wss://h").unwrap().is_none());
        }
        let wrong = [
            "ftp://h",
            "http://",
            "a b",
            "mailto:me",
            "http://h:31a",
            "http://me:pass/word@h",
            "http://me:12/34@h",
            "http://me:pass@word@h",
        ];
        for wrong in wrong {
            let error = proxy(&[("http_proxy", wrong)], "ws://h").unwrap_err();
            let variable = "http_proxy";
            assert_eq!(error, ProxyError::NotAUrl { variable }, "{wrong}");
        }
    }
}
