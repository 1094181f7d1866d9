use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::format::Line;
use super::to_line;
use super::{Header, ReservedFile};
use crate::conversation::{Stamp, WireEvent};

/// A file that is going to hold a recording: what it holds is kept until the recording begins.
#[derive(Debug)]
pub struct RecordingFile(ReservedFile);

impl RecordingFile {
    /// Opens the file.
    ///
    /// # Errors
    ///
    /// When it cannot be created or written.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        ReservedFile::open(path).map(RecordingFile)
    }

    /// What the system knows of the file: by that, it can be told apart from others.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// Begins a recording, in the place of what the file held.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn begin(&mut self, header: &Header) -> io::Result<Recorder<File>> {
        let file = self.0.begin()?;
        if !file.metadata()?.is_file() {
            never_wait(&file)?;
        }
        Recorder::new(file, header)
    }
}

/// A pipe whose reader does not read, or a terminal that is held, must not hold the conversation:
/// when it is full, that is an error.
fn never_wait(file: &File) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        fcntl_setfl(file, fcntl_getfl(file)? | OFlags::NONBLOCK)?;
    }
    let _ = file;
    Ok(())
}

/// Writes a recording, line by line as things happen.
#[derive(Debug)]
pub struct Recorder<W> {
    writer: W,
}

impl<W: Write> Recorder<W> {
    /// Begins a recording.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    pub fn new(writer: W, header: &Header) -> io::Result<Self> {
        let mut recorder = Recorder { writer };
        recorder.line(header)?;
        Ok(recorder)
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    pub fn record(&mut self, at: Stamp, event: &WireEvent) -> io::Result<()> {
        self.line(&Line::new(at, event))
    }

    /// One write a line: whoever reads along, or after a crash, finds whole lines.
    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = to_line(line)?;
        text.push(b'\n');
        self.writer.write_all(&text)?;
        self.writer.flush()
    }
}
