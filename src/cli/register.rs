mod account;
mod command;
mod desk;
mod key_file;
mod keyboard;
mod known;
mod pipe;

use std::path::{Path, PathBuf};
use std::slice;
use std::time::Duration;

use clap::Args;
use reqwest::StatusCode;
use tracing::Instrument;

use self::account::Account;
use self::desk::Desk;
use self::key_file::{FileId, Kept};
use super::dialing::{Dial, Dialing};
use super::environment::Environment;
use super::failure::{Failure, Kind};
use super::play::{begin_recording, open_recording};
use super::plot::is_same;
use super::stopping::{aside_unless_stopped, stop_after, unless_stopped};
use super::talking::{Manner, Staying, verdict};
use super::values::{OutputFormat, duration, public_key};
use super::{Context, seed, viewing};
use crate::conversation::latency::{KeepAlive, KeepAliveSettings};
use crate::conversation::registration::{KeyPair, PublicKey, Registrant, RegistrantSettings};
use crate::link::{Address, DialError, Dialed, Inbox, Limits, StopReason, drive_with_cues};
use crate::recording::{Conversation, RecordingFile};
use crate::report::{Item, KeyItem, OpenItem, Outcome};

/// How many cues wait for the connection to take them up, which it does at once.
const INBOX: usize = 16;

/// Register an Ed25519 key by signing what the server asks, and talk to others who have
#[derive(Debug, Args)]
#[command(
    after_help = "A signature is only given for a challenge that names the host which was dialled. \
                  On a terminal, lines are edited, messages appear above them, and /help lists the \
                  commands. When standard input or output is no terminal, or with -o json, each line \
                  of standard input is said as it is, /commands too; the end of the input ends the \
                  registration, once all lines have been passed on. A connection that is lost is not \
                  opened again."
)]
pub(super) struct Arguments {
    /// The ws:// or wss:// address of a registration, such as ws://127.0.0.1:8765/register
    url: String,

    /// Register the key in this file; if there is no such file, a new key is kept there [default: a
    /// new key for this run only]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// Say lines to this public key alone [default: to everybody]
    // One key in 64 begins with a hyphen.
    #[arg(long, value_parser = public_key, value_name = "KEY", allow_hyphen_values = true)]
    to: Option<PublicKey>,

    /// Record the conversation
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Stay after the end of the input, until Ctrl-C
    #[arg(long)]
    stay: bool,

    /// End it after this long, whatever is left to be said [default: never]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    deadline: Option<Duration>,

    /// Lines for people, or one JSON object a line
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) output: OutputFormat,

    #[command(flatten)]
    dialing: Dialing,
}

/// A run that makes sense.
pub(super) struct Config {
    address: Address,
    /// `None` if there is to be a new one.
    key: Option<Kept>,
    key_file: Option<PathBuf>,
    to: Option<PublicKey>,
    record: Option<PathBuf>,
    manner: Manner,
    staying: Staying,
    deadline: Option<Duration>,
    dial: Box<Dial>,
}

impl Arguments {
    /// Checks what can be checked before the first byte is sent. A new key is made later, when all
    /// else is in order.
    pub(super) fn configure(self) -> Result<Config, Failure> {
        let address: Address = self.url.parse().map_err(|error| {
            // The address may hold a secret, and is not repeated.
            let advice = match self.url.contains("://") {
                true => "",
                false => "; write it like ws://HOST:PORT/register",
            };
            Kind::Usage.because(format_args!("the address to register at: {error}{advice}"))
        })?;
        if let (Some(key), Some(record)) = (&self.key, &self.record)
            && is_same(key, record)
        {
            return Err(would_overwrite(key));
        }
        let dial = self
            .dialing
            .configure(Environment::proxies()?, slice::from_ref(&address))?;
        let key = match &self.key {
            None => None,
            Some(path) => key_file::load(path)?,
        };
        let manner = Manner::of(self.output);
        Ok(Config {
            address,
            key,
            key_file: self.key,
            to: self.to,
            record: self.record,
            manner,
            staying: Staying::of(manner, self.stay),
            deadline: self.deadline,
            dial: Box::new(dial),
        })
    }
}

