use super::{Pass, RoomsSettings};
use crate::conversation::chat::{ChannelName, UserName};
use crate::conversation::pace::{Haste, Pace};
use crate::conversation::{Rate, Site, Stamp};

/// Whoever sits in a seat.
#[derive(Debug)]
pub(super) struct Occupant {
    /// Where it is, or is going to be once it is let in.
    pub(super) channel: ChannelName,
    /// What it is called there, if it has claimed a name.
    pub(super) name: Option<UserName>,
    pub(super) pass: Pass,
    /// Whence it comes, if anybody has said so.
    pub(super) site: Option<Site>,
    pulse: Pulse,
    pace: Pace,
}

/// When an occupant has to do something by itself, and whether it is still there.
#[derive(Debug)]
enum Pulse {
    /// It waits outside for its ticket to be looked at, until then at the latest.
    Outside { until: Stamp },
    /// It is asked now and then.
    Inside {
        /// When next.
        next: Stamp,
        /// Until when it has to have answered the heartbeat before, if it has not.
        until: Option<Stamp>,
    },
}

/// What is due for an occupant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It has shown no ticket in time.
    NoTicket,
    /// It has not answered a heartbeat in time.
    Missed,
    /// The next heartbeat.
    Heartbeat,
}

impl Occupant {
    pub(super) fn new(
        at: Stamp,
        channel: ChannelName,
        pass: Pass,
        settings: &RoomsSettings,
    ) -> Self {
        let pulse = match pass {
            Pass::Wanted => Pulse::Outside {
                until: at + settings.ticket_wait,
            },
            Pass::Anyone | Pass::User(_) => Pulse::Inside {
                next: at + settings.heartbeat,
                until: None,
            },
        };
        Occupant {
            channel,
            name: None,
            pass,
            site: None,
            pulse,
            pace: Pace::default(),
        }
    }

    /// Lets somebody in who has waited outside.
    pub(super) fn admit(&mut self, at: Stamp, user: UserName, settings: &RoomsSettings) {
        self.pass = Pass::User(user);
        self.pulse = Pulse::Inside {
            next: at + settings.heartbeat,
            until: None,
        };
    }

    /// When the next thing is due.
    pub(super) fn due_at(&self) -> Stamp {
        match self.pulse {
            Pulse::Outside { until } => until,
            Pulse::Inside { next, until } => until.map_or(next, |until| until.min(next)),
        }
    }

    /// Takes what is due up to now, if anything is.
    pub(super) fn take_due(&mut self, at: Stamp, settings: &RoomsSettings) -> Option<Due> {
        if at < self.due_at() {
            return None;
        }
        match &mut self.pulse {
            Pulse::Outside { .. } => Some(Due::NoTicket),
            Pulse::Inside { next, until } => {
                if until.take_if(|until| *until <= at).is_some() {
                    return Some(Due::Missed);
                }
                *next = at + settings.heartbeat;
                // The oldest one that is unanswered counts.
                until.get_or_insert(at + settings.heartbeat_timeout);
                Some(Due::Heartbeat)
            }
        }
    }

    /// Takes the answer to a heartbeat, and says whether there was one to be answered.
    pub(super) fn take_heartbeat(&mut self) -> bool {
        match &mut self.pulse {
            Pulse::Inside { until, .. } => until.take().is_some(),
            Pulse::Outside { .. } => false,
        }
    }

    /// Counts a message.
    pub(super) fn hurries(&mut self, at: Stamp, rate: Rate) -> Haste {
        self.pace.hurries(at, rate)
    }
}
