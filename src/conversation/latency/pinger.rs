use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::conversation::{Farewell, Message, Output, Party, Stamp};

/// How many pings that were given up are remembered, so that their pongs are still known when they
/// come. Beyond that the oldest is forgotten: a peer that never answers must not fill the memory.
const GIVEN_UP_REMEMBERED: usize = 65_536;

/// How many hexadecimal digits of a payload are the sequence number. The rest are random.
const SEQUENCE_DIGITS: usize = 8;

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

/// What a pinger sends, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingerSettings {
    /// What carries a ping.
    pub medium: Medium,
    /// The time from one ping to the next.
    pub interval: Duration,
    /// How many pings to send; as many as can be numbered, without a number: at an interval of 1 ms
    /// that is 49 days.
    pub count: Option<NonZeroU32>,
    /// How long to wait for a pong before it counts as lost.
    pub wait: Duration,
    /// How long the payload of a ping is.
    pub payload: PayloadSize,
}

/// What carries a ping, and so decides who answers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Medium {
    /// Ping frames (RFC 6455 section 5.5.2), which the peer's WebSocket library answers.
    #[default]
    Frames,
    /// Text messages, which the peer's application echoes.
    Messages,
}

/// How many bytes a ping carries: a sequence number and a random part have to fit in, and a control
/// frame holds 125 (RFC 6455 section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadSize(usize);

impl PayloadSize {
    /// The least: eight digits of sequence number, and 32 random bits in eight more.
    pub const LEAST: PayloadSize = PayloadSize(16);
    /// The most.
    pub const MOST: PayloadSize = PayloadSize(125);

    /// A size within these bounds.
    pub const fn new(bytes: usize) -> Option<Self> {
        if bytes < Self::LEAST.0 || bytes > Self::MOST.0 {
            return None;
        }
        Some(PayloadSize(bytes))
    }

    /// The size in bytes.
    pub const fn bytes(self) -> usize {
        self.0
    }
}

impl Default for PayloadSize {
    /// As ping(8) has it: 56 bytes.
    fn default() -> Self {
        PayloadSize(56)
    }
}

/// A ping that has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flight {
    /// Its number, counted from one.
    pub sequence: u32,
    /// When it should have left.
    pub due: Stamp,
    /// When it was handed to the driver, which begins to write it at once: there is never another
    /// one waiting before it. On loopback a peer may have answered by the time the write returns, so
    /// that this, and not the end of the write, is where a round trip begins.
    pub set_out: Stamp,
}

impl Flight {
    /// The round trip of a pong that arrived then: from when the ping set out.
    pub fn raw(&self, arrived: Stamp) -> Duration {
        arrived.since(self.set_out)
    }

    /// The same from when the ping should have left, so that what held it up on this side counts as
    /// well. Measured from the departure alone, a stall hides the very pings that would have met
    /// with it: coordinated omission (Gil Tene, "How NOT to Measure Latency").
    pub fn intended(&self, arrived: Stamp) -> Duration {
        arrived.since(self.due)
    }
}

/// What a pinger notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PingerEvent {
    /// A ping has left.
    Sent(Flight),
    /// Its pong came, in time.
    Pong {
        /// The ping.
        flight: Flight,
        /// When the pong arrived.
        at: Stamp,
    },
    /// No pong came for as long as the settings wait. The ping is given up. A peer that finds several
    /// pings to answer may answer the newest only (RFC 6455 section 5.5.3): the others are lost then,
    /// although nothing went wrong.
    Lost(Flight),
    /// The pong of a ping that had been given up came after all.
    Late {
        /// The ping.
        flight: Flight,
        /// When the pong arrived.
        at: Stamp,
    },
    /// A pong that had come already came once more.
    Doubled {
        /// The number of the ping. If it was given up so long ago that it has been forgotten,
        /// its first pong is taken for this, too.
        sequence: u32,
        /// When the pong arrived.
        at: Stamp,
    },
    /// A pong, or an echo, of nothing that was sent here. RFC 6455 section 5.5.3 allows such pongs,
    /// as a heartbeat.
    Invented {
        /// When it arrived.
        at: Stamp,
        /// What it carried.
        payload: Vec<u8>,
    },
}

