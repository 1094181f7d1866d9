//! The connections of a chat, one after the other.

use std::convert::Infallible;
use std::future::pending;
use std::mem;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::account::{Account, Over, Shown};
use super::desk::Desk;
use super::ticket::Tickets;
use crate::cli::failure::{Failure, Kind};
use crate::cli::play::{begin_recording, open_recording};
use crate::cli::retry::{Reconnecting, path_of_attempt, tell_of_retry};
use crate::cli::stopping::unless_stopped;
use crate::cli::talking::Staying;
use crate::conversation::chat::{Guest, GuestCue, GuestSettings, Memory, UserName};
use crate::conversation::latency::{KeepAlive, KeepAliveSettings};
use crate::link::{
    Address, DialError, Dialed, Dialer, Inbox, Limits, Stop, clock, drive_with_cues,
};
use crate::recording::{Conversation, RecordingFile};
use crate::report::{Item, OpenItem};

/// After how long a connection counts as one that lasted: the next pause is a short one then. Longer
/// than it takes a server to throw a client out that it does not want.
const LASTED: Duration = Duration::from_secs(10);

/// What the connections of a chat have in common.
pub(super) struct Settings {
    pub(super) address: Address,
    pub(super) dialer: Dialer,
    pub(super) name: UserName,
    pub(super) tickets: Option<Tickets>,
    pub(super) record: Option<PathBuf>,
    pub(super) staying: Staying,
    pub(super) retry_for: Duration,
}

/// A chat over as many connections as it takes.
pub(super) struct Session<'a> {
    desk: &'a Desk<'a>,
    settings: Settings,
    pauses: Reconnecting,
    memory: Memory,
    stop: Stop,
    /// Whether a ticket was refused that had just been made, and no channel was entered since.
    has_stale_ticket: bool,
}

/// A connection that has just been opened.
pub(super) struct Opened {
    number: u32,
    dialed: Dialed,
    ticket: Option<SecretString>,
    record: Option<RecordingFile>,
}

impl<'a> Session<'a> {
    /// A chat that draws its pauses from this seed.
    pub(super) fn new(desk: &'a Desk<'a>, settings: Settings, seed: u64, stop: Stop) -> Self {
        Session {
            desk,
            settings,
            pauses: Reconnecting::new(seed),
            memory: Memory::default(),
            stop,
            has_stale_ticket: false,
        }
    }

    /// Opens a connection.
    pub(super) async fn connect(&mut self) -> Result<Opened, Failure> {
        let Settings {
            address,
            dialer,
            tickets,
            ..
        } = &self.settings;
        // Before the ticket: a file that cannot be written must not cost one.
        let record = match &self.settings.record {
            None => None,
            Some(path) => {
                let path = path_of_attempt(path, self.desk.connections() + 1);
                match open_recording(&mut self.stop, path).await {
                    // A chat that is being held is not ended by it.
                    Err(failure)
                        if failure.kind == Kind::Recording && self.desk.connections() > 0 =>
                    {
                        self.desk.aside.say(&failure);
                        self.desk.report(&Item::Error(failure.item()));
                        None
                    }
                    opened => Some(opened?),
                }
            }
        };
        let ticket = match tickets {
            None => None,
            Some(tickets) => {
                self.desk.wait_for("fetching a ticket");
                let fetched = tickets.fetch(address, dialer);
                Some(unless_stopped(&mut self.stop, fetched).await??)
            }
        };
        self.desk.wait_for("connecting");
        let dialed = unless_stopped(&mut self.stop, dialer.dial(address)).await?;
        let dialed = dialed.map_err(|error| advise(error, ticket.is_some()))?;
        let number = self.desk.begin_connection();
        self.desk.arrive(OpenItem::new(number, address, &dialed));
        Ok(Opened {
            number,
            dialed,
            ticket,
            record,
        })
    }

    /// Holds the chat over this connection and those that take its place, until all has been said,
    /// a stop is asked for, or there is no way on.
    pub(super) async fn hold_all(
        &mut self,
        first: Opened,
        mut inbox: Inbox<GuestCue>,
        leaving: &CancellationToken,
    ) -> Result<(), Failure> {
        let desk = self.desk;
        // Nobody needs a connection for having nothing to say.
        let left = async || {
            leaving.cancelled().await;
            if desk.unsaid() > 0 {
                pending::<()>().await;
            }
        };
        let mut opened = first;
        let mut away_since = None;
        loop {
            let (lasted, over) = self.hold(opened, &mut inbox).await;
            let lost = match over {
                Over::Well => return Ok(()),
                Over::Badly(failure) => return Err(failure),
                Over::Stale(failure) if self.has_stale_ticket => return Err(failure),
                Over::Stale(failure) => {
                    self.has_stale_ticket = true;
                    failure
                }
                Over::Unanswered(failure) => failure,
                Over::Lost(failure) => {
                    if lasted >= LASTED {
                        self.pauses.begin_anew();
                        away_since = None;
                    }
                    failure
                }
            };
            desk.part();
            let since = *away_since.get_or_insert_with(clock::now);
            opened = tokio::select! {
                biased;
                () = left() => return Ok(()),
                opened = self.reconnect(lost, since) => opened?,
            };
        }
    }

