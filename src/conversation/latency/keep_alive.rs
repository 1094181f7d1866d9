use std::collections::VecDeque;
use std::time::Duration;

use crate::conversation::{CloseReason, Farewell, Message, Output, Party, Stamp};

/// How the payload of a keep-alive ping begins. Its number follows.
const PAYLOAD: &str = "wsbeat keep-alive ";

/// What a peer that has been given up is told, should it hear it.
const GIVEN_UP: &str = "no answer to a ping";

/// When a silent peer is asked whether it is still there, and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAliveSettings {
    /// How long nothing may come before a ping goes out.
    pub idle: Duration,
    /// How long nothing may come after that ping.
    pub timeout: Duration,
}

impl Default for KeepAliveSettings {
    /// A ping after 30 s, as a NAT gateway may forget a silent connection after a minute or so, and
    /// 10 s for the answer, which is long even on a bad network.
    fn default() -> Self {
        KeepAliveSettings {
            idle: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
        }
    }
}

/// What a keep-alive notices, and what the party in it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepAliveEvent<E> {
    /// The party noticed something.
    Inner(E),
    /// A keep-alive ping was answered, this long after it had been written.
    RoundTrip(Duration),
    /// Nothing came after a keep-alive ping for as long as the settings allow. The connection is
    /// being closed.
    Unanswered {
        /// When the ping had been written, or was handed out, if it never was.
        pinged: Stamp,
        /// When the peer was given up.
        at: Stamp,
    },
}

/// A party around a party, which finds out whether a silent peer is still there.
///
/// Once nothing has come for a while, it sends a Ping frame (RFC 6455 section 5.5.2). Whatever comes
/// then, and be it no pong, is a sign of life; if nothing does, the connection is closed, and what
/// the inner party wants to send after that is dropped. The pong to the newest ping gives a round
/// trip. Pings bear numbers, and pongs to them never reach the inner party; everything else does, at
/// the same stamps as without a keep-alive.
///
/// The numbers can be guessed: a peer that answers before it is asked spoils the round trips that
/// are measured to itself, and nothing else.
#[derive(Debug)]
pub struct KeepAlive<P> {
    party: P,
    settings: Option<KeepAliveSettings>,
    watch: Watch,
    /// How many pings have been handed to the driver.
    pings: u64,
    /// What has become of the newest of them.
    newest: Newest,
    outputs: VecDeque<Own>,
}

/// What is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// The opening.
    Opening,
    /// A message. Since this time none has come.
    Message { since: Stamp },
    /// A sign of life, after a ping that went out at this time.
    SignOfLife { since: Stamp },
    /// Nothing any more: the peer has been given up.
    GivenUp,
    /// Nothing any more: the conversation is over, or there is no keep-alive in it.
    Nothing,
}

/// What has become of the newest ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Newest {
    /// It is with the driver.
    HandedOut,
    /// It had been written then, and has not been answered.
    Written(Stamp),
    /// It has been answered, or there is none.
    Settled,
}

/// What a keep-alive wants done for itself.
#[derive(Debug)]
enum Own {
    Ping,
    RoundTrip(Duration),
    Unanswered { pinged: Stamp, at: Stamp },
    Close,
}

impl<P: Party> KeepAlive<P> {
    /// Keeps the conversation of a party alive, or, without settings, leaves it alone.
    pub fn new(party: P, settings: Option<KeepAliveSettings>) -> Self {
        KeepAlive {
            party,
            settings,
            watch: Watch::Opening,
            pings: 0,
            newest: Newest::Settled,
            outputs: VecDeque::new(),
        }
    }

    /// The party, once the conversation is over.
    pub fn into_party(self) -> P {
        self.party
    }

    /// The payload of a ping, by its number.
    fn payload(number: u64) -> Vec<u8> {
        format!("{PAYLOAD}{number}").into_bytes()
    }

    /// The number of the ping that this is the payload of, if it is one of ours.
    fn number_of(&self, payload: &[u8]) -> Option<u64> {
        let number = std::str::from_utf8(payload).ok()?.strip_prefix(PAYLOAD)?;
        let number = number.parse().ok()?;
        let is_ours = (1..=self.pings).contains(&number) && Self::payload(number) == payload;
        is_ours.then_some(number)
    }

    /// When there is something to be done for the connection, if nothing comes until then.
    fn due(&self) -> Option<Stamp> {
        let settings = self.settings?;
        match self.watch {
            Watch::Message { since } => Some(since + settings.idle),
            Watch::SignOfLife { since } => Some(since + settings.timeout),
            Watch::Opening | Watch::GivenUp | Watch::Nothing => None,
        }
    }

