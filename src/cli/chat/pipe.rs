//! Standard input that is no prompt: each line is said.

use std::convert::Infallible;

use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use crate::cli::failure::Failure;
use crate::cli::talking::{Lines, Staying};
use crate::conversation::chat::GuestCue;
use crate::link::Prompter;

/// Says every line of standard input, until the chat is over; `leaving` is told when it is to be.
///
/// # Errors
///
/// When standard input cannot be read.
pub(super) async fn say_all(
    desk: &Desk<'_>,
    prompter: &Prompter<GuestCue>,
    staying: Staying,
    leaving: &CancellationToken,
) -> Result<Infallible, Failure> {
    let mut lines = Lines::of_stdin(&desk.aside);
    while let Some(line) = lines.next().await? {
        desk.wish();
        desk.say(line, prompter).await;
    }
    desk.end_input();
    if staying == Staying::UntilAllIsSaid {
        // Whoever has nothing to say learns whether the name and the ticket are good.
        desk.named().await;
        leaving.cancel();
        desk.put(GuestCue::Finish, prompter).await;
    }
    std::future::pending().await
}
