use std::time::Instant;

#[cfg(target_os = "linux")]
use super::{Seldom, clock};

/// How punctual a party's timeouts are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Tokio's own timer: up to 2 ms late, since it rounds up to the next millisecond. Costs
    /// nothing.
    #[default]
    Millisecond,
    /// A timer of the operating system, 50 to 100 µs late, at the price of a file descriptor. On
    /// systems that have no such timer this is the same as `Millisecond`.
    Microsecond,
}

/// Each conversation of a server finds that there is none, once there is none.
#[cfg(target_os = "linux")]
static NO_TIMERFD: Seldom = Seldom::new();

/// Waits for the timeouts of one party.
#[derive(Debug)]
pub(super) enum Timer {
    Tokio,
    #[cfg(target_os = "linux")]
    Timerfd(timerfd::Timerfd),
}

impl Timer {
    pub(super) fn new(precision: Precision) -> Self {
        match precision {
            Precision::Millisecond => Timer::Tokio,
            #[cfg(target_os = "linux")]
            Precision::Microsecond => match timerfd::Timerfd::new() {
                Ok(timerfd) => Timer::Timerfd(timerfd),
                Err(error) => {
                    if let Some(times) = NO_TIMERFD.happens(clock::now()) {
                        tracing::warn!(
                            times, %error, "no timerfd to be had: timeouts may be 2 ms late"
                        );
                    }
                    Timer::Tokio
                }
            },
            #[cfg(not(target_os = "linux"))]
            Precision::Microsecond => Timer::Tokio,
        }
    }

    /// Waits until `deadline`, or forever if there is none. Can be dropped and called anew.
    pub(super) async fn wait_until(&mut self, deadline: Option<Instant>) {
        let Some(deadline) = deadline else {
            return std::future::pending().await;
        };
        match self {
            Timer::Tokio => tokio::time::sleep_until(deadline.into()).await,
            #[cfg(target_os = "linux")]
            Timer::Timerfd(timerfd) => {
                if let Err(error) = timerfd.wait_until(deadline).await {
                    if let Some(times) = NO_TIMERFD.happens(clock::now()) {
                        tracing::warn!(
                            times, %error, "the timerfd failed: timeouts may be 2 ms late"
                        );
                    }
                    *self = Timer::Tokio;
                    tokio::time::sleep_until(deadline.into()).await;
                }
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod timerfd {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Instant;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    use crate::link::clock;

    /// A timer of the Linux kernel that the runtime waits for as it waits for a socket.
    #[derive(Debug)]
    pub(in crate::link) struct Timerfd {
        fd: AsyncFd<OwnedFd>,
        /// What the kernel's timer is set to, so that it is set once a deadline.
        armed: Option<Instant>,
    }

    impl Timerfd {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // SAFETY: the descriptor was opened just now and is owned by the `AsyncFd` from here
            // on, which lends it out by shared reference only: it stays this one until dropped.
            #[expect(unsafe_code, reason = "AsyncFd has no other constructor")]
            let fd = unsafe { AsyncFd::register(fd)? };
            Ok(Timerfd { fd, armed: None })
        }

        pub(super) async fn wait_until(&mut self, deadline: Instant) -> io::Result<()> {
            let left = deadline.saturating_duration_since(clock::now());
            if left.is_zero() {
                return Ok(());
            }
            if self.armed != Some(deadline) {
                let zero = Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                };
                let value = Timespec {
                    tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
                    tv_nsec: left.subsec_nanos().into(),
                };
                let once = Itimerspec {
                    it_interval: zero,
                    it_value: value,
                };
                timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &once)?;
                self.armed = Some(deadline);
            }
            loop {
                let mut ready = self.fd.readable().await?;
                // Reading takes the expiry away, so that the next wait does not find this one's.
                let read = ready.try_io(|fd| {
                    let mut expirations = [0_u8; 8];
                    Ok(rustix::io::read(fd, &mut expirations)?)
                });
                match read {
                    Ok(result) => {
                        // It expires once each time it is set: there is no more to be read, and the
                        // next wait need not find that out.
                        ready.clear_ready();
                        self.armed = None;
                        return result.map(drop);
                    }
                    Err(_would_block) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::link::clock;

    #[tokio::test]
    async fn waits_are_never_short_and_can_be_dropped_and_moved() {
        for precision in [Precision::Millisecond, Precision::Microsecond] {
            let mut timer = Timer::new(precision);
            let start = clock::now();
            let far = start + Duration::from_secs(3600);
            let near = start + Duration::from_millis(30);
            // Dropped before it is due, then set to an earlier time.
            let dropped =
                tokio::time::timeout(Duration::from_millis(5), timer.wait_until(Some(far))).await;
            assert!(dropped.is_err());
            timer.wait_until(Some(near)).await;
            assert!(clock::now() >= near, "{precision:?}");
            // A deadline in the past does not wait.
            timer.wait_until(Some(start)).await;
        }
    }
}
