use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{OneTimeToken, Site};
use crate::link::{
    AddressError, CertificateRefused, Dialer, Excerpt, Proxy, ProxyError, is_no_tls,
};

/// The most that is read of an answer. The real ones are a few hundred bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// What the HTTP client says of a proxy that answered CONNECT with 407: all there is to tell it by,
/// since the type of the error is not public (`TunnelError` of hyper-util 0.1).
const TUNNEL_WANTS_CREDENTIALS: &str = "tunnel error: proxy authorization required";

/// What it says of one that answered with any other status but 200.
const TUNNEL_REFUSED: &str = "tunnel error: unsuccessful";

/// Makes the calls.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    site: Site,
    limit: Duration,
    proxy: Option<Proxy>,
}

/// Why there is nothing to make the calls with.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The site cannot be dialled.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// There is to be a proxy that cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The HTTP client does not like its settings.
    #[error("making an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// Which call it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Fetching a one-time token.
    Problem,
    /// Handing in a solution.
    Solve,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Call::Problem => "fetching a one-time token",
            Call::Solve => "handing in the solution",
        })
    }
}

/// Whether a solution counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitting {
    /// For the score.
    Scored,
    /// Once more, for no score: hackattic's "playground".
    Playground,
}

/// What the site says of a solution.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// Whether it counts as solved: a 2xx status and a `result`.
    pub passed: bool,
    /// The whole answer, a JSON object.
    pub response: Value,
}

/// A call that failed. The access token is in its URL, so that no error holds the URL.
#[derive(Debug, thiserror::Error)]
#[error("{call} at {site}{}: {cause}", through(proxy.as_deref()))]
pub struct ApiError {
    /// Which call.
    pub call: Call,
    /// Where.
    pub site: String,
    /// The proxy on the way, if there is one, without credentials.
    pub proxy: Option<String>,
    /// Why.
    pub cause: ApiCause,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiCause {
    /// There was no answer: no connection, or one that broke.
    #[error("{0}")]
    Unreachable(String),
    /// The answer did not come, or not to its end, within this time.
    #[error("no complete answer within {0:?}")]
    TimedOut(Duration),
    /// The certificate of the site was refused.
    #[error("{0}")]
    Certificate(Box<CertificateRefused>),
    /// What answered does not speak TLS.
    #[error("what answers there does not speak TLS")]
    NoTls,
    /// The proxy wants credentials, or others.
    #[error("the proxy refused the credentials, or wants some: {0}{1}")]
    ProxyCredentials(StatusCode, Excerpt),
    /// 401 or 403.
    #[error("the access token was refused: {0}{1}")]
    Credentials(StatusCode, Excerpt),
    /// Another status that is no success.
    #[error("{0}{1}")]
    Status(StatusCode, Excerpt),
    /// An answer that is not what the challenge describes, and what is wrong with it.
    #[error("{0}{1}")]
    Answer(String, Excerpt),
}

impl ApiError {
    /// Whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match &self.cause {
            ApiCause::Unreachable(_) | ApiCause::TimedOut(_) => true,
            ApiCause::Status(status, _) => {
                status.is_server_error()
                    || *status == StatusCode::TOO_MANY_REQUESTS
                    || *status == StatusCode::REQUEST_TIMEOUT
            }
            ApiCause::Certificate(_)
            | ApiCause::NoTls
            | ApiCause::ProxyCredentials(..)
            | ApiCause::Credentials(..)
            | ApiCause::Answer(..) => false,
        }
    }
}

