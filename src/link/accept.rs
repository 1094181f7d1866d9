use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::Connection;

/// A WebSocket whose upgrade has been granted and whose answer is on its way to the client.
#[derive(Debug)]
pub struct Upgrading(hyper::upgrade::OnUpgrade);

/// Grants the WebSocket upgrade that an HTTP request asks for (RFC 6455 section 4.2): gives the
/// response to send, and what the connection will come of.
///
/// # Errors
///
/// The status to refuse with and the reason, when the request asks for no WebSocket, or for
/// another version of it.
pub fn grant_upgrade<B, R: Default>(
    request: &mut Request<B>,
) -> Result<(Response<R>, Upgrading), (StatusCode, String)> {
    let mut head = Request::new(());
    head.method_mut().clone_from(request.method());
    *head.version_mut() = request.version();
    head.headers_mut().clone_from(request.headers());
    match create_response_with_body(&head, R::default) {
        Ok(response) => Ok((response, Upgrading(hyper::upgrade::on(request)))),
        Err(error) => Err((StatusCode::UPGRADE_REQUIRED, error.to_string())),
    }
}

impl Upgrading {
    /// The connection, once the answer has been written.
    ///
    /// # Errors
    ///
    /// When the client has gone before that.
    pub async fn connection(self) -> hyper::Result<Connection<TokioIo<Upgraded>>> {
        let upgraded = TokioIo::new(self.0.await?);
        Ok(Connection::accepted(upgraded, Vec::new()).await)
    }
}
