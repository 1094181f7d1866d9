use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// A file that is going to be written, known to be writable.
///
/// What it holds is kept until then, so that a run that comes to nothing destroys nothing older; and
/// if it is never written, a file that was not there before is taken away again.
#[derive(Debug)]
pub struct ReservedFile {
    path: PathBuf,
    /// `None` once it is being written.
    file: Option<File>,
    /// Where a file was made that was not there before. That is not `path` if that is a link.
    made: Option<PathBuf>,
}

impl ReservedFile {
    /// Opens the file. If it is a pipe, that waits for a reader.
    ///
    /// # Errors
    ///
    /// When it cannot be created or written.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let is_new = !path.exists();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        // What is not empty has been made by somebody else meanwhile.
        let made = match is_new && file.metadata()?.len() == 0 {
            true => Some(path.canonicalize().unwrap_or_else(|_| path.clone())),
            false => None,
        };
        Ok(ReservedFile {
            path,
            file: Some(file),
            made,
        })
    }

    /// What the system knows of the file, which need not be what is found under its name by now.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn metadata(&self) -> io::Result<Metadata> {
        match &self.file {
            Some(file) => file.metadata(),
            None => fs::metadata(&self.path),
        }
    }

    /// The file, emptied of what it held.
    ///
    /// # Errors
    ///
    /// When it cannot be emptied.
    pub fn begin(&mut self) -> io::Result<File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().write(true).open(&self.path)?,
        };
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        Ok(file)
    }

    /// Writes all that the file is to hold.
    ///
    /// # Errors
    ///
    /// When it cannot be written. A file that was not there before is taken away then.
    pub fn write(mut self, content: &[u8]) -> io::Result<()> {
        let written = self.begin().and_then(|mut file| file.write_all(content));
        if written.is_err() {
            self.take_away();
        }
        written
    }

    fn take_away(&self) {
        if let Some(made) = &self.made {
            // What cannot be taken away is of no use, and does no harm.
            let _ = fs::remove_file(made);
        }
    }
}

impl Drop for ReservedFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            self.take_away();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_was_made_through_a_link_is_taken_away_and_the_link_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("link"), folder.path().join("file"));
        symlink(&file, &link).unwrap();
        let reserved = ReservedFile::open(link.clone()).unwrap();
        assert!(file.exists());
        drop(reserved);
        assert!(!file.exists());
        assert_eq!(fs::read_link(&link).unwrap(), file);
    }
}
