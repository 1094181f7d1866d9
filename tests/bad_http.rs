//! What goes wrong before and after the conversation: the access token, the two HTTP calls, and
//! the way to the server.

#![cfg(unix)]

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use support::{
    ACCESS_TOKEN, Port, Program, Reply, SECRET, Script, Server, assert_says, one_time_token,
};

/// A server that answers the call for a one-time token like this, always.
fn answering(status: &'static str, body: &'static str) -> Server {
    Script::new()
        .problem(move |_, _| Reply::status(status, body))
        .start()
}

#[test]
fn without_an_access_token_people_learn_where_to_get_one() {
    let server = Script::new().start();
    let ran = Program::solve(&server)
        .without_env("HACKATTIC_ACCESS_TOKEN")
        .json()
        .run();
    let words = [
        "no access token",
        "HACKATTIC_ACCESS_TOKEN",
        "--access-token-file",
        "hackattic.com",
        "--practice` needs none",
    ];
    assert_says(&ran.failed(2, "usage"), &words);
    assert!(server.problems().is_empty());
}

#[test]
fn an_empty_access_token_is_none() {
    let server = Script::new().start();
    let ran = Program::solve(&server)
        .env("HACKATTIC_ACCESS_TOKEN", "")
        .json()
        .run();
    assert_says(&ran.failed(2, "usage"), &["no access token"]);
    let ran = Program::solve(&server)
        .file("token", "\n")
        .args(["--access-token-file", "token"])
        .json()
        .run();
    assert_says(&ran.failed(2, "usage"), &["token", "the file is empty"]);
    assert!(server.problems().is_empty());
}

#[test]
fn an_access_token_file_that_is_missing_is_named() {
    let server = Script::new().start();
    let ran = Program::solve(&server)
        .args(["--access-token-file", "nowhere/token"])
        .json()
        .run();
    assert_says(&ran.failed(2, "usage"), &["access token", "nowhere/token"]);
    assert!(server.problems().is_empty());
}

#[test]
fn the_access_token_is_taken_from_a_dotenv_file_too() {
    let server = Script::winning(1).start();
    let ran = Program::solve(&server)
        .without_env("HACKATTIC_ACCESS_TOKEN")
        .file(".env", "HACKATTIC_ACCESS_TOKEN=from-the-dotenv-file\n")
        .json()
        .run();
    ran.succeeded();
    let asked = &server.problems()[0];
    assert_eq!(asked.query("access_token").unwrap(), "from-the-dotenv-file");
}

#[test]
fn a_refused_access_token_is_told_with_its_status_and_not_tried_again() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let server = Script::new()
            .problem(move |_, _| Reply::status(status, "who are you?"))
            .start();
        let ran = Program::solve_at(&server.url()).json().run();
        let words = [
            "fetching a one-time token",
            "the access token was refused",
            status,
            "who are you?",
        ];
        assert_says(&ran.failed(3, "credentials"), &words);
        assert_eq!(server.problems().len(), 1);
    }
}

