//! The local server: hackattic's three endpoints, an echo, a chat, a registration, who is connected,
//! and a page for all of it, on one port.
//!
//! [`Server::bind`] takes the port, [`Server::run`] serves until it is told to stop. Inside,
//! `accept` turns TCP connections into requests, `routes` answers them, and the `hub` holds what
//! they share; `emulation` can put a modelled network in between, and `tls` encrypts, with a
//! certificate that is given or `self_signed`. `occupancy` counts connections and limits them,
//! and `proxies` are believed whom a request comes from.
//! `own_hosts` knows by which hosts clients reach this server: by that `origin` decides which web
//! pages may ask for anything, and a registration is only for a host that is known.
//!
//! A conversation is a `visit`, on whichever route: upgraded, listed in the `registry` until it
//! ends, and driven by the link with a [`KeepAlive`](crate::conversation::latency::KeepAlive) around
//! the route's own party. That is an [`Echo`](crate::conversation::latency::Echo) or, in
//! `challenge`, a [`Host`](crate::conversation::challenge::Host); for the latter `admission` keeps
//! the one-time tokens, and `game` decides what is played. In `chat`, it is a
//! [`Seat`](crate::conversation::chat::Seat) in rooms that all guests share. A new route is a handler
//! in `routes` that calls `visit::upgrade`, and a name in `registry::Route`.
//!
//! In `registration`, keys are reached: each connection has a
//! [`Registrar`](crate::conversation::registration::Registrar), with the host that its client asked
//! for in the challenges, and all share one
//! [`Directory`](crate::conversation::registration::Directory).
//!
//! `watch` shows a game that the program plays by itself: its own
//! [`Player`](crate::conversation::challenge::Player) against its own host, within the server. What
//! the player notices is told in the words of the [`report`](crate::report).
//!
//! A user gets a ticket, good for one connection, from `ticketing`: it verifies the user's password
//! against the file of [`Users`], no more often than its `throttle` has it, and `tickets` keeps what
//! it has given until it is redeemed. When that file changes, the `roll` notices, and those who are
//! no users any more are shown out.
//!
//! People see all of it on the `page`: files that are compiled in, and the headers that keep
//! everything else away from it. What it does, it does over the routes above.

mod accept;
mod admission;
mod answer;
mod authority;
mod challenge;
mod chat;
mod emulation;
mod game;
mod hub;
mod occupancy;
mod one_time;
mod origin;
mod own_hosts;
mod page;
mod password;
mod proxies;
mod registration;
mod registry;
mod replacement;
mod roll;
mod routes;
mod self_signed;
mod settings;
mod throttle;
mod ticketing;
mod tickets;
mod tls;
mod users;
mod visit;
mod watch;
mod write_limit;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

pub use self::chat::ChatSettings;
use crate::link::Stop;

pub use occupancy::ConnectionLimits;
pub use origin::{Origin, OriginError, Origins};
pub use own_hosts::{OwnHost, OwnHostError, OwnHosts};
pub use password::{
    HashingError, PASSWORD_LIMIT, Password, PasswordError, StoredPassword, StoredPasswordError,
    Verdict,
};
pub use proxies::{Proxies, Subnet, SubnetError};
pub use registration::RegistrationSettings;
pub use replacement::FileLock;
pub use self_signed::{AuthorityFile, AuthorityFileError};
pub use settings::Settings;
pub use ticketing::TicketSettings;
pub use tickets::TICKET_LIFETIME;
pub use tls::{Tls, TlsError};
pub use users::{Change, LineError, UserNameError, Users, UsersError, user_name};

/// How long connections are given to end once the server has been told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A conversation of the challenge that has ended.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its number, counted from one since the server began; `None` if it was refused.
    pub number: Option<u64>,
    /// Whom it was held with.
    pub peer: SocketAddr,
    /// How many beats were sent.
    pub rounds: u32,
    /// What came of it.
    pub result: HeldResult,
    /// How much later than its schedule each beat left.
    pub beat_delays: Vec<Duration>,
}

/// What came of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldResult {
    /// The player was told the secret.
    Won,
    /// The player was told `ouch!`, for this.
    Lost(crate::conversation::challenge::LossCause),
    /// It was neither won nor lost when it ended.
    BrokenOff,
    /// The token was not good.
    Refused,
}

/// A practice server that has its port.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    settings: Settings,
}

impl Server {
    /// Takes the port. From here on connections are accepted, if not answered yet.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn bind(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen).await?;
        Ok(Server { listener, settings })
    }

    /// Where the server listens, with the port that it really got.
    ///
    /// # Errors
    ///
    /// When the operating system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`. Then nobody is let in any more, conversations are closed with a Close
    /// frame, and whatever has not ended a few seconds later is dropped. `on_held` hears of each
    /// conversation of the challenge as it ends.
    pub async fn run(self, stop: Stop, on_held: impl Fn(Held) + Send + Sync + 'static) {
        let hub = Arc::new(hub::Hub::new(self.settings, stop, Box::new(on_held)));
        let tasks = hub.tasks.clone();
        let remnants = hub.remnants.clone().drop_guard();
        let chat = Arc::clone(&hub.chat);
        let stop = hub.stop.clone();
        hub.spawn(async move { chat.keep_time(stop).await });
        let (chat, stop) = (Arc::clone(&hub.chat), hub.stop.clone());
        hub.spawn(async move { chat.keep_users(stop).await });

        accept::accept(self.listener, hub).await;

        tasks.close();
        if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
            tracing::warn!("{} connections had to be dropped", tasks.len());
        }
        drop(remnants);
    }
}
