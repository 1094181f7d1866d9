//! `serve --tickets`: who gets a ticket, who does not, and who has to wait.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use support::{Client, Opcode, PATIENCE, Program, Running, ask, assert_hides, assert_says, serve};
use tempfile::TempDir;
use wsbeat::link::clock;
use wsbeat::server::{Password, StoredPassword, Users};

const PASSWORD: &str = "0pensesameplease";
const WRONG: &str = "hunter2hunter2hunter2";

/// Gives a user a password, as `wsbeat passwd` does.
fn set(file: &Path, user: &str, password: &str) {
    let mut users = Users::read(file).unwrap_or_default();
    let password = Password::new(SecretString::from(password)).unwrap();
    let stored = StoredPassword::of(&password, [7; 16]).unwrap();
    users.set(user, stored).unwrap();
    users.write(file).unwrap();
}

/// A server that gives tickets to alice, and its file of users.
struct Desk {
    running: Running,
    address: String,
    file: PathBuf,
    _folder: TempDir,
}

impl Desk {
    fn open() -> Self {
        Desk::logging("wsbeat=debug")
    }

    fn logging(level: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        set(&file, "alice", PASSWORD);
        let mut running = Program::new("serve")
            .args(["--listen", "127.0.0.1:0", "--tickets"])
            .args([&file])
            .env("RUST_LOG", level)
            .json()
            .start();
        let url = running.wait_for("listening")["url"].clone();
        let address = url.as_str().unwrap().strip_prefix("http://").unwrap();
        Desk {
            address: address.to_owned(),
            running,
            file,
            _folder: folder,
        }
    }

    fn ask(&self, user: &str, password: &str) -> Answer {
        apply(&self.address, user, password)
    }

    /// Asks again and again until it is not too soon.
    #[track_caller]
    fn ask_in_time(&self, user: &str, password: &str) -> Answer {
        let give_up = clock::now() + PATIENCE;
        loop {
            let answer = self.ask(user, password);
            if answer.status != 429 {
                return answer;
            }
            assert!(clock::now() < give_up, "it stays too soon");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the server logged.
    fn log(self) -> String {
        self.running.interrupt();
        let ran = self.running.end();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        // That there are tickets is said as it begins, and nothing of any of them after that.
        let later = ran.stdout.lines().skip(1);
        assert!(
            later.clone().all(|line| !line.contains("ticket")),
            "{later:?}"
        );
        ran.stderr
    }
}

/// What a server answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

fn apply(address: &str, user: &str, password: &str) -> Answer {
    let body = json!({"user": user, "password": password});
    post(address, &body.to_string())
}

fn post(address: &str, body: &str) -> Answer {
    let headers = "Content-Type: application/json\r\n";
    let (head, body) = ask(address, "POST /ticket", headers, body);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let head = head.to_lowercase();
    assert_says(&head, &["cache-control: no-store"]);
    Answer {
        status,
        body: serde_json::from_str(&body).unwrap_or_else(|_| panic!("{head}\n{body}")),
        head,
    }
}

impl Answer {
    #[track_caller]
    fn ticket(&self) -> &str {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.body["expires_in_s"], 30);
        let ticket = self.body["ticket"].as_str().unwrap();
        assert_eq!(ticket.len(), 32);
        assert!(ticket.chars().all(|digit| digit.is_ascii_hexdigit()));
        ticket
    }

    /// The reason why there is no ticket.
    #[track_caller]
    fn error(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.body.as_object().unwrap().len(), 1, "{self:?}");
        self.body["error"].as_str().unwrap()
    }

    /// How long to wait.
    #[track_caller]
    fn retry_after(&self) -> u64 {
        self.error(429);
        let mut lines = self.head.lines();
        let seconds = lines.find_map(|line| line.strip_prefix("retry-after: "));
        seconds.expect("it is said").parse().unwrap()
    }
}

