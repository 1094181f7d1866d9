use std::fs::File;
use std::io;
use std::time::Duration;

use super::desk::Desk;
use crate::cli::failure::{Failure, Kind};
use crate::cli::play::tell_of_failed_recording;
use crate::cli::talking::Manner;
use crate::conversation::chat::{ErrorCode, GuestEvent, NextName, Request};
use crate::conversation::latency::KeepAliveEvent;
use crate::conversation::{CloseReason, Stamp, WireEvent};
use crate::link::{EndCause, Ending, Observer, Printable, StopReason, Stopper};
use crate::recording::Recorder;

/// Watches one connection of a chat.
pub(super) struct Account<'a> {
    pub(super) desk: &'a Desk<'a>,
    pub(super) recorder: Option<Recorder<File>>,
    /// Ends this connection.
    pub(super) stopper: Stopper,
    /// What there is no way on from.
    pub(super) failure: Option<Failure>,
    /// How long nothing had come when the peer was given up.
    pub(super) silence: Option<Duration>,
    /// What the peer has not answered when it was given up.
    pub(super) unanswered: Option<Request>,
    /// The ticket that it shows.
    pub(super) ticket: Shown,
    /// Where the guest is.
    pub(super) channel: Option<String>,
}

/// Which ticket a connection shows by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// None, though there may be one in the address.
    None,
    /// One that was made for it.
    Fresh,
    /// One that was made for it, and refused.
    Refused,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Over {
    /// All has been said.
    Well,
    /// In a way that another connection would not make up for.
    Badly(Failure),
    /// Another connection may go on where it ended.
    Lost(Failure),
    /// Like this, by a peer that is there, and does not answer.
    Unanswered(Failure),
    /// With a ticket that was made for it, and refused: it may have taken too long to be shown.
    Stale(Failure),
}

/// The codes of a server that goes away for a while, or has stumbled (RFC 6455 section 7.4.1, and
/// IANA's registry for it: 1011 is an error inside the server, 1012 a restart, 1014 a gateway without
/// one). One that says nothing at all as it closes does not say that another connection is unwanted.
const AWAY: [u16; 6] = [
    CloseReason::GOING_AWAY,
    CloseReason::NO_STATUS,
    1011,
    1012,
    CloseReason::TRY_AGAIN_LATER,
    CloseReason::BAD_GATEWAY,
];

impl<'a> Account<'a> {
    /// A recording that fails does not take the conversation with it.
    pub(super) fn recording_failed(&mut self, error: &io::Error) {
        self.recorder = None;
        let item = tell_of_failed_recording(&self.desk.aside, error);
        self.desk.report(&item);
    }

    /// There is no way on from this.
    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
        self.stopper.stop(StopReason::Interrupted);
    }

    fn notice(&mut self, event: &GuestEvent) {
        self.desk.notice(event);
        match event {
            GuestEvent::Entered { channel, .. } => self.channel = Some(channel.clone()),
            GuestEvent::NameRefused {
                name,
                reason,
                next: NextName::Unknown,
                ..
            } if self.desk.manner == Manner::Piped => {
                let why = match reason.as_str() {
                    "" => String::new(),
                    reason => format!(": {}", Printable(reason.trim_end_matches('.'))),
                };
                self.fail(Kind::Name.because(format_args!(
                    "the server does not give the name {name}{why}; choose another with --name"
                )));
            }
            GuestEvent::Refused {
                text: None,
                code: code @ (ErrorCode::TicketNeeded | ErrorCode::TicketRefused),
                reason,
                ..
            } => {
                let reason = Printable(reason.trim_end_matches('.'));
                if *code == ErrorCode::TicketRefused && self.ticket == Shown::Fresh {
                    self.ticket = Shown::Refused;
                }
                let why = match code {
                    ErrorCode::TicketNeeded => format!(
                        "the server wants a ticket: {reason}; --ticket gets one for the name and \
                         its password"
                    ),
                    _ => format!("the server refuses the ticket: {reason}"),
                };
                self.fail(Kind::Credentials.because(why));
            }
            GuestEvent::Unanswered {
                at,
                what: Request::Channel,
            } => self.fail(Kind::Protocol.because(format_args!(
                "the server opened no channel for {:.0?}; is this the address of a chat?",
                at.since_opening()
            ))),
            GuestEvent::Unanswered { what, .. } => {
                self.unanswered = Some(*what);
                self.stopper.stop(StopReason::Interrupted);
            }
            _ => {}
        }
    }

    /// What the end of the connection means.
    pub(super) fn over(self, ending: &Ending) -> Over {
        if let Some(failure) = self.failure {
            return match self.ticket {
                Shown::Refused => Over::Stale(failure),
                Shown::None | Shown::Fresh => Over::Badly(failure),
            };
        }
        let place = match &self.channel {
            Some(channel) => format!("in #{}", Printable(channel)),
            None => "before a channel was entered".to_owned(),
        };
        if let Some(silence) = self.silence {
            let cause = format_args!("nothing came for {silence:.0?} after a ping, {place}");
            return Over::Lost(Kind::Silent.because(cause));
        }
        if let (Some(what), EndCause::Stopped(_)) = (self.unanswered, &ending.cause) {
            let what = match what {
                Request::Line => "a line",
                Request::Name => "the name",
                Request::Channel => "the wish for a channel",
            };
            let cause = format_args!("the server did not answer to {what} {place}");
            return Over::Unanswered(Kind::Silent.because(cause));
        }
        let failure = Failure::ended(ending, &place, "");
        match &ending.cause {
            EndCause::Done => Over::Well,
            EndCause::Lost(_) | EndCause::Idle(_) | EndCause::Overrun => Over::Lost(failure),
            EndCause::PeerClosed => match ending.close.code {
                code if AWAY.contains(&code) => Over::Lost(failure),
                // A server that waits for a ticket says nothing, and a guest that has none neither.
                CloseReason::POLICY_VIOLATION
                    if self.channel.is_none() && self.ticket == Shown::None =>
                {
                    Over::Badly(Kind::Credentials.because(format_args!(
                        "{failure}; if it wants a ticket, --ticket gets one for the name and its \
                         password"
                    )))
                }
                CloseReason::POLICY_VIOLATION => Over::Badly(Kind::Policy.because(failure)),
                CloseReason::TOO_BIG => Over::Badly(Kind::Refused.because(failure)),
                _ => Over::Badly(failure),
            },
            EndCause::Stopped(_) | EndCause::Violated(_) => Over::Badly(failure),
        }
    }
}

impl Observer<KeepAliveEvent<GuestEvent>> for Account<'_> {
    fn wire(&mut self, at: Stamp, event: &WireEvent) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        if let Err(error) = recorder.record(at, &self.desk.redactor.wire_event(event)) {
            self.recording_failed(&error);
        }
    }

    fn event(&mut self, event: KeepAliveEvent<GuestEvent>) {
        match event {
            KeepAliveEvent::Inner(event) => self.notice(&event),
            KeepAliveEvent::RoundTrip(round_trip) => {
                tracing::debug!(?round_trip, "a keep-alive ping was answered");
            }
            KeepAliveEvent::Unanswered { pinged, at } => self.silence = Some(at.since(pinged)),
        }
    }
}
