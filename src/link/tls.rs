use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};

use super::certificate::{Credulous, Explaining};
use super::client_certificate::NoCertificate;
use super::pem_fault;
use crate::conversation::without_byte_order_mark;

/// The most that is read of a file of certificates: the system's bundles are a quarter of it.
const FILE_LIMIT: u64 = 1024 * 1024;

/// Whose certificates are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those that the system's certificate authorities have issued, or Mozilla's, or these.
    Authorities(Vec<Authority>),
    /// Anybody's: no certificate is verified.
    Anyone,
}

impl Default for Trust {
    fn default() -> Self {
        Trust::Authorities(Vec::new())
    }
}

/// The certificate of a certificate authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority(CertificateDer<'static>);

/// Why there is no trust.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("reading the certificates in {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The file has no certificate in it.
    #[error("there are no certificates in {}; it has to be a PEM file", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file has something in it that is none.
    #[error("a certificate in {} makes no sense: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There are no certificates to verify others with.
    #[error("making a verifier of certificates: {0}")]
    Verifier(String),
}

impl Authority {
    /// Reads a PEM file of certificate authorities.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or holds no certificates, or some that make no sense.
    pub fn read_all(path: &Path) -> Result<Vec<Self>, TrustError> {
        use io::Read as _;
        let malformed = |reason: String| TrustError::Malformed {
            path: path.to_owned(),
            reason,
        };
        let mut text = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(FILE_LIMIT + 1).read_to_end(&mut text))
            .map_err(|source| TrustError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
        if text.len() as u64 > FILE_LIMIT {
            return Err(malformed(format!(
                "the file is over {FILE_LIMIT} bytes long"
            )));
        }
        let certificates: Result<Vec<_>, pem::Error> =
            CertificateDer::pem_slice_iter(without_byte_order_mark(&text)).collect();
        let certificates = certificates.map_err(|error| malformed(pem_fault(&error).to_owned()))?;
        let mut trial = RootCertStore::empty();
        for (number, certificate) in (1..).zip(&certificates) {
            let added = trial.add(certificate.clone());
            added.map_err(|_repeats_it| malformed(format!("number {number} is not X.509")))?;
        }
        if certificates.is_empty() {
            return Err(TrustError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(certificates.into_iter().map(Authority).collect())
    }
}

impl From<CertificateDer<'static>> for Authority {
    /// An authority of which the certificate is at hand, in DER.
    fn from(certificate: CertificateDer<'static>) -> Self {
        Authority(certificate)
    }
}

/// How encrypted connections are made, by the link and over HTTP alike: TLS 1.2 and 1.3 with
/// *ring*'s cryptography, trusting whom it is told to. The system's certificate authorities and
/// Mozilla's are trusted together, so that neither a private authority nor a machine without
/// certificates is a hindrance.
///
/// Reads the system's certificates from disk: some ten milliseconds, worth doing once.
///
/// # Errors
///
/// When certificates cannot be verified with what there is.
pub fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, TrustError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Anyone => Arc::new(Credulous(Arc::clone(&provider))),
        Trust::Authorities(besides) => {
            let roots = Arc::new(roots(besides));
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            let verifier = verifier.map_err(|error| TrustError::Verifier(error.to_string()))?;
            Arc::new(Explaining(verifier))
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        // Which versions there are is decided by the features in Cargo.toml.
        .expect("ring supports TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(NoCertificate));
    Ok(Arc::new(config))
}

fn roots(besides: &[Authority]) -> RootCertStore {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "a certificate store of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let besides = besides.iter().map(|authority| authority.0.clone());
    let (added, ignored) = roots.add_parsable_certificates(system.certs.into_iter().chain(besides));
    tracing::trace!(
        added,
        ignored,
        "certificate authorities of the system, and others"
    );
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots
}