#[test]
fn the_right_password_gets_a_ticket_and_another_one_each_time() {
    let desk = Desk::open();
    let tickets = [(); 3].map(|()| desk.ask("alice", PASSWORD).ticket().to_owned());
    assert!(tickets[0] != tickets[1] && tickets[1] != tickets[2] && tickets[0] != tickets[2]);
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_answered_alike() {
    let answers = [
        ("alice", WRONG),
        ("bob", PASSWORD),
        ("a:b\u{7}", WRONG),
        ("alice", ""),
    ]
    .map(|(user, password)| Desk::open().ask(user, password));
    for answer in &answers {
        assert_says(answer.error(401), &["user name or the password"]);
        assert_eq!(answer.body, answers[0].body);
    }
}

#[test]
fn a_wrong_password_closes_the_desk_for_a_while_to_the_right_one_too() {
    let desk = Desk::open();
    let began = clock::now();
    desk.ask("alice", WRONG).error(401);
    let answer = desk.ask("alice", PASSWORD);
    if answer.status == 429 {
        assert_eq!(answer.retry_after(), 1);
    }
    desk.ask_in_time("alice", PASSWORD).ticket();
    assert!(began.elapsed_since() >= Duration::from_millis(500));
    // What was wrong before is forgotten: this one is looked at at once.
    desk.ask("alice", WRONG).error(401);
    desk.ask_in_time("alice", WRONG).error(401);
    desk.ask_in_time("alice", WRONG).error(401);
    // Three in a row: half a second, one second and two have been waited for in all by then.
    desk.ask_in_time("alice", PASSWORD).ticket();
    assert!(began.elapsed_since() >= Duration::from_millis(500 + 500 + 1000 + 2000));
}

#[test]
fn whoever_has_a_password_of_their_own_tries_anothers_no_faster() {
    let desk = Desk::open();
    set(&desk.file, "eve", PASSWORD);
    let began = clock::now();
    for _ in 0..3 {
        desk.ask("alice", WRONG).error(401);
        desk.ask_in_time("eve", PASSWORD).ticket();
    }
    assert!(began.elapsed_since() >= Duration::from_millis(500 + 1000 + 2000));
}

/// How long ago something was.
trait ElapsedSince {
    fn elapsed_since(&self) -> Duration;
}

impl ElapsedSince for std::time::Instant {
    fn elapsed_since(&self) -> Duration {
        clock::now().saturating_duration_since(*self)
    }
}

#[test]
fn passwords_that_are_tried_at_once_get_no_further_than_one_after_another() {
    let desk = Desk::open();
    let began = clock::now();
    let statuses: Vec<_> = thread::scope(|scope| {
        let trying: Vec<_> = (0..32)
            .map(|number| {
                let address = &desk.address;
                scope.spawn(move || apply(address, "alice", &format!("{WRONG}{number}")).status)
            })
            .collect();
        trying.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let elapsed = began.elapsed_since();
    assert!(statuses.iter().all(|status| [401, 429].contains(status)));
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    assert!(looked_at >= 1);
    // 0.5 s after the first, 1 s after the second: the last one that was looked at came later.
    let least: Duration = (1..looked_at)
        .map(|wrong| Duration::from_millis(500 << (wrong - 1)).min(Duration::from_secs(30)))
        .sum();
    assert!(elapsed >= least, "{looked_at} in {elapsed:?}");
    let refusals = desk
        .log()
        .matches("there is no such user with this password")
        .count();
    assert_eq!(refusals, looked_at);
}

#[test]
fn a_password_that_is_changed_counts_at_once() {
    let desk = Desk::open();
    let passwd = |user: &str, args: &[&str], input: &str| {
        let program = Program::new("passwd").args([&desk.file]).args([user]);
        program.args(args).input(input).run().succeeded();
    };
    passwd("bob", &[], "hunter2");
    desk.ask("bob", "hunter2").ticket();
    passwd("bob", &[], "hunter3");
    desk.ask("bob", "hunter3").ticket();
    desk.ask("bob", "hunter2").error(401);
    passwd("bob", &["--delete"], "");
    desk.ask_in_time("bob", "hunter3").error(401);
    desk.ask_in_time("alice", PASSWORD).ticket();
}

#[test]
fn a_file_that_has_become_unreadable_is_the_servers_fault_and_logged() {
    let desk = Desk::open();
    fs::write(&desk.file, "# staff\nalice\n").unwrap();
    for _ in 0..2 {
        // Not too soon the second time: nobody has typed a wrong password.
        assert_says(
            desk.ask("alice", PASSWORD).error(500),
            &["log of the server"],
        );
    }
    fs::remove_file(&desk.file).unwrap();
    desk.ask("alice", PASSWORD).error(500);
    set(&desk.file, "alice", PASSWORD);
    desk.ask("alice", PASSWORD).ticket();
    let log = desk.log();
    assert_says(
        &log,
        &[
            "ERROR",
            "line 2 of the users in",
            "NAME:HASH",
            "No such file",
        ],
    );
}

#[test]
fn what_is_no_application_is_refused_without_being_repeated() {
    let desk = Desk::open();
    for (body, status) in [
        ("".to_owned(), 400),
        (
            format!("{{\"user\":\"alice\",\"password\":\"{PASSWORD}"),
            400,
        ),
        (format!("\"{PASSWORD}\""), 422),
        (json!({"user": PASSWORD}).to_string(), 422),
        (
            json!({"user": "alice", "password": [PASSWORD]}).to_string(),
            422,
        ),
        (
            json!({"user": "alice", "password": "x".repeat(9000)}).to_string(),
            413,
        ),
    ] {
        let answer = post(&desk.address, &body);
        assert_says(answer.error(status), &["user and password"]);
        assert_hides(PASSWORD, &answer.body.to_string(), "the answer");
    }
    // What a page of another site can send without asking.
    let body = json!({"user": "alice", "password": PASSWORD}).to_string();
    let (head, _) = ask(
        &desk.address,
        "POST /ticket",
        "Content-Type: text/plain\r\n",
        &body,
    );
    assert_says(&head, &["415"]);
    let (head, _) = ask(&desk.address, "GET /ticket", "", "");
    assert_says(&head, &["405"]);
    // The longest that can be right, as escapes.
    let (name, password) = ("\u{10348}".repeat(32), "\u{1}".repeat(1024));
    set(&desk.file, &name, &password);
    let escaped = "\\ud800\\udf48".repeat(32);
    let body = format!(
        "{{\"user\":\"{escaped}\",\"password\":{}}}",
        json!(password)
    );
    post(&desk.address, &body).ticket();
}

#[test]
fn the_log_names_address_and_user_and_shows_no_password_and_no_ticket() {
    let desk = Desk::logging("trace");
    let ticket = desk.ask("alice", PASSWORD).ticket().to_owned();
    desk.ask("mallory\u{1b}[2J\n2026", WRONG).error(401);
    desk.ask("alice", WRONG);
    post(&desk.address, &format!("{{\"password\":\"{PASSWORD}"));
    // Both are redeemed: one in the URL, one in the first message. A third is misspelt.
    let second = desk.ask_in_time("alice", PASSWORD).ticket().to_owned();
    let mut in_url = Client::open(&desk.address, &format!("/chat/a?ticket={ticket}"));
    in_url.expect(Opcode::Text);
    let mut shown = Client::open(&desk.address, "/chat/a");
    shown.expect(Opcode::Text);
    shown.text(&format!("{{\"type\":\"ticket\",\"ticket\":\"{second}"));
    shown.expect(Opcode::Text);
    shown.text(&json!({"type": "ticket", "ticket": second}).to_string());
    let entered = shown.expect(Opcode::Text);
    assert_says(&String::from_utf8_lossy(&entered), &["connection"]);
    let log = desk.log();
    assert_says(
        &log,
        &[
            "DEBUG",
            "WARN",
            "127.0.0.1:",
            "alice",
            "mallory\\u{1b}[2J\\u{a}2026",
        ],
    );
    for secret in [PASSWORD, WRONG, &ticket, &second, "argon2id"] {
        assert_hides(secret, &log, "the log");
    }
}

#[test]
fn without_users_nobody_is_given_anything() {
    let (_server, url) = serve(&[]);
    let address = url.strip_prefix("http://").unwrap();
    for body in [
        json!({"user": "alice", "password": PASSWORD}).to_string(),
        "what?".to_owned(),
    ] {
        assert_says(post(address, &body).error(404), &["no tickets"]);
    }
}

#[test]
fn a_file_that_makes_no_sense_is_refused_before_the_port_is_taken() {
    let run = |content: Option<&str>| {
        let mut program = Program::new("serve").json();
        if let Some(content) = content {
            program = program.file("users", content);
        }
        // Nobody could listen there.
        let ran = program
            .args(["--listen", "192.0.2.1:1", "--tickets", "users"])
            .run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_eq!(ran.the("error")["kind"], "usage");
        ran.cause()
    };
    assert_says(
        &run(None),
        &["--tickets", "users", "No such file", "wsbeat passwd"],
    );
    assert_says(
        &run(Some("alice\n")),
        &["--tickets", "line 1 of the users in users", "NAME:HASH"],
    );
}
