//! How many sessions one core simulates in a second, and what an estimator costs.
//!
//! Sessions are played as `simulate` plays them, player against host across a modelled network, on
//! one thread: each network with the plain and with the default estimator. The batches are played
//! in turn, pass by pass, so that whatever else the machine does falls on all of them. Every pass
//! plays the same sessions, and what differs between two is chance. A session that is lost is over
//! early, and a network on which many are lost has the faster sessions for it: the share that was
//! won is shown beside them, and the target is about the slowest network, which is one where
//! practically all rounds are played.
//!
//! Then the estimators are asked alone, by the calls that a player makes, with stamps prepared from
//! the same networks and all rounds confirmed. `beat` is what the answer waits for; what is learned
//! from the verdict, `confirmed` and `judged_after`, has at least 700 ms until the next beat. Each
//! call is timed by itself, so that its time includes one reading of the clock, which is shown as
//! well: a plain estimate takes hardly longer than that.
//!
//! Last comes what an estimator keeps for a conversation, counted by the allocator of this program.
//! What the estimators share is tabulated when the first conversation opens; that is shown apart,
//! with the time that it takes.
//!
//! The wall clock is read, and time that others take on the machine counts as ours. Threads are
//! left out: sessions share nothing but a counter, and how well two cores go together is the
//! machine's affair. So are the caches of a real conversation, which hold nothing of the estimator
//! any more when a beat comes: here they are warm. What reaches a player from socket to socket is
//! measured in `turnaround`.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::ensure;
use support::Times;
use wsbeat::conversation::Stamp;
use wsbeat::conversation::challenge::{Estimator, EstimatorKind, Interval};
use wsbeat::link::clock;
use wsbeat::simulation::{Batch, Contestant, Model, Progress, Results};

const ROUNDS: u32 = 20;
const SEED: u64 = 7;

/// How often the same sessions are played.
const PASSES: usize = 11;

/// How many sessions a pass has, and how many a second there are to be on the slowest network. A
/// pass takes some tens of milliseconds with either estimator.
const PLAYED: [(EstimatorKind, u64, f64); 2] = [
    (EstimatorKind::Plain, 4_000, 50_000.0),
    (EstimatorKind::Bayes, 400, 5_000.0),
];

/// How many conversations on each network the estimators are asked in.
const CONVERSATIONS: u64 = 200;

fn main() -> anyhow::Result<()> {
    if !support::is_wanted() {
        return Ok(());
    }
    println!("simulation: sessions of {ROUNDS} rounds on one core, {PASSES} times");
    // Nobody may have asked for the tables before.
    let (tables, tabulating) = tabulate();
    sessions()?;
    let conversations: Vec<Prepared> = Model::TARGETED
        .iter()
        .flat_map(|model| (0..CONVERSATIONS).map(|number| Prepared::new(model, number)))
        .collect();
    ask(&conversations);

    println!("\nwhat an estimator keeps, after {ROUNDS} rounds");
    for kind in EstimatorKind::ALL {
        let kept = conversations.iter().map(|prepared| kept(kind, prepared));
        print_size(kind.name(), kept.max().unwrap_or_default());
    }
    print_size("tables, for all of them", tables);
    println!("{:<28}{tabulating:>12.1?}", "tabulating them, once");
    Ok(())
}

/// Sessions of one network and one estimator, and how long each pass of them took.
struct Row {
    batch: Batch,
    results: Results,
    times: Vec<Duration>,
}

/// Plays the sessions, and shows how many there were in a second.
fn sessions() -> anyhow::Result<()> {
    let row = |kind, sessions, model| Row {
        batch: Batch {
            model,
            contestant: Contestant::Estimator(kind),
            rounds: ROUNDS,
            seed: SEED,
            sessions,
        },
        results: Results::default(),
        times: Vec::new(),
    };
    let mut groups = PLAYED.map(|(kind, sessions, target)| {
        let rows = Model::TARGETED.iter().copied();
        let rows: Vec<Row> = rows.map(|model| row(kind, sessions, model)).collect();
        (target, rows)
    });

    // The first pass warms up, and says what the others have to come to as well.
    for pass in 0..=PASSES {
        for network in 0..Model::TARGETED.len() {
            for (_, rows) in &mut groups {
                let row = &mut rows[network];
                let began = clock::now();
                let results = row.batch.run(NonZeroUsize::MIN, &Progress::default());
                let took = clock::now() - began;
                if pass == 0 {
                    row.results = results;
                } else {
                    ensure!(results == row.results, "{results:?}, not the same again");
                    row.times.push(took);
                }
            }
        }
    }

    println!(
        "\n{:<28}{:>8}{:>12}{:>12}{:>8}",
        "sessions a second", "passes", "median", "worst", "won"
    );
    let mut targets = Vec::new();
    for (target, rows) in groups {
        let mut slowest = (f64::INFINITY, String::new());
        for row in rows {
            let name = format!("{}, {}", row.batch.model, row.batch.contestant.name());
            let (passes, times) = (row.times.len(), Times::new(row.times));
            let rate =
                |percent| row.batch.sessions as f64 / times.percentile(percent).as_secs_f64();
            let (median, worst) = (rate(50), rate(100));
            let won = row.results.share() * 100.0;
            println!("{name:<28}{passes:>8}{median:>12.0}{worst:>12.0}{won:>6.1} %");
            if median < slowest.0 {
                slowest = (median, name);
            }
        }
        targets.push((target, slowest));
    }
    for (target, (measured, name)) in targets {
        support::print_target(
            &format!("{target} sessions a second with {name}, the slowest"),
            &format!("{measured:.0}"),
            measured >= target,
        );
    }
    Ok(())
}

