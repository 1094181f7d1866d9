//! What parties notice, as items to report.

use super::{InventedItem, Item, NoteItem, PingItem, PongItem, VerdictItem};
use crate::conversation::Message;
use crate::conversation::challenge::PlayerEvent;
use crate::conversation::latency::PingerEvent;

/// How much of a pong that answers nothing is shown.
const EXCERPT: usize = 40;

impl Item {
    /// What a player noticed, apart from its beats.
    pub fn from_event(event: &PlayerEvent, recording: Option<&str>) -> Option<Item> {
        Some(match event {
            PlayerEvent::Beat(_) => return None,
            // The summary and the error say what there is to say.
            PlayerEvent::Expired { .. } | PlayerEvent::Lost(_) => return None,
            PlayerEvent::Hello { at, text } => Item::Hello {
                at_ns: at.as_nanos(),
                text: text.clone(),
            },
            PlayerEvent::Verdict { round, verdict, .. } => Item::Verdict(VerdictItem {
                recording: recording.map(str::to_owned),
                round: round.map(|round| round.number()),
                verdict: verdict.as_str(),
            }),
            PlayerEvent::Secret { secret, .. } => Item::Secret {
                secret: secret.clone(),
            },
            PlayerEvent::Noted { at, message } => Item::Note(match message {
                Message::Text(text) => NoteItem {
                    at_ns: at.as_nanos(),
                    kind: "text",
                    text: Some(text.clone()),
                    bytes: text.len(),
                },
                Message::Binary(data) | Message::Ping(data) | Message::Pong(data) => NoteItem {
                    at_ns: at.as_nanos(),
                    kind: "binary",
                    text: None,
                    bytes: data.len(),
                },
            }),
        })
    }

    /// What is to be reported of something that the pinger of a target noticed, if anything is.
    pub fn from_ping(target: usize, event: &PingerEvent) -> Option<Item> {
        let ping = |seq| PingItem { target, seq };
        Some(match event {
            PingerEvent::Sent(_) => return None,
            PingerEvent::Pong { flight, at } => Item::Pong(PongItem::new(target, flight, *at)),
            PingerEvent::Late { flight, at } => Item::Late(PongItem::new(target, flight, *at)),
            PingerEvent::Lost(flight) => Item::Lost(ping(flight.sequence)),
            PingerEvent::Doubled { sequence, .. } => Item::Doubled(ping(*sequence)),
            PingerEvent::Invented { at, payload } => Item::Invented(InventedItem {
                target,
                at_ns: at.as_nanos(),
                bytes: payload.len(),
                text: beginning(&String::from_utf8_lossy(payload)),
            }),
        })
    }
}

/// As much of a text as is shown, with the sign that there was more: by that a secret which was cut
/// is known, too.
fn beginning(text: &str) -> String {
    let mut characters = text.chars();
    let mut beginning: String = characters.by_ref().take(EXCERPT).collect();
    if characters.next().is_some() {
        beginning.push('…');
    }
    beginning
}
