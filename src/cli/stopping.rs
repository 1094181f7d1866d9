use std::io;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::failure::{Failure, Kind};
use crate::link::{Stop, StopReason, Stopper, clock};

/// Within which time two signals are one: timeout(1) signals the program and then its whole process
/// group, and no person presses twice so quickly.
const ONE_PRESS: Duration = Duration::from_millis(50);

/// The signals by which a person or a service manager ends a program.
pub(super) struct Signals {
    system: System,
    pressed: mpsc::Receiver<()>,
    keyboard: Keyboard,
}

/// A key that means what a signal does: in raw mode, a terminal sends the key in its place.
#[derive(Clone, Debug)]
pub(super) struct Keyboard(mpsc::Sender<()>);

/// The signals of the operating system.
struct System {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    /// Until when a signal is the same one once more.
    deaf_until: Option<Instant>,
}

impl Keyboard {
    /// The key has been pressed.
    pub(super) fn interrupt(&self) {
        // There is room for two. More mean nothing.
        let _ = self.0.try_send(());
    }
}

impl Signals {
    /// From here on the signals no longer end the program by themselves.
    pub(super) fn listen() -> io::Result<Self> {
        let (keyboard, pressed) = mpsc::channel(2);
        Ok(Signals {
            system: System::listen()?,
            pressed,
            keyboard: Keyboard(keyboard),
        })
    }

    /// What counts as a signal as long as a command [is governed](Self::govern).
    pub(super) fn keyboard(&self) -> Keyboard {
        self.keyboard.clone()
    }

    /// Runs a command. The first signal asks it to stop, and shows that it has been heard; the
    /// second does not wait for that.
    pub(super) async fn govern<T>(
        &mut self,
        stopper: &Stopper,
        show: impl FnOnce(),
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Signals {
            system, pressed, ..
        } = self;
        let mut next = async || {
            tokio::select! {
                () = system.next() => {}
                _ = pressed.recv() => {}
            }
        };
        let second = async {
            next().await;
            stopper.stop(StopReason::Interrupted);
            show();
            next().await;
        };
        tokio::select! {
            result = work => result,
            () = second => Err(Kind::Interrupted.because("interrupted twice")),
        }
    }

    /// Waits for something that a signal makes unimportant. Keys do not: one that was pressed just
    /// as the command ended is no word on what comes after.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.system.next() => None,
        }
    }
}

impl System {
    fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(System {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                deaf_until: None,
            })
        }
        #[cfg(windows)]
        Ok(System {
            interrupt: tokio::signal::windows::ctrl_c()?,
            deaf_until: None,
        })
    }

    async fn next(&mut self) {
        loop {
            self.any().await;
            let now = clock::now();
            if self.deaf_until.is_none_or(|until| until <= now) {
                self.deaf_until = Some(now + ONE_PRESS);
                return;
            }
        }
    }

    async fn any(&mut self) {
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
