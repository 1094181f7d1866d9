//! The commands: arguments in, exit code out. One file a command.
//!
//! Arguments become a validated configuration before the first byte of input or output: whatever
//! can be wrong with them is found then. A command that fails does so with a `Failure`, whose
//! `Kind` decides the exit code.

mod chat;
mod dialing;
mod environment;
mod failure;
mod last;
mod logging;
mod man;
mod passwd;
mod ping;
mod play;
mod plot;
mod practice;
mod prompt;
mod register;
mod replay;
mod retry;
mod seed;
mod serve;
mod simulate;
mod solve;
mod stopping;
mod talking;
mod ticketing;
mod values;
mod viewing;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{CommandFactory, Parser, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime;
use tokio::time::timeout;

use crate::link::{Printable, Stop, Stopper};
use crate::report::{
    ChatTally, Item, Job, Live, Outcome, Outlet, PingTallies, Redactor, RegistrationTally,
    Reporter, Tally, json,
};
use crate::server::Settings;
use environment::Environment;
use failure::{Failure, Kind};
use last::{Last, Tallies};
use stopping::{Keyboard, Signals, aside_unless_stopped};
use values::OutputFormat;

/// Timed conversations over WebSockets: solves hackattic's "WebSocket chit chat", practises it,
/// replays it, and measures the round trips of any server.
#[derive(Debug, Parser)]
#[command(name = "wsbeat", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    // It comes last in every command's help, after the command's own.
    /// How to write the logs that RUST_LOG asks for, such as RUST_LOG=wsbeat=debug
    #[arg(
        long,
        global = true,
        display_order = 1000,
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
    Ping(ping::Arguments),
    Chat(chat::Arguments),
    Register(register::Arguments),
    Serve(serve::Arguments),
    Passwd(passwd::Arguments),
    Simulate(simulate::Arguments),
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
    Ping(ping::Config),
    Chat(chat::Config),
    Register(Box<register::Config>),
    Serve(Box<Settings>),
    Passwd(passwd::Arguments),
    Simulate(simulate::Config),
}

/// What every command works with.
struct Context<'a> {
    redactor: Redactor,
    reporter: &'a mut Reporter,
    aside: Aside,
    tally: &'a mut Tally,
    pinged: PingTallies,
    chatted: &'a mut ChatTally,
    registered: &'a mut RegistrationTally,
    live: Live,
    keyboard: Keyboard,
    stopper: Stopper,
    stop: Stop,
}

/// Runs the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &arguments),
    };
    let printed = match &cli.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "wsbeat", &mut script);
            print(&script)
        }
        Command::Man => man::page(Cli::command())
            .context("making the manual page")
            .and_then(|page| print(&page)),
        Command::Solve(_)
        | Command::Replay(_)
        | Command::Ping(_)
        | Command::Chat(_)
        | Command::Register(_)
        | Command::Serve(_)
        | Command::Passwd(_)
        | Command::Simulate(_) => conduct(cli),
    };
    code_of(printed)
}

/// The exit code, after what went wrong has been told.
fn code_of(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            Kind::Internal.exit_code()
        }
    }
}

/// Runs a command within a runtime.
fn conduct(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = match &cli.command {
        // Many conversations at once, and each is to beat on time.
        Command::Serve(_) => runtime::Builder::new_multi_thread(),
        // One conversation, and no other thread to hand it to; in practice, its other end as well.
        _ => runtime::Builder::new_current_thread(),
    }
    .enable_all()
    .build()
    .context("starting up")?;
    let code = runtime.block_on(report(cli));
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    code
}

/// How long the reader of a server's output may take over the rest of it, once the server has ended.
const SERVERS_READER: Duration = Duration::from_secs(1);

/// Runs a command, and reports what came of it.
async fn report(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen().context("listening for signals")?;
    let redactor = Redactor::default();
    let is_server = matches!(cli.command, Command::Serve(_));
    let (format, last) = match &cli.command {
        Command::Solve(arguments) => (arguments.output, Last::Rounds),
        Command::Replay(arguments) => (arguments.output, Last::Rounds),
        Command::Ping(arguments) => (arguments.output, Last::RoundTrips),
        Command::Chat(arguments) => (arguments.output, Last::Chat),
        Command::Register(arguments) => (arguments.output, Last::Registration),
        Command::Serve(arguments) => (arguments.output, Last::Nothing),
        Command::Passwd(_) => (OutputFormat::Text, Last::Nothing),
        Command::Simulate(arguments) => (arguments.output, Last::Nothing),
        Command::Completions { .. } | Command::Man => (OutputFormat::Text, Last::Nothing),
    };
    let (mut reporter, live) = Reporter::on_stdout(format.into(), &redactor)?;
    // Somewhere else, standard error is in nobody's way.
    let beside = if io::stderr().is_terminal() {
        live.clone()
    } else {
        Live::off()
    };
    let stderr = Outlet::new(move |job| match job {
        Job::Write(text) => beside.aside(&text, |text| io::stderr().write_all(text)),
        Job::Count(_) | Job::Retitle(_) | Job::Clear => Ok(()),
    })?;
    let aside = Aside {
        redactor: redactor.clone(),
        outlet: stderr,
    };
    let mut tallies = Tallies::default();
    let (stopper, stop) = Stop::channel();
    let mut context = Context {
        redactor,
        reporter: &mut reporter,
        aside: aside.clone(),
        tally: &mut tallies.rounds,
        pinged: tallies.pinged.clone(),
        chatted: &mut tallies.chat,
        registered: &mut tallies.registration,
        live,
        keyboard: signals.keyboard(),
        stopper: stopper.clone(),
        stop,
    };

    let stdout = context.reporter.outlet();
    let show = || stdout.send(Job::Clear);
    let work = execute(cli, &mut context);
    let mut result = signals.govern(&stopper, show, work).await;

    if let Err(failure) = &result {
        reporter.report(&Item::Error(failure.item()));
    }
    let outcome = match &result {
        Ok(outcome) => *outcome,
        Err(failure) => failure.kind.outcome(),
    };
    for summary in last.summaries(tallies, outcome) {
        reporter.report(&summary);
    }
    // All of it is to be read, however long that takes, unless a signal says otherwise. What ended a
    // server was one, and a service manager waits for it.
    let read = async {
        match is_server {
            false => reporter.finish().await,
            true => timeout(SERVERS_READER, reporter.finish())
                .await
                .unwrap_or(Ok(())),
        }
    };
    let unwritten = match signals.or(read).await {
        Some(Ok(())) => None,
        Some(Err(error)) => {
            Some(Kind::Internal.because(format_args!("writing to standard output: {error}")))
        }
        None => Some(Kind::Interrupted.because("interrupted before all output was read")),
    };
    if let Some(failure) = unwritten {
        result = result.and(Err(failure));
    }
    let code = match &result {
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => {
            aside.last_words(failure);
            failure.kind.exit_code()
        }
    };
    // There is nobody left to tell of an error.
    let emptied = async {
        match is_server {
            false => drop(aside.outlet.emptied().await),
            true => drop(timeout(SERVERS_READER, aside.outlet.emptied()).await),
        }
    };
    let _ = signals.or(emptied).await;
    Ok(code)
}

