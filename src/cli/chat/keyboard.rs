//! A person at a prompt.

use std::convert::Infallible;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::command::{Command, HELP, read_name};
use super::desk::Desk;
use crate::cli::failure::{Failure, Kind};
use crate::conversation::chat::GuestCue;
use crate::link::Prompter;
use crate::report::Typed;

/// Does what is typed, until the chat is over; `leaving` is told when it is to be.
///
/// # Errors
///
/// When nothing can be typed any more.
pub(super) async fn attend(
    desk: &Desk<'_>,
    mut typed: UnboundedReceiver<Typed>,
    prompter: &Prompter<GuestCue>,
    leaving: &CancellationToken,
) -> Result<Infallible, Failure> {
    loop {
        let line = match typed.recv().await {
            Some(Typed::Line(line)) => line,
            Some(Typed::End) => {
                leave(desk, prompter, leaving).await;
                continue;
            }
            None => return Err(Kind::Internal.because("the terminal can be read no more")),
        };
        // What is typed in between has been typed too late.
        if leaving.is_cancelled() {
            continue;
        }
        match read(&line, desk) {
            Ok(None) => {}
            Ok(Some(Command::Say(text))) => desk.say(text, prompter).await,
            Ok(Some(Command::Join(channel))) => desk.put(GuestCue::Join(channel), prompter).await,
            Ok(Some(Command::Rename(name))) => {
                desk.claim(&name);
                desk.put(GuestCue::Rename(name), prompter).await;
            }
            Ok(Some(Command::Who)) => desk.tell(&desk.who()),
            Ok(Some(Command::Help)) => desk.tell(HELP),
            Ok(Some(Command::Quit)) => leave(desk, prompter, leaving).await,
            Err(wrong) => desk.tell(&wrong),
        }
    }
}

/// What a line asks for: a name, if one is asked for in turn.
fn read(line: &str, desk: &Desk<'_>) -> Result<Option<Command>, String> {
    let is_answer = desk.wants_name() && !line.trim().is_empty() && !line.starts_with('/');
    if is_answer {
        return read_name(line).map(|name| Some(Command::Rename(name)));
    }
    Command::read(line)
}

async fn leave(desk: &Desk<'_>, prompter: &Prompter<GuestCue>, leaving: &CancellationToken) {
    if !leaving.is_cancelled() {
        leaving.cancel();
        desk.put(GuestCue::Finish, prompter).await;
    }
}
