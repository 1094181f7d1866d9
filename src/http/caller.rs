use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use rustls::ClientConfig;
use url::Url;

use super::HttpError;
use crate::link::{
    Address, Dialer, Excerpt, Proxy, ProxyError, is_localhost, loopback, noting_requests, readable,
    redirection,
};

/// The most that is read of an answer. Those that are waited for are a few hundred bytes.
pub const ANSWER_LIMIT: usize = 64 * 1024;

/// Makes calls to one server.
#[derive(Clone, Debug)]
pub struct Caller {
    client: Client,
    limit: Duration,
    proxy: Option<Proxy>,
}

/// Why there is nothing to make calls with.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// There is to be a proxy that cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The HTTP client does not like its settings.
    #[error("making an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// What a server answered, whatever the status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or what there is to say of it: where a redirection leads.
    pub body: String,
}

impl Answer {
    /// Whether there is more of the body than is read of one, [`ANSWER_LIMIT`].
    pub fn is_too_long(&self) -> bool {
        self.body.len() > ANSWER_LIMIT
    }
}

impl Caller {
    /// Calls to the server at an address, over connections such as this dialer makes: with its time
    /// limit for each call, encrypted in its way, through its proxies, and to the addresses that it
    /// knows for hosts (a proxy looks hosts up by itself, though). Its headers and subprotocols
    /// belong to the WebSocket. Redirects are not followed: they would take secrets elsewhere.
    ///
    /// # Errors
    ///
    /// When there is a proxy on the way that cannot be used, or no HTTP client can be made with
    /// this TLS configuration.
    pub fn new(address: &Address, dialer: &Dialer) -> Result<Self, CallerError> {
        let limit = dialer.phase_limit();
        let mut client = Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(dialer.tls()))
            .user_agent(concat!("wsbeat/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Obsolete, but to be read (RFC 9112 section 5.2).
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            // The client would read the environment by itself.
            .no_proxy()
            // Two calls are a conversation apart: by then the server may have hung up.
            .pool_max_idle_per_host(0)
            .timeout(limit);
        let proxy = dialer.proxy(address)?;
        let resolved = dialer.resolved(address);
        match (&proxy, address.domain()) {
            (Some(proxy), _) => {
                let mut through = reqwest::Proxy::all(proxy.to_string())?;
                if let Some(authorization) = proxy.authorization() {
                    through = through.custom_http_auth(authorization.clone());
                }
                client = client.proxy(through);
            }
            (None, Some(domain)) if !resolved.is_empty() => {
                client = client.resolve_to_addrs(domain, &resolved);
            }
            (None, Some(domain)) if is_localhost(domain) => {
                // Port 0: that of each call's URL.
                client = client.resolve_to_addrs(domain, &loopback(0));
            }
            (None, _) => {}
        }
        Ok(Caller {
            client: client.build()?,
            limit,
            proxy,
        })
    }

    /// The proxy on the way, if there is one.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// A GET request, to be made by [`call`](Self::call).
    pub fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// A POST request, likewise.
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// Makes a request, and reads the answer until it is known to be too long.
    ///
    /// # Errors
    ///
    /// When there is no answer, or one of a proxy that wants credentials. No error holds the URL.
    pub async fn call(&self, request: RequestBuilder) -> Result<Answer, HttpError> {
        let failed = |error: reqwest::Error, asked: bool| {
            let through_proxy = self.proxy.is_some();
            HttpError::of(&error.without_url(), self.limit, through_proxy, asked)
        };
        let (response, asked) = noting_requests(request.send()).await;
        let mut response = response.map_err(|error| failed(error, asked))?;
        let status = response.status();
        let elsewhere = redirection(status, response.headers(), Some(response.url()));
        let body = match elsewhere {
            Some(elsewhere) => format!("it redirects to {elsewhere}, which is not followed"),
            None => read_body(&mut response)
                .await
                // The server answered: it did without a certificate.
                .map_err(|error| failed(error, false))?,
        };
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED && self.proxy.is_some() {
            return Err(HttpError::ProxyCredentials(status, Excerpt::of(&body)));
        }
        Ok(Answer {
            status,
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}

/// Reads an answer until it is known to be too long.
async fn read_body(response: &mut Response) -> reqwest::Result<String> {
    let mut body = Vec::new();
    while body.len() <= ANSWER_LIMIT
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(readable(response.headers(), &body))
}
