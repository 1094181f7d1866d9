//! The stretch of time that a chart shows, and the scale of its round trips.

use std::time::Duration;

use super::super::histogram::rounded;

/// The shortest stretch of time that is shown.
const SHORTEST: Duration = Duration::from_secs(10);

/// How many pings there are in the shortest stretch at the least.
const FEWEST: u32 = 10;

/// How long a stretch may become while one dot for each ping would make it shorter.
const USUAL: Duration = Duration::from_secs(60);

/// The stretch of time that a chart shows: the newest, and all of it while that is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) begin: Duration,
    pub(super) end: Duration,
    /// What one dot stands for.
    pub(super) step: Duration,
}

impl Window {
    /// The window of a chart that is so many dots wide. A series has slots of this width, the
    /// newest ping was due then, and there is one each `interval`.
    pub(super) fn new(interval: Duration, slot: Duration, newest: Duration, dots: u32) -> Self {
        let dots = dots.max(1);
        let slot = slot.max(Duration::from_nanos(1));
        let most = slot.max(interval).saturating_mul(dots).max(USUAL);
        let mut length = interval.saturating_mul(FEWEST).max(SHORTEST);
        // In steps, lest the axis change with each ping.
        while length < newest && length < most {
            length = length.saturating_mul(2);
        }
        let length = length.min(most);
        let slots = (length / dots).as_nanos().div_ceil(slot.as_nanos()).max(1);
        let step = slot.saturating_mul(u32::try_from(slots).unwrap_or(u32::MAX));
        if newest <= length {
            return Window {
                begin: Duration::ZERO,
                end: length,
                step,
            };
        }
        // What is put together into one dot stays together, wherever the window has moved.
        let steps = u32::try_from(newest.as_nanos() / step.as_nanos()).unwrap_or(u32::MAX - 1);
        let end = step.saturating_mul(steps + 1);
        // On a chart of one dot, a step may be longer than the stretch: the newest is shown all the
        // same.
        let newest = step.saturating_mul(steps);
        Window {
            begin: end.saturating_sub(length).min(newest),
            end,
            step,
        }
    }

    /// The beginning of the dot that a time falls into, if it is one of this window.
    pub(super) fn dot(&self, time: Duration) -> Option<Duration> {
        let steps = u32::try_from(time.as_nanos() / self.step.as_nanos()).ok()?;
        let begin = self.step.saturating_mul(steps);
        (self.begin <= begin && begin <= self.end).then_some(begin)
    }

    /// The window in seconds.
    pub(super) fn bounds(&self) -> [f64; 2] {
        [self.begin.as_secs_f64(), self.end.as_secs_f64()]
    }

    /// What is written below: the times at both ends, and between them if there is room.
    pub(super) fn labels(&self, columns: u16) -> Vec<String> {
        let ends = [self.begin, self.end];
        let middle = self.begin + (self.end - self.begin) / 2;
        let times = match columns {
            ..30 => ends.to_vec(),
            _ => vec![self.begin, middle, self.end],
        };
        times.into_iter().map(clock).collect()
    }
}

/// A time since the opening: `1:23`, or `1:02:03` after an hour.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match hours {
        0 => format!("{minutes}:{:02}", seconds % 60),
        _ => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
    }
}

/// From which factor between the quickest and the slowest round trip on, a spike would flatten all
/// the others, so that the scale is logarithmic.
const FAR_APART: f64 = 10.0;

/// The scale of round trips, in milliseconds. Its ticks are equally far apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From a number of steps on, up to another one.
    Linear { step: f64, from: f64, ticks: u32 },
    /// The same, where a step is this many thirds of a power of ten.
    Logarithmic { step: i32, from: i32, ticks: u32 },
}

impl Scale {
    /// The scale that round trips between these fit onto, with so many ticks at the most.
    pub(super) fn new(least: Duration, most: Duration, ticks: u32) -> Self {
        let intervals = ticks.max(2) - 1;
        // A logarithm of nothing there is not: a nanosecond is nothing.
        let ms = |time: Duration| (time.as_secs_f64() * 1e3).max(1e-6);
        let (least, most) = (ms(least), ms(most).max(ms(least)));
        if most / least > FAR_APART {
            return Self::logarithmic(least, most, intervals);
        }
        // Steps of less than a hundredth would make much of nothing.
        let mut power = most.log10().floor() as i32 - 2;
        loop {
            for digit in [1.0, 2.0, 5.0] {
                let step = digit * 10_f64.powi(power);
                let from = (least / step).floor();
                let steps = (most / step).ceil() - from;
                if steps <= f64::from(intervals) {
                    let ticks = (steps.max(1.0)) as u32 + 1;
                    return Scale::Linear { step, from, ticks };
                }
            }
            power += 1;
        }
    }

