//! What a chat server carries: `wsbeat serve` in a process of its own, and its guests in this one,
//! on one thread, over loopback.
//!
//! First a crowd: one channel with a thousand guests, of whom each says something now and then,
//! fifty things a second all together, so that fifty thousand messages a second are delivered. A
//! message's time is from when it was due to its arrival at the last of the guests; all that the guests
//! do, a thousand of them on one core, is in it.
//!
//! Then quiet: five thousand guests in five hundred channels, who say nothing. What they cost is
//! read from `/proc`: the resident memory of the server with them and without, and the processor
//! time that it takes over their heartbeats and keep-alives. The kernel's buffers are not in it.
//! Needs 5,100 file descriptors in each of the two processes.

mod support;

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::{SinkExt, StreamExt};
use support::Times;
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::task::{LocalSet, spawn_local};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use wsbeat::conversation::chat::{GuestMessage, RoomMessage};
use wsbeat::link::clock;

/// The crowd, and what it says.
const CROWD: usize = 1000;
const SAID: usize = 1000;
const PAUSE: Duration = Duration::from_millis(20);

/// The quiet ones.
const QUIET: usize = 5000;
const CHANNELS: usize = 500;
/// Two heartbeats of each.
const WATCHED: Duration = Duration::from_secs(60);

/// What a quiet guest may take.
const TARGET_MEMORY: u64 = 12 * 1024;
const TARGET_CPU: f64 = 0.03;

/// For whatever should not take long.
const LIMIT: Duration = Duration::from_secs(60);

/// The kernel's clock ticks a second, in which `/proc` counts (`proc(5)`, USER_HZ).
const TICKS: f64 = 100.0;

fn main() -> anyhow::Result<()> {
    if !support::is_wanted() {
        return Ok(());
    }
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        crowd().await?;
        quiet().await
    })
}

/// A server in a process of its own, which ends with this.
struct Server {
    child: Child,
    authority: String,
}

