//! Whom a server lets in, and how many.

use std::num::NonZeroUsize;

use clap::Args;

use crate::server::{ConnectionLimits, Origin, Origins, OwnHost, OwnHosts, Proxies, Subnet};

/// Whom a server lets in, and how many.
#[derive(Debug, Args)]
#[command(next_help_heading = "Admission")]
pub(super) struct Admitting {
    /// Let web pages from here ask for anything, and no others; may be given several times [default:
    /// those from a host of the server's own]
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<Origin>,

    /// Know this host as the server's own, at which it answers and at which clients may
    /// register; may be given several times [default: only the IP address that a connection leads to
    /// and, over loopback, localhost]
    #[arg(long = "host", value_name = "HOST[:PORT]")]
    hosts: Vec<OwnHost>,

    /// How many connections there may be at once
    #[arg(long, value_parser = number, default_value_t = ConnectionLimits::default().total,
          value_name = "N")]
    max_connections: NonZeroUsize,

    /// How many of them may come from one IP address, or one /64 network of IPv6 [default: all]
    #[arg(long, value_parser = number, value_name = "N")]
    max_connections_per_address: Option<NonZeroUsize>,

    /// Believe the reverse proxy here whom its requests come from: the last entry of X-Forwarded-For or
    /// Forwarded; may be given several times [default: nobody is believed]
    #[arg(long = "behind-proxy", value_name = "ADDRESS[/BITS]")]
    proxies: Vec<Subnet>,
}

impl Admitting {
    pub(super) fn origins(&self) -> Origins {
        if self.origins.is_empty() {
            Origins::Same
        } else {
            Origins::Listed(self.origins.clone())
        }
    }

    pub(super) fn hosts(&self) -> OwnHosts {
        OwnHosts::new(self.hosts.clone())
    }

    pub(super) fn proxies(&self) -> Proxies {
        Proxies::new(self.proxies.clone())
    }

    pub(super) fn connections(&self) -> ConnectionLimits {
        ConnectionLimits {
            total: self.max_connections,
            per_address: self.max_connections_per_address,
            ..ConnectionLimits::default()
        }
    }
}

fn number(text: &str) -> Result<NonZeroUsize, String> {
    let wrong = |_| "it has to be a whole number, 1 at the least".to_owned();
    text.parse().map_err(wrong)
}
