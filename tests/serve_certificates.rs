//! `wsbeat serve --tls-cert --tls-key`: certificates that are given, and what is none.

#![cfg(unix)]

mod support;

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use support::{Port, Program, assert_says, listening, ping_over_tls};
use tempfile::TempDir;

/// A folder with the certificate of an authority, one that it has signed, and its key.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, support::ISSUER);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        for (name, text) in [
            ("authority.pem", authority.pem()),
            ("cert.pem", certificate.pem()),
            ("key.pem", key.serialize_pem()),
            (
                "other-key.pem",
                KeyPair::generate().unwrap().serialize_pem(),
            ),
            ("both.pem", certificate.pem() + &key.serialize_pem()),
            ("wrong-order.pem", authority.pem() + &certificate.pem()),
            ("nothing.pem", "nothing of the kind\n".to_owned()),
            (
                "broken.pem",
                "-----BEGIN PRIVATE KEY-----\nc2VjcmV0!\n-----END PRIVATE KEY-----\n".to_owned(),
            ),
            (
                "garbage.pem",
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
            ),
            (
                "locked.pem",
                key.serialize_pem()
                    .replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            ),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Certificates { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn a_certificate_that_is_given_is_shown() {
    let files = Certificates::new();
    let authority = files.path("authority.pem");
    for (certificate, key) in [("cert.pem", "key.pem"), ("both.pem", "both.pem")] {
        let (certificate, key) = (files.path(certificate), files.path(key));
        for network in [&[][..], &["--network", "lan"]] {
            let args = ["--tls-cert", &certificate, "--tls-key", &key];
            let (_server, listening) = listening(&[&args, network].concat());
            let url = listening["url"].as_str().unwrap();
            assert!(url.starts_with("https://127.0.0.1:"), "{url}");
            assert!(listening["ca_cert"].is_null(), "{listening}");
            for host in ["localhost", "127.0.0.1"] {
                ping_over_tls(url, host, &["--ca-cert", &authority]).succeeded();
            }
            let ran = ping_over_tls(url, "localhost", &[]);
            assert_says(&ran.stderr, &[support::ISSUER, "not trusted"]);
        }
    }
}

#[test]
fn what_is_no_certificate_or_no_key_to_it_is_told_before_the_port_is_taken() {
    let files = Certificates::new();
    // The port would be told of if it were tried.
    let taken = Port::reserve();
    let _listener = taken.listener();
    let address = taken.url().replace("http://", "");
    for (certificate, key, words) in [
        (
            "missing.pem",
            "key.pem",
            &["--tls-cert: reading", "missing.pem"][..],
        ),
        (
            "cert.pem",
            "missing.pem",
            &["--tls-key: reading", "missing.pem"],
        ),
        (
            "nothing.pem",
            "key.pem",
            &["--tls-cert: there is no certificate in", "nothing.pem"],
        ),
        (
            "garbage.pem",
            "key.pem",
            &["--tls-cert: ", "garbage.pem makes no sense: its first"],
        ),
        (
            "key.pem",
            "key.pem",
            &["--tls-cert: there is no certificate in", "key.pem"],
        ),
        (
            "cert.pem",
            "nothing.pem",
            &["--tls-key: there is no private key in", "nothing.pem"],
        ),
        (
            "cert.pem",
            "cert.pem",
            &["--tls-key: there is no private key in", "cert.pem"],
        ),
        (
            "cert.pem",
            "locked.pem",
            &["--tls-key: there is no private key in", "passphrase"],
        ),
        (
            "cert.pem",
            "broken.pem",
            &["--tls-key: ", "broken.pem makes no sense"],
        ),
        (
            "cert.pem",
            "other-key.pem",
            &[
                "--tls-key: ",
                "other-key.pem",
                "is not that of",
                "/cert.pem",
            ],
        ),
        (
            "wrong-order.pem",
            "key.pem",
            &["--tls-key: ", "is not that of", "comes first"],
        ),
    ] {
        let ran = Program::new("serve")
            .args(["--listen", &address])
            .args(["--tls-cert", &files.path(certificate)])
            .args(["--tls-key", &files.path(key)])
            .json()
            .run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_says(&ran.cause(), words);
        assert!(!ran.stderr.contains("c2VjcmV0"), "{ran:?}");
        assert_eq!(ran.the("error")["kind"], "usage");
    }
}
