//! The commands: arguments in, exit code out. One file a command.
//!
//! Arguments become a validated configuration before the first byte of input or output: whatever
//! can be wrong with them is found then. A command that fails does so with a `Failure`, whose
//! `Kind` decides the exit code.

mod environment;
mod failure;
mod logging;
mod man;
mod play;
mod practice;
mod replay;
mod retry;
mod seed;
mod serve;
mod solve;
mod stopping;
mod values;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory, Parser, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime;

use crate::link::{Stop, Stopper};
use crate::report::{Item, Outcome, Redactor, Reporter, Tally, json};
use crate::server::Settings;
use environment::Environment;
use failure::{Failure, Kind};
use stopping::Signals;

/// Timed conversations over WebSockets: solves hackattic's "WebSocket chit chat", practises it,
/// replays it.
#[derive(Debug, Parser)]
#[command(name = "wsbeat", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// How to write the logs that RUST_LOG asks for, such as RUST_LOG=wsbeat=debug
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    log_format: logging::LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    Solve(solve::Arguments),
    Replay(replay::Arguments),
    Serve(serve::Arguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// A command whose arguments make sense.
enum Configured {
    Solve(solve::Config),
    Replay(replay::Config),
    Serve(Settings),
}

/// What every command works with.
struct Context<'a> {
    redactor: Redactor,
    reporter: &'a mut Reporter,
    tally: &'a mut Tally,
    stopper: Stopper,
    stop: Stop,
}

/// Runs the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let command = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &arguments),
    };
    let redactor = Redactor::default();
    let Err(error) = start(command, &redactor) else {
        return ExitCode::SUCCESS;
    };
    // The last words pass through the last door, too.
    let message = redactor.redact(&format!("{error:#}"));
    let _ = writeln!(io::stderr(), "error: {message}");
    let failure = error.downcast_ref::<Failure>();
    failure
        .map_or(Kind::Internal, |failure| failure.kind)
        .exit_code()
}

fn start(cli: Cli, redactor: &Redactor) -> anyhow::Result<()> {
    let format = match &cli.command {
        Command::Solve(arguments) => arguments.output,
        Command::Replay(arguments) => arguments.output,
        Command::Serve(arguments) => arguments.output,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "wsbeat", &mut script);
            return print(&script);
        }
        Command::Man => return print(&man::page(Cli::command())?),
    };
    let has_summary = !matches!(cli.command, Command::Serve(_));
    let mut reporter = Reporter::on_stdout(format.into(), redactor);
    let mut tally = Tally::default();

    let result = execute(cli, redactor, &mut reporter, &mut tally);

    if let Err(failure) = &result {
        reporter.report(&Item::Error(failure.item()));
    }
    if has_summary {
        let outcome = result
            .as_ref()
            .map_or_else(|failure| failure.kind.outcome(), |o| *o);
        reporter.report(&Item::Summary(tally.summary(outcome)));
    }
    let written = reporter.finish().context("writing to standard output");
    result?;
    written
}

fn execute(
    cli: Cli,
    redactor: &Redactor,
    reporter: &mut Reporter,
    tally: &mut Tally,
) -> Result<Outcome, Failure> {
    let environment = Environment::load()?;
    logging::start(cli.log_format, &environment, redactor, reporter.live())?;
    let configured = match cli.command {
        Command::Solve(arguments) => Configured::Solve(arguments.configure(&environment)?),
        Command::Replay(arguments) => Configured::Replay(arguments.configure()?),
        Command::Serve(arguments) => Configured::Serve(arguments.configure()?),
        // These have been dealt with: they need none of this.
        Command::Completions { .. } | Command::Man => return Ok(Outcome::Ended),
    };
    let runtime = match &configured {
        // A client has one conversation to attend to, and no other thread to wait for.
        Configured::Solve(_) | Configured::Replay(_) => runtime::Builder::new_current_thread(),
        Configured::Serve(_) => runtime::Builder::new_multi_thread(),
    }
    .enable_all()
    .build()
    .map_err(|error| Kind::Internal.because(format_args!("starting up: {error}")))?;

    let result = runtime.block_on(async {
        let signals = Signals::listen().map_err(|error| {
            Kind::Internal.because(format_args!("listening for signals: {error}"))
        })?;
        let (stopper, stop) = Stop::channel();
        let mut context = Context {
            redactor: redactor.clone(),
            reporter,
            tally,
            stopper: stopper.clone(),
            stop,
        };
        let work = async {
            match configured {
                Configured::Solve(config) => solve::run(config, &mut context).await,
                Configured::Replay(config) => replay::run(config, &mut context).await,
                Configured::Serve(settings) => serve::run(settings, &mut context).await,
            }
        };
        signals.govern(stopper, work).await
    });
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    result
}

impl Context<'_> {
    /// From now on this is not to be seen.
    fn hide(&self, secret: &SecretString) {
        self.redactor.hide(secret.expose_secret());
    }

    /// Tells a person of something that does not end the run, on standard error.
    fn say(&self, text: impl std::fmt::Display) {
        let text = self.redactor.redact(&text.to_string());
        self.reporter.live().aside(|| {
            // There is nobody to tell when this cannot be told.
            let _ = writeln!(io::stderr(), "wsbeat: {text}");
        });
    }
}

/// Says what is wrong with the arguments, also to scripts.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if asks_for_json(arguments) {
        let text = error.render().to_string();
        let cause = text.lines().next().unwrap_or_default();
        let failure = Kind::Usage.because(cause.trim_start_matches("error: "));
        let _ = json::write(&Item::Error(failure.item()), &mut io::stdout());
    }
    Kind::Usage.exit_code()
}

/// Whether arguments that make no sense as a whole still say clearly who is going to read the
/// error.
fn asks_for_json(arguments: &[OsString]) -> bool {
    let is = |argument: &OsString, text: &str| argument == text;
    let joined = ["-ojson", "-o=json", "--output=json"];
    let apart = |pair: &[OsString]| {
        (is(&pair[0], "-o") || is(&pair[0], "--output")) && is(&pair[1], "json")
    };
    let one = |argument| joined.iter().any(|text| is(argument, text));
    arguments.iter().any(one) || arguments.windows(2).any(apart)
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("writing to standard output")
        }
        _ => Ok(()),
    }
}
