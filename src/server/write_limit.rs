//! A time limit for writing HTTP answers. hyper has none: a client that asks and never reads would keep
//! its connection for ever.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long writing an answer may take once the client holds it up. Longer than the
/// [link's limit](crate::link::Limits::write) for a message, so that an open WebSocket meets that one
/// first.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// A stream on which a write that has to wait fails, unless all of it is out within the limit.
#[derive(Debug)]
pub(super) struct WriteLimit<S> {
    stream: S,
    /// Since the first write that had to wait, until a flush has succeeded: a client that now and
    /// then reads a byte has no more time than one that reads nothing.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteLimit<S> {
    pub(super) fn new(stream: S) -> Self {
        WriteLimit {
            stream,
            deadline: None,
        }
    }

    /// What has come of a write, or that there is no more time for it.
    fn limited<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() && self.deadline.is_none() {
            return written;
        }
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep(ANSWER_LIMIT)));
        if deadline.as_mut().poll(cx).is_ready() {
            let reason = format!("the client has not read its answer for {ANSWER_LIMIT:?}");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, reason)));
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteLimit<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteLimit<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.limited(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.limited(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        ready!(self.limited(cx, flushed))?;
        self.deadline = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut_down = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.limited(cx, shut_down)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// What a client gets of an answer, of which it reads so much after each pause.
    async fn written_to(pause: Duration, at_once: usize) -> io::Result<()> {
        let (near, mut far) = duplex(1024);
        let reading = tokio::spawn(async move {
            let mut read = vec![0; at_once];
            loop {
                sleep(pause).await;
                if far.read(&mut read).await.unwrap_or(0) == 0 {
                    return;
                }
            }
        });
        let mut near = WriteLimit::new(near);
        let written = async {
            near.write_all(&[0; 10 * 1024]).await?;
            near.flush().await
        };
        let written = written.await;
        reading.abort();
        written
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_has_a_limit_whether_it_is_read_slowly_or_not_at_all() {
        let second = Duration::from_secs(1);
        written_to(second, 1024).await.unwrap();
        for (pause, at_once) in [(100 * second, 1024), (second, 1)] {
            let error = written_to(pause, at_once).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_has_the_whole_limit() {
        let (near, mut far) = duplex(1024);
        let mut near = WriteLimit::new(near);
        for _ in 0..3 {
            let answering = async {
                near.write_all(&[0; 2048]).await?;
                near.flush().await
            };
            let reading = async {
                sleep(ANSWER_LIMIT - Duration::from_secs(1)).await;
                far.read_exact(&mut [0; 2048]).await
            };
            let (answered, read) = tokio::join!(answering, reading);
            answered.unwrap();
            read.unwrap();
        }
    }
}
