use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::password::{HashingError, StoredPassword, StoredPasswordError, Verdict};
use super::replacement::{FileLock, replace};
use crate::conversation::chat::{NameError, UserName};
use crate::conversation::without_byte_order_mark;

/// The most that is read of a file of users: a hundred thousand of them.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;

/// Those who may have tickets, and what is kept of their passwords: a file of lines
/// `NAME:$argon2id$…`. Lines that are empty or begin with `#` are for people, and kept as they are.
#[derive(Clone, Debug, Default)]
pub struct Users {
    lines: Vec<Line>,
}

/// A line as it is written, and what it means.
#[derive(Clone, Debug)]
struct Line {
    text: String,
    user: Option<User>,
}

#[derive(Clone, Debug)]
struct User {
    name: UserName,
    password: StoredPassword,
}

/// Why a text is no name of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserNameError {
    /// It is no name in a chat.
    #[error("that is no user's name: {0}")]
    Chat(#[from] NameError),
    /// It would look otherwise in a file of users.
    #[error("that is no user's name: it has a : in it, or begins with #")]
    Sign,
}

/// Why users are not read or written.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The file cannot be read.
    #[error("reading the users in {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A line of the file makes no sense.
    #[error("line {number} of the users in {} makes no sense: {cause}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from one.
        number: usize,
        /// What is wrong with it.
        cause: LineError,
    },
    /// The file cannot be written. It is as it was before.
    #[error("writing the users to {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It has no `:`.
    #[error("it is not of the form NAME:HASH")]
    Form,
    /// Nobody can be called that.
    #[error(transparent)]
    Name(#[from] UserNameError),
    /// The hash is none.
    #[error(transparent)]
    Password(#[from] StoredPasswordError),
    /// The user of an earlier line.
    #[error("it has the same name as line {0}")]
    Again(usize),
}

/// What has become of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There was no such user before.
    Added,
    /// The user has another password now.
    Changed,
}

/// Reads the name of a user: one that is good in a chat, and in a file.
///
/// # Errors
///
/// When nobody can be called that.
pub fn user_name(text: &str) -> Result<UserName, UserNameError> {
    let name: UserName = text.parse()?;
    if text.contains(':') || text.starts_with('#') {
        return Err(UserNameError::Sign);
    }
    Ok(name)
}

impl UsersError {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, UsersError::Unreadable { source, .. }
            if source.kind() == io::ErrorKind::NotFound)
    }
}

impl Users {
    /// Reads a file of users.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a line of it makes no sense.
    pub fn read(path: &Path) -> Result<Self, UsersError> {
        let read = || {
            let mut text = Vec::new();
            let file = File::open(path)?;
            file.take(FILE_LIMIT + 1).read_to_end(&mut text)?;
            if text.len() as u64 > FILE_LIMIT {
                return Err(io::Error::other(format!(
                    "the file is over {} MiB long",
                    FILE_LIMIT / 1024 / 1024
                )));
            }
            let text = str::from_utf8(without_byte_order_mark(&text));
            text.map(str::to_owned)
                .map_err(|_| io::Error::other("it is not UTF-8"))
        };
        let text = read().map_err(|source| UsersError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Users::parse(&text).map_err(|(number, cause)| UsersError::Malformed {
            path: path.to_owned(),
            number,
            cause,
        })
    }

    /// Reads the text of a file, or says which line makes no sense, counted from one.
    fn parse(text: &str) -> Result<Self, (usize, LineError)> {
        let mut lines = Vec::new();
        let mut known = HashMap::new();
        for (number, text) in (1..).zip(text.split_terminator('\n')) {
            let line = Line::parse(text).map_err(|cause| (number, cause))?;
            if let Some(user) = &line.user
                && let Some(before) = known.insert(user.name.clone(), number)
            {
                return Err((number, LineError::Again(before)));
            }
            lines.push(line);
        }
        Ok(Users { lines })
    }

    /// Gives a user a password, in place of another if there is one.
    ///
    /// # Errors
    ///
    /// When nobody can be called that.
    pub fn set(&mut self, user: &str, password: StoredPassword) -> Result<Change, UserNameError> {
        let line = Line::of(User {
            name: user_name(user)?,
            password,
        });
        match self.lines.iter_mut().find(|line| line.is_of(user)) {
            Some(before) => {
                *before = line;
                Ok(Change::Changed)
            }
            None => {
                self.lines.push(line);
                Ok(Change::Added)
            }
        }
    }

    /// Removes a user; `None` if there is none of that name.
    pub fn remove(&mut self, user: &str) -> Option<()> {
        let place = self.lines.iter().position(|line| line.is_of(user))?;
        self.lines.remove(place);
        Some(())
    }

    /// The name of a user, if there is one called that.
    pub fn name(&self, user: &str) -> Option<UserName> {
        let user = self.users().find(|known| known.name.as_str() == user)?;
        Some(user.name.clone())
    }

    /// The names of all of them.
    pub fn names(&self) -> impl Iterator<Item = &UserName> {
        self.users().map(|user| &user.name)
    }

    /// What is kept of a user's password.
    pub fn password(&self, user: &str) -> Option<&StoredPassword> {
        let user = self.users().find(|known| known.name.as_str() == user)?;
        Some(&user.password)
    }

    /// Verifies a user's password. That takes as long for a user that there is as for one that there
    /// is not, as long as all hashes of the file have the same parameters: nobody is to find out by
    /// trying who has a password.
    ///
    /// # Errors
    ///
    /// When the password cannot be hashed.
    pub fn verify(&self, user: &str, password: &SecretString) -> Result<Verdict, HashingError> {
        if let Some(stored) = self.password(user) {
            return stored.verify(password);
        }
        let somebodys = self.users().next().map(|user| user.password.clone());
        let decoy = somebodys.unwrap_or_else(StoredPassword::nobodys);
        // Even if it is right, it is another user's.
        decoy.verify(password).map(|_| Verdict::Wrong)
    }

    fn users(&self) -> impl Iterator<Item = &User> {
        self.lines.iter().filter_map(|line| line.user.as_ref())
    }

    /// Keeps others from changing a file of users. Whoever reads them to write them again needs it in
    /// between, or what somebody else writes meanwhile is lost. It waits for those others.
    ///
    /// # Errors
    ///
    /// When the folder of the file is not there, or may not be read.
    pub fn lock(path: &Path) -> Result<FileLock, UsersError> {
        FileLock::of(path).map_err(|source| UsersError::Unwritable {
            path: path.to_owned(),
            source,
        })
    }

    /// Puts the users in place of what is in a file, or makes one. It is replaced as a whole: nobody
    /// finds half of it, also not after a crash. On Unix only its owner may read it then, and its group
    /// if it could before; both are the same as before.
    ///
    /// # Errors
    ///
    /// When that is not possible. The file is as it was before.
    pub fn write(&self, path: &Path) -> Result<(), UsersError> {
        replace(path, self.to_string().as_bytes()).map_err(|source| UsersError::Unwritable {
            path: path.to_owned(),
            source,
        })
    }
}

impl fmt::Display for Users {
    /// The text of a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{}", line.text)?;
        }
        Ok(())
    }
}

