use std::collections::VecDeque;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::time::Duration;

use super::{Estimate, Estimator, EstimatorKind, Interval, Loss, Round, ServerMessage, Verdict};
use crate::conversation::{Farewell, Message, Output, Party, Stamp};

/// The client's side of the challenge: measures the time between beats and answers each one.
///
/// A beat is answered in the very call that reports it. Elapsed time counts from the opening to
/// the first beat, and from beat to beat after that; nothing else that the server says moves it.
/// Whether an answer is in time is the driver's affair; the player asks for no timeouts.
#[derive(Debug)]
pub struct Player {
    estimator: Box<dyn Estimator>,
    round_limit: Option<NonZeroU32>,
    /// Where the elapsed time of the next beat counts from.
    counting_from: Stamp,
    /// The newest round, once there has been a beat.
    round: Option<Round>,
    /// What was answered in the newest round, as long as it has not been judged.
    awaiting_verdict: Option<Interval>,
    /// What that answer was made of, and when it had been written.
    newest: Option<(Estimate, Stamp)>,
    /// The shortest time from an answer to its `good!`.
    fastest_verdict: Option<Duration>,
    /// A beat whose answer has not been seen leaving yet.
    unreported: Option<Beat>,
    standing: Standing,
    outputs: VecDeque<Output<PlayerEvent>>,
}

/// What a player is to be like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlayerSettings {
    /// What it snaps onto the intervals.
    pub estimator: EstimatorKind,
    /// Leave after answering this many rounds; otherwise it is the server that ends the game.
    pub round_limit: Option<NonZeroU32>,
}

/// How a conversation stands for its player.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Beats are still to be answered.
    #[default]
    Playing,
    /// The server has told its secret.
    Won {
        /// The secret phrase.
        secret: String,
    },
    /// The server said `ouch!`.
    Lost {
        /// The round whose answer was wrong or too late, or `None` if none was waiting for its
        /// verdict.
        round: Option<Round>,
    },
    /// The token was too old, or spent.
    Expired,
    /// As many rounds as were asked for have been answered.
    Enough,
}

/// What a player notices.
#[derive(Clone, Debug, PartialEq)]
pub enum PlayerEvent {
    /// The server's greeting.
    Hello {
        /// When it came.
        at: Stamp,
        /// Its text.
        text: String,
    },
    /// A beat was answered. Reported once the answer has been written.
    Beat(Beat),
    /// The server judged an answer.
    Verdict {
        /// When it did.
        at: Stamp,
        /// The round it spoke of; `None` for an `ouch!` when no answer was waiting for a verdict.
        round: Option<Round>,
        /// What it said.
        verdict: Verdict,
    },
    /// A round was lost, and this is why, as far as can be told.
    Lost(Loss),
    /// The server told the secret.
    Secret {
        /// When it did.
        at: Stamp,
        /// The secret phrase.
        secret: String,
    },
    /// The server refused the one-time token.
    Expired {
        /// When it did.
        at: Stamp,
    },
    /// Something that is not part of the game: other text, binary data, a `good!` for no answer.
    Noted {
        /// When it came.
        at: Stamp,
        /// What it was.
        message: Message,
    },
}

/// A beat and the answer to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Beat {
    /// Which round it began.
    pub round: Round,
    /// When it arrived.
    pub at: Stamp,
    /// The time since the previous beat, or since the opening.
    pub elapsed: Duration,
    /// The answer, and what it was made of.
    pub estimate: Estimate,
    /// From the arrival of the beat until its answer had been written, if it ever was.
    pub answered_in: Option<Duration>,
}

impl Default for Player {
    fn default() -> Self {
        Player::new(PlayerSettings::default())
    }
}

impl Player {
    /// A player for one conversation.
    pub fn new(settings: PlayerSettings) -> Self {
        Player {
            round_limit: settings.round_limit,
            ..Player::with_estimator(settings.estimator.estimator())
        }
    }

    /// A player that goes by an estimator that this library does not know, until the server ends
    /// the game.
    pub fn with_estimator(estimator: Box<dyn Estimator>) -> Self {
        Player {
            estimator,
            round_limit: None,
            counting_from: Stamp::OPENING,
            round: None,
            awaiting_verdict: None,
            newest: None,
            fastest_verdict: None,
            unreported: None,
            standing: Standing::Playing,
            outputs: VecDeque::new(),
        }
    }

    /// How the conversation stands.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The newest round, or `None` before the first beat.
    pub fn round(&self) -> Option<Round> {
        self.round
    }

