use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::Header;
use super::format::Line;
use crate::conversation::{Stamp, WireEvent};

/// Opens the file that a recording is going to be written to, without touching what it holds:
/// whether it can be written shows before the conversation, and a conversation that never opens
/// destroys no older recording. [`start_over`] empties it.
///
/// # Errors
///
/// When the file cannot be created or written.
pub fn open_for_recording(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Empties a file that was [opened for recording](open_for_recording).
///
/// # Errors
///
/// When the file cannot be written.
pub fn start_over(file: &File) -> io::Result<()> {
    // Pipes and terminals have no length to set.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
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
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.writer.write_all(&text)?;
        self.writer.flush()
    }
}
