use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::conversation::{Message, WireEvent};

/// What stands for a round trip that has not been measured: no measured one takes 584 years.
const UNMEASURED: u64 = u64::MAX;

/// Which of the server's WebSockets a client has opened. A name, not a path: the challenge's path
/// holds a one-time token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Route {
    /// The timing game.
    Challenge,
    /// Every message comes back.
    Echo,
    /// People talk.
    Chat,
    /// The program plays, and the client watches.
    Watch,
    /// Keys are reached.
    Register,
}

/// Every WebSocket that is open, on whichever route.
#[derive(Debug, Default)]
pub(super) struct Registry {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// The id that was given last.
    last: u64,
    open: BTreeMap<u64, Arc<Entry>>,
}

/// What is known of an open WebSocket. Whoever drives it counts, whoever asks reads, and neither
/// waits for the other.
#[derive(Debug)]
struct Entry {
    route: Route,
    remote: SocketAddr,
    since: SystemTime,
    inward: Traffic,
    outward: Traffic,
    last_rtt_ns: AtomicU64,
}

/// What went one way.
#[derive(Debug, Default)]
struct Traffic {
    frames: AtomicU64,
    bytes: AtomicU64,
}

impl Traffic {
    fn count(&self, message: &Message) {
        let bytes = match message {
            Message::Text(text) => text.len(),
            Message::Binary(data) | Message::Ping(data) | Message::Pong(data) => data.len(),
        };
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// An open WebSocket, as `GET /clients` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Client {
    /// Counted from one since the server began.
    pub(super) id: u64,
    pub(super) route: Route,
    pub(super) remote: SocketAddr,
    /// When the upgrade was granted: RFC 3339, UTC, to the millisecond.
    pub(super) since: String,
    /// How many messages and control frames came in and went out, the pongs that the link answers
    /// pings with among them. A message counts once, in however many fragments it came, and Close
    /// frames do not count.
    pub(super) frames_in: u64,
    pub(super) frames_out: u64,
    /// The bytes of their payloads.
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    /// The round trip of the newest keep-alive ping that was answered; `None` before the first.
    pub(super) last_rtt_ms: Option<f64>,
}

impl Registry {
    /// Adds a connection, for as long as what this gives is kept.
    pub(super) fn register(
        self: &Arc<Self>,
        route: Route,
        remote: SocketAddr,
        since: SystemTime,
    ) -> Registered {
        let entry = Arc::new(Entry {
            route,
            remote,
            since,
            inward: Traffic::default(),
            outward: Traffic::default(),
            last_rtt_ns: AtomicU64::new(UNMEASURED),
        });
        let mut entries = self.entries();
        entries.last += 1;
        let id = entries.last;
        entries.open.insert(id, Arc::clone(&entry));
        Registered {
            registry: Arc::clone(self),
            id,
            entry,
        }
    }

    /// Who is connected now, the longest first.
    pub(super) fn clients(&self) -> Vec<Client> {
        // The lock is held for no longer than it takes to copy the pointers: whoever comes or goes
        // meanwhile does not wait for the formatting of the others.
        let open: Vec<_> = {
            let entries = self.entries();
            let open = entries.open.iter();
            open.map(|(id, entry)| (*id, Arc::clone(entry))).collect()
        };
        let clients = open.iter().map(|(id, entry)| entry.client(*id));
        clients.collect()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing that holds the lock can leave its work half done.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn client(&self, id: u64) -> Client {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let last_rtt_ns = Some(read(&self.last_rtt_ns)).filter(|nanos| *nanos != UNMEASURED);
        // A clock that is set to before 1970 has no RFC 3339 time to show.
        let since = self.since.max(SystemTime::UNIX_EPOCH);
        Client {
            id,
            route: self.route,
            remote: self.remote,
            since: humantime::format_rfc3339_millis(since).to_string(),
            frames_in: read(&self.inward.frames),
            frames_out: read(&self.outward.frames),
            bytes_in: read(&self.inward.bytes),
            bytes_out: read(&self.outward.bytes),
            // To the microsecond.
            last_rtt_ms: last_rtt_ns.map(|nanos| (nanos as f64 / 1e3).round() / 1e3),
        }
    }
}

/// A connection's place in the registry. It is given up when this is dropped.
#[derive(Debug)]
pub(super) struct Registered {
    registry: Arc<Registry>,
    id: u64,
    entry: Arc<Entry>,
}

impl Registered {
    pub(super) fn remote(&self) -> SocketAddr {
        self.entry.remote
    }