/// What an estimator is told of a conversation.
struct Prepared {
    greeted: Stamp,
    rounds: Vec<PreparedRound>,
}

struct PreparedRound {
    beat: Stamp,
    interval: Interval,
    round_trip: Duration,
}

impl Prepared {
    /// A conversation across this network, in which everything is answered right.
    fn new(model: &Model, number: u64) -> Self {
        let mut beats = model.path(number);
        // Verdicts may leave after the next beat, and the times of a path only ever go on.
        let mut round_trips = model.path(number + CONVERSATIONS);

        // Stamps count from when the opening came, which was as late as anything else.
        let opened = beats.lateness(Stamp::OPENING);
        let mut latest = opened;
        let mut arrival = |sent: Duration| {
            // Nothing overtakes.
            latest = latest.max(sent + beats.lateness(Stamp::after_opening(sent)));
            Stamp::after_opening(latest - opened)
        };
        let greeted = arrival(Duration::ZERO);
        let mut due = Duration::ZERO;
        let rounds = (0..u64::from(ROUNDS)).map(|round| {
            // Any numbers will do that make the conversations differ.
            let mixed = number * 7 + round * 13;
            let interval = Interval::ALL[mixed as usize % Interval::ALL.len()];
            due += interval.duration();
            let beat = arrival(due);
            PreparedRound {
                beat,
                interval,
                round_trip: round_trips.lateness(beat) + round_trips.lateness(beat),
            }
        });
        let rounds = rounds.collect();
        Prepared { greeted, rounds }
    }
}

/// How long calls of an estimator took.
#[derive(Default)]
struct Calls {
    /// No call at all.
    clock: Vec<Duration>,
    beat: Vec<Duration>,
    rest: Vec<Duration>,
}

/// Asks both estimators about each conversation in turn, and shows how long they took.
fn ask(conversations: &[Prepared]) {
    let [mut plain, mut bayes] = [Calls::default(), Calls::default()];
    for prepared in conversations {
        converse(&mut *EstimatorKind::Plain.estimator(), prepared, &mut plain);
        converse(&mut *EstimatorKind::Bayes.estimator(), prepared, &mut bayes);
    }
    println!("\nthe estimator alone, for each beat");
    support::print_table(
        &[50, 90, 99],
        &[
            ("reading the clock", &Times::new(plain.clock)),
            ("plain, until the answer", &Times::new(plain.beat)),
            ("plain, the rest", &Times::new(plain.rest)),
            ("bayes, until the answer", &Times::new(bayes.beat)),
            ("bayes, the rest", &Times::new(bayes.rest)),
        ],
    );
}

/// Tells an estimator of a conversation.
fn converse(estimator: &mut dyn Estimator, prepared: &Prepared, calls: &mut Calls) {
    estimator.opened(Stamp::OPENING);
    estimator.greeted(prepared.greeted);
    for round in &prepared.rounds {
        let idle = clock::now();
        let began = clock::now();
        // The compiler is not to leave out what nobody uses.
        black_box(estimator.beat(black_box(round.beat)));
        let answered = clock::now();
        estimator.confirmed(round.interval);
        estimator.judged_after(round.round_trip);
        let learned = clock::now();

        calls.clock.push(began - idle);
        calls.beat.push(answered - began);
        calls.rest.push(learned - answered);
    }
}

/// How many bytes an estimator of this kind holds when a conversation is over.
fn kept(kind: EstimatorKind, prepared: &Prepared) -> usize {
    let before = held();
    let mut estimator = kind.estimator();
    // Its times are freed within this line, and so do not count.
    converse(&mut *estimator, prepared, &mut Calls::default());
    held().wrapping_sub(before)
}

/// How many bytes stay behind for all estimators once the first conversation has opened, and how
/// long that opening took.
fn tabulate() -> (usize, Duration) {
    let (before, began) = (held(), clock::now());
    EstimatorKind::Bayes.estimator().opened(Stamp::OPENING);
    let took = clock::now() - began;
    (held().wrapping_sub(before), took)
}

fn print_size(name: &str, bytes: usize) {
    let kib = format!("{:.2} KiB", bytes as f64 / 1024.0);
    println!("{name:<28}{kib:>12}");
}

/// The system's allocator, counting.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// How many bytes this thread has been given and has not freed. Sessions are measured with this
    /// allocator, too, and it costs them next to nothing: a number of each thread's own needs no
    /// atomic addition. One that is freed by another thread than was given it would count wrong;
    /// here there is only one.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// How many bytes this thread holds.
fn held() -> usize {
    HELD.get()
}

/// Counts bytes that are given, and bytes that are freed.
fn count(given: usize, freed: usize) {
    HELD.set(HELD.get().wrapping_add(given).wrapping_sub(freed));
}

// SAFETY: everything is handed on to the system's allocator as it came. Counting neither allocates
// nor panics: the number has a constant to begin with, and no destructor.
#[expect(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract, which is the same one.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: as above; the block is the system's, since all of them are.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}
