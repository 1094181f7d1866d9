use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_tungstenite::tungstenite;
use tungstenite::error::{CapacityError, ProtocolError};

use super::answer::AnswerError;
use super::certificate::is_no_tls;
use super::client_certificate::{CLIENT_CERTIFICATE_WANTED, is_client_certificate_wanted};
use super::frame_watch::Finding;
use super::upgrade::UpgradeError;
use super::watched::finding;
use super::{CertificateRefused, Printable, ProxyError, Refusal, TunnelError};
use crate::conversation::{CloseReason, Farewell};

/// The phases of a dial, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Looking up the host's addresses.
    Dns,
    /// Connecting to one of them.
    Tcp,
    /// Asking a proxy for a tunnel.
    Proxy,
    /// Agreeing on encryption.
    Tls,
    /// Asking for the WebSocket.
    Upgrade,
}

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// By TLS: `wss://`.
    Tls,
    /// Not at all: `ws://`.
    None,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Dns => "looking up",
            Phase::Tcp => "connecting to",
            Phase::Proxy => "the tunnel to",
            Phase::Tls => "the TLS handshake with",
            Phase::Upgrade => "the WebSocket upgrade at",
        })
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// There is to be a proxy that cannot be used. Nothing has been sent to anyone.
    #[error("the way to {authority}: {source}")]
    Proxy {
        /// Host and port.
        authority: String,
        /// Why not.
        source: ProxyError,
    },
    /// The host has no address, or the resolver did not answer.
    #[error("looking up {host}: {source}")]
    Lookup {
        /// The name that was looked up, or the proxy whose name it is.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// None of the host's addresses could be connected to.
    #[error("connecting to {authority}: {}", attempts(failures))]
    Connect {
        /// Host and port, or the proxy.
        authority: String,
        /// What became of each address.
        failures: Vec<(SocketAddr, io::Error)>,
    },
    /// The proxy gave no tunnel.
    #[error("the proxy {proxy}, on the way to {authority}: {source}")]
    Tunnel {
        /// The proxy's URL, without credentials.
        proxy: String,
        /// Host and port of where the tunnel was to lead.
        authority: String,
        /// What became of it.
        source: TunnelError,
    },
    /// The server's certificate was refused.
    #[error("the TLS handshake with {authority}: {refused}")]
    Certificate {
        /// Host and port.
        authority: String,
        /// Which certificate, and why.
        refused: Box<CertificateRefused>,
    },
    /// What answered does not speak TLS.
    #[error("the TLS handshake with {authority}: what answers there does not speak TLS")]
    NoTls {
        /// Host and port.
        authority: String,
    },
    /// The server ended the connection after it had asked for a certificate of the client's: in TLS
    /// 1.3 that is learnt no sooner than during the upgrade.
    #[error(
        "the TLS handshake with {authority}: {} ({source})",
        CLIENT_CERTIFICATE_WANTED
    )]
    ClientCertificate {
        /// Host and port.
        authority: String,
        /// How it ended: by an alert, or without a word, which may have another reason.
        source: io::Error,
    },
    /// No encrypted connection could be agreed on.
    #[error("the TLS handshake with {authority}: {source}")]
    Tls {
        /// Host and port.
        authority: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The server answered the upgrade with another status than 101.
    #[error("{authority} refused the WebSocket upgrade: {refusal}")]
    Refused {
        /// Host and port.
        authority: String,
        /// The answer.
        refusal: Box<Refusal>,
    },
    /// The server's answer to the upgrade breaks RFC 6455 section 4.
    #[error("{authority} answered the WebSocket upgrade wrongly: {reason}")]
    Handshake {
        /// Host and port.
        authority: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The server's answer to the upgrade is no HTTP.
    #[error(
        "{authority} answered the WebSocket upgrade wrongly: it does not speak HTTP ({reason})"
    )]
    NoHttp {
        /// Host and port.
        authority: String,
        /// How it was asked.
        encryption: Encryption,
        /// What the parser of HTTP stumbled over.
        reason: String,
    },
    /// The connection was lost during the upgrade.
    #[error("the WebSocket upgrade at {authority}: {source}")]
    Dropped {
        /// Host and port.
        authority: String,
        /// How it was asked.
        encryption: Encryption,
        /// What happened to the connection.
        source: io::Error,
    },
    /// A phase took too long.
    #[error("{phase} {authority}: no answer within {limit:?}")]
    TimedOut {
        /// The phase.
        phase: Phase,
        /// Host and port.
        authority: String,
        /// How long it was given.
        limit: Duration,
    },
}

impl DialError {
    /// The phase that failed.
    pub fn phase(&self) -> Phase {
        match self {
            DialError::Proxy { .. } | DialError::Lookup { .. } => Phase::Dns,
            DialError::Connect { .. } => Phase::Tcp,
            DialError::Tunnel { .. } => Phase::Proxy,
            DialError::Certificate { .. }
            | DialError::NoTls { .. }
            | DialError::ClientCertificate { .. }
            | DialError::Tls { .. } => Phase::Tls,
            DialError::Refused { .. }
            | DialError::Handshake { .. }
            | DialError::NoHttp { .. }
            | DialError::Dropped { .. } => Phase::Upgrade,
            DialError::TimedOut { phase, .. } => *phase,
        }
    }

