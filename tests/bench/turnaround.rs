//! How much our own code adds to the time in which a beat is answered.
//!
//! A server that is no more than a blocking socket writes a beat, waits for the answer, and takes
//! the time between: the write, the way there, the client, and the way back. Two clients answer
//! it: the link and the player, as `solve` puts them together, and a loop that reads the bytes of
//! a beat and writes the bytes of an answer, which nothing on top of the same sockets can beat.
//!
//! What the network stack and the scheduler take differs between machines and from minute to
//! minute, so that only the ratio of the two means anything, and only if both meet the same
//! conditions: they are asked in turn, beat by beat, within one run.
//!
//! The player measures from beat to beat. What the default estimator takes before an answer is in
//! the benchmark of the simulation: beats a millisecond apart, which are no server's, would show it
//! at a loss.
//!
//! A pause before each beat lets both fall asleep, as they do between real beats, which are at
//! least 700 ms apart. A millisecond is enough for that, and it is the ratio after such a pause
//! that the target is about. After a longer pause, the processor's caches hold less of either
//! client, and as the longer way through the code is ours, the ratio grows: how much depends on
//! what else runs on the machine. That is shown beside it, with fewer beats.

mod support;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use support::Times;
use tokio_tungstenite::tungstenite;
use wsbeat::conversation::challenge::{EstimatorKind, Player, PlayerEvent, PlayerSettings};
use wsbeat::conversation::{Stamp, WireEvent};
use wsbeat::link::{self, Dialer, Limits, Observer, Stop, Trust, clock};

const WARM_UP: usize = 500;
const BEATS: usize = 4_000;
const PAUSE: Duration = Duration::from_millis(1);

const BEATS_AFTER_LONG: usize = 400;
const LONG_PAUSE: Duration = Duration::from_millis(10);

/// A median of ours over that of the bare loop.
const TARGET: f64 = 1.3;

/// Long enough never to matter, unless a client does not answer at all.
const LIMIT: Duration = Duration::from_secs(15);

/// `ping!` in a text frame.
const BEAT: [u8; 7] = *b"\x81\x05ping!";

/// `700` in a text frame, masked with zeros.
const ANSWER: [u8; 9] = [0x81, 0x83, 0, 0, 0, 0, b'7', b'0', b'0'];

fn main() -> anyhow::Result<()> {
    if !support::is_wanted() {
        return Ok(());
    }
    println!("turnaround: from the write of a beat to the arrival of its answer, on loopback");

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    // One after the other, so that it is known which connection is whose.
    let ours = thread::spawn(move || answer_by_link(address));
    let to_ours = accept(&listener)?;
    let bare = thread::spawn(move || answer_by_loop(address));
    let to_bare = accept(&listener)?;

    let mut clients = [to_ours, to_bare];
    in_turn(&mut clients, WARM_UP, PAUSE)?;
    let times = in_turn(&mut clients, BEATS, PAUSE)?;
    let cold_times = in_turn(&mut clients, BEATS_AFTER_LONG, LONG_PAUSE)?;

    // Hanging up ends both.
    drop(clients);
    for client in [ours, bare] {
        client.join().expect("a client does not panic")?;
    }

    let ratio = report(PAUSE, &times);
    report(LONG_PAUSE, &cold_times);
    support::print_target(
        &format!("within {TARGET} × the bare loop, {PAUSE:?} after the last beat"),
        &format!("{ratio:.2} ×"),
        ratio <= TARGET,
    );
    Ok(())
}

/// Asks the link and the bare loop in turn, so many times each.
fn in_turn(
    [to_ours, to_bare]: &mut [TcpStream; 2],
    beats: usize,
    pause: Duration,
) -> anyhow::Result<[Times; 2]> {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..beats {
        thread::sleep(pause);
        ours.push(turnaround(to_ours).context("the link did not answer")?);
        thread::sleep(pause);
        bare.push(turnaround(to_bare).context("the bare loop did not answer")?);
    }
    Ok([Times::new(ours), Times::new(bare)])
}

/// Shows the times of both, and gives the ratio of their medians.
fn report(pause: Duration, [ours, bare]: &[Times; 2]) -> f64 {
    let ratio = ours.percentile(50).as_secs_f64() / bare.percentile(50).as_secs_f64();
    println!("\n{pause:?} after the last beat");
    support::print_table(
        &[50, 90, 99],
        &[("link and player", ours), ("bare loop", bare)],
    );
    println!("{:<36}{ratio:>10.2} ×", "ratio");
    ratio
}

/// Lets the next client in. Only the handshake is tungstenite's: what follows are bare bytes.
fn accept(listener: &TcpListener) -> anyhow::Result<TcpStream> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(tungstenite::accept(stream)?.into_inner())
}

/// Beats, and gives the time that the answer took.
fn turnaround(stream: &mut TcpStream) -> io::Result<Duration> {
    let mut answer = [0; 16];
    let mut received = 0;
    let begun = clock::now();
    stream.write_all(&BEAT)?;
    // Flags and length, the mask, and as many bytes as the length says.
    while received < 6 + usize::from(answer[1] & 0x7f) {
        match stream.read(&mut answer[received..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            bytes => received += bytes,
        }
    }
    Ok(clock::now().duration_since(begun))
}

/// The client that is measured, with the runtime and the limits of `solve`.
fn answer_by_link(server: SocketAddr) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let address = format!("ws://{server}/").parse()?;
        let connection = Dialer::new(LIMIT, link::client_config(&Trust::default())?)
            .dial(&address)
            .await?
            .connection;
        let limits = Limits {
            idle: Some(LIMIT),
            ..Limits::default()
        };
        let (_stopper, mut stop) = Stop::channel();
        link::drive(
            connection,
            &mut Player::new(PlayerSettings {
                estimator: EstimatorKind::Plain,
                round_limit: None,
            }),
            &mut Unobserved,
            limits,
            &mut stop,
        )
        .await;
        Ok(())
    })
}

/// The client that it is measured against.
fn answer_by_loop(server: SocketAddr) -> anyhow::Result<()> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    let (socket, _) = tungstenite::client(format!("ws://{server}/"), stream)?;
    let mut stream = socket.into_inner();
    let mut beat = [0; BEAT.len()];
    while stream.read_exact(&mut beat).is_ok() {
        stream.write_all(&ANSWER)?;
    }
    Ok(())
}

struct Unobserved;

impl Observer<PlayerEvent> for Unobserved {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, _event: PlayerEvent) {}
}
