//! A person at a prompt.

use std::convert::Infallible;

use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::command::{Command, HELP};
use super::desk::Desk;
use crate::cli::failure::{Failure, Kind};
use crate::conversation::registration::{Line, RegistrantCue};
use crate::link::{Prompter, StopReason, Stopper};
use crate::report::{Typed, counted};

/// How many lines wait for those that are under way. What is typed on top of them is not taken: it
/// can be called up again at the prompt.
const WAITING: usize = 64;

/// Does what is typed, until the connection is gone; `stopper` is told when there is no more patience
/// with what is still to be said.
///
/// # Errors
///
/// When nothing can be typed any more.
pub(super) async fn attend(
    desk: &Desk<'_>,
    mut typed: UnboundedReceiver<Typed>,
    prompter: &Prompter<RegistrantCue>,
    stopper: &Stopper,
) -> Result<Infallible, Failure> {
    let (queue, mut queued) = mpsc::channel(WAITING);
    let mut person = Person {
        desk,
        queue: Some(queue),
        stopper,
    };
    let reading = async {
        while let Some(typed) = typed.recv().await {
            match typed {
                Typed::Line(line) => person.obey(&line),
                Typed::End => person.leave(),
            }
        }
        Kind::Internal.because("the terminal can be read no more")
    };
    // What waits must not keep a person from leaving.
    let saying = async {
        while let Some(line) = queued.recv().await {
            desk.say(line, prompter).await;
        }
        desk.finish(prompter).await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        failure = reading => Err(failure),
        never = saying => match never {},
    }
}

/// Somebody who does at once what can be done at once.
struct Person<'a, 'd> {
    desk: &'a Desk<'d>,
    /// What is said in its turn; `None` once there is to be no more of it.
    queue: Option<mpsc::Sender<Line>>,
    stopper: &'a Stopper,
}

impl Person<'_, '_> {
    /// Does what a line asks for.
    fn obey(&mut self, line: &str) {
        let desk = self.desk;
        match desk.read(line) {
            Ok(None) => {}
            Ok(Some(Command::Say(text))) => self.say(desk.line(text)),
            Ok(Some(Command::SayTo(to, text))) => {
                desk.keep_in_mind(to);
                self.say(Line { text, to: Some(to) });
            }
            Ok(Some(Command::SayToAll(text))) => self.say(Line { text, to: None }),
            Ok(Some(Command::Key)) => desk.tell(&desk.key().to_string()),
            Ok(Some(Command::Help)) => desk.tell(HELP),
            Ok(Some(Command::Quit)) => self.leave(),
            Err(wrong) => desk.tell(&wrong),
        }
    }

    fn say(&self, line: Line) {
        let Some(queue) = &self.queue else {
            let late = "this comes too late: what was typed before is said, and that was all";
            return self.desk.tell(late);
        };
        self.desk.wish();
        if let Err(error) = queue.try_send(line) {
            self.desk.overfull(error.into_inner());
        }
    }

    /// Leaves once all has been said; at once, when told to a second time.
    fn leave(&mut self) {
        if self.queue.take().is_none() {
            return self.stopper.stop(StopReason::Interrupted);
        }
        self.desk.end_input();
        let unsaid = self.desk.unsaid();
        if unsaid > 0 {
            let lines = counted(unsaid, "line");
            self.desk.tell(&format!(
                "{lines} still to be said; to leave at once, leave once more"
            ));
        }
    }
}
