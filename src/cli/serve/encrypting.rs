//! Whether a server encrypts, and with which certificate.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use super::super::failure::{Failure, Kind};
use crate::link::clock;
use crate::server::{Tls, TlsError};

/// Whether a server encrypts, and with which certificate.
#[derive(Debug, Args)]
#[command(next_help_heading = "Encryption")]
pub(super) struct Encrypting {
    /// Speak TLS (https://, wss://) with the certificate in this PEM file, and those of its issuers
    /// after it
    #[arg(long, requires = "tls_key", value_name = "FILE")]
    tls_cert: Option<PathBuf>,

    /// The private key to the certificate, in a PEM file
    #[arg(long, requires = "tls_cert", value_name = "FILE")]
    tls_key: Option<PathBuf>,

    /// Speak TLS with a certificate for this machine that is made for a try-out, and write the
    /// authority that signed it to FILE, or else to wsbeat-ca.pem, for the --ca-cert of clients
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"], num_args = 0..=1,
          require_equals = true, default_missing_value = "wsbeat-ca.pem", value_name = "FILE")]
    tls_self_signed: Option<PathBuf>,
}

impl Encrypting {
    /// Reads the certificate, or makes one for this address.
    pub(super) fn configure(self, listen: IpAddr) -> Result<Option<Tls>, Failure> {
        match (self.tls_self_signed, self.tls_cert, self.tls_key) {
            (Some(file), _, _) => {
                let tls = Tls::self_signed(listen, clock::wall(), file);
                tls.map(Some).map_err(|error| match error {
                    TlsError::Making(_) => Kind::Internal.because(error),
                    error => unpublished(error),
                })
            }
            (None, Some(certificate), Some(key)) => {
                let tls = Tls::read(&certificate, &key);
                tls.map(Some).map_err(|error| {
                    let option = match &error {
                        TlsError::Unreadable { path, .. } | TlsError::Malformed { path, .. }
                            if *path == key && key != certificate =>
                        {
                            "--tls-key"
                        }
                        TlsError::NoKey { .. } | TlsError::Mismatch { .. } => "--tls-key",
                        _ => "--tls-cert",
                    };
                    Kind::Usage.because(format_args!("{option}: {error}"))
                })
            }
            // Each of the two requires the other.
            (None, _, _) => Ok(None),
        }
    }
}

/// The certificate of an authority of ours cannot be put into its file.
pub(super) fn unpublished(error: impl std::fmt::Display) -> Failure {
    Kind::Usage.because(format_args!(
        "--tls-self-signed: {error}; --tls-self-signed=FILE takes another file"
    ))
}
