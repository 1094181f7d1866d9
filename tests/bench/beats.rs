//! How late the host's beats leave.
//!
//! A beat is due at the sum of the intervals so far, and late by what passes from then until it
//! has been written: waking up, asking the host, and the write. Nothing accumulates. The players
//! run beside the hosts on a runtime of their own, since they are another process's otherwise.
//!
//! First the practice server is measured as a whole, as `serve` runs it, with many conversations
//! at once; meanwhile a thread that does nothing but sleep shows how late this machine wakes
//! anybody. Then come hosts on bare sockets, under both precisions of the link's timer: the
//! difference is what the finer one buys.
//!
//! All intervals are multiples of 100 ms, so that conversations that begin together beat together
//! to the end, and the last of twenty would wait for the writes of nineteen. That says more about
//! this benchmark than about the host, so that they begin at equal distances instead.

mod support;

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::ensure;
use futures_util::future::try_join_all;
use support::Times;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Runtime};
use wsbeat::conversation::challenge::{Host, HostEvent, Interval, Player, PlayerEvent, Standing};
use wsbeat::conversation::{Stamp, WireEvent};
use wsbeat::hackattic::{Api, Site, TokenProvider};
use wsbeat::link::{
    self, Address, Connection, Dialer, Limits, Observer, Precision, Stop, StopReason, Trust, clock,
};
use wsbeat::server::{HeldResult, Server, Settings};

/// How many conversations there are at once.
const CONVERSATIONS: u32 = 20;

/// How long after one conversation the next one begins: as many as there are fill 100 ms.
const SPREAD: Duration = Duration::from_millis(100 / CONVERSATIONS as u64);

const ROUNDS: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// With this seed, the longest of the conversations takes no more than 20 s.
const SEED: u64 = 2845;

/// How many rounds are played on bare sockets. They are of the shortest interval.
const SHORT_ROUNDS: usize = 6;

/// As many sleeps as there are beats of the practice server, in as much time.
const SLEEPS: u32 = CONVERSATIONS * ROUNDS.get();
const SLEEP: Duration = Duration::from_millis(100);

/// What 99 of 100 beats stay under, on a machine that does nothing else.
const TARGET: Duration = Duration::from_micros(500);

/// For whatever should not take any time.
const LIMIT: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    if !support::is_wanted() {
        return Ok(());
    }
    println!("beats: how late they leave, with {CONVERSATIONS} conversations at once");
    let hosts = runtime::Builder::new_multi_thread().enable_all().build()?;
    let players = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;

    let sleeper = thread::spawn(sleep_over_and_over);
    let served = practice(&hosts, &players)?;
    let slept = sleeper.join().expect("sleeping does not panic");
    let fine = bare(&hosts, &players, Precision::Microsecond)?;
    let coarse = bare(&hosts, &players, Precision::Millisecond)?;

    support::print_table(
        &[50, 99, 100],
        &[
            ("a thread that only sleeps", &slept),
            ("practice server", &served),
            ("host, Microsecond", &fine),
            ("host, Millisecond", &coarse),
        ],
    );
    let measured = served.percentile(99);
    support::print_target(
        &format!("99 of 100 of the server's within {TARGET:?}"),
        &format!("{measured:.1?}"),
        measured <= TARGET,
    );
    Ok(())
}

/// Plays against the practice server, over HTTP and WebSocket.
fn practice(hosts: &Runtime, players: &Runtime) -> anyhow::Result<Times> {
    let server = hosts.block_on(Server::bind(Settings::new(
        (Ipv4Addr::LOCALHOST, 0).into(),
        ROUNDS,
        SEED,
        [0; 32],
    )))?;
    let site: Site = format!("http://{}", server.address()?).parse()?;
    let (stopper, stop) = Stop::channel();
    let (on_held, held) = mpsc::channel();
    let serving = hosts.spawn(server.run(stop, move |conversation| {
        // Heard for as long as the server runs.
        let _ = on_held.send(conversation);
    }));

    let tls = link::client_config(&Trust::default())?;
    let api = Api::new(site.clone(), &Dialer::new(LIMIT, tls))?;
    players.block_on(try_join_all((0..CONVERSATIONS).map(async |number| {
        tokio::time::sleep(SPREAD * number).await;
        let mut tokens = TokenProvider::fetching(api.clone(), "any".into());
        let token = tokens.token(clock::now()).await?;
        play(&site.socket(&token)?).await
    })))?;
    stopper.stop(StopReason::Shutdown);
    hosts.block_on(serving)?;

    let mut delays = Vec::new();
    for conversation in held {
        ensure!(conversation.result == HeldResult::Won, "{conversation:?}");
        delays.extend(conversation.beat_delays);
    }
    Ok(Times::new(delays))
}

/// How late a thread wakes up that does nothing but sleep, meanwhile.
fn sleep_over_and_over() -> Times {
    let begun = clock::now();
    let delays = (1..=SLEEPS).map(|number| {
        let due = begun + SLEEP * number;
        thread::sleep(due.saturating_duration_since(clock::now()));
        clock::now().saturating_duration_since(due)
    });
    Times::new(delays.collect())
}

/// Plays against hosts that have a socket each and nothing else.
fn bare(hosts: &Runtime, players: &Runtime, precision: Precision) -> anyhow::Result<Times> {
    let listener = hosts.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let address: Address = format!("ws://{}/", listener.local_addr()?).parse()?;
    let hosting = hosts.spawn(async move {
        let mut conversations = Vec::new();
        for _ in 0..CONVERSATIONS {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            conversations.push(tokio::spawn(host(stream, precision)));
        }
        let mut delays = Vec::new();
        for conversation in conversations {
            delays.extend(conversation.await??);
        }
        anyhow::Ok(delays)
    });
    players.block_on(try_join_all((0..CONVERSATIONS).map(async |number| {
        tokio::time::sleep(SPREAD * number).await;
        play(&address).await
    })))?;
    Ok(Times::new(hosts.block_on(hosting)??))
}

/// One such host. Only the handshake is not the link's, which has it from an HTTP server.
async fn host(stream: TcpStream, precision: Precision) -> anyhow::Result<Vec<Duration>> {
    let stream = tokio_tungstenite::accept_async(stream).await?.into_inner();
    let connection = Connection::accepted(stream, Vec::new()).await;
    let mut party = Host::new(vec![Interval::Ms700; SHORT_ROUNDS], "open sesame");
    let mut delays = Delays(Vec::new());
    let limits = Limits {
        precision,
        ..Limits::default()
    };
    let (_stopper, mut stop) = Stop::channel();
    link::drive(connection, &mut party, &mut delays, limits, &mut stop).await;
    Ok(delays.0)
}

/// Plays until the secret is told.
async fn play(address: &Address) -> anyhow::Result<()> {
    let connection = Dialer::new(LIMIT, link::client_config(&Trust::default())?)
        .dial(address)
        .await?
        .connection;
    let mut party = Player::default();
    let (_stopper, mut stop) = Stop::channel();
    let limits = Limits::default();
    let ending = link::drive(connection, &mut party, &mut Unobserved, limits, &mut stop).await;
    ensure!(
        matches!(party.standing(), Standing::Won { .. }),
        "{ending:?}"
    );
    Ok(())
}

struct Delays(Vec<Duration>);

impl Observer<HostEvent> for Delays {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, event: HostEvent) {
        if let HostEvent::Beat { due, written, .. } = event {
            self.0.push(written.since(due));
        }
    }
}

struct Unobserved;

impl Observer<PlayerEvent> for Unobserved {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, _event: PlayerEvent) {}
}
