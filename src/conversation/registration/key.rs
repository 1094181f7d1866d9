use ed25519_dalek::pkcs8::{self, DecodePrivateKey, EncodePrivateKey, KeypairBytes, spki};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use secrecy::{ExposeSecret, SecretString};

use super::Challenge;
use super::encoding::written_as_base64url;

/// Who somebody is: an Ed25519 public key (RFC 8032). Written in base64url without padding, 43
/// characters, in one form only.
///
/// Any 32 bytes can be one; whether they are a key that can [verify](PublicKey::verify) anything shows
/// then.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// The answer to a challenge: the Ed25519 signature of the string that it is. Written in base64url
/// without padding, 86 characters, in one form only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Response([u8; 64]);

/// A public key and the private key to it. What is private of it is seen neither in its
/// [`Debug`](std::fmt::Debug) form nor, after it is gone, in memory.
#[derive(Clone)]
pub struct KeyPair(SigningKey);

/// Why a response is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The key is no point of the curve, or not written as that point is.
    #[error("the key is no Ed25519 key")]
    NoKey,
    /// The key is one of a small group, for which anybody can make signatures.
    #[error("the key is a weak one")]
    WeakKey,
    /// The signature is not the key's, not of this challenge, or not in the one form that it has.
    #[error("the signature is not this key's of this challenge")]
    Signature,
}

/// Why a text holds no key that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// There is nothing in it that looks like PEM.
    #[error("it is no PEM: it has no line -----BEGIN PRIVATE KEY-----")]
    NoPem,
    /// It has to be decrypted first.
    #[error(
        "the key in it is encrypted; `openssl pkey -in FILE -out NEW` writes it as it can be read"
    )]
    Encrypted,
    /// It holds something else: of a kind that is common, or else unnamed, since a name that nobody
    /// knows may be a part of the key.
    #[error("it holds {}, and no PKCS#8 PRIVATE KEY", .0.map_or("something else".to_owned(), |label| format!("a {label}")))]
    Other(Option<&'static str>),
    /// The key in it is for something else.
    #[error("the key in it is no Ed25519 key")]
    OtherAlgorithm,
    /// It is no Base64, or cut off, or its public key belongs to another private key, or something else
    /// in it makes no sense. What that is would be told in words that hold some of it.
    #[error(
        "what is in it makes no sense as a key: it is cut off, damaged, or its lines are joined; \
         `openssl pkey -in FILE -noout` tells whether it is a good one"
    )]
    Malformed,
}

impl PublicKey {
    /// How many of its characters are shown to people where there is no room for all.
    pub const SHORT: usize = 8;

    /// The key of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        PublicKey(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its first [characters](PublicKey::SHORT), for people. Two keys can have them in common:
    /// whoever wants to can make such a key.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(Self::SHORT);
        text
    }

    /// Finds out whether whoever has the private key to this one has signed that challenge.
    ///
    /// Strict: each key and each signature has one form only, and a key with which anybody can sign
    /// is none.
    ///
    /// # Errors
    ///
    /// When it has not, or this is no key.
    pub fn verify(&self, challenge: &Challenge, response: &Response) -> Result<(), VerifyError> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| VerifyError::NoKey)?;
        // The y of a point can be written in two ways if it is less than 19. The other would be
        // another key to all who compare them.
        if key.to_edwards().compress().to_bytes() != self.0 {
            return Err(VerifyError::NoKey);
        }
        if key.is_weak() {
            return Err(VerifyError::WeakKey);
        }
        let signature = Signature::from_bytes(&response.0);
        key.verify_strict(challenge.to_string().as_bytes(), &signature)
            .map_err(|_| VerifyError::Signature)
    }
}

impl Response {
    /// The response of these bytes.
    pub const fn new(bytes: [u8; 64]) -> Self {
        Response(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

written_as_base64url!(PublicKey);
written_as_base64url!(Response);

impl KeyPair {
    /// The pair to these bytes, which have to be random and secret.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        KeyPair(SigningKey::from_bytes(&seed))
    }

    /// Reads a PKCS#8 private key in PEM, as `openssl genpkey -algorithm ed25519` writes it (RFC
    /// 8410).
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn from_pem(pem: &SecretString) -> Result<Self, PemError> {
        let pem = pem.expose_secret();
        match label(pem).ok_or(PemError::NoPem)? {
            "PRIVATE KEY" => {}
            "ENCRYPTED PRIVATE KEY" => return Err(PemError::Encrypted),
            other => {
                let mut common = COMMON_LABELS.into_iter();
                return Err(PemError::Other(common.find(|label| *label == other)));
            }
        }
        SigningKey::from_pkcs8_pem(pem)
            .map(KeyPair)
            .map_err(|error| match error {
                pkcs8::Error::PublicKey(spki::Error::OidUnknown { .. }) => PemError::OtherAlgorithm,
                _ => PemError::Malformed,
            })
    }

    /// Writes the private key as PKCS#8 in PEM. Without the public key, as OpenSSL writes it: not
    /// everything can read the version of the format that has it.
    pub fn to_pem(&self) -> SecretString {
        let bytes = KeypairBytes {
            secret_key: self.0.to_bytes(),
            public_key: None,
        };
        let pem = bytes
            .to_pkcs8_pem(spki::der::pem::LineEnding::LF)
            // 32 bytes always fit.
            .expect("an Ed25519 key can be written as PKCS#8");
        SecretString::from(pem.as_str())
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a challenge. Whoever calls this has looked at the [host](Challenge::host) that it names.
    pub fn sign(&self, challenge: &Challenge) -> Response {
        Response(self.0.sign(challenge.to_string().as_bytes()).to_bytes())
    }
}

impl std::fmt::Debug for KeyPair {
    /// Shows the public key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeyPair")
            .field(&self.public_key())
            .finish_non_exhaustive()
    }
}

/// What else people have in PEM files (RFC 7468, and what OpenSSL and OpenSSH write).
const COMMON_LABELS: [&str; 8] = [
    "CERTIFICATE",
    "CERTIFICATE REQUEST",
    "EC PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PRIVATE KEY",
    "RSA PUBLIC KEY",
    "X509 CRL",
];

/// What the first thing in a PEM file is called, if it is called anything within reason.
fn label(pem: &str) -> Option<&str> {
    let begun = pem.lines().find_map(|it| it.strip_prefix("-----BEGIN "))?;
    let label = begun.trim_end().strip_suffix("-----")?;
    let is_sane = label.len() <= 64 && label.chars().all(|it| it == ' ' || it.is_ascii_graphic());
    is_sane.then_some(label)
}
