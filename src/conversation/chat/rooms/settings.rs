use std::time::Duration;

use crate::conversation::Rate;

/// How rooms are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomsSettings {
    /// How often each guest is asked for a heartbeat.
    pub heartbeat: Duration,
    /// How long a guest may take over its answer before it loses its name.
    pub heartbeat_timeout: Duration,
    /// How fast a guest may talk.
    pub rate: Rate,
    /// The longest text of a message, in bytes.
    pub longest_message: usize,
    /// How long a guest may take over showing its ticket, if one is wanted.
    pub ticket_wait: Duration,
}

impl Default for RoomsSettings {
    fn default() -> Self {
        RoomsSettings {
            heartbeat: Duration::from_secs(30),
            heartbeat_timeout: Duration::from_secs(10),
            rate: Rate::default(),
            longest_message: 4 * 1024,
            ticket_wait: Duration::from_secs(10),
        }
    }
}
