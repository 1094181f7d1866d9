//! A certificate authority for a try-out, and the file that tells clients of it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
    SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The name of the authority, for whoever finds it among the ones that are trusted.
const AUTHORITY: &str = "wsbeat try-out authority (not for production)";

/// The name that the certificate is for, besides addresses.
const HOST: &str = "localhost";

/// How long a certificate is good.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long it has been good already, for clients whose clocks are behind.
const BACK_DATED: Duration = Duration::from_secs(24 * 3600);

/// The first line of a file of ours, by which it is known. PEM has room for remarks (RFC 7468
/// section 2).
const HEADING: &str = "# The authority of a try-out, made by wsbeat serve --tls-self-signed.\n";

/// The certificate of a certificate authority that exists for as long as the server runs, and the
/// file in which clients find it.
#[derive(Clone, Debug)]
pub struct AuthorityFile {
    path: PathBuf,
    text: String,
}

/// Why the certificate of the authority is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityFileError {
    /// There is something else in the way.
    #[error(
        "{} is there already, and was not made by wsbeat serve --tls-self-signed: it is left as it \
         is",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Whether something is in the way cannot be told.
    #[error("reading {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("writing the authority's certificate to {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// A server's certificate and its key.
pub(super) struct SelfSigned {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
    /// The certificate of the authority that has signed it, as PEM.
    pub(super) authority: String,
}

impl SelfSigned {
    /// Makes an authority that can vouch for this machine only, and has it sign a certificate for
    /// whoever listens on this address. The key of the authority is forgotten at once, so that it
    /// never signs another.
    pub(super) fn make(listen: IpAddr, now: SystemTime) -> Result<Self, rcgen::Error> {
        let mut addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        // Nobody can be reached at 0.0.0.0, and :: is none either: they stand for all addresses.
        if !listen.is_unspecified() && !addresses.contains(&listen) {
            addresses.push(listen);
        }
        let mut params = CertificateParams::default();
        params.not_before = (now - BACK_DATED).into();
        params.not_after = (now - BACK_DATED + LIFETIME).into();
        params.distinguished_name = DistinguishedName::new();

        let mut own = params.clone();
        own.distinguished_name.push(DnType::CommonName, AUTHORITY);
        own.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        own.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let subtrees = addresses.iter().map(|address| {
            let whole = if address.is_ipv4() { 32 } else { 128 };
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, whole))
        });
        own.name_constraints = Some(NameConstraints {
            permitted_subtrees: subtrees
                .chain([GeneralSubtree::DnsName(HOST.to_owned())])
                .collect(),
            excluded_subtrees: Vec::new(),
        });
        let authority = CertifiedIssuer::self_signed(own, KeyPair::generate()?)?;

        params.distinguished_name.push(DnType::CommonName, HOST);
        params.subject_alt_names = vec![SanType::DnsName(HOST.try_into()?)];
        let addresses = addresses.into_iter().map(SanType::IpAddress);
        params.subject_alt_names.extend(addresses);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Strict verifiers want it (RFC 5280 section 4.2.1.1).
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority)?;
        Ok(SelfSigned {
            certificate: certificate.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            authority: authority.pem(),
        })
    }
}