/// Makes a configuration of the arguments, the environment, and the files that they name.
fn configure(command: Command, environment: &Environment) -> Result<Configured, Failure> {
    match command {
        Command::Solve(arguments) => Ok(Configured::Solve(arguments.configure(environment)?)),
        Command::Replay(arguments) => Ok(Configured::Replay(arguments.configure()?)),
        Command::Ping(arguments) => Ok(Configured::Ping(arguments.configure()?)),
        Command::Chat(arguments) => Ok(Configured::Chat(arguments.configure()?)),
        Command::Register(arguments) => Ok(Configured::Register(Box::new(arguments.configure()?))),
        Command::Serve(arguments) => Ok(Configured::Serve(Box::new(arguments.configure()?))),
        Command::Passwd(arguments) => Ok(Configured::Passwd(arguments)),
        Command::Simulate(arguments) => Ok(Configured::Simulate(arguments.configure()?)),
        Command::Completions { .. } | Command::Man => {
            Err(Kind::Internal.because("this command needs no configuration"))
        }
    }
}

async fn execute(cli: Cli, context: &mut Context<'_>) -> Result<Outcome, Failure> {
    let environment = Environment::load();
    logging::start(
        cli.log_format,
        &environment,
        &context.redactor,
        &context.aside.outlet,
    )?;
    let configure = move || configure(cli.command, &environment);
    match aside_unless_stopped(&mut context.stop, configure).await?? {
        Configured::Solve(config) => solve::run(config, context).await,
        Configured::Replay(config) => replay::run(config, context).await,
        Configured::Ping(config) => ping::run(config, context).await,
        Configured::Chat(config) => chat::run(config, context).await,
        Configured::Register(config) => register::run(*config, context).await,
        Configured::Serve(settings) => serve::run(*settings, context).await,
        Configured::Passwd(arguments) => passwd::run(arguments, context).await,
        Configured::Simulate(config) => simulate::run(config, context).await,
    }
}

impl Context<'_> {
    /// From now on this is not to be seen.
    fn hide(&self, secret: &SecretString) {
        self.redactor.hide(secret.expose_secret());
    }
}

/// What is told to people beside what is reported: on standard error, without secrets.
#[derive(Clone)]
struct Aside {
    redactor: Redactor,
    outlet: Outlet,
}

impl Aside {
    /// Tells of something that does not end the run.
    fn say(&self, text: impl std::fmt::Display) {
        self.line(format_args!("wsbeat: {text}"));
    }

    /// The reason why the run has ended.
    fn last_words(&self, failure: &Failure) {
        self.line(format_args!("error: {failure}"));
    }

    /// One line: whatever a path or a peer has put into it neither commands the terminal nor looks
    /// like another line.
    fn line(&self, line: std::fmt::Arguments<'_>) {
        let line = self.redactor.redact(&line.to_string());
        let line = format!("{}\n", Printable(&line));
        self.outlet.send(Job::Write(line.into_bytes()));
    }
}

/// Says what is wrong with the arguments, also to scripts.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        return code_of(printed(error.print()));
    }
    // There is nobody left to tell of an error.
    let _ = error.print();
    if asks_for_json(arguments) {
        let text = error.render().to_string();
        // What follows the first empty line is advice.
        let lines = text.lines().take_while(|line| !line.is_empty());
        let cause = lines.map(str::trim).collect::<Vec<_>>().join(" ");
        let failure = Kind::Usage.because(cause.trim_start_matches("error: "));
        let mut stdout = io::stdout();
        let _ = json::write(&Item::Error(failure.item()), &mut stdout);
        let last = match arguments.get(1).and_then(|command| command.to_str()) {
            Some("serve" | "passwd" | "simulate") => Last::Nothing,
            Some("ping") => Last::RoundTrips,
            Some("chat") => Last::Chat,
            Some("register") => Last::Registration,
            _ => Last::Rounds,
        };
        for summary in last.summaries(Tallies::default(), Outcome::Failed) {
            let _ = json::write(&summary, &mut stdout);
        }
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

fn print(text: &[u8]) -> anyhow::Result<ExitCode> {
    printed(io::stdout().write_all(text))
}

/// What came of printing to standard output. A reader who has gone is no error.
fn printed(result: io::Result<()>) -> anyhow::Result<ExitCode> {
    match result.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("writing to standard output")
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
