use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::{Contestant, Model, Played, Session};
use crate::conversation::challenge::{LossCause, Standing};

/// How many sessions a thread takes at a time.
const AT_A_TIME: u64 = 64;

/// Many sessions of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// The network.
    pub model: Model,
    /// Who plays.
    pub contestant: Contestant,
    /// How many rounds each session has.
    pub rounds: u32,
    /// What everything is drawn from.
    pub seed: u64,
    /// How many sessions are played: those numbered from zero up to this.
    pub sessions: u64,
}

/// What came of many sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// How many were played.
    pub sessions: u64,
    /// How many were won.
    pub won: u64,
    /// How many were lost to a wrong answer.
    pub wrong: u64,
    /// How many were lost to an answer that came too late.
    pub late: u64,
}

impl Results {
    /// Which share was won, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.won as f64 / self.sessions.max(1) as f64
    }

    /// The standard error of that share, of a binomial law: √(p (1 - p) / n).
    pub fn standard_error(&self) -> f64 {
        let share = self.share();
        (share * (1.0 - share) / self.sessions.max(1) as f64).sqrt()
    }

    /// Counts one more.
    pub fn count(&mut self, played: &Played) {
        self.sessions += 1;
        match (&played.standing, played.cause) {
            (Standing::Won { .. }, _) => self.won += 1,
            (_, Some(LossCause::Wrong { .. })) => self.wrong += 1,
            _ => self.late += 1,
        }
    }

    fn add(&mut self, other: Results) {
        self.sessions += other.sessions;
        self.won += other.won;
        self.wrong += other.wrong;
        self.late += other.late;
    }
}

/// How far a batch has come, and whether it is to go on, for those who watch it from outside.
#[derive(Debug, Default)]
pub struct Progress {
    played: AtomicU64,
    is_stopped: AtomicBool,
}

impl Progress {
    /// How many sessions have been played.
    pub fn played(&self) -> u64 {
        self.played.load(Ordering::Relaxed)
    }

    /// Has the threads end after the session that each is at.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}

impl Batch {
    /// Plays the sessions on so many threads, this one among them. What is counted does not depend
    /// on how many there are, unless the batch is stopped before its end.
    pub fn run(&self, threads: NonZeroUsize, progress: &Progress) -> Results {
        let next = AtomicU64::new(0);
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads.get())
                .map(|_| scope.spawn(|| self.work(&next, progress)))
                .collect();
            let mut results = self.work(&next, progress);
            for other in others {
                match other.join() {
                    Ok(theirs) => results.add(theirs),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            results
        })
    }

    /// Plays sessions as long as there are any.
    fn work(&self, next: &AtomicU64, progress: &Progress) -> Results {
        let mut results = Results::default();
        loop {
            let first = next.fetch_add(AT_A_TIME, Ordering::Relaxed);
            let end = first.saturating_add(AT_A_TIME).min(self.sessions);
            if first >= end {
                return results;
            }
            for number in first..end {
                if progress.is_stopped.load(Ordering::Relaxed) {
                    return results;
                }
                let session = Session {
                    model: self.model,
                    rounds: self.rounds,
                    seed: self.seed,
                    number,
                };
                results.count(&session.play(self.contestant));
                progress.played.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
