use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router, middleware};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{error, too_soon};
use super::challenge::{Admitted, host};
use super::hub::{Hub, Peer};
use super::one_time::AllGiven;
use super::origin::{only_own_pages, wrong_host};
use super::page;
use super::registry::{Client, Route};
use super::ticketing::{self, Applicant};
use super::visit::{Unobserved, upgrade};
use super::watch::show;
use crate::conversation::chat::{ChannelName, NameError, Pass, Seat};
use crate::conversation::latency::Echo;
use crate::link::{self, Precision};

/// The most that is read of a solution.
const BODY_LIMIT: usize = 64 * 1024;

/// The endpoints of the challenge, which can be watched as well, the echo, the chat, its tickets, the
/// registration, who is connected, and the page.
pub(super) fn routes(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/challenges/websocket_chit_chat/problem", get(problem))
        .route("/challenges/websocket_chit_chat/solve", post(solve))
        .route("/_/ws/{token}", get(challenge))
        .route("/echo", get(echo))
        .route("/chat/{channel}", get(chat))
        .route("/watch", get(watch))
        .route("/register", get(register))
        .route("/clients", get(clients))
        .route(
            "/ticket",
            post(ticket).layer(DefaultBodyLimit::max(ticketing::BODY_LIMIT)),
        )
        .merge(page::routes())
        .fallback(async || error(StatusCode::NOT_FOUND, "there is nothing here"))
        .method_not_allowed_fallback(async || {
            error(StatusCode::METHOD_NOT_ALLOWED, "not with this method")
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(hub.clone(), only_own_pages))
        .with_state(hub)
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

fn unauthorized() -> Response {
    error(
        StatusCode::UNAUTHORIZED,
        "this access token is missing or not good",
    )
}

async fn problem(State(hub): State<Arc<Hub>>, Query(parameters): Query<Parameters>) -> Response {
    let mut admission = hub.admission();
    if !admission.admits(&parameters.access_token) {
        return unauthorized();
    }
    match admission.issue(link::clock::now()) {
        Ok(token) => Json(json!({ "token": token })).into_response(),
        Err(AllGiven { wait }) => too_soon(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many tokens are unused; try again later",
            wait,
        ),
    }
}

async fn solve(
    State(hub): State<Arc<Hub>>,
    Query(parameters): Query<Parameters>,
    solution: Result<Json<Solution>, JsonRejection>,
) -> Response {
    let admission = hub.admission();
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

async fn challenge(
    State(hub): State<Arc<Hub>>,
    Path(token): Path<String>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    upgrade(&hub, peer, Route::Challenge, request, |visit| {
        let admitted = match hub.admission().redeem(&token, link::clock::now()) {
            true => Admitted::Yes,
            false => Admitted::No,
        };
        Ok(host(hub.clone(), visit, peer, admitted))
    })
}

async fn echo(
    State(hub): State<Arc<Hub>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    upgrade(&hub, peer, Route::Echo, request, |visit| {
        Ok(async {
            if let Some(opened) = visit.opened().await {
                // It has no timeouts but the keep-alive's, which need no finer timer.
                let precision = Precision::Millisecond;
                opened.hold(Echo::new(), &mut Unobserved, precision).await;
            }
        })
    })
}

async fn ticket(
    State(hub): State<Arc<Hub>>,
    Extension(peer): Extension<Peer>,
    applicant: Result<Json<Applicant>, JsonRejection>,
) -> Response {
    match &hub.tickets {
        None => error(StatusCode::NOT_FOUND, "this server gives no tickets"),
        Some(desk) => desk.answer(peer.remote, applicant).await,
    }
}

/// What a guest may show in the URL.
#[derive(Deserialize)]
struct Shown {
    ticket: Option<String>,
}

async fn chat(
    State(hub): State<Arc<Hub>>,
    channel: Result<Path<String>, PathRejection>,
    shown: Result<Query<Shown>, QueryRejection>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    let channel = match channel {
        Ok(Path(channel)) => channel
            .parse()
            .map_err(|reason: NameError| reason.to_string()),
        Err(rejection) => Err(rejection.body_text()),
    };
    let channel: ChannelName = match channel {
        Ok(channel) => channel,
        Err(reason) => {
            let reason = format!("that is no channel's name: {reason}");
            return error(StatusCode::BAD_REQUEST, &reason);
        }
    };
    // What is wrong in detail could have a ticket in it.
    let Ok(Query(shown)) = shown else {
        return error(StatusCode::BAD_REQUEST, "show one ticket: ?ticket=TICKET");
    };
    upgrade(&hub, peer, Route::Chat, request, |visit| {
        let ticket = shown.ticket.map(SecretString::from);
        let pass = match (&hub.tickets, ticket) {
            (None, _) => Pass::Anyone,
            (Some(_), None) => Pass::Wanted,
            (Some(desk), Some(ticket)) => {
                let user = desk.redeem(&ticket).map_err(|refused| {
                    tracing::debug!(peer = %peer.remote, %refused, "a ticket is refused");
                    Box::new(error(StatusCode::UNAUTHORIZED, &refused.to_string()))
                })?;
                Pass::User(user)
            }
        };
        let chat = Arc::clone(&hub.chat);
        Ok(async move {
            if let Some(opened) = visit.opened().await {
                let (mut attendance, mut inbox) =
                    chat.enter(channel, pass, peer.remote.ip().into());
                // The rooms have a timer of their own, and the keep-alive needs none that is finer.
                let precision = Precision::Millisecond;
                opened
                    .hold_with_cues(Seat::new(), &mut inbox, &mut attendance, precision)
                    .await;
            }
        })
    })
}

async fn watch(
    State(hub): State<Arc<Hub>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    upgrade(&hub, peer, Route::Watch, request, |visit| {
        Ok(show(Arc::clone(&hub), visit))
    })
}

async fn register(
    State(hub): State<Arc<Hub>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    // A host that is only an origin's is none to sign for.
    let host = match hub
        .hosts
        .own(request.headers(), peer.local, hub.encryption())
    {
        Ok(host) => host.to_owned(),
        Err(refused) => return wrong_host(&hub, peer, refused),
    };
    upgrade(&hub, peer, Route::Register, request, |visit| {
        let registration = Arc::clone(&hub.registration);
        Ok(async move {
            if let Some(opened) = visit.opened().await {
                let (registrar, mut attendance, mut inbox) =
                    registration.receive(host, peer.remote.ip().into());
                // Heartbeats and time limits need no finer timer.
                let precision = Precision::Millisecond;
                opened
                    .hold_with_cues(registrar, &mut inbox, &mut attendance, precision)
                    .await;
            }
        })
    })
}

/// Who is connected.
#[derive(Serialize)]
struct Clients {
    clients: Vec<Client>,
}

async fn clients(State(hub): State<Arc<Hub>>) -> Response {
    let clients = hub.registry.clients();
    Json(Clients { clients }).into_response()
}
