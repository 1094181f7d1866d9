//! What a guest makes of what the room said, and of what it did not.

use super::claiming::Claiming;
use super::{ANSWER_WITHIN, Due, Guest, Stage};
use crate::conversation::Stamp;
use crate::conversation::chat::guest::listener::{Asked, Notice, Place};
use crate::conversation::chat::guest::memory::Task;
use crate::conversation::chat::guest::{GuestEvent, Request};
use crate::conversation::chat::{ErrorCode, GuestMessage};

impl Guest {
    /// Takes up what came of what the room said.
    pub(super) fn take_notices(&mut self, at: Stamp) {
        while let Some(notice) = self.listener.poll_notice() {
            match notice {
                Notice::Event(event) => {
                    if let GuestEvent::Named { name, .. } = &event {
                        self.had_name |= *name == self.name;
                    }
                    self.outputs.push_back(Due::Event(event));
                }
                Notice::Heartbeat => {
                    if self.stage == Stage::Open {
                        self.outputs
                            .push_back(Due::Send(GuestMessage::Heartbeat {}));
                    }
                }
                Notice::Entered => {
                    // A name that is taken in one channel may be free in another.
                    self.claiming = Claiming::Now;
                    // After the wish for a channel, the answer about the name comes unasked.
                    let is_told = self.listener.awaits_name();
                    self.answer_due = is_told.then(|| at + ANSWER_WITHIN);
                }
                Notice::NameRefused {
                    at: refused,
                    name,
                    code,
                    reason,
                } => {
                    let next = self.name_refused(at, &name, code);
                    self.outputs.push_back(Due::Event(GuestEvent::NameRefused {
                        at: refused,
                        name,
                        code,
                        reason,
                        next,
                    }));
                }
                Notice::Slower(asked, until) => {
                    self.held_until = Some(until);
                    if asked.is_channel()
                        && let Some(channel) = self.joining.take()
                    {
                        self.tasks.push_front(Task::Join(channel));
                    }
                }
                Notice::NoWayBack { code, reason } => self.forget_lines(at, code, &reason),
            }
        }
        if !self.listener.asked.iter().any(Asked::is_channel) {
            self.joining = None;
        }
        if self.listener.asked.is_empty() {
            self.answer_due = None;
        }
        if self.listener.place != Place::Outside {
            self.entry_due = None;
        }
        if self.unanswered().is_none() {
            self.reply_due = None;
        }
    }

    /// What an answer is waited for that has to come.
    pub(super) fn unanswered(&self) -> Option<Request> {
        let mut asked = self.listener.asked.iter();
        asked.find_map(|it| match it {
            Asked::Name(_) => Some(Request::Name),
            Asked::Line => Some(Request::Line),
            Asked::Admission | Asked::Channel(_) => None,
        })
    }

    pub(super) fn tell_of_unanswered(&mut self, at: Stamp, what: Request) {
        let unanswered = GuestEvent::Unanswered { at, what };
        self.outputs.push_back(Due::Event(unanswered));
    }

    /// What was to be said in a channel that is out of reach is not said in another.
    fn forget_lines(&mut self, at: Stamp, code: ErrorCode, reason: &str) {
        let is_line = |task: &&Task| matches!(task, Task::Say(_));
        let lines = self.tasks.iter().take_while(is_line).count();
        for line in self.tasks.drain(..lines) {
            if let Task::Say(text) = line {
                self.outputs.push_back(Due::Event(GuestEvent::Refused {
                    at,
                    text: Some(text),
                    code,
                    reason: reason.to_owned(),
                }));
            }
        }
    }
}