    /// What the TLS handshake failed with, sorted by cause.
    pub(super) fn tls(authority: String, source: io::Error) -> Self {
        match CertificateRefused::behind(&source).cloned() {
            Some(refused) => DialError::Certificate {
                authority,
                refused: Box::new(refused),
            },
            None if is_no_tls(&source) => DialError::NoTls { authority },
            None => DialError::Tls { authority, source },
        }
    }

    /// The same error on a connection whose server has `asked` for a certificate of the client's, or
    /// has not: it may have ended the connection for want of one.
    pub(super) fn with_certificate_asked_for(self, asked: bool) -> Self {
        match self {
            DialError::Tls { authority, source }
            | DialError::Dropped {
                authority, source, ..
            } if is_client_certificate_wanted(&source, asked) || asked && is_hung_up(&source) => {
                DialError::ClientCertificate { authority, source }
            }
            other => other,
        }
    }

    /// What the upgrade failed with, sorted by cause.
    pub(super) fn upgrade(authority: String, encryption: Encryption, error: UpgradeError) -> Self {
        match error {
            UpgradeError::Refused(refusal) => DialError::Refused { authority, refusal },
            UpgradeError::Answer(AnswerError::Lost(source)) => DialError::Dropped {
                authority,
                encryption,
                source,
            },
            UpgradeError::Answer(AnswerError::NoHttp(reason)) => DialError::NoHttp {
                authority,
                encryption,
                reason,
            },
            UpgradeError::Answer(AnswerError::TooLong) | UpgradeError::Request(_) => {
                DialError::Handshake {
                    authority,
                    reason: error.to_string(),
                }
            }
            UpgradeError::Wrong(reason) => DialError::Handshake { authority, reason },
        }
    }
}

/// Whether a peer ended a connection without a word. Of one that closes at once, what it said last
/// may be lost on the way.
pub fn is_hung_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    )
}

fn attempts(failures: &[(SocketAddr, io::Error)]) -> String {
    match failures {
        [] => "the host has no address".to_owned(),
        [(_, error)] => error.to_string(),
        several => several
            .iter()
            .map(|(address, error)| format!("{address}: {error}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// How a peer broke the WebSocket protocol after the upgrade.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A text message that is no UTF-8 (RFC 6455 section 8.1).
    #[error("a text message is not valid UTF-8")]
    NotUtf8,
    /// A message over [`MESSAGE_LIMIT`](super::MESSAGE_LIMIT). It is not read.
    #[error("a message of {size} bytes, over the limit of {limit}")]
    TooBig {
        /// How big it was going to be at the least.
        size: usize,
        /// How big it could have been.
        limit: usize,
    },
    /// A Close frame with a code that may not be sent (RFC 6455 section 7.4.1).
    #[error("it closed with code {code}, which may not be sent{}", said(reason))]
    CloseCode {
        /// The code.
        code: u16,
        /// The reason that came with it.
        reason: String,
    },
    /// Frames that make no sense.
    #[error("{0}")]
    Framing(String),
}

impl Violation {
    /// The code to close with (RFC 6455 section 7.4.1).
    pub(super) fn close_code(&self) -> u16 {
        match self {
            Violation::NotUtf8 => 1007,
            Violation::TooBig { .. } => 1009,
            Violation::CloseCode { .. } | Violation::Framing(_) => 1002,
        }
    }

    /// What to tell the peer of it, and whoever reads a recording.
    pub(super) fn close_reason(&self) -> String {
        match self {
            Violation::CloseCode { code, .. } => format!("code {code} may not be sent"),
            _ => String::new(),
        }
    }
}

fn said(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!(", and the reason \"{}\"", Printable(reason)),
    }
}

/// Why the socket cannot be used any longer: the connection is gone, or the peer's frames make no
/// sense.
pub(super) enum Broken {
    Gone(io::Error),
    Violated(Violation),
    /// The peer has closed it with a code that the library does not know, and is not answered yet.
    Closed(Farewell),
}

impl From<tungstenite::Error> for Broken {
    fn from(error: tungstenite::Error) -> Self {
        use tungstenite::Error;
        match error {
            Error::Io(error) => match finding(&error) {
                None => Broken::Gone(error),
                Some(Finding::Close { code, reason }) if CloseReason::may_be_sent(*code) => {
                    Broken::Closed(Farewell::new(*code, reason))
                }
                Some(Finding::Close { code, reason }) => Broken::Violated(Violation::CloseCode {
                    code: *code,
                    reason: reason.clone(),
                }),
                Some(padded @ Finding::PaddedLength) => {
                    Broken::Violated(Violation::Framing(padded.to_string()))
                }
            },
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(
                ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
            ) => Broken::Gone(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the peer hung up without a Close frame",
            )),
            Error::Utf8(_) => Broken::Violated(Violation::NotUtf8),
            Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
                Broken::Violated(Violation::TooBig {
                    size,
                    limit: max_size,
                })
            }
            // Our own doing: more was to be sent than this side holds for a peer that does not
            // read.
            Error::WriteBufferFull(_) => Broken::Gone(io::ErrorKind::QuotaExceeded.into()),
            Error::Protocol(error) => Broken::Violated(Violation::Framing(error.to_string())),
            other => Broken::Violated(Violation::Framing(other.to_string())),
        }
    }
}
