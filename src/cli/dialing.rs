//! How connections are made: the options that every command which dials has in common.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::Context;
use super::failure::{Failure, Kind};
use super::values::duration;
use crate::link::{
    Address, Authority, Dialer, Header, HeaderError, Proxies, Resolution, Subprotocol, Trust,
    client_config,
};

/// How connections are made.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connecting")]
pub(super) struct Dialing {
    /// Send this header with the WebSocket upgrade; may be given several times
    // Read later: clap would repeat what it cannot read, and it may be a secret.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<SecretString>,

    /// Offer this subprotocol; may be given several times, the preferred one first
    #[arg(long = "subprotocol", value_name = "NAME")]
    subprotocols: Vec<Subprotocol>,

    /// Trust the certificate authorities in this PEM file, too; may be given several times
    #[arg(long = "ca-cert", value_name = "FILE")]
    ca_certs: Vec<PathBuf>,

    /// Verify no certificates at all: whoever answers is trusted
    #[arg(long, conflicts_with = "ca_certs")]
    insecure: bool,

    /// Find a host at this address, without DNS (`*` for any name); may be given several times
    #[arg(long = "resolve", value_name = "HOST:PORT:ADDRESS")]
    resolutions: Vec<Resolution>,

    /// How long each phase of connecting may take (DNS, TCP, proxy, TLS, upgrade), and each HTTP
    /// call
    #[arg(long, value_parser = duration, default_value = "10s", value_name = "TIME")]
    connect_timeout: Duration,
}

/// A dialer, and what has to be seen to before it dials.
pub(super) struct Dial {
    dialer: Dialer,
    secrets: Vec<SecretString>,
    trust: Trust,
}

impl Dialing {
    /// Checks the options, and that these addresses can be reached through the proxies. Reads the
    /// files that are named, and the system's certificates.
    pub(super) fn configure(
        self,
        proxies: Proxies,
        addresses: &[Address],
    ) -> Result<Dial, Failure> {
        let usage = |option: &str, error: &dyn std::fmt::Display| {
            Kind::Usage.because(format_args!("{option}: {error}"))
        };
        let mut headers = Vec::with_capacity(self.headers.len());
        for header in &self.headers {
            let header = header.expose_secret().parse::<Header>();
            headers.push(header.map_err(|error| match error {
                HeaderError::Subprotocol => usage("-H", &"--subprotocol asks for a subprotocol"),
                error => usage("-H", &error),
            })?);
        }
        for (index, name) in self.subprotocols.iter().enumerate() {
            // RFC 6455 section 4.1, item 10: each of them once.
            if self.subprotocols[..index].contains(name) {
                return Err(usage(
                    "--subprotocol",
                    &format_args!("{name} is given twice"),
                ));
            }
        }
        let trust = if self.insecure {
            Trust::Anyone
        } else {
            let mut authorities = Vec::new();
            for path in &self.ca_certs {
                let read = Authority::read_all(path);
                authorities.extend(read.map_err(|error| usage("--ca-cert", &error))?);
            }
            Trust::Authorities(authorities)
        };
        let mut secrets: Vec<_> = headers.iter().flat_map(Header::secrets).collect();
        let tls = client_config(&trust).map_err(|error| Kind::Internal.because(error))?;
        let dialer = Dialer::new(self.connect_timeout, tls)
            .with_headers(headers)
            .with_subprotocols(self.subprotocols)
            .with_resolutions(self.resolutions)
            .with_proxies(proxies);
        for address in addresses {
            let proxy = dialer
                .proxy(address)
                .map_err(|error| Kind::Usage.because(error))?;
            secrets.extend(proxy.iter().flat_map(|proxy| proxy.secrets()));
        }
        Ok(Dial {
            dialer,
            secrets,
            trust,
        })
    }
}

impl Dial {
    /// Hides what must not be seen, warns of what is dangerous, and gives the dialer.
    pub(super) fn dialer(self, context: &Context<'_>) -> Dialer {
        for secret in &self.secrets {
            context.hide(secret);
        }
        if self.trust == Trust::Anyone {
            context
                .aside
                .say("--insecure: no certificate is verified, and anybody can answer");
        }
        self.dialer
    }
}