impl Server {
    fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wsbeat"))
            .args(["serve", "--listen", "127.0.0.1:0", "-o", "json"])
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the server")?;
        let stdout = child.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let listening: serde_json::Value = serde_json::from_str(&line)?;
        let url = listening["url"].as_str().context("it says where it is")?;
        let authority = url.trim_start_matches("http://").to_owned();
        Ok(Server { child, authority })
    }

    /// Its resident memory, in bytes (`proc_pid_status(5)`, VmRSS).
    fn memory(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("it has a memory")?.parse::<u64>()? * 1024)
    }

    /// The processor time that it has taken, in seconds (`proc_pid_stat(5)`, utime and stime).
    fn processor(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').context("it has a name")?;
        let fields: Vec<_> = fields.split_whitespace().collect();
        let ticks = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
        Ok(ticks / TICKS)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Socket = WebSocketStream<TcpStream>;

/// Somebody who has a name.
async fn guest(authority: &str, channel: &str, name: &str) -> anyhow::Result<Socket> {
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let url = format!("ws://{authority}/chat/{channel}");
    let (mut socket, _) = client_async_with_config(url, stream, Some(config)).await?;
    let user = name.to_owned();
    say(&mut socket, &GuestMessage::Identity { user }).await?;
    loop {
        if let Some(RoomMessage::Identity { success }) = hear(&mut socket).await? {
            ensure!(success, "{name} is refused");
            return Ok(socket);
        }
    }
}

async fn say(socket: &mut Socket, message: &GuestMessage) -> anyhow::Result<()> {
    Ok(socket.send(Frame::text(message.to_string())).await?)
}

/// What comes next, with heartbeats answered; `None` for what is no message.
async fn hear(socket: &mut Socket) -> anyhow::Result<Option<RoomMessage>> {
    let frame = socket.next().await;
    understand(socket, frame).await
}

async fn understand(
    socket: &mut Socket,
    frame: Option<Result<Frame, tungstenite::Error>>,
) -> anyhow::Result<Option<RoomMessage>> {
    let frame = frame.context("the server has hung up")??;
    let Frame::Text(text) = frame else {
        ensure!(!frame.is_close(), "the server has closed: {frame:?}");
        return Ok(None);
    };
    let message = RoomMessage::parse(&text)?;
    if let RoomMessage::Heartbeat { .. } = message {
        say(socket, &GuestMessage::Heartbeat {}).await?;
    }
    Ok(Some(message))
}

/// One thing that was said.
#[derive(Clone, Copy)]
struct Said {
    at: Instant,
    heard: usize,
    last_at: Instant,
}

async fn crowd() -> anyhow::Result<()> {
    println!("chat: one channel with {CROWD} guests, {SAID} messages, one every {PAUSE:?}");
    let server = Server::start()?;
    let never = clock::now();
    let unsaid = Said {
        at: never,
        heard: 0,
        last_at: never,
    };
    let said = Rc::new(RefCell::new(vec![unsaid; SAID]));
    let delivered = Rc::new(Cell::new(0));
    let mut guests = Vec::new();
    for number in 0..CROWD {
        let mut socket = guest(&server.authority, "crowd", &format!("guest {number}")).await?;
        let (words, mut to_say) = tokio::sync::mpsc::channel::<String>(4);
        let (said, delivered) = (Rc::clone(&said), Rc::clone(&delivered));
        let listening = spawn_local(async move {
            loop {
                // Both can be dropped halfway: nothing is written in this race.
                let frame = tokio::select! {
                    frame = socket.next() => Ok(frame),
                    Some(text) = to_say.recv() => Err(text),
                };
                match frame {
                    Ok(frame) => {
                        let now = clock::now();
                        let Some(RoomMessage::Message { text, .. }) =
                            understand(&mut socket, frame).await?
                        else {
                            continue;
                        };
                        let number: usize = text.parse()?;
                        let said = &mut said.borrow_mut()[number];
                        said.heard += 1;
                        said.last_at = now;
                        delivered.set(delivered.get() + 1);
                    }
                    Err(text) => say(&mut socket, &GuestMessage::Message { text }).await?,
                }
            }
            #[expect(unreachable_code, reason = "it names the type of what `?` returns")]
            anyhow::Ok(())
        });
        guests.push((words, listening));
    }
    let busy = server.processor()?;
    let begun = clock::now();
    for number in 0..SAID {
        let due = begun + PAUSE * number as u32;
        tokio::time::sleep_until(due.into()).await;
        said.borrow_mut()[number].at = due;
        // One after the other: nobody comes near the rate that is allowed.
        let (words, listening) = &guests[number * 7 % CROWD];
        ensure!(!listening.is_finished(), "guest {number} has left");
        words.send(number.to_string()).await?;
        tokio::task::yield_now().await;
    }
    let give_up = clock::now() + LIMIT;
    while delivered.get() < CROWD * SAID && clock::now() < give_up {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let said = said.borrow();
    let last = said.iter().map(|said| said.last_at).max();
    let took = last.context("something was said")? - begun;
    let busy = server.processor()? - busy;
    let times = said.iter().map(|said| said.last_at - said.at).collect();
    let lost: usize = said.iter().map(|said| CROWD - said.heard).sum();
    support::print_table(
        &[50, 90, 99, 100],
        &[("to the last of the guests", &Times::new(times))],
    );
    println!(
        "delivered {} in {:.2} s: {:.0} a second; lost {lost}; the server took {:.0} % of a core",
        delivered.get(),
        took.as_secs_f64(),
        delivered.get() as f64 / took.as_secs_f64(),
        100.0 * busy / took.as_secs_f64(),
    );
    support::print_target("none lost", &format!("{lost} lost"), lost == 0);
    Ok(())
}

async fn quiet() -> anyhow::Result<()> {
    println!("\nchat: {QUIET} guests in {CHANNELS} channels, who say nothing");
    let server = Server::start()?;
    // What the server takes at its first guest, it takes once.
    drop(guest(&server.authority, "first", "first").await?);
    let before = server.memory()?;
    let mut guests = Vec::new();
    for number in 0..QUIET {
        let channel = format!("channel-{}", number % CHANNELS);
        let mut socket = guest(&server.authority, &channel, &format!("guest {number}")).await?;
        guests.push(spawn_local(async move {
            loop {
                hear(&mut socket).await?;
            }
            #[expect(unreachable_code, reason = "it names the type of what `?` returns")]
            anyhow::Ok(())
        }));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let at_once = server.memory()? - before;
    let busy = server.processor()?;
    tokio::time::sleep(WATCHED).await;
    let cpu = (server.processor()? - busy) / WATCHED.as_secs_f64();
    let memory = (server.memory()? - before) / QUIET as u64;
    ensure!(
        guests.iter().all(|guest| !guest.is_finished()),
        "somebody was shown out"
    );
    println!(
        "resident memory a guest: {} bytes once they are in, {memory} bytes after {WATCHED:?}; \
         processor {:.2} % of a core",
        at_once / QUIET as u64,
        100.0 * cpu
    );
    support::print_target(
        &format!("under {TARGET_MEMORY} bytes a guest"),
        &format!("{memory} bytes"),
        memory < TARGET_MEMORY,
    );
    support::print_target(
        &format!("under {:.0} % of a core", 100.0 * TARGET_CPU),
        &format!("{:.2} %", 100.0 * cpu),
        cpu < TARGET_CPU,
    );
    Ok(())
}
