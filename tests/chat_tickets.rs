//! Tickets of the chat, over real sockets: who is let in with one, and who is not.

mod support;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use support::{Client, Opcode, ask_for_json, ask_to_upgrade, assert_says, body_after};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wsbeat::link::{Stop, Stopper};
use wsbeat::server::{
    Password, Server, Settings, StoredPassword, TICKET_LIFETIME, TicketSettings, Users,
};

const PASSWORD: &str = "tight lines";

/// A server that gives tickets to ann and bert.
struct Desk {
    address: String,
    _stopper: Stopper,
    file: PathBuf,
    _runtime: Runtime,
    _folder: TempDir,
}

impl Desk {
    fn open(lifetime: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.txt");
        let mut users = Users::default();
        for user in ["ann", "bert"] {
            let password = Password::new(SecretString::from(PASSWORD)).unwrap();
            let stored = StoredPassword::of(&password, [7; 16]).unwrap();
            users.set(user, stored).unwrap();
        }
        users.write(&file).unwrap();
        let runtime = Runtime::new().unwrap();
        let listen = ([127, 0, 0, 1], 0).into();
        let server = Server::bind(Settings {
            tickets: Some(TicketSettings {
                lifetime,
                ..TicketSettings::new(file.clone(), [2; 32])
            }),
            ..Settings::new(listen, NonZeroU32::MIN, 1, [1; 32])
        });
        let server = runtime.block_on(server).unwrap();
        let address: SocketAddr = server.address().unwrap();
        let (stopper, stop) = Stop::channel();
        runtime.spawn(server.run(stop, |_| {}));
        Desk {
            address: address.to_string(),
            _stopper: stopper,
            file,
            _runtime: runtime,
            _folder: folder,
        }
    }

    fn ticket(&self, user: &str) -> String {
        let body = json!({"user": user, "password": PASSWORD});
        let (status, answer) = ask_for_json(&self.address, "POST /ticket", body);
        assert_says(&status, &["200"]);
        answer["ticket"].as_str().unwrap().to_owned()
    }

    fn guest(&self, query: &str) -> Guest {
        Guest(Client::open(
            &self.address,
            &format!("/chat/fishing{query}"),
        ))
    }

    /// The status and the error of an upgrade that is refused.
    fn refused(&self, query: &str) -> (String, String) {
        let path = format!("/chat/fishing{query}");
        let (head, mut stream) = ask_to_upgrade(&self.address, &path, &self.address, "");
        let body = body_after(&head, &mut stream);
        let status = head.lines().next().unwrap().to_owned();
        (status, body["error"].as_str().unwrap().to_owned())
    }
}

struct Guest(Client);

impl Guest {
    fn say(&mut self, message: Value) {
        self.0.text(&message.to_string());
    }

    #[track_caller]
    fn hear(&mut self) -> Value {
        serde_json::from_slice(&self.0.expect(Opcode::Text)).unwrap()
    }

    /// Reads on until an error, and gives its code.
    #[track_caller]
    fn error(&mut self) -> String {
        loop {
            let heard = self.hear();
            if heard["type"] == "error" {
                return heard["code"].as_str().unwrap().to_owned();
            }
        }
    }

    #[track_caller]
    fn claims(&mut self, user: &str) {
        self.say(json!({"type": "identity", "user": user}));
        loop {
            let heard = self.hear();
            assert_ne!(heard["type"], "error", "{heard}");
            if heard == json!({"type": "identity", "success": "true"}) {
                return;
            }
        }
    }
}

fn shown(ticket: &str) -> Value {
    json!({"type": "ticket", "ticket": ticket})
}

