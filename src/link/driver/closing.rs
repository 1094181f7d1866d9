//! The end of a conversation: the closing handshake of RFC 6455 section 7, and what becomes of it
//! when the peer does not take part.

use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{Driver, End, EndCause, Ending, Observer, Wake, received};
use crate::conversation::{CloseReason, ClosedBy, Farewell, Party, WireEvent};
use crate::link::{MESSAGE_LIMIT, clock};

/// How many bytes are still taken in from a peer that broke the protocol: what a well-meaning one
/// may have had under way, and no more.
const HEARD_TO_THE_END: usize = 4 * MESSAGE_LIMIT;

/// What becomes of messages that come in while the connection is being closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Late {
    /// They still reach the party: a verdict may be among them.
    Heard,
    /// They are noted on the wire and no more.
    Passed,
}

impl<S, P, O> Driver<'_, S, P, O>
where
    S: AsyncRead + AsyncWrite + Unpin,
    P: Party,
    O: Observer<P::Event>,
{
    /// Closes the connection and takes leave of party and observer.
    pub(super) async fn finish(&mut self, end: End) -> Ending {
        let End {
            mut cause,
            mut close,
            farewell,
        } = end;
        self.note_remaining_events();
        self.tell();
        let mut ours = None;
        match &cause {
            EndCause::PeerClosed => match farewell {
                Some(answer) => {
                    if self.say_goodbye(&answer).await {
                        self.hear_no_more().await;
                    }
                }
                // The library's reply to the Close frame goes out with the next read.
                None => drop(self.read_on(Late::Passed).await),
            },
            // What came in before the connection broke may say why it did.
            EndCause::Lost(_) => {
                if let Some(end) = self.read_on(Late::Heard).await {
                    (cause, close) = (end.cause, end.close);
                }
            }
            EndCause::Violated(violation) => {
                let goodbye = Farewell::new(violation.close_code(), &violation.close_reason());
                if self.say_goodbye(&goodbye).await {
                    self.hear_no_more().await;
                }
                ours = Some(goodbye);
            }
            EndCause::Done | EndCause::Stopped(_) | EndCause::Idle(_) | EndCause::Overrun => {
                let goodbye = farewell.unwrap_or_else(|| farewell_for(&cause));
                // A party that has been stopped plays no more.
                let late = match cause {
                    EndCause::Done => Late::Heard,
                    _ => Late::Passed,
                };
                if self.say_goodbye(&goodbye).await {
                    self.read_on(late).await;
                }
                ours = Some(goodbye);
            }
        }
        let (at, close) = close.unwrap_or_else(|| {
            let (by, (code, reason)) = match ours {
                Some(goodbye) => (ClosedBy::Us, (goodbye.code(), goodbye.reason().to_owned())),
                None => (ClosedBy::Network, (CloseReason::ABNORMAL, lost(&cause))),
            };
            (
                self.connection.clock.stamp(),
                CloseReason { by, code, reason },
            )
        });
        self.party.handle_close(at);
        self.note_remaining_events();
        self.note(at, WireEvent::Close(close.clone()));
        self.tell();
        Ending { at, cause, close }
    }

    /// Sends a Close frame, and says whether that worked. A connection that cannot take it is as
    /// closed as it gets.
    async fn say_goodbye(&mut self, goodbye: &Farewell) -> bool {
        let frame = CloseFrame {
            code: goodbye.code().into(),
            reason: goodbye.reason().into(),
        };
        let closing = self.connection.socket.close(Some(frame));
        let sent = tokio::time::timeout(self.limits.close, closing).await;
        matches!(sent, Ok(Ok(())))
    }

    /// Reads until the connection ends, as long as a close may take. Gives what the peer ended it
    /// with, if it did: its Close frame, or a breach of the protocol.
    async fn read_on(&mut self, late: Late) -> Option<End> {
        let deadline = clock::now() + self.limits.close;
        let mut peers = None;
        let reading = async {
            while let Some(frame) = self.connection.socket.next().await {
                let at = self.connection.clock.stamp();
                match received::<P::Cue>(at, Some(frame)) {
                    Wake::Message(at, message) => {
                        if late == Late::Heard {
                            self.party.handle_message(at, &message);
                        }
                        self.note(at, WireEvent::Received(message));
                        self.note_remaining_events();
                        self.tell();
                    }
                    Wake::End(end) => {
                        if let EndCause::PeerClosed | EndCause::Violated(_) = end.cause {
                            peers.get_or_insert(end);
                        }
                    }
                    Wake::Cue(_) | Wake::Timeout => {}
                }
            }
            let _ = self.connection.socket.get_mut().shutdown().await;
        };
        let done = tokio::time::timeout_at(deadline.into(), reading).await;
        if done.is_err() {
            tracing::debug!("the peer did not close in time");
        }
        peers
    }

    /// Takes in some of what a peer that broke the protocol still sends, without looking at it.
    /// Closing a socket with bytes in it resets the connection, and a peer that has yet to read
    /// our Close frame would not find it any more.
    async fn hear_no_more(&mut self) {
        let stream = self.connection.socket.get_mut().unwatched();
        let hearing = async {
            let _ = stream.shutdown().await;
            let mut heard = 0;
            // Not within the future, in which every conversation would have room for it all along.
            let mut buffer = vec![0; 4096];
            while heard < HEARD_TO_THE_END {
                match stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(bytes) => heard += bytes,
                }
            }
        };
        let _ = tokio::time::timeout(self.limits.close, hearing).await;
    }
}

/// What to tell the peer when this side ends the conversation, and not its party.
fn farewell_for(cause: &EndCause) -> Farewell {
    match cause {
        EndCause::Stopped(reason) => Farewell::new(CloseReason::GOING_AWAY, reason.to_peer()),
        EndCause::Idle(limit) => Farewell::new(
            CloseReason::GOING_AWAY,
            &format!("no message for {limit:?}"),
        ),
        EndCause::Overrun => Farewell::new(CloseReason::TRY_AGAIN_LATER, "too slow a reader"),
        _ => Farewell::normal(),
    }
}

/// What broke the connection.
fn lost(cause: &EndCause) -> String {
    match cause {
        EndCause::Lost(error) => error.to_string(),
        EndCause::Violated(violation) => violation.to_string(),
        _ => String::new(),
    }
}
