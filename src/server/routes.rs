use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accept::Peer;
use super::admission::Admission;
use super::game::{Deal, Game};
use super::{Held, HeldResult, Settings};
use crate::conversation::challenge::{Host, HostEvent};
use crate::conversation::{Stamp, WireEvent};
use crate::link::{self, Limits, Observer, Precision, Stop, Upgrading};

/// The most that is read of a solution.
const BODY_LIMIT: usize = 64 * 1024;

/// What all requests share.
pub(super) struct House {
    admission: Mutex<Admission>,
    game: Game,
    conversations: AtomicU64,
    on_held: Box<dyn Fn(Held) + Send + Sync>,
    pub(super) stop: Stop,
    /// Everything that goes on for a client.
    pub(super) tasks: TaskTracker,
    /// Ends whatever has not ended by itself in time.
    pub(super) remnants: CancellationToken,
}

impl House {
    pub(super) fn new(
        settings: Settings,
        stop: Stop,
        on_held: Box<dyn Fn(Held) + Send + Sync>,
    ) -> Self {
        let Settings {
            rounds,
            seed,
            token_seed,
            secret,
            access_token,
            ..
        } = settings;
        House {
            admission: Mutex::new(Admission::new(access_token, token_seed, secret.clone())),
            game: Game {
                rounds,
                seed,
                secret,
            },
            conversations: AtomicU64::new(0),
            on_held,
            stop,
            tasks: TaskTracker::new(),
            remnants: CancellationToken::new(),
        }
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let remnants = self.remnants.clone();
        self.tasks.spawn(async move {
            remnants.run_until_cancelled_owned(work).await;
        });
    }

    fn admission(&self) -> MutexGuard<'_, Admission> {
        // Nothing that holds the lock can leave its work half done.
        self.admission
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The endpoints of the challenge.
pub(super) fn routes(house: Arc<House>) -> Router {
    Router::new()
        .route("/challenges/websocket_chit_chat/problem", get(problem))
        .route("/challenges/websocket_chit_chat/solve", post(solve))
        .route("/_/ws/{token}", get(converse))
        .fallback(async || error(StatusCode::NOT_FOUND, "there is nothing here"))
        .method_not_allowed_fallback(async || {
            error(StatusCode::METHOD_NOT_ALLOWED, "not with this method")
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(house)
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    access_token: String,
    playground: Option<String>,
}

#[derive(Deserialize)]
struct Solution {
    secret: String,
}

fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

fn unauthorized() -> Response {
    error(
        StatusCode::UNAUTHORIZED,
        "this access token is missing or not good",
    )
}

async fn problem(
    State(house): State<Arc<House>>,
    Query(parameters): Query<Parameters>,
) -> Response {
    let mut admission = house.admission();
    if !admission.admits(&parameters.access_token) {
        return unauthorized();
    }
    let token = admission.issue(link::clock::now());
    Json(json!({ "token": token })).into_response()
}

async fn solve(
    State(house): State<Arc<House>>,
    Query(parameters): Query<Parameters>,
    solution: Result<Json<Solution>, JsonRejection>,
) -> Response {
    let admission = house.admission();
    if !admission.admits(&parameters.access_token) {
        return unauthorized();
    }
    let Json(solution) = match solution {
        Ok(solution) => solution,
        Err(rejection) => return error(rejection.status(), &rejection.body_text()),
    };
    let answer: Value = match (admission.solves(&solution.secret), parameters.playground) {
        (true, None) => json!({ "result": "passed, with flying colours" }),
        (true, Some(_)) => json!({ "result": "passed, on the playground" }),
        (false, _) => json!({ "rejected": "that is not the secret of a conversation held here" }),
    };
    Json(answer).into_response()
}

async fn converse(
    State(house): State<Arc<House>>,
    Path(token): Path<String>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
) -> Response {
    match link::grant_upgrade::<_, Body>(&mut request) {
        Err((status, reason)) => error(status, &reason),
        Ok((response, upgrading)) => {
            let good = house.admission().redeem(&token, link::clock::now());
            house.spawn(host(house.clone(), peer, good, upgrading));
            response
        }
    }
}

/// Holds a conversation, once the upgrade is through.
async fn host(house: Arc<House>, peer: Peer, good: bool, upgrading: Upgrading) {
    let connection = match upgrading.connection().await {
        Ok(connection) => connection,
        Err(error) => {
            tracing::debug!(peer = %peer.0, %error, "gone before the upgrade");
            return;
        }
    };
    let number = house.conversations.fetch_add(1, Ordering::Relaxed) + 1;
    let (mut party, result) = if good {
        let Deal { intervals, secret } = house.game.deal(number);
        // Before it is told, since its solution may be quicker than our account of having told it.
        house.admission().remember(secret.clone());
        (Host::new(intervals, secret), HeldResult::BrokenOff)
    } else {
        (Host::refusing(), HeldResult::Refused)
    };
    let mut held = Held {
        number,
        peer: peer.0,
        rounds: 0,
        result,
        beat_delays: Vec::new(),
    };
    let limits = Limits {
        precision: Precision::Microsecond,
        ..Limits::default()
    };
    let mut stop = house.stop.clone();
    let ending = link::drive(connection, &mut party, &mut held, limits, &mut stop).await;
    tracing::debug!(number, peer = %peer.0, ?ending, ?held.result, "conversation over");
    (house.on_held)(held);
}

/// Keeps account of a conversation as it goes.
impl Observer<HostEvent> for Held {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, event: HostEvent) {
        match event {
            HostEvent::Beat { due, written, .. } => {
                self.rounds += 1;
                self.beat_delays.push(written.since(due));
            }
            HostEvent::Won { .. } => self.result = HeldResult::Won,
            HostEvent::Lost { cause, .. } => self.result = HeldResult::Lost(cause),
            HostEvent::Answered { .. } | HostEvent::Noted { .. } => {}
        }
    }
}
