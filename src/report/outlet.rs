use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::Notify;

/// How many bytes may wait for a reader before more are dropped.
const HELD: usize = 8 * 1024 * 1024;

/// Below how many bytes there is [room](Outlet::room) for more.
const ROOM: usize = 1024 * 1024;

/// A way out of the program, to a terminal or into a pipe, that never keeps anybody waiting: a
/// thread of its own does the writing. A person who holds a terminal, or pages through the output,
/// would else hold the conversation.
///
/// What waits for a slow reader is bounded. When there is too much of it, more is dropped, and
/// [`emptied`](Outlet::emptied) tells how much. Whoever can wait asks for [`room`](Outlet::room)
/// first, and need lose nothing.
#[derive(Clone, Debug)]
pub struct Outlet(Arc<Shared>);

/// What an outlet's thread does.
#[derive(Debug)]
pub enum Job {
    /// Writes this.
    Write(Vec<u8>),
    /// Has the live line count from zero behind this text.
    Count(String),
    /// Has the live line go on counting behind this text.
    Retitle(String),
    /// Takes the live line away.
    Clear,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is something to do.
    work: Condvar,
    /// Something has been done.
    progress: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// What waits, and what is being written right now.
    bytes: usize,
    is_busy: bool,
    dropped: usize,
    failure: Option<io::Error>,
    /// The reader has hung up.
    is_closed: bool,
}

impl Job {
    fn bytes(&self) -> usize {
        match self {
            Job::Write(text) => text.len(),
            Job::Count(_) | Job::Retitle(_) | Job::Clear => 0,
        }
    }
}

impl Outlet {
    /// An outlet whose jobs are done by `perform`, one after the other. An error ends it: what
    /// follows goes nowhere.
    ///
    /// # Errors
    ///
    /// When there can be no thread for it.
    pub fn new(
        mut perform: impl FnMut(Job) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let outlet = Outlet(Arc::default());
        let shared = Arc::clone(&outlet.0);
        thread::Builder::new()
            .name("outlet".to_owned())
            .spawn(move || {
                loop {
                    let job = shared.next();
                    let bytes = job.bytes();
                    let done = perform(job);
                    shared.done(bytes, done);
                }
            })?;
        Ok(outlet)
    }

    /// Has a job done, sooner or later, unless too much waits already. Never waits.
    pub fn send(&self, job: Job) {
        self.queue(job, HELD);
    }

    /// Has a job done, sooner or later, however much waits. For those who ask for
    /// [`room`](Outlet::room) every now and then.
    pub fn send_surely(&self, job: Job) {
        self.queue(job, usize::MAX);
    }

    fn queue(&self, job: Job, limit: usize) {
        let mut queue = self.0.lock();
        if queue.is_closed {
            return;
        }
        // The live line is no output: nothing of it waits long, and it must not be left behind.
        if queue.bytes > limit && matches!(job, Job::Write(_)) {
            queue.dropped += 1;
            return;
        }
        queue.bytes += job.bytes();
        queue.jobs.push_back(job);
        self.0.work.notify_one();
    }

    /// Waits until the reader has caught up, all but a little.
    pub async fn room(&self) {
        self.until(|queue| queue.bytes < ROOM).await;
    }

    /// Waits until nothing can be written any more: the reader has hung up, or a write has failed.
    pub async fn closed(&self) {
        self.until(|queue| queue.is_closed).await;
    }

    /// Waits until all there is to do has been done.
    ///
    /// # Errors
    ///
    /// What went wrong since the last time: a write that failed, other than because the reader had
    /// hung up, or jobs that were dropped.
    pub async fn emptied(&self) -> io::Result<()> {
        self.until(|queue| queue.jobs.is_empty() && !queue.is_busy)
            .await;
        let mut queue = self.0.lock();
        match (queue.failure.take(), std::mem::take(&mut queue.dropped)) {
            (Some(failure), _) if failure.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            (Some(failure), _) => Err(failure),
            (_, dropped @ 1..) => Err(io::Error::other(format!(
                "{dropped} times something was dropped, since it was not read fast enough"
            ))),
            _ => Ok(()),
        }
    }

    async fn until(&self, is_so: impl Fn(&Queue) -> bool) {
        loop {
            let mut progress = pin!(self.0.progress.notified());
            // From here on no progress is missed.
            progress.as_mut().enable();
            if is_so(&self.0.lock()) {
                return;
            }
            progress.await;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that holds the lock can leave its work half done.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Job {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                queue.is_busy = true;
                return job;
            }
            queue = self
                .work
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, bytes: usize, result: io::Result<()>) {
        let mut queue = self.lock();
        queue.is_busy = false;
        queue.bytes -= bytes;
        if let Err(error) = result {
            queue.failure = Some(error);
            queue.is_closed = true;
            queue.jobs.clear();
            queue.bytes = 0;
        }
        drop(queue);
        self.progress.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_reader_that_does_not_read_keeps_nobody_waiting() {
        let (go, gate) = mpsc::channel::<()>();
        let (written, seen) = mpsc::channel();
        let outlet = Outlet::new(move |job| {
            // Stands still until the other end is dropped.
            let _ = gate.recv();
            written.send(job.bytes()).unwrap();
            Ok(())
        })
        .unwrap();
        let line = vec![b'x'; HELD / 16];
        for _ in 0..20 {
            outlet.send(Job::Write(line.clone()));
        }
        drop(go);
        let error = outlet.emptied().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "3 times something was dropped, since it was not read fast enough"
        );
        assert_eq!(seen.try_iter().count(), 17);
        outlet.room().await;
        outlet.emptied().await.unwrap();
    }

    #[tokio::test]
    async fn an_error_ends_it_and_a_reader_who_hangs_up_is_none() {
        for (kind, is_error) in [
            (io::ErrorKind::StorageFull, true),
            (io::ErrorKind::BrokenPipe, false),
        ] {
            let outlet = Outlet::new(move |_job| Err(kind.into())).unwrap();
            outlet.send(Job::Write(b"a".to_vec()));
            assert_eq!(outlet.emptied().await.is_err(), is_error);
            outlet.send(Job::Write(b"b".to_vec()));
            outlet.emptied().await.unwrap();
        }
    }
}
