mod claiming;
mod noticing;

use std::collections::VecDeque;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use self::claiming::Claiming;
use super::listener::{Asked, Listener, Place};
use super::memory::Task;
use super::{GuestCue, GuestEvent, GuestSettings, Memory, Request};
use crate::conversation::chat::{ChannelName, GuestMessage, UserName};
use crate::conversation::{Farewell, Message, Output, Party, Stamp};

/// How long the reason for a refused name is waited for, which comes right after the refusal from a
/// server that gives one.
const REASON_WITHIN: Duration = Duration::from_secs(1);

/// How long the answer to the wish for a channel is waited for. A server that knows no such wish may
/// pass it over.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long it may take a room to let a guest into a channel, which it does unasked. A room that
/// wants a ticket says so.
const ENTRY_WITHIN: Duration = Duration::from_secs(10);

/// How long the answer to a name or a line may take. A room has it ready at once, and what is on the
/// way is a round trip late; a network that is gone is noticed otherwise.
const REPLY_WITHIN: Duration = Duration::from_secs(30);

/// The party that talks to a chat server for one person.
///
/// It claims its name once it is in a channel, and again when it loses it, and says lines one at a
/// time, the next one once this one came back. After a reconnection it goes back to the channel it
/// was in, finds out what it missed, and whether the line that was under way had been heard: if it
/// is not in what the room repeats, it is said again.
///
/// What it remembers is bounded: [so many](Guest::MOST_WAITING) lines and wishes, and a few more
/// messages than a room repeats.
#[derive(Debug)]
pub struct Guest {
    ticket: Option<SecretString>,
    pub(super) listener: Listener,
    pub(super) tasks: VecDeque<Task>,
    /// The name that it goes by, or would like to.
    name: UserName,
    claiming: Claiming,
    /// Whether the name is its own, or was when the connection before was lost.
    had_name: bool,
    /// The channel that it has asked for.
    joining: Option<ChannelName>,
    /// The room wants nothing but heartbeats before then.
    held_until: Option<Stamp>,
    /// When the room is taken not to answer the oldest request any more.
    answer_due: Option<Stamp>,
    /// When it is told of that the room opens no channel.
    entry_due: Option<Stamp>,
    /// When it is told of that the room answers neither to a name nor to a line.
    reply_due: Option<Stamp>,
    is_finishing: bool,
    stage: Stage,
    outputs: VecDeque<Due>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    Left,
}

/// What is to be done next. The ticket is none of the messages: it is put into words at the last
/// moment, so that it can be seen nowhere before.
#[derive(Debug)]
enum Due {
    Ticket,
    Send(GuestMessage),
    Event(GuestEvent),
    Close,
}

impl Guest {
    /// How many lines and wishes may wait for their turn. What comes on top of them is
    /// [not taken](GuestEvent::Overfull): whoever gives the cues has to count what was said, since
    /// a driver empties its inbox into the guest.
    pub const MOST_WAITING: usize = 256;

    /// A guest that goes on where the memory ends.
    pub fn new(settings: GuestSettings, memory: Memory) -> Self {
        let listener = Listener::resuming(memory.channel, memory.heard, memory.line);
        Guest {
            ticket: settings.ticket,
            listener,
            tasks: memory.tasks,
            name: memory.name.unwrap_or(settings.name),
            claiming: Claiming::Now,
            had_name: memory.had_name,
            joining: None,
            held_until: None,
            answer_due: None,
            entry_due: None,
            reply_due: None,
            is_finishing: memory.is_finishing,
            stage: Stage::Opening,
            outputs: VecDeque::new(),
        }
    }

    /// What the next guest has to know, after a connection that was lost.
    pub fn into_memory(self) -> Memory {
        let mut tasks = self.tasks;
        if let Some(channel) = self.joining {
            tasks.push_front(Task::Join(channel));
        }
        // What was asked for may have been granted, and the answer lost.
        let is_name = |asked: &Asked| matches!(asked, Asked::Name(_));
        let had_name = self.had_name || self.listener.asked.iter().any(is_name);
        Memory {
            tasks,
            line: self.listener.line,
            channel: self.listener.channel,
            heard: self.listener.heard,
            name: Some(self.name),
            had_name,
            is_finishing: self.is_finishing,
        }
    }

    /// Does what can be done now.
    fn act(&mut self, at: Stamp) {
        if self.stage != Stage::Open {
            return;
        }
        if matches!(self.claiming, Claiming::Later(then) if then <= at) {
            self.claiming = Claiming::Now;
        }
        let has_nothing_left = self.tasks.is_empty() && self.listener.line.is_none();
        if self.is_finishing && has_nothing_left && self.joining.is_none() {
            self.outputs.push_back(Due::Close);
            self.stage = Stage::Left;
        } else if self.held_until.is_none_or(|until| until <= at) {
            self.held_until = None;
            self.ask_for_next(at);
        }
    }

    /// Asks the room for one thing or two: a name while a line is under way, otherwise one after
    /// the other.
    fn ask_for_next(&mut self, at: Stamp) {
        let asks_nothing = self.listener.asked.is_empty();
        match (&self.listener.place, &self.listener.channel) {
            (Place::Outside, _) => return,
            (Place::Passing(_), Some(id)) => {
                if asks_nothing {
                    let id = id.clone();
                    self.ask_for_channel(at, id);
                }
                return;
            }
            _ => {}
        }
        let is_nameless = self.listener.name.as_ref() != Some(&self.name);
        let may_claim = self.claiming == Claiming::Now
            && !self.listener.awaits_name()
            && !self.listener.asked.iter().any(Asked::is_channel);
        if is_nameless && may_claim {
            let user = self.name.as_str().to_owned();
            self.send(at, GuestMessage::Identity { user });
        } else if asks_nothing && self.listener.place == Place::Inside {
            self.begin_task(at);
        }
    }

