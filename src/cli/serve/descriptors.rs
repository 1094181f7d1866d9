/// How many descriptors a game takes: its socket, and the timer of its beats.
const OF_A_GAME: u64 = 2;

/// How many are taken by what is no connection: the listener, the runtime, standard streams, files that
/// are read now and then, and clients that are being told that there is no room.
const BESIDES: u64 = 128;

/// Lets this process have as many file descriptors as it may: each connection takes one or two, and what
/// a shell allows at first is often 1,024. Gives how many that is, where it can be told and is bounded.
pub(super) fn allow_many() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        let before = limit.current;
        limit.current = limit.maximum;
        match setrlimit(Resource::Nofile, limit) {
            Ok(()) => limit.maximum,
            Err(error) => {
                tracing::debug!(%error, "no more file descriptors than before");
                before
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// How many games so many descriptors are enough for, if that is fewer than there may be connections.
/// `is_usual` says that nobody has asked for just so many: then it is worth a word only if not even
/// their sockets find room.
pub(super) fn enough_for(
    descriptors: Option<u64>,
    connections: usize,
    is_usual: bool,
) -> Option<u64> {
    let room = descriptors?.saturating_sub(BESIDES);
    let enough = room / OF_A_GAME;
    let least = if is_usual { room } else { enough };
    (least < connections as u64).then_some(enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_on_connections_is_held_against_the_descriptors() {
        assert_eq!(enough_for(Some(20_000), 19_000, false), Some(9_936));
        assert_eq!(enough_for(Some(20_000), 9_936, false), None);
        assert_eq!(enough_for(Some(20_000), 10_000, true), None);
        assert_eq!(enough_for(Some(4_096), 10_000, true), Some(1_984));
        assert_eq!(enough_for(Some(64), 1, false), Some(0));
        assert_eq!(enough_for(None, usize::MAX, false), None);
    }
}
