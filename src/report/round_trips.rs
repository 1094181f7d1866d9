//! What is reported of round trips in the end.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::histogram::{Bin, bins, write_bins};
use super::layout::{LABEL, label, lines};
use super::ping_tally::{PingTally, Standing};
use super::{Outcome, millis};
use crate::conversation::latency::Statistics;
use crate::link::Printable;

/// The percentiles that are told.
const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// The pings to one target, or none at all if the run failed before there was one. Times are null
/// where there was no pong.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PingSummaryItem {
    /// The target's number, counted from one.
    pub target: Option<usize>,
    /// Where it is, with secrets blanked.
    pub url: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// How many pings left.
    pub sent: u64,
    /// How many were answered in time.
    pub received: u64,
    /// How many were given up.
    pub lost: u64,
    /// How many of those were answered after all.
    pub late: u64,
    /// How many pongs came that had come already.
    pub doubled: u64,
    /// How many pongs came that answered nothing.
    pub invented: u64,
    /// How many pings were neither answered nor given up when it ended.
    pub outstanding: u64,
    /// The quickest round trip.
    pub min_ms: Option<f64>,
    /// The mean.
    pub mean_ms: Option<f64>,
    /// The median.
    pub p50_ms: Option<f64>,
    /// 90 of 100 took no longer.
    pub p90_ms: Option<f64>,
    /// 99 of 100 took no longer.
    pub p99_ms: Option<f64>,
    /// 999 of 1000 took no longer.
    pub p999_ms: Option<f64>,
    /// The slowest.
    pub max_ms: Option<f64>,
    /// The standard deviation.
    pub stddev_ms: Option<f64>,
    /// The jitter of RFC 3550.
    pub jitter_ms: Option<f64>,
    /// From here on the same from when each ping was due.
    pub intended_min_ms: Option<f64>,
    /// The mean.
    pub intended_mean_ms: Option<f64>,
    /// The median.
    pub intended_p50_ms: Option<f64>,
    /// 90 of 100 took no longer.
    pub intended_p90_ms: Option<f64>,
    /// 99 of 100 took no longer.
    pub intended_p99_ms: Option<f64>,
    /// 999 of 1000 took no longer.
    pub intended_p999_ms: Option<f64>,
    /// The slowest.
    pub intended_max_ms: Option<f64>,
    /// The kernel's estimate of the round trip of TCP; null where it gives none.
    pub tcp_rtt_ms: Option<f64>,
    /// The histogram, for people.
    #[serde(skip)]
    pub bins: Vec<Bin>,
}

impl PingTally {
    /// The summary of a run. `outcome` is that of the whole, for targets that have none of their own.
    pub fn summary(&self, outcome: Outcome) -> PingSummaryItem {
        let Statistics { raw, intended, .. } = &self.statistics;
        let ms = |time: Option<Duration>| time.map(millis);
        let [p50, p90, p99, p999] = PERCENTILES.map(|percent| ms(raw.percentile(percent)));
        let of_intended = PERCENTILES.map(|percent| ms(intended.percentile(percent)));
        let [intended_p50, intended_p90, intended_p99, intended_p999] = of_intended;
        PingSummaryItem {
            target: Some(self.target),
            url: Some(self.url.clone()),
            outcome: match &self.standing {
                Standing::Connecting | Standing::Open(_) => outcome,
                Standing::Ended => Outcome::Ended,
                Standing::Failed(outcome, _) => *outcome,
            },
            sent: self.statistics.sent,
            received: self.statistics.received,
            lost: self.statistics.lost,
            late: self.statistics.late,
            doubled: self.statistics.doubled,
            invented: self.statistics.invented,
            outstanding: self.statistics.outstanding(),
            min_ms: ms(raw.min()),
            mean_ms: ms(raw.mean()),
            p50_ms: p50,
            p90_ms: p90,
            p99_ms: p99,
            p999_ms: p999,
            max_ms: ms(raw.max()),
            stddev_ms: ms(raw.standard_deviation()),
            jitter_ms: ms(raw.jitter()),
            intended_min_ms: ms(intended.min()),
            intended_mean_ms: ms(intended.mean()),
            intended_p50_ms: intended_p50,
            intended_p90_ms: intended_p90,
            intended_p99_ms: intended_p99,
            intended_p999_ms: intended_p999,
            intended_max_ms: ms(intended.max()),
            tcp_rtt_ms: ms(self.tcp_rtt),
            bins: bins(raw),
        }
    }
}

