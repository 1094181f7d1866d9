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
    names: Vec<Identifier>,
    common_name: Option<String>,
    issuer: Option<String>,
    reason: RefusalReason,
}

/// A subject alternative name of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identifier {
    Dns(String),
    Ip(IpAddr),
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
    /// This name stands in the Common Name of its subject only, which does not count (RFC 9525).
    CommonNameOnly(String),
    /// This address is among its DNS names only, where an address does not count (RFC 9525).
    AddressAsDnsName(IpAddr),
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
        let names = parsed.as_ref().map(alternative_names).unwrap_or_default();
        let common_name = parsed.as_ref().and_then(common_name);
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
                misnamed(&names, common_name.as_deref(), sought)
            }
            // webpki has no error of its own for this in rustls's terms.
            CertificateError::Other(_) if parsed.as_ref().is_some_and(|it| it.is_ca()) => {
                RefusalReason::IsAuthority
            }
            other => RefusalReason::Other(other.to_string()),
        };
        CertificateRefused {
            names,
            common_name,
            issuer: parsed.map(|parsed| parsed.issuer().to_string()),
            reason,
        }
    }
}

/// Whom a certificate is for: nothing but its subject alternative names counts (RFC 9525).
fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<Identifier> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative.map(|extension| &extension.value.general_names);
    let names = alternative
        .into_iter()
        .flatten()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(Identifier::Dns((*name).to_owned())),
            GeneralName::IPAddress(bytes) => match **bytes {
                [a, b, c, d] => Some(Identifier::Ip(IpAddr::from([a, b, c, d]))),
                ref bytes => <[u8; 16]>::try_from(bytes)
                    .ok()
                    .map(|bytes| Identifier::Ip(IpAddr::from(bytes))),
            },
            _ => None,
        });
    names.collect()
}

fn common_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let mut common = certificate.subject().iter_common_name();
    common.find_map(|name| name.as_str().ok().map(str::to_owned))
}

/// Why a certificate with these names is not for the server that is sought. Two mistakes are told
/// apart from a wrong name, because whoever reads the certificate finds the right one in it.
fn misnamed(
    names: &[Identifier],
    common_name: Option<&str>,
    sought: &ServerName<'_>,
) -> RefusalReason {
    let address = match sought {
        ServerName::IpAddress(address) => Some(IpAddr::from(*address)),
        _ => None,
    };
    let name = sought.to_str();
    if let Some(address) = address {
        let is_it =
            |name: &Identifier| matches!(name, Identifier::Dns(name) if is_address(name, address));
        if names.iter().any(is_it) {
            return RefusalReason::AddressAsDnsName(address);
        }
    }
    let is_common = common_name.is_some_and(|common| match address {
        Some(address) => is_address(common, address),
        None => is_dns_name(common, &name),
    });
    if is_common {
        RefusalReason::CommonNameOnly(name.into_owned())
    } else {
        RefusalReason::WrongName(name.into_owned())
    }
}

fn is_address(text: &str, address: IpAddr) -> bool {
    text.parse() == Ok(address)
}

/// Whether a name, maybe with a wildcard as its first label, is that of a host.
fn is_dns_name(pattern: &str, host: &str) -> bool {
    let [pattern, host] = [pattern, host].map(|name| name.trim_end_matches('.'));
    let is_wild = match (pattern.strip_prefix("*."), host.split_once('.')) {
        (Some(domain), Some((_, parent))) => domain.eq_ignore_ascii_case(parent),
        _ => false,
    };
    is_wild || pattern.eq_ignore_ascii_case(host)
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identifier::Dns(name) if name.parse::<IpAddr>().is_ok() => {
                write!(f, "{name} (as a DNS name, which does not count)")
            }
            Identifier::Dns(name) => Printable(name).fmt(f),
            Identifier::Ip(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for CertificateRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its certificate is refused: it is for ")?;
        for (index, name) in self.names.iter().take(TOLD).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}")?;
        }
        match self.names.len() {
            0 => f.write_str("no name at all")?,
            all if all > TOLD => write!(f, " and {} more", all - TOLD)?,
            _ => {}
        }
        if self.names.is_empty()
            && let Some(common) = &self.common_name
        {
            let common = Printable(common);
            write!(f, " (its Common Name, {common}, does not count)")?;
        }
        let issuer = self.issuer.as_deref().unwrap_or("an unreadable name");
        write!(f, ", was issued by {}, and ", Printable(issuer))?;
        let when = |when: &Option<String>| when.clone().unwrap_or("an unknown time".to_owned());
        match &self.reason {
            RefusalReason::UnknownIssuer => f.write_str("that authority is not trusted here"),
            RefusalReason::Expired(since) => write!(f, "expired at {}", when(since)),
            RefusalReason::NotYetValid(until) => write!(f, "is not valid before {}", when(until)),
            RefusalReason::WrongName(sought) => write!(f, "is not for {}", Printable(sought)),
            RefusalReason::CommonNameOnly(sought) => write!(
                f,
                "is not for {}: it stands in the Common Name only, and subject alternative names \
                 alone count (RFC 9525)",
                Printable(sought)
            ),
            RefusalReason::AddressAsDnsName(sought) => write!(
                f,
                "is not for {sought}: an address has to be among its IP addresses, not its DNS \
                 names (RFC 9525)"
            ),
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
pub(super) fn tls_error_behind<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
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
        let names = ["a", "b", "c", "d", "e", "f"].map(|name| Identifier::Dns(name.to_owned()));
        let mut refused = CertificateRefused {
            names: names.into(),
            common_name: Some("x\u{7}".to_owned()),
            issuer: Some("CN=\u{1b}[2J".to_owned()),
            reason: RefusalReason::WrongName("example.org".to_owned()),
        };
        let text = refused.to_string();
        assert!(text.contains("for a, b, c, d and 2 more, was issued by CN=\\u{1b}[2J"));
        assert!(text.ends_with("is not for example.org"), "{text}");
        refused.names.clear();
        let none = "for no name at all (its Common Name, x\\u{7}, does not count), was";
        assert!(refused.to_string().contains(none), "{refused}");
        refused.common_name = None;
        assert!(refused.to_string().contains("for no name at all, was"));
    }

    /// Why a certificate with these DNS names and this Common Name is not for a host.
    fn why(dns_names: &[&str], common_name: &str, sought: &str) -> RefusalReason {
        let names = dns_names.iter().map(|&name| Identifier::Dns(name.into()));
        let names: Vec<_> = names.collect();
        let sought = ServerName::try_from(sought).unwrap();
        misnamed(&names, Some(common_name), &sought)
    }

    #[test]
    fn a_name_in_the_wrong_place_is_told_apart_from_a_wrong_one() {
        use RefusalReason::{AddressAsDnsName, CommonNameOnly, WrongName};
        for common in ["A.example.org", "*.example.org", "a.example.org."] {
            let reason = why(&["b.test"], common, "a.example.org");
            assert_eq!(reason, CommonNameOnly("a.example.org".to_owned()));
        }
        for common in ["example.org", "*.org", "*.a.example.org", "*", ""] {
            let reason = why(&[], common, "a.example.org");
            assert_eq!(reason, WrongName("a.example.org".to_owned()));
        }
        let misplaced = AddressAsDnsName([127, 0, 0, 1].into());
        assert_eq!(
            why(&["a", "127.0.0.1"], "127.0.0.1", "127.0.0.1"),
            misplaced
        );
        let common = CommonNameOnly("::1".to_owned());
        assert_eq!(why(&["::2"], "0:0::1", "::1"), common);
        assert_eq!(why(&["::2"], "*", "::1"), WrongName("::1".to_owned()));
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
