//! Runs that are watched in a live view.

use std::io::{self, IsTerminal};
use std::pin::pin;

use anstream::{AutoStream, ColorChoice};

use super::Context;
use super::failure::{Failure, Kind};
use super::values::OutputFormat;
use crate::conversation::latency::PingerSettings;
use crate::link::{StopReason, Stopper};
use crate::report::{Colours, Screen, View};

/// Whether there can be a live view.
pub(super) fn check(output: OutputFormat) -> Result<(), Failure> {
    if output == OutputFormat::Json {
        return Err(Kind::Usage.because("--tui is for people and -o json for scripts: choose one"));
    }
    if std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb") {
        return Err(
            Kind::Usage.because("--tui needs a terminal that can move its cursor: TERM=dumb")
        );
    }
    let missing = match (io::stdin().is_terminal(), io::stdout().is_terminal()) {
        (true, true) => return Ok(()),
        (false, true) => "standard input is none",
        (true, false) => "standard output is none",
        (false, false) => "standard input and output are none",
    };
    Err(Kind::Usage.because(format_args!("--tui needs a terminal, and {missing}")))
}

/// Whether colours are welcome on standard output.
pub(super) fn colours() -> Colours {
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => Colours::Unwelcome,
        _ => Colours::Welcome,
    }
}

/// Opens the live view of a run. What is reported from here on waits until it is closed; its keys
/// do what signals do.
pub(super) fn open(settings: PingerSettings, context: &Context<'_>) -> Result<Screen, Failure> {
    let colours = colours();
    let keyboard = context.keyboard.clone();
    Screen::open(
        View::new(settings, colours),
        context.pinged.clone(),
        context.redactor.clone(),
        context.live.hold(),
        move || keyboard.interrupt(),
    )
    .map_err(|error| Kind::Internal.because(format_args!("opening the live view: {error}")))
}

/// Does some work, watched in a live view if there is one, and closes the view. If the view breaks
/// down, the work is stopped, since nobody sees it any more.
pub(super) async fn watched<T>(
    screen: Option<Screen>,
    stopper: &Stopper,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    let Some(mut screen) = screen else {
        return Ok(work.await);
    };
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => Ok(done),
        error = screen.broken() => {
            stopper.stop(StopReason::Interrupted);
            work.await;
            Err(Kind::Internal.because(format_args!("showing the live view: {error}")))
        }
    }
}
