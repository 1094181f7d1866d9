/// Lets this process have as many file descriptors as it may: each connection takes one, and what a
/// shell allows at first is often 1,024.
pub(super) fn allow_many() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "no more file descriptors than before");
        }
    }
}
