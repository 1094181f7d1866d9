use std::num::NonZeroU32;
use std::time::Duration;

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

/// How many messages may come in how much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many,
    pub messages: NonZeroU32,
    /// in any stretch of time of this length.
    pub per: Duration,
}

impl Default for Rate {
    /// More than a person types, and less than a script pastes: 20 in 10 s.
    fn default() -> Self {
        Rate {
            messages: NonZeroU32::new(20).unwrap(),
            per: Duration::from_secs(10),
        }
    }
}
