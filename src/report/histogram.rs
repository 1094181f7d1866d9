//! A histogram of round trips, drawn with characters.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use crate::conversation::latency::RoundTrips;

/// How many rows a histogram has at the most.
const ROWS: usize = 12;

/// The highest power of ten, in nanoseconds, among the bounds: three years.
const POWERS: u32 = 17;

/// How wide the longest bar is, in columns.
const BAR: usize = 48;

/// The bounds within a power of ten: the preferred numbers of IEC 60063, series E24, E12, E6, E3 and
/// E1, from fine to coarse.
const STEPS: [&[u64]; 5] = [
    &[
        10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30, 33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82,
        91,
    ],
    &[10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82],
    &[10, 15, 22, 33, 47, 68],
    &[10, 22, 47],
    &[10],
];

/// How many round trips took a time within these bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    /// From here on.
    pub from: Duration,
    /// Up to, but without this.
    pub to: Duration,
    /// How many.
    pub count: u64,
}

/// Sorts round trips into bins whose bounds are round numbers, each about the same factor above the
/// last: the spread of round trips is a matter of factors, with a long tail. Empty bins between
/// full ones are kept.
pub fn bins(round_trips: &RoundTrips) -> Vec<Bin> {
    let (Some(least), Some(most)) = (round_trips.min(), round_trips.max()) else {
        return Vec::new();
    };
    let mut bins = STEPS
        .iter()
        .map(|steps| bounds(steps, least, most))
        .find(|bins| bins.len() <= ROWS)
        .unwrap_or_else(|| {
            let whole = Bin {
                from: least,
                to: most + Duration::from_nanos(1),
                count: 0,
            };
            vec![whole]
        });
    for (time, count) in round_trips.counts() {
        // What is known to three digits only may be just beyond what there was.
        let time = time.clamp(least, most);
        let bin = bins.partition_point(|bin| bin.to <= time);
        if let Some(bin) = bins.get_mut(bin) {
            bin.count += count;
        }
    }
    bins
}

/// Empty bins from the one that holds `least` to the one that holds `most`.
fn bounds(steps: &[u64], least: Duration, most: Duration) -> Vec<Bin> {
    let powers = (0..=POWERS).map(|power| 10_u64.pow(power));
    let marks = powers.flat_map(|power| steps.iter().map(move |step| step * power / 10));
    let mut marks: Vec<_> = marks.map(Duration::from_nanos).collect();
    marks.insert(0, Duration::ZERO);
    marks.push(Duration::MAX);
    marks.dedup();
    let pairs = marks.windows(2).map(|pair| Bin {
        from: pair[0],
        to: pair[1],
        count: 0,
    });
    pairs
        .filter(|bin| bin.to > least && bin.from <= most)
        .collect()
}

/// Writes a histogram, a row for each bin that says where the bin begins, within 80 columns.
pub(super) fn write_bins(bins: &[Bin], out: &mut impl Write) -> io::Result<()> {
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or_default();
    for bin in bins {
        let bar = Bar {
            part: bin.count,
            whole: most,
            columns: BAR,
        };
        let from = bin.from.as_secs_f64() * 1e3;
        writeln!(out, "{:>11} ms  {bar}{}", rounded(from), bin.count)?;
    }
    Ok(())
}

/// A number with as many digits as a bound has.
pub(super) fn rounded(millis: f64) -> String {
    let text = format!("{millis:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A bar whose length is a part of the longest one.
pub(super) struct Bar {
    pub(super) part: u64,
    pub(super) whole: u64,
    /// How long the longest one is.
    pub(super) columns: usize,
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let eighths = self.part as f64 / self.whole.max(1) as f64 * (self.columns * 8) as f64;
        // Something is never drawn as nothing.
        let eighths = (eighths.round() as usize).max(usize::from(self.part > 0));
        for _ in 0..eighths / 8 {
            f.write_str("█")?;
        }
        let rest = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8];
        match (rest, eighths) {
            (_, 0) => Ok(()),
            (' ', _) => f.write_str(" "),
            (rest, _) => write!(f, "{rest} "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trips(micros: &[u64]) -> RoundTrips {
        let mut round_trips = RoundTrips::default();
        for &micros in micros {
            round_trips.record(Duration::from_micros(micros));
        }
        round_trips
    }

    fn drawn(micros: &[u64]) -> String {
        let mut text = Vec::new();
        write_bins(&bins(&round_trips(micros)), &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn near_times_are_told_apart_and_far_ones_still_fit() {
        insta::assert_snapshot!(drawn(&[120, 130, 140, 180, 230, 1800]), @r##"
 0.1 ms  ████████████████████████████████████████████████ 3
0.15 ms  ████████████████ 1
0.22 ms  ████████████████ 1
0.33 ms  0
0.47 ms  0
0.68 ms  0
   1 ms  0
 1.5 ms  ████████████████ 1
"##);
        insta::assert_snapshot!(drawn(&[90, 200_000, 150_000, 31_000_000]), @r##"
 0.01 ms  ████████████████████████ 1
  0.1 ms  0
    1 ms  0
   10 ms  0
  100 ms  ████████████████████████████████████████████████ 2
 1000 ms  0
10000 ms  ████████████████████████ 1
"##);
        insta::assert_snapshot!(drawn(&[1]), @r##"      0.001 ms  ████████████████████████████████████████████████ 1"##);
    }

    #[test]
    fn nothing_is_lost_between_the_bins_and_something_is_never_nothing() {
        let mut many = vec![100; 5000];
        many.push(250);
        let bins = bins(&round_trips(&many));
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 5001);
        assert!(drawn(&many).contains("▏ 1\n"), "{}", drawn(&many));
        for pair in bins.windows(2) {
            assert_eq!(pair[0].to, pair[1].from);
        }
        assert!(super::bins(&RoundTrips::default()).is_empty());
    }

    #[test]
    fn any_spread_fits() {
        let extreme = [0, 1, 3_600_000_000_000];
        let bins = bins(&round_trips(&extreme));
        assert!((1..=ROWS).contains(&bins.len()), "{bins:?}");
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 3);
    }
}
