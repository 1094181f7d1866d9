//! What is reported of a simulation.

use std::io::{self, Write};

use serde::Serialize;

use super::layout::{BAD, GOOD, LABEL, counted, label};
use super::units::share;
use crate::simulation::Results;

/// A simulation begins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimulatingItem {
    /// The networks, in the order in which they are played.
    pub models: Vec<&'static str>,
    /// Who plays on each of them, in order.
    pub estimators: Vec<&'static str>,
    /// How many sessions of each.
    pub sessions: u64,
    /// The number of the session, if it is a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<u64>,
    /// How many rounds each session has.
    pub rounds: u32,
    /// What everything is drawn from.
    pub seed: u64,
}

/// What came of many simulated sessions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SimulationItem {
    /// The network.
    pub model: &'static str,
    /// Who played: an estimator, or `oracle`, which knows the intervals.
    pub estimator: &'static str,
    /// How many rounds each session had.
    pub rounds: u32,
    /// What everything was drawn from.
    pub seed: u64,
    /// How many sessions were played.
    pub sessions: u64,
    /// How many were won.
    pub won: u64,
    /// How many were lost to a wrong answer.
    pub wrong: u64,
    /// How many were lost to a late one.
    pub late: u64,
    /// Which share was won.
    pub share: f64,
    /// The standard error of that share.
    pub standard_error: f64,
}

impl SimulationItem {
    /// The results of a batch, for reporting.
    pub fn new(
        model: &'static str,
        estimator: &'static str,
        rounds: u32,
        seed: u64,
        results: Results,
    ) -> Self {
        SimulationItem {
            model,
            estimator,
            rounds,
            seed,
            sessions: results.sessions,
            won: results.won,
            wrong: results.wrong,
            late: results.late,
            share: share(results.share()),
            standard_error: share(results.standard_error()),
        }
    }
}

pub(super) fn write_simulating(
    simulating: &SimulatingItem,
    out: &mut impl Write,
) -> io::Result<()> {
    let SimulatingItem { seed, .. } = simulating;
    let rounds = counted(simulating.rounds.into(), "round");
    if let Some(number) = simulating.session {
        let session = format_args!("session {number} of {rounds}, seed {seed}");
        label(out, "simulating", session)?;
    } else {
        let sessions = counted(simulating.sessions, "session");
        let each = format_args!("{sessions} of {rounds} on each network, seed {seed}");
        label(out, "simulating", each)?;
        // The widest that a share can have: at one half.
        let error = 0.5 / (simulating.sessions as f64).sqrt();
        let error = if error < 0.0001 {
            "below 0.0001".to_owned()
        } else {
            format!("{error:.4} at most")
        };
        let share = format_args!("share of them won; standard error {error}");
        label(out, "", share)?;
    }
    write!(out, "\n{LABEL}{:<10}", "network")?;
    for name in &simulating.estimators {
        write!(out, " {name:>9}")?;
    }
    writeln!(out, "{LABEL:#}")
}

pub(super) fn write_simulation(
    item: &SimulationItem,
    is_single: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    if !is_single {
        return write!(out, " {:>9.3}", item.share);
    }
    let (style, word) = match item {
        SimulationItem { won: 1, .. } => (GOOD, "won"),
        SimulationItem { wrong: 1, .. } => (BAD, "wrong"),
        _ => (BAD, "too late"),
    };
    write!(out, " {style}{word:>9}{style:#}")
}
