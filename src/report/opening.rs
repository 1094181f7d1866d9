//! What is reported of a connection that has been opened.

use std::io::{self, Write};

use serde::Serialize;

use super::layout::{REMARK, label};
use super::units::millis;
use crate::link::{Address, Dialed, Printable};

/// A connection and how long its phases took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenItem {
    /// Which attempt this is, counted from one.
    pub attempt: u32,
    /// Which target of several this is, counted from one, where round trips are measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<usize>,
    /// Where, with secrets blanked.
    pub url: String,
    /// Whom the TCP connection leads to: the proxy, if there is one.
    pub peer: String,
    /// The URL of the proxy on the way, without credentials; null without one.
    pub proxy: Option<String>,
    /// The subprotocol that the server has chosen; null without one.
    pub subprotocol: Option<String>,
    /// How long the host was looked up, or the proxy's; null when it is known by number.
    pub dns_ms: Option<f64>,
    /// How long connecting took.
    pub tcp_ms: f64,
    /// How long the proxy took to give a tunnel; null without one.
    pub proxy_ms: Option<f64>,
    /// How long the TLS handshake took; null without encryption.
    pub tls_ms: Option<f64>,
    /// How long the upgrade took.
    pub upgrade_ms: f64,
}

impl OpenItem {
    /// A connection to an address, for reporting.
    pub fn new(attempt: u32, address: &Address, dialed: &Dialed) -> Self {
        let phases = &dialed.phases;
        OpenItem {
            attempt,
            target: None,
            url: address.to_string(),
            peer: dialed.peer.to_string(),
            proxy: dialed.proxy.as_ref().map(ToString::to_string),
            subprotocol: dialed.subprotocol.clone(),
            dns_ms: phases.dns.map(millis),
            tcp_ms: millis(phases.tcp),
            proxy_ms: phases.proxy.map(millis),
            tls_ms: phases.tls.map(millis),
            upgrade_ms: millis(phases.upgrade),
        }
    }
}

pub(super) fn write_open(
    open: &OpenItem,
    is_one_of_several: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let url = Printable(&open.url);
    let number = match open.target {
        Some(target) if is_one_of_several => format!("{target}  "),
        _ => String::new(),
    };
    label(
        out,
        "connected",
        format_args!("{number}{url} ({})", open.peer),
    )?;
    if let Some(proxy) = &open.proxy {
        label(
            out,
            "",
            format_args!("through the proxy {}", Printable(proxy)),
        )?;
    }
    for line in phases(open) {
        label(out, "", line)?;
    }
    match &open.subprotocol {
        Some(name) => label(out, "subprotocol", Printable(name)),
        None => Ok(()),
    }
}

/// The phases that there were, in lines that fit behind a label.
fn phases(open: &OpenItem) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (name, took) in [
        ("dns", open.dns_ms),
        ("tcp", Some(open.tcp_ms)),
        ("proxy", open.proxy_ms),
        ("tls", open.tls_ms),
        ("upgrade", Some(open.upgrade_ms)),
    ] {
        let Some(took) = took else {
            continue;
        };
        let phase = format!("{name} {took:.1} ms");
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&phase),
            Some(line) if line.len() + ", ".len() + phase.len() < REMARK => {
                line.push_str(", ");
                line.push_str(&phase);
            }
            last => {
                last.into_iter().for_each(|line| line.push(','));
                lines.push(phase);
            }
        }
    }
    lines
}
