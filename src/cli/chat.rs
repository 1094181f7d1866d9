mod account;
mod command;
mod company;
mod desk;
mod keyboard;
mod pipe;
mod session;
mod ticket;

use std::path::PathBuf;
use std::slice;
use std::time::Duration;

use clap::Args;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use self::desk::Desk;
use self::session::Session;
use self::ticket::PasswordSource;
use super::dialing::{Dial, Dialing};
use super::environment::Environment;
use super::failure::{Failure, Kind};
use super::stopping::stop_after;
use super::talking::{Manner, Staying, verdict};
use super::values::{OutputFormat, duration, user_name};
use super::{Context, seed, viewing};
use crate::conversation::chat::UserName;
use crate::link::{Address, Inbox, StopReason};
use crate::report::Outcome;

/// How many cues wait for a connection to take them up. It takes them up at once while there is one.
const INBOX: usize = 16;

/// Chat: say what is typed or piped in, and show what others say
#[derive(Debug, Args)]
#[command(
    after_help = "On a terminal, lines are edited, messages appear above them, and /help lists the \
                  commands. When standard input or output is no terminal, or with -o json, each line \
                  of standard input is said as it is, /commands too; the end of the input ends the \
                  chat, once all lines have come back from the server."
)]
pub(super) struct Arguments {
    /// The ws:// or wss:// address of a channel, such as ws://127.0.0.1:8765/chat/fishing
    url: String,

    /// The name to go by
    #[arg(long, value_parser = user_name, value_name = "NAME")]
    name: UserName,

    /// Get a one-time ticket for each connection, with the name and its password, which is asked for
    #[arg(long)]
    ticket: bool,

    /// Read the password for tickets from the first line of this file; implies --ticket
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Record the conversation; a second connection goes to NAME.2.EXT beside it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Stay after the end of the input, until Ctrl-C
    #[arg(long)]
    stay: bool,

    /// How long to go on trying to connect again; on a terminal and with --stay, there is no end to
    /// it
    #[arg(long, value_parser = duration, default_value = "60s", value_name = "TIME")]
    retry_for: Duration,

    /// End the chat after this long, whatever is left to be said [default: never]
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
    /// The ticket in the address, if there is one.
    ticket: Option<SecretString>,
    name: UserName,
    password: Option<PasswordSource>,
    record: Option<PathBuf>,
    manner: Manner,
    staying: Staying,
    retry_for: Duration,
    deadline: Option<Duration>,
    dial: Box<Dial>,
}

impl Arguments {
    /// Checks what can be checked before the first byte is sent.
    pub(super) fn configure(self) -> Result<Config, Failure> {
        let address: Address = self.url.parse().map_err(|error| {
            // The address may hold a ticket, and is not repeated.
            let advice = match self.url.contains("://") {
                true => "",
                false => "; write it like ws://HOST:PORT/chat/CHANNEL",
            };
            Kind::Usage.because(format_args!("the address to chat at: {error}{advice}"))
        })?;
        let ticket = address.query_value("ticket").map(SecretString::from);
        let password = match self.ticket || self.password_file.is_some() {
            true if ticket.is_some() => {
                return Err(Kind::Usage.because(
                    "there is a ticket in the address already: leave it out, or --ticket",
                ));
            }
            true => Some(PasswordSource::new(self.password_file)?),
            false => None,
        };
        let dial = self
            .dialing
            .configure(Environment::proxies()?, slice::from_ref(&address))?;
        let manner = Manner::of(self.output);
        let staying = Staying::of(manner, self.stay);
        Ok(Config {
            address,
            ticket,
            name: self.name,
            password,
            record: self.record,
            manner,
            staying,
            retry_for: self.retry_for,
            deadline: self.deadline,
            dial: Box::new(dial),
        })
    }
}

/// Runs the command.
pub(super) async fn run(config: Config, context: &mut Context<'_>) -> Result<Outcome, Failure> {
    stop_after(config.deadline, &context.stopper);
    let dialer = config.dial.dialer(context);
    if let Some(ticket) = &config.ticket {
        context.hide(ticket);
    }
    let tickets = match config.password {
        Some(source) => {
            ticket::warn_of_readers(&config.address, context);
            Some(source.tickets(&config.name, context).await?)
        }
        None => None,
    };
    let (live, keyboard) = (context.live.clone(), context.keyboard.clone());
    let (outlet, stopper) = (context.reporter.outlet(), context.stopper.clone());
    let desk = Desk::new(
        &mut *context.reporter,
        &mut *context.chatted,
        context.aside.clone(),
        &config.name,
        config.manner,
    );
    let mut session = Session::new(
        &desk,
        session::Settings {
            address: config.address,
            dialer,
            name: config.name,
            tickets,
            record: config.record,
            staying: config.staying,
            retry_for: config.retry_for,
        },
        seed::fresh()?,
        context.stop.clone(),
    );
    // A first connection that fails is not worth waiting for: something is wrong with the address,
    // or the like.
    let first = session.connect().await?;

    let (prompter, inbox) = Inbox::channel(INBOX);
    let leaving = CancellationToken::new();
    let talking = async {
        match config.manner {
            Manner::Typed => {
                let typed = desk.open_prompt(&live, viewing::colours(), keyboard)?;
                keyboard::attend(&desk, typed, &prompter, &leaving, &stopper).await
            }
            Manner::Piped => pipe::say_all(&desk, &prompter, config.staying, &leaving).await,
        }
    };
    // To stay for nobody would be for ever: `wsbeat chat … --stay | head`.
    let hung_up = async {
        if config.staying == Staying::UntilStopped {
            outlet.closed().await;
            stopper.stop(StopReason::Interrupted);
        }
        std::future::pending().await
    };
    let result = tokio::select! {
        biased;
        ended = talking => match ended {
            Ok(never) => match never {},
            Err(failure) => Err(failure),
        },
        result = session.hold_all(first, inbox, &leaving) => result,
        never = hung_up => never,
    };
    desk.close_prompt();
    verdict(result, desk.balance(), config.staying, config.manner)
}