/// Runs the command.
pub(super) async fn run(config: Config, context: &mut Context<'_>) -> Result<Outcome, Failure> {
    stop_after(config.deadline, &context.stopper);
    let dialer = config.dial.dialer(context);
    // Before a key is made: a recording that cannot be written leaves no new key behind.
    let record = match config.record {
        None => None,
        Some(path) => Some(open_recording(&mut context.stop, path).await?),
    };
    let kept = key_apart_from(
        record.as_ref(),
        config.key,
        config.key_file.as_deref(),
        context,
    )
    .await?;
    let Kept { key, is_new, .. } = kept;
    let public_key = key.public_key();
    context.registered.set_key(public_key);
    context.reporter.report(&Item::Key(KeyItem {
        public_key,
        file: config.key_file.map(|path| path.display().to_string()),
        is_new,
    }));
    context.reporter.wait_for("connecting");
    let dialed = unless_stopped(&mut context.stop, dialer.dial(&config.address)).await?;
    let dialed = dialed.map_err(advise)?;

    let (live, keyboard) = (context.live.clone(), context.keyboard.clone());
    let (outlet, stopper) = (context.reporter.outlet(), context.stopper.clone());
    let desk = Desk::new(
        &mut *context.reporter,
        &mut *context.registered,
        context.aside.clone(),
        public_key,
        config.to,
    );
    desk.arrive(OpenItem::new(1, &config.address, &dialed));
    let Dialed {
        connection,
        kernel,
        host,
        ..
    } = dialed;
    // It would keep the socket open beyond the end of the conversation.
    drop(kernel);
    let mut account = Account::new(&desk, host.clone(), stopper.clone());
    if let Some(mut file) = record {
        let conversation = Conversation::Registration;
        account.record(begin_recording(&mut file, conversation, &config.address));
    }
    let registrant = Registrant::new(RegistrantSettings { host, key });
    let mut party = KeepAlive::new(registrant, Some(KeepAliveSettings::default()));
    let (prompter, mut inbox) = Inbox::channel(INBOX);
    let talking = async {
        match config.manner {
            Manner::Typed => {
                let typed = desk.open_prompt(&live, viewing::colours(), keyboard)?;
                keyboard::attend(&desk, typed, &prompter, &stopper).await
            }
            Manner::Piped => pipe::say_all(&desk, &prompter, config.staying).await,
        }
    };
    // To stay for nobody would be for ever: `wsbeat register … --stay | head`.
    let hung_up = async {
        if config.staying == Staying::UntilStopped {
            outlet.closed().await;
            stopper.stop(StopReason::Interrupted);
        }
        std::future::pending().await
    };
    let held = drive_with_cues(
        connection,
        &mut party,
        &mut inbox,
        &mut account,
        Limits::default(),
        &mut context.stop,
    );
    let ended = tokio::select! {
        biased;
        ended = talking => match ended {
            Ok(never) => match never {},
            Err(failure) => Err(failure),
        },
        ending = held.instrument(tracing::debug_span!("registrant")) => Ok(ending),
        never = hung_up => never,
    };
    let result = ended.and_then(|ending| account.over(&ending));
    desk.close_prompt();
    verdict(result, desk.balance(), config.staying, config.manner)
}

/// The key that has been loaded, or a new one, kept where that is wanted. What is recorded must not
/// take its place, under whatever name: nothing has been written there yet.
async fn key_apart_from(
    record: Option<&RecordingFile>,
    loaded: Option<Kept>,
    path: Option<&Path>,
    context: &mut Context<'_>,
) -> Result<Kept, Failure> {
    let record = match record.map(RecordingFile::metadata).transpose() {
        Ok(found) => found.as_ref().and_then(FileId::of),
        Err(error) => {
            return Err(Kind::Recording.because(format_args!("looking at the recording: {error}")));
        }
    };
    let overwrites = |key: Option<FileId>| record.is_some() && record == key;
    let kept = match (loaded, path) {
        (Some(kept), _) => kept,
        (None, None) => Kept {
            key: new_key()?,
            is_new: true,
            id: None,
        },
        // A link that led to where the key was going to be has made it the recording.
        (None, Some(path)) if overwrites(FileId::at(path)) => return Err(would_overwrite(path)),
        (None, Some(path)) => {
            let (path, new) = (path.to_owned(), new_key()?);
            let make = move || key_file::make(&path, new);
            aside_unless_stopped(&mut context.stop, make).await??
        }
    };
    match path {
        Some(path) if overwrites(kept.id) => Err(would_overwrite(path)),
        _ => Ok(kept),
    }
}

fn new_key() -> Result<KeyPair, Failure> {
    seed::secret().map(KeyPair::from_seed)
}

fn would_overwrite(key: &Path) -> Failure {
    Kind::Usage.because(format_args!(
        "--record would overwrite the key in {}: name another file",
        key.display()
    ))
}

/// What to do about an upgrade that was refused.
fn advise(error: DialError) -> Failure {
    let status = match &error {
        DialError::Refused { refusal, .. } => Some(refusal.status()),
        _ => None,
    };
    match status {
        Some(StatusCode::MISDIRECTED_REQUEST) => Kind::Unreachable.because(format_args!(
            "{error}; if it is a wsbeat serve, --host HOST there lets it answer for the host in \
             this address"
        )),
        Some(StatusCode::NOT_FOUND) => Kind::Unreachable.because(format_args!(
            "{error}; a registration's address is like ws://HOST:PORT/register"
        )),
        _ => error.into(),
    }
}
