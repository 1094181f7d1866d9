use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

use super::clock::Clock;
use super::upgrade::{UpgradeError, upgrade};
use super::watched::Watched;

/// The biggest message that is read. A bigger one is refused when its size is announced, before
/// it takes up memory.
pub const MESSAGE_LIMIT: usize = 64 * 1024;

/// An open WebSocket and the clock that counts from its opening.
#[derive(Debug)]
pub struct Connection<S> {
    pub(super) socket: WebSocketStream<Watched<S>>,
    pub(super) clock: Clock,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// The server's end of a socket whose upgrade has just been granted, in whichever way.
    /// `already_read` is what was read beyond the request.
    pub async fn accepted(stream: S, already_read: Vec<u8>) -> Self {
        Connection::open(socket(stream, already_read, Role::Server).await)
    }

    /// The server's end of a socket whose other end is in this program too: reads the request, and
    /// grants the upgrade.
    ///
    /// # Errors
    ///
    /// When the stream ends before that, or something else than an upgrade is asked for over it.
    pub async fn grant(stream: S) -> io::Result<Self> {
        let config = Some(websocket_config());
        let granted = accept_async_with_config(stream, config).await;
        // A client says nothing before it has the answer: no frame has been read with the request.
        let stream = granted.map_err(io::Error::other)?.into_inner();
        Ok(Connection::accepted(stream, Vec::new()).await)
    }

    /// The client's end of a socket whose other end [grants](Connection::grant) it in this program.
    ///
    /// # Errors
    ///
    /// When the stream ends before it is granted.
    pub async fn ask(stream: S) -> io::Result<Self> {
        let asked = async {
            let request = "ws://localhost/".into_client_request();
            let request = request.map_err(UpgradeError::Request)?;
            upgrade(stream, request, &[], None).await
        };
        match asked.await {
            Ok((socket, _)) => Ok(Connection::open(socket)),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// A socket whose upgrade ends now.
    pub(super) fn open(socket: WebSocketStream<Watched<S>>) -> Self {
        Connection {
            socket,
            clock: Clock::start(),
        }
    }
}

/// A socket whose upgrade has been granted. `already_read` is what was read beyond that.
pub(super) async fn socket<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    mut already_read: Vec<u8>,
    role: Role,
) -> WebSocketStream<Watched<S>> {
    let stream = Watched::new(stream, role, &mut already_read);
    let config = Some(websocket_config());
    WebSocketStream::from_partially_read(stream, already_read, role, config).await
}

/// The library's defaults are a read buffer of 128 KiB for each connection, messages of 64 MiB,
/// and no limit on what is queued for writing.
fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(4 * 1024)
        .max_write_buffer_size(4 * MESSAGE_LIMIT)
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT))
}
