use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use super::{Interval, Round, Verdict};
use crate::conversation::{Farewell, Message, Output, Party, Stamp};

const HELLO: &str = "hello! start counting the time between the pings (start from the moment you \
                     opened this connection)";
const BEAT: &str = "ping!";
const GOOD: &str = "good!";
const OUCH: &str = "ouch! seems like you missed a beat... sorry, this conversation is over. \
                    closing socket.";

/// How the message with the secret begins.
const WON: &str = "congratulations!";
const EXPIRED: &str = "expired challenge token";

/// How long the last beat, which no other follows, waits for its answer: as long as the longest
/// interval, since any of the others could still have been meant.
const LAST_ANSWER_WITHIN: Duration = Interval::LONGEST.duration();

/// The server's side of the challenge: beats, judges the answers, and tells the secret.
///
/// It draws nothing: the intervals it waits, how many rounds that makes, and the secret are given
/// to it. Beats are due at absolute times, the sums of the intervals, so that neither answers nor
/// late wake-ups shift them, unless it is to [sleep between beats](Host::sleeping_between_beats).
#[derive(Debug)]
pub struct Host {
    secret: String,
    pacing: Pacing,
    /// What is waited before the next beat; `None` after the last one.
    upcoming: Option<Interval>,
    /// What is waited before the beats after that.
    remaining: std::vec::IntoIter<Interval>,
    /// When the next beat is due, or, after the last one, its answer.
    due: Stamp,
    /// The newest round, once there has been a beat.
    round: Option<Round>,
    state: State,
    /// Beats on their way to the network, oldest first, with their due times.
    unwritten: VecDeque<(Round, Stamp)>,
    /// The last thing to say, on its way to the network.
    conclusion: Option<Conclusion>,
    outputs: VecDeque<Output<HostEvent>>,
}

/// What the interval before a beat counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pacing {
    /// When the beat before it was due.
    Absolute,
    /// When the beat before it was made.
    Relative,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not open yet, or over.
    Silent,
    /// Not open yet, and not going to play.
    Refusing,
    /// Nothing to answer: before the first beat, or after a right answer.
    Waiting,
    /// This beat has not been answered yet.
    Asking {
        round: Round,
        expected: Interval,
        since: Stamp,
    },
}

/// How the conversation ends once its last words have been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conclusion {
    Won,
    Lost(Round, LossCause),
}

/// What a host notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// A beat left.
    Beat {
        /// Which round it began.
        round: Round,
        /// When its absolute schedule had it.
        due: Stamp,
        /// When it had been written.
        written: Stamp,
    },
    /// An answer came and was judged.
    Answered {
        /// The round of the beat that it answers.
        round: Round,
        /// When it came.
        at: Stamp,
        /// How long after the beat was sent.
        after: Duration,
        /// Whether it was right.
        verdict: Verdict,
    },
    /// Something came that answers no beat. It is passed over.
    Noted {
        /// When it came.
        at: Stamp,
        /// What it was.
        message: Message,
    },
    /// Every round was answered right, and the secret has been written.
    Won {
        /// When it had been.
        at: Stamp,
    },
    /// The player is out, and that has been written.
    Lost {
        /// When it had been.
        at: Stamp,
        /// The round that was lost.
        round: Round,
        /// What was wrong.
        cause: LossCause,
    },
}

/// Why a player is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossCause {
    /// The answer was not the interval.
    Wrong {
        /// The interval it should have been.
        expected: Interval,
    },
    /// There was no answer before the next beat.
    Missing,
}

impl Host {
    /// A host that beats after each of these intervals in turn, one round an interval, and then
    /// tells the secret. Without intervals it tells it at once.
    pub fn new(intervals: Vec<Interval>, secret: impl Into<String>) -> Self {
        let mut remaining = intervals.into_iter();
        Host {
            secret: secret.into(),
            pacing: Pacing::Absolute,
            upcoming: remaining.next(),
            remaining,
            due: Stamp::OPENING,
            round: None,
            state: State::Silent,
            unwritten: VecDeque::new(),
            conclusion: None,
            outputs: VecDeque::new(),
        }
    }

    /// The same host, but an interval counts from when the beat before it was made rather than from
    /// when it was due: the way of a server that sleeps between its beats. Every wake-up that is
    /// late then shifts all beats after it.
    pub fn sleeping_between_beats(self) -> Self {
        Host {
            pacing: Pacing::Relative,
            ..self
        }
    }

