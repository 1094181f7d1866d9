use std::fmt;

use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use secrecy::{ExposeSecret, SecretString};

/// How much memory a hash takes, in KiB: 19 MiB. This and the next two are the parameters that the
/// OWASP Password Storage Cheat Sheet recommends for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;

/// How often a hash passes over its memory.
const PASSES: u32 = 2;

/// How many threads could work on a hash.
const LANES: u32 = 1;

/// The most memory that a hash from elsewhere may take, in KiB: four times the 64 MiB that RFC 9106
/// section 4 recommends where memory is short. One that takes more would be a way to stop the server.
const MOST_MEMORY_KIB: u32 = 256 * 1024;

/// The most passes that a hash from elsewhere may take, likewise.
const MOST_PASSES: u32 = 16;

/// A hash that no password is known to have, with our parameters: 32 zero bytes.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$d3NiZWF0IGRlY295IQ\
                       $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The longest password, in bytes. It is there so that nobody takes a file for a password.
pub const PASSWORD_LIMIT: usize = 1024;

/// A password that a user may have.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

/// Why a text is no [`Password`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// There is nothing to it.
    #[error("the password is empty")]
    Empty,
    /// It is longer than [`PASSWORD_LIMIT`].
    #[error("the password is over {PASSWORD_LIMIT} bytes long")]
    TooLong,
}

impl Password {
    /// Checks that a user may have this password.
    ///
    /// # Errors
    ///
    /// When it is empty or too long.
    pub fn new(text: SecretString) -> Result<Self, PasswordError> {
        match text.expose_secret().len() {
            0 => Err(PasswordError::Empty),
            1..=PASSWORD_LIMIT => Ok(Password(text)),
            _ => Err(PasswordError::TooLong),
        }
    }
}

/// What is kept of a password: an Argon2id hash, as a PHC string has it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPassword(PasswordHash);

/// Why a text is no [`StoredPassword`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredPasswordError {
    /// It is not a PHC string at all.
    #[error(
        "what follows the name is no hash of a password, which looks like \
         $argon2id$v=19$m=…,t=…,p=…$SALT$HASH; wsbeat passwd writes one"
    )]
    Form,
    /// A hash of another kind.
    #[error("the hash is of another kind than argon2id; wsbeat passwd writes one")]
    Algorithm,
    /// Parameters that Argon2 does not know or that make no sense.
    #[error("the parameters of the hash make no sense")]
    Parameters,
    /// It would take the server too long, or too much memory.
    #[error(
        "the hash takes m={memory_kib},t={passes}, and no more is computed than \
         m={MOST_MEMORY_KIB},t={MOST_PASSES}"
    )]
    TooCostly {
        /// How much memory it takes, in KiB.
        memory_kib: u32,
        /// How often it passes over its memory.
        passes: u32,
    },
    /// It ends before the salt or the hash.
    #[error("the hash is cut off")]
    CutOff,
}

/// A hash could not be computed, for want of memory perhaps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hashing a password: {0}")]
pub struct HashingError(#[from] password_hash::Error);

/// Whether a password is the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Right,
    /// It is not.
    Wrong,
}

impl StoredPassword {
    /// Hashes a password, which takes some tens of milliseconds. The salt has to be random, and another
    /// one each time.
    ///
    /// # Errors
    ///
    /// When it cannot be hashed.
    pub fn of(password: &Password, salt: [u8; 16]) -> Result<Self, HashingError> {
        let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None);
        let parameters = parameters.map_err(password_hash::Error::from)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        let password = password.0.expose_secret().as_bytes();
        Ok(StoredPassword(
            argon2.hash_password_with_salt(password, &salt)?,
        ))
    }

    /// Reads a PHC string.
    ///
    /// # Errors
    ///
    /// When it is none, or not one of Argon2id that can be computed here.
    pub fn parse(text: &str) -> Result<Self, StoredPasswordError> {
        // What is wrong with it is told in the library's words nowhere: they hold parts of it, which
        // may be a password.
        let hash = PasswordHash::new(text).map_err(|_| StoredPasswordError::Form)?;
        if hash.algorithm != Algorithm::Argon2id.ident() {
            return Err(StoredPasswordError::Algorithm);
        }
        let parameters =
            Params::try_from(&hash).map_err(|_unclear| StoredPasswordError::Parameters)?;
        let is_known = hash
            .version
            .is_none_or(|version| Version::try_from(version).is_ok());
        if !is_known {
            return Err(StoredPasswordError::Parameters);
        }
        let (memory_kib, passes) = (parameters.m_cost(), parameters.t_cost());
        if memory_kib > MOST_MEMORY_KIB || passes > MOST_PASSES {
            return Err(StoredPasswordError::TooCostly { memory_kib, passes });
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(StoredPasswordError::CutOff);
        }
        Ok(StoredPassword(hash))
    }

    /// What takes as long to verify as a user's hash, and is nobody's.
    pub(super) fn nobodys() -> Self {
        // A test reads it.
        StoredPassword(PasswordHash::new(NOBODYS).expect("the constant is a PHC string"))
    }

    /// Verifies a password, which takes as long. The hashes are compared in constant time.
    ///
    /// # Errors
    ///
    /// When the password cannot be hashed.
    pub fn verify(&self, password: &SecretString) -> Result<Verdict, HashingError> {
        let password = password.expose_secret().as_bytes();
        // The parameters are those of the hash.
        match Argon2::default().verify_password(password, &self.0) {
            Ok(()) => Ok(Verdict::Right),
            Err(password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
            Err(error) => Err(error.into()),
        }
    }
}

