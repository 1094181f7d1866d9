//! What is reported of round trips while they are measured.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::layout::{BAD, WARN, counted, label};
use super::{Item, millis};
use crate::conversation::Stamp;
use crate::conversation::latency::{Flight, Medium, PingerSettings};
use crate::link::Printable;

/// From how far a round trip is longer when it is measured from the intended time, in milliseconds,
/// its line says so. Below that it is the punctuality of any timer.
const NOTABLE_MS: f64 = 1.0;

/// Round trips are about to be measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PingingItem {
    /// To where, in the order of their numbers, with secrets blanked.
    pub urls: Vec<String>,
    /// `frames` or `messages`.
    pub medium: &'static str,
    /// The time from one ping to the next.
    pub interval_ms: f64,
    /// How many pings are sent to each; null for no end.
    pub count: Option<u32>,
    /// How much each carries.
    pub payload_bytes: usize,
}

impl PingingItem {
    /// What these settings come to.
    pub fn new(urls: Vec<String>, settings: &PingerSettings) -> Self {
        PingingItem {
            urls,
            medium: match settings.medium {
                Medium::Frames => "frames",
                Medium::Messages => "messages",
            },
            interval_ms: millis(settings.interval),
            count: settings.count.map(|count| count.get()),
            payload_bytes: settings.payload.bytes(),
        }
    }
}

/// A pong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PongItem {
    /// From which target, counted from one.
    pub target: usize,
    /// The number of the ping, counted from one.
    pub seq: u32,
    /// The round trip, from when the ping set out.
    pub rtt_ms: f64,
    /// The same from when the ping was due.
    pub intended_rtt_ms: f64,
}

impl PongItem {
    pub(super) fn new(target: usize, flight: &Flight, at: Stamp) -> Self {
        PongItem {
            target,
            seq: flight.sequence,
            rtt_ms: millis(flight.raw(at)),
            intended_rtt_ms: millis(flight.intended(at)),
        }
    }
}

/// A ping of which something else than its pong in time is to be told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PingItem {
    /// To which target, counted from one.
    pub target: usize,
    /// Its number, counted from one.
    pub seq: u32,
}

/// A pong that answers nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InventedItem {
    /// From which target, counted from one.
    pub target: usize,
    /// Nanoseconds since the opening.
    pub at_ns: u64,
    /// How much it carried.
    pub bytes: usize,
    /// The beginning of what it carried, as text, as far as it is some.
    pub text: String,
}

pub(super) fn write_pinging(pinging: &PingingItem, out: &mut impl Write) -> io::Result<()> {
    for (index, url) in pinging.urls.iter().enumerate() {
        let url = Printable(url);
        match (index, pinging.urls.len()) {
            (0, 1) => label(out, "pinging", url)?,
            (0, _) => label(out, "pinging", format_args!("1  {url}"))?,
            _ => label(out, "", format_args!("{}  {url}", index + 1))?,
        }
    }
    let (what, how) = match pinging.medium {
        "messages" => ("text messages", ", to be echoed,"),
        _ => ("Ping frames", ""),
    };
    let bytes = counted(pinging.payload_bytes as u64, "byte");
    let interval = Duration::from_secs_f64(pinging.interval_ms / 1e3);
    let times = match pinging.count {
        Some(count) => format!(", {}", counted(count.into(), "time")),
        None => String::new(),
    };
    label(
        out,
        "",
        format_args!("{what} of {bytes}{how} every {interval:?}{times}"),
    )
}

/// Writes a line for a pong, or for the want of one, if the item is one of these. `target` is told
/// where there are several.
pub(super) fn write_news(item: &Item, several: bool, out: &mut impl Write) -> io::Result<()> {
    let target = |target: usize| match several {
        true => format!("{target:>2}  "),
        false => String::new(),
    };
    match item {
        Item::Pong(pong) | Item::Late(pong) => {
            let PongItem { seq, rtt_ms, .. } = pong;
            write!(out, "{}seq={seq} time={rtt_ms:.3} ms", target(pong.target))?;
            if pong.intended_rtt_ms - rtt_ms >= NOTABLE_MS {
                let intended = pong.intended_rtt_ms;
                write!(out, " ({intended:.3} ms from when it was due)")?;
            }
            if matches!(item, Item::Late(_)) {
                write!(out, ", {WARN}late{WARN:#}: it had been given up")?;
            }
            writeln!(out)
        }
        Item::Lost(PingItem { seq, target: of }) => {
            writeln!(out, "{}seq={seq} {BAD}no pong{BAD:#}", target(*of))
        }
        Item::Doubled(PingItem { seq, target: of }) => {
            let of = target(*of);
            writeln!(
                out,
                "{of}seq={seq} {WARN}a pong that had come already{WARN:#}"
            )
        }
        Item::Invented(invented) => {
            let of = target(invented.target);
            let text = Printable(&invented.text);
            let bytes = counted(invented.bytes as u64, "byte");
            writeln!(
                out,
                "{of}{WARN}an answer to nothing{WARN:#}: {bytes}, \"{text}\""
            )
        }
        _ => Ok(()),
    }
}
