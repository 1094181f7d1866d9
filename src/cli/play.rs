//! A conversation with a challenge server, reported and recorded: what `solve` and `replay` share.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tracing::Instrument;

use super::failure::{Failure, Kind};
use super::plot::PlotFile;
use super::stopping::aside_unless_stopped;
use super::values::duration;
use super::{Aside, Context};
use crate::conversation::challenge::{Beat, Loss, Player, PlayerEvent, Standing};
use crate::conversation::{CloseReason, Stamp, WireEvent};
use crate::link::{Address, Awake, Dialed, EndCause, Ending, Limits, Observer, Stop, clock, drive};
use crate::recording::{Conversation, Header, Recorder, RecordingFile, VERSION};
use crate::report::plot::{self, Beats};
use crate::report::{BeatItem, Item, OpenItem, Redactor, Reporter, Tally};

/// How many of the last beats an error tells of.
const TOLD: usize = 3;

/// The limits of a conversation.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Limiting {
    /// End a conversation in which no message has come for this long
    #[arg(long, value_parser = duration, default_value = "15s", value_name = "TIME")]
    pub(super) idle_timeout: Duration,

    /// End the whole run after this long [default: never]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub(super) deadline: Option<Duration>,
}

impl Limiting {
    fn limits(&self) -> Limits {
        Limits {
            idle: Some(self.idle_timeout),
            ..Limits::default()
        }
    }
}

/// Opens the file that a conversation is to be recorded in.
pub(super) async fn open_recording(
    stop: &mut Stop,
    path: PathBuf,
) -> Result<RecordingFile, Failure> {
    let shown = path.display().to_string();
    let opened = aside_unless_stopped(stop, || RecordingFile::open(path)).await?;
    opened.map_err(|error| {
        Kind::Recording.because(format_args!(
            "the recording {shown} cannot be written: {error}"
        ))
    })
}

/// Begins to record a conversation that has just been opened.
pub(super) fn begin_recording(
    file: &mut RecordingFile,
    conversation: Conversation,
    address: &Address,
) -> io::Result<Recorder<File>> {
    file.begin(&Header {
        version: VERSION,
        conversation,
        url: address.to_string(),
        started_at: humantime::format_rfc3339_millis(clock::wall()).to_string(),
    })
}

/// What is kept of a conversation.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    pub(super) record: Option<RecordingFile>,
    pub(super) plot: Option<PlotFile>,
}

/// A conversation that has ended.
#[derive(Debug)]
pub(super) struct Played {
    standing: Standing,
    ending: Ending,
    last_beats: VecDeque<Beat>,
    loss: Option<Loss>,
}

/// Plays over a connection that has just been opened.
pub(super) async fn play(
    context: &mut Context<'_>,
    address: &Address,
    dialed: Dialed,
    mut player: Player,
    limiting: &Limiting,
    keeping: Keeping,
) -> Played {
    let attempt = context.tally.attempts();
    let open = OpenItem::new(attempt, address, &dialed);
    context.reporter.report(&Item::Open(open));
    let Dialed {
        connection, kernel, ..
    } = dialed;
    // It would keep the socket open beyond the end of the conversation.
    drop(kernel);
    let awake = Awake::default();
    let mut account = Account {
        recorder: None,
        reporter: context.reporter,
        redactor: context.redactor.clone(),
        aside: context.aside.clone(),
        tally: context.tally,
        last_beats: VecDeque::with_capacity(TOLD),
        loss: None,
        beats: keeping.plot.is_some().then(Beats::default),
        awake: &awake,
        slept: None,
    };
    if let Some(mut file) = keeping.record {
        match begin_recording(&mut file, Conversation::Challenge, address) {
            Ok(recorder) => account.recorder = Some(recorder),
            Err(error) => account.recording_failed(&error),
        }
    }
    let limits = limiting.limits();
    // Where client and server share a process, their logs would be hard to tell apart otherwise.
    let span = tracing::debug_span!("player", attempt);
    let driven = drive(
        connection,
        &mut player,
        &mut account,
        limits,
        &mut context.stop,
    );
    let ending = tokio::select! {
        ending = driven.instrument(span) => ending,
        never = awake.watch() => match never {},
    };
    let Account {
        last_beats,
        loss,
        beats,
        ..
    } = account;
    if let (Some(file), Some(beats)) = (keeping.plot, beats) {
        draw_beats(context, file, &address.to_string(), beats).await;
    }
    Played {
        standing: player.standing().clone(),
        ending,
        last_beats,
        loss,
    }
}

/// Draws the beats of a session that is over.
pub(super) async fn draw_beats(
    context: &mut Context<'_>,
    file: PlotFile,
    title: &str,
    beats: Beats,
) {
    let title = context.redactor.redact(title);
    let draw = move |format| plot::beats(&title, &beats, format);
    file.draw(context, draw).await;
}

/// Watches a conversation.
struct Account<'a> {
    reporter: &'a mut Reporter,
    redactor: Redactor,
    aside: Aside,
    recorder: Option<Recorder<File>>,
    tally: &'a mut Tally,
    last_beats: VecDeque<Beat>,
    loss: Option<Loss>,
    /// What is to be drawn, if anything is.
    beats: Option<Beats>,
    awake: &'a Awake,
    /// How long the program did not run before the newest beat was handled, if that was long.
    slept: Option<Duration>,
}

