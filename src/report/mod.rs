//! What people and scripts read.
//!
//! Everything that is reported is an [`Item`]. The [`json`] format writes each as one object; the
//! [`text`] format makes aligned lines of them. Both are functions of the items that write to any
//! writer. A [`Reporter`] puts them through a [`Redactor`], behind which no secret is seen again,
//! and sends them to the terminal or wherever standard output leads, past a [`Live`] line that
//! counts the time to the next beat. An [`Outlet`] does the writing, so that nobody has to wait for
//! a reader. A [`Screen`] fills a terminal with a [`View`] of round trips, and hands it back after.

mod above;
#[cfg(test)]
mod chat_tests;
mod chatting;
mod histogram;
mod item;
pub mod json;
mod layout;
mod live;
mod noticed;
mod opening;
mod outcome;
mod outlet;
mod ping_tally;
#[cfg(test)]
mod ping_tests;
mod pinging;
pub mod plot;
mod prompt;
mod redact;
mod registering;
#[cfg(test)]
mod registering_tests;
mod reporter;
mod round_trips;
mod serving;
mod simulating;
mod spoken;
mod tally;
#[cfg(test)]
mod tests;
pub mod text;
mod units;
mod view;

pub use chatting::{ChatItem, ChatNews, ChatSummaryItem, ChatTally};
pub use histogram::{Bin, bins};
pub use item::{BeatItem, ErrorItem, Item, LossItem, NoteItem, Recorded, SummaryItem, VerdictItem};
pub use layout::counted;
pub use live::{Hold, Live};
pub use opening::OpenItem;
pub use outcome::Outcome;
pub use outlet::{Job, Outlet};
pub use ping_tally::{PingTallies, PingTally, Standing};
pub use pinging::{InventedItem, PingItem, PingingItem, PongItem};
pub use prompt::{Prompt, Typed};
pub use redact::{RedactingWriter, Redactor};
pub use registering::{
    KeyItem, RegistrationItem, RegistrationNews, RegistrationSummaryItem, RegistrationTally,
};
pub use reporter::{Format, Reporter};
pub use round_trips::PingSummaryItem;
pub use serving::{ConversationItem, ListeningItem};
pub use simulating::{SimulatingItem, SimulationItem};
pub use spoken::Said;
pub use tally::Tally;
pub use units::millis;
pub use view::{Colours, Moment, Screen, Stage, View};