    fn event(&mut self, event: PlayerEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    fn finish(&mut self, standing: Standing) {
        self.standing = standing;
        self.outputs.push_back(Output::Close(Farewell::normal()));
    }

    fn answer(&mut self, at: Stamp) {
        // A server that says nothing of an answer and goes on has nothing against it.
        self.confirm();
        let elapsed = at.since(self.counting_from);
        let estimate = self.estimator.beat(at);
        let round = self.round.map_or(Round::FIRST, Round::next);

        let answer = estimate.interval.to_string();
        self.outputs.push_back(Output::Send(Message::text(answer)));
        self.counting_from = at;
        self.round = Some(round);
        self.awaiting_verdict = Some(estimate.interval);
        self.newest = Some((estimate.clone(), at));
        self.unreported = Some(Beat {
            round,
            at,
            elapsed,
            estimate,
            answered_in: None,
        });
        if self
            .round_limit
            .is_some_and(|limit| round.number() >= limit.get())
        {
            self.finish(Standing::Enough);
        }
    }

    /// The newest answer was right, as far as it has not been judged yet.
    fn confirm(&mut self) {
        if let Some(answer) = self.awaiting_verdict.take() {
            self.estimator.confirmed(answer);
        }
    }

    fn report_beat(&mut self) {
        if let Some(beat) = self.unreported.take() {
            self.event(PlayerEvent::Beat(beat));
        }
    }

    fn handle_text(&mut self, at: Stamp, text: &str) {
        // After the last round that was asked for, its verdict and the secret still count.
        let listening = matches!(self.standing, Standing::Playing | Standing::Enough);
        match ServerMessage::parse(text) {
            _ if !listening => {}
            ServerMessage::Ping => {
                if self.standing == Standing::Playing {
                    self.answer(at);
                }
            }
            ServerMessage::Hello => {
                if self.round.is_none() {
                    self.estimator.greeted(at);
                }
                self.event(PlayerEvent::Hello {
                    at,
                    text: text.trim().to_owned(),
                });
            }
            ServerMessage::Good if self.awaiting_verdict.is_some() => {
                self.confirm();
                if let Some((_, written)) = self.newest {
                    let took = at.since(written);
                    let fastest = self.fastest_verdict.get_or_insert(took);
                    *fastest = took.min(*fastest);
                    self.estimator.judged_after(took);
                }
                self.event(PlayerEvent::Verdict {
                    at,
                    round: self.round,
                    verdict: Verdict::Good,
                });
            }
            ServerMessage::Ouch => {
                let answer = self.awaiting_verdict.take();
                let round = self.round.filter(|_| answer.is_some());
                self.event(PlayerEvent::Verdict {
                    at,
                    round,
                    verdict: Verdict::Ouch,
                });
                if let (Some(round), Some((estimate, written))) = (round, self.newest.take())
                    // In a replay, another answer may have been lost than today's.
                    && answer == Some(estimate.interval)
                {
                    let after = at.since(written);
                    let loss = Loss::explain(round, estimate, after, self.fastest_verdict);
                    self.event(PlayerEvent::Lost(loss));
                }
                self.finish(Standing::Lost { round });
            }
            ServerMessage::Secret(secret) => {
                let secret = secret.to_owned();
                self.event(PlayerEvent::Secret {
                    at,
                    secret: secret.clone(),
                });
                self.finish(Standing::Won { secret });
            }
            ServerMessage::Expired => {
                self.event(PlayerEvent::Expired { at });
                self.finish(Standing::Expired);
            }
            ServerMessage::Good | ServerMessage::Other => self.event(PlayerEvent::Noted {
                at,
                message: Message::text(text),
            }),
        }
    }
}

impl Party for Player {
    type Event = PlayerEvent;
    type Cue = Infallible;

    fn handle_open(&mut self, at: Stamp) {
        self.counting_from = at;
        self.estimator.opened(at);
    }

    fn handle_message(&mut self, at: Stamp, message: &Message) {
        self.report_beat();
        match message {
            Message::Text(text) => self.handle_text(at, text),
            Message::Binary(_) => self.event(PlayerEvent::Noted {
                at,
                message: message.clone(),
            }),
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn handle_written(&mut self, at: Stamp, answer: &Message) {
        // What was really sent is what the verdict is about: in the replay of a recording that may
        // be another answer than today's.
        if let (Some(awaiting), Message::Text(text)) = (&mut self.awaiting_verdict, answer)
            && let Ok(sent) = text.parse()
        {
            *awaiting = sent;
        }
        if let Some((_, written)) = &mut self.newest {
            *written = at;
        }
        if let Some(beat) = &mut self.unreported {
            beat.answered_in = Some(at.since(beat.at));
        }
        self.report_beat();
    }

    fn handle_close(&mut self, _at: Stamp) {
        self.report_beat();
    }

    fn poll_output(&mut self) -> Option<Output<PlayerEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}