#[test]
fn a_ticket_lets_its_user_in_from_the_url_or_as_the_first_message() {
    let desk = Desk::open(TICKET_LIFETIME);
    let mut ann = desk.guest(&format!("?ticket={}", desk.ticket("ann")));
    assert_eq!(ann.hear(), json!({"type": "connection", "id": "fishing"}));
    ann.claims("ann");
    let mut bert = desk.guest("");
    assert_eq!(bert.hear()["code"], "ticket_needed");
    // Before that, nothing is heard, and nothing else is done.
    ann.say(json!({"type": "message", "text": "are we alone?"}));
    bert.say(json!({"type": "identity", "user": "bert"}));
    assert_eq!(bert.hear()["code"], "ticket_needed");
    bert.say(shown(&desk.ticket("bert")));
    assert_eq!(bert.hear(), json!({"type": "connection", "id": "fishing"}));
    bert.claims("bert");
}

#[test]
fn a_ticket_is_good_once() {
    let desk = Desk::open(TICKET_LIFETIME);
    let (first, second) = (desk.ticket("ann"), desk.ticket("ann"));
    let _in = desk.guest(&format!("?ticket={first}"));
    for spent in [&first, "made-up", ""] {
        let (status, reason) = desk.refused(&format!("?ticket={spent}"));
        assert_says(&status, &["401"]);
        assert_says(&reason, &["unknown, or it has been used", "POST /ticket"]);
        assert!(spent.is_empty() || !reason.contains(spent));
    }
    let mut late = desk.guest("");
    assert_eq!(late.error(), "ticket_needed");
    late.say(shown(&first));
    assert_eq!(late.error(), "ticket_refused");
    // It was no more than a mistake.
    late.say(shown(&second));
    assert_eq!(late.hear()["type"], "connection");
    late.say(shown(&second));
    assert_eq!(late.error(), "ticket_refused");
}

#[test]
fn a_ticket_that_is_late_lets_nobody_in() {
    let desk = Desk::open(Duration::ZERO);
    let (status, reason) = desk.refused(&format!("?ticket={}", desk.ticket("ann")));
    assert_says(&status, &["401"]);
    assert_says(&reason, &["expired"]);
    let mut ann = desk.guest("");
    assert_eq!(ann.error(), "ticket_needed");
    ann.say(shown(&desk.ticket("ann")));
    assert_eq!(ann.error(), "ticket_refused");
}

#[test]
fn a_ticket_is_good_for_its_user_only() {
    let desk = Desk::open(TICKET_LIFETIME);
    let mut ann = desk.guest(&format!("?ticket={}", desk.ticket("ann")));
    ann.say(json!({"type": "identity", "user": "bert"}));
    assert_eq!(ann.error(), "name_not_yours");
    ann.say(json!({"type": "message", "text": "I am bert"}));
    assert_eq!(ann.error(), "not_authenticated");
    ann.claims("ann");
}

#[test]
fn a_user_who_is_removed_is_out_at_once_and_so_are_the_tickets() {
    let desk = Desk::open(Duration::from_secs(3600));
    let mut bert = desk.guest(&format!("?ticket={}", desk.ticket("bert")));
    bert.claims("bert");
    let mut ann = desk.guest(&format!("?ticket={}", desk.ticket("ann")));
    ann.claims("ann");
    let unused = desk.ticket("ann");
    let berts = desk.ticket("bert");
    let mut users = Users::read(&desk.file).unwrap();
    users.remove("ann").unwrap();
    users.write(&desk.file).unwrap();
    loop {
        let frame = ann.0.read().expect("a Close frame before the end");
        if frame.opcode == Opcode::Close {
            assert_eq!(frame.payload[..2], 1008_u16.to_be_bytes());
            assert_says(&String::from_utf8_lossy(&frame.payload[2..]), &["removed"]);
            break;
        }
    }
    let (status, _) = desk.refused(&format!("?ticket={unused}"));
    assert_says(&status, &["401"]);
    // Nobody else notices.
    bert.claims("bert");
    let _in = desk.guest(&format!("?ticket={berts}"));
}

#[test]
fn whoever_shows_no_ticket_is_shown_out() {
    let desk = Desk::open(TICKET_LIFETIME);
    let mut nobody = desk.guest("");
    assert_eq!(nobody.error(), "ticket_needed");
    // After ten seconds in which nothing happens.
    let close = nobody.0.expect(Opcode::Close);
    assert_eq!(close[..2], 1008_u16.to_be_bytes());
}
