use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Context;
use super::failure::Failure;
use super::stopping::unless_stopped;
use crate::report::{ErrorItem, Item, millis};

/// The pause before the second attempt; it doubles with each one after.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Tells of a failure, and of which attempt if it was one's, and pauses.
pub(super) async fn pause_for_retry(
    context: &mut Context<'_>,
    failure: &Failure,
    attempt: Option<u32>,
    pause: Duration,
) -> Result<(), Failure> {
    context.reporter.report(&Item::Error(ErrorItem {
        attempt,
        retry_in_ms: Some(millis(pause)),
        ..failure.item()
    }));
    context
        .aside
        .say(format_args!("{failure}; trying again in {pause:?}"));
    unless_stopped(&mut context.stop, tokio::time::sleep(pause)).await
}

/// The pauses between attempts, each twice as long as the one before.
pub(super) struct Pauses {
    left: u32,
    next: Duration,
}

impl Pauses {
    pub(super) fn new(attempts: NonZeroU32) -> Self {
        Pauses {
            left: attempts.get() - 1,
            next: FIRST_PAUSE,
        }
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST_PAUSE);
        Some(pause)
    }
}

/// Where the recording or the picture of an attempt goes: the file as it was given for the first,
/// and a number before its extension for the ones after, so that none overwrites another.
pub(super) fn path_of_attempt(path: &Path, attempt: u32) -> PathBuf {
    if attempt == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{attempt}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_end_with_the_attempts() {
        let pauses: Vec<_> = Pauses::new(NonZeroU32::new(8).unwrap()).collect();
        assert_eq!(pauses.len(), 7);
        assert_eq!(pauses[..3], [500, 1000, 2000].map(Duration::from_millis));
        assert_eq!(pauses[6], LONGEST_PAUSE);
        assert_eq!(Pauses::new(NonZeroU32::MIN).next(), None);
    }

    #[test]
    fn every_attempt_has_its_own_files() {
        let of = |path: &str, attempt| {
            let path = path_of_attempt(Path::new(path), attempt);
            path.to_str().unwrap().to_owned()
        };
        assert_eq!(of("a/run.jsonl", 1), "a/run.jsonl");
        assert_eq!(of("a/run.jsonl", 2), "a/run.2.jsonl");
        assert_eq!(of("run", 3), "run.3");
    }
}
