use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::slice;
use std::time::SystemTime;

use clap::Args;

use super::Context;
use super::dialing::{Dial, Dialing};
use super::environment::Environment;
use super::failure::{Failure, Kind};
use super::play::{Keeping, Limiting, draw_beats, log_decision, open_recording, play};
use super::plot::{PlotFile, PlotPath, open_plot, plot_path};
use super::retry::{by_attempt, path_of_attempt};
use super::stopping::{aside_unless_stopped, stop_after, unless_stopped};
use super::values::{OutputFormat, count, estimator};
use crate::conversation::challenge::{EstimatorKind, Player, PlayerEvent, PlayerSettings};
use crate::conversation::chat::Witness;
use crate::conversation::registration;
use crate::hackattic::{OneTimeToken, conceal_token};
use crate::link::Address;
use crate::recording::{
    self, Conversation, Header, ReadError, Recording, Signatory, recorded_answers,
    recorded_signatory,
};
use crate::report::plot::Beats;
use crate::report::{BeatItem, ChatItem, ErrorItem, Item, Outcome, Recorded, RegistrationItem};

/// How many items of a recording are reported before there has to be room for more.
const ITEMS_AT_A_TIME: usize = 256;

/// Play a live ping server without token or submission, judge recordings again, or read chats and
/// registrations again
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A ws:// or wss:// address to play live, or the files of recordings: of the challenge, of
    /// chats, of registrations
    #[arg(required = true, value_name = "TARGET")]
    targets: Vec<PathBuf>,

    /// Leave after this many rounds [default: when the server ends it]
    #[arg(long, value_parser = count, value_name = "N")]
    rounds: Option<NonZeroU32>,

    /// What makes answers of the stamps of the beats
    #[arg(long, value_parser = estimator(), default_value_t, value_name = "NAME")]
    estimator: EstimatorKind,

    /// Record the conversation, if it is a live one
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Draw a picture of the beats, .svg or .png; of one conversation, live or recorded
    #[arg(long, value_parser = plot_path(), value_name = "FILE")]
    plot: Option<PlotPath>,

    /// Lines for people, or one JSON object a line
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) output: OutputFormat,

    #[command(flatten)]
    limiting: Limiting,

    #[command(flatten)]
    dialing: Dialing,
}

/// A run that makes sense.
pub(super) struct Config {
    targets: Targets,
    player: PlayerSettings,
    plot: Option<PlotPath>,
    limiting: Limiting,
}

enum Targets {
    Live {
        address: Address,
        /// The one-time token in the address, if there is one.
        token: Option<OneTimeToken>,
        record: Option<PathBuf>,
        dial: Box<Dial>,
    },
    Recordings(Vec<PathBuf>),
}

impl Arguments {
    /// Checks what can be checked before the first byte is sent or read.
    pub(super) fn configure(self) -> Result<Config, Failure> {
        if let Some(plot) = &self.plot {
            for path in self.targets.iter().chain(&self.record) {
                plot.is_apart_from(path)?;
            }
            if self.targets.len() > 1 {
                return Err(Kind::Usage
                    .because("--plot draws one conversation: name one recording at a time"));
            }
        }
        let live =
            |target: &PathBuf| Some(target.to_str()?.to_owned()).filter(|it| it.contains("://"));
        let targets = match (self.targets.iter().find_map(live), &self.record) {
            (Some(address), _) if self.targets.len() == 1 => {
                let address = address.parse().map_err(|error| {
                    // The address may hold a token, and is not repeated.
                    Kind::Usage.because(format_args!("the address to play: {error}"))
                })?;
                let (address, token) = conceal_token(address);
                let proxies = Environment::proxies()?;
                let dial = self.dialing.configure(proxies, slice::from_ref(&address))?;
                Targets::Live {
                    address,
                    token,
                    record: self.record,
                    dial: Box::new(dial),
                }
            }
            (Some(_), _) => {
                return Err(Kind::Usage
                    .because("a live address is played alone: leave out the other targets"));
            }
            (None, Some(_)) => {
                return Err(Kind::Usage.because(
                    "--record records a live conversation, and these targets are recordings",
                ));
            }
            (None, None) => Targets::Recordings(self.targets),
        };
        Ok(Config {
            targets,
            plot: self.plot,
            player: PlayerSettings {
                estimator: self.estimator,
                round_limit: self.rounds,
            },
            limiting: self.limiting,
        })
    }
}

