use std::time::Duration;

/// How many decades of a logarithmic axis are also divided at 2 and 5.
const DIVIDED_DECADES: i32 = 3;

/// Where the values along an axis lie, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    law: Law,
    /// The values at the ends.
    least: f64,
    most: f64,
    /// The pixels at the ends.
    from: i32,
    to: i32,
}

/// How values become distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Law {
    Linear,
    Logarithmic,
}

impl Axis {
    /// An axis from zero on.
    pub(super) fn linear(most: f64, from: i32, to: i32) -> Self {
        Axis {
            law: Law::Linear,
            least: 0.0,
            // Nothing below divides by zero.
            most: most.max(1e-9),
            from,
            to,
        }
    }

    /// An axis on which ratios are distances, from one positive value to another.
    pub(super) fn logarithmic(least: f64, most: f64, from: i32, to: i32) -> Self {
        Axis {
            law: Law::Logarithmic,
            least,
            most: most.max(least * 2.0),
            from,
            to,
        }
    }

    /// The same axis between other pixels.
    pub(super) fn between(self, from: i32, to: i32) -> Self {
        Axis { from, to, ..self }
    }

    pub(super) fn law(&self) -> Law {
        self.law
    }

    /// The pixel of a value; what lies beyond an end is put there.
    pub(super) fn place(&self, value: f64) -> i32 {
        let share = match self.law {
            Law::Linear => (value - self.least) / (self.most - self.least),
            Law::Logarithmic => {
                (value.max(self.least) / self.least).ln() / (self.most / self.least).ln()
            }
        };
        // A share that is no number becomes zero in a conversion to whole numbers.
        let way = f64::from(self.to - self.from) * share.clamp(0.0, 1.0);
        self.from + way.round() as i32
    }

    /// Round values to mark, each with its text. There are fewer than twice as many as asked for.
    pub(super) fn ticks(&self, about: u32) -> Vec<(f64, String)> {
        match self.law {
            Law::Linear => {
                let step = round_step(self.most / f64::from(about.max(1)));
                let last = (self.most / step).floor() as u32;
                let decimals = decimals(step);
                (0..=last)
                    .map(|tick| f64::from(tick) * step)
                    .map(|value| (value, format!("{value:.decimals$}")))
                    .collect()
            }
            Law::Logarithmic => {
                let (first, last) = (self.least.log10().floor(), self.most.log10().ceil());
                let decades = (last - first) as i32;
                let apart = decades / i32::try_from(about.max(1)).unwrap_or(i32::MAX) + 1;
                let divisions: &[f64] = if decades <= DIVIDED_DECADES {
                    &[1.0, 2.0, 5.0]
                } else {
                    &[1.0]
                };
                (0..=decades)
                    .step_by(usize::try_from(apart).unwrap_or(1))
                    .flat_map(|decade| {
                        let power = 10_f64.powi(first as i32 + decade);
                        divisions.iter().map(move |division| division * power)
                    })
                    .filter(|value| (self.least..=self.most).contains(value))
                    .map(|value| {
                        let decimals = decimals(value);
                        (value, format!("{value:.decimals$}"))
                    })
                    .collect()
            }
        }
    }
}

/// The next 1, 2 or 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let rounder = [1.0, 2.0, 5.0].map(|it| it * power);
    rounder
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(10.0 * power)
}

/// How many decimals a step of this size needs.
fn decimals(step: f64) -> usize {
    // A step that floating point leaves just below a power of ten is meant to be it.
    let power = (step.log10() + 1e-9).floor();
    (-power).clamp(0.0, 12.0) as usize
}

/// Milliseconds with three digits or more.
pub(super) fn figure(ms: f64) -> String {
    let decimals = match ms.abs() {
        ms if ms >= 99.95 => 0,
        ms if ms >= 9.995 => 1,
        ms if ms >= 0.9995 => 2,
        _ => 3,
    };
    format!("{ms:.decimals$}")
}

pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The unit of a time axis: the largest that still gives numbers beyond ten.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeUnit {
    pub(super) name: &'static str,
    seconds: f64,
}

impl TimeUnit {
    pub(super) fn fitting(most: Duration) -> Self {
        let (name, seconds) = match most.as_secs() {
            ..600 => ("s", 1.0),
            600..36_000 => ("min", 60.0),
            _ => ("h", 3600.0),
        };
        TimeUnit { name, seconds }
    }

    pub(super) fn of(self, time: Duration) -> f64 {
        time.as_secs_f64() / self.seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: Axis, about: u32) -> Vec<String> {
        axis.ticks(about)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn ticks_are_round() {
        let linear = |most| texts(Axis::linear(most, 0, 100), 5);
        assert_eq!(linear(10.0), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(linear(0.9), ["0.0", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(linear(2600.0), ["0", "1000", "2000"]);
        let logarithmic = |least, most| texts(Axis::logarithmic(least, most, 0, 100), 8);
        assert_eq!(logarithmic(0.08, 3.0), ["0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(
            logarithmic(0.5, 20_000.0),
            ["1", "10", "100", "1000", "10000"]
        );
        assert!(logarithmic(1e-6, 1e22).len() < 16);
    }

    #[test]
    fn values_have_their_places() {
        let axis = Axis::linear(200.0, 500, 100);
        assert_eq!([0.0, 50.0, 200.0].map(|it| axis.place(it)), [500, 400, 100]);
        assert_eq!(
            [-1.0, 1e30, f64::NAN].map(|it| axis.place(it)),
            [500, 100, 500]
        );
        let axis = Axis::logarithmic(0.1, 1000.0, 500, 100);
        assert_eq!([0.1, 1.0, 1000.0].map(|it| axis.place(it)), [500, 400, 100]);
        assert_eq!([0.0, 1e30].map(|it| axis.place(it)), [500, 100]);
    }

    #[test]
    fn figures_have_three_digits() {
        let figures = [0.0421, 0.99951, 9.994, 9.996, 99.96, 203.4, 12_345.6].map(figure);
        let expected = ["0.042", "1.00", "9.99", "10.0", "100", "203", "12346"];
        assert_eq!(figures, expected);
    }
}