impl Line {
    fn parse(line: &str) -> Result<Self, LineError> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(Line {
                text: line.to_owned(),
                user: None,
            });
        }
        let (name, hash) = line.split_once(':').ok_or(LineError::Form)?;
        let name = user_name(name)?;
        Ok(Line {
            text: line.to_owned(),
            user: Some(User {
                name,
                password: StoredPassword::parse(hash.trim_end())?,
            }),
        })
    }

    fn of(user: User) -> Self {
        Line {
            text: format!("{}:{}", user.name, user.password),
            user: Some(user),
        }
    }

    fn is_of(&self, name: &str) -> bool {
        self.user
            .as_ref()
            .is_some_and(|user| user.name.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ\
                        $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const OTHER: &str = "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ\
                         $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_change_leaves_the_rest_as_it_is() {
        let text = format!("# staff\r\n\nalice:{HASH}\n  \n# guests\nböb b:{HASH}\neve:{HASH}\r\n");
        let mut users = Users::parse(&text).unwrap();
        assert_eq!(users.to_string(), text);

        let other = StoredPassword::parse(OTHER).unwrap();
        assert_eq!(users.set("alice", other.clone()), Ok(Change::Changed));
        assert_eq!(users.set("bob", other.clone()), Ok(Change::Added));
        assert_eq!(users.remove("böb b"), Some(()));
        assert_eq!(users.remove("böb b"), None);
        assert_eq!(users.password("böb b"), None);
        assert_eq!(users.password("bob"), Some(&other));
        let text = format!("# staff\r\n\nalice:{OTHER}\n  \n# guests\neve:{HASH}\r\nbob:{OTHER}\n");
        assert_eq!(users.to_string(), text);
        assert_eq!(users.set("a:b", other), Err(UserNameError::Sign));
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        let error = |text: &str| Users::parse(text).unwrap_err();
        assert_eq!(error("# a\n\nalice\n"), (3, LineError::Form));
        let (number, cause) = error("alice:hunter2");
        assert_eq!(number, 1);
        assert!(matches!(cause, LineError::Password(_)), "{cause:?}");
        let twice = format!("alice:{HASH}\nbob:{HASH}\nalice:{HASH}\n");
        assert_eq!(error(&twice), (3, LineError::Again(1)));
        for (name, cause) in [
            ("", NameError::Empty),
            (" alice", NameError::Untrimmed),
            ("al\u{7}ice", NameError::Invisible('\u{7}')),
        ] {
            let line = format!("{name}:{HASH}");
            assert_eq!(error(&line), (1, LineError::Name(cause.into())), "{name:?}");
        }
        assert!(Users::parse(&format!("{}:{HASH}\r\n", "é".repeat(32))).is_ok());
    }

    #[test]
    fn names_that_a_file_would_take_for_something_else_are_refused() {
        for name in ["a:b", "#alice"] {
            assert_eq!(user_name(name), Err(UserNameError::Sign), "{name}");
        }
        assert!(user_name("alice #2").is_ok());
    }

    #[test]
    fn nobody_gets_in_with_a_password_that_is_anothers() {
        use super::super::password::Password;
        let secret = SecretString::from("sesame");
        let password = Password::new(secret.clone()).unwrap();
        let mut users = Users::default();
        assert_eq!(users.verify("alice", &secret), Ok(Verdict::Wrong));
        let stored = StoredPassword::of(&password, [1; 16]).unwrap();
        users.set("alice", stored).unwrap();
        assert_eq!(users.verify("alice", &secret), Ok(Verdict::Right));
        assert_eq!(users.verify("bob", &secret), Ok(Verdict::Wrong));
    }
}