/// Runs the command.
pub(super) async fn run(config: Config, context: &mut Context<'_>) -> Result<Outcome, Failure> {
    stop_after(config.limiting.deadline, &context.stopper);
    let player = || Player::new(config.player);
    match config.targets {
        Targets::Live {
            address,
            token,
            record,
            dial,
        } => {
            let dialer = dial.dialer(context);
            if let Some(token) = &token {
                context.hide(token);
            }
            context.tally.begin_attempt();
            let record = match record {
                None => None,
                Some(path) => Some(open_recording(&mut context.stop, path).await?),
            };
            let plot = open_plot(&mut context.stop, config.plot.as_ref()).await?;
            context.reporter.wait_for("connecting");
            let dialed = unless_stopped(&mut context.stop, dialer.dial(&address)).await??;
            let played = play(
                context,
                &address,
                dialed,
                player(),
                &config.limiting,
                Keeping { record, plot },
            );
            Ok(match played.await.ended()? {
                Some(_secret) => Outcome::Solved,
                None => Outcome::Ended,
            })
        }
        Targets::Recordings(paths) => {
            // There is one recording then.
            let mut plot = open_plot(&mut context.stop, config.plot.as_ref()).await?;
            let mut unreadable = 0;
            let mut chats = Chats::default();
            let paths = by_attempt(paths);
            for path in &paths {
                let replayed = replay(context, path, player(), &mut chats, plot.take());
                if let Err(failure) = replayed.await {
                    // The last word on a single one is the program's, and a stop is no matter of
                    // the recording.
                    if paths.len() == 1 || failure.kind != Kind::Recording {
                        return Err(failure);
                    }
                    unreadable += 1;
                    complain(context, &failure, path);
                }
            }
            if unreadable > 0 {
                return Err(Kind::Recording.because(format_args!(
                    "{unreadable} of {} recordings could not be read",
                    paths.len()
                )));
            }
            Ok(Outcome::Ended)
        }
    }
}

/// The connections of one chat, as far as they have been told: each has a file of its own.
#[derive(Debug, Default)]
struct Chats {
    first: PathBuf,
    connections: u32,
    /// When the latest of them was opened.
    started_at: Option<SystemTime>,
    witness: Witness,
}

impl Chats {
    /// Who tells the chat in this file: the witness of the one before, if it is the next of the same.
    fn witness(&mut self, path: &Path, header: &Header) -> &mut Witness {
        self.connections += 1;
        let started_at = humantime::parse_rfc3339_weak(&header.started_at).ok();
        // Of two runs that were recorded under the same name, the second may have had fewer
        // connections: what is left of the first is older, then. Times that cannot be read are not
        // in any order.
        let is_later = started_at.is_some() && self.started_at < started_at;
        let is_next = path == path_of_attempt(&self.first, self.connections);
        if self.connections > 1 && is_next && is_later {
            self.witness = std::mem::take(&mut self.witness).of_next_connection();
            self.started_at = started_at;
        } else {
            *self = Chats {
                first: path.to_owned(),
                connections: 1,
                started_at,
                witness: Witness::default(),
            };
        }
        &mut self.witness
    }
}

