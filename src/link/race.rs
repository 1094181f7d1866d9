//! Which of a host's addresses to talk to: "Happy Eyeballs", RFC 8305.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// How long an attempt runs alone before the next address joins the race: the recommended value
/// of RFC 8305 section 5.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first address that answers. The addresses are tried in the order of RFC 8305
/// section 4: families take turns, beginning with that of the first address, since the resolver
/// has sorted them by preference. A failed attempt brings on the next one at once.
///
/// # Errors
///
/// What became of each attempt, when none succeeded.
pub(super) async fn race<T, F>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<(SocketAddr, T), Vec<(SocketAddr, io::Error)>>
where
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = in_turn(addresses).into_iter();
    let mut running = FuturesUnordered::new();
    let mut failures = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            let attempt = connect(address);
            running.push(async move { (address, attempt.await) });
        } else if running.is_empty() {
            return Err(failures);
        }
        let alone = waiting.len() == 0;
        tokio::select! {
            Some((address, result)) = running.next() => match result {
                Ok(connected) => return Ok((address, connected)),
                Err(error) => failures.push((address, error)),
            },
            () = tokio::time::sleep(ATTEMPT_DELAY), if !alone => {}
        }
    }
}

fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().copied() else {
        return addresses;
    };
    let (preferred, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first.is_ipv6());
    let mut ordered = Vec::with_capacity(preferred.len() + other.len());
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    loop {
        let turn: Vec<_> = preferred.next().into_iter().chain(other.next()).collect();
        if turn.is_empty() {
            return ordered;
        }
        ordered.extend(turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let given = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"]);
        let expected = addresses(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"]);
        assert_eq!(in_turn(given), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_delays_by_250_ms_only() {
        let start = tokio_now();
        let given = addresses(&["[::1]:1", "1.0.0.1:1"]);
        let (winner, ()) = race(given, |address| async move {
            if address.is_ipv6() {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
        .await
        .unwrap();
        assert!(winner.is_ipv4());
        assert_eq!(tokio_now() - start, ATTEMPT_DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_brings_on_the_next_at_once() {
        let start = tokio_now();
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let given = addresses(&["[::1]:1", "1.0.0.1:1"]);
        let (winner, ()) = race(given, |address| async move {
            if address.is_ipv6() {
                Err(refused())
            } else {
                Ok(())
            }
        })
        .await
        .unwrap();
        assert!(winner.is_ipv4());
        assert_eq!(tokio_now(), start);

        let given = addresses(&["[::1]:1", "1.0.0.1:1"]);
        let failures = race(given, |_| async move { Err::<(), _>(refused()) })
            .await
            .unwrap_err();
        assert_eq!(failures.len(), 2);
    }

    /// Tokio's clock, which stands still in these tests.
    #[expect(clippy::disallowed_methods, reason = "the paused clock of the test")]
    fn tokio_now() -> std::time::Instant {
        tokio::time::Instant::now().into_std()
    }
}
