mod refusals;

use std::collections::VecDeque;
use std::mem;

use super::history::{History, Said};
use super::memory::Line;
use super::{GuestEvent, Heard, Hearing, Roster};
use crate::conversation::chat::{ErrorCode, GuestMessage, HISTORY, RoomMessage, UserName};
use crate::conversation::{Message, Stamp};

/// How many requests are remembered that were not answered. A guest never has more than three; what
/// a recording has is not known.
const MOST_ASKED: usize = 16;

/// Makes sense of what a room says to a guest, and of what the guest said to it, whoever decided
/// that it should: a [`Guest`](super::Guest) does while it happens, a recording did before.
///
/// A room answers requests in their order, and says in no answer which request it is to.
#[derive(Debug, Default)]
pub(super) struct Listener {
    pub(super) place: Place,
    /// The channel that `heard` was heard in: the one it is in, or was in on the connection before.
    pub(super) channel: Option<String>,
    /// What was heard there; `None` before the room has repeated what was said there before.
    pub(super) heard: Option<History>,
    /// The name that is its own.
    pub(super) name: Option<UserName>,
    /// The line that has been sent and not heard since, be it over the connection before.
    pub(super) line: Option<Line>,
    /// The requests that are yet to be answered, in the order in which they were made.
    pub(super) asked: VecDeque<Asked>,
    /// The name that was refused, while the reason is waited for.
    refusal: Option<(Stamp, UserName)>,
    /// The newest line that was not heard for want of a name that seemed to be its own.
    unheard: Option<String>,
    /// What the next presence is.
    roster: Roster,
    notices: VecDeque<Notice>,
}

/// Where a guest is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// In no channel yet.
    #[default]
    Outside,
    /// In this channel for a moment, on its way back to where it was.
    Passing(String),
    /// In a channel, and what was said there before is being repeated.
    Entering(Vec<(Stamp, Said)>),
    /// In a channel.
    Inside,
}

/// What a room is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Admission,
    Name(UserName),
    Line,
    Channel(String),
}

/// What comes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Whoever listens is to be told.
    Event(GuestEvent),
    /// A heartbeat is to be answered.
    Heartbeat,
    /// It is in a channel that it was not in a moment ago.
    Entered,
    /// This name is refused.
    NameRefused {
        at: Stamp,
        name: UserName,
        code: Option<ErrorCode>,
        reason: String,
    },
    /// The room wants this to be asked again, and nothing before then.
    Slower(Asked, Stamp),
    /// The room does not let it back into the channel that it was in.
    NoWayBack { code: ErrorCode, reason: String },
}

impl Listener {
    /// A listener that was in this channel, over a connection that was lost, and heard this.
    pub(super) fn resuming(
        channel: Option<String>,
        heard: Option<History>,
        line: Option<Line>,
    ) -> Self {
        Listener {
            channel,
            heard,
            line,
            ..Listener::default()
        }
    }

    /// The next thing that came of what was said.
    pub(super) fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Whether an answer about a name is on its way.
    pub(super) fn awaits_name(&self) -> bool {
        let is_name = |asked: &Asked| matches!(asked, Asked::Name(_));
        self.refusal.is_some() || self.asked.iter().any(is_name)
    }

    /// Since when the reason for a refused name is waited for.
    pub(super) fn refused_since(&self) -> Option<Stamp> {
        self.refusal.as_ref().map(|(since, _)| *since)
    }

    /// The guest has said this.
    pub(super) fn sent(&mut self, message: &GuestMessage) {
        let asked = match message {
            GuestMessage::Heartbeat {} => return,
            GuestMessage::Identity { user } => match user.parse() {
                Ok(name) => Asked::Name(name),
                Err(_) => return,
            },
            GuestMessage::Message { text } => {
                let name = self.name.as_ref();
                self.line = Some(Line {
                    text: text.clone(),
                    by: name.map_or("", UserName::as_str).to_owned(),
                });
                Asked::Line
            }
            GuestMessage::Join { id } => Asked::Channel(id.clone()),
            GuestMessage::Ticket { .. } => Asked::Admission,
        };
        self.ask(asked);
    }

    pub(super) fn ask(&mut self, asked: Asked) {
        if self.asked.len() == MOST_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
    }

