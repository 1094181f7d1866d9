use std::collections::VecDeque;
use std::time::Duration;

use super::listener::{Listener, Notice};
use super::{Line, RegistrantCue, RegistrantEvent, RegistrantSettings, Request};
use crate::conversation::registration::{KeyPair, PublicKey, RegistrantMessage};
use crate::conversation::{CloseReason, Farewell, Message, Output, Party, Stamp};

/// How long the first challenge may take, which a registrar sends at once, and how long an answer or
/// a line may go unanswered: as long as a registrar gives a registrant.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The client's party in a registration: proves that it has a key, and says lines one at a time.
///
/// It signs nothing but challenges that name the server that it has dialled. It has one answer under
/// way at most: a challenge that comes before the verdict on the answer to another will be taken as
/// answered by that, and the verdict brings the next one, or the same again.
#[derive(Debug)]
pub struct Registrant {
    key: KeyPair,
    listener: Listener,
    waiting: VecDeque<Line>,
    /// The registrar wants no line before then.
    held_until: Option<Stamp>,
    /// The registrar wants no answer to the challenge before then.
    answer_held_until: Option<Stamp>,
    /// When it is told of that there is no challenge.
    challenge_due: Option<Stamp>,
    /// When it is told of that there is no verdict.
    verdict_due: Option<Stamp>,
    /// When it is told of that a line goes unanswered.
    line_due: Option<Stamp>,
    is_finishing: bool,
    stage: Stage,
    outputs: VecDeque<Output<RegistrantEvent>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    Left,
}

impl Registrant {
    /// How many lines may wait for their turn. What comes on top of them is
    /// [not taken](RegistrantEvent::Overfull): whoever gives the cues has to count what was said,
    /// since a driver empties its inbox into the registrant.
    pub const MOST_WAITING: usize = 256;

    /// A registrant that has nothing to say yet.
    pub fn new(settings: RegistrantSettings) -> Self {
        Registrant {
            key: settings.key,
            listener: Listener::new(Some(settings.host)),
            waiting: VecDeque::new(),
            held_until: None,
            answer_held_until: None,
            challenge_due: None,
            verdict_due: None,
            line_due: None,
            is_finishing: false,
            stage: Stage::Opening,
            outputs: VecDeque::new(),
        }
    }

    /// The key that it registers with.
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// What has not been said yet, as far as is known, in order. The first of them may be under way,
    /// and have been delivered without an answer that came through.
    pub fn unsaid(&self) -> impl Iterator<Item = &Line> {
        self.listener.line().into_iter().chain(&self.waiting)
    }

    /// Takes what came of what was heard.
    fn take_notices(&mut self) {
        while let Some(notice) = self.listener.poll_notice() {
            match notice {
                Notice::Event(event) => self.outputs.push_back(Output::Event(event)),
                Notice::Challenge => {
                    self.challenge_due = None;
                    self.answer_held_until = None;
                }
                Notice::Foreign => {
                    let reason = "the challenge does not name the server that was dialled";
                    self.leave(Farewell::new(CloseReason::POLICY_VIOLATION, reason));
                }
                Notice::Judged => self.verdict_due = None,
                Notice::AnswerLater(then) => self.answer_held_until = Some(then),
                Notice::Ended => self.line_due = None,
                Notice::SayAgain(line, then) => {
                    self.line_due = None;
                    self.waiting.push_front(line);
                    self.held_until = then;
                }
            }
        }
    }

    /// Does what can be done now.
    fn act(&mut self, at: Stamp) {
        if self.stage != Stage::Open {
            return;
        }
        if self.is_finishing && self.unsaid().next().is_none() {
            return self.leave(Farewell::normal());
        }
        self.held_until.take_if(|until| *until <= at);
        self.answer_held_until.take_if(|until| *until <= at);
        self.answer(at);
        self.say(at);
    }

    /// Answers the newest challenge, unless an answer is under way or it is to wait. One that has not
    /// been judged for too long is not waited for any more.
    fn answer(&mut self, at: Stamp) {
        let is_under_way = self.listener.awaits_verdict() && self.verdict_due.is_some();
        if !self.listener.is_asked || is_under_way || self.answer_held_until.is_some() {
            return;
        }
        if let Some(challenge) = &self.listener.challenge {
            let answer = RegistrantMessage::Answer {
                public_key: self.key.public_key().to_string(),
                response: self.key.sign(challenge).to_string(),
            };
            self.verdict_due = Some(at + ANSWER_WITHIN);
            self.send(answer);
        }
    }

    /// Says the next line, if it is its turn.
    fn say(&mut self, at: Stamp) {
        let may_speak = self.listener.is_registered && self.held_until.is_none();
        if !may_speak || self.listener.line().is_some() {
            return;
        }
        if let Some(Line { text, to }) = self.waiting.pop_front() {
            self.line_due = Some(at + ANSWER_WITHIN);
            self.send(RegistrantMessage::Text { text, to });
        }
    }

    fn send(&mut self, message: RegistrantMessage) {
        let text = message.to_string();
        self.listener.sent(message);
        self.outputs.push_back(Output::Send(Message::Text(text)));
    }

    fn leave(&mut self, farewell: Farewell) {
        if self.stage == Stage::Open {
            self.stage = Stage::Left;
            self.outputs.push_back(Output::Close(farewell));
        }
    }
}

impl Party for Registrant {
    type Event = RegistrantEvent;
    type Cue = RegistrantCue;

    fn handle_open(&mut self, at: Stamp) {
        if self.stage == Stage::Opening {
            self.stage = Stage::Open;
            self.challenge_due = Some(at + ANSWER_WITHIN);
            self.act(at);
        }
    }

    fn handle_message(&mut self, at: Stamp, message: &Message) {
        self.listener.hear(at, message);
        self.take_notices();
        self.act(at);
    }

    fn handle_timeout(&mut self, at: Stamp) {
        if self.stage != Stage::Open {
            return;
        }
        for (due, what) in [
            (&mut self.challenge_due, Request::Challenge),
            (&mut self.verdict_due, Request::Answer),
            (&mut self.line_due, Request::Line),
        ] {
            if due.take_if(|due| *due <= at).is_some() {
                let unanswered = RegistrantEvent::Unanswered { at, what };
                self.outputs.push_back(Output::Event(unanswered));
            }
        }
        self.act(at);
    }

    fn handle_cue(&mut self, at: Stamp, cue: RegistrantCue) {
        match cue {
            RegistrantCue::Say(line) if self.waiting.len() < Self::MOST_WAITING => {
                self.waiting.push_back(line);
            }
            RegistrantCue::Say(line) => {
                let overfull = RegistrantEvent::Overfull { at, line };
                self.outputs.push_back(Output::Event(overfull));
            }
            RegistrantCue::Finish => self.is_finishing = true,
        }
        self.act(at);
    }

    fn handle_close(&mut self, _at: Stamp) {
        self.stage = Stage::Left;
    }

    fn poll_output(&mut self) -> Option<Output<RegistrantEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        if self.stage != Stage::Open {
            return None;
        }
        [
            self.held_until,
            self.answer_held_until,
            self.challenge_due,
            self.verdict_due,
            self.line_due,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
