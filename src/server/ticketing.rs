//! `POST /ticket`: a ticket for a user's password.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::answer::{error, too_soon};
use super::one_time::AllGiven;
use super::password::{HashingError, Verdict};
use super::roll::Roll;
use super::throttle::{Streak, Throttle, TooManyWait};
use super::tickets::{TICKET_LIFETIME, TicketError, Tickets};
use super::users::{Users, UsersError};
use crate::conversation::chat::UserName;
use crate::link::{Printable, Seldom, clock};

/// The most that is read of a request: the longest name and the longest password, with every
/// character of them written as an escape.
pub(super) const BODY_LIMIT: usize = 8 * 1024;

/// How long a password waits at the most for others to be verified, of whichever address. A request
/// would be given up soon after that, without a word of why.
const HASHING_WAIT: Duration = Duration::from_secs(5);

/// Who gets tickets.
#[derive(Clone)]
pub struct TicketSettings {
    /// The file of the [`Users`]. It is read for each of them.
    pub users: PathBuf,
    /// What the tickets are drawn from. Whoever knows it knows the tickets.
    pub seed: [u8; 32],
    /// For how long a ticket is good.
    pub lifetime: Duration,
}

impl TicketSettings {
    /// Tickets for the users in a file, which are good for [as long as usual](TICKET_LIFETIME).
    pub fn new(users: PathBuf, seed: [u8; 32]) -> Self {
        TicketSettings {
            users,
            seed,
            lifetime: TICKET_LIFETIME,
        }
    }
}

impl fmt::Debug for TicketSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketSettings")
            .field("users", &self.users)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// Gives tickets to those who know a user's password.
pub(super) struct TicketDesk {
    users: PathBuf,
    lifetime: Duration,
    tickets: Mutex<Tickets>,
    throttle: Throttle,
    /// How many hashes may be computed at once: more than there are cores would only take more
    /// memory.
    hashing: Arc<Semaphore>,
    /// Names or passwords that were wrong.
    refusals: Seldom,
    /// Passwords that could not be verified for want of the file.
    unreadable: Seldom,
    /// Passwords that could not be verified for another reason.
    failures: Seldom,
}

impl TicketDesk {
    pub(super) fn new(settings: TicketSettings) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        TicketDesk {
            users: settings.users,
            lifetime: settings.lifetime,
            tickets: Mutex::new(Tickets::new(settings.seed, settings.lifetime)),
            throttle: Throttle::default(),
            hashing: Arc::new(Semaphore::new(cores)),
            refusals: Seldom::new(),
            unreadable: Seldom::new(),
            failures: Seldom::new(),
        }
    }

    /// Uses a ticket up, and gives the user that it admits.
    ///
    /// # Errors
    ///
    /// When it admits nobody.
    pub(super) fn redeem(&self, ticket: &SecretString) -> Result<UserName, TicketError> {
        self.tickets().redeem(ticket.expose_secret(), clock::now())
    }

    /// What notices when the file of users has changed.
    pub(super) fn roll(&self) -> Roll {
        Roll::new(self.users.clone())
    }

    /// Takes back the tickets of those who are no users any more.
    pub(super) fn keep_only(&self, users: &HashSet<UserName>) {
        self.tickets().keep_only(users);
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        // Nothing that holds the lock can leave its work half done.
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers who wants a ticket. What it says to those who get none is the same, and comes after
    /// the same time, whether there is such a user or not.
    ///
    /// No web page of another site can ask: with this content type, a browser would have to be told
    /// beforehand that it may.
    pub(super) async fn answer(
        &self,
        peer: SocketAddr,
        applicant: Result<Json<Applicant>, JsonRejection>,
    ) -> Response {
        match applicant {
            Ok(Json(applicant)) => serve(self, peer, applicant).await,
            // What is wrong in detail could have the password in it.
            Err(rejection) => error(
                rejection.status(),
                "send a JSON object with two strings, user and password",
            ),
        }
    }
}