/// The part of each ping that makes its pong known: by the number of the ping, always the same for
/// the same number. A party draws nothing by itself, so that it is handed in. Whoever can guess it
/// can answer pings without having seen them.
#[derive(Clone)]
pub struct RandomPart {
    of: Arc<dyn Fn(u32) -> [u8; RandomPart::BYTES] + Send + Sync>,
}

impl RandomPart {
    /// How much there is of it: more than the largest payload takes, at two digits a byte.
    pub const BYTES: usize = 64;

    /// The random part that this function gives for a number.
    pub fn new(of: impl Fn(u32) -> [u8; RandomPart::BYTES] + Send + Sync + 'static) -> Self {
        RandomPart { of: Arc::new(of) }
    }
}

impl fmt::Debug for RandomPart {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RandomPart").finish_non_exhaustive()
    }
}

/// The party that measures round trips.
///
/// Pings are due at fixed times, the first at the opening, whether or not the last pong is back. One
/// that could not leave in time leaves as soon as it can, and keeps its time. Each carries its
/// sequence number and a random part that nobody can guess, so that a pong is known to be the
/// answer to one ping and to no other. When all have been sent and answered, or given up, the
/// pinger closes the connection.
#[derive(Debug)]
pub struct Pinger {
    settings: PingerSettings,
    random_part: RandomPart,
    /// How many pings have been handed to the driver.
    handed_out: u32,
    /// The one of them that the driver has not written yet.
    unwritten: Option<Flight>,
    /// The ones whose pongs are awaited.
    awaited: BTreeMap<u32, Flight>,
    given_up: BTreeMap<u32, Flight>,
    outputs: VecDeque<Output<PingerEvent>>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unopened,
    Open,
    Over,
}

impl Pinger {
    /// A pinger whose pings carry this random part.
    pub fn new(settings: PingerSettings, random_part: RandomPart) -> Self {
        Pinger {
            settings,
            random_part,
            handed_out: 0,
            unwritten: None,
            awaited: BTreeMap::new(),
            given_up: BTreeMap::new(),
            outputs: VecDeque::new(),
            state: State::Unopened,
        }
    }

    /// When a ping should leave, by the number of those before it.
    fn due(&self, before: u32) -> Stamp {
        Stamp::OPENING + self.settings.interval.saturating_mul(before)
    }

    fn next_due(&self) -> Option<Stamp> {
        let last = self.settings.count.map_or(u32::MAX, NonZeroU32::get);
        let has_next = self.handed_out < last && self.unwritten.is_none();
        has_next.then(|| self.due(self.handed_out))
    }

    fn gives_up_at(&self, flight: &Flight) -> Stamp {
        flight.set_out + self.settings.wait
    }

    /// The payload of a ping: its number, then digits that nobody can guess.
    fn payload(&self, sequence: u32) -> String {
        let mut payload = format!("{sequence:0SEQUENCE_DIGITS$x}");
        let part = (self.random_part.of)(sequence);
        let digits = part.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        let digits = digits.map(|digit| char::from(HEXADECIMAL[usize::from(digit)]));
        payload.extend(digits.take(self.settings.payload.bytes() - SEQUENCE_DIGITS));
        payload
    }

    /// The number of the ping that this is the payload of, if it is one of ours and has left.
    fn sequence_of(&self, payload: &[u8]) -> Option<u32> {
        let digits = std::str::from_utf8(payload.get(..SEQUENCE_DIGITS)?).ok()?;
        let sequence = u32::from_str_radix(digits, 16).ok()?;
        let left = self.handed_out - u32::from(self.unwritten.is_some());
        let is_ours =
            (1..=left).contains(&sequence) && self.payload(sequence).as_bytes() == payload;
        is_ours.then_some(sequence)
    }

