use tokio::sync::watch;

/// Why a conversation is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A person asked for it: Ctrl-C.
    Interrupted,
    /// The time for the whole run is up.
    Deadline,
    /// The server goes down.
    Shutdown,
}

impl StopReason {
    /// What the peer is told in the Close frame.
    pub(super) fn to_peer(self) -> &'static str {
        match self {
            StopReason::Interrupted => "interrupted",
            StopReason::Deadline => "out of time",
            StopReason::Shutdown => "the server is shutting down",
        }
    }
}

/// The end of a stop signal that waits. Cheap to clone; every clone hears the same signal.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Option<StopReason>>);

/// The end of a stop signal that gives it.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<Option<StopReason>>);

impl Stop {
    /// A signal and the one who gives it.
    pub fn channel() -> (Stopper, Stop) {
        let (sender, receiver) = watch::channel(None);
        (Stopper(sender), Stop(receiver))
    }

    /// Waits for the signal: forever, if the [`Stopper`] is gone without having given it.
    pub async fn requested(&mut self) -> StopReason {
        match self.0.wait_for(Option::is_some).await.map(|reason| *reason) {
            Ok(Some(reason)) => reason,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

impl Stopper {
    /// Gives the signal. The first reason stands.
    pub fn stop(&self, reason: StopReason) {
        self.0.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(reason);
            first
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_reason_stands_for_every_clone() {
        let (stopper, mut stop) = Stop::channel();
        let mut late = stop.clone();
        stopper.stop(StopReason::Deadline);
        stopper.stop(StopReason::Interrupted);
        assert_eq!(stop.requested().await, StopReason::Deadline);
        assert_eq!(late.requested().await, StopReason::Deadline);
    }
}
