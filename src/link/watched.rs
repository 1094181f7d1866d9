use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::Role;

use super::frame_watch::{Finding, FrameWatch};

/// A stream whose frames are [watched](FrameWatch) as they are read. At a [`Finding`], reading fails
/// with it, after all that came before.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    watch: FrameWatch,
    found: Option<Finding>,
}

impl<S> Watched<S> {
    /// Watches a stream of which these bytes of frames have been read already. What follows a finding
    /// is taken from them.
    pub(super) fn new(stream: S, role: Role, already_read: &mut Vec<u8>) -> Self {
        let mut watched = Watched {
            stream,
            watch: FrameWatch::new(role),
            found: None,
        };
        if let Some((end, finding)) = watched.watch.watch(already_read) {
            already_read.truncate(end);
            watched.found = Some(finding);
        }
        watched
    }

    /// The stream itself, to be read without a look at what comes.
    pub(super) fn unwatched(&mut self) -> &mut S {
        &mut self.stream
    }
}

/// The finding that an error of reading is about.
pub(super) fn finding(error: &io::Error) -> Option<&Finding> {
    error.get_ref()?.downcast_ref()
}

fn failure(finding: &Finding) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, finding.clone())
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(found) = &this.found {
            return Poll::Ready(Err(failure(found)));
        }
        let begin = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        if let Some((length, found)) = this.watch.watch(&buffer.filled()[begin..]) {
            buffer.set_filled(begin + length);
            // Nothing read would be the end of the stream.
            let result = match length {
                0 => Err(failure(&found)),
                _ => Ok(()),
            };
            this.found = Some(found);
            return Poll::Ready(result);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
