use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::admission::Admission;
use super::emulation::Emulation;
use super::game::{Deal, Game};
use super::{Held, HeldResult, Settings};
use crate::conversation::challenge::{Host, HostEvent};
use crate::conversation::{Stamp, WireEvent};
use crate::link::{self, Limits, Observer, Precision, Stop, Upgrading};

/// Whom a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// What all requests share.
pub(super) struct Hub {
    admission: Mutex<Admission>,
    game: Game,
    /// What lies between the server and its clients, if not what really does.
    pub(super) emulation: Option<Emulation>,
    conversations: AtomicU64,
    on_held: Box<dyn Fn(Held) + Send + Sync>,
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
            token_seed,
            secret,
            access_token,
            network,
            ..
        } = settings;
        Hub {
            admission: Mutex::new(Admission::new(access_token, token_seed, secret.clone())),
            game: Game {
                rounds,
                seed,
                secret,
            },
            emulation: network.map(|model| Emulation::new(model, seed)),
            conversations: AtomicU64::new(0),
            on_held,
            stop,
            tasks: TaskTracker::new(),
            remnants: CancellationToken::new(),
        }
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let remnants = self.remnants.clone();
        self.tasks.spawn(async move {
            remnants.run_until_cancelled_owned(work).await;
        });
    }

    pub(super) fn admission(&self) -> MutexGuard<'_, Admission> {
        // Nothing that holds the lock can leave its work half done.
        self.admission
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds a conversation, once the upgrade is through.
pub(super) async fn host(hub: Arc<Hub>, peer: Peer, good: bool, upgrading: Upgrading) {
    let connection = match upgrading.connection().await {
        Ok(connection) => connection,
        Err(error) => {
            tracing::debug!(peer = %peer.0, %error, "gone before the upgrade");
            return;
        }
    };
    let number = good.then(|| hub.conversations.fetch_add(1, Ordering::Relaxed) + 1);
    let (mut party, result) = if let Some(number) = number {
        let Deal { intervals, secret } = hub.game.deal(number);
        // Before it is told, since its solution may be quicker than our account of having told it.
        hub.admission().remember(secret.clone());
        (Host::new(intervals, secret), HeldResult::BrokenOff)
    } else {
        (Host::refusing(), HeldResult::Refused)
    };
    let mut held = Held {
        number,
        peer: peer.0,
        rounds: 0,
        result,
        beat_delays: Vec::new(),
    };
    let limits = Limits {
        precision: Precision::Microsecond,
        ..Limits::default()
    };
    let mut stop = hub.stop.clone();
    // Where client and server share a process, their logs would be hard to tell apart otherwise.
    let span = tracing::debug_span!("host", number, peer = %peer.0);
    let ending = link::drive(connection, &mut party, &mut held, limits, &mut stop)
        .instrument(span)
        .await;
    tracing::debug!(number, peer = %peer.0, ?ending, ?held.result, "conversation over");
    (hub.on_held)(held);
}

/// Keeps account of a conversation as it goes.
impl Observer<HostEvent> for Held {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, event: HostEvent) {
        match event {
            HostEvent::Beat { due, written, .. } => {
                self.rounds += 1;
                self.beat_delays.push(written.since(due));
            }
            HostEvent::Won { .. } => self.result = HeldResult::Won,
            HostEvent::Lost { cause, .. } => self.result = HeldResult::Lost(cause),
            HostEvent::Answered { .. } | HostEvent::Noted { .. } => {}
        }
    }
}
