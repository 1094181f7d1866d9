//! What every conversation on the server has in common, whichever route it is held on: the upgrade,
//! the entry in the registry, the keep-alive.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tracing::Instrument;

use super::answer::error;
use super::hub::{Hub, Peer};
use super::occupancy::Place;
use super::registry::{Registered, Route};
use crate::conversation::latency::{KeepAlive, KeepAliveEvent};
use crate::conversation::{Party, Stamp, WireEvent};
use crate::link::{self, Connection, Ending, Inbox, Limits, Observer, Precision, Upgrading};

/// A client whose upgrade has been granted. It is in the registry from here on, so that a client
/// that has got its answer finds itself there.
pub(super) struct Visit {
    hub: Arc<Hub>,
    registered: Registered,
    upgrading: Upgrading,
    place: Option<Place>,
}

/// A client whose WebSocket is open.
pub(super) struct Opened {
    hub: Arc<Hub>,
    registered: Registered,
    connection: Connection<TokioIo<Upgraded>>,
    /// Taken up until the conversation is over.
    _place: Option<Place>,
}

/// Answers a request for a WebSocket. If it could be granted, `receive` is called, which may refuse it
/// all the same. The work that it gives is done once the answer is on its way.
pub(super) fn upgrade<W>(
    hub: &Arc<Hub>,
    peer: Peer,
    route: Route,
    mut request: Request,
    receive: impl FnOnce(Visit) -> Result<W, Box<Response>>,
) -> Response
where
    W: Future<Output = ()> + Send + 'static,
{
    // The connection goes on when all is done that HTTP had to do with it.
    let place = request.extensions().get::<Place>().cloned();
    match link::grant_upgrade::<_, Body>(&mut request) {
        Err(refused) => refusal(refused.status(), &refused.to_string()),
        Ok((response, upgrading)) => {
            let since = link::clock::wall();
            let received = receive(Visit {
                registered: hub.registry.register(route, peer.remote, since),
                hub: Arc::clone(hub),
                upgrading,
                place,
            });
            match received {
                Ok(work) => {
                    hub.spawn(work);
                    response
                }
                Err(refusal) => *refusal,
            }
        }
    }
}

fn refusal(status: StatusCode, reason: &str) -> Response {
    let mut refusal = error(status, reason);
    if status == StatusCode::UPGRADE_REQUIRED {
        // What would be welcome instead (RFC 9110 section 15.5.22, RFC 6455 section 4.2.2).
        let headers = refusal.headers_mut();
        headers.insert("upgrade", HeaderValue::from_static("websocket"));
        headers.insert("sec-websocket-version", HeaderValue::from_static("13"));
    }
    refusal
}

impl Visit {
    /// Waits for the WebSocket to be open; `None` if the client has gone before that.
    pub(super) async fn opened(self) -> Option<Opened> {
        match self.upgrading.connection().await {
            Ok(connection) => Some(Opened {
                hub: self.hub,
                registered: self.registered,
                connection,
                _place: self.place,
            }),
            Err(error) => {
                let peer = self.registered.remote();
                tracing::debug!(%peer, %error, "gone before the upgrade");
                None
            }
        }
    }
}

impl Opened {
    /// Holds a conversation to its end, and keeps it alive as the server's settings have it.
    pub(super) async fn hold<P, O>(self, party: P, observer: &mut O, precision: Precision) -> Ending
    where
        P: Party,
        O: Observer<P::Event>,
    {
        self.hold_with_cues(party, &mut Inbox::empty(), observer, precision)
            .await
    }

    /// As [`hold`](Opened::hold), with a party that takes cues.
    pub(super) async fn hold_with_cues<P, O>(
        self,
        party: P,
        inbox: &mut Inbox<P::Cue>,
        observer: &mut O,
        precision: Precision,
    ) -> Ending
    where
        P: Party,
        O: Observer<P::Event>,
    {
        let client = self.registered.client();
        let (id, route) = (client.id, client.route);
        // Where client and server share a process, their logs would be hard to tell apart otherwise.
        let span = tracing::debug_span!("client", id, ?route, peer = %client.remote);
        let mut party = KeepAlive::new(party, self.hub.keep_alive);
        let mut account = Account {
            registered: &self.registered,
            observer,
        };
        let limits = Limits {
            precision,
            ..Limits::default()
        };
        let mut stop = self.hub.stop.clone();
        async {
            let ending = link::drive_with_cues(
                self.connection,
                &mut party,
                inbox,
                &mut account,
                limits,
                &mut stop,
            )
            .await;
            let client = self.registered.client();
            tracing::debug!(
                frames_in = client.frames_in,
                frames_out = client.frames_out,
                bytes_in = client.bytes_in,
                bytes_out = client.bytes_out,
                last_rtt_ms = client.last_rtt_ms,
                ?ending,
                "conversation over"
            );
            ending
        }
        .instrument(span)
        .await
    }
}

/// Keeps a connection's entry in the registry, and passes on what is not about the connection.
struct Account<'a, O> {
    registered: &'a Registered,
    observer: &'a mut O,
}

impl<E, O: Observer<E>> Observer<KeepAliveEvent<E>> for Account<'_, O> {
    fn wire(&mut self, at: Stamp, event: &WireEvent) {
        self.registered.count(event);
        self.observer.wire(at, event);
    }

    fn at_once(&mut self, event: &KeepAliveEvent<E>) {
        if let KeepAliveEvent::Inner(event) = event {
            self.observer.at_once(event);
        }
    }

    fn event(&mut self, event: KeepAliveEvent<E>) {
        match event {
            KeepAliveEvent::Inner(event) => self.observer.event(event),
            KeepAliveEvent::RoundTrip(round_trip) => {
                tracing::debug!(?round_trip, "a keep-alive ping was answered");
                self.registered.measured(round_trip);
            }
            KeepAliveEvent::Unanswered { pinged, at } => {
                let waited = at.since(pinged);
                tracing::debug!(?waited, "dropped: nothing came after a keep-alive ping");
            }
        }
    }
}

/// Nobody, for a party that notices nothing.
pub(super) struct Unobserved;

impl Observer<Infallible> for Unobserved {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, event: Infallible) {
        match event {}
    }
}
