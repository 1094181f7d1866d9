use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::super::visible::is_unseen;

/// The name of a person in a chat: 1 to 32 characters that can be seen, in one line. Cheap to
/// clone.
///
/// Two names are the same if they consist of the same characters. They are not normalised: an `é` that
/// is one character and one that is two make two names, and so do letters of two scripts that look
/// alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(Arc<str>);

/// The name of a channel: 1 to 64 characters that can be seen, in one line, and no slash, since it
/// is a segment of a URL's path. It is not normalised, just as [that of a person](UserName). Cheap to
/// clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(Arc<str>);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It has too many characters.
    #[error("it has {characters} characters, and {limit} are allowed")]
    TooLong {
        /// How many it has.
        characters: usize,
        /// How many it may have.
        limit: usize,
    },
    /// It has a character in it that is not seen, is white space other than a space, or moves others
    /// about: two names that look the same would not be.
    #[error("it has a character in it that cannot be seen: U+{:04X}", *.0 as u32)]
    Invisible(char),
    /// White space begins or ends it.
    #[error("it begins or ends with white space")]
    Untrimmed,
    /// It is a channel's, and has a slash in it.
    #[error("it has a slash in it")]
    Slash,
}

impl UserName {
    /// How many characters a name may have.
    pub const LONGEST: usize = 32;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ChannelName {
    /// How many characters a name may have.
    pub const LONGEST: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text, Self::LONGEST)?;
        Ok(UserName(text.into()))
    }
}

impl FromStr for ChannelName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text, Self::LONGEST)?;
        if text.contains('/') {
            return Err(NameError::Slash);
        }
        Ok(ChannelName(text.into()))
    }
}

fn check(text: &str, limit: usize) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    let characters = text.chars().count();
    if characters > limit {
        return Err(NameError::TooLong { characters, limit });
    }
    if let Some(character) = text.chars().find(|it| is_unseen(*it)) {
        return Err(NameError::Invisible(character));
    }
    if text.trim() != text {
        return Err(NameError::Untrimmed);
    }
    Ok(())
}

impl Borrow<str> for UserName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_short_and_can_be_seen() {
        let user = |text: &str| text.parse::<UserName>();
        for good in ["a", "fishing_beast_5000", "Zoë 2", "名前", &"ö".repeat(32)] {
            assert_eq!(user(good).unwrap().as_str(), good);
        }
        assert_eq!(user(""), Err(NameError::Empty));
        let long = NameError::TooLong {
            characters: 33,
            limit: 32,
        };
        assert_eq!(user(&"ö".repeat(33)), Err(long));
        for invisible in [
            '\0',
            '\n',
            '\u{1b}',
            '\u{200b}',
            '\u{202e}',
            '\u{feff}',
            '\u{34f}',
            '\u{1160}',
            '\u{17b5}',
            '\u{180b}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{ffa0}',
            '\u{e0100}',
            '\u{a0}',
            '\u{2003}',
            '\u{3000}',
        ] {
            for name in [format!("a{invisible}b"), format!("a{invisible}")] {
                assert_eq!(user(&name), Err(NameError::Invisible(invisible)));
            }
        }
        for untrimmed in [" a", "a ", " "] {
            assert_eq!(user(untrimmed), Err(NameError::Untrimmed));
        }
        assert_eq!("a/b".parse::<ChannelName>(), Err(NameError::Slash));
        assert!("a/b".parse::<UserName>().is_ok());
        // Names are taken as they are.
        assert_ne!(user("Zoe\u{308}").unwrap(), user("Zo\u{eb}").unwrap());
    }

    #[test]
    fn an_error_names_the_character() {
        let error = "a\u{202e}b".parse::<UserName>().unwrap_err();
        let text = "it has a character in it that cannot be seen: U+202E";
        assert_eq!(error.to_string(), text);
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_an_error(text in any::<String>()) {
            if let Ok(name) = text.parse::<UserName>() {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!((1..=32).contains(&text.chars().count()));
            }
            let _ = text.parse::<ChannelName>();
        }
    }
}
