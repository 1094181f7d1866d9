use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use super::{Model, Pair, Watcher};
use crate::conversation::challenge::{
    Estimate, Estimator, EstimatorKind, Host, HostEvent, Interval, LossCause, Player, PlayerEvent,
    PlayerSettings, Standing,
};
use crate::conversation::{Stamp, WireEvent};
use crate::recording::{Conversation, Header, VERSION};

/// The secret of every simulated session.
const SECRET: &str = "square limit withered water yellow sun";

/// One game of the challenge across a modelled network.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// The network.
    pub model: Model,
    /// How many rounds are played.
    pub rounds: u32,
    /// What everything is drawn from, together with the number.
    pub seed: u64,
    /// Which session of this seed it is.
    pub number: u64,
}

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contestant {
    /// A player with an estimator.
    Estimator(EstimatorKind),
    /// A player that knows the intervals, and loses only when no answer could be in time: nobody
    /// can do better.
    Oracle,
}

impl Contestant {
    /// The name, as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Contestant::Estimator(kind) => kind.name(),
            Contestant::Oracle => "oracle",
        }
    }
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// How it stood for the player in the end.
    pub standing: Standing,
    /// Why it was lost, as the host knows.
    pub cause: Option<LossCause>,
}

impl Session {
    /// Plays the session.
    pub fn play(&self, contestant: Contestant) -> Played {
        self.play_before(contestant, &mut Unwatched)
    }

    /// Plays the session, and keeps what a recording of it on the player's side would hold.
    pub fn record(&self, contestant: Contestant) -> (Header, Vec<(Stamp, WireEvent)>, Played) {
        let mut notes = Notes::default();
        let played = self.play_before(contestant, &mut notes);
        let Session {
            model,
            rounds,
            seed,
            number,
        } = self;
        let header = Header {
            version: VERSION,
            conversation: Conversation::Challenge,
            url: format!(
                "simulation://{model}/{}?rounds={rounds}&seed={seed}&session={number}",
                contestant.name()
            ),
            // Virtual time has no date, and the same session is to have the same bytes.
            started_at: "1970-01-01T00:00:00.000Z".to_owned(),
        };
        (header, notes.0, played)
    }

    pub(super) fn play_before<W>(&self, contestant: Contestant, watcher: &mut W) -> Played
    where
        W: Watcher<PlayerEvent, HostEvent>,
    {
        let mut rng = Pcg64::new(self.seed.into(), self.number.into());
        // Each of these draws by itself, so that the weather is the same whatever the player does.
        let (down, up, oversleep) = (rng.next_u64(), rng.next_u64(), rng.next_u64());
        let mut rng = Pcg64::seed_from_u64(rng.next_u64());
        let intervals: Vec<Interval> = (0..self.rounds)
            .filter_map(|_| Interval::ALL.choose(&mut rng).copied())
            .collect();
        let mut player = match contestant {
            Contestant::Estimator(estimator) => Player::new(PlayerSettings {
                estimator,
                round_limit: None,
            }),
            Contestant::Oracle => Player::with_estimator(Box::new(Oracle {
                intervals: intervals.clone().into_iter(),
            })),
        };
        let mut host = Host::new(intervals, SECRET).sleeping_between_beats();
        let mut judged = Judged {
            watcher,
            cause: None,
        };
        Pair {
            client: &mut player,
            server: &mut host,
            down: &mut *self.model.path(down),
            up: &mut *self.model.path(up),
            oversleep: &mut self.model.oversleep(oversleep),
        }
        .run(&mut judged);
        Played {
            cause: judged.cause,
            standing: player.standing().clone(),
        }
    }
}

/// Knows what it is asked for.
#[derive(Debug)]
struct Oracle {
    intervals: std::vec::IntoIter<Interval>,
}

impl Estimator for Oracle {
    fn opened(&mut self, _at: Stamp) {}

    fn beat(&mut self, _at: Stamp) -> Estimate {
        let interval = self.intervals.next().unwrap_or(Interval::LONGEST);
        Estimate {
            interval,
            corrected: interval.duration(),
            probabilities: None,
        }
    }

    fn confirmed(&mut self, _interval: Interval) {}
}

struct Unwatched;

impl<C, S> Watcher<C, S> for Unwatched {}

#[derive(Default)]
struct Notes(Vec<(Stamp, WireEvent)>);

impl<C, S> Watcher<C, S> for Notes {
    fn client_wire(&mut self, at: Stamp, event: &WireEvent) {
        self.0.push((at, event.clone()));
    }
}

/// Hears the host's verdict, and passes the rest on.
struct Judged<'a, W> {
    watcher: &'a mut W,
    cause: Option<LossCause>,
}

impl<W: Watcher<PlayerEvent, HostEvent>> Watcher<PlayerEvent, HostEvent> for Judged<'_, W> {
    fn client_wire(&mut self, at: Stamp, event: &WireEvent) {
        self.watcher.client_wire(at, event);
    }

    fn client_event(&mut self, event: PlayerEvent) {
        self.watcher.client_event(event);
    }

    fn server_event(&mut self, event: HostEvent) {
        if let HostEvent::Lost { cause, .. } = event {
            self.cause = Some(cause);
        }
        self.watcher.server_event(event);
    }
}
