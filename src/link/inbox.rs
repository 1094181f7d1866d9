use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

/// Where a driver takes the [cues](crate::conversation::Party::Cue) of its party from. It holds a
/// bounded number of them.
#[derive(Debug)]
pub struct Inbox<C>(Option<Slot<C>>);

#[derive(Debug)]
struct Slot<C> {
    cues: mpsc::Receiver<C>,
    overrun: CancellationToken,
}

/// The end of an [`Inbox`] that cues are put into. Cheap to clone.
#[derive(Debug)]
pub struct Prompter<C> {
    cues: mpsc::Sender<C>,
    overrun: CancellationToken,
}

/// A cue could not be put into an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// There was no room for it. The conversation is being ended.
    Overrun,
    /// The conversation is over.
    Gone,
}

impl<C> Inbox<C> {
    /// An inbox with room for this many cues, one at the least, and the one who fills it.
    pub fn channel(capacity: usize) -> (Prompter<C>, Self) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let overrun = CancellationToken::new();
        let prompter = Prompter {
            cues: sender,
            overrun: overrun.clone(),
        };
        let slot = Slot {
            cues: receiver,
            overrun,
        };
        (prompter, Inbox(Some(slot)))
    }

    /// Whether cues can come out of it.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// An inbox that stays empty.
    pub fn empty() -> Self {
        Inbox(None)
    }

    /// Waits for the next cue: forever, once there can be none any more. `None` once there was no
    /// room for one. Can be dropped and called anew.
    pub(crate) async fn next(&mut self) -> Option<C> {
        let Some(slot) = &mut self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            () = slot.overrun.cancelled() => None,
            Some(cue) = slot.cues.recv() => Some(cue),
        }
    }

    /// Waits until there was no room for a cue. Can be dropped and called anew.
    pub(super) async fn overrun(&self) {
        match &self.0 {
            Some(slot) => slot.overrun.cancelled().await,
            None => std::future::pending().await,
        }
    }
}

impl<C> Prompter<C> {
    /// Puts a cue into the inbox, without waiting. If there is no room for it, the conversation is
    /// ended with [`TRY_AGAIN_LATER`](crate::conversation::CloseReason::TRY_AGAIN_LATER), even
    /// where its driver waits for a peer that does not read: a peer that is too slow costs no more
    /// than its inbox, and keeps nobody waiting.
    ///
    /// # Errors
    ///
    /// When there was no room, or nobody is there any more. The cue is lost.
    pub fn put(&self, cue: C) -> Result<(), Unheard> {
        self.cues.try_send(cue).map_err(|error| match error {
            TrySendError::Full(_) => {
                self.overrun.cancel();
                Unheard::Overrun
            }
            TrySendError::Closed(_) => Unheard::Gone,
        })
    }

    /// Puts a cue into the inbox once there is room for it.
    ///
    /// # Errors
    ///
    /// When nobody is there any more. The cue is lost.
    pub async fn put_patiently(&self, cue: C) -> Result<(), Unheard> {
        self.cues.send(cue).await.map_err(|_| Unheard::Gone)
    }
}

impl<C> Clone for Prompter<C> {
    fn clone(&self) -> Self {
        Prompter {
            cues: self.cues.clone(),
            overrun: self.overrun.clone(),
        }
    }
}
