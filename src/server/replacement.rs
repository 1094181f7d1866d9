use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Keeps others that do the same from changing a file, until it is dropped.
///
/// It is the file's folder that is locked (`flock`), since the file itself is replaced. That holds on
/// Linux, and there in folders that can be locked: NFS has some that cannot be. Elsewhere, and by
/// programs that do not ask, the file can still be changed meanwhile.
#[derive(Debug)]
#[must_use = "the file is locked for as long as this exists"]
pub struct FileLock {
    /// The lock ends when it is closed.
    #[cfg(target_os = "linux")]
    _folder: File,
}

impl FileLock {
    /// Waits until nobody else has the file, which need not be there.
    ///
    /// # Errors
    ///
    /// When there is no such folder, or it may not be read.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FlockOperation, flock};
            use rustix::io::{Errno, retry_on_intr};
            let folder = File::open(folder_of(&resolved(path)?))?;
            match retry_on_intr(|| flock(&folder, FlockOperation::LockExclusive)) {
                Ok(()) => Ok(FileLock { _folder: folder }),
                // What it can be on file systems that lock no folders: without, as before there was
                // any lock, is better than not at all.
                Err(Errno::BADF | Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP) => {
                    tracing::debug!(path = %path.display(), "its folder cannot be locked");
                    Ok(FileLock { _folder: folder })
                }
                Err(error) => Err(error.into()),
            }
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = path;
            Ok(FileLock {})
        }
    }
}

/// Puts a private file in place of another as a whole, or where there is none: whoever opens it finds
/// the old one or the new one, also after a crash. On Unix a new one is for its owner only. One in
/// place of another is left to the same owner and group, and these may do no more with it than
/// before; others may do nothing.
///
/// # Errors
///
/// When that is not possible. What was there before still is.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = resolved(path)?;
    let before = match fs::metadata(&path) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    let folder = folder_of(&path);
    // Only its owner may read it from the beginning: that is how they are made.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    if let Some(before) = before {
        keep_owner_and_mode(file.as_file(), &before)?;
    }
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    // What a crash must not undo, either. Not every file system has folders that can be synced.
    #[cfg(unix)]
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A path without links, which are to lead to a new file as they did to the old one.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        path => path,
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Leaves a new file to the owner and the group of the one before, and no more open to them than that
/// was.
#[cfg(unix)]
fn keep_owner_and_mode(file: &File, before: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let mode = before.permissions().mode() & 0o640;
    let now = file.metadata()?;
    // A server that runs as another user must still be able to read it, and one in another group.
    let others = if now.uid() != before.uid() {
        fchown(file, Some(before.uid()), Some(before.gid())).map_err(|error| ("user", error))
    } else if now.gid() != before.gid() && mode & 0o040 != 0 {
        fchown(file, None, Some(before.gid())).map_err(|error| ("group", error))
    } else {
        Ok(())
    };
    others.map_err(|(whose, error)| {
        io::Error::new(
            error.kind(),
            format!("it belongs to another {whose}, and it cannot be left to them: {error}"),
        )
    })?;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_file: &File, _before: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
