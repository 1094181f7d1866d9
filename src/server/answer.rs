use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The answer to a request that something is wrong with.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    let headers = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (status, headers, Json(json!({ "error": message }))).into_response()
}
