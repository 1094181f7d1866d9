use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Puts a private file in place of another as a whole, or where there is none: whoever opens it finds
/// the old one or the new one, also after a crash. On Unix only its owner may read it, or nobody if
/// that was so before.
///
/// # Errors
///
/// When that is not possible. What was there before still is.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // A link is to lead to the new file as it did to the old one.
    let (path, before) = match path.canonicalize() {
        Ok(path) => {
            let before = fs::metadata(&path)?;
            (path, Some(before))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
        Err(error) => return Err(error),
    };
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
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

/// Leaves a new file to the owner of the one before, and no more open to them than that was.
#[cfg(unix)]
fn keep_owner_and_mode(file: &File, before: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    // A server that runs as another user must still be able to read it.
    if file.metadata()?.uid() != before.uid() {
        fchown(file, Some(before.uid()), Some(before.gid())).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("it belongs to another user, and it cannot be left to them: {error}"),
            )
        })?;
    }
    let mode = before.permissions().mode() & 0o600;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_file: &File, _before: &fs::Metadata) -> io::Result<()> {
    Ok(())
}
