use std::time::Duration;

use super::{Flight, PingerEvent};
use crate::conversation::Stamp;

/// How many slots a series has at the most: more than a picture has columns.
const SLOTS: usize = 2048;

/// The course of round trips over time, in bounded memory: slots of equal width, from the opening
/// on. At first each ping has a slot of its own; when there are too many, each two are put together.
///
/// A ping belongs to the time when it was due, so that a stall shows where it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    width: Duration,
    slots: Vec<Slot>,
}

/// What became of the pings that were due within one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// The raw round trips; `None` while there are none.
    pub raw: Option<Span>,
    /// The same from the intended times.
    pub intended: Option<Span>,
    /// How many pings were given up.
    pub lost: u32,
}

/// From the quickest to the slowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The quickest.
    pub least: Duration,
    /// The slowest.
    pub most: Duration,
}

impl Span {
    fn of(time: Duration) -> Self {
        Span {
            least: time,
            most: time,
        }
    }

    /// What holds both.
    pub fn and(self, other: Span) -> Self {
        Span {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }
}

fn joined(one: Option<Span>, other: Option<Span>) -> Option<Span> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    }
}

impl Slot {
    /// What became of the pings of both.
    pub fn and(self, other: Slot) -> Self {
        Slot {
            raw: joined(self.raw, other.raw),
            intended: joined(self.intended, other.intended),
            lost: self.lost.saturating_add(other.lost),
        }
    }
}

impl Series {
    /// A series of pings that are due at this interval.
    pub fn new(interval: Duration) -> Self {
        Series {
            // Nothing below divides by zero.
            width: interval.max(Duration::from_nanos(1)),
            slots: Vec::new(),
        }
    }

    /// Takes account of what a pinger noticed.
    pub fn count(&mut self, event: &PingerEvent) {
        match event {
            PingerEvent::Pong { flight, at } => self.add(
                flight,
                Slot {
                    raw: Some(Span::of(flight.raw(*at))),
                    intended: Some(Span::of(flight.intended(*at))),
                    lost: 0,
                },
            ),
            PingerEvent::Lost(flight) => self.add(
                flight,
                Slot {
                    lost: 1,
                    ..Slot::default()
                },
            ),
            PingerEvent::Sent(_)
            | PingerEvent::Late { .. }
            | PingerEvent::Doubled { .. }
            | PingerEvent::Invented { .. } => {}
        }
    }

    fn add(&mut self, flight: &Flight, slot: Slot) {
        let index = loop {
            let index =
                flight.due.as_nanos() / u64::try_from(self.width.as_nanos()).unwrap_or(u64::MAX);
            match usize::try_from(index) {
                Ok(index) if index < SLOTS => break index,
                _ => self.halve(),
            }
        };
        if self.slots.len() <= index {
            self.slots.resize(index + 1, Slot::default());
        }
        self.slots[index] = self.slots[index].and(slot);
    }

    /// Puts each two slots together.
    fn halve(&mut self) {
        self.width = self.width.saturating_mul(2);
        let pairs = self.slots.chunks(2);
        self.slots = pairs
            .map(|pair| {
                pair.iter()
                    .fold(Slot::default(), |sum, slot| sum.and(*slot))
            })
            .collect();
    }

    /// The time that each slot covers.
    pub fn width(&self) -> Duration {
        self.width
    }

    /// The slots in their order, each with its beginning.
    pub fn slots(&self) -> impl DoubleEndedIterator<Item = (Stamp, &Slot)> + ExactSizeIterator {
        self.slots.iter().enumerate().map(|(index, slot)| {
            // There are few enough to be counted in 32 bits.
            (
                Stamp::OPENING + self.width.saturating_mul(index as u32),
                slot,
            )
        })
    }
}
