//! The only place that touches a WebSocket, and the only place that reads the clock.
//!
//! A [`Dialer`] turns an [`Address`] into a [`Connection`], phase by phase, each with a time limit
//! and its duration reported. A server [grants the upgrade](grant_upgrade) that a request asks
//! for. [`drive`] then runs a [`Party`](crate::conversation::Party) over the
//! connection, at either end: it stamps each frame as it is read, sends what the party says, and
//! closes properly. A [`Stop`] ends a conversation from outside, and an [`Inbox`] brings a party what
//! is said to it from beside the connection.
//!
//! On the way there may be a [`Proxy`], names may be [resolved](Resolution) otherwise than by the
//! system, and whose certificates are good is a matter of [`Trust`].
//!
//! What is said over the link, and what to do when it fails, are not its affair.

mod accept;
mod address;
mod answer;
mod awake;
mod certificate;
mod client_certificate;
pub mod clock;
mod connection;
mod dial;
mod driver;
mod error;
mod excerpt;
mod frame_watch;
mod headers;
mod inbox;
mod no_proxy;
mod pem;
mod proxy;
mod race;
mod refusal;
mod resolution;
mod seldom;
mod stop;
mod tcp_info;
mod timer;
mod tls;
mod tunnel;
mod upgrade;
mod watched;

pub use accept::{UpgradeRefused, Upgrading, grant_upgrade};
pub(crate) use address::is_localhost;
pub use address::{Address, AddressError};
pub use awake::Awake;
pub use certificate::{CertificateRefused, RefusalReason, is_no_tls};
pub use client_certificate::{
    CLIENT_CERTIFICATE_WANTED, is_client_certificate_wanted, noting_requests,
};
pub use connection::{Connection, MESSAGE_LIMIT};
pub(crate) use dial::loopback;
pub use dial::{Dialed, Dialer, Phases, Transport};
pub use driver::{EndCause, Ending, Limits, Observer, drive, drive_with_cues};
pub use error::{DialError, Encryption, Phase, Violation, is_hung_up};
pub use excerpt::{Excerpt, Printable};
pub use headers::{Header, HeaderError, Subprotocol, SubprotocolError};
pub use inbox::{Inbox, Prompter, Unheard};
pub use pem::pem_fault;
pub use proxy::{Proxies, Proxy, ProxyError};
pub use refusal::{Refusal, readable, redirection, retry_after};
pub use resolution::{Resolution, ResolutionError};
pub use seldom::Seldom;
pub use stop::{Stop, StopReason, Stopper};
pub use tcp_info::TcpProbe;
pub use timer::Precision;
pub use tls::{Authority, Trust, TrustError, client_config};
pub use tunnel::TunnelError;
