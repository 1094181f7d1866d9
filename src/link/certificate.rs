//! Certificates that are not trusted, and what there is to say about them.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::Printable;

/// How many names of a certificate are told.
const TOLD: usize = 4;

/// A certificate that was refused, with what a person needs to know to do something about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRefused {
    names: Vec<String>,
    issuer: Option<String>,
    reason: RefusalReason,
}

/// Why a certificate was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// It was issued by an authority that is not trusted.
    UnknownIssuer,
    /// Its time is over, since when.
    Expired(Option<String>),
    /// Its time has not come, until when.
    NotYetValid(Option<String>),
    /// It is for other names than this one.
    WrongName(String),
    /// It is that of an authority, and not to be a server's at the same time (RFC 5280 section
    /// 4.2.1.9).
    IsAuthority,
    /// Something else, in the words of rustls.
    Other(String),
}

impl CertificateRefused {
    /// Why it was refused.
    pub fn reason(&self) -> &RefusalReason {
        &self.reason
    }

    /// The refusal that an error of the TLS library, the HTTP client or the link came of, if it
    /// did.
    pub fn behind<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        match tls_error_behind(error)? {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => {
                cause.downcast_ref()
            }
            _ => None,
        }
    }

    fn new(der: &CertificateDer<'_>, error: &CertificateError, sought: &ServerName<'_>) -> Self {
        let parsed = X509Certificate::from_der(der)
            .map(|(_rest, parsed)| parsed)
            .ok();
        let validity = parsed.as_ref().map(|parsed| parsed.validity());
        let reason = match error {
            // One that is trusted has the issuer's name, and another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                RefusalReason::UnknownIssuer
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                RefusalReason::Expired(validity.map(|it| it.not_after.to_string()))
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                RefusalReason::NotYetValid(validity.map(|it| it.not_before.to_string()))
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                RefusalReason::WrongName(sought.to_str().into_owned())
            }
            // webpki has no error of its own for this in rustls's terms.
            CertificateError::Other(_) if parsed.as_ref().is_some_and(|it| it.is_ca()) => {
                RefusalReason::IsAuthority
            }
            other => RefusalReason::Other(other.to_string()),
        };
        CertificateRefused {
            names: parsed.as_ref().map(names).unwrap_or_default(),
            issuer: parsed.map(|parsed| parsed.issuer().to_string()),
            reason,
        }
    }
}

/// Whom a certificate is for: its alternative names, or else the common name of its subject.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative.map(|extension| &extension.value.general_names);
    let names = alternative
        .into_iter()
        .flatten()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => match **bytes {
                [a, b, c, d] => Some(IpAddr::from([a, b, c, d]).to_string()),
                ref bytes => <[u8; 16]>::try_from(bytes)
                    .ok()
                    .map(|bytes| IpAddr::from(bytes).to_string()),
            },
            _ => None,
        });
    let names: Vec<String> = names.collect();
    if !names.is_empty() {
        return names;
    }
    let subject = certificate.subject();
    let common = subject
        .iter_common_name()
        .filter_map(|name| name.as_str().ok());
    common.map(str::to_owned).collect()
}

impl fmt::Display for CertificateRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its certificate is refused: it is for ")?;
        for (index, name) in self.names.iter().take(TOLD).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}", Printable(name))?;
        }
        match self.names.len() {
            0 => f.write_str("no name at all")?,
            all if all > TOLD => write!(f, " and {} more", all - TOLD)?,
            _ => {}
        }
        let issuer = self.issuer.as_deref().unwrap_or("an unreadable name");
        write!(f, ", was issued by {}, and ", Printable(issuer))?;
        let when = |when: &Option<String>| when.clone().unwrap_or("an unknown time".to_owned());
        match &self.reason {
            RefusalReason::UnknownIssuer => f.write_str("that authority is not trusted here"),
            RefusalReason::Expired(since) => write!(f, "expired at {}", when(since)),
            RefusalReason::NotYetValid(until) => write!(f, "is not valid before {}", when(until)),
            RefusalReason::WrongName(sought) => write!(f, "is not for {}", Printable(sought)),
            RefusalReason::IsAuthority => {
                f.write_str("is that of an authority, which cannot be a server's as well")
            }
            RefusalReason::Other(reason) => f.write_str(reason),
        }
    }
}

impl Error for CertificateRefused {}

/// Whether an error came of an answer that was no TLS.
pub fn is_no_tls(error: &(dyn Error + 'static)) -> bool {
    matches!(
        tls_error_behind(error),
        Some(rustls::Error::InvalidMessage(_))
    )
}

/// The error of rustls that an error came of. Errors of I/O do not tell of the one within as of
/// their source, but of that one's source.
fn tls_error_behind<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let within = error.downcast_ref().and_then(io::Error::get_ref);
        next = match within {
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    None
}

/// Verifies as rustls does, and tells more of what it refuses.
#[derive(Debug)]
pub(super) struct Explaining(pub(super) Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified =
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.map_err(|error| match error {
            rustls::Error::InvalidCertificate(error) => {
                let refused = CertificateRefused::new(end_entity, &error, server_name);
                let refused = OtherError(Arc::new(refused));
                rustls::Error::InvalidCertificate(CertificateError::Other(refused))
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Takes any certificate for what it says it is. Whoever presents it has to have its key all the
/// same: otherwise not even the handshake would make sense.
#[derive(Debug)]
pub(super) struct Credulous(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_harmless_sentence_that_says_what_to_know() {
        let names = ["a", "b", "c", "d", "e", "f"].map(str::to_owned);
        let mut refused = CertificateRefused {
            names: names.into(),
            issuer: Some("CN=\u{1b}[2J".to_owned()),
            reason: RefusalReason::WrongName("example.org".to_owned()),
        };
        let text = refused.to_string();
        assert!(text.contains("for a, b, c, d and 2 more, was issued by CN=\\u{1b}[2J"));
        assert!(text.ends_with("is not for example.org"), "{text}");
        refused.names.clear();
        assert!(refused.to_string().contains("for no name at all, "));
    }

    #[test]
    fn a_refusal_is_found_behind_other_errors() {
        let garbage = CertificateDer::from(b"garbage".as_slice());
        let name = ServerName::try_from("example.org").unwrap();
        let error = CertificateError::UnknownIssuer;
        let refused = CertificateRefused::new(&garbage, &error, &name);
        let other = CertificateError::Other(OtherError(Arc::new(refused.clone())));
        let error = rustls::Error::InvalidCertificate(other);
        let error = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
        assert_eq!(CertificateRefused::behind(&error), Some(&refused));
        assert!(!is_no_tls(&error));
        assert_eq!(CertificateRefused::behind(&io::Error::other("no")), None);
    }
}
