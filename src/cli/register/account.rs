use std::fs::File;
use std::io;
use std::time::Duration;

use super::desk::Desk;
use crate::cli::failure::{Failure, Kind};
use crate::cli::play::tell_of_failed_recording;
use crate::conversation::latency::KeepAliveEvent;
use crate::conversation::registration::{Challenge, RegistrantEvent, Request};
use crate::conversation::{CloseReason, Stamp, WireEvent};
use crate::link::{EndCause, Ending, Observer, Printable, StopReason, Stopper};
use crate::recording::Recorder;

/// How much of a challenge that is none is repeated.
const QUOTED: usize = 80;

/// Watches the connection of a registrant.
pub(super) struct Account<'a> {
    desk: &'a Desk<'a>,
    recorder: Option<Recorder<File>>,
    /// Ends the connection.
    stopper: Stopper,
    /// The host that was dialled.
    host: String,
    standing: Standing,
    /// What there is no way on from.
    failure: Option<Failure>,
    /// How long nothing had come when the peer was given up.
    silence: Option<Duration>,
}

/// Where a registrant stands with the registrar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not registered yet.
    New,
    /// Its newest answer was taken.
    Accepted,
    /// Its newest answer was rejected, or it came too late.
    Doubted,
}

impl<'a> Account<'a> {
    pub(super) fn new(desk: &'a Desk<'a>, host: String, stopper: Stopper) -> Self {
        Account {
            desk,
            recorder: None,
            stopper,
            host,
            standing: Standing::New,
            failure: None,
            silence: None,
        }
    }

    /// Records from here on, if that was possible.
    pub(super) fn record(&mut self, recorder: io::Result<Recorder<File>>) {
        match recorder {
            Ok(recorder) => self.recorder = Some(recorder),
            Err(error) => self.recording_failed(&error),
        }
    }

    /// A recording that fails does not take the conversation with it.
    fn recording_failed(&mut self, error: &io::Error) {
        self.recorder = None;
        let item = tell_of_failed_recording(&self.desk.aside, error);
        self.desk.report(&item);
    }

    /// There is no way on from this.
    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
        self.stopper.stop(StopReason::Interrupted);
    }

    fn notice(&mut self, event: &RegistrantEvent) {
        self.desk.notice(event);
        match event {
            RegistrantEvent::Registered { .. } => self.standing = Standing::Accepted,
            RegistrantEvent::Confirmed { at } => {
                tracing::debug!(at_ns = at.as_nanos(), "a heartbeat was answered in time");
                self.standing = Standing::Accepted;
            }
            RegistrantEvent::Rejected { .. } | RegistrantEvent::Unregistered { .. } => {
                self.standing = Standing::Doubted;
            }
            // The registrant closes the connection by itself.
            RegistrantEvent::Foreign { challenge, .. } => {
                let failure = foreign(challenge, &self.host);
                self.failure.get_or_insert(failure);
            }
            RegistrantEvent::Unanswered { at, what } => {
                let failure = self.unanswered(*at, *what);
                self.fail(failure);
            }
            _ => {}
        }
    }

    fn unanswered(&self, at: Stamp, what: Request) -> Failure {
        match what {
            Request::Challenge => Kind::Protocol.because(format_args!(
                "the server said no challenge for {:.0?}; is this the address of a registration?",
                at.since_opening()
            )),
            Request::Answer => Kind::Silent
                .because("the server did not say what it makes of the answer to its challenge"),
            Request::Line => Kind::Silent.because(format_args!(
                "the server did not answer to a line {}",
                self.place()
            )),
        }
    }

    /// What the end of the connection means.
    pub(super) fn over(self, ending: &Ending) -> Result<(), Failure> {
        let place = self.place();
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if let Some(silence) = self.silence {
            return Err(Kind::Silent.because(format_args!(
                "nothing came for {silence:.0?} after a ping, {place}"
            )));
        }
        let failure = Failure::ended(ending, place, "");
        match (&ending.cause, ending.close.code, self.standing) {
            (EndCause::Done, _, _) => Ok(()),
            (EndCause::PeerClosed, CloseReason::POLICY_VIOLATION, Standing::Accepted) => {
                Err(Kind::Policy.because(failure))
            }
            (EndCause::PeerClosed, CloseReason::POLICY_VIOLATION, _) => {
                Err(Kind::Credentials.because(format_args!("rejected: {failure}")))
            }
            (EndCause::PeerClosed, CloseReason::TOO_BIG, _) => Err(Kind::Refused.because(failure)),
            _ => Err(failure),
        }
    }

    fn place(&self) -> &'static str {
        match self.standing {
            Standing::New => "before the key was registered",
            Standing::Accepted => "while the key was registered",
            Standing::Doubted => "after an answer to its challenges was not taken",
        }
    }
}

/// The failure of a server that wants this signed, where this host was dialled.
fn foreign(challenge: &str, dialled: &str) -> Failure {
    match challenge.parse::<Challenge>() {
        Ok(challenge) => Kind::Protocol.because(format_args!(
            "the server wants a challenge signed that names {}, and {} was dialled: nothing was \
             signed, since somebody on the way may be passing on what another server wants signed",
            Printable(challenge.host()),
            Printable(dialled)
        )),
        Err(_) => {
            let beginning: String = challenge.chars().take(QUOTED).collect();
            let more = if beginning.len() < challenge.len() {
                "…"
            } else {
                ""
            };
            Kind::Protocol.because(format_args!(
                "the server wants \"{}{more}\" signed, which is no challenge of {}: nothing was \
                 signed",
                Printable(&beginning),
                Printable(dialled)
            ))
        }
    }
}

impl Observer<KeepAliveEvent<RegistrantEvent>> for Account<'_> {
    fn wire(&mut self, at: Stamp, event: &WireEvent) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        if let Err(error) = recorder.record(at, &self.desk.redactor.wire_event(event)) {
            self.recording_failed(&error);
        }
    }

    fn event(&mut self, event: KeepAliveEvent<RegistrantEvent>) {
        match event {
            KeepAliveEvent::Inner(event) => self.notice(&event),
            KeepAliveEvent::RoundTrip(round_trip) => {
                tracing::debug!(?round_trip, "a keep-alive ping was answered");
            }
            KeepAliveEvent::Unanswered { pinged, at } => self.silence = Some(at.since(pinged)),
        }
    }
}
