//! Standard input that is no prompt: each line is said.

use std::convert::Infallible;

use super::desk::Desk;
use crate::cli::failure::Failure;
use crate::cli::talking::{Lines, Staying};
use crate::conversation::registration::RegistrantCue;
use crate::link::Prompter;

/// Says every line of standard input, until the connection is gone.
///
/// # Errors
///
/// When standard input cannot be read.
pub(super) async fn say_all(
    desk: &Desk<'_>,
    prompter: &Prompter<RegistrantCue>,
    staying: Staying,
) -> Result<Infallible, Failure> {
    let mut lines = Lines::of_stdin(&desk.aside);
    while let Some(line) = lines.next().await? {
        desk.wish();
        desk.say(desk.line(line), prompter).await;
    }
    desk.end_input();
    if staying == Staying::UntilAllIsSaid {
        // Who has nothing to say is here to find out whether the key is taken.
        desk.registered().await;
        desk.finish(prompter).await;
    }
    std::future::pending().await
}
