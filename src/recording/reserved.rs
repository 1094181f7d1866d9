use std::fs::{self, File, OpenOptions};
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
    /// There was no such file before.
    is_new: bool,
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
        Ok(ReservedFile {
            path,
            file: Some(file),
            is_new,
        })
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
        if self.is_new {
            // What cannot be taken away is of no use, and does no harm.
            let _ = fs::remove_file(&self.path);
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
