use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The answer to a request that something is wrong with.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

/// Says of any answer that it is for this moment only, and what its header says it is: answers hold
/// tokens, tickets and who is connected, and another version of the program may serve the page the
/// next time.
pub(super) fn for_this_moment(mut answer: Response) -> Response {
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return answer;
    }
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    answer
}

/// The answer to a request that comes too soon, and may come again after this long.
pub(super) fn too_soon(status: StatusCode, message: &str, wait: Duration) -> Response {
    let mut response = error(status, message);
    // In whole seconds, and not too soon (RFC 9110 section 10.2.3).
    let seconds = wait.as_millis().div_ceil(1000);
    let seconds = HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}