#[test]
fn a_page_that_does_not_exist_raises_doubts_about_the_base_url() {
    let server = answering("404 Not Found", "");
    let ran = Program::solve_at(&server.url()).json().run();
    let words = ["404 Not Found", "is the base URL right?"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    assert_eq!(server.problems().len(), 1);
}

#[test]
fn a_server_in_trouble_is_asked_again_before_it_is_given_up() {
    for status in ["500 Internal Server Error", "503 Service Unavailable"] {
        let server = answering(status, "back soon");
        let ran = Program::solve_at(&server.url())
            .args(["--attempts", "2"])
            .json()
            .run();
        let cause = ran.failed(4, "unreachable");
        assert_says(&cause, &["fetching a one-time token", status, "back soon"]);
        assert_eq!(server.problems().len(), 2);
        let errors = ran.all("error");
        assert_eq!(errors.len(), 2);
        assert_eq!(errors[0]["retry_in_ms"], 500.0);
        assert_says(&ran.stderr, &["trying again in 500ms"]);
        assert_eq!(ran.summary()["attempts"], 2);
    }
}

#[test]
fn a_server_that_recovers_is_played() {
    let server = Script::winning(1)
        .problem(|call, _| match call {
            1 => Reply::status("503 Service Unavailable", ""),
            _ => Reply::token("the-second-is-good"),
        })
        .start();
    let ran = Program::solve_at(&server.url()).json().run();
    ran.succeeded();
    assert_eq!(server.tokens_used(), ["the-second-is-good"]);
    assert_eq!(ran.summary()["outcome"], "solved");
}

#[test]
fn an_answer_without_a_token_is_shown_for_what_it_is() {
    let cases = [
        (
            "<!doctype html>\n<title>Welcome to the hotel Wi-Fi</title>",
            "the answer is not JSON: <!doctype html>",
        ),
        (r#"{"token": "abc"#, "the answer is cut off JSON"),
        ("", "the answer is not JSON"),
        (r#"["token"]"#, "the answer is no JSON object"),
        (r#"{"tok": "abc"}"#, "the answer holds no token"),
        (r#"{"token": 7}"#, "the answer holds no token"),
        (r#"{"token": ""}"#, "the answer holds no token"),
    ];
    for (body, reason) in cases {
        let server = answering("200 OK", body);
        let ran = Program::solve_at(&server.url()).json().run();
        let words = [
            "fetching a one-time token",
            reason,
            "is the base URL right?",
        ];
        assert_says(&ran.failed(5, "protocol"), &words);
        assert_eq!(server.problems().len(), 1, "{body}");
    }
}

#[test]
fn an_endless_answer_is_not_read_to_its_end() {
    let server = Script::new()
        .problem(|_, _| {
            Reply::Raw(Box::new(|stream| {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"token\": \"");
                // Until the client has had enough.
                while stream.write_all(&[b'x'; 4096]).is_ok() {}
            }))
        })
        .start();
    let ran = Program::solve(&server).json().run();
    assert_says(&ran.failed(5, "protocol"), &["over 64 KiB"]);
}

#[test]
fn an_answer_that_is_cut_short_of_its_length_is_a_lost_connection() {
    let server = Script::new()
        .problem(|_, _| {
            Reply::Raw(Box::new(|stream| {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"token\"";
                stream.write_all(answer).unwrap();
            }))
        })
        .start();
    let ran = Program::solve(&server).json().run();
    assert_says(
        &ran.failed(4, "unreachable"),
        &["fetching a one-time token"],
    );
}

#[test]
fn an_answer_that_never_comes_is_waited_for_as_long_as_was_said() {
    let server = Script::new().problem(|_, _| Reply::hang()).start();
    let ran = Program::solve(&server)
        .args(["--connect-timeout", "300ms"])
        .json()
        .run();
    let words = ["fetching a one-time token", "within 300ms"];
    assert_says(&ran.failed(4, "unreachable"), &words);
}

#[test]
fn an_answer_that_drips_is_waited_for_no_longer() {
    let server = Script::new()
        .problem(|_, _| {
            Reply::Raw(Box::new(|stream| {
                let body = json!({"token": "good", "patience": "x".repeat(600)}).to_string();
                let length = body.len();
                drip(
                    stream,
                    &format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"),
                );
            }))
        })
        .start();
    let ran = Program::solve(&server)
        .args(["--connect-timeout", "300ms"])
        .json()
        .run();
    assert_says(&ran.failed(4, "unreachable"), &["within 300ms"]);
    assert!(server.upgrades().is_empty());
}

/// Writes a text byte by byte, until the reader hangs up. What is written is good: a reader with
/// patience enough is content.
fn drip(stream: &mut TcpStream, text: &str) {
    for byte in text.bytes() {
        if stream.write_all(&[byte]).is_err() {
            break;
        }
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_host_that_has_no_address_is_named() {
    let ran = Program::solve_at("http://does-not-exist.invalid")
        .args(["--attempts", "1"])
        .json()
        .run();
    let words = ["does-not-exist.invalid", "lookup address"];
    assert_says(&ran.failed(4, "unreachable"), &words);
}

#[test]
fn a_refused_connection_is_tried_again_before_it_is_given_up() {
    let port = Port::reserve();
    let ran = Program::solve_at(&port.url())
        .args(["--attempts", "2"])
        .json()
        .run();
    let words = [port.url(), "refused".to_owned()];
    let cause = ran.failed(4, "unreachable");
    assert_says(&cause.to_lowercase(), &words.each_ref().map(String::as_str));
    assert_eq!(ran.all("error").len(), 2);
}

#[test]
fn a_server_that_speaks_no_tls_is_not_spoken_to_without_it() {
    let server = Script::winning(1).start();
    let ran = Program::solve_at(&server.url().replace("http:", "https:"))
        .args(["--attempts", "1"])
        .json()
        .run();
    ran.failed(4, "unreachable");
    assert!(server.problems().is_empty());
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Script::winning(1).start();
    let target = format!("{}/challenges/websocket_chit_chat/problem", elsewhere.url());
    let server = Script::new()
        .problem(move |_, _| Reply::status("302 Found", "").header("Location", &target))
        .start();
    let ran = Program::solve(&server).json().run();
    assert_says(&ran.failed(5, "protocol"), &["302 Found"]);
    assert!(elsewhere.problems().is_empty());
}

#[test]
fn a_rejected_secret_is_shown_with_the_words_of_the_server() {
    let rejecting = || {
        Script::winning(1)
            .solve(|_, _| Reply::json(json!({"rejected": "no, that is not it"})))
            .start()
    };
    let server = rejecting();
    let ran = Program::solve_at(&server.url()).json().run();
    assert_says(&ran.failed(1, "rejected"), &["no, that is not it"]);
    assert_eq!(ran.the("secret")["secret"], SECRET);
    let submission = ran.the("submission");
    assert_eq!(submission["passed"], false);
    assert_eq!(submission["response"]["rejected"], "no, that is not it");
    assert_eq!(ran.summary()["secret"], SECRET);
    assert_eq!(server.solutions().len(), 1);

    let ran = Program::solve(&rejecting()).run();
    assert_eq!(ran.code, Some(1));
    assert_says(&ran.cause(), &["no, that is not it"]);
    assert_says(&ran.stdout, &[SECRET, "no, that is not it", "rejected"]);
}

#[test]
fn a_rejection_with_an_error_status_is_a_rejection_all_the_same() {
    for body in [
        r#"{"error": "wrong secret"}"#,
        r#"{"result": "wrong secret"}"#,
    ] {
        let server = Script::winning(1)
            .solve(move |_, _| Reply::status("400 Bad Request", body))
            .start();
        let ran = Program::solve(&server).json().run();
        assert_says(&ran.failed(1, "rejected"), &["wrong secret"]);
        assert_eq!(ran.the("submission")["passed"], false);
    }
}

#[test]
fn a_solution_is_handed_in_until_somebody_takes_it() {
    let server = Script::winning(1)
        .solve(|call, _| match call {
            1 | 2 => Reply::status("500 Internal Server Error", "ouch"),
            _ => Reply::json(r#"{"result":"passed at last"}"#),
        })
        .start();
    let ran = Program::solve_at(&server.url()).json().run();
    ran.succeeded();
    assert_eq!(
        ran.the("submission")["response"]["result"],
        "passed at last"
    );
    let solutions = server.solutions();
    assert_eq!(solutions.len(), 3);
    for solution in solutions {
        assert_eq!(solution.body, json!({ "secret": SECRET }).to_string());
    }
    assert_eq!(server.tokens_used().len(), 1, "it was played once");
}

#[test]
fn a_solution_that_nobody_takes_is_left_to_its_owner() {
    let cases = [
        ("500 Internal Server Error", "", 4, "unreachable"),
        ("200 OK", "<html>", 5, "protocol"),
        ("401 Unauthorized", "", 3, "credentials"),
    ];
    for (status, body, code, kind) in cases {
        let server = Script::winning(1)
            .solve(move |_, _| Reply::status(status, body))
            .start();
        let ran = Program::solve(&server).json().run();
        let words = ["handing in the solution", "hand it in by hand"];
        assert_says(&ran.failed(code, kind), &words);
        assert_eq!(ran.the("secret")["secret"], SECRET);
        assert_eq!(ran.summary()["secret"], SECRET);
    }
}

#[test]
fn every_path_begins_with_that_of_the_base_url() {
    for slash in ["", "/"] {
        let server = Script::winning(1).start();
        let ran = Program::solve_at(&format!("{}/some/prefix{slash}", server.url()))
            .json()
            .run();
        ran.succeeded();
        let challenge = "/some/prefix/challenges/websocket_chit_chat";
        let [problem] = &server.problems()[..] else {
            panic!("one token is enough");
        };
        assert_eq!(problem.method, "GET");
        assert_eq!(problem.path(), format!("{challenge}/problem"));
        assert_eq!(problem.query("access_token").unwrap(), ACCESS_TOKEN);
        let upgrade = &server.upgrades()[0];
        let token = one_time_token(1);
        assert_eq!(upgrade.target, format!("/some/prefix/_/ws/{token}"));
        let solution = &server.solutions()[0];
        assert_eq!(solution.method, "POST");
        assert_eq!(solution.path(), format!("{challenge}/solve"));
        assert_eq!(solution.query("access_token").unwrap(), ACCESS_TOKEN);
        assert_eq!(solution.query("playground"), None);
        assert_eq!(solution.header("Content-Type"), Some("application/json"));
    }
}

#[test]
fn no_submit_prints_the_secret_and_hands_nothing_in() {
    let server = Script::winning(2).start();
    let ran = Program::solve(&server).args(["--no-submit"]).json().run();
    ran.succeeded();
    assert_eq!(ran.summary()["secret"], SECRET);
    assert_eq!(ran.summary()["outcome"], "solved");
    assert!(server.solutions().is_empty());
}

#[test]
fn playground_hands_in_for_no_score() {
    let server = Script::winning(1).start();
    Program::solve(&server)
        .args(["--playground"])
        .json()
        .run()
        .succeeded();
    let solution = &server.solutions()[0];
    assert_eq!(solution.query("playground").unwrap(), "1");
    assert_eq!(solution.query("access_token").unwrap(), ACCESS_TOKEN);
}

#[test]
fn an_answer_that_is_not_http_breaks_the_protocol() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap();
        support::hold(&mut stream);
    });
    let ran = Program::solve_at(&url).json().run();
    assert_says(&ran.failed(5, "protocol"), &["not HTTP"]);
    serving.join().unwrap();
}

#[test]
fn a_byte_order_mark_does_not_matter() {
    let server = Script::winning(1)
        .problem(|call, _| {
            Reply::json(format!(
                "\u{feff}{{\"token\":\"{}\"}}",
                one_time_token(call)
            ))
        })
        .start();
    let ran = Program::solve(&server).json().run();
    assert_eq!(ran.succeeded().summary()["outcome"], "solved");
}

#[test]
fn a_solution_that_was_not_looked_at_is_not_rejected() {
    let server = Script::winning(1)
        .solve(|call, _| match call {
            1 => Reply::status("429 Too Many Requests", r#"{"error":"slow down"}"#),
            _ => Reply::json(json!({"result": "passed"})),
        })
        .start();
    let ran = Program::solve_at(&server.url()).json().run();
    assert_eq!(ran.succeeded().summary()["outcome"], "solved");
    assert_eq!(server.solutions().len(), 2);
}