impl AuthorityFile {
    /// Plans to write this certificate to a file, which is not touched yet.
    ///
    /// # Errors
    ///
    /// When something is there that is not an older file of the same kind.
    pub(super) fn plan(path: PathBuf, certificate: &str) -> Result<Self, AuthorityFileError> {
        ensure_not_foreign(&path)?;
        Ok(AuthorityFile {
            path,
            text: format!("{HEADING}{certificate}"),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file. Whoever reads it meanwhile reads all of the old one or all of the new one.
    ///
    /// # Errors
    ///
    /// When something else has come to be there, or the file cannot be written.
    pub fn write(&self) -> Result<(), AuthorityFileError> {
        ensure_not_foreign(&self.path)?;
        self.replace()
            .map_err(|source| AuthorityFileError::Unwritable {
                path: self.path.clone(),
                source,
            })
    }

    fn replace(&self) -> io::Result<()> {
        // A file without a folder is in this one, where its name has no parent.
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // It is no secret, and other people's clients may have to read it.
            builder.permissions(std::fs::Permissions::from_mode(0o644));
        }
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(self.text.as_bytes())?;
        file.persist(&self.path)?;
        Ok(())
    }
}

/// Makes sure that there is nothing in the way but what may be replaced.
fn ensure_not_foreign(path: &Path) -> Result<(), AuthorityFileError> {
    let unreadable = |source| AuthorityFileError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let is_ours = match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(error)),
        // A pipe or a device would have us wait for it.
        Ok(metadata) if !metadata.is_file() => false,
        Ok(_) => {
            let mut first = Vec::new();
            File::open(path)
                .and_then(|file| file.take(HEADING.len() as u64).read_to_end(&mut first))
                .map_err(unreadable)?;
            first == HEADING.as_bytes()
        }
    };
    if is_ours {
        Ok(())
    } else {
        Err(AuthorityFileError::Foreign {
            path: path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{ServerName, UnixTime};

    /// The year 2026, more or less.
    const NOW: Duration = Duration::from_secs(56 * 365 * 24 * 3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn verified(made: &SelfSigned, name: &str, at: Duration) -> bool {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(made.authority.as_bytes()).unwrap();
        roots.add(authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let name = ServerName::try_from(name).unwrap();
        let at = UnixTime::since_unix_epoch(at);
        let verifier = verifier.build().unwrap();
        let verified = verifier.verify_server_cert(&made.certificate, &[], &name, &[], at);
        verified.is_ok()
    }

    #[test]
    fn the_certificate_is_for_this_machine_and_for_thirty_days() {
        let listen = "192.0.2.7".parse().unwrap();
        let made = SelfSigned::make(listen, SystemTime::UNIX_EPOCH + NOW).unwrap();
        for name in ["localhost", "127.0.0.1", "::1", "192.0.2.7"] {
            assert!(verified(&made, name, NOW), "{name}");
        }
        for name in ["example.org", "192.0.2.8"] {
            assert!(!verified(&made, name, NOW), "{name}");
        }
        let minute = Duration::from_secs(60);
        for (at, expected) in [
            (NOW - DAY - minute, false),
            (NOW - DAY + minute, true),
            (NOW + 29 * DAY - minute, true),
            (NOW + 29 * DAY + minute, false),
        ] {
            assert_eq!(verified(&made, "localhost", at), expected, "{at:?}");
        }
    }

    #[test]
    fn whoever_listens_everywhere_is_known_by_the_addresses_that_every_machine_has() {
        for everywhere in ["0.0.0.0", "::"] {
            let listen = everywhere.parse().unwrap();
            let made = SelfSigned::make(listen, SystemTime::UNIX_EPOCH + NOW).unwrap();
            for name in ["localhost", "127.0.0.1", "::1"] {
                assert!(verified(&made, name, NOW), "{name}");
            }
            assert!(!verified(&made, everywhere, NOW), "{everywhere}");
        }
    }

    #[test]
    fn only_a_file_of_ours_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let plan = |certificate| AuthorityFile::plan(path.clone(), certificate);
        let read = || std::fs::read_to_string(&path).unwrap();
        let first = plan("first").unwrap();
        assert!(!path.exists());
        first.write().unwrap();
        plan("second").unwrap().write().unwrap();
        assert_eq!(read(), format!("{HEADING}second"));

        let foreign = |result| matches!(result, Err(AuthorityFileError::Foreign { .. }));
        for other in ["", "# ", "precious"] {
            std::fs::write(&path, other).unwrap();
            assert!(foreign(plan("third").map(drop)), "{other}");
            // It may have come to be there since.
            assert!(foreign(first.write()), "{other}");
            assert_eq!(read(), other);
        }
        let itself = AuthorityFile::plan(folder.path().to_owned(), "third");
        assert!(foreign(itself.map(drop)));
        let nowhere = AuthorityFile::plan(folder.path().join("no/ca.pem"), "third");
        let written = nowhere.unwrap().write();
        assert!(matches!(
            written,
            Err(AuthorityFileError::Unwritable { .. })
        ));
    }
}
