//! The file that a key is kept in: PKCS#8 as PEM, as `openssl genpkey -algorithm ed25519` makes it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use tempfile::NamedTempFile;

use crate::cli::failure::{Failure, Kind};
use crate::conversation::registration::KeyPair;

/// The most that is read of a file. A key takes up some 120 bytes, and the largest of other kinds,
/// which are told apart, a few thousand.
const FILE_LIMIT: u64 = 16 * 1024;

/// The bits of a mode by which others than the owner may do something with a file.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// A key, and where it is from.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) key: KeyPair,
    /// Whether the file was made just now.
    pub(super) is_new: bool,
}

/// What has become of a key that was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    /// It is in the file.
    Here,
    /// There is a file by now, and it is not touched.
    TakenMeanwhile,
}

/// Loads the key in a file, or makes this one and keeps it there. Of two runs that do so at once,
/// both have the key of one of them.
pub(super) fn load_or_make(path: &Path, new: KeyPair) -> Result<Kept, Failure> {
    if let Some(key) = load(path)? {
        return Ok(Kept { key, is_new: false });
    }
    match store(path, &new).map_err(|error| {
        let path = path.display();
        Kind::Usage.because(format_args!("making the key file {path}: {error}"))
    })? {
        Stored::Here => Ok(Kept {
            key: new,
            is_new: true,
        }),
        Stored::TakenMeanwhile => match load(path)? {
            Some(key) => Ok(Kept { key, is_new: false }),
            None => Err(unusable(path, "it comes and goes")),
        },
    }
}

/// Loads the key in a file; `None` if there is no such file.
fn load(path: &Path) -> Result<Option<KeyPair>, Failure> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    file.take(FILE_LIMIT)
        .read_to_end(&mut text)
        .map_err(|error| unusable(path, error))?;
    let text = String::from_utf8(text)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let pem = SecretString::from(text);
    if pem.expose_secret().trim().is_empty() {
        return Err(unusable(
            path,
            "it is empty; without it, a new key is made and kept there",
        ));
    }
    KeyPair::from_pem(&pem)
        .map(Some)
        .map_err(|error| unusable(path, error))
}

/// Opens a file that nobody else can read; `None` if there is no such file.
fn open(path: &Path) -> Result<Option<File>, Failure> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, error)),
        Ok(found) if found.is_symlink() => {
            return Err(unusable(
                path,
                "it is a symbolic link, which others may be able to turn elsewhere; name the file \
                 that it leads to",
            ));
        }
        Ok(found) if found.is_dir() => {
            return Err(unusable(path, "it is a folder; name a file in it"));
        }
        Ok(found) if !found.is_file() => return Err(unusable(path, "it is no regular file")),
        Ok(_) => {}
    }
    let mut options = OpenOptions::new();
    options.read(true);
    // It may have become something else since.
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    let file = options.open(path).map_err(|error| unusable(path, error))?;
    let found = file.metadata().map_err(|error| unusable(path, error))?;
    if !found.is_file() {
        return Err(unusable(path, "it is no regular file"));
    }
    if let Some(mode) = mode_for_others(&found) {
        let path_shown = path.display();
        return Err(unusable(
            path,
            format_args!(
                "others than its owner can get at it (its mode is {mode:04o}); it takes chmod 600 \
                 {path_shown}, and a new key if somebody may have read this one"
            ),
        ));
    }
    Ok(Some(file))
}

/// Writes a key to a file of its own, which is for its owner only and there as a whole or not at all.
fn store(path: &Path, key: &KeyPair) -> io::Result<Stored> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Only its owner may read it from the beginning: that is how they are made.
    let mut file = NamedTempFile::new_in(folder).map_err(|error| {
        let folder = folder.display();
        // Its own words name a file that nobody has asked for.
        io::Error::other(match error.kind() {
            io::ErrorKind::NotFound => format!("there is no folder {folder} to put it in"),
            kind => format!("no file can be made in the folder {folder}: {kind}"),
        })
    })?;
    if mode_for_others(&file.as_file().metadata()?).is_some() {
        return Err(io::Error::other(
            "on the file system there, everybody can read everything; keep the key elsewhere",
        ));
    }
    file.write_all(key.to_pem().expose_secret().as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_file) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            return Ok(Stored::TakenMeanwhile);
        }
        Err(error) => return Err(error.error),
    }
    // What a crash must not undo, either. Not every file system has folders that can be synced.
    #[cfg(unix)]
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(Stored::Here)
}

/// The mode of a file that others than its owner can get at.
#[cfg(unix)]
fn mode_for_others(file: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.permissions().mode() & 0o7777;
    (mode & OTHERS != 0).then_some(mode)
}

/// Elsewhere, a mode does not tell.
#[cfg(not(unix))]
fn mode_for_others(_file: &fs::Metadata) -> Option<u32> {
    None
}

fn unusable(path: &Path, reason: impl fmt::Display) -> Failure {
    let path = path.display();
    Kind::Usage.because(format_args!("the key file {path}: {reason}"))
}