impl Api {
    /// The calls to a site, over connections such as this dialer makes: with its time limit for
    /// each call, encrypted in its way, through its proxies, and to the addresses that it knows
    /// for hosts (a proxy looks hosts up by itself, though). Its headers and subprotocols belong to
    /// the WebSocket. Redirects are not followed: they would take the access token elsewhere.
    ///
    /// # Errors
    ///
    /// When there is a proxy on the way that cannot be used, or no HTTP client can be made with
    /// this TLS configuration.
    pub fn new(site: Site, dialer: &Dialer) -> Result<Self, ClientError> {
        let address = site.address()?;
        let limit = dialer.phase_limit();
        let mut client = Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(dialer.tls()))
            .user_agent(concat!("wsbeat/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // The client would read the environment by itself.
            .no_proxy()
            // The two calls are a conversation apart: by then the server may have hung up.
            .pool_max_idle_per_host(0)
            .timeout(limit);
        let proxy = dialer.proxy(&address)?;
        let resolved = dialer.resolved(&address);
        match (&proxy, site.domain()) {
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
            (None, _) => {}
        }
        Ok(Api {
            client: client.build()?,
            site,
            limit,
            proxy,
        })
    }

    /// Fetches a one-time token.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none with a token in it.
    pub async fn problem(&self, access_token: &SecretString) -> Result<OneTimeToken, ApiError> {
        let request = self
            .client
            .get(self.site.problem())
            .query(&[("access_token", access_token.expose_secret())]);
        let (status, body) = self.call(Call::Problem, request).await?;
        if !status.is_success() {
            return Err(self.refused(Call::Problem, status, &body));
        }
        let answer = self.object(Call::Problem, &body)?;
        let is_odd = |character: char| character.is_whitespace() || character.is_control();
        match answer.get("token").and_then(Value::as_str) {
            Some(token) if !token.is_empty() && !token.contains(is_odd) => {
                Ok(OneTimeToken::from(token))
            }
            _ => {
                // All that is quoted of an answer that may have a token in it, in whatever shape.
                let said = answer.get("error").and_then(Value::as_str);
                let excerpt = Excerpt::of(said.unwrap_or_default());
                let reason = "the answer holds no token".to_owned();
                Err(self.error(Call::Problem, ApiCause::Answer(reason, excerpt)))
            }
        }
    }

    /// Hands in the secret.
    ///
    /// # Errors
    ///
    /// When there is no answer, or none that is a JSON object, or its status says that the secret
    /// was not looked at: 401, 403, 404, 408, 429, 3xx or 5xx. A rejected secret is no error.
    pub async fn solve(
        &self,
        access_token: &SecretString,
        secret: &str,
        submitting: Submitting,
    ) -> Result<Submission, ApiError> {
        let mut request = self
            .client
            .post(self.site.solve())
            .query(&[("access_token", access_token.expose_secret())])
            .json(&json!({ "secret": secret }));
        if submitting == Submitting::Playground {
            request = request.query(&[("playground", "1")]);
        }
        let (status, body) = self.call(Call::Solve, request).await?;
        // Answers that say nothing of the secret.
        let unheard = matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::NOT_FOUND
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        );
        if unheard || status.is_server_error() || status.is_redirection() {
            return Err(self.refused(Call::Solve, status, &body));
        }
        match self.object(Call::Solve, &body) {
            Ok(response) => Ok(Submission {
                passed: status.is_success() && response.get("result").is_some(),
                response,
            }),
            Err(error) if status.is_success() => Err(error),
            Err(_) => Err(self.refused(Call::Solve, status, &body)),
        }
    }

    async fn call(
        &self,
        call: Call,
        request: RequestBuilder,
    ) -> Result<(StatusCode, String), ApiError> {
        let failed = |error: reqwest::Error| self.failed(call, &error.without_url());
        tracing::debug!(%call, site = %self.site, "calling");
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        let body = match redirection(&response) {
            Some(elsewhere) => format!("it redirects to {elsewhere}, which is not followed"),
            None => read_body(&mut response).await.map_err(failed)?,
        };
        tracing::debug!(%call, site = %self.site, %status, bytes = body.len(), "answered");
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED && self.proxy.is_some() {
            let cause = ApiCause::ProxyCredentials(status, Excerpt::of(&body));
            return Err(self.error(call, cause));
        }
        if body.len() > ANSWER_LIMIT {
            let reason = format!("the answer is over {} KiB long", ANSWER_LIMIT / 1024);
            return Err(self.wrong(call, &reason, &body));
        }
        Ok((status, body))
    }