    fn take_pong(&mut self, at: Stamp, number: u64) {
        // RFC 6455 section 5.5.3 lets a peer answer the newest ping only.
        if number == self.pings
            && let Newest::Written(written) = self.newest
        {
            self.newest = Newest::Settled;
            self.outputs.push_back(Own::RoundTrip(at.since(written)));
        }
    }
}

impl<P: Party> Party for KeepAlive<P> {
    type Event = KeepAliveEvent<P::Event>;
    type Cue = P::Cue;

    fn handle_open(&mut self, at: Stamp) {
        if self.watch == Watch::Opening {
            self.watch = match self.settings {
                Some(_) => Watch::Message { since: at },
                None => Watch::Nothing,
            };
        }
        self.party.handle_open(at);
    }

    fn handle_message(&mut self, at: Stamp, message: &Message) {
        if let Watch::Message { .. } | Watch::SignOfLife { .. } = self.watch {
            self.watch = Watch::Message { since: at };
        }
        if let Message::Pong(payload) = message
            && let Some(number) = self.number_of(payload)
        {
            self.take_pong(at, number);
        } else {
            self.party.handle_message(at, message);
        }
    }

    fn handle_timeout(&mut self, at: Stamp) {
        // The timeout may be ours alone.
        if self.party.poll_timeout().is_some_and(|due| due <= at) {
            self.party.handle_timeout(at);
        }
        if self.due().is_none_or(|due| at < due) {
            return;
        }
        match self.watch {
            Watch::Message { .. } => {
                self.outputs.push_back(Own::Ping);
                self.watch = Watch::SignOfLife { since: at };
            }
            Watch::SignOfLife { since } => {
                self.outputs
                    .push_back(Own::Unanswered { pinged: since, at });
                self.outputs.push_back(Own::Close);
                self.watch = Watch::GivenUp;
            }
            Watch::Opening | Watch::GivenUp | Watch::Nothing => {}
        }
    }

    fn handle_written(&mut self, at: Stamp, message: &Message) {
        let is_ours = self.newest == Newest::HandedOut
            && matches!(message, Message::Ping(payload) if *payload == Self::payload(self.pings));
        if !is_ours {
            return self.party.handle_written(at, message);
        }
        self.newest = Newest::Written(at);
        if let Watch::SignOfLife { .. } = self.watch {
            self.watch = Watch::SignOfLife { since: at };
        }
    }

    fn handle_cue(&mut self, at: Stamp, cue: P::Cue) {
        self.party.handle_cue(at, cue);
    }

    fn handle_close(&mut self, at: Stamp) {
        if self.watch != Watch::GivenUp {
            self.watch = Watch::Nothing;
        }
        self.party.handle_close(at);
    }

    fn poll_output(&mut self) -> Option<Output<Self::Event>> {
        while let Some(output) = self.party.poll_output() {
            match output {
                Output::Event(event) => return Some(Output::Event(KeepAliveEvent::Inner(event))),
                // Nobody is there to hear it.
                Output::Send(_) | Output::Close(_) if self.watch == Watch::GivenUp => {}
                Output::Send(message) => return Some(Output::Send(message)),
                Output::Close(farewell) => {
                    self.watch = Watch::Nothing;
                    // After a Close nothing is sent.
                    self.outputs.retain(|own| !matches!(own, Own::Ping));
                    return Some(Output::Close(farewell));
                }
            }
        }
        Some(match self.outputs.pop_front()? {
            Own::Ping => {
                self.pings += 1;
                self.newest = Newest::HandedOut;
                Output::Send(Message::Ping(Self::payload(self.pings)))
            }
            Own::RoundTrip(round_trip) => Output::Event(KeepAliveEvent::RoundTrip(round_trip)),
            Own::Unanswered { pinged, at } => {
                Output::Event(KeepAliveEvent::Unanswered { pinged, at })
            }
            Own::Close => Output::Close(Farewell::new(CloseReason::GOING_AWAY, GIVEN_UP)),
        })
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        let inner = match self.watch {
            Watch::GivenUp => None,
            _ => self.party.poll_timeout(),
        };
        inner.into_iter().chain(self.due()).min()
    }

    fn is_confidential(&self, message: &Message) -> bool {
        self.party.is_confidential(message)
    }
}

#[cfg(test)]
mod tests;
