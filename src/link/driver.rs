mod closing;

use std::io;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite;
use tungstenite::protocol::CloseFrame;

use super::error::Broken;
use super::timer::{Precision, Timer};
use super::{Connection, Inbox, Stop, StopReason, Violation, clock};
use crate::conversation::{
    CloseReason, ClosedBy, Farewell, Message, Output, Party, Stamp, WireEvent,
};

/// Who hears of what happens in a conversation, in the order in which it happened, and after the
/// party's answers to it have been written, so that no answer waits for an observer who does not want
/// it to. The next frame does: an observer must not block.
pub trait Observer<E> {
    /// Something happened on the wire.
    fn wire(&mut self, at: Stamp, event: &WireEvent);

    /// The party noticed something, and what it says next is not on its way yet. Who has to act on
    /// it before the peer can know of it does so here, quickly, since the peer waits. It is an
    /// [`event`](Observer::event) like any other afterwards.
    fn at_once(&mut self, event: &E) {
        let _ = event;
    }

    /// The party noticed something.
    fn event(&mut self, event: E);
}

/// How long a conversation may take over things.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// End the conversation when no text or binary message has come for this long. Control frames
    /// do not count: a peer that only answers pings says nothing.
    pub idle: Option<Duration>,
    /// How long writing one message may take, to a peer that does not read.
    pub write: Duration,
    /// How long to wait for the peer's side of the closing handshake, and for a write that is
    /// under way when a stop is asked for.
    pub close: Duration,
    /// How punctual the party's timeouts are.
    pub precision: Precision,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            idle: None,
            write: Duration::from_secs(10),
            close: Duration::from_secs(1),
            precision: Precision::default(),
        }
    }
}

/// How a conversation ended.
#[derive(Debug)]
pub struct Ending {
    /// When the connection was given up.
    pub at: Stamp,
    /// What it ended for.
    pub cause: EndCause,
    /// What the wire saw of it.
    pub close: CloseReason,
}

/// What a conversation ended for.
#[derive(Debug)]
pub enum EndCause {
    /// The party had nothing more to say.
    Done,
    /// The peer sent a Close frame.
    PeerClosed,
    /// A [`Stop`] asked for it.
    Stopped(StopReason),
    /// No message came for this long.
    Idle(Duration),
    /// The peer does not read as fast as the party is given cues: there was no room for one in the
    /// [`Inbox`], or a write took longer than it may.
    Overrun,
    /// The connection was lost.
    Lost(io::Error),
    /// The peer broke the WebSocket protocol.
    Violated(Violation),
}

/// Runs a party over a connection until the party, the peer, the network, a limit or `stop` ends
/// it; closes the connection; and keeps the [drive contract](Party#the-drive-contract).
///
/// RFC 6455 pings are answered as they come in. Must run within a tokio runtime with I/O and time
/// enabled.
pub async fn drive<S, P, O>(
    connection: Connection<S>,
    party: &mut P,
    observer: &mut O,
    limits: Limits,
    stop: &mut Stop,
) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
    P: Party,
    O: Observer<P::Event>,
{
    drive_with_cues(
        connection,
        party,
        &mut Inbox::empty(),
        observer,
        limits,
        stop,
    )
    .await
}

/// As [`drive`], for a party that takes cues. An inbox that is overrun ends the conversation, too.
pub async fn drive_with_cues<S, P, O>(
    connection: Connection<S>,
    party: &mut P,
    inbox: &mut Inbox<P::Cue>,
    observer: &mut O,
    limits: Limits,
    stop: &mut Stop,
) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
    P: Party,
    O: Observer<P::Event>,
{
    let mut driver = Driver {
        timer: Timer::new(limits.precision),
        connection,
        party,
        inbox,
        observer,
        limits,
        stop,
        news: Vec::new(),
    };
    driver.run().await
}

struct Driver<'a, S, P: Party, O> {
    connection: Connection<S>,
    party: &'a mut P,
    inbox: &'a mut Inbox<P::Cue>,
    observer: &'a mut O,
    limits: Limits,
    stop: &'a mut Stop,
    timer: Timer,
    /// What the observer has not been told yet.
    news: Vec<News<P::Event>>,
}

enum News<E> {
    Wire(Stamp, WireEvent),
    Event(E),
}

/// What the driver waited for.
enum Wake<C> {
    Message(Stamp, Message),
    Cue(C),
    Timeout,
    End(End),
}

/// That the conversation is over.
struct End {
    cause: EndCause,
    /// The peer's Close frame, if that is the cause, and when it came.
    close: Option<(Stamp, CloseReason)>,
    /// What is to be said in ours: what the party wants, if that is the cause, or the answer to the
    /// peer's, where the library does not give it by itself.
    farewell: Option<Farewell>,
}

