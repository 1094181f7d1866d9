use std::ops::Add;
use std::time::Duration;

/// A monotonic time, counted in nanoseconds from the opening of the connection.
///
/// A stamp is a point, a [`Duration`] is a distance. Stamps are kept raw; distances between them
/// are derived where they are needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(Duration);

impl Stamp {
    /// The opening itself.
    pub const OPENING: Stamp = Stamp(Duration::ZERO);

    /// The stamp this long after the opening.
    pub const fn after_opening(since: Duration) -> Self {
        Stamp(since)
    }

    /// The stamp this many nanoseconds after the opening.
    pub const fn from_nanos(nanos: u64) -> Self {
        Stamp(Duration::from_nanos(nanos))
    }

    /// Nanoseconds since the opening; saturates after 584 years.
    pub fn as_nanos(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The time since the opening.
    pub const fn since_opening(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this stamp, or zero if it is not earlier.
    pub fn since(self, earlier: Stamp) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Stamp {
    type Output = Stamp;

    fn add(self, distance: Duration) -> Stamp {
        Stamp(self.0.saturating_add(distance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_backwards_is_zero() {
        let (early, late) = (Stamp::from_nanos(5), Stamp::from_nanos(8));
        assert_eq!(late.since(early), Duration::from_nanos(3));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn far_stamps_saturate() {
        let end = Stamp::after_opening(Duration::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(end.as_nanos(), u64::MAX);
    }
}