/// Who wants a ticket.
#[derive(Deserialize)]
pub(super) struct Applicant {
    user: String,
    #[serde(deserialize_with = "secret")]
    password: SecretString,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

async fn serve(desk: &TicketDesk, peer: SocketAddr, applicant: Applicant) -> Response {
    let Applicant { user, password } = applicant;
    let shown = Shown(&user);
    let streak = match desk.throttle.streak(peer.ip()).await {
        Ok(streak) => streak,
        Err(TooManyWait(wait)) => {
            tracing::debug!(peer = %peer, user = %shown, "no ticket: too many wait at this address");
            return too_soon(
                StatusCode::TOO_MANY_REQUESTS,
                "too many at your address ask for tickets: try again later",
                wait,
            );
        }
    };
    if let Some(wait) = streak.wait(clock::now()) {
        tracing::debug!(peer = %peer, user = %shown, ?wait, "no ticket: too soon after a wrong password");
        return too_soon(
            StatusCode::TOO_MANY_REQUESTS,
            "too many wrong passwords: try again later",
            wait,
        );
    }
    // The semaphore is never closed.
    let hashing = Arc::clone(&desk.hashing).acquire_owned();
    let Ok(acquired) = tokio::time::timeout(HASHING_WAIT, hashing).await else {
        tracing::debug!(peer = %peer, user = %shown, "no ticket: too many passwords to be verified");
        return too_soon(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many ask for tickets: try again later",
            HASHING_WAIT,
        );
    };
    let Ok(permit) = acquired else {
        return unable();
    };
    let work = Verification {
        users: desk.users.clone(),
        user: user.clone(),
        password,
        streak,
        _permit: permit,
    };
    match tokio::task::spawn_blocking(|| work.run()).await {
        Ok(Ok(Some(user))) => {
            let issued = desk.tickets().issue(user, clock::now());
            match issued {
                Ok(ticket) => {
                    tracing::debug!(peer = %peer, user = %shown, "a ticket");
                    Json(json!({
                        "ticket": ticket.expose_secret(),
                        "expires_in_s": desk.lifetime.as_secs(),
                    }))
                    .into_response()
                }
                Err(AllGiven { wait }) => too_soon(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too many tickets are unused; try again later",
                    wait,
                ),
            }
        }
        Ok(Ok(None)) => {
            let reason = "no ticket: there is no such user with this password";
            match desk.refusals.happens(clock::now()) {
                Some(times) => tracing::warn!(times, peer = %peer, user = %shown, "{reason}"),
                None => tracing::debug!(peer = %peer, user = %shown, "{reason}"),
            }
            error(
                StatusCode::UNAUTHORIZED,
                "the user name or the password is wrong",
            )
        }
        Ok(Err(error)) => {
            let seldom = match &error {
                VerificationError::Users(UsersError::Unreadable { .. }) => &desk.unreadable,
                _ => &desk.failures,
            };
            if let Some(times) = seldom.happens(clock::now()) {
                tracing::error!(times, peer = %peer, %error, "no ticket: passwords cannot be verified");
            }
            unable()
        }
        Err(error) => {
            if let Some(times) = desk.failures.happens(clock::now()) {
                tracing::error!(times, peer = %peer, %error, "no ticket: verifying a password failed");
            }
            unable()
        }
    }
}

fn unable() -> Response {
    error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "passwords cannot be verified at the moment; the log of the server says why",
    )
}

/// The verification of one password. It goes on to its end even if nobody waits for it any more:
/// whoever hangs up is the next one no sooner, and a wrong password counts.
struct Verification {
    users: PathBuf,
    user: String,
    password: SecretString,
    streak: OwnedMutexGuard<Streak>,
    _permit: OwnedSemaphorePermit,
}

/// Why a password cannot be verified.
#[derive(Debug, thiserror::Error)]
enum VerificationError {
    #[error(transparent)]
    Users(#[from] UsersError),
    #[error(transparent)]
    Hashing(#[from] HashingError),
}

impl Verification {
    /// Gives the user whose password it is, if it is one's.
    fn run(mut self) -> Result<Option<UserName>, VerificationError> {
        // Read each time: a password that has been changed counts at once.
        let users = Users::read(&self.users)?;
        Ok(match users.verify(&self.user, &self.password)? {
            Verdict::Right => {
                self.streak.right(&self.user);
                users.name(&self.user)
            }
            Verdict::Wrong => {
                self.streak.wrong(&self.user, clock::now());
                None
            }
        })
    }
}

/// Prints what somebody called themselves: harmlessly, and no more of it than a name can have.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(UserName::LONGEST) {
            None => write!(f, "{}", Printable(self.0)),
            Some((end, _)) => write!(f, "{}…", Printable(&self.0[..end])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_harmlessly_and_in_part() {
        let show = |name: &str| Shown(name).to_string();
        assert_eq!(show("alice"), "alice");
        assert_eq!(show("a\nb\u{1b}[2J"), "a\\u{a}b\\u{1b}[2J");
        let name = "é".repeat(UserName::LONGEST);
        assert_eq!(show(&name), name);
        assert_eq!(show(&format!("{name}é")), format!("{name}…"));
    }
}
