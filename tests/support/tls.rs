//! A front that speaks TLS for a server that does not, with a certificate of its own authority.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ALL_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncWriteExt, copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio_rustls::TlsAcceptor;

/// What a front presents. All but one are signed by its authority, whose name is [`ISSUER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presents {
    /// A good certificate for `localhost`, `server.test` and 127.0.0.1.
    Good,
    /// The same, until 2020.
    Expired,
    /// The same, from 2100 on.
    NotYetValid,
    /// A certificate for [`ELSEWHERE`].
    WrongName,
    /// A certificate that names `localhost` in its Common Name, and has no other name.
    CommonName,
    /// A certificate with the address 127.0.0.1 as its DNS name.
    AddressAsDnsName,
    /// The good one, over this version of TLS, and wants one of the client.
    GoodToKnown(&'static SupportedProtocolVersion),
    /// The good one, and asks for one of the client, which may do without.
    GoodAndAsks,
    /// The authority's own, which is for `localhost` too.
    Authority,
}

/// The common name of the authority.
pub const ISSUER: &str = "the authority of a test";

/// Whom the certificate of [`Presents::WrongName`] is for.
pub const ELSEWHERE: &str = "elsewhere.test";

/// A front that runs until it is dropped.
pub struct TlsFront {
    address: SocketAddr,
    authority: CertificateDer<'static>,
    pem: String,
    /// What it runs on, and ends with.
    runtime: Option<Runtime>,
}

impl TlsFront {
    /// Speaks TLS for whoever listens there.
    pub fn start(behind: SocketAddr) -> Self {
        TlsFront::presenting(Presents::Good, behind)
    }

    pub fn presenting(presents: Presents, behind: SocketAddr) -> Self {
        let (authority, config) = certificates(presents);
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(accept(listener, TlsAcceptor::from(config), behind));
        TlsFront {
            address,
            authority: authority.der().clone(),
            pem: authority.pem(),
            runtime: Some(runtime),
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The certificate of the authority, as a PEM file has it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The certificate of the authority.
    pub fn authority(&self) -> CertificateDer<'static> {
        self.authority.clone()
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        // A test may run on a runtime of its own, on which this one must not be waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: std::net::TcpListener, acceptor: TlsAcceptor, behind: SocketAddr) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            // A client that does not like the certificate is the business of the test.
            let mut client = match acceptor.accept(stream).into_fallible().await {
                Ok(client) => client,
                // Hanging up on what is yet to be read would reset the connection, and an alert
                // might be lost.
                Err((_, mut stream)) => return copy(&mut stream, &mut sink()).await.map(drop),
            };
            let mut server = TcpStream::connect(behind).await?;
            server.set_nodelay(true)?;
            copy_bidirectional(&mut client, &mut server).await?;
            client.shutdown().await
        });
    }
}

fn certificates(presents: Presents) -> (CertifiedIssuer<'static, KeyPair>, Arc<ServerConfig>) {
    let names = ["localhost", "server.test", "127.0.0.1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).unwrap();
    let mut own = params.clone();
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    own.distinguished_name.push(DnType::CommonName, ISSUER);
    let authority = CertifiedIssuer::self_signed(own, KeyPair::generate().unwrap()).unwrap();
    match presents {
        Presents::Good | Presents::Authority | Presents::GoodToKnown(_) | Presents::GoodAndAsks => {
        }
        Presents::Expired => params.not_after = date_time_ymd(2020, 1, 1),
        Presents::NotYetValid => params.not_before = date_time_ymd(2100, 1, 1),
        Presents::WrongName => {
            params = CertificateParams::new(vec![ELSEWHERE.to_owned()]).unwrap();
        }
        Presents::CommonName => {
            params = CertificateParams::default();
            let subject = &mut params.distinguished_name;
            subject.push(DnType::CommonName, "localhost");
        }
        Presents::AddressAsDnsName => {
            params = CertificateParams::default();
            let name = SanType::DnsName("127.0.0.1".try_into().unwrap());
            params.subject_alt_names = vec![name];
        }
    }
    let (certificate, key) = if presents == Presents::Authority {
        (authority.der().clone(), authority.key().serialize_der())
    } else {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        (certificate.der().clone(), key.serialize_der())
    };
    let key = PrivateKeyDer::try_from(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let (versions, verifier) = match presents {
        Presents::GoodToKnown(version) => (&[version][..], verifier.build().unwrap()),
        Presents::GoodAndAsks => (
            ALL_VERSIONS,
            verifier.allow_unauthenticated().build().unwrap(),
        ),
        _ => (ALL_VERSIONS, WebPkiClientVerifier::no_client_auth()),
    };
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)
        .unwrap();
    (authority, Arc::new(config))
}
