//! What people and scripts read.
//!
//! Everything that is reported is an [`Item`]. The [`json`] format writes each as one object; the
//! [`text`] format makes aligned lines of them. Both are functions of the items that write to any
//! writer. A [`Reporter`] sends them to the terminal or wherever standard output leads, past a
//! [`Live`] line that counts the time to the next beat, and through a [`Redactor`], the last door,
//! behind which no secret is seen again.

mod item;
pub mod json;
mod live;
mod redact;
mod reporter;
mod tally;
#[cfg(test)]
mod tests;
pub mod text;

pub use item::{
    BeatItem, ConversationItem, ErrorItem, Item, ListeningItem, NoteItem, OpenItem, Outcome,
    Recorded, SummaryItem, VerdictItem, millis,
};
pub use live::Live;
pub use redact::{RedactingWriter, Redactor};
pub use reporter::{Format, Reporter};
pub use tally::Tally;
