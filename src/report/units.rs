//! Numbers as they are reported, with the digits that mean something.

use std::time::Duration;

/// A time in milliseconds, to the microsecond.
pub fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// A probability or a proportion, to four digits.
pub(super) fn share(of_one: f64) -> f64 {
    (of_one * 1e4).round() / 1e4
}

/// A time in microseconds, to a tenth.
pub(super) fn micros(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e7).round() / 10.0
}

/// Nanoseconds as milliseconds, to the microsecond.
pub(super) fn signed_millis(nanos: i64) -> f64 {
    // Adding zero turns the negative zero that rounding can leave into the other one.
    (nanos as f64 / 1e3).round() / 1e3 + 0.0
}
