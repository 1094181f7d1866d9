use std::collections::{BTreeSet, VecDeque};

use crate::conversation::registration::PublicKey;

/// How many keys are remembered that were only heard from. Of more, those that were heard from longest
/// ago are forgotten.
const MOST_HEARD: usize = 1024;

/// The keys that can be called by their beginning: one's own, those that were spoken to, and those
/// that were heard from.
///
/// Whoever wants to can make a key that begins like another one, and the shorter the beginning, the
/// sooner. That is why it takes as much of it as is shown, and why others cannot have a key forgotten
/// that was spoken to.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownKeys {
    /// As many as a person names.
    kept: BTreeSet<PublicKey>,
    /// The one that was heard from last comes last.
    heard: VecDeque<PublicKey>,
}

/// Why it is not clear which key is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unclear {
    /// Too little of it is written.
    #[error(
        "write the {short} characters that are shown of a key, or more of it",
        short = PublicKey::SHORT
    )]
    TooShort,
    /// No key that is known begins so, and it is no whole key.
    #[error(
        "nobody has been heard from whose key begins so; a whole key is 43 letters, digits, - and _"
    )]
    Unknown,
    /// Several keys begin so.
    #[error("{0} keys begin so: write more of it")]
    Ambiguous(usize),
}

impl KnownKeys {
    /// Remembers a key for good.
    pub(super) fn keep(&mut self, key: PublicKey) {
        self.kept.insert(key);
        self.heard.retain(|heard| *heard != key);
    }

    /// Remembers a key that was heard from.
    pub(super) fn hear(&mut self, key: PublicKey) {
        if self.kept.contains(&key) || self.heard.back() == Some(&key) {
            return;
        }
        self.heard.retain(|heard| *heard != key);
        self.heard.push_back(key);
        if self.heard.len() > MOST_HEARD {
            self.heard.pop_front();
        }
    }

    /// Finds a key by how it begins, or takes a whole one.
    ///
    /// # Errors
    ///
    /// When it could be several, or none.
    pub(super) fn find(&self, beginning: &str) -> Result<PublicKey, Unclear> {
        if let Ok(key) = beginning.parse() {
            return Ok(key);
        }
        if beginning.len() < PublicKey::SHORT {
            return Err(Unclear::TooShort);
        }
        let keys = self.kept.iter().chain(&self.heard);
        let mut found = keys.filter(|key| key.to_string().starts_with(beginning));
        match (found.next(), found.count()) {
            (None, _) => Err(Unclear::Unknown),
            (Some(key), 0) => Ok(*key),
            (Some(_), more) => Err(Unclear::Ambiguous(1 + more)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key with this number in the characters of it that are shown, which are six bytes.
    fn key(number: u32) -> PublicKey {
        use base64::Engine as _;
        let mut bytes = [0; 32];
        bytes[2..6].copy_from_slice(&number.to_be_bytes());
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        text.parse().unwrap()
    }

    #[test]
    fn the_beginning_will_do_where_it_is_clear() {
        let mut known = KnownKeys::default();
        let (first, second, third) = (key(0), key(1), key(2));
        assert_eq!(known.find("AAAAAAAA"), Err(Unclear::Unknown));
        known.hear(first);
        assert_eq!(known.find("AAAAAAAA"), Ok(first));
        known.hear(second);
        known.keep(third);
        known.hear(first);
        known.hear(third);
        assert_eq!(known.find("AAAAAAAA"), Ok(first));
        assert_eq!(known.find("AAAAAAAB"), Ok(second));
        assert_eq!(known.find("AAAAAAACA"), Ok(third));
        // A whole key need not be known.
        let other = key(0xff00);
        assert_eq!(known.find(&other.to_string()), Ok(other));
        assert_eq!(known.find("________"), Err(Unclear::Unknown));
    }

    #[test]
    fn it_takes_as_much_of_a_key_as_is_shown() {
        let mut known = KnownKeys::default();
        known.keep(key(0));
        for short in ["A", "AAAAAAA"] {
            assert_eq!(known.find(short), Err(Unclear::TooShort));
        }
        assert_eq!(known.find(&key(0).short()), Ok(key(0)));
    }

    #[test]
    fn keys_with_the_same_beginning_are_told_of_wherever_they_are_known_from() {
        let mut known = KnownKeys::default();
        let mut bytes = *key(0).as_bytes();
        bytes[31] = 1;
        known.keep(key(0));
        known.hear(PublicKey::new(bytes));
        assert_eq!(known.find("AAAAAAAA"), Err(Unclear::Ambiguous(2)));
        // Each is one key, however often it was heard from and spoken to.
        known.keep(PublicKey::new(bytes));
        known.hear(key(0));
        assert_eq!(known.find("AAAAAAAA"), Err(Unclear::Ambiguous(2)));
    }

    #[test]
    fn who_was_heard_from_longest_ago_is_forgotten_and_nobody_who_was_spoken_to() {
        let mut known = KnownKeys::default();
        let most = MOST_HEARD as u32;
        known.hear(key(most + 2));
        known.keep(key(most + 2));
        for number in 0..=most {
            known.hear(key(number));
            known.hear(key(0));
        }
        assert_eq!(known.heard.len(), MOST_HEARD);
        let found = |number| known.find(&key(number).short()).is_ok();
        assert!(found(0) && !found(1) && found(2) && found(most + 2));
    }
}
