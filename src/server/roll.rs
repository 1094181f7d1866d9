//! Who is a user at the moment, as the file of users has it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::users::Users;
use crate::conversation::chat::UserName;

/// How often the file is looked at. Who is removed from it is out within that time.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How many looks after a change tell of the users once more: for ten seconds. Somebody whose ticket
/// has just been redeemed, or whose password is just being verified, may come in after the others are
/// gone, and no request takes longer than that.
const LOOKS_AFTER: u32 = 40;

/// Notices when the file of users has changed.
#[derive(Debug)]
pub(super) struct Roll {
    path: PathBuf,
    seen: Option<Version>,
    users: HashSet<UserName>,
    looks_left: u32,
}

/// What tells one version of a file from another. A file that is replaced is another one, on Unix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    modified: SystemTime,
    length: u64,
    number: u64,
}

impl Roll {
    pub(super) fn new(path: PathBuf) -> Self {
        Roll {
            path,
            seen: None,
            users: HashSet::new(),
            looks_left: 0,
        }
    }

    /// Looks at the file, and gives the users if it has changed of late. A file that cannot be read
    /// removes nobody: somebody may be at work on it.
    pub(super) fn look(&mut self) -> Option<&HashSet<UserName>> {
        // Before the file is read: if it is replaced in between, that is another version the next time.
        let version = self.version().ok();
        if version.is_some() && version != self.seen {
            match Users::read(&self.path) {
                Ok(users) => {
                    self.users = users.names().cloned().collect();
                    self.looks_left = LOOKS_AFTER;
                }
                Err(error) => {
                    tracing::warn!(%error, "the users have changed, and nobody is removed for now");
                    self.looks_left = 0;
                }
            }
            self.seen = version;
        }
        self.looks_left = self.looks_left.checked_sub(1)?;
        Some(&self.users)
    }

    fn version(&self) -> io::Result<Version> {
        let metadata = fs::metadata(&self.path)?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let number = 0;
        Ok(Version {
            modified: metadata.modified()?,
            length: metadata.len(),
            number,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ\
                        $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn look(roll: &mut Roll) -> Option<Vec<String>> {
        let users = roll.look()?;
        let mut users: Vec<_> = users.iter().map(ToString::to_string).collect();
        users.sort();
        Some(users)
    }

    #[test]
    fn a_change_is_told_for_a_while_and_a_broken_file_removes_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let mut roll = Roll::new(path.clone());
        assert_eq!(look(&mut roll), None, "there is no file");
        fs::write(&path, format!("alice:{HASH}\nbob:{HASH}\n")).unwrap();
        for _ in 0..LOOKS_AFTER {
            assert_eq!(look(&mut roll).unwrap(), ["alice", "bob"]);
        }
        assert_eq!(look(&mut roll), None, "nothing has changed");
        fs::write(&path, "half a li").unwrap();
        assert_eq!(look(&mut roll), None);
        fs::write(&path, format!("bob:{HASH}\n")).unwrap();
        assert_eq!(look(&mut roll).unwrap(), ["bob"]);
        fs::remove_file(&path).unwrap();
        assert_eq!(look(&mut roll).unwrap(), ["bob"], "not even then");
    }
}
