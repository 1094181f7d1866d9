//! A person at a prompt.

use std::convert::Infallible;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_util::sync::CancellationToken;

use super::command::{Command, HELP, read_name};
use super::desk::Desk;
use crate::cli::failure::{Failure, Kind};
use crate::conversation::chat::{GuestCue, UserName};
use crate::link::{Prompter, StopReason, Stopper};
use crate::report::{Typed, counted};

/// How many lines and wishes wait for those that are under way, or for a connection. What is typed
/// on top of them is not taken: it can be called up again at the prompt.
const WAITING: usize = 64;

/// How many names that were asked for wait for a connection.
const ANSWERS: usize = 4;

/// Does what is typed, until the chat is over; `leaving` is told when it is to be, and `stopper` when
/// there is no more patience with that.
///
/// # Errors
///
/// When nothing can be typed any more.
pub(super) async fn attend(
    desk: &Desk<'_>,
    mut typed: UnboundedReceiver<Typed>,
    prompter: &Prompter<GuestCue>,
    leaving: &CancellationToken,
    stopper: &Stopper,
) -> Result<Infallible, Failure> {
    let (queue, mut queued) = mpsc::channel(WAITING);
    let (answers, mut answered) = mpsc::channel(ANSWERS);
    let mut keyboard = Attentive {
        desk,
        queue: Some(queue),
        answers,
        leaving,
        stopper,
    };
    let reading = async {
        while let Some(typed) = typed.recv().await {
            match typed {
                Typed::Line(line) => keyboard.obey(&line),
                Typed::End => keyboard.leave(),
            }
        }
        Kind::Internal.because("the terminal can be read no more")
    };
    // What waits must not keep a person from asking who is there, or from leaving.
    let doing = async {
        while let Some(cue) = queued.recv().await {
            match cue {
                GuestCue::Say(line) => desk.say(line, prompter).await,
                cue => desk.put(cue, prompter).await,
            }
        }
        desk.put(GuestCue::Finish, prompter).await;
        std::future::pending::<Infallible>().await
    };
    // Lines may wait for a name: it must not wait for them.
    let answering = async {
        while let Some(cue) = answered.recv().await {
            desk.put(cue, prompter).await;
        }
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        failure = reading => Err(failure),
        never = doing => match never {},
        never = answering => match never {},
    }
}

/// Somebody who does at once what can be done at once.
struct Attentive<'a, 'd> {
    desk: &'a Desk<'d>,
    /// What is done in its turn; `None` once there is to be no more of it.
    queue: Option<mpsc::Sender<GuestCue>>,
    answers: mpsc::Sender<GuestCue>,
    leaving: &'a CancellationToken,
    stopper: &'a Stopper,
}

impl Attentive<'_, '_> {
    /// Does what a line asks for.
    fn obey(&mut self, line: &str) {
        let desk = self.desk;
        let is_answer = desk.wants_name() && !line.trim().is_empty() && !line.starts_with('/');
        if is_answer {
            match read_name(line) {
                Ok(name) => self.rename(name),
                Err(wrong) => desk.tell(&wrong),
            }
            return;
        }
        match Command::read(line) {
            Ok(None) => {}
            Ok(Some(Command::Say(text))) => {
                if self.queue.is_some() {
                    desk.wish();
                }
                self.enqueue(GuestCue::Say(text));
            }
            Ok(Some(Command::Join(channel))) => self.enqueue(GuestCue::Join(channel)),
            Ok(Some(Command::Rename(name))) => self.rename(name),
            Ok(Some(Command::Who)) => desk.tell(&desk.who()),
            Ok(Some(Command::Help)) => desk.tell(HELP),
            Ok(Some(Command::Quit)) => self.leave(),
            Err(wrong) => desk.tell(&wrong),
        }
    }

    /// Goes by another name: at once, if one is asked for.
    fn rename(&mut self, name: UserName) {
        if self.desk.wants_name() {
            self.desk.claim(&name);
            if let Err(error) = self.answers.try_send(GuestCue::Rename(name)) {
                self.desk.overfull(error.into_inner());
            }
        } else {
            if self.queue.is_some() {
                self.desk.claim(&name);
            }
            self.enqueue(GuestCue::Rename(name));
        }
    }

    fn enqueue(&self, cue: GuestCue) {
        let Some(queue) = &self.queue else {
            let late = "this comes too late: the chat is left once what was typed before is said";
            return self.desk.tell(late);
        };
        if let Err(error) = queue.try_send(cue) {
            self.desk.overfull(error.into_inner());
        }
    }

    /// Leaves once all has been said; at once, when told to a second time.
    fn leave(&mut self) {
        if self.queue.take().is_none() {
            return self.stopper.stop(StopReason::Interrupted);
        }
        self.leaving.cancel();
        let unsaid = self.desk.unsaid();
        if unsaid == 0 {
            return;
        }
        let lines = counted(unsaid, "line");
        self.desk.tell(&match self.desk.wants_name() {
            true => {
                format!("{lines} cannot be said without a name: choose one, or leave once more")
            }
            false => format!("{lines} still to be said; to leave at once, leave once more"),
        });
    }
}
