//! What a room refuses, and what it never answers.

use std::time::Duration;

use super::{Asked, Listener, Notice, Place};
use crate::conversation::Stamp;
use crate::conversation::chat::ErrorCode;
use crate::conversation::chat::guest::history::History;
use crate::conversation::chat::guest::{GuestEvent, Request, Roster};

/// How long to wait with a line that came too fast, if the room does not say: as long as it counts.
const PAUSE: Duration = Duration::from_secs(10);

/// A room that wants a longer pause is asked again after this.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

impl Listener {
    /// The room refuses something: which of the things it was asked for, the code tells, and the
    /// order.
    pub(super) fn error(
        &mut self,
        at: Stamp,
        code: ErrorCode,
        reason: String,
        retry_ms: Option<u64>,
    ) {
        use ErrorCode as Code;
        let pause = retry_ms.map_or(PAUSE, Duration::from_millis);
        let until = at + pause.min(LONGEST_PAUSE);
        // What comes right after a refusal is the reason for it.
        if code == Code::HeartbeatMissed {
            self.give_up_reason();
            return self.lose_name(at);
        } else if let Some((since, name)) = self.refusal.take() {
            if code == Code::TooFast {
                return self.slower(at, Asked::Name(name), until);
            }
            self.refusal = Some((since, name));
            return self.refuse_name(Some(code), reason);
        }
        let has_asked = |wanted: fn(&Asked) -> bool| self.asked.iter().find(|it| wanted(it));
        let is_admission = |it: &Asked| *it == Asked::Admission;
        if code == Code::TicketNeeded && has_asked(is_admission).is_some() {
            // The room says so to whoever comes in. The ticket was under way then.
            return;
        }
        let about = match code {
            Code::NameTaken
            | Code::NameEmpty
            | Code::NameTooLong
            | Code::NameInvalid
            | Code::NameNotYours => has_asked(|it| matches!(it, Asked::Name(_))),
            Code::NotAuthenticated | Code::MessageEmpty | Code::MessageTooLong => {
                has_asked(|it| *it == Asked::Line)
            }
            Code::ChannelInvalid | Code::AlreadyThere => has_asked(Asked::is_channel),
            Code::TicketRefused => has_asked(is_admission),
            _ => self.asked.front(),
        };
        match about.cloned() {
            Some(Asked::Line) if code == Code::NotAuthenticated => self.unheard_line(at, reason),
            Some(asked) if code == Code::TooFast && asked != Asked::Admission => {
                self.take_asked(|it| *it == asked);
                self.slower(at, asked, until);
            }
            Some(Asked::Line) => self.refuse_line(at, code, reason),
            Some(Asked::Name(name)) => {
                self.take_asked(|it| matches!(it, Asked::Name(_)));
                self.refusal = Some((at, name));
                self.refuse_name(Some(code), reason);
            }
            Some(Asked::Channel(_)) => {
                self.take_asked(Asked::is_channel);
                self.refuse(at, None, code, reason.clone());
                self.stay(at, code, reason);
            }
            Some(Asked::Admission) => {
                self.take_asked(|it| *it == Asked::Admission);
                self.refuse(at, None, code, reason);
            }
            None => self.refuse(at, None, code, reason),
        }
    }

    /// No answer comes to the wish for a channel, or about the name in it: it is not waited for any
    /// longer.
    pub(in super::super) fn give_up_answer(&mut self, at: Stamp) {
        let answer = self.take_asked(|it| matches!(it, Asked::Channel(_) | Asked::Name(_)));
        if let Some(Asked::Channel(id)) = answer {
            let reason = format!("no answer to the wish for the channel {id:?}");
            self.odd(at, "", reason.clone());
            self.stay(at, ErrorCode::Other, reason);
        }
    }

    /// No reason comes for a refused name.
    pub(in super::super) fn give_up_reason(&mut self) {
        if self.refusal.is_some() {
            self.refuse_name(None, String::new());
        }
    }

    /// It stays in the channel that it wanted to leave: if it was on its way back to another, what
    /// it was told of this one has gone by.
    fn stay(&mut self, at: Stamp, code: ErrorCode, reason: String) {
        let Place::Passing(id) = &self.place else {
            return;
        };
        let channel = id.clone();
        self.channel = Some(channel.clone());
        self.heard = Some(History::default());
        self.place = Place::Inside;
        self.roster = Roster::Change;
        if self.line.is_some() {
            self.refuse_line(at, code, reason.clone());
        }
        self.notices.push_back(Notice::NoWayBack { code, reason });
        self.notices.push_back(Notice::Entered);
        self.tell(GuestEvent::Entered { at, channel });
    }

    fn slower(&mut self, at: Stamp, asked: Asked, until: Stamp) {
        let what = match &asked {
            Asked::Admission | Asked::Channel(_) => Request::Channel,
            Asked::Name(_) => Request::Name,
            Asked::Line => Request::Line,
        };
        self.notices.push_back(Notice::Slower(asked, until));
        self.tell(GuestEvent::Held { at, until, what });
    }

    fn refuse(&mut self, at: Stamp, text: Option<String>, code: ErrorCode, reason: String) {
        self.tell(GuestEvent::Refused {
            at,
            text,
            code,
            reason,
        });
    }

    fn refuse_name(&mut self, code: Option<ErrorCode>, reason: String) {
        if let Some((at, name)) = self.refusal.take() {
            self.notices.push_back(Notice::NameRefused {
                at,
                name,
                code,
                reason,
            });
        }
    }

    /// The line was not heard for want of a name: it is said again under the next one. Where the
    /// room had not told that the name is lost, it is not tried for ever.
    fn unheard_line(&mut self, at: Stamp, reason: String) {
        self.take_asked(|asked| *asked == Asked::Line);
        if self.name.is_none() {
            return;
        }
        self.lose_name(at);
        let text = self.line.as_ref().map(|line| &line.text);
        if text.is_some() && text != self.unheard.as_ref() {
            self.unheard = text.cloned();
        } else {
            self.refuse_line(at, ErrorCode::NotAuthenticated, reason);
        }
    }

    fn refuse_line(&mut self, at: Stamp, code: ErrorCode, reason: String) {
        self.take_asked(|asked| *asked == Asked::Line);
        self.unheard = None;
        let text = self.line.take().map(|line| line.text);
        self.refuse(at, text, code, reason);
    }
}
