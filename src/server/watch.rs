//! `GET /watch`: the program plays the timing game with itself, and tells of it as it goes.
//!
//! Player and host are those that play everywhere else. Their WebSocket runs within the server,
//! through the modelled network if there is one, and what the player notices is told in the words of
//! `wsbeat solve -o json`, an object a message.
//!
//! Nobody is told of it through [`on_held`](super::Server::run), and it takes no number of a
//! conversation: those are held with clients, and a seed decides them in the order in which they
//! come, whoever watches meanwhile. Nor does its secret, which all who watch are shown, solve
//! anything.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};
use tracing::Instrument;

use super::game::Deal;
use super::hub::Hub;
use super::visit::{Unobserved, Visit};
use crate::conversation::challenge::{Host, HostEvent, Player, PlayerEvent, Standing};
use crate::conversation::{Farewell, Message, Output, Party, Stamp, WireEvent};
use crate::link::{self, Connection, Inbox, Limits, Observer, Precision, Prompter, Stop};
use crate::report::{BeatItem, Item, Outcome, Tally, json};

/// How much of what is told may wait for a watcher to read it. One that reads more slowly than that
/// is closed.
const UNTOLD: usize = 256;

/// How much may be under way between player and host: more than they ever say.
const UNDER_WAY: usize = 64 * 1024;

/// Plays one game before a client. It is over when the client leaves.
pub(super) async fn show(hub: Arc<Hub>, visit: Visit) {
    let Some(opened) = visit.opened().await else {
        return;
    };
    let (prompter, mut inbox) = Inbox::channel(UNTOLD);
    let (teller, mut unobserved) = (Teller::default(), Unobserved);
    let precision = Precision::Millisecond;
    let telling = opened.hold_with_cues(teller, &mut inbox, &mut unobserved, precision);
    let playing = async {
        play(&hub, Commentary::new(prompter)).await;
        // What has been told is still to be read.
        std::future::pending().await
    };
    tokio::select! {
        _ending = telling => {}
        () = playing => {}
    }
}

/// Has the player and the host play.
async fn play(hub: &Hub, commentary: Commentary) {
    let number = hub.next_watched();
    let deal = hub.game.deal_to_be_watched(number);
    let (near, far) = duplex(UNDER_WAY);
    let (near, carrying) = match &hub.emulation {
        None => (near, None),
        Some(emulation) => {
            let (near, carrying) = emulation.between(near);
            (near, Some(carrying))
        }
    };
    let carrying = async {
        if let Some(carrying) = carrying {
            carrying.await;
        }
    };
    let hosting = host(near, deal).instrument(tracing::debug_span!("watched host", number));
    let playing = solve(far, commentary).instrument(tracing::debug_span!("watched player", number));
    let (hosted, played, ()) = tokio::join!(hosting, playing, carrying);
    if let Err(error) = hosted.and(played) {
        tracing::debug!(number, %error, "a game to be watched did not begin");
    }
}

/// The host's side.
async fn host(stream: DuplexStream, deal: Deal) -> io::Result<()> {
    let connection = Connection::grant(stream).await?;
    let mut host = Host::new(deal.intervals, deal.secret);
    let precision = Precision::Microsecond;
    drive(connection, &mut host, &mut Unobserved, precision).await;
    Ok(())
}

/// The player's side. Whatever comes of it, the watcher is told so.
async fn solve(stream: DuplexStream, mut commentary: Commentary) -> io::Result<()> {
    let connected = Connection::ask(stream).await;
    let mut player = Player::default();
    let played = match connected {
        Ok(connection) => {
            let precision = Precision::default();
            drive(connection, &mut player, &mut commentary, precision).await;
            Ok(())
        }
        Err(error) => Err(error),
    };
    commentary.conclude(player.standing());
    played
}

/// Runs a party to its end. Nobody stops it: when the watcher leaves, or the server goes down, the
/// game is dropped as it stands.
async fn drive<S, P, O>(
    connection: Connection<S>,
    party: &mut P,
    observer: &mut O,
    precision: Precision,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    P: Party,
    O: Observer<P::Event>,
{
    let (_, mut never) = Stop::channel();
    let limits = Limits {
        precision,
        ..Limits::default()
    };
    link::drive(connection, party, observer, limits, &mut never).await;
}

impl Observer<HostEvent> for Unobserved {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    /// The player's side tells all that there is to tell.
    fn event(&mut self, _event: HostEvent) {}
}

/// Tells the watcher what the player notices.
struct Commentary {
    prompter: Prompter<Cue>,
    tally: Tally,
}

impl Commentary {
    fn new(prompter: Prompter<Cue>) -> Self {
        let mut tally = Tally::default();
        tally.begin_attempt();
        Commentary { prompter, tally }
    }

    fn tell(&self, item: &Item) {
        let mut line = Vec::new();
        let written = json::write(item, &mut line);
        // Neither can fail: an item is JSON, and a vector takes all there is.
        let Ok(line) = written.and_then(|()| String::from_utf8(line).map_err(io::Error::other))
        else {
            return;
        };
        self.put(Cue::Tell(line.trim_end().to_owned()));
    }

    fn put(&self, cue: Cue) {
        // A watcher that is gone, or does not read, ends the game by that.
        let _ = self.prompter.put(cue);
    }

    /// Sums up a game that is over, and lets the watcher go.
    fn conclude(self, standing: &Standing) {
        let outcome = match standing {
            Standing::Won { .. } => Outcome::Solved,
            Standing::Lost { .. } => Outcome::Lost,
            Standing::Playing | Standing::Expired | Standing::Enough => Outcome::Failed,
        };
        let summary = self.tally.clone().summary(outcome);
        self.tell(&Item::Summary(summary));
        self.put(Cue::TakeLeave);
    }
}

impl Observer<PlayerEvent> for Commentary {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, event: PlayerEvent) {
        self.tally.count(&event);
        let item = match &event {
            PlayerEvent::Beat(beat) => Some(Item::Beat(BeatItem::new(beat, None))),
            other => Item::from_event(other, None),
        };
        if let Some(item) = item {
            self.tell(&item);
        }
    }
}

/// What a teller is to do.
enum Cue {
    /// Say this.
    Tell(String),
    /// Close: all has been said.
    TakeLeave,
}

/// The server's party in the conversation with a watcher: says what it is given, and listens to
/// nothing.
#[derive(Debug, Default)]
struct Teller {
    outputs: VecDeque<Output<Infallible>>,
}

impl Party for Teller {
    type Event = Infallible;
    type Cue = Cue;

    fn handle_open(&mut self, _at: Stamp) {}

    fn handle_message(&mut self, _at: Stamp, _message: &Message) {}

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn handle_cue(&mut self, _at: Stamp, cue: Cue) {
        self.outputs.push_back(match cue {
            Cue::Tell(line) => Output::Send(Message::text(line)),
            Cue::TakeLeave => Output::Close(Farewell::normal()),
        });
    }

    fn poll_output(&mut self) -> Option<Output<Infallible>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}
