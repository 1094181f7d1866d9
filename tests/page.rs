//! The page of `wsbeat serve`, as it is served. What it does in a browser, `tests/browser` tries.

#![cfg(unix)]

mod support;

use std::collections::BTreeSet;

use support::{Running, ask, assert_says, serve};

/// A server in a process of its own, and its address.
fn listening() -> (Running, String) {
    let (server, url) = serve(&[]);
    (server, url.strip_prefix("http://").unwrap().to_owned())
}

/// What a file holds. It has to be there, and to have the type.
#[track_caller]
fn file(address: &str, path: &str, media_type: &str) -> String {
    let (head, body) = ask(address, &format!("GET {path}"), "", "");
    assert_says(&head, &["200 OK", &format!("content-type: {media_type}")]);
    body
}

/// What stands between these, wherever it is in a text.
fn between<'a>(text: &'a str, before: &str, after: char) -> BTreeSet<&'a str> {
    let parts = text.split(before).skip(1);
    parts
        .filter_map(|rest| Some(rest.split_once(after)?.0))
        .collect()
}

#[test]
fn the_page_and_all_that_it_is_made_of_are_served() {
    let (_server, address) = listening();
    let index = file(&address, "/", "text/html; charset=utf-8");
    let mut wanted: BTreeSet<String> = ["href=\"", "src=\""]
        .iter()
        .flat_map(|before| between(&index, before, '"'))
        .map(str::to_owned)
        .collect();
    let mut served = BTreeSet::new();
    while let Some(path) = wanted.pop_first() {
        let media_type = match path.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => panic!("{path} comes from elsewhere, or is of no kind that is known"),
        };
        let text = file(&address, &path, media_type);
        if served.insert(path.clone()) && path.ends_with(".js") {
            let imported = between(&text, "from './", '\'');
            wanted.extend(imported.iter().map(|name| format!("/page/{name}")));
        }
        wanted.retain(|path| !served.contains(path));
    }
    for tab in [
        "challenge",
        "latency",
        "chat",
        "registration",
        "socket",
        "clients",
    ] {
        assert!(served.contains(&format!("/page/{tab}.js")), "{served:?}");
    }
}

#[test]
fn the_headers_let_nothing_in_from_elsewhere() {
    let (_server, address) = listening();
    for path in ["/", "/page/main.js", "/page/style.css", "/favicon.ico"] {
        let (head, _) = ask(&address, &format!("GET {path}"), "", "");
        let (_, policy) = head.split_once("content-security-policy: ").unwrap();
        let policy = policy.lines().next().unwrap();
        assert_says(
            policy,
            &[
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
            ],
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_says(
            &head,
            &[
                "cache-control: no-store",
                "x-content-type-options: nosniff",
                "referrer-policy: no-referrer",
            ],
        );
    }
    // Its clock is finer for that.
    let (head, _) = ask(&address, "GET /", "", "");
    assert_says(
        &head,
        &[
            "cross-origin-opener-policy: same-origin",
            "cross-origin-embedder-policy: require-corp",
        ],
    );
}

#[test]
fn the_page_has_no_script_and_no_style_of_its_own() {
    let (_server, address) = listening();
    let index = file(&address, "/", "text/html; charset=utf-8");
    let scripts: Vec<_> = index.match_indices("<script").collect();
    assert_eq!(scripts.len(), 1, "{scripts:?}");
    assert_says(
        &index,
        &["<script type=\"module\" src=\"/page/main.js\"></script>"],
    );
    for forbidden in [
        "<style",
        " style=",
        "javascript:",
        " onclick=",
        " onload=",
        " onerror=",
    ] {
        assert!(!index.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn what_is_not_there_is_not_found_and_heads_have_no_body() {
    let (_server, address) = listening();
    for path in [
        "/page/",
        "/page/nothing.js",
        "/page/%2e%2e/page.rs",
        "/page/a/b",
    ] {
        let (head, _) = ask(&address, &format!("GET {path}"), "", "");
        assert_says(&head, &["404 Not Found"]);
    }
    let (head, body) = ask(&address, "HEAD /", "", "");
    assert_says(&head, &["200 OK", "text/html"]);
    assert_eq!(body, "");
    let (head, _) = ask(&address, "POST /", "", "");
    assert_says(&head, &["405"]);
}