    /// Holds the chat over one connection, and tells how long that lasted and how it ended.
    async fn hold(&mut self, opened: Opened, inbox: &mut Inbox<GuestCue>) -> (Duration, Over) {
        let Opened {
            number,
            dialed,
            ticket,
            record,
        } = opened;
        let Dialed {
            connection, kernel, ..
        } = dialed;
        // It would keep the socket open beyond the end of the conversation.
        drop(kernel);
        let (stopper, mut stop) = Stop::channel();
        let mut account = Account {
            desk: self.desk,
            recorder: None,
            stopper: stopper.clone(),
            failure: None,
            silence: None,
            unanswered: None,
            ticket: match ticket {
                Some(_) => Shown::Fresh,
                None => Shown::None,
            },
            channel: None,
        };
        if let Some(mut file) = record {
            match begin_recording(&mut file, Conversation::Chat, &self.settings.address) {
                Ok(recorder) => account.recorder = Some(recorder),
                Err(error) => account.recording_failed(&error),
            }
        }
        let settings = GuestSettings {
            name: self.settings.name.clone(),
            ticket,
        };
        let guest = Guest::new(settings, mem::take(&mut self.memory));
        let mut party = KeepAlive::new(guest, Some(KeepAliveSettings::default()));
        let limits = Limits::default();
        let held = drive_with_cues(
            connection,
            &mut party,
            inbox,
            &mut account,
            limits,
            &mut stop,
        );
        let stopped = async {
            let reason = self.stop.requested().await;
            stopper.stop(reason);
            pending::<Infallible>().await
        };
        let ending = tokio::select! {
            ending = held.instrument(tracing::debug_span!("guest", connection = number)) => ending,
            never = stopped => match never {},
        };
        self.memory = party.into_party().into_memory();
        if account.channel.is_some() {
            self.has_stale_ticket = false;
        }
        (ending.at.since_opening(), account.over(&ending))
    }

    /// Opens another connection in the place of one that was lost for this reason, as often as it
    /// takes, and as long as there is patience; there has been none since then.
    async fn reconnect(&mut self, lost: Failure, since: Instant) -> Result<Opened, Failure> {
        let mut failure = lost;
        let mut attempt = Some(self.desk.connections());
        loop {
            let pause = self.pauses.pause().max(failure.wait());
            let away = clock::now().saturating_duration_since(since);
            if let Some(patience) = self.patience()
                && away + pause > patience
            {
                return Err(failure.context(format_args!(
                    "there was no way back within {patience:?} (--retry-for)"
                )));
            }
            let item = tell_of_retry(&self.desk.aside, &failure, attempt.take(), pause);
            self.desk.report(&item);
            unless_stopped(&mut self.stop, tokio::time::sleep(pause)).await?;
            match self.connect().await {
                Err(error) if error.is_worth_another_try() => failure = error,
                connected => return connected,
            }
        }
    }

    /// How long it is tried to connect again; `None` for no end to it.
    fn patience(&self) -> Option<Duration> {
        match self.settings.staying {
            Staying::UntilAllIsSaid => Some(self.settings.retry_for),
            Staying::UntilStopped => None,
        }
    }
}

/// What to do about an upgrade that was refused.
fn advise(error: DialError, has_ticket: bool) -> Failure {
    let status = match &error {
        DialError::Refused { refusal, .. } => Some(refusal.status()),
        _ => None,
    };
    match status {
        Some(StatusCode::UNAUTHORIZED) if !has_ticket => Kind::Credentials.because(format_args!(
            "{error}; --ticket gets a ticket for the name and its password"
        )),
        Some(StatusCode::NOT_FOUND) => Kind::Unreachable
            .because(format_args!(
                "{error}; a chat's address is like ws://HOST:PORT/chat/CHANNEL"
            ))
            .with_another_try_worth_it(false),
        _ => error.into(),
    }
}