impl fmt::Display for StoredPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StoredPassword {
    /// Whoever has the hash can try passwords on it: it is for the file only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredPassword(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let password = Password::new(SecretString::from("correct horse")).unwrap();
        let stored = StoredPassword::of(&password, [7; 16]).unwrap();
        let text = stored.to_string();
        assert!(
            text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{text}"
        );
        let read = StoredPassword::parse(&text).unwrap();
        assert_eq!(read, stored);
        let verify = |text: &str| read.verify(&SecretString::from(text)).unwrap();
        assert_eq!(verify("correct horse"), Verdict::Right);
        for wrong in ["", "correct horse ", "Correct horse"] {
            assert_eq!(verify(wrong), Verdict::Wrong);
        }
        let other = StoredPassword::of(&password, [8; 16]).unwrap();
        assert_ne!(other, stored, "the salt counts");
    }

    #[test]
    fn a_hash_of_the_reference_implementation_is_read() {
        // From the test vectors of phc-winner-argon2, src/test.c.
        let text = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                    $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let stored = StoredPassword::parse(text).unwrap();
        let verdict = stored.verify(&SecretString::from("password"));
        assert_eq!(verdict, Ok(Verdict::Right));
    }

    #[test]
    fn nobodys_hash_costs_what_ours_do() {
        let nobodys = StoredPassword::parse(NOBODYS).unwrap();
        assert_eq!(nobodys, StoredPassword::nobodys());
        let ours = format!("m={MEMORY_KIB},t={PASSES},p={LANES}");
        assert!(NOBODYS.contains(&ours), "{ours}");
        let verdict = nobodys.verify(&SecretString::from("password"));
        assert_eq!(verdict, Ok(Verdict::Wrong));
    }

    #[test]
    fn what_is_no_hash_of_ours_is_refused() {
        let hash = "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let error = |head: &str| StoredPassword::parse(&format!("{head}{hash}")).unwrap_err();
        let salt = "$c29tZXNhbHQ";
        assert_eq!(
            error(&format!("$argon2i$v=19$m=8192,t=2,p=1{salt}")),
            StoredPasswordError::Algorithm
        );
        assert_eq!(
            error(&format!("$argon2id$v=19$m=4194304,t=2,p=1{salt}")),
            StoredPasswordError::TooCostly {
                memory_kib: 4 * 1024 * 1024,
                passes: 2
            }
        );
        for odd in [
            "$argon2id$v=19$m=1,t=2,p=1",
            "$argon2id$v=18$m=8192,t=2,p=1",
        ] {
            let error = error(&format!("{odd}{salt}"));
            assert_eq!(error, StoredPasswordError::Parameters, "{odd}");
        }
        let cut = StoredPassword::parse("$argon2id$v=19$m=8192,t=2,p=1$c29tZXNhbHQ");
        assert_eq!(cut, Err(StoredPasswordError::CutOff));
        let form = StoredPassword::parse("hunter2");
        assert!(matches!(form, Err(StoredPasswordError::Form)), "{form:?}");
    }

    #[test]
    fn a_password_has_a_length() {
        let error = |text: String| Password::new(SecretString::from(text)).err();
        assert_eq!(error(String::new()), Some(PasswordError::Empty));
        assert_eq!(error("x".repeat(PASSWORD_LIMIT)), None);
        let long = "x".repeat(PASSWORD_LIMIT + 1);
        assert_eq!(error(long), Some(PasswordError::TooLong));
    }
}
