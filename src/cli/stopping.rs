use std::io;
use std::time::Duration;

use super::failure::{Failure, Kind};
use crate::link::{Stop, StopReason, Stopper};

/// The signals by which a person or a service manager ends a program.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    /// From here on the signals no longer end the program by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Signals {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }
        #[cfg(windows)]
        Ok(Signals {
            interrupt: tokio::signal::windows::ctrl_c()?,
        })
    }

    /// Runs a command. The first signal asks it to stop, and shows that it has been heard; the
    /// second does not wait for that.
    pub(super) async fn govern<T>(
        &mut self,
        stopper: &Stopper,
        show: impl FnOnce(),
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let second = async {
            self.next().await;
            stopper.stop(StopReason::Interrupted);
            show();
            self.next().await;
        };
        tokio::select! {
            result = work => result,
            () = second => Err(Kind::Interrupted.because("interrupted twice")),
        }
    }

    /// Waits for something that a signal makes unimportant.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.next() => None,
        }
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(windows)]
        self.interrupt.recv().await;
    }
}

/// Asks for a stop when the time for the whole run is up.
pub(super) fn stop_after(deadline: Option<Duration>, stopper: &Stopper) {
    if let Some(deadline) = deadline {
        let stopper = stopper.clone();
        tokio::spawn(async move {
            tokio::time::sleep(deadline).await;
            stopper.stop(StopReason::Deadline);
        });
    }
}

/// Does something that may block for as long as it likes, such as opening a pipe that nobody writes
/// to, unless a stop is asked for before it is done. It is left to itself then.
pub(super) async fn aside_unless_stopped<T: Send + 'static>(
    stop: &mut Stop,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let done = unless_stopped(stop, tokio::task::spawn_blocking(work)).await?;
    done.map_err(|error| Kind::Internal.because(error))
}

/// Awaits something that can be dropped at any time, unless a stop is asked for before it is done.
/// A stop that has been asked for already comes first.
pub(super) async fn unless_stopped<T>(
    stop: &mut Stop,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        reason = stop.requested() => Err(reason.into()),
        done = work => Ok(done),
    }
}