    /// What `GET /clients` shows of it now.
    pub(super) fn client(&self) -> Client {
        self.entry.client(self.id)
    }

    /// Counts what the link tells of. It does not tell of the pongs that it answers pings with:
    /// there is one for every ping, with the ping's payload, unless the client reads so slowly that
    /// a newer ping comes before the pong could be written (RFC 6455 section 5.5.3).
    pub(super) fn count(&self, event: &WireEvent) {
        match event {
            WireEvent::Received(message) => {
                self.entry.inward.count(message);
                if matches!(message, Message::Ping(_)) {
                    self.entry.outward.count(message);
                }
            }
            WireEvent::Sent(message) => self.entry.outward.count(message),
            WireEvent::Open | WireEvent::Close(_) => {}
        }
    }

    /// Keeps the newest round trip.
    pub(super) fn measured(&self, round_trip: Duration) {
        let nanos = u64::try_from(round_trip.as_nanos()).unwrap_or(UNMEASURED);
        self.entry.last_rtt_ns.store(nanos, Ordering::Relaxed);
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.entries().open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(registry: &Arc<Registry>, route: Route) -> Registered {
        let remote = "127.0.0.1:4711".parse().unwrap();
        let since = SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_123);
        registry.register(route, remote, since)
    }

    fn ids(registry: &Registry) -> Vec<u64> {
        registry.clients().iter().map(|client| client.id).collect()
    }

    #[test]
    fn connections_come_and_go_and_ids_are_not_used_again() {
        let registry = Arc::default();
        let first = register(&registry, Route::Echo);
        let second = register(&registry, Route::Challenge);
        assert_eq!(ids(&registry), [1, 2]);
        drop(first);
        let _third = register(&registry, Route::Echo);
        assert_eq!(ids(&registry), [2, 3]);
        drop(second);
        assert_eq!(ids(&registry), [3]);
    }

    #[test]
    fn what_goes_over_the_wire_is_counted_with_the_pongs_of_the_link() {
        let registry = Arc::default();
        let connection = register(&registry, Route::Echo);
        for event in [
            WireEvent::Open,
            WireEvent::Received(Message::text("söme")),
            WireEvent::Sent(Message::text("söme")),
            WireEvent::Received(Message::Ping(vec![0; 3])),
            WireEvent::Sent(Message::Ping(vec![0; 7])),
            WireEvent::Received(Message::Pong(vec![0; 7])),
        ] {
            connection.count(&event);
        }
        connection.measured(Duration::from_nanos(214_400));
        let shown = serde_json::to_string(&registry.clients()).unwrap();
        assert_eq!(
            shown,
            r#"[{"id":1,"route":"echo","remote":"127.0.0.1:4711","since":"1970-01-01T00:16:40.123Z","frames_in":3,"frames_out":3,"bytes_in":15,"bytes_out":15,"last_rtt_ms":0.214}]"#
        );
    }

    #[test]
    fn a_round_trip_is_null_before_it_is_measured_and_zero_is_one() {
        let registry = Arc::default();
        let connection = register(&registry, Route::Challenge);
        assert_eq!(connection.client().last_rtt_ms, None);
        connection.measured(Duration::ZERO);
        assert_eq!(connection.client().last_rtt_ms, Some(0.0));
    }
}