impl From<EndCause> for End {
    fn from(cause: EndCause) -> Self {
        End {
            cause,
            close: None,
            farewell: None,
        }
    }
}

impl End {
    /// What it means that the socket was found to be broken at this time.
    fn broken(at: Stamp, broken: Broken) -> Self {
        match broken {
            Broken::Gone(error) => EndCause::Lost(error).into(),
            Broken::Violated(violation) => EndCause::Violated(violation).into(),
            Broken::Closed(said) => End {
                cause: EndCause::PeerClosed,
                close: Some((
                    at,
                    CloseReason {
                        by: ClosedBy::Peer,
                        code: said.code(),
                        reason: said.reason().to_owned(),
                    },
                )),
                // A Close frame is answered with its own code (RFC 6455 section 5.5.1).
                farewell: Some(said),
            },
        }
    }
}

impl<S, P, O> Driver<'_, S, P, O>
where
    S: AsyncRead + AsyncWrite + Unpin,
    P: Party,
    O: Observer<P::Event>,
{
    async fn run(&mut self) -> Ending {
        self.note(Stamp::OPENING, WireEvent::Open);
        self.party.handle_open(Stamp::OPENING);
        let mut last_message = clock::now();
        let end = loop {
            if let Err(end) = self.perform().await {
                break end;
            }
            self.tell();
            match self.wait(last_message).await {
                Wake::Message(at, message) => {
                    if matches!(message, Message::Text(_) | Message::Binary(_)) {
                        last_message = self.connection.clock.instant(at);
                    }
                    self.party.handle_message(at, &message);
                    let is_ping = matches!(message, Message::Ping(_));
                    self.note(at, WireEvent::Received(message));
                    // The Pong is queued. A peer that does not read is not read from either until
                    // it is out: or else Pongs pile up, and no limit would meet such a peer.
                    if is_ping && let Err(end) = self.write(None).await {
                        break end;
                    }
                }
                Wake::Cue(cue) => {
                    let at = self.connection.clock.stamp();
                    self.party.handle_cue(at, cue);
                }
                Wake::Timeout => self.party.handle_timeout(self.connection.clock.stamp()),
                Wake::End(end) => break end,
            }
        };
        // What the end needs is not held by every conversation from its beginning.
        Box::pin(self.finish(end)).await
    }

    /// Waits for the next thing to happen. Nothing is written meanwhile but the automatic answers
    /// to the peer's control frames, so that dropping the losers of the race loses nothing.
    async fn wait(&mut self, last_message: Instant) -> Wake<P::Cue> {
        let timeout = self
            .party
            .poll_timeout()
            .map(|at| self.connection.clock.instant(at));
        let idle = async {
            match self.limits.idle {
                Some(limit) => {
                    tokio::time::sleep_until((last_message + limit).into()).await;
                    limit
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            frame = self.connection.socket.next() => {
                let at = self.connection.clock.stamp();
                received(at, frame)
            }
            () = self.timer.wait_until(timeout) => Wake::Timeout,
            cue = self.inbox.next() => match cue {
                Some(cue) => Wake::Cue(cue),
                None => Wake::End(EndCause::Overrun.into()),
            },
            limit = idle => Wake::End(EndCause::Idle(limit).into()),
            reason = self.stop.requested() => Wake::End(EndCause::Stopped(reason).into()),
        }
    }

    /// Does what the party wants done, until it wants nothing more.
    async fn perform(&mut self) -> Result<(), End> {
        while let Some(output) = self.party.poll_output() {
            match output {
                Output::Event(event) => self.notice(event),
                Output::Close(farewell) => {
                    return Err(End {
                        farewell: Some(farewell),
                        ..EndCause::Done.into()
                    });
                }
                Output::Send(message) => {
                    self.send(&message).await?;
                    let written = self.connection.clock.stamp();
                    self.party.handle_written(written, &message);
                    self.note(written, WireEvent::Sent(message));
                }
            }
        }
        Ok(())
    }

    /// Writes a message, whole.
    async fn send(&mut self, message: &Message) -> Result<(), End> {
        use tungstenite::Message as Frame;
        let frame = match message.clone() {
            Message::Text(text) => Frame::text(text),
            Message::Binary(bytes) => Frame::binary(bytes),
            Message::Ping(payload) => Frame::Ping(payload.into()),
            Message::Pong(payload) => Frame::Pong(payload.into()),
        };
        self.write(Some(frame)).await
    }

    /// Writes what is queued, and a frame, whole. It is given up only where the conversation ends with
    /// that: a write that is dropped halfway leaves half a frame behind.
    async fn write(&mut self, frame: Option<tungstenite::Message>) -> Result<(), End> {
        let socket = &mut self.connection.socket;
        let mut writing = pin!(async move {
            match frame {
                Some(frame) => socket.send(frame).await,
                None => socket.flush().await,
            }
        });
        let written = tokio::select! {
            // Hardly a write ever has to wait, and the others are not worth setting up then.
            biased;
            written = &mut writing => written,
            () = tokio::time::sleep(self.limits.write) => {
                if self.inbox.is_open() {
                    return Err(EndCause::Overrun.into());
                }
                let reason = format!("the peer has not read for {:?}", self.limits.write);
                return Err(EndCause::Lost(io::Error::new(io::ErrorKind::TimedOut, reason)).into());
            }
            () = self.inbox.overrun() => {
                match tokio::time::timeout(self.limits.close, &mut writing).await {
                    Ok(written) => written,
                    Err(_elapsed) => return Err(EndCause::Overrun.into()),
                }
            }
            reason = self.stop.requested() => {
                match tokio::time::timeout(self.limits.close, &mut writing).await {
                    Ok(written) => written,
                    Err(_elapsed) => return Err(EndCause::Stopped(reason).into()),
                }
            }
        };
        written.map_err(|error| End::broken(self.connection.clock.stamp(), error.into()))
    }

    /// Takes what the party still notices once nothing can be sent any more.
    fn note_remaining_events(&mut self) {
        while let Some(output) = self.party.poll_output() {
            if let Output::Event(event) = output {
                self.notice(event);
            }
        }
    }

    fn notice(&mut self, event: P::Event) {
        self.observer.at_once(&event);
        self.news.push(News::Event(event));
    }

    fn note(&mut self, at: Stamp, event: WireEvent) {
        self.news.push(News::Wire(at, event));
    }

    fn tell(&mut self) {
        for news in self.news.drain(..) {
            match news {
                News::Wire(at, event) => {
                    if tracing::enabled!(tracing::Level::DEBUG) {
                        log_wire(at, &event, |message| self.party.is_confidential(message));
                    }
                    self.observer.wire(at, &event);
                }
                News::Event(event) => self.observer.event(event),
            }
        }
    }
}

/// What a read means.
fn received<C>(
    at: Stamp,
    frame: Option<Result<tungstenite::Message, tungstenite::Error>>,
) -> Wake<C> {
    use tungstenite::Message as Frame;
    let frame = frame.unwrap_or(Err(tungstenite::Error::ConnectionClosed));
    let message = match frame {
        Ok(Frame::Text(text)) => Message::Text(text.as_str().to_owned()),
        Ok(Frame::Binary(bytes)) => Message::Binary(bytes.to_vec()),
        Ok(Frame::Ping(payload)) => Message::Ping(payload.to_vec()),
        Ok(Frame::Pong(payload)) => Message::Pong(payload.to_vec()),
        Ok(Frame::Close(frame)) => {
            return Wake::End(End {
                cause: EndCause::PeerClosed,
                close: Some((at, peer_closed(frame))),
                farewell: None,
            });
        }
        // Reading never yields raw frames, and a timeout that comes early does nothing.
        Ok(Frame::Frame(_)) => return Wake::Timeout,
        Err(error) => return Wake::End(End::broken(at, error.into())),
    };
    Wake::Message(at, message)
}

fn peer_closed(frame: Option<CloseFrame>) -> CloseReason {
    let (code, reason) = match frame {
        Some(frame) => (frame.code.into(), frame.reason.as_str().to_owned()),
        None => (CloseReason::NO_STATUS, String::new()),
    };
    CloseReason {
        by: ClosedBy::Peer,
        code,
        reason,
    }
}

fn log_wire(at: Stamp, event: &WireEvent, is_confidential: impl FnOnce(&Message) -> bool) {
    let at_ns = at.as_nanos();
    let (direction, message) = match event {
        WireEvent::Open => return tracing::debug!(at_ns, "open"),
        WireEvent::Close(close) => {
            let (by, code, reason) = (close.by, close.code, &close.reason);
            return tracing::debug!(at_ns, ?by, code, reason, "close");
        }
        WireEvent::Received(message) => ("received", message),
        WireEvent::Sent(message) => ("sent", message),
    };
    match message {
        Message::Text(text) => {
            let is_confidential = is_confidential(message);
            let text = if is_confidential { "…" } else { text };
            tracing::debug!(at_ns, kind = "text", text, "{direction}");
        }
        Message::Binary(data) => {
            tracing::debug!(at_ns, kind = "binary", bytes = data.len(), "{direction}");
        }
        Message::Ping(data) => {
            tracing::debug!(at_ns, kind = "ping", bytes = data.len(), "{direction}");
        }
        Message::Pong(data) => {
            tracing::debug!(at_ns, kind = "pong", bytes = data.len(), "{direction}");
        }
    }
}
