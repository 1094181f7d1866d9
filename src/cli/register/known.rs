use std::collections::VecDeque;

use crate::conversation::registration::PublicKey;

/// How many keys are remembered. Of more, those that were heard from longest ago are forgotten.
const MOST_KEYS: usize = 1024;

/// The keys that can be called by their beginning: those that were heard from, and one's own.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownKeys {
    /// The one that was heard from last comes last.
    keys: VecDeque<PublicKey>,
}

/// Why it is not clear which key is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unclear {
    /// Nobody was heard from whose key begins so, and it is no whole key.
    #[error(
        "nobody has been heard from whose key begins so; a whole key is 43 letters, digits, - and _"
    )]
    Unknown,
    /// Several keys begin so.
    #[error("{0} keys begin so: write more of it")]
    Ambiguous(usize),
}

impl KnownKeys {
    /// Remembers a key.
    pub(super) fn add(&mut self, key: PublicKey) {
        if self.keys.back() == Some(&key) {
            return;
        }
        self.keys.retain(|known| *known != key);
        self.keys.push_back(key);
        if self.keys.len() > MOST_KEYS {
            self.keys.pop_front();
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
        let mut found = self
            .keys
            .iter()
            .filter(|key| key.to_string().starts_with(beginning));
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

    /// The key of 32 bytes that begins with these two.
    fn key(number: u16) -> PublicKey {
        use base64::Engine as _;
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        text.parse().unwrap()
    }

    #[test]
    fn the_beginning_will_do_where_it_is_clear() {
        let mut known = KnownKeys::default();
        let (first, second) = (key(0x0001), key(0x0002));
        assert_eq!(known.find("AA"), Err(Unclear::Unknown));
        known.add(first);
        assert_eq!(known.find("A"), Ok(first));
        known.add(second);
        known.add(first);
        assert_eq!(known.find("A"), Err(Unclear::Ambiguous(2)));
        assert_eq!(known.find("AAI"), Ok(second));
        // A whole key need not be known.
        let other = key(0xff00);
        assert_eq!(known.find(&other.to_string()), Ok(other));
        assert_eq!(known.find("_"), Err(Unclear::Unknown));
    }

    #[test]
    fn who_was_heard_from_longest_ago_is_forgotten() {
        let mut known = KnownKeys::default();
        for number in 0..=MOST_KEYS as u16 {
            known.add(key(number));
            known.add(key(0));
        }
        assert_eq!(known.keys.len(), MOST_KEYS);
        let found = |number| known.find(&key(number).to_string()[..42]).is_ok();
        assert!(found(0) && !found(1) && found(2));
    }
}
