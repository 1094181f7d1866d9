//! How exactly round trips are measured, and what is lost of many.
//!
//! A peer that is no more than a blocking socket answers pings. Two clients measure the round trip
//! to it: the link and the pinger, as `ping` puts them together, and a blocking loop that takes the
//! time, writes the bytes of a ping, reads those of its pong, and takes the time again. Nothing on
//! top of the same sockets can measure with less in between.
//!
//! Both send at the same absolute times, a millisecond apart, in blocks that take turns, so that
//! both meet with the same machine. What counts is by how much the median that the pinger reports is
//! above that of the bare loop. Then the pinger sends for some seconds more, and every ping is
//! accounted for.

mod support;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use support::Times;
use tokio_tungstenite::tungstenite;
use wsbeat::conversation::latency::{
    Medium, PayloadSize, Pinger, PingerEvent, PingerSettings, RandomPart, Statistics,
};
use wsbeat::conversation::{Stamp, WireEvent};
use wsbeat::link::{
    self, Address, Dialed, Dialer, Limits, Observer, Precision, Stop, TcpProbe, Trust, clock,
};
use wsbeat::report::{PingTallies, PingTally};

const INTERVAL: Duration = Duration::from_millis(1);

/// The first of each block find cold caches and are left out.
const WARM_UP: usize = 50;
const BLOCKS: usize = 10;
const PINGS_OF_A_BLOCK: usize = 400;

const PINGS_TO_LOSE: u32 = 10_000;

/// A median above that of the bare loop.
const TARGET: Duration = Duration::from_micros(15);

/// Long enough never to matter, unless the peer does not answer at all.
const LIMIT: Duration = Duration::from_secs(15);

/// What a ping of the bare loop carries: as much as one of the pinger's.
const PAYLOAD: usize = 56;

fn main() -> anyhow::Result<()> {
    if !support::is_wanted() {
        return Ok(());
    }
    println!("round trips on loopback, a ping every {INTERVAL:?}\n");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let peer = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || stream.map(answer));
        }
    });

    let (mut ours, mut intended, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..BLOCKS {
        let measured = pinged(peer, (WARM_UP + PINGS_OF_A_BLOCK) as u32)?;
        for (raw, from_due) in measured.times.into_iter().skip(WARM_UP) {
            ours.push(raw);
            intended.push(from_due);
        }
        bare.extend(looped(peer, WARM_UP + PINGS_OF_A_BLOCK)?.drain(WARM_UP..));
    }
    let [ours, intended, bare] = [ours, intended, bare].map(Times::new);
    support::print_table(
        &[50, 90, 99, 100],
        &[
            ("ping", &ours),
            ("ping, from when it was due", &intended),
            ("bare loop", &bare),
        ],
    );
    let (ours, bare) = (ours.percentile(50), bare.percentile(50));
    let sign = if ours < bare { "-" } else { "+" };
    support::print_target(
        &format!("a median within {TARGET:?} of the bare loop's"),
        &format!("{sign}{:?}", ours.abs_diff(bare)),
        ours.abs_diff(bare) <= TARGET,
    );

    let measured = pinged(peer, PINGS_TO_LOSE)?;
    let tallies = measured.tallies.lock();
    let Statistics { sent, received, .. } = tallies[0].statistics;
    support::print_target(
        "nothing lost",
        &format!("{} of {sent} pings", sent - received),
        sent == received && sent == u64::from(PINGS_TO_LOSE),
    );
    Ok(())
}

/// Answers pings until the client hangs up. Only the handshake is tungstenite's.
fn answer(stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = tungstenite::accept(stream)?.into_inner();
    loop {
        // Opcode and length, the mask, and as many bytes as the length says.
        let mut head = [0; 6];
        stream.read_exact(&mut head)?;
        let length = usize::from(head[1] & 0x7f);
        let mut frame = [0; 2 + 125];
        let payload = &mut frame[2..2 + length];
        stream.read_exact(payload)?;
        for (byte, mask) in payload.iter_mut().zip(head[2..].iter().cycle()) {
            *byte ^= mask;
        }
        // A Ping becomes a Pong, and a Close frame is answered with itself.
        let is_ping = head[0] == 0x89;
        frame[0] = if is_ping { 0x8a } else { head[0] };
        frame[1] = length as u8;
        stream.write_all(&frame[..2 + length])?;
        if !is_ping {
            return Ok(());
        }
    }
}

/// What a pinger noticed: raw round trips, those from the intended times, and the sum of all, kept
/// as `ping -q` keeps it.
struct Measured {
    times: Vec<(Duration, Duration)>,
    tallies: PingTallies,
    kernel: TcpProbe,
}

impl Observer<PingerEvent> for Measured {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, event: PingerEvent) {
        let tcp_rtt = match event {
            PingerEvent::Sent(_) => None,
            _ => self.kernel.round_trip(),
        };
        self.tallies.change(1, |tally| {
            tally.count(&event);
            tally.tcp_rtt = tcp_rtt.or(tally.tcp_rtt);
        });
        if let PingerEvent::Pong { flight, at } = event {
            self.times.push((flight.raw(at), flight.intended(at)));
        }
    }
}

/// The client that is judged, with the runtime and the limits of `ping`.
fn pinged(peer: SocketAddr, count: u32) -> anyhow::Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let address: Address = format!("ws://{peer}/").parse()?;
        let dialer = Dialer::new(LIMIT, link::client_config(&Trust::default())?);
        let Dialed {
            connection, kernel, ..
        } = dialer.dial(&address).await?;
        let settings = PingerSettings {
            medium: Medium::Frames,
            interval: INTERVAL,
            count: NonZeroU32::new(count),
            wait: LIMIT,
            payload: PayloadSize::new(PAYLOAD).context("a size that is possible")?,
        };
        let limits = Limits {
            precision: Precision::Microsecond,
            ..Limits::default()
        };
        let mut measured = Measured {
            times: Vec::new(),
            tallies: PingTallies::default(),
            kernel,
        };
        let tally = PingTally::new(1, address.to_string(), INTERVAL);
        measured.tallies.lock().push(tally);
        let (_stopper, mut stop) = Stop::channel();
        let mut pinger = Pinger::new(settings, RandomPart::new(|_| [7; RandomPart::BYTES]));
        link::drive(connection, &mut pinger, &mut measured, limits, &mut stop).await;
        Ok(measured)
    })
}

/// The client that it is judged by.
fn looped(peer: SocketAddr, count: usize) -> anyhow::Result<Vec<Duration>> {
    let stream = TcpStream::connect(peer)?;
    stream.set_nodelay(true)?;
    let (socket, _) = tungstenite::client(format!("ws://{peer}/"), stream)?;
    let mut stream = socket.into_inner();
    // Masked with zeros.
    let mut ping = [b'x'; 6 + PAYLOAD];
    ping[..6].copy_from_slice(&[0x89, 0x80 | PAYLOAD as u8, 0, 0, 0, 0]);
    let mut times = Vec::new();
    let mut due = clock::now();
    for _ in 0..count {
        due += INTERVAL;
        thread::sleep(due.saturating_duration_since(clock::now()));
        times.push(round_trip(&mut stream, &ping)?);
    }
    Ok(times)
}

fn round_trip(stream: &mut TcpStream, ping: &[u8]) -> io::Result<Duration> {
    let mut pong = [0; 2 + PAYLOAD];
    let begun = clock::now();
    stream.write_all(ping)?;
    stream.read_exact(&mut pong)?;
    Ok(clock::now().duration_since(begun))
}