/// Writes the summaries of a run: what came of each target, one table of all, and histograms.
pub(super) fn write_summaries(
    summaries: &[PingSummaryItem],
    out: &mut impl Write,
) -> io::Result<()> {
    if let [alone] = summaries
        && alone.sent == 0
        && alone.outcome != Outcome::Ended
    {
        // The error says it all.
        return Ok(());
    }
    for summary in summaries {
        write_counts(summary, out)?;
    }
    if summaries.iter().any(|summary| summary.min_ms.is_some()) {
        write_table(summaries, out)?;
    }
    for summary in summaries {
        if !summary.bins.is_empty() {
            let number = match (summary.target, summaries) {
                (Some(number), [_, _, ..]) => format!("{number}  "),
                _ => String::new(),
            };
            writeln!(out, "\n{LABEL}{number}round trips from{LABEL:#}")?;
            write_bins(&summary.bins, out)?;
        }
    }
    Ok(())
}

fn write_counts(summary: &PingSummaryItem, out: &mut impl Write) -> io::Result<()> {
    let Some(url) = &summary.url else {
        // The error says it all.
        return Ok(());
    };
    writeln!(out)?;
    let came_to = match summary.outcome {
        Outcome::Ended => "pinged",
        other => other.as_str(),
    };
    label(out, came_to, Printable(url))?;
    let mut counts = format!(
        "{} sent, {} received, {} lost",
        summary.sent, summary.received, summary.lost
    );
    if summary.lost > 0 {
        let share = summary.lost as f64 / summary.sent.max(1) as f64;
        counts += &format!(" ({:.1} %)", share * 100.0);
    }
    for (number, what) in [
        (summary.late, "late"),
        (summary.doubled, "doubled"),
        (summary.invented, "invented"),
        (summary.outstanding, "outstanding"),
    ] {
        if number > 0 {
            counts += &format!(", {number} {what}");
        }
    }
    for line in lines(&counts) {
        label(out, "", line)?;
    }
    let times = [
        ("deviation", summary.stddev_ms, ""),
        ("jitter", summary.jitter_ms, ""),
        ("tcp", summary.tcp_rtt_ms, " by the kernel"),
    ];
    let times = times.iter().filter_map(|(name, time, whose)| {
        let time = (*time)?;
        Some(format!("{name} {time:.3} ms{whose}"))
    });
    let times = times.collect::<Vec<_>>().join(", ");
    if !times.is_empty() {
        for line in lines(&times) {
            label(out, "", line)?;
        }
    }
    Ok(())
}

fn write_table(summaries: &[PingSummaryItem], out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    write!(out, "{LABEL}{:<13}", "ms")?;
    for name in ["min", "mean", "p50", "p90", "p99", "p99.9", "max"] {
        write!(out, "{name:>9}")?;
    }
    writeln!(out, "{LABEL:#}")?;
    for summary in summaries.iter().filter(|summary| summary.min_ms.is_some()) {
        let raw = [
            summary.min_ms,
            summary.mean_ms,
            summary.p50_ms,
            summary.p90_ms,
            summary.p99_ms,
            summary.p999_ms,
            summary.max_ms,
        ];
        let intended = [
            summary.intended_min_ms,
            summary.intended_mean_ms,
            summary.intended_p50_ms,
            summary.intended_p90_ms,
            summary.intended_p99_ms,
            summary.intended_p999_ms,
            summary.intended_max_ms,
        ];
        let number = match summaries {
            [_] => String::new(),
            _ => summary
                .target
                .map_or_else(String::new, |it| format!("{it} ")),
        };
        for (name, times) in [("round trip", raw), ("from due", intended)] {
            write!(out, "{:<13}", format!("{number}{name}"))?;
            for time in times {
                write!(out, "{:>9}", cell(time))?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

/// A time in a column of eight: to the microsecond, as long as that fits.
pub(super) fn cell(millis: Option<f64>) -> String {
    match millis {
        None => "-".to_owned(),
        Some(millis) if millis < 1e4 => format!("{millis:.3}"),
        Some(millis) => format!("{millis:.0}"),
    }
}
