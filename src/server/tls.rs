//! The certificate that the server shows, and the key to it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::self_signed::{AuthorityFile, AuthorityFileError, SelfSigned};
use crate::conversation::without_byte_order_mark;
use crate::link::pem_fault;

/// The most that is read of a file: a chain of certificates is a few KiB.
const FILE_LIMIT: u64 = 1024 * 1024;

/// How a server encrypts: TLS 1.2 and 1.3 with *ring*'s cryptography, HTTP/1.1 within, and no
/// certificates of clients.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    authority: Option<AuthorityFile>,
}

/// Why a server cannot encrypt.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("reading {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// There is no certificate in the file that it should be in.
    #[error("there is no certificate in {}; it has to be a PEM file", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// There is no key in the file that it should be in.
    #[error(
        "there is no private key in {}; it has to be a PEM file, and the key without a passphrase",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A file is not what it should be.
    #[error("{} makes no sense: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, in words that hold nothing of the file.
        reason: String,
    },
    /// The key is not that of the certificate.
    #[error(
        "the private key in {} is not that of the first certificate in {}; the server's own comes \
         first there, and those of its issuers follow",
        key.display(), certificate.display()
    )]
    Mismatch {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// The two cannot be used.
    #[error(
        "the certificate in {} and the private key in {} cannot be used: {reason}",
        certificate.display(), key.display()
    )]
    Unusable {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What is wrong, in words that hold nothing of the files.
        reason: &'static str,
    },
    /// No certificate could be made.
    #[error("making a certificate: {0}")]
    Making(String),
    /// The certificate of the authority that was made cannot be put where it should be.
    #[error(transparent)]
    Authority(#[from] AuthorityFileError),
}

impl Tls {
    /// Reads a certificate, followed by those of its issuers, and its key from PEM files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or they do not hold a certificate and the key to it.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = read(certificate)?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(without_byte_order_mark(&chain))
            .collect::<Result<_, pem::Error>>()
            .map_err(|error| TlsError::Malformed {
                path: certificate.to_owned(),
                reason: pem_fault(&error).to_owned(),
            })?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate {
                path: certificate.to_owned(),
            });
        }
        let key_der = PrivateKeyDer::from_pem_slice(without_byte_order_mark(&read(key)?)).map_err(
            |error| match error {
                pem::Error::NoItemsFound => TlsError::NoKey {
                    path: key.to_owned(),
                },
                error => TlsError::Malformed {
                    path: key.to_owned(),
                    reason: pem_fault(&error).to_owned(),
                },
            },
        )?;
        let config = config(chain, key_der).map_err(|reason| match reason {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
            },
            rustls::Error::InvalidCertificate(_) => TlsError::Malformed {
                path: certificate.to_owned(),
                reason: "its first certificate cannot be read".to_owned(),
            },
            // The key is parsed by the provider, in whose words there may be something of it.
            _ => TlsError::Unusable {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
                reason: "the key is damaged, or of another kind than RSA, ECDSA and Ed25519",
            },
        })?;
        Ok(Tls {
            config,
            authority: None,
        })
    }

    /// Makes a certificate for `localhost`, the loopback addresses and the one that is listened on,
    /// good for 30 days from yesterday, and an authority that vouches for it and nobody else. No key
    /// leaves the memory. The authority's certificate is to be written to the file by
    /// [`AuthorityFile::write`], once the server has its port.
    ///
    /// # Errors
    ///
    /// When something is in the way of the file that it must not replace, or there is no randomness.
    pub fn self_signed(listen: IpAddr, now: SystemTime, file: PathBuf) -> Result<Self, TlsError> {
        let made = SelfSigned::make(listen, now);
        let made = made.map_err(|error| TlsError::Making(error.to_string()))?;
        let authority = AuthorityFile::plan(file, &made.authority)?;
        let config = config(vec![made.certificate], made.key);
        Ok(Tls {
            config: config.map_err(|error| TlsError::Making(error.to_string()))?,
            authority: Some(authority),
        })
    }

    /// The certificate of the authority, if it is one of ours, that clients have to trust.
    pub fn authority(&self) -> Option<&AuthorityFile> {
        self.authority.as_ref()
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.authority.as_ref().map(AuthorityFile::path);
        f.debug_struct("Tls")
            .field("authority", &authority)
            .finish_non_exhaustive()
    }
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_LIMIT + 1).read_to_end(&mut text))
        .map_err(|source| TlsError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    if text.len() as u64 > FILE_LIMIT {
        return Err(TlsError::Malformed {
            path: path.to_owned(),
            reason: format!("it is over {FILE_LIMIT} bytes long"),
        });
    }
    Ok(text)
}
