use std::time::Duration;

use crate::conversation::Rate;

/// How a registrar treats a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrarSettings {
    /// How long after the last right answer, or after a challenge that was not answered, the next
    /// challenge comes.
    pub heartbeat: Duration,
    /// How long an answer may take.
    pub answer_within: Duration,
    /// How many more challenges may come after a wrong answer, or none in time, before the
    /// connection is closed. A right one gives them back.
    pub retries: u32,
    /// How fast a registrant may talk. The first answer to a challenge that is still good does not
    /// count: it has been asked for.
    pub rate: Rate,
    /// The longest text that is passed on, in bytes.
    pub longest_text: usize,
}

impl Default for RegistrarSettings {
    /// The time limits and the length as in the chat; three retries as the write-up has it.
    fn default() -> Self {
        RegistrarSettings {
            heartbeat: Duration::from_secs(30),
            answer_within: Duration::from_secs(10),
            retries: 3,
            rate: Rate::default(),
            longest_text: 4 * 1024,
        }
    }
}
