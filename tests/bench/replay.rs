//! How long it takes to judge many recordings again.
//!
//! The recordings are made up, since playing them would take hours, but they go through files as
//! real ones do: a thousand small ones, as somebody collects them, and each is opened, read,
//! replayed, and compared with what was answered then. Printing the results is not part of it.
//!
//! Whether that takes a second is a question of CPU time: it counts only our own work, not that
//! of the others on the machine. Where we do not know how to ask for it, on all but Linux, the wall
//! clock stands in for it, which can only show more.

mod support;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use support::Times;
use wsbeat::conversation::challenge::{Interval, Player, PlayerEvent};
use wsbeat::conversation::{CloseReason, ClosedBy, Message, Stamp, WireEvent};
use wsbeat::link::clock;
use wsbeat::recording::{
    Conversation, Header, Recorder, Recording, VERSION, recorded_answers, replay,
};

const RECORDINGS: usize = 1_000;
const ROUNDS: usize = 20;

/// How often the same recordings are judged, to see how much of it is chance.
const PASSES: usize = 9;

/// CPU time for all of the recordings.
const TARGET: Duration = Duration::from_secs(1);

fn main() -> anyhow::Result<()> {
    if !support::is_wanted() {
        return Ok(());
    }
    println!("replay: judging {RECORDINGS} recordings of {ROUNDS} rounds, {PASSES} times");
    let directory = tempfile::tempdir()?;
    let paths = (0..RECORDINGS)
        .map(|number| write(directory.path(), number))
        .collect::<anyhow::Result<Vec<_>>>()?;

    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..PASSES {
        let (began, cpu_before) = (clock::now(), cpu_time());
        let mut agreed = 0;
        for path in &paths {
            agreed += judge(path)?;
        }
        cpu.push(cpu_time().saturating_sub(cpu_before));
        wall.push(clock::now() - began);
        ensure!(agreed == RECORDINGS * ROUNDS, "only {agreed} rounds agree");
    }

    let (wall, cpu) = (Times::new(wall), Times::new(cpu));
    support::print_table(&[50, 100], &[("wall time", &wall), ("CPU time", &cpu)]);
    let measured = cpu.percentile(50);
    support::print_target(
        &format!("within {TARGET:?} of CPU time"),
        &format!("{measured:.1?}"),
        measured <= TARGET,
    );
    Ok(())
}

/// Judges a recording again, and says how many rounds are answered now as they were then.
fn judge(path: &Path) -> anyhow::Result<usize> {
    let recording = Recording::open(path)?;
    let mut answers = Vec::new();
    replay(
        &recording,
        &mut Player::default(),
        |_at, _message| {},
        |event| {
            if let PlayerEvent::Beat(beat) = event {
                answers.push(Some(beat.estimate.interval));
            }
        },
    );
    let recorded = recorded_answers(&recording);
    let agreeing = answers
        .iter()
        .zip(&recorded)
        .filter(|(now, then)| now == then);
    Ok(agreeing.count())
}

/// Writes a recording of a conversation that was won.
fn write(directory: &Path, number: usize) -> anyhow::Result<PathBuf> {
    let path = directory.join(format!("{number}.jsonl"));
    let header = Header {
        version: VERSION,
        conversation: Conversation::Challenge,
        url: "wss://hackattic.com/_/ws/…".into(),
        started_at: "2026-11-20T12:00:00Z".into(),
    };
    let mut recorder = Recorder::new(File::create(&path)?, &header)?;
    for (at, event) in conversation(number) {
        recorder.record(at, &event)?;
    }
    Ok(path)
}

/// A conversation as the challenge has it, with beats up to 20 ms late.
fn conversation(number: usize) -> Vec<(Stamp, WireEvent)> {
    let received = |text: &str| WireEvent::Received(Message::text(text));
    let soon = Duration::from_micros(80);

    let mut events = vec![
        (Stamp::OPENING, WireEvent::Open),
        (Stamp::OPENING + soon, received("hello! start counting")),
    ];
    let mut due = Stamp::OPENING;
    for round in 0..ROUNDS {
        // Any numbers will do that make the conversations differ.
        let mixed = number * 7 + round * 13;
        let interval = Interval::ALL[mixed % Interval::ALL.len()];
        due = due + interval.duration();
        let at = due + Duration::from_micros((mixed * 7919 % 20_000) as u64);
        let answer = Message::text(interval.to_string());
        events.push((at, received("ping!")));
        events.push((at + soon, WireEvent::Sent(answer)));
        events.push((at + 2 * soon, received("good!")));
    }
    let end = due + Duration::from_millis(30);
    let secret = "congratulations! the solution to this challenge is \"square limit withered\"";
    events.push((end, received(secret)));
    let close = CloseReason {
        by: ClosedBy::Us,
        code: CloseReason::NORMAL,
        reason: String::new(),
    };
    events.push((end + soon, WireEvent::Close(close)));
    events
}

/// The CPU time of this process so far.
#[cfg(target_os = "linux")]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    // Never negative.
    time.try_into().unwrap_or_default()
}

/// The wall time since the first call.
#[cfg(not(target_os = "linux"))]
fn cpu_time() -> Duration {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    clock::now().saturating_duration_since(*FIRST.get_or_init(clock::now))
}
