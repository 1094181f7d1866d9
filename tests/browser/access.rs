//! Whose pages may talk to the server, and what they may do with its page.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

use crate::page::Browser;
use crate::support::serve;

/// The server's WebSockets that need nothing but an address.
const SOCKETS: [&str; 4] = ["/echo", "/chat/fishing", "/register", "/watch"];

/// What a page that comes unencrypted, from a name that is not this machine's, has in the console: its
/// browser isolates no such page from others.
const UNTRUSTED: &str = "Cross-Origin-Opener-Policy header has been ignored";

/// Opens a WebSocket and says whether that worked.
const OPENS: &str = "return new Promise((resolve) => {
    const socket = new WebSocket(arguments[0]);
    socket.onopen = () => { socket.close(); resolve(true); };
    socket.onclose = () => resolve(false);
})";

/// Tries what a mistake in the page would let others do, and says what of it is refused.
const GETS_IN: &str = r#"
    const caught = "document.title = 'caught'";
    const ways = {
        script() {
            const script = document.createElement('script');
            document.head.append(script);
            script.textContent = caught;
        },
        handler() {
            const button = document.createElement('button');
            button.setAttribute('onclick', caught);
            button.click();
        },
        markup() {
            document.body.insertAdjacentHTML('beforeend', '<b id="markup">markup</b>');
        },
    };
    const isRefused = (way) => {
        try {
            ways[way]();
            return false;
        } catch {
            return true;
        }
    };
    return Object.keys(ways).filter(isRefused);
"#;

/// Which of the server's WebSockets a page can open, by this name of the server.
fn opened(browser: &Browser, server: &str) -> Vec<&'static str> {
    let opens = |path: &&str| browser.run(OPENS, &[json!(format!("{server}{path}"))]) == true;
    SOCKETS.into_iter().filter(opens).collect()
}

/// Serves a page with nothing on it but this, at any address, for as long as there are tests.
fn page_from_elsewhere(body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            // Browsers open connections that they say nothing over, or not yet.
            thread::spawn(move || answer_to(stream, &answer));
        }
    });
    url
}

/// Answers a request, whatever it is for.
fn answer_to(mut stream: TcpStream, answer: &str) -> io::Result<()> {
    let head = BufReader::new(stream.try_clone()?).lines();
    for line in head {
        if line?.is_empty() {
            break;
        }
    }
    stream.write_all(answer.as_bytes())
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn its_own_page_opens_every_socket() {
    let (_server, base) = serve(&[]);
    let browser = Browser::at(&base, "socket");
    let server = base.replacen("http", "ws", 1);
    assert_eq!(opened(&browser, &server), SOCKETS);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_page_from_elsewhere_opens_none_and_reads_nothing() {
    let (_server, base) = serve(&[]);
    let mut browser = Browser::start();
    browser.open(&page_from_elsewhere("<link rel=icon href=data:,>elsewhere"));
    let server = base.replacen("http", "ws", 1);
    for path in SOCKETS {
        // It is the server that refuses, not the browser.
        browser.provokes(&format!("'{server}{path}' failed: Error during WebSocket handshake: Unexpected response code: 403"));
    }
    assert_eq!(opened(&browser, &server), [""; 0]);

    browser.provokes("blocked by CORS policy");
    browser.provokes("Failed to load resource: net::ERR_FAILED");
    let read = browser.run(
        "return fetch(arguments[0]).then((answer) => answer.text(), () => null)",
        &[json!(format!("{base}/clients"))],
    );
    assert_eq!(read, Value::Null);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_page_from_elsewhere_does_not_show_it_as_a_part_of_itself() {
    let (_server, base) = serve(&[]);
    let mut browser = Browser::start();
    browser.provokes("frame-ancestors 'none'");
    browser.provokes("ERR_BLOCKED_BY_RESPONSE");
    browser.open(&page_from_elsewhere(&format!(
        "<link rel=icon href=data:,><iframe src='{base}/'></iframe>\
         <img src='{base}/page/icon.svg'>"
    )));
    let width = browser.run("return document.images[0].naturalWidth", &[]);
    assert_eq!(width, 0);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_name_that_somebody_makes_stand_for_this_machine_opens_none() {
    let (_server, base) = serve(&[]);
    let (_, port) = base.rsplit_once(':').unwrap();
    let mut browser = Browser::with(&["--host-resolver-rules=MAP evil.test 127.0.0.1"]);
    // Not even the page is shown: what the browser shows in its place is from there all the same.
    browser.provokes("the server responded with a status of 421");
    let here = format!("evil.test:{port}");
    browser.open(&format!("http://{here}/"));
    for path in SOCKETS {
        browser.provokes(&format!("'ws://{here}{path}' failed: Error during WebSocket handshake: Unexpected response code: 4"));
    }
    assert_eq!(opened(&browser, &format!("ws://{here}")), [""; 0]);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn a_name_that_the_server_was_told_opens_all() {
    let (_server, base) = serve(&["--host", "chat.test"]);
    let (_, port) = base.rsplit_once(':').unwrap();
    let mut browser = Browser::with(&["--host-resolver-rules=MAP chat.test 127.0.0.1"]);
    browser.provokes(UNTRUSTED);
    let here = format!("chat.test:{port}");
    browser.open(&format!("http://{here}/"));
    assert_eq!(opened(&browser, &format!("ws://{here}")), SOCKETS);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn over_tls_it_opens_all_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let (_server, base) = serve(&[&format!("--tls-self-signed={}", file.display())]);
    let browser = Browser::careless();
    browser.open_tab(&base, "socket");
    assert!(base.starts_with("https://"));
    let server = base.replacen("http", "ws", 1);
    assert_eq!(browser.value("#socket-url"), format!("{server}/echo"));
    assert_eq!(opened(&browser, &server), SOCKETS);
}

#[test]
#[ignore = "needs Chromium and ChromeDriver: apt install chromium chromium-driver"]
fn nothing_that_gets_into_the_page_is_run() {
    let (_server, base) = serve(&[]);
    let mut browser = Browser::at(&base, "chat");
    browser.provokes("requires 'TrustedHTML' assignment");
    browser.provokes("requires 'TrustedScript' assignment");
    let refused = browser.run(GETS_IN, &[]);
    assert_eq!(refused, json!(["script", "handler", "markup"]));
    assert_eq!(browser.run("return document.title", &[]), "wsbeat");
    assert_eq!(browser.count("#markup"), 0);

    browser
        .provokes("violates the following Content Security Policy directive: \"img-src 'self'\"");
    let is_shown = browser.run(
        "return new Promise((resolve) => {
           const image = new Image();
           image.onload = () => resolve(true);
           image.onerror = () => resolve(false);
           image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==';
         })",
        &[],
    );
    assert_eq!(is_shown, false);
}
