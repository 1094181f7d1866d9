use std::num::NonZeroU32;
use std::time::Duration;

use crate::conversation::Rate;

/// How many times the rate of one guest those from one site may talk together. By default, that is 200
/// messages a second: what some 100 people write who all type as fast as they may, and a thousand guests
/// need to come in at once; far less than one process says that comes, talks and goes over and over,
/// which was seen to say 26,000 a second.
pub const RATES_PER_SITE: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// How many times the rate of one guest a user may talk, over all connections: twice, so that whoever
/// comes in anew, and says once more what may have been lost, is not held back.
pub(super) const RATES_PER_USER: NonZeroU32 = NonZeroU32::new(2).unwrap();

/// How rooms are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomsSettings {
    /// How often each guest is asked for a heartbeat.
    pub heartbeat: Duration,
    /// How long a guest may take over its answer before it loses its name.
    pub heartbeat_timeout: Duration,
    /// How fast a guest may talk.
    pub rate: Rate,
    /// How many times that rate all guests from one [`Site`](crate::conversation::Site) may talk
    /// together, also those who have gone.
    pub rates_per_site: NonZeroU32,
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
            rates_per_site: RATES_PER_SITE,
            longest_message: 4 * 1024,
            ticket_wait: Duration::from_secs(10),
        }
    }
}
