//! The file that a key is kept in: PKCS#8 as PEM, as `openssl genpkey -algorithm ed25519` makes it.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::str;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tempfile::NamedTempFile;

use crate::cli::failure::{Failure, Kind};
use crate::conversation::registration::KeyPair;
use crate::conversation::without_byte_order_mark;

/// The largest file that is read, in bytes. A key takes up some 120, and the largest of other kinds,
/// which are told apart, a few thousand.
const FILE_LIMIT: usize = 16 * 1024;

/// The bits of a mode by which others than the owner may do something with a file.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// A key, and where it is from.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) key: KeyPair,
    /// Whether the file was made just now.
    pub(super) is_new: bool,
    /// Which file it is in; `None` if it is in none, or that cannot be told here.
    pub(super) id: Option<FileId>,
}

/// Which file something is, under whatever name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    #[cfg(unix)]
    pub(super) fn of(file: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(FileId {
            device: file.dev(),
            inode: file.ino(),
        })
    }

    /// Elsewhere, that cannot be told.
    #[cfg(not(unix))]
    pub(super) fn of(_file: &Metadata) -> Option<Self> {
        None
    }

    /// The file that is found there, if there is one.
    pub(super) fn at(path: &Path) -> Option<Self> {
        FileId::of(&fs::metadata(path).ok()?)
    }
}

/// What has become of a key that was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    /// It is in the file, which is this one.
    Here(Option<FileId>),
    /// There is a file by now, and it is not touched.
    TakenMeanwhile,
}

/// Keeps a new key in a file that there was not. If there is one by now, that has the key: of two runs
/// that make one at once, both have the key of one of them.
pub(super) fn make(path: &Path, new: KeyPair) -> Result<Kept, Failure> {
    match store(path, &new).map_err(|error| {
        let path = path.display();
        Kind::Usage.because(format_args!("making the key file {path}: {error}"))
    })? {
        Stored::Here(id) => Ok(Kept {
            key: new,
            is_new: true,
            id,
        }),
        Stored::TakenMeanwhile => load(path)?.ok_or_else(|| unusable(path, "it comes and goes")),
    }
}

/// Loads the key in a file; `None` if there is no such file.
pub(super) fn load(path: &Path) -> Result<Option<Kept>, Failure> {
    let Some((mut file, id)) = open(path)? else {
        return Ok(None);
    };
    // Never moved as it fills, and one byte larger than what it may hold.
    let mut content = Zeroizing::new([0; FILE_LIMIT + 1]);
    let length = read(&mut file, &mut *content).map_err(|error| unusable(path, error))?;
    if length > FILE_LIMIT {
        return Err(unusable(
            path,
            format_args!("it is larger than {FILE_LIMIT} bytes: there is more in it than a key"),
        ));
    }
    let text = str::from_utf8(without_byte_order_mark(&content[..length]))
        .map_err(|_| unusable(path, "it is no text, and a key in PEM is"))?;
    if text.trim().is_empty() {
        return Err(unusable(
            path,
            "it is empty; without it, a new key is made and kept there",
        ));
    }
    let key =
        KeyPair::from_pem(&SecretString::from(text)).map_err(|error| unusable(path, error))?;
    Ok(Some(Kept {
        key,
        is_new: false,
        id,
    }))
}

/// Reads until there is no more, or no more room for it, and tells how much there was.
fn read(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Opens a file of one's own that nobody else can read; `None` if there is no such file.
fn open(path: &Path) -> Result<Option<(File, Option<FileId>)>, Failure> {
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
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32);
    }
    let file = options.open(path).map_err(|error| unusable(path, error))?;
    let found = file.metadata().map_err(|error| unusable(path, error))?;
    if !found.is_file() {
        return Err(unusable(path, "it is no regular file"));
    }
    if let Some(owner) = other_owner(&found) {
        return Err(unusable(
            path,
            format_args!(
                "it belongs to another user (number {owner}), who can read it and put another key \
                 there; name a file of your own"
            ),
        ));
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
    let id = FileId::of(&found);
    Ok(Some((file, id)))
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
    let made = file.as_file().metadata()?;
    if mode_for_others(&made).is_some() || other_owner(&made).is_some() {
        return Err(io::Error::other(
            "on the file system there, what one user makes is not for that user alone; keep the \
             key elsewhere",
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
    Ok(Stored::Here(FileId::of(&made)))
}

/// The mode of a file that others than its owner can get at.
#[cfg(unix)]
fn mode_for_others(file: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.permissions().mode() & 0o7777;
    (mode & OTHERS != 0).then_some(mode)
}

/// Elsewhere, a mode does not tell.
#[cfg(not(unix))]
fn mode_for_others(_file: &Metadata) -> Option<u32> {
    None
}

/// The number of the user whose file it is, if that is another than the one who runs the program:
/// also the administrator signs with no key that is somebody else's to change.
#[cfg(unix)]
fn other_owner(file: &Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    (file.uid() != rustix::process::geteuid().as_raw()).then(|| file.uid())
}

/// Elsewhere, files have no such numbers.
#[cfg(not(unix))]
fn other_owner(_file: &Metadata) -> Option<u32> {
    None
}

fn unusable(path: &Path, reason: impl fmt::Display) -> Failure {
    let path = path.display();
    Kind::Usage.because(format_args!("the key file {path}: {reason}"))
}
