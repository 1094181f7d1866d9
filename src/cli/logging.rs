use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use super::environment::Environment;
use super::failure::{Failure, Kind};
use crate::report::{Job, Outlet, Redactor};

/// What is logged when nobody asks for anything: what a person should know of.
const DEFAULT_FILTER: &str = "warn";

/// How logs are written: lines for people, or one JSON object a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Sends the logs that `RUST_LOG` asks for to standard error.
pub(super) fn start(
    format: LogFormat,
    environment: &Environment,
    redactor: &Redactor,
    stderr: &Outlet,
) -> Result<(), Failure> {
    let directives = environment.get("RUST_LOG");
    let directives = directives.as_deref().unwrap_or(DEFAULT_FILTER);
    let filter = EnvFilter::try_new(directives)
        .map_err(|error| Kind::Usage.because(format_args!("RUST_LOG={directives}: {error}")))?;
    let colour = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let (redactor, stderr) = (redactor.clone(), stderr.clone());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        .with_writer(move || redactor.writer(Lines(stderr.clone())));
    // Fails only when there is a subscriber already, which then gets the logs.
    let _ = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(subscriber.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(subscriber.json().finish()),
    };
    Ok(())
}

/// Hands lines to an outlet.
struct Lines(Outlet);

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.send(Job::Write(text.to_vec()));
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
