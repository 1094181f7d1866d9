//! How keys, nonces and responses are written: base64url (RFC 4648 section 5) without padding.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Why a text is not the bytes that it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// It has too few or too many characters.
    #[error("it has {characters} characters, and has to have {wanted}")]
    Length {
        /// How many it has.
        characters: usize,
        /// How many it has to have.
        wanted: usize,
    },
    /// It is not base64url, or not in the one form that these bytes are written in: without padding,
    /// white space, and bits that say nothing.
    #[error("it is not base64url without padding, as these bytes alone are written")]
    NotCanonical,
}

/// Writes bytes.
pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads so many bytes. Each has one form only: no two texts are read as the same bytes.
pub(super) fn decode<const N: usize>(text: &str) -> Result<[u8; N], EncodingError> {
    let wanted = (N * 4).div_ceil(3);
    let characters = text.chars().count();
    if characters != wanted {
        return Err(EncodingError::Length { characters, wanted });
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| EncodingError::NotCanonical)?;
    bytes.try_into().map_err(|_| EncodingError::NotCanonical)
}

/// Gives a type of so many bytes its written form.
macro_rules! written_as_base64url {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::conversation::registration::encoding::encode(
                    &self.0,
                ))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::conversation::registration::EncodingError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::conversation::registration::encoding::decode(text).map($name)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(super) use written_as_base64url;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_have_one_form() {
        let text = encode(&[0xfb; 32]);
        assert_eq!(text, "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s");
        assert_eq!(decode(&text), Ok([0xfb; 32]));
        let last = text.len() - 1;
        for (wrong, why) in [
            // The last character has two bits that are no part of the bytes.
            (format!("{}t", &text[..last]), EncodingError::NotCanonical),
            (text.replace('_', "/"), EncodingError::NotCanonical),
            (text.replace('-', "+"), EncodingError::NotCanonical),
            (format!("{}=", &text[..last]), EncodingError::NotCanonical),
            (format!("{}\n", &text[..last]), EncodingError::NotCanonical),
            (format!("{}é", &text[..last]), EncodingError::NotCanonical),
            (format!("{}é", &text[..last - 1]), length(42)),
            (format!("{text}="), length(44)),
            (format!("{text} "), length(44)),
            (text[..last].to_owned(), length(42)),
            (String::new(), length(0)),
        ] {
            assert_eq!(decode::<32>(&wrong), Err(why), "{wrong}");
        }
    }

    fn length(characters: usize) -> EncodingError {
        let wanted = 43;
        EncodingError::Length { characters, wanted }
    }

    proptest! {
        #[test]
        fn what_can_be_read_is_written_the_same(text in "[A-Za-z0-9_=-]{43}|.{0,50}") {
            if let Ok(bytes) = decode::<32>(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
