//! A modelled network between the server and its clients.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::Rng;
use rand_pcg::Pcg64;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::conversation::Stamp;
use crate::link::clock;
use crate::simulation::{Model, Path};

/// How much the server may have written that has not set out yet.
const UNSENT: usize = 64 * 1024;

/// How much is read at a time. What arrives together travels together.
const CHUNK: usize = 4 * 1024;

/// How many chunks may be under way in one direction before whoever sends has to wait.
const UNDER_WAY: usize = 64;

/// How long a client is given to hang up once everything that the server said has reached it.
const LINGER: Duration = Duration::from_secs(2);

/// How long a write to somebody who does not read may take.
const WRITE: Duration = Duration::from_secs(10);

/// Puts connections into a modelled network. The timers are tokio's: everything may be up to 2 ms
/// later than the model has it.
pub(super) struct Emulation {
    model: Model,
    seed: u64,
    connections: AtomicU64,
}

impl Emulation {
    /// A network whose weather the seed decides, connection by connection.
    pub(super) fn new(model: Model, seed: u64) -> Self {
        Emulation {
            model,
            seed,
            connections: AtomicU64::new(0),
        }
    }

    /// Puts the network between a client and the server: gives the server's end, and the work that
    /// there is to do as long as the connection lasts. Both ways everything is late, and in order.
    pub(super) fn between<S>(
        &self,
        client: S,
    ) -> (DuplexStream, impl Future<Output = ()> + Send + use<S>)
    where
        S: AsyncRead + AsyncWrite + Send,
    {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let mut rng = Pcg64::new(self.seed.into(), number.into());
        let (mut down, mut up) = (
            self.model.path(rng.next_u64()),
            self.model.path(rng.next_u64()),
        );
        let (near, far) = duplex(UNSENT);
        let work = async move {
            let (from_client, to_client) = split(client);
            let (from_server, to_server) = split(far);
            let mut down = pin!(carry(from_server, to_client, &mut *down));
            let mut up = pin!(carry(from_client, to_server, &mut *up));
            tokio::select! {
                () = up.as_mut() => down.await,
                () = down.as_mut() => {
                    // A client that stays on has nobody to talk to.
                    let _ = timeout(LINGER, up).await;
                }
            }
        };
        (near, work)
    }
}

/// Carries one direction until its end.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    path: &mut dyn Path,
) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let send = async move {
        let began = clock::now();
        let mut latest = Instant::from_std(began);
        let mut chunk = [0; CHUNK];
        // A connection that fails ends like one that is closed: what was under way still arrives.
        while let Ok(length @ 1..) = from.read(&mut chunk).await {
            let now = clock::now();
            let at = Stamp::after_opening(now.saturating_duration_since(began));
            latest = latest.max(Instant::from_std(now + path.lateness(at)));
            if sender
                .send((latest, chunk[..length].to_vec()))
                .await
                .is_err()
            {
                break;
            }
        }
    };
    let receive = async move {
        while let Some((arrival, chunk)) = receiver.recv().await {
            sleep_until(arrival).await;
            timeout(WRITE, to.write_all(&chunk)).await??;
        }
        timeout(WRITE, to.shutdown()).await?
    };
    // What is sent is still received when no more is sent, but not the other way round.
    let mut receive = pin!(receive);
    let received: io::Result<()> = tokio::select! {
        received = receive.as_mut() => received,
        () = send => receive.await,
    };
    if let Err(error) = received {
        tracing::debug!(%error, "nobody at the end of the way");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A way through a network, and its two ends: what is written here arrives there.
    fn way(name: &str) -> (DuplexStream, DuplexStream, impl Future<Output = ()>) {
        let mut path = name.parse::<Model>().unwrap().path(7);
        let (here, begin) = duplex(CHUNK);
        let (end, there) = duplex(CHUNK);
        let carrying = async move { carry(begin, end, &mut *path).await };
        (here, there, carrying)
    }

    #[tokio::test(start_paused = true)]
    async fn everything_arrives_and_in_order() {
        for name in ["lan", "spiky", "handover"] {
            let (mut here, mut there, carrying) = way(name);
            let sent: Vec<u8> = (0..300_000_u32)
                .map(|number| (number % 251) as u8)
                .collect();
            let sending = async {
                here.write_all(&sent).await.unwrap();
                here.shutdown().await.unwrap();
            };
            let mut received = Vec::new();
            let receiving = there.read_to_end(&mut received);
            let ((), (), length) = tokio::join!(carrying, sending, receiving);
            assert_eq!(length.unwrap(), sent.len(), "{name}");
            assert!(received == sent, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_is_gone_or_does_not_read_ends_the_way() {
        for is_gone in [true, false] {
            let (mut here, there, carrying) = way("lan");
            let there = (!is_gone).then_some(there);
            let sending = async {
                // More than fits into the two ends; the sender stays on.
                let _ = here.write_all(&[0; 3 * CHUNK]).await;
                &here
            };
            let ((), _) = tokio::join!(carrying, sending);
            drop(there);
        }
    }
}