    /// A host that does not play: it says that the token has expired, and leaves.
    pub fn refusing() -> Self {
        Host {
            state: State::Refusing,
            ..Host::new(Vec::new(), "")
        }
    }

    fn say(&mut self, text: impl Into<String>) {
        self.outputs.push_back(Output::Send(Message::text(text)));
    }

    fn event(&mut self, event: HostEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    fn finish(&mut self) {
        self.state = State::Silent;
        self.outputs.push_back(Output::Close(Farewell::normal()));
    }

    fn is_playing(&self) -> bool {
        matches!(self.state, State::Waiting | State::Asking { .. })
    }

    fn beat(&mut self, at: Stamp, expected: Interval) {
        let round = self.round.map_or(Round::FIRST, Round::next);
        self.say(BEAT);
        self.unwritten.push_back((round, self.due));
        self.round = Some(round);
        self.state = State::Asking {
            round,
            expected,
            since: at,
        };
        self.upcoming = self.remaining.next();
        let wait = self.upcoming.map_or(LAST_ANSWER_WITHIN, Interval::duration);
        self.due = match self.pacing {
            Pacing::Absolute => self.due,
            Pacing::Relative => at,
        } + wait;
    }

    fn judge(&mut self, at: Stamp, text: &str) {
        let State::Asking {
            round,
            expected,
            since,
        } = self.state
        else {
            return self.event(HostEvent::Noted {
                at,
                message: Message::text(text),
            });
        };
        let verdict = if text.parse() == Ok(expected) {
            Verdict::Good
        } else {
            Verdict::Ouch
        };
        self.event(HostEvent::Answered {
            round,
            at,
            after: at.since(since),
            verdict,
        });
        match verdict {
            Verdict::Ouch => self.lose(round, LossCause::Wrong { expected }),
            Verdict::Good => {
                self.state = State::Waiting;
                self.say(GOOD);
                if self.upcoming.is_none() {
                    self.win();
                }
            }
        }
    }

    fn win(&mut self) {
        let secret = &self.secret;
        let told = format!("{WON} the solution to this challenge is \"{secret}\"");
        self.say(told);
        self.conclusion = Some(Conclusion::Won);
        self.finish();
    }

    fn lose(&mut self, round: Round, cause: LossCause) {
        self.say(OUCH);
        self.conclusion = Some(Conclusion::Lost(round, cause));
        self.finish();
    }
}

impl Party for Host {
    type Event = HostEvent;
    type Cue = Infallible;

    fn handle_open(&mut self, at: Stamp) {
        if self.state == State::Refusing {
            self.say(EXPIRED);
            return self.finish();
        }
        self.say(HELLO);
        self.state = State::Waiting;
        match self.upcoming {
            Some(interval) => self.due = at + interval.duration(),
            None => self.win(),
        }
    }

    fn handle_message(&mut self, at: Stamp, message: &Message) {
        // An answer that comes once the next beat is due is late, even if nobody has woken the
        // host for that beat yet.
        self.handle_timeout(at);
        if !self.is_playing() {
            return;
        }
        match message {
            Message::Text(text) => self.judge(at, text),
            Message::Binary(_) => self.event(HostEvent::Noted {
                at,
                message: message.clone(),
            }),
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }

    fn handle_timeout(&mut self, at: Stamp) {
        while at >= self.due {
            match (self.state, self.upcoming) {
                (State::Silent | State::Refusing, _) | (State::Waiting, None) => return,
                (State::Asking { round, .. }, _) => self.lose(round, LossCause::Missing),
                (State::Waiting, Some(interval)) => self.beat(at, interval),
            }
        }
    }

    fn handle_written(&mut self, at: Stamp, message: &Message) {
        let Message::Text(text) = message else {
            return;
        };
        if text == BEAT {
            if let Some((round, due)) = self.unwritten.pop_front() {
                self.event(HostEvent::Beat {
                    round,
                    due,
                    written: at,
                });
            }
        } else if text == OUCH || text.starts_with(WON) {
            match self.conclusion.take() {
                Some(Conclusion::Won) => self.event(HostEvent::Won { at }),
                Some(Conclusion::Lost(round, cause)) => {
                    self.event(HostEvent::Lost { at, round, cause });
                }
                None => {}
            }
        }
    }

    fn poll_output(&mut self) -> Option<Output<HostEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        self.is_playing().then_some(self.due)
    }
}
