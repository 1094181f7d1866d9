use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// How encrypted connections are made, by the link and over HTTP alike: TLS 1.2 and 1.3 with
/// *ring*'s cryptography, trusting the system's certificate authorities and Mozilla's together,
/// so that neither a private authority nor a machine without certificates is a hindrance.
///
/// Reads the system's certificates from disk: some ten milliseconds, worth doing once.
pub fn client_config() -> Arc<ClientConfig> {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "a certificate store of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(system.certs);
    tracing::trace!(added, ignored, "certificate authorities of the system");
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        // Which versions there are is decided by the features in Cargo.toml.
        .expect("ring supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
