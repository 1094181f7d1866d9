use std::collections::HashSet;
use std::io;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::Context;
use super::failure::{Failure, Kind};
use super::play::open_recording;
use super::stopping::aside_unless_stopped;
use super::values::{OutputFormat, estimator, hosted_rounds, model, sessions};
use crate::conversation::challenge::EstimatorKind;
use crate::conversation::{Stamp, WireEvent};
use crate::recording::{Header, RecordingFile};
use crate::report::{Item, Outcome, SimulatingItem, SimulationItem};
use crate::simulation::{Batch, Contestant, Model, Progress, Results, Session};

/// How many rounds a session has if nobody says otherwise.
const DEFAULT_ROUNDS: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(100);

/// How many signs the whole progress bar has.
const BAR: usize = 30;

/// Play many games across modelled networks, in no time, and count how many are won
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The network; may be given several times [default: all of them]
    #[arg(long = "model", value_parser = model(), value_name = "MODEL")]
    models: Vec<Model>,

    /// What makes answers of the stamps of the beats; may be given several times [default: all].
    /// Beside them plays an oracle, which knows the intervals and loses only when no answer could be
    /// in time
    #[arg(long = "estimator", value_parser = estimator(), value_name = "NAME")]
    estimators: Vec<EstimatorKind>,

    /// How many sessions are played on each network
    #[arg(long, default_value = "10000", value_parser = sessions, value_name = "N")]
    sessions: NonZeroU64,

    /// How many rounds a session has
    #[arg(long, default_value_t = DEFAULT_ROUNDS, value_parser = hosted_rounds, value_name = "N")]
    rounds: NonZeroU32,

    /// What everything is drawn from
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,

    /// Play only the session of this number, counted from zero; takes one --model and one --estimator
    #[arg(long, conflicts_with = "sessions", value_name = "NUMBER")]
    session: Option<u64>,

    /// Record that session, as its player sees it; `wsbeat replay` shows it
    #[arg(long, requires = "session", value_name = "FILE")]
    record: Option<PathBuf>,

    /// Lines for people, or one JSON object a line
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) output: OutputFormat,
}

/// A run that makes sense.
pub(super) struct Config {
    models: Vec<Model>,
    contestants: Vec<Contestant>,
    rounds: u32,
    seed: u64,
    playing: Playing,
}

/// Which sessions are played.
enum Playing {
    Many(u64),
    One {
        number: u64,
        record: Option<PathBuf>,
    },
}

impl Arguments {
    /// Checks what can be checked before anything is played.
    pub(super) fn configure(self) -> Result<Config, Failure> {
        let mut contestants = self.estimators;
        let playing = match self.session {
            None => Playing::Many(self.sessions.get()),
            Some(number) if self.models.len() == 1 && contestants.len() == 1 => Playing::One {
                number,
                record: self.record,
            },
            Some(_) => {
                return Err(Kind::Usage.because(
                    "--session is a session of one --model, played with one --estimator: name them",
                ));
            }
        };
        if contestants.is_empty() {
            contestants.extend(EstimatorKind::ALL);
        }
        let mut named = HashSet::new();
        contestants.retain(|estimator| named.insert(estimator.name()));
        let contestants = contestants.into_iter().map(Contestant::Estimator);
        // Without it the figures of the others would have no measure.
        let oracle = matches!(playing, Playing::Many(_)).then_some(Contestant::Oracle);
        let mut models = self.models;
        if models.is_empty() {
            models.extend(Model::ALL);
        }
        models.retain(|model| named.insert(model.name));
        Ok(Config {
            models,
            contestants: oracle.into_iter().chain(contestants).collect(),
            rounds: self.rounds.get(),
            seed: self.seed,
            playing,
        })
    }
}

/// Runs the command.
pub(super) async fn run(config: Config, context: &mut Context<'_>) -> Result<Outcome, Failure> {
    let Config {
        models,
        contestants,
        rounds,
        seed,
        playing,
    } = config;
    let (sessions, session) = match playing {
        Playing::Many(sessions) => (sessions, None),
        Playing::One { number, .. } => (1, Some(number)),
    };
    let mut record = match &playing {
        Playing::One {
            record: Some(path), ..
        } => Some(open_recording(&mut context.stop, path.clone()).await?),
        _ => None,
    };
    let mut written = Ok(());
    context.reporter.report(&Item::Simulating(SimulatingItem {
        models: models.iter().map(|model| model.name).collect(),
        estimators: contestants.iter().map(|one| one.name()).collect(),
        sessions,
        session,
        rounds,
        seed,
    }));
    for model in models {
        for &contestant in &contestants {
            let results = match &playing {
                Playing::Many(sessions) => {
                    let batch = Batch {
                        model,
                        contestant,
                        rounds,
                        seed,
                        sessions: *sessions,
                    };
                    play(context, batch).await?
                }
                Playing::One { number, .. } => {
                    let session = Session {
                        model,
                        rounds,
                        seed,
                        number: *number,
                    };
                    let work = move || session.record(contestant);
                    let recorded = aside_unless_stopped(&mut context.stop, work).await?;
                    let (header, events, played) = recorded;
                    if let Some(file) = &mut record {
                        written = write(file, &header, &events);
                    }
                    let mut results = Results::default();
                    results.count(&played);
                    results
                }
            };
            let item = SimulationItem::new(model.name, contestant.name(), rounds, seed, results);
            context.reporter.report(&Item::Simulation(item));
        }
    }
    written.map_err(|error| {
        Kind::Recording.because(format_args!("the recording cannot be written: {error}"))
    })?;
    Ok(Outcome::Ended)
}

/// Plays a batch on all cores, and shows how far it has come.
async fn play(context: &mut Context<'_>, batch: Batch) -> Result<Results, Failure> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let progress = Arc::new(Progress::default());
    let title = |played: u64| {
        let of = |whole: u64| played.saturating_mul(whole) / batch.sessions.max(1);
        let done = "#".repeat(usize::try_from(of(BAR as u64)).unwrap_or(BAR));
        let (model, name, percent) = (batch.model, batch.contestant.name(), of(100));
        format!("{model:<10} {name:<8} [{done:<BAR$}] {percent:>3} % …")
    };
    context.reporter.wait_for(&title(0));
    let shared = Arc::clone(&progress);
    let playing = tokio::task::spawn_blocking(move || batch.run(threads, &shared));
    let mut playing = std::pin::pin!(playing);
    let mut stopped = None;
    let results = loop {
        tokio::select! {
            results = playing.as_mut() => break results,
            reason = context.stop.requested(), if stopped.is_none() => {
                progress.stop();
                stopped = Some(reason);
            }
            () = tokio::time::sleep(TICK) => {
                context.reporter.still_wait_for(&title(progress.played()));
            }
        }
    };
    match stopped {
        Some(reason) => Err(reason.into()),
        None => results.map_err(|error| Kind::Internal.because(error)),
    }
}

/// Writes a recording of a session that is over.
fn write(
    file: &mut RecordingFile,
    header: &Header,
    events: &[(Stamp, WireEvent)],
) -> io::Result<()> {
    let mut recorder = file.begin(header)?;
    for (at, event) in events {
        recorder.record(*at, event)?;
    }
    Ok(())
}
