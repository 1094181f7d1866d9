//! The page that the server shows to people: HTML, a style sheet and ES modules, as they are written.
//!
//! They are compiled in, so that the program is all there is to install, and nothing on the page comes
//! from anywhere else: the headers that go with every file forbid it. The page itself is
//! `page/index.html`; `page/main.js` is where its modules begin.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};

use super::answer::error;
use super::authority::Encryption;
use super::hub::{Hub, Peer};

/// A file of the page.
struct File {
    name: &'static str,
    text: &'static str,
}

/// The files with these names, from the folder `page`.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(File { name: $name, text: include_str!(concat!("page/", $name)) }),*]
    };
}

const INDEX: File = File {
    name: "index.html",
    text: include_str!("page/index.html"),
};

const ICON: File = File {
    name: "icon.svg",
    text: include_str!("page/icon.svg"),
};

/// What the page is made of besides.
const FILES: &[File] = files![
    "beats.js",
    "challenge.js",
    "chat.js",
    "clients.js",
    "connection.js",
    "dom.js",
    "draw.js",
    "guest.js",
    "histogram.js",
    "icon.svg",
    "intervals.js",
    "keys.js",
    "latency.js",
    "log.js",
    "main.js",
    "people.js",
    "play.js",
    "registrant.js",
    "registration.js",
    "rounds.js",
    "series.js",
    "socket.js",
    "statistics.js",
    "style.css",
    "talk.js",
    "ticket.js",
    "turns.js",
    "visible.js",
    "watch.js",
];

/// What the page may do: run its own files, and nothing that is written into it by whatever way. The
/// Socket tab dials any WebSocket there is, hence the two schemes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What goes with each file.
const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// What isolates the page from other origins. That gives it a clock of 5 µs rather than 100 µs (High
/// Resolution Time, section 7.1), which the latencies want.
const ISOLATION: [(HeaderName, &str); 2] = [
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    ),
];

/// The page and its files.
pub(super) fn routes() -> Router<Arc<Hub>> {
    Router::new()
        .route("/", get(index))
        // Browsers ask for it of their own accord when they show something that is no page.
        .route("/favicon.ico", get(async || ICON.response()))
        .route("/page/{file}", get(file))
}

async fn index(State(hub): State<Arc<Hub>>, Extension(peer): Extension<Peer>) -> Response {
    let is_private =
        hub.encryption() == Encryption::Tls || peer.local.ip().to_canonical().is_loopback();
    let response = INDEX.response();
    match is_private {
        true => (ISOLATION, response).into_response(),
        // Browsers isolate no page that comes over a network unencrypted, and complain.
        false => response,
    }
}

async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => file.response(),
        None => error(StatusCode::NOT_FOUND, "the page has no such file"),
    }
}

impl File {
    fn response(&self) -> Response {
        let media_type = [(header::CONTENT_TYPE, self.media_type())];
        (HEADERS, media_type, self.text).into_response()
    }

    fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "html")) => "text/html; charset=utf-8",
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_in_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/page");
        let entries = fs::read_dir(folder).unwrap();
        let there: BTreeSet<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let served = FILES.iter().chain([&INDEX]);
        let served: BTreeSet<_> = served.map(|file| file.name.to_owned()).collect();
        assert_eq!(there, served);
    }

    #[test]
    fn every_file_has_a_type_of_its_own() {
        for file in FILES.iter().chain([&INDEX]) {
            assert!(
                !file.media_type().starts_with("text/plain"),
                "{}",
                file.name
            );
        }
    }
}
