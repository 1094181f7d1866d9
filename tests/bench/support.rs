//! What the benchmarks have in common: percentiles, and how a report looks.

use std::time::Duration;

/// Whether to measure at all. `cargo bench` passes `--bench` to the programs that it runs;
/// `cargo test --all-targets` runs the same programs without it, and is not to wait for them.
pub fn is_wanted() -> bool {
    let wanted = std::env::args().any(|argument| argument == "--bench");
    if !wanted {
        println!("nothing was measured: this is for `cargo bench`");
    }
    wanted
}

/// Times that were measured, shortest first.
pub struct Times(Vec<Duration>);

impl Times {
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Times(times)
    }

    /// The shortest of the times that this many percent of all do not exceed: one that was really
    /// measured, not a mean of two. 50 gives the median and 100 the longest.
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.max(1) - 1).copied().unwrap_or_default()
    }
}

/// Prints these percentiles of each row's times.
pub fn print_table(percentiles: &[usize], rows: &[(&str, &Times)]) {
    print!("{:<28}{:>8}", "", "times");
    for percent in percentiles {
        let name = match percent {
            50 => "median".to_owned(),
            100 => "max".to_owned(),
            percent => format!("p{percent}"),
        };
        print!("{name:>12}");
    }
    println!();
    for (name, times) in rows {
        print!("{name:<28}{:>8}", times.0.len());
        for percent in percentiles {
            print!("{:>12.1?}", times.percentile(*percent));
        }
        println!();
    }
}

/// Prints what was aimed at and whether it was met. A benchmark reports and does not judge: on a
/// busy machine a target that is missed says nothing about the program.
pub fn print_target(target: &str, measured: &str, met: bool) {
    let verdict = if met { "met" } else { "NOT met" };
    println!("\ntarget: {target}; measured: {measured}; {verdict}");
}