impl Account<'_> {
    /// A loss knows of the program's sleep in its round: before the beat, or from then on.
    fn with_sleep(&mut self, event: PlayerEvent) -> PlayerEvent {
        match event {
            PlayerEvent::Beat(_) => {
                self.slept = self.awake.longest_sleep();
                event
            }
            PlayerEvent::Lost(loss) => {
                let slept = self.slept.max(self.awake.longest_sleep());
                PlayerEvent::Lost(match slept {
                    Some(slept) => loss.of_sleep(slept),
                    None => loss,
                })
            }
            event => event,
        }
    }

    /// A recording that fails does not take the conversation with it.
    fn recording_failed(&mut self, error: &io::Error) {
        self.recorder = None;
        let item = tell_of_failed_recording(&self.aside, error);
        self.reporter.report(&item);
    }
}

/// Tells people that a recording has failed, and gives what scripts are told.
pub(super) fn tell_of_failed_recording(aside: &Aside, error: &io::Error) -> Item {
    let failure = Kind::Recording.because(format_args!(
        "the recording ends here, since it cannot be written: {error}"
    ));
    aside.say(&failure);
    Item::Error(failure.item())
}

impl Observer<PlayerEvent> for Account<'_> {
    fn wire(&mut self, at: Stamp, event: &WireEvent) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        if let Err(error) = recorder.record(at, &self.redactor.wire_event(event)) {
            self.recording_failed(&error);
        }
    }

    fn event(&mut self, event: PlayerEvent) {
        let event = self.with_sleep(event);
        self.tally.count(&event);
        if let Some(beats) = &mut self.beats {
            beats.count(&event);
        }
        if let Some(item) = Item::from_event(&event, None) {
            self.reporter.report(&item);
        }
        if let PlayerEvent::Lost(loss) = &event {
            self.loss = Some(loss.clone());
        }
        if let PlayerEvent::Beat(beat) = event {
            let item = BeatItem::new(&beat, None);
            log_decision(&item, &beat);
            self.reporter.report(&Item::Beat(item));
            if self.last_beats.len() == TOLD {
                self.last_beats.pop_front();
            }
            self.last_beats.push_back(beat);
        }
    }
}

/// Logs what was made of a beat, and why.
pub(super) fn log_decision(item: &BeatItem, beat: &Beat) {
    tracing::debug!(
        round = item.round,
        at_ns = item.at_ns,
        elapsed_ms = item.elapsed_ms,
        corrected_ms = item.corrected_ms,
        interval_ms = item.interval_ms,
        window_ms = %beat.estimate.window(),
        lateness_ms = item.lateness_ms,
        confidence = item.confidence,
        margin_ms = item.margin_ms,
        answer_us = item.answer_us,
        "decided"
    );
}

impl Played {
    /// Whether the server took its leave as one does: no code, or a normal one.
    fn left_in_peace(&self) -> bool {
        matches!(self.ending.cause, EndCause::PeerClosed)
            && matches!(
                self.ending.close.code,
                CloseReason::NORMAL | CloseReason::GOING_AWAY | CloseReason::NO_STATUS
            )
    }

    /// What came of a conversation that may end at any time.
    pub(super) fn ended(self) -> Result<Option<String>, Failure> {
        match self.standing {
            Standing::Won { secret } => Ok(Some(secret)),
            Standing::Enough => Ok(None),
            Standing::Playing if self.left_in_peace() => Ok(None),
            _ => Err(self.failure("")),
        }
    }

    /// What came of a conversation that is for the secret.
    pub(super) fn won(self) -> Result<String, Failure> {
        match self.standing {
            Standing::Won { secret } => Ok(secret),
            _ => Err(self.failure(", and told no secret")),
        }
    }

    /// Why it ended otherwise than it should have; `but` is what a farewell left open.
    fn failure(&self, but: &str) -> Failure {
        let after = match self.last_beats.back() {
            None => "before the first beat".to_owned(),
            Some(beat) => format!("after round {}", beat.round),
        };
        match &self.standing {
            Standing::Lost { round: None } => {
                return Kind::Lost.because(format_args!(
                    "ouch! {after}, when no answer was waiting for a verdict"
                ));
            }
            Standing::Lost { round: Some(round) } => {
                let reason = match &self.loss {
                    Some(loss) if loss.is_about_margins() => format!("{loss}; {}", self.margins()),
                    Some(loss) => loss.to_string(),
                    None => "its answer was wrong or too late".to_owned(),
                };
                return Kind::Lost.because(format_args!("ouch! in round {round}: {reason}"));
            }
            Standing::Expired => {
                let cause =
                    "the server says that the one-time token has expired or was used before";
                return Kind::Credentials
                    .because(cause)
                    .with_another_try_worth_it(true);
            }
            Standing::Playing | Standing::Enough | Standing::Won { .. } => {}
        }
        Failure::ended(&self.ending, &after, but)
    }

    fn margins(&self) -> String {
        let mut text = "margins of the last beats:".to_owned();
        for (index, beat) in self.last_beats.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let margin = beat.estimate.margin_ns() as f64 / 1e6;
            let _ = write!(text, "{comma} round {} {margin:.1} ms", beat.round);
        }
        text
    }
}