    /// Turns to what is to be done next, if it can be done.
    fn begin_task(&mut self, at: Stamp) {
        if self.listener.awaits_name() {
            return;
        }
        let has_name = self.listener.name.is_some();
        if let Some(line) = &self.listener.line {
            if has_name {
                let text = line.text.clone();
                self.send(at, GuestMessage::Message { text });
            }
            return;
        }
        if matches!(self.tasks.front(), Some(Task::Say(_))) && !has_name {
            return;
        }
        match self.tasks.pop_front() {
            Some(Task::Say(text)) => self.send(at, GuestMessage::Message { text }),
            Some(Task::Join(channel)) => {
                let id = channel.as_str().to_owned();
                self.joining = Some(channel);
                self.ask_for_channel(at, id);
            }
            Some(Task::Rename(name)) => {
                self.wish_for(name);
                self.ask_for_next(at);
            }
            None => {}
        }
    }

    fn ask_for_channel(&mut self, at: Stamp, id: String) {
        self.answer_due = Some(at + ANSWER_WITHIN);
        self.send(at, GuestMessage::Join { id });
    }

    fn send(&mut self, at: Stamp, message: GuestMessage) {
        self.listener.sent(&message);
        if !matches!(message, GuestMessage::Join { .. }) {
            self.reply_due = Some(at + REPLY_WITHIN);
        }
        self.outputs.push_back(Due::Send(message));
    }

    fn add_task(&mut self, at: Stamp, task: Task, cue: GuestCue) {
        if self.tasks.len() < Self::MOST_WAITING {
            self.tasks.push_back(task);
        } else {
            let overfull = GuestEvent::Overfull { at, cue };
            self.outputs.push_back(Due::Event(overfull));
        }
    }

    /// When the reason for a refused name is due.
    fn reason_due(&self) -> Option<Stamp> {
        self.listener
            .refused_since()
            .map(|since| since + REASON_WITHIN)
    }
}

impl Party for Guest {
    type Event = GuestEvent;
    type Cue = GuestCue;

    fn handle_open(&mut self, at: Stamp) {
        if self.stage != Stage::Opening {
            return;
        }
        self.stage = Stage::Open;
        self.entry_due = Some(at + ENTRY_WITHIN);
        self.act(at);
        if self.stage == Stage::Open && self.ticket.is_some() {
            self.listener.ask(Asked::Admission);
            self.outputs.push_back(Due::Ticket);
        }
    }

    fn handle_message(&mut self, at: Stamp, message: &Message) {
        self.listener.hear(at, message);
        self.take_notices(at);
        self.act(at);
    }

    fn handle_timeout(&mut self, at: Stamp) {
        let is_past = |due: Option<Stamp>| due.is_some_and(|due| due <= at);
        if is_past(self.reason_due()) {
            self.listener.give_up_reason();
        }
        if is_past(self.answer_due) {
            self.answer_due = None;
            self.listener.give_up_answer(at);
        }
        if is_past(self.entry_due) {
            self.entry_due = None;
            self.tell_of_unanswered(at, Request::Channel);
        }
        if is_past(self.reply_due) {
            self.reply_due = None;
            if let Some(what) = self.unanswered() {
                self.tell_of_unanswered(at, what);
            }
        }
        self.take_notices(at);
        self.act(at);
    }

    fn handle_cue(&mut self, at: Stamp, cue: GuestCue) {
        match cue.clone() {
            GuestCue::Say(text) => self.add_task(at, Task::Say(text), cue),
            GuestCue::Join(channel) => self.add_task(at, Task::Join(channel), cue),
            // Who has a name says under it what is to be said before.
            GuestCue::Rename(name) if self.listener.name.as_ref() == Some(&self.name) => {
                self.add_task(at, Task::Rename(name), cue);
            }
            GuestCue::Rename(name) => self.wish_for(name),
            GuestCue::Finish => self.is_finishing = true,
        }
        self.act(at);
    }

    fn handle_close(&mut self, _at: Stamp) {
        // A name that was refused for a reason that is lost is claimed again by the next guest.
        self.stage = Stage::Left;
    }

    fn poll_output(&mut self) -> Option<Output<GuestEvent>> {
        Some(match self.outputs.pop_front()? {
            Due::Ticket => {
                let ticket = self.ticket.as_ref().map_or("", |it| it.expose_secret());
                let ticket = ticket.to_owned();
                Output::Send(Message::text(GuestMessage::Ticket { ticket }.to_string()))
            }
            Due::Send(message) => Output::Send(Message::text(message.to_string())),
            Due::Event(event) => Output::Event(event),
            Due::Close => Output::Close(Farewell::normal()),
        })
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        if self.stage != Stage::Open {
            return None;
        }
        let claim_due = match self.claiming {
            Claiming::Later(then) => Some(then),
            Claiming::Now | Claiming::Refused => None,
        };
        [
            self.reason_due(),
            self.answer_due,
            self.held_until,
            self.entry_due,
            self.reply_due,
            claim_due,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