    fn failed(&self, call: Call, error: &reqwest::Error) -> ApiError {
        if error.is_timeout() {
            return self.error(call, ApiCause::TimedOut(self.limit));
        }
        if let Some(refused) = CertificateRefused::behind(error) {
            return self.error(call, ApiCause::Certificate(Box::new(refused.clone())));
        }
        if is_no_tls(error) {
            return self.error(call, ApiCause::NoTls);
        }
        // The outer layers only say that a request was being sent.
        let mut cause: &dyn Error = error;
        let mut is_no_http = false;
        while let Some(source) = cause.source() {
            cause = source;
            is_no_http |= source.downcast_ref().is_some_and(is_no_http_error);
        }
        let reason = cause.to_string();
        let cause = if self.proxy.is_some() && reason == TUNNEL_WANTS_CREDENTIALS {
            let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
            ApiCause::ProxyCredentials(status, Excerpt::default())
        } else if self.proxy.is_some() && reason == TUNNEL_REFUSED {
            ApiCause::Unreachable("the proxy refused a tunnel to the site".to_owned())
        } else if is_no_http {
            ApiCause::Answer(
                format!("the answer is not HTTP: {reason}"),
                Excerpt::default(),
            )
        } else {
            ApiCause::Unreachable(reason)
        };
        self.error(call, cause)
    }

    fn refused(&self, call: Call, status: StatusCode, body: &str) -> ApiError {
        let excerpt = Excerpt::of(body);
        let cause = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                ApiCause::Credentials(status, excerpt)
            }
            _ => ApiCause::Status(status, excerpt),
        };
        self.error(call, cause)
    }

    fn object(&self, call: Call, body: &str) -> Result<Value, ApiError> {
        let reason = match serde_json::from_str(body) {
            Ok(value @ Value::Object(_)) => return Ok(value),
            Ok(_) => "the answer is no JSON object",
            Err(error) if error.is_eof() && body.trim_start().starts_with('{') => {
                "the answer is cut off JSON"
            }
            Err(_) => "the answer is not JSON",
        };
        Err(self.wrong(call, reason, body))
    }

    fn wrong(&self, call: Call, reason: &str, body: &str) -> ApiError {
        // What looks like an object may have a good one-time token in it, which nobody knows to
        // hide yet.
        let may_hold_token = call == Call::Problem && body.trim_start().starts_with('{');
        let excerpt = if may_hold_token {
            Excerpt::default()
        } else {
            Excerpt::of(body)
        };
        self.error(call, ApiCause::Answer(reason.to_owned(), excerpt))
    }

    fn error(&self, call: Call, cause: ApiCause) -> ApiError {
        ApiError {
            call,
            site: self.site.to_string(),
            proxy: self.proxy.as_ref().map(ToString::to_string),
            cause,
        }
    }
}

fn through(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"))
}

/// Whether what came was not HTTP, rather than too little of it, or nothing.
fn is_no_http_error(error: &hyper::Error) -> bool {
    let is_broken_off = error.is_incomplete_message()
        || error.is_closed()
        || error.is_canceled()
        || error.is_timeout()
        || error.source().is_some_and(|cause| cause.is::<io::Error>());
    error.is_parse() || !is_broken_off
}

/// Where an answer redirects to, but for the query, which may repeat the access token.
fn redirection(response: &Response) -> Option<String> {
    if !response.status().is_redirection() {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let mut elsewhere = response.url().join(location).ok()?;
    elsewhere.set_query(None);
    Some(elsewhere.to_string())
}

/// Reads an answer until it is known to be too long.
async fn read_body(response: &mut Response) -> reqwest::Result<String> {
    let mut body = Vec::new();
    while body.len() <= ANSWER_LIMIT
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&body);
    // A byte order mark says nothing in UTF-8, and JSON is read without it.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}
