use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How long the server waited before a beat: one of the five intervals of the challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// 700 ms.
    Ms700,
    /// 1500 ms.
    Ms1500,
    /// 2000 ms.
    Ms2000,
    /// 2500 ms.
    Ms2500,
    /// 3000 ms.
    Ms3000,
}

impl Interval {
    /// All five, shortest first.
    pub const ALL: [Interval; 5] = [
        Interval::Ms700,
        Interval::Ms1500,
        Interval::Ms2000,
        Interval::Ms2500,
        Interval::Ms3000,
    ];

    /// The longest of them.
    pub const LONGEST: Interval = Interval::Ms3000;

    /// The interval whose [window](Window) holds this elapsed time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wsbeat::conversation::challenge::Interval;
    ///
    /// assert_eq!(Interval::nearest(Duration::from_micros(1_099_999)), Interval::Ms700);
    /// assert_eq!(Interval::nearest(Duration::from_millis(1100)), Interval::Ms1500);
    /// ```
    pub fn nearest(elapsed: Duration) -> Interval {
        Interval::ALL
            .into_iter()
            .find(|interval| interval.window().contains(elapsed))
            // The windows cover every duration: the first begins at zero, the last never ends.
            .unwrap_or(Interval::LONGEST)
    }

    /// The interval in milliseconds, as it is said on the wire.
    pub const fn millis(self) -> u16 {
        match self {
            Interval::Ms700 => 700,
            Interval::Ms1500 => 1500,
            Interval::Ms2000 => 2000,
            Interval::Ms2500 => 2500,
            Interval::Ms3000 => 3000,
        }
    }

    /// The interval as a time.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.millis() as u64)
    }

    /// The elapsed times that snap onto this interval. The edges lie halfway to the neighbours,
    /// as the write-up of the challenge suggests.
    pub const fn window(self) -> Window {
        let (lower, upper) = match self {
            Interval::Ms700 => (0, Some(1100)),
            Interval::Ms1500 => (1100, Some(1750)),
            Interval::Ms2000 => (1750, Some(2250)),
            Interval::Ms2500 => (2250, Some(2750)),
            Interval::Ms3000 => (2750, None),
        };
        Window {
            lower: Duration::from_millis(lower),
            upper: match upper {
                Some(upper) => Some(Duration::from_millis(upper)),
                None => None,
            },
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.millis().fmt(f)
    }
}

/// The text is not one of `700`, `1500`, `2000`, `2500` and `3000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of 700, 1500, 2000, 2500 and 3000")]
pub struct ParseIntervalError;

impl FromStr for Interval {
    type Err = ParseIntervalError;

    /// Reads an interval as it is answered on the wire; white space around it does not matter.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        Interval::ALL
            .into_iter()
            .find(|interval| interval.to_string() == text)
            .ok_or(ParseIntervalError)
    }
}

/// A range of elapsed times, lower edge included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The shortest time inside.
    pub lower: Duration,
    /// The shortest time beyond, or `None` where the window never ends.
    pub upper: Option<Duration>,
}

impl Window {
    /// Whether this elapsed time lies inside.
    pub fn contains(&self, elapsed: Duration) -> bool {
        elapsed >= self.lower && self.upper.is_none_or(|upper| elapsed < upper)
    }

    /// The distance from an elapsed time to the nearer edge, in nanoseconds: positive inside,
    /// negative outside.
    pub fn margin_ns(&self, elapsed: Duration) -> i64 {
        let above_lower = nanos(elapsed).saturating_sub(nanos(self.lower));
        self.upper.map_or(above_lower, |upper| {
            above_lower.min(nanos(upper).saturating_sub(nanos(elapsed)))
        })
    }
}

/// Whole nanoseconds, of which an `i64` holds 292 years.
pub(super) fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

impl fmt::Display for Window {
    /// `1100..1750`, in milliseconds; the last one is `2750..`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..", self.lower.as_millis())?;
        self.upper
            .map_or(Ok(()), |upper| write!(f, "{}", upper.as_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lower_edges_belong_to_the_window() {
        let cases = [
            (0, 700),
            (1_099_999, 700),
            (1_100_000, 1500),
            (1_749_999, 1500),
            (1_750_000, 2000),
            (2_249_999, 2000),
            (2_250_000, 2500),
            (2_749_999, 2500),
            (2_750_000, 3000),
            (3_600_000_000, 3000),
        ];
        for (micros, expected) in cases {
            let interval = Interval::nearest(Duration::from_micros(micros));
            assert_eq!(interval.millis(), expected, "{micros} µs");
        }
    }

    #[test]
    fn a_margin_is_the_distance_to_the_nearer_edge() {
        let margin_of = |interval: Interval, ms: u64| {
            interval.window().margin_ns(Duration::from_millis(ms)) / 1_000_000
        };
        let margin = |ms| margin_of(Interval::nearest(Duration::from_millis(ms)), ms);
        assert_eq!(margin(700), 400);
        assert_eq!(margin(100), 100);
        assert_eq!(margin(1500), 250);
        assert_eq!(margin(1100), 0);
        assert_eq!(margin(9000), 6250);
        // Beyond an edge it is negative.
        assert_eq!(margin_of(Interval::Ms1500, 1780), -30);
        assert_eq!(margin_of(Interval::Ms1500, 1060), -40);
        assert_eq!(margin_of(Interval::Ms3000, 2700), -50);
    }

    #[test]
    fn answers_are_read_as_they_are_written() {
        for interval in Interval::ALL {
            assert_eq!(interval.to_string().parse(), Ok(interval));
        }
        assert_eq!("700\n".parse(), Ok(Interval::Ms700));
        for wrong in ["", "0700", "+700", "701", "700.0", "seven hundred"] {
            assert_eq!(wrong.parse::<Interval>(), Err(ParseIntervalError));
        }
    }

    proptest! {
        #[test]
        fn every_elapsed_time_lies_in_exactly_one_window(nanos: u64) {
            let elapsed = Duration::from_nanos(nanos);
            let holding: Vec<_> = Interval::ALL
                .into_iter()
                .filter(|interval| interval.window().contains(elapsed))
                .collect();
            prop_assert_eq!(holding, vec![Interval::nearest(elapsed)]);
        }
    }
}