    /// The room has said this.
    pub(super) fn hear(&mut self, at: Stamp, message: &Message) {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(bytes) => {
                let reason = format!("{} bytes that are no text", bytes.len());
                return self.odd(at, "", reason);
            }
            Message::Ping(_) | Message::Pong(_) => return,
        };
        let message = match RoomMessage::parse(text) {
            Ok(message) => message,
            Err(error) => return self.odd(at, text, error.to_string()),
        };
        if !matches!(message, RoomMessage::Error { .. }) {
            self.give_up_reason();
        }
        if !matches!(message, RoomMessage::Message { .. }) {
            self.settle();
        }
        match message {
            RoomMessage::Connection { id } => self.enter(at, id),
            RoomMessage::Heartbeat { authenticated } => {
                self.notices.push_back(Notice::Heartbeat);
                if !authenticated {
                    self.lose_name(at);
                }
            }
            RoomMessage::Identity { success } => match self.answered_name() {
                Some(name) if success => {
                    self.name = Some(name.clone());
                    self.tell(GuestEvent::Named { at, name });
                }
                Some(name) => self.refusal = Some((at, name)),
                None => self.odd(at, text, "no name was asked for".to_owned()),
            },
            RoomMessage::Message {
                text,
                timestamp,
                user,
            } => self.said(
                at,
                Said {
                    user,
                    text,
                    timestamp,
                },
            ),
            RoomMessage::Presence { came, went, total } => {
                if !matches!(self.place, Place::Passing(_)) {
                    let roster = mem::replace(&mut self.roster, Roster::Change);
                    self.tell(GuestEvent::Presence {
                        at,
                        came,
                        went,
                        total,
                        roster,
                    });
                }
            }
            RoomMessage::Error {
                code,
                message,
                retry_after_ms,
            } => self.error(at, code, message, retry_after_ms),
        }
    }

    /// The channel's history is over.
    pub(super) fn settle(&mut self) {
        let Place::Entering(repeated) = &mut self.place else {
            return;
        };
        let repeated = mem::take(repeated);
        self.place = Place::Inside;
        let (known, how) = match &self.heard {
            Some(heard) => (heard.overlap(&repeated), Hearing::Missed),
            None => (0, Hearing::Earlier),
        };
        if let (0, HISTORY, Some((at, _))) = (known, repeated.len(), repeated.first())
            && how == Hearing::Missed
        {
            self.tell(GuestEvent::Forgotten { at: *at });
        }
        self.heard.get_or_insert_default();
        for (at, said) in repeated.into_iter().skip(known) {
            self.hear_said(at, said, how);
        }
    }

    fn enter(&mut self, at: Stamp, id: String) {
        let is_first = self.place == Place::Outside;
        self.take_asked(|asked| *asked == Asked::Admission);
        let has_asked = self.take_asked(Asked::is_channel).is_some();
        let is_away = |channel: &String| *channel != id;
        if is_first && !has_asked && self.channel.as_ref().is_some_and(is_away) {
            self.place = Place::Passing(id);
            return;
        }
        if self.channel.as_ref().is_none_or(is_away) {
            self.channel = Some(id.clone());
            self.heard = None;
        }
        self.place = Place::Entering(Vec::new());
        self.roster = Roster::Whole;
        self.notices.push_back(Notice::Entered);
        self.tell(GuestEvent::Entered { at, channel: id });
        // Whoever has a name and changes the channel is told without asking whether it is free there.
        if has_asked && let Some(name) = self.name.take() {
            self.ask(Asked::Name(name));
        }
    }

    fn said(&mut self, at: Stamp, said: Said) {
        match &mut self.place {
            Place::Passing(_) => {}
            Place::Entering(repeated) => {
                repeated.push((at, said));
                if repeated.len() == HISTORY {
                    self.settle();
                }
            }
            Place::Outside | Place::Inside => self.hear_said(at, said, Hearing::Live),
        }
    }

    /// Hears what was not heard before: the line that was sent, or something else.
    fn hear_said(&mut self, at: Stamp, said: Said, otherwise: Hearing) {
        let is_own = |line: &Line| line.text == said.text && line.by == said.user;
        let how = match &self.line {
            Some(line) if is_own(line) => {
                self.line = None;
                self.unheard = None;
                self.take_asked(|asked| *asked == Asked::Line);
                Hearing::Own
            }
            _ => otherwise,
        };
        if let (Place::Inside, Some(heard)) = (&self.place, &mut self.heard) {
            heard.push(said.clone());
        }
        self.tell(said.heard(at, how));
    }

    /// The name that the answer which came is about. A line that was sent before the name was asked
    /// for, and has not been answered, was passed over by a room that gives no reasons: it is said
    /// again.
    fn answered_name(&mut self) -> Option<UserName> {
        let is_name = |asked: &Asked| matches!(asked, Asked::Name(_));
        let position = self.asked.iter().position(is_name)?;
        let Some(Asked::Name(name)) = self.asked.remove(position) else {
            return None;
        };
        let before = self.asked.iter().take(position);
        if before.into_iter().any(|it| *it == Asked::Line) {
            self.take_asked(|asked| *asked == Asked::Line);
        }
        Some(name)
    }

    fn lose_name(&mut self, at: Stamp) {
        if let Some(name) = self.name.take() {
            self.tell(GuestEvent::Unnamed { at, name });
        }
    }

    fn odd(&mut self, at: Stamp, text: &str, reason: String) {
        let text = text.to_owned();
        self.tell(GuestEvent::Odd { at, text, reason });
    }

    fn tell(&mut self, event: GuestEvent) {
        self.notices.push_back(Notice::Event(event));
    }

    fn take_asked(&mut self, wanted: impl Fn(&Asked) -> bool) -> Option<Asked> {
        let position = self.asked.iter().position(wanted)?;
        self.asked.remove(position)
    }
}

impl Asked {
    pub(super) fn is_channel(&self) -> bool {
        matches!(self, Asked::Channel(_))
    }
}

impl Said {
    fn heard(self, at: Stamp, how: Hearing) -> GuestEvent {
        GuestEvent::Heard(Heard {
            at,
            user: self.user,
            text: self.text,
            timestamp: self.timestamp,
            how,
        })
    }
}
