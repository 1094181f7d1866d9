use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::authority::Encryption;
use super::chat::Chat;
use super::emulation::Emulation;
use super::game::Game;
use super::occupancy::Occupancy;
use super::origin::Origins;
use super::own_hosts::OwnHosts;
use super::proxies::Proxies;
use super::registration::Registration;
use super::registry::Registry;
use super::ticketing::TicketDesk;
use super::{Held, Settings, Tls};
use crate::conversation::latency::KeepAliveSettings;
use crate::link::{Seldom, Stop};

/// Whom a request comes from. This is what limits, `GET /clients` and logs go by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// The other end of the connection or, behind a reverse proxy that is believed, the client that it
    /// names. The port of that is 0 if it is not named.
    pub(super) remote: SocketAddr,
    /// Where its connection arrived: one of this machine's addresses, and the server's port.
    pub(super) local: SocketAddr,
}

/// What all requests share.
pub(super) struct Hub {
    admission: Mutex<Admission>,
    pub(super) game: Game,
    pub(super) chat: Arc<Chat>,
    pub(super) registration: Arc<Registration>,
    /// Where users get their tickets, if they do.
    pub(super) tickets: Option<Arc<TicketDesk>>,
    /// Every open WebSocket.
    pub(super) registry: Arc<Registry>,
    /// How silent clients are dealt with, if at all.
    pub(super) keep_alive: Option<KeepAliveSettings>,
    /// What lies between the server and its clients, if not what really does.
    pub(super) emulation: Option<Emulation>,
    /// From where web pages may ask for anything.
    pub(super) origins: Origins,
    /// By which hosts clients reach the server.
    pub(super) hosts: OwnHosts,
    /// Requests to a host that is not one of these.
    pub(super) foreign_hosts: Seldom,
    /// How many connections there are, and may be.
    pub(super) occupancy: Arc<Occupancy>,
    /// Who is believed whom a request comes from.
    pub(super) proxies: Proxies,
    /// How long a connection may take until its first request has arrived.
    pub(super) handshake: Duration,
    /// What encrypts, if anything does.
    pub(super) tls: Option<TlsAcceptor>,
    conversations: AtomicU64,
    watched: AtomicU64,
    pub(super) on_held: Box<dyn Fn(Held) + Send + Sync>,
    pub(super) stop: Stop,
    /// Everything that goes on for a client.
    pub(super) tasks: TaskTracker,
    /// Ends whatever has not ended by itself in time.
    pub(super) remnants: CancellationToken,
}

impl Hub {
    pub(super) fn new(
        settings: Settings,
        stop: Stop,
        on_held: Box<dyn Fn(Held) + Send + Sync>,
    ) -> Self {
        let Settings {
            rounds,
            seed,
            secret_seed,
            secret,
            access_token,
            network,
            keep_alive,
            chat,
            registration,
            tickets,
            origins,
            hosts,
            connections,
            proxies,
            tls,
            ..
        } = settings;
        // Each has a generator of its own: what one is seen to draw tells nothing of the others.
        let mut seeds = StdRng::from_seed(secret_seed);
        let mut next_seed = || {
            let mut seed = [0; 32];
            seeds.fill_bytes(&mut seed);
            seed
        };
        let (token_seed, nonce_seed) = (next_seed(), next_seed());
        let tickets = tickets.map(TicketDesk::new).map(Arc::new);
        Hub {
            admission: Mutex::new(Admission::new(access_token, token_seed, secret.clone())),
            game: Game {
                rounds,
                seed,
                secret,
            },
            chat: Arc::new(Chat::new(chat, tickets.clone())),
            registration: Arc::new(Registration::new(registration, nonce_seed)),
            tickets,
            registry: Arc::default(),
            keep_alive,
            emulation: network.map(|model| Emulation::new(model, seed)),
            origins,
            hosts,
            foreign_hosts: Seldom::new(),
            occupancy: Arc::new(Occupancy::new(&connections)),
            proxies,
            handshake: connections.handshake,
            tls: tls.as_ref().map(Tls::config).map(TlsAcceptor::from),
            conversations: AtomicU64::new(0),
            watched: AtomicU64::new(0),
            on_held,
            stop,
            tasks: TaskTracker::new(),
            remnants: CancellationToken::new(),
        }
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let remnants = self.remnants.clone();
        // Moving a future into another makes room for it in both: for each of thousands of clients
        // that would be some ten kilobytes.
        let work = Box::pin(work);
        self.tasks.spawn(async move {
            remnants.run_until_cancelled_owned(work).await;
        });
    }

    /// Whether clients speak TLS with the server.
    pub(super) fn encryption(&self) -> Encryption {
        match self.tls {
            None => Encryption::None,
            Some(_) => Encryption::Tls,
        }
    }

    /// The number of a challenge that begins now, counted from one.
    pub(super) fn next_number(&self) -> u64 {
        self.conversations.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The number of a game that begins now to be watched, counted from one.
    pub(super) fn next_watched(&self) -> u64 {
        self.watched.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn admission(&self) -> MutexGuard<'_, Admission> {
        // Nothing that holds the lock can leave its work half done.
        self.admission
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
