use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::hub::{Hub, Peer, host};
use crate::link;

/// The most that is read of a solution.
const BODY_LIMIT: usize = 64 * 1024;

/// The endpoints of the challenge.
pub(super) fn routes(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/challenges/websocket_chit_chat/problem", get(problem))
        .route("/challenges/websocket_chit_chat/solve", post(solve))
        .route("/_/ws/{token}", get(converse))
        .fallback(async || error(StatusCode::NOT_FOUND, "there is nothing here"))
        .method_not_allowed_fallback(async || {
            error(StatusCode::METHOD_NOT_ALLOWED, "not with this method")
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
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

fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
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
    let token = admission.issue(link::clock::now());
    Json(json!({ "token": token })).into_response()
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

async fn converse(
    State(hub): State<Arc<Hub>>,
    Path(token): Path<String>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
) -> Response {
    match link::grant_upgrade::<_, Body>(&mut request) {
        Err((status, reason)) => {
            let mut refusal = error(status, &reason);
            // What would be welcome instead (RFC 9110 section 15.5.22, RFC 6455 section 4.2.2).
            let headers = refusal.headers_mut();
            headers.insert("upgrade", HeaderValue::from_static("websocket"));
            headers.insert("sec-websocket-version", HeaderValue::from_static("13"));
            refusal
        }
        Ok((response, upgrading)) => {
            let good = hub.admission().redeem(&token, link::clock::now());
            hub.spawn(host(hub.clone(), peer, good, upgrading));
            response
        }
    }
}