    fn send_next(&mut self, at: Stamp) {
        let due = self.due(self.handed_out);
        self.handed_out += 1;
        self.unwritten = Some(Flight {
            sequence: self.handed_out,
            due,
            set_out: at,
        });
        let payload = self.payload(self.handed_out);
        self.outputs
            .push_back(Output::Send(match self.settings.medium {
                Medium::Frames => Message::Ping(payload.into_bytes()),
                Medium::Messages => Message::Text(payload),
            }));
    }

    fn take_pong(&mut self, at: Stamp, payload: &[u8]) {
        let event = match self.sequence_of(payload) {
            None => PingerEvent::Invented {
                at,
                payload: payload.to_vec(),
            },
            Some(sequence) => match (
                self.awaited.remove(&sequence),
                self.given_up.remove(&sequence),
            ) {
                (Some(flight), _) => PingerEvent::Pong { flight, at },
                (None, Some(flight)) => PingerEvent::Late { flight, at },
                (None, None) => PingerEvent::Doubled { sequence, at },
            },
        };
        self.outputs.push_back(Output::Event(event));
    }

    /// Gives up the pings whose pongs have had their time.
    fn give_up(&mut self, at: Stamp) {
        while let Some(first) = self.awaited.first_entry() {
            if first.get().set_out + self.settings.wait > at {
                return;
            }
            let (sequence, flight) = first.remove_entry();
            if self.given_up.len() >= GIVEN_UP_REMEMBERED {
                self.given_up.pop_first();
            }
            self.given_up.insert(sequence, flight);
            self.outputs
                .push_back(Output::Event(PingerEvent::Lost(flight)));
        }
    }

    fn end_if_done(&mut self) {
        let is_done = self.next_due().is_none() && self.unwritten.is_none();
        if is_done && self.awaited.is_empty() && self.state == State::Open {
            self.state = State::Over;
            self.outputs.push_back(Output::Close(Farewell::normal()));
        }
    }
}

impl Party for Pinger {
    type Event = PingerEvent;
    type Cue = Infallible;

    fn handle_open(&mut self, at: Stamp) {
        if self.state == State::Unopened {
            self.state = State::Open;
            self.handle_timeout(at);
        }
    }

    fn handle_message(&mut self, at: Stamp, message: &Message) {
        if self.state != State::Open {
            return;
        }
        // A pong that is read late for want of time on this side may still have come in time, but
        // no one can tell: what counts is when it was read.
        self.give_up(at);
        match (message, self.settings.medium) {
            (Message::Pong(payload), Medium::Frames) => self.take_pong(at, payload),
            // An application that works by lines may have put an end to this one.
            (Message::Text(text), Medium::Messages) => {
                self.take_pong(at, text.trim_end().as_bytes());
            }
            (Message::Binary(data), Medium::Messages) => self.take_pong(at, data),
            // Whatever else the peer has to say is no answer to a ping.
            _ => {}
        }
        self.end_if_done();
    }

    fn handle_timeout(&mut self, at: Stamp) {
        if self.state != State::Open {
            return;
        }
        self.give_up(at);
        // One at a time, however many are due: between two of them the driver reads, so that a peer
        // that cannot take more until its pongs are read is not kept waiting.
        if self.next_due().is_some_and(|due| due <= at) {
            self.send_next(at);
        }
        self.end_if_done();
    }

    fn handle_written(&mut self, _at: Stamp, _message: &Message) {
        let Some(flight) = self.unwritten.take() else {
            return;
        };
        self.awaited.insert(flight.sequence, flight);
        self.outputs
            .push_back(Output::Event(PingerEvent::Sent(flight)));
    }

    fn handle_close(&mut self, _at: Stamp) {
        self.state = State::Over;
    }

    fn poll_output(&mut self) -> Option<Output<PingerEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        if self.state != State::Open {
            return None;
        }
        let gives_up = self
            .awaited
            .first_key_value()
            .map(|(_, flight)| self.gives_up_at(flight));
        self.next_due().into_iter().chain(gives_up).min()
    }
}