/// Replays a recording, and draws it, if that is wanted.
async fn replay(
    context: &mut Context<'_>,
    path: &Path,
    player: Player,
    chats: &mut Chats,
    plot: Option<PlotFile>,
) -> Result<(), Failure> {
    let name = path.display().to_string();
    let file = path.to_owned();
    let recording = aside_unless_stopped(&mut context.stop, move || Recording::open(&file)).await?;
    let recording = recording.map_err(|error| {
        let advice = match &error {
            ReadError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                "; a live address begins with ws:// or wss://"
            }
            _ => "",
        };
        Kind::Recording.because(format_args!("{name}: {error}{advice}"))
    })?;
    let items = match (recording.header.conversation, plot) {
        (Conversation::Challenge, plot) => judge(context, &name, &recording, player, plot).await,
        (Conversation::Chat, None) => {
            let witness = chats.witness(path, &recording.header);
            retell(context, &name, &recording, witness)
        }
        (Conversation::Registration, None) => tell_registration(context, &name, &recording),
        (other @ (Conversation::Chat | Conversation::Registration), Some(_)) => {
            let what = match other {
                Conversation::Registration => "registration",
                _ => "chat",
            };
            return Err(Kind::Usage.because(format_args!(
                "--plot draws the beats of the challenge, and {name} is a {what}: leave out --plot"
            )));
        }
    };
    for some in items.chunks(ITEMS_AT_A_TIME) {
        // Recordings can wait for a slow reader.
        unless_stopped(&mut context.stop, context.reporter.room()).await?;
        for item in some {
            context.reporter.report(item);
        }
    }
    if let Some(cut) = recording.cut {
        let failure = Kind::Recording.because(format_args!(
            "{name}: line {} is cut off; what stands before it was replayed",
            cut.line
        ));
        complain(context, &failure, path);
    }
    Ok(())
}

/// Judges the rounds of a recorded challenge again.
async fn judge(
    context: &mut Context<'_>,
    name: &str,
    recording: &Recording,
    mut player: Player,
    plot: Option<PlotFile>,
) -> Vec<Item> {
    context.tally.begin_recording();
    let answers = recorded_answers(recording);
    let mut answers = answers.into_iter();
    let mut items = Vec::new();
    let mut beats = plot.is_some().then(Beats::default);
    let ignore = |_at, _message| {};
    recording::replay(recording, &mut player, ignore, |event| {
        match &event {
            PlayerEvent::Beat(beat) => {
                let Some(answer) = answers.next() else {
                    return;
                };
                let item = BeatItem::new(beat, Some(Recorded::new(name, answer)));
                log_decision(&item, beat);
                if item.differs() {
                    context.tally.differs();
                }
                items.push(Item::Beat(item));
            }
            PlayerEvent::Verdict { .. } => {
                items.extend(Item::from_event(&event, Some(name)));
            }
            // What else was said then is in the recording.
            _ => {}
        }
        context.tally.count(&event);
        if let Some(beats) = &mut beats {
            beats.count(&event);
        }
    });
    if let (Some(file), Some(beats)) = (plot, beats) {
        let title = format!("{name}: {}", recording.header.url);
        draw_beats(context, file, &title, beats).await;
    }
    items
}

/// Tells what was heard in a recorded chat.
fn retell(
    context: &mut Context<'_>,
    name: &str,
    recording: &Recording,
    witness: &mut Witness,
) -> Vec<Item> {
    let tally = context.tally.begin_chat();
    let mut items = Vec::new();
    let ignore = |_at, _message| {};
    recording::replay(recording, witness, ignore, |event| {
        tally.count(&event);
        items.push(Item::Chat(ChatItem::new(&event, Some(name))));
    });
    items
}

/// Tells what happened in a recorded registration, and verifies its signatures anew.
fn tell_registration(context: &mut Context<'_>, name: &str, recording: &Recording) -> Vec<Item> {
    let tally = context.tally.begin_registration();
    let mut items = Vec::new();
    let Signatory { host, key } = recorded_signatory(recording);
    let mut witness = match host {
        Some(host) => registration::Witness::of_host(host),
        None => registration::Witness::default(),
    };
    let ignore = |_at, _message| {};
    recording::replay(recording, &mut witness, ignore, |event| {
        if let Some(item) = RegistrationItem::new(&event, key, Some(name)) {
            tally.count(&item.news);
            items.push(Item::Registration(item));
        }
    });
    items
}

/// Tells of a failure that does not end the run.
fn complain(context: &mut Context<'_>, failure: &Failure, path: &Path) {
    context.reporter.report(&Item::Error(ErrorItem {
        recording: Some(path.display().to_string()),
        ..failure.item()
    }));
    context.aside.say(failure);
}
