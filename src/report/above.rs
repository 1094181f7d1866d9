//! The way to the place above a prompt, for whoever writes to the terminal while there is one.

use std::fmt;
use std::sync::mpsc as std_mpsc;

use anstream::adapter::strip_bytes;
use tokio::sync::mpsc;

use super::view::Colours;

/// What others want of the thread at the prompt.
#[derive(Debug)]
pub(super) enum Wish {
    /// Lines above the prompt; the sender is told once they are there.
    Print(Vec<u8>, std_mpsc::SyncSender<()>),
    /// Another prompt.
    Ask(String),
    /// No prompt.
    Leave,
}

/// The way to the place above a prompt.
#[derive(Clone)]
pub(super) struct Above {
    wishes: mpsc::UnboundedSender<Wish>,
    colours: Colours,
}

impl Above {
    /// The way to the thread that takes these wishes.
    pub(super) fn new(wishes: mpsc::UnboundedSender<Wish>, colours: Colours) -> Self {
        Above { wishes, colours }
    }

    /// Writes lines above the prompt, and waits until they are there.
    ///
    /// # Errors
    ///
    /// When there is no prompt any more.
    pub(super) fn write(&self, text: &[u8]) -> Result<(), NoPrompt> {
        let text = match self.colours {
            Colours::Welcome => text.to_vec(),
            Colours::Unwelcome => strip_bytes(text).into_vec(),
        };
        let (done, waited) = std_mpsc::sync_channel(1);
        let sent = self.wishes.send(Wish::Print(text, done));
        sent.map_err(|_| NoPrompt)?;
        waited.recv().map_err(|_| NoPrompt)
    }
}

impl fmt::Debug for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Above").finish_non_exhaustive()
    }
}

/// There is no prompt any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoPrompt;
