use super::*;
use secrecy::{ExposeSecret, SecretString};

/// As `openssl genpkey -algorithm ed25519` has written it.
const OF_OPENSSL: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n\
    -----END PRIVATE KEY-----\n";

fn read(pem: &str) -> Result<KeyPair, PemError> {
    KeyPair::from_pem(&SecretString::from(pem))
}

#[test]
fn a_key_is_written_and_read_as_openssl_does() {
    let pair = pair(1);
    assert_eq!(pair.to_pem().expose_secret(), OF_OPENSSL);
    for pem in [
        OF_OPENSSL.to_owned(),
        OF_OPENSSL.replace('\n', "\r\n"),
        OF_OPENSSL.trim_end().to_owned(),
    ] {
        assert_eq!(read(&pem).unwrap().public_key(), pair.public_key());
    }
}

#[test]
fn what_is_no_key_says_in_which_way() {
    let in_pem = |label: &str, base64: &str| {
        format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
    };
    // X25519, whose keys look the same.
    let other = "MC4CAQAwBQYDK2VuBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
    let label = "PRIVATE KEY";
    for (pem, error) in [
        (String::new(), PemError::NoPem),
        ("\0\u{1}hello".to_owned(), PemError::NoPem),
        ("-----BEGIN \u{1b}[31m-----".to_owned(), PemError::NoPem),
        (in_pem("ENCRYPTED PRIVATE KEY", "MC4C"), PemError::Encrypted),
        (
            in_pem("RSA PRIVATE KEY", "MC4C"),
            PemError::Other(Some("RSA PRIVATE KEY")),
        ),
        (
            in_pem("PUBLIC KEY", "MC4C"),
            PemError::Other(Some("PUBLIC KEY")),
        ),
        (in_pem(label, other), PemError::OtherAlgorithm),
    ] {
        assert_eq!(read(&pem).unwrap_err(), error, "{pem}");
    }
    for pem in [
        in_pem(label, ""),
        in_pem(label, "MC4C"),
        in_pem(label, "!"),
        format!("-----BEGIN {label}-----\n"),
    ] {
        let error = read(&pem).unwrap_err();
        assert!(matches!(error, PemError::Malformed), "{pem}: {error:?}");
    }
}

#[test]
fn what_is_private_is_not_shown() {
    let secret = pair(1).to_pem();
    let shown = format!("{:?} {:?}", pair(1), Desk::new().registrant);
    let base64 = secret.expose_secret().lines().nth(1).unwrap();
    for private in [base64, "AQEBAQEB", "[1, 1, 1", "0101"] {
        assert!(!shown.contains(private), "{shown}");
    }
    assert!(shown.contains(&pair(1).public_key().to_string()));
}

/// The second test of RFC 8032, section 7.1, whose message is one byte and so no challenge: what the
/// keys of this module are is told by its public key.
#[test]
fn a_public_key_is_the_one_of_the_rfc() {
    let seed = [
        0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e,
        0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8,
        0xa6, 0xfb,
    ];
    let public = [
        0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e,
        0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4,
        0x66, 0x0c,
    ];
    let key = KeyPair::from_seed(seed).public_key();
    assert_eq!(key, PublicKey::new(public));
    assert_eq!(
        key.to_string(),
        "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"
    );
    assert_eq!(key.short(), "PUAXw-hD");
}

#[test]
fn keys_and_responses_are_written_in_json_as_they_are_shown() {
    let key = pair(1).public_key();
    let json = serde_json::to_string(&key).unwrap();
    assert_eq!(json, format!("\"{key}\""));
    assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key);
    assert!(serde_json::from_str::<PublicKey>("\"AAAA\"").is_err());
    assert!(serde_json::from_str::<Response>(&json).is_err());
}
