//! Servers that want a certificate of the client (RFC 8446 section 4.3.2), which it has none of.
//!
//! In TLS 1.3 the client's handshake is done before the server has looked for its certificate: what
//! the server thinks of it arrives with the first bytes that are read afterwards.

use std::cell::Cell;
use std::error::Error;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, SignatureScheme};

use super::certificate::tls_error_behind;

/// What there is to say of a server that ended the connection for want of a certificate.
pub const CLIENT_CERTIFICATE_WANTED: &str = "the server asked for a client certificate, of which \
     wsbeat has none, and ended the connection";

tokio::task_local! {
    /// Whether a server has asked for a certificate. One TLS configuration makes many connections,
    /// and does not say for which of them it is asked.
    static ASKED: Cell<bool>;
}

/// Has no certificate for any server, and notes that one asked.
#[derive(Debug)]
pub(super) struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        // Outside of `noting_requests` there is nobody who wants to know.
        let _ = ASKED.try_with(|asked| asked.set(true));
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Does something that makes a connection, and says whether a server asked for a certificate
/// meanwhile. It has to be encrypted by [`client_config`](super::client_config), in this task.
pub async fn noting_requests<F: Future>(work: F) -> (F::Output, bool) {
    let noting = async {
        let output = work.await;
        (output, ASKED.with(Cell::get))
    };
    ASKED.scope(Cell::new(false), noting).await
}

/// Whether an error came of an alert by which a server refuses a client without a certificate.
/// `asked` says whether it had asked for one.
pub fn is_client_certificate_wanted(error: &(dyn Error + 'static), asked: bool) -> bool {
    let Some(rustls::Error::AlertReceived(alert)) = tls_error_behind(error) else {
        return false;
    };
    match alert {
        AlertDescription::CertificateRequired => true,
        // TLS 1.2 has no alert of its own for this: RFC 5246 section 7.4.6 says handshake_failure,
        // Go sends bad_certificate, and others whatever else their verifier says of nothing.
        AlertDescription::HandshakeFailure
        | AlertDescription::NoCertificate
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => asked,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn alerts_of_tls_1_2_mean_a_certificate_only_if_one_was_asked_for() {
        let wanted = |alert, asked| {
            let error = rustls::Error::AlertReceived(alert);
            let error = io::Error::new(io::ErrorKind::InvalidData, error);
            is_client_certificate_wanted(&error, asked)
        };
        assert!(wanted(AlertDescription::CertificateRequired, false));
        assert!(wanted(AlertDescription::HandshakeFailure, true));
        assert!(wanted(AlertDescription::BadCertificate, true));
        // No cipher in common, for one.
        assert!(!wanted(AlertDescription::HandshakeFailure, false));
        assert!(!wanted(AlertDescription::ProtocolVersion, true));
        let other = io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(!is_client_certificate_wanted(&other, true));
    }

    #[tokio::test]
    async fn a_request_is_noted_for_the_connection_that_it_came_on() {
        let ask = || NoCertificate.resolve(&[], &[]).is_none();
        assert!(ask(), "nobody wants to know");
        let asked = noting_requests(async { ask() });
        let other = noting_requests(async { tokio::task::yield_now().await });
        let ((none, asked), ((), other)) = tokio::join!(asked, other);
        assert!(none && asked && !other);
    }
}
