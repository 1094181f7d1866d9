//! A conversation on disk: written as it happens, read back, and replayed.
//!
//! A recording is JSON Lines. The first line says what it is a recording of; each line after it
//! is one [`WireEvent`](crate::conversation::WireEvent) with its stamp, in order:
//!
//! ```json
//! {"type":"recording","version":1,"conversation":"challenge","url":"ws://…","started_at":"2026-11-20T12:00:00Z"}
//! {"at_ns":0,"type":"open"}
//! {"at_ns":700123456,"type":"received","kind":"text","text":"ping!"}
//! {"at_ns":700210000,"type":"sent","kind":"text","text":"700"}
//! {"at_ns":9000000000,"type":"close","by":"peer","code":1000,"reason":""}
//! ```
//!
//! A recorded chat is of the same form, and says `"conversation":"chat"`; a registration,
//! `"conversation":"registration"`.
//!
//! Frames that are not text have a `base64` field in place of `text`. Every line is handed to the
//! operating system when its event has been handled, so that a crash of the program loses none.
//! Control frames that the link answers by itself appear as received only.

mod format;
mod json;
mod read;
mod replay;
mod reserved;
mod signatory;
mod write;

pub use format::{Conversation, Header, VERSION};
pub(crate) use json::to_line;
pub use read::{Cut, ReadError, Recording};
pub use replay::{recorded_answers, replay};
pub use reserved::ReservedFile;
pub use signatory::{Signatory, recorded_signatory};
pub use write::{Recorder, RecordingFile};
