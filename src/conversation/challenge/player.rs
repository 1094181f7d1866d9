use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use super::{Interval, Round, ServerMessage, Verdict, Window};
use crate::conversation::{Message, Output, Party, Stamp};

/// The client's side of the challenge: measures the time between beats and answers each one.
///
/// A beat is answered in the very call that reports it. Elapsed time counts from the opening to
/// the first beat, and from beat to beat after that; nothing else that the server says moves it.
/// Whether an answer is in time is the driver's affair; the player asks for no timeouts.
#[derive(Debug, Default)]
pub struct Player {
    round_limit: Option<NonZeroU32>,
    /// Where the elapsed time of the next beat counts from.
    counting_from: Stamp,
    /// The newest round, once there has been a beat.
    round: Option<Round>,
    /// The newest round has been answered and not yet judged.
    awaits_verdict: bool,
    /// A beat whose answer has not been seen leaving yet.
    unreported: Option<Beat>,
    standing: Standing,
    outputs: VecDeque<Output<PlayerEvent>>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Which round it began.
    pub round: Round,
    /// When it arrived.
    pub at: Stamp,
    /// The time since the previous beat, or since the opening.
    pub elapsed: Duration,
    /// The answer.
    pub interval: Interval,
    /// From the arrival of the beat until its answer had been written, if it ever was.
    pub answered_in: Option<Duration>,
}

impl Beat {
    /// The window that the elapsed time fell into.
    pub fn window(&self) -> Window {
        self.interval.window()
    }

    /// How far from the edge of its window the elapsed time was.
    pub fn margin(&self) -> Duration {
        self.window().margin(self.elapsed)
    }

    /// How much later than its interval the beat came, in nanoseconds; negative if it came early.
    pub fn lateness_ns(&self) -> i64 {
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        nanos(self.elapsed) - nanos(self.interval.duration())
    }
}

impl Player {
    /// A player that plays until the server ends the game.
    pub fn new() -> Self {
        Player::default()
    }

    /// A player that leaves after answering this many rounds.
    pub fn with_round_limit(limit: NonZeroU32) -> Self {
        Player {
            round_limit: Some(limit),
            ..Player::default()
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
        self.outputs.push_back(Output::Close);
    }

    fn answer(&mut self, at: Stamp) {
        let elapsed = at.since(self.counting_from);
        let interval = Interval::nearest(elapsed);
        let round = self.round.map_or(Round::FIRST, Round::next);

        self.outputs
            .push_back(Output::Send(Message::text(interval.to_string())));
        self.counting_from = at;
        self.round = Some(round);
        self.awaits_verdict = true;
        self.unreported = Some(Beat {
            round,
            at,
            elapsed,
            interval,
            answered_in: None,
        });
        if self
            .round_limit
            .is_some_and(|limit| round.number() >= limit.get())
        {
            self.finish(Standing::Enough);
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
            ServerMessage::Hello => self.event(PlayerEvent::Hello {
                at,
                text: text.trim().to_owned(),
            }),
            ServerMessage::Good if self.awaits_verdict => {
                self.awaits_verdict = false;
                self.event(PlayerEvent::Verdict {
                    at,
                    round: self.round,
                    verdict: Verdict::Good,
                });
            }
            ServerMessage::Ouch => {
                let round = self.round.filter(|_| self.awaits_verdict);
                self.awaits_verdict = false;
                self.event(PlayerEvent::Verdict {
                    at,
                    round,
                    verdict: Verdict::Ouch,
                });
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

    fn handle_open(&mut self, at: Stamp) {
        self.counting_from = at;
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

    fn handle_written(&mut self, at: Stamp, _answer: &Message) {
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
