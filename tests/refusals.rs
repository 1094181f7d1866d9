//! Answers to the upgrade as servers and what stands before them write them: interim ones, folded
//! ones, redirects, refusals.

#![cfg(unix)]

mod support;

use std::io::Write;
use std::net::TcpStream;

use support::{
    ACCESS_TOKEN, Program, Ran, Reply, Request, Script, Server, Socket, Talk, assert_says, chat,
    hold, register,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The answer that grants an upgrade, with these lines in it.
fn granting(request: &Request, lines: &str) -> String {
    let key = request.header("Sec-WebSocket-Key").expect("a key");
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n{lines}\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// A server that answers the upgrade with these bytes, and holds the line.
fn saying(answer: impl Into<Vec<u8>>) -> Server {
    let answer = answer.into();
    let say = move |_, _: &Request, mut stream: TcpStream| {
        stream.write_all(&answer).unwrap();
        hold(&mut stream);
    };
    Script::new().upgrade(say).start()
}

/// What comes of a ping of a server that answers so.
fn pinged(answer: impl Into<Vec<u8>>) -> Ran {
    let server = saying(answer);
    Program::new("ping")
        .args([server.socket_url().as_str()])
        .json()
        .run()
}

const INTERIM: &str = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
                       HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";

#[test]
fn an_upgrade_is_granted_after_interim_answers_in_folded_lines_and_with_many_headers() {
    let many = (0..200).map(|number| format!("X-{number}: y\r\n"));
    let cases = [
        (INTERIM, "Connection: Upgrade\r\n".to_owned()),
        ("", "Connection: keep-alive,\r\n Upgrade\r\n".to_owned()),
        ("", "Connection:\r\n\tUpgrade\r\n".to_owned()),
        ("", many.collect::<String>() + "Connection: Upgrade\r\n"),
    ];
    for (before, lines) in cases {
        let server = Script::new()
            .upgrade(move |_, request, mut stream| {
                stream.write_all(before.as_bytes()).unwrap();
                let answer = granting(request, &lines);
                stream.write_all(answer.as_bytes()).unwrap();
                let mut socket = Socket { stream };
                socket.round();
                socket.won();
            })
            .start();
        Program::solve(&server).json().run().succeeded();
    }
}

#[test]
fn the_status_behind_interim_answers_decides() {
    for (status, code, kind) in [
        ("401 Unauthorized", 3, "credentials"),
        ("503 Service Unavailable", 4, "unreachable"),
    ] {
        let ran = pinged(format!(
            "{INTERIM}HTTP/1.1 {status}\r\nX: folded\r\n here\r\nContent-Length: 4\r\n\r\nno.\n"
        ));
        assert_says(&ran.failed(code, kind), &[status, ": no."]);
    }
}

#[test]
fn an_extension_that_was_not_offered_is_named() {
    let extension = "permessage-deflate; server_no_context_takeover";
    let server = Script::new()
        .upgrade(move |_, request, mut stream| {
            let lines = format!("Connection: Upgrade\r\nSec-WebSocket-Extensions: {extension}\r\n");
            let answer = granting(request, &lines);
            stream.write_all(answer.as_bytes()).unwrap();
            hold(&mut stream);
        })
        .start();
    let ran = Program::solve(&server).json().run();
    let words = ["answered the WebSocket upgrade wrongly", extension];
    assert_says(&ran.failed(5, "protocol"), &words);
}

#[test]
fn a_redirect_tells_where_to_without_its_query() {
    let server = saying(
        "HTTP/1.1 301 Moved Permanently\r\nLocation: https://example.org/login?token=s3cr3t#s3cr3t\
         \r\nContent-Length: 0\r\n\r\n",
    );
    let ping = Program::new("ping")
        .args([server.socket_url().as_str()])
        .json();
    for program in [
        ping,
        chat(&server.chat_url()),
        register(&server.register_url()),
    ] {
        let ran = program.run();
        let words = ["301", "redirects to https://example.org/login, which"];
        assert_says(&ran.failed(5, "protocol"), &words);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains("s3cr3t"), "{said}");
    }
    let ran = pinged("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    assert_says(
        &ran.failed(5, "protocol"),
        &["redirects to ws://127.0.0.1:", "/x"],
    );
}

#[test]
fn a_refusal_is_shown_for_what_it_is() {
    let json = "{\n  \"error\": \"closed\",\n  \"until\": \"noon\"\n}\n";
    let length = json.len();
    let ran = pinged(format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\nContent-Length: {length}\r\n\r\n{json}"
    ));
    let words = [
        r#"503 Service Unavailable: { "error": "closed", "until": "noon" }"#,
        "; Retry-After: 120",
    ];
    assert_says(&ran.failed(4, "unreachable"), &words);

    let ran = pinged(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"staff\"\r\nContent-Length: 0\r\n\r\n",
    );
    let words = ["401", "WWW-Authenticate: Basic realm=\"staff\""];
    assert_says(&ran.failed(3, "credentials"), &words);

    let ran = pinged(
        "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nContent-Length: 0\r\n\r\n",
    );
    assert_says(
        &ran.failed(4, "unreachable"),
        &["426", "Sec-WebSocket-Version: 8"],
    );

    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 4, 0];
    let head = "HTTP/1.1 403 Forbidden\r\nContent-Encoding: gzip\r\nContent-Length: 13\r\n\r\n";
    let ran = pinged([head.as_bytes(), &gzip].concat());
    let cause = ran.failed(3, "credentials");
    assert_says(&cause, &["403 Forbidden: (a body encoded as gzip)"]);
}