    fn logarithmic(least: f64, most: f64, intervals: u32) -> Self {
        let from = (least.log10() * 3.0).floor() as i32;
        let to = (most.log10() * 3.0).ceil() as i32;
        let thirds = (to - from).unsigned_abs().max(1);
        let step = thirds.div_ceil(intervals);
        Scale::Logarithmic {
            // A few dozens at the most.
            step: i32::try_from(step).unwrap_or(i32::MAX),
            from,
            ticks: thirds.div_ceil(step) + 1,
        }
    }

    /// How high a round trip stands, between zero and the number of ticks less one.
    pub(super) fn height(&self, time: Duration) -> f64 {
        let ms = (time.as_secs_f64() * 1e3).max(1e-6);
        match *self {
            Scale::Linear { step, from, .. } => ms / step - from,
            Scale::Logarithmic { step, from, .. } => {
                (ms.log10() * 3.0 - f64::from(from)) / f64::from(step)
            }
        }
    }

    /// The height of the highest tick.
    pub(super) fn top(&self) -> f64 {
        match *self {
            Scale::Linear { ticks, .. } | Scale::Logarithmic { ticks, .. } => {
                f64::from(ticks.saturating_sub(1))
            }
        }
    }

    /// What is written beside the ticks, from the lowest on.
    pub(super) fn labels(&self) -> Vec<String> {
        match *self {
            Scale::Linear { step, from, ticks } => {
                let digits = (-step.log10().floor()).max(0.0) as usize;
                let label = |tick| (from + f64::from(tick)) * step;
                (0..ticks)
                    .map(|tick| format!("{:.digits$}", label(tick)))
                    .collect()
            }
            Scale::Logarithmic { step, from, ticks } => {
                // The preferred numbers of IEC 60063, series E3: what the histogram has as well.
                let label = |third: i32| {
                    let digits = [1.0, 2.2, 4.7][third.rem_euclid(3) as usize];
                    rounded(digits * 10_f64.powi(third.div_euclid(3)))
                };
                (0..ticks)
                    .map(|tick| label(from + step * tick as i32))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_window_grows_in_steps_and_then_follows_the_newest() {
        let interval = secs(1);
        let window = |newest| Window::new(interval, interval, secs(newest), 100).bounds();
        assert_eq!(window(0), [0.0, 10.0]);
        assert_eq!(window(11), [0.0, 20.0]);
        assert_eq!(window(99), [0.0, 100.0]);
        assert_eq!(window(250), [151.0, 251.0]);
        assert_eq!(clock(secs(3723)), "1:02:03");
    }

    #[test]
    fn a_chart_of_one_dot_shows_the_newest() {
        let slot = Duration::from_nanos(1_000_001);
        let newest = USUAL + Duration::from_nanos(1);
        let window = Window::new(slot, slot, newest, 1);
        assert!(window.dot(newest).is_some(), "{window:?}");
    }

    #[test]
    fn ticks_are_round_numbers() {
        let ms = |ms: f64| Duration::from_secs_f64(ms / 1e3);
        let labels = |least, most| Scale::new(ms(least), ms(most), 5).labels();
        assert_eq!(labels(0.12, 0.31), ["0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(labels(98.0, 103.0), ["98", "100", "102", "104"]);
        assert_eq!(labels(0.2, 380.0), ["0.1", "1", "10", "100", "1000"]);
        assert_eq!(labels(4.1, 309.0), ["2.2", "10", "47", "220", "1000"]);
        assert_eq!(labels(7.0, 7.0), ["7.00", "7.01"]);
    }

    proptest! {
        #[test]
        fn whatever_is_measured_fits_onto_its_scale(
            one: u64, other: u64, shifts in (0..63_u32, 0..63_u32), ticks in 0..20_u32,
        ) {
            let times = [one >> shifts.0, other >> shifts.1].map(Duration::from_nanos);
            let (least, most) = (times[0].min(times[1]), times[0].max(times[1]));
            let scale = Scale::new(least, most, ticks);
            prop_assert!(scale.height(least) >= -1e-6, "{scale:?}");
            prop_assert!(scale.height(most) <= scale.top() + 1e-6, "{scale:?}");
            let labels = scale.labels();
            prop_assert!((2..=ticks.max(2) as usize).contains(&labels.len()), "{scale:?}");
            let numbers: Vec<f64> = labels.iter().map(|label| label.parse().unwrap()).collect();
            prop_assert!(numbers.is_sorted(), "{labels:?}");
        }

        #[test]
        fn the_newest_ping_is_in_the_window_which_has_no_more_dots_than_the_chart(
            interval in 1_000_000..100_000_000_000_u64,
            merged in 0..12_u32,
            newest in 0..10_000_000_000_000_000_u64,
            dots in 1..500_u32,
        ) {
            let interval = Duration::from_nanos(interval);
            let slot = interval * 2_u32.pow(merged);
            let newest = Duration::from_nanos(newest);
            let window = Window::new(interval, slot, newest, dots);
            prop_assert!(window.begin < window.end);
            prop_assert!(window.dot(newest).is_some(), "{window:?}");
            let shown = (window.end - window.begin).as_nanos() / window.step.as_nanos();
            prop_assert!(shown <= u128::from(dots), "{window:?}");
        }
    }
}
