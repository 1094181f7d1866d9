use std::time::Duration;

use hdrhistogram::Histogram;

use super::PingerEvent;

/// How many digits of a percentile are exact: an error of a thousandth.
const SIGNIFICANT_DIGITS: u8 = 3;

/// The longest round trip that percentiles can tell from a longer one: an hour, in nanoseconds. With
/// three digits, that takes some 250 KiB.
const LONGEST: u64 = 3_600_000_000_000;

/// Adds up what a pinger notices.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// How many pings have left.
    pub sent: u64,
    /// How many of them were answered in time.
    pub received: u64,
    /// How many were given up.
    pub lost: u64,
    /// How many of those were answered after all.
    pub late: u64,
    /// How many pongs came that had come already.
    pub doubled: u64,
    /// How many pongs came that answered nothing.
    pub invented: u64,
    /// The round trips, from when each ping set out.
    pub raw: RoundTrips,
    /// The same round trips, from when each ping was due.
    pub intended: RoundTrips,
}

impl Statistics {
    /// Takes account of what a pinger noticed.
    pub fn count(&mut self, event: &PingerEvent) {
        match event {
            PingerEvent::Sent(_) => self.sent += 1,
            PingerEvent::Pong { flight, at } => {
                self.received += 1;
                self.raw.record(flight.raw(*at));
                self.intended.record(flight.intended(*at));
            }
            PingerEvent::Lost(_) => self.lost += 1,
            PingerEvent::Late { .. } => self.late += 1,
            PingerEvent::Doubled { .. } => self.doubled += 1,
            PingerEvent::Invented { .. } => self.invented += 1,
        }
    }

    /// How many pings have neither been answered nor given up.
    pub fn outstanding(&self) -> u64 {
        let settled = self.received.saturating_add(self.lost);
        self.sent.saturating_sub(settled)
    }

    /// Whether anything that was sent ever came back.
    pub fn has_pong(&self) -> bool {
        self.received + self.late > 0
    }
}

/// Round trips, added up in bounded memory.
///
/// Percentiles are those of an [HdrHistogram](https://hdrhistogram.org), to three digits; all else
/// is exact.
#[derive(Clone, Debug)]
pub struct RoundTrips {
    /// In nanoseconds.
    histogram: Histogram<u64>,
    least: Duration,
    most: Duration,
    /// Mean and sum of squared distances from it, in nanoseconds, as they come along: Welford's
    /// method (Knuth, The Art of Computer Programming, volume 2, section 4.2.2).
    mean: f64,
    squares: f64,
    newest: Option<Duration>,
    jitter: f64,
}

impl Default for RoundTrips {
    fn default() -> Self {
        let histogram = Histogram::new_with_max(LONGEST, SIGNIFICANT_DIGITS)
            // Refused are a maximum below two, and more than five digits.
            .expect("both constants are within bounds");
        RoundTrips {
            histogram,
            least: Duration::MAX,
            most: Duration::ZERO,
            mean: 0.0,
            squares: 0.0,
            newest: None,
            jitter: 0.0,
        }
    }
}

impl RoundTrips {
    /// Adds one, in the order in which the pongs arrived.
    pub fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(nanos);
        self.least = self.least.min(time);
        self.most = self.most.max(time);
        let nanos = time.as_secs_f64() * 1e9;
        let before = nanos - self.mean;
        self.mean += before / self.histogram.len() as f64;
        self.squares += before * (nanos - self.mean);
        if let Some(newest) = self.newest.replace(time) {
            // RFC 3550 section 6.4.1: the difference of two transit times, smoothed by a sixteenth.
            let difference = time.abs_diff(newest).as_secs_f64() * 1e9;
            self.jitter += (difference - self.jitter) / 16.0;
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.histogram.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// The newest; `None` while there are none, as with all that follow.
    pub fn newest(&self) -> Option<Duration> {
        self.newest
    }

    /// The quickest.
    pub fn min(&self) -> Option<Duration> {
        self.if_any(self.least)
    }

    /// The slowest.
    pub fn max(&self) -> Option<Duration> {
        self.if_any(self.most)
    }

    /// The mean.
    pub fn mean(&self) -> Option<Duration> {
        self.if_any(nanos(self.mean))
    }

    /// The standard deviation of all of them (not the estimate for a larger population).
    pub fn standard_deviation(&self) -> Option<Duration> {
        self.if_any(nanos((self.squares / self.len() as f64).sqrt()))
    }

    /// The interarrival jitter of RFC 3550 section 6.4.1, with round trips in the place of transit
    /// times, as it stands now. It takes two pongs.
    pub fn jitter(&self) -> Option<Duration> {
        (self.len() > 1).then(|| nanos(self.jitter))
    }

    /// The time that this many per cent took no longer than.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        let nanos = self.histogram.value_at_quantile(percent / 100.0);
        // What is known to three digits only is still never beyond what there was.
        self.if_any(Duration::from_nanos(nanos).clamp(self.least.min(self.most), self.most))
    }

    /// How many there are of each time that the histogram can tell apart, in ascending order.
    pub fn counts(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.histogram.iter_recorded().map(|step| {
            (
                Duration::from_nanos(step.value_iterated_to()),
                step.count_at_value(),
            )
        })
    }

    fn if_any(&self, time: Duration) -> Option<Duration> {
        (!self.is_empty()).then_some(time)
    }
}

fn nanos(nanos: f64) -> Duration {
    // The mean of times is a time; what is not a number there is no time at all.
    Duration::try_from_secs_f64(nanos / 1e9).unwrap_or_default()
}
