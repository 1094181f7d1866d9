use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::failure::Failure;
use super::stopping::unless_stopped;
use super::{Aside, Context};
use crate::report::{ErrorItem, Item, millis};

/// The pause before the second attempt; it doubles with each one after.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// The longest pause before a connection that takes the place of a lost one.
const LONGEST_RECONNECTING: Duration = Duration::from_secs(30);

/// Tells of a failure, and of which attempt if it was one's, and pauses.
pub(super) async fn pause_for_retry(
    context: &mut Context<'_>,
    failure: &Failure,
    attempt: Option<u32>,
    pause: Duration,
) -> Result<(), Failure> {
    let item = tell_of_retry(&context.aside, failure, attempt, pause);
    context.reporter.report(&item);
    unless_stopped(&mut context.stop, tokio::time::sleep(pause)).await
}

/// Tells people of a failure, and of which attempt if it was one's, and gives what scripts are told.
pub(super) fn tell_of_retry(
    aside: &Aside,
    failure: &Failure,
    attempt: Option<u32>,
    pause: Duration,
) -> Item {
    aside.say(format_args!("{failure}; trying again in {pause:?}"));
    Item::Error(ErrorItem {
        attempt,
        retry_in_ms: Some(millis(pause)),
        ..failure.item()
    })
}

/// Pauses that grow: each is twice as long as the one before, up to a limit.
struct Doubling {
    next: Duration,
    longest: Duration,
}

impl Doubling {
    fn up_to(longest: Duration) -> Self {
        Doubling {
            next: FIRST_PAUSE,
            longest,
        }
    }

    fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause
    }
}

/// The pauses between attempts, each twice as long as the one before.
pub(super) struct Pauses {
    left: u32,
    doubling: Doubling,
}

/// The pauses before connections that are to take the place of lost ones, without end: each from
/// half of what it could be to all of it, so that the clients of a server that goes down do not all
/// come back at once; and what it could be grows.
pub(super) struct Reconnecting {
    doubling: Doubling,
    rng: StdRng,
}

impl Reconnecting {
    /// Pauses that are drawn from this seed.
    pub(super) fn new(seed: u64) -> Self {
        Reconnecting {
            doubling: Doubling::up_to(LONGEST_RECONNECTING),
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// A connection has lasted: the next pause is a short one again.
    pub(super) fn begin_anew(&mut self) {
        self.doubling = Doubling::up_to(LONGEST_RECONNECTING);
    }

    /// The next pause, in whole milliseconds.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self
            .doubling
            .pause()
            .mul_f64(self.rng.random_range(0.5..=1.0));
        Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
    }
}

impl Pauses {
    pub(super) fn new(attempts: NonZeroU32) -> Self {
        Pauses {
            left: attempts.get() - 1,
            doubling: Doubling::up_to(LONGEST_PAUSE),
        }
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        Some(self.doubling.pause())
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

/// Brings the files of one run into the order of its attempts, in the place of the one that is named
/// first: a shell names `run.10.jsonl` before `run.2.jsonl`, and `run.jsonl` last.
pub(super) fn by_attempt(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut runs: Vec<(PathBuf, Vec<(u32, PathBuf)>)> = Vec::new();
    for path in paths {
        let (first, attempt) = match attempt_of(&path) {
            Some((first, attempt)) => (first, attempt),
            None => (path.clone(), 1),
        };
        // A file that is named twice is told twice.
        let lacks_it = |files: &[(u32, PathBuf)]| files.iter().all(|(it, _)| *it != attempt);
        match runs
            .iter_mut()
            .find(|(run, files)| *run == first && lacks_it(files))
        {
            Some((_, files)) => files.push((attempt, path)),
            None => runs.push((first, vec![(attempt, path)])),
        }
    }
    for (_, files) in &mut runs {
        files.sort_by_key(|(attempt, _)| *attempt);
    }
    let files = runs.into_iter().flat_map(|(_, files)| files);
    files.map(|(_, path)| path).collect()
}

/// The first file of the run that a file belongs to, and its attempt, if it is [not the
/// first](path_of_attempt).
fn attempt_of(path: &Path) -> Option<(PathBuf, u32)> {
    let named = |name: String| path.with_file_name(name);
    let stem = path.file_stem()?.to_str()?;
    let extension = path.extension().and_then(|it| it.to_str());
    let (first, number) = match (stem.rsplit_once('.'), extension) {
        (Some((stem, number)), Some(extension)) => (named(format!("{stem}.{extension}")), number),
        // The number is all the extension that there is.
        (None, Some(number)) => (named(stem.to_owned()), number),
        (_, None) => return None,
    };
    let attempt = number.parse().ok().filter(|attempt| *attempt > 1)?;
    (path_of_attempt(&first, attempt) == path).then_some((first, attempt))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn pauses_grow_to_a_limit_and_end_with_the_attempts() {
        let pauses: Vec<_> = Pauses::new(NonZeroU32::new(8).unwrap()).collect();
        assert_eq!(pauses.len(), 7);
        assert_eq!(pauses[..3], [500, 1000, 2000].map(Duration::from_millis));
        assert_eq!(pauses[6], LONGEST_PAUSE);
        assert_eq!(Pauses::new(NonZeroU32::MIN).next(), None);
    }

    #[test]
    fn pauses_before_connections_are_drawn_and_grow_until_one_lasts() {
        let most = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].map(Duration::from_millis);
        let mut drawn = HashSet::new();
        for seed in 0..50 {
            let mut pauses = Reconnecting::new(seed);
            for most in most {
                let pause = pauses.pause();
                let half = most / 2 - Duration::from_millis(1);
                assert!((half..=most).contains(&pause), "{pause:?} of {most:?}");
                drawn.insert(pause);
            }
            pauses.begin_anew();
            assert!(pauses.pause() <= most[0]);
        }
        assert!(drawn.len() > 300, "{}", drawn.len());
        let first = |seed| Reconnecting::new(seed).pause();
        assert_eq!(first(7), first(7));
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

    #[test]
    fn the_files_of_a_run_are_in_the_order_of_its_attempts() {
        let ordered = |paths: &[&str]| {
            let paths = by_attempt(paths.iter().map(PathBuf::from).collect());
            let names = paths.iter().map(|path| path.to_str().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(
            ordered(&[
                "a/run.10.jsonl",
                "z.jsonl",
                "a/run.2.jsonl",
                "a/run.jsonl",
                "run.3.jsonl"
            ]),
            [
                "a/run.jsonl",
                "a/run.2.jsonl",
                "a/run.10.jsonl",
                "z.jsonl",
                "run.3.jsonl"
            ]
        );
        assert_eq!(
            ordered(&["run.3", "run.2", "run"]),
            ["run", "run.2", "run.3"]
        );
        assert_eq!(ordered(&["a", "b", "a"]), ["a", "b", "a"]);
        // None of these is a name that an attempt gets.
        let others = [
            "b.1.jsonl",
            "b.02.jsonl",
            "b.x.jsonl",
            ".2",
            "..",
            "b.jsonl",
        ];
        assert_eq!(ordered(&others), others);
    }
}