#[test]
fn a_chat_waits_as_long_as_it_is_told_to() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let server = Script::new()
            .upgrade(move |call, request, mut stream| {
                if call == 2 {
                    let busy = Reply::status(status, "").header("Retry-After", "2");
                    return busy.send(&mut stream);
                }
                let answer = granting(request, "Connection: Upgrade\r\n");
                stream.write_all(answer.as_bytes()).unwrap();
                let mut socket = Socket { stream };
                let mut talk = Talk(&mut socket);
                let user = talk.welcome(&[]);
                if call == 1 {
                    talk.0.close(1012, "a restart");
                    while talk.0.read().is_some() {}
                } else {
                    while talk.echo_or_close(&user).is_some() {}
                }
            })
            .start();
        let ran = chat(&server.chat_url()).input("hello").run();
        ran.succeeded();
        let errors = ran.all("error");
        assert_eq!(errors[1]["retry_in_ms"], 2000.0, "{errors:?}");
    }
}

#[test]
fn the_status_of_an_endless_error_page_decides() {
    for (status, code, kind) in [
        ("401 Unauthorized", 3, "credentials"),
        ("404 Not Found", 4, "unreachable"),
        ("502 Bad Gateway", 4, "unreachable"),
    ] {
        let page = "x".repeat(100 * 1024);
        let server = Script::new()
            .problem(move |_, _| Reply::status(status, page.clone()))
            .start();
        let ran = Program::solve(&server).json().run();
        let cause = ran.failed(code, kind);
        assert_says(&cause, &[status, "xxx…"]);
        assert!(!cause.contains(ACCESS_TOKEN), "{cause}");
    }
}

#[test]
fn an_answer_to_a_call_may_have_folded_lines() {
    let server = Script::new()
        .problem(|_, _| {
            Reply::Raw(Box::new(|stream| {
                let answer =
                    b"HTTP/1.1 401 Unauthorized\r\nX: a,\r\n b\r\nContent-Length: 3\r\n\r\nno.";
                stream.write_all(answer).unwrap();
            }))
        })
        .start();
    let ran = Program::solve(&server).json().run();
    assert_says(&ran.failed(3, "credentials"), &["401", "no."]);
}
