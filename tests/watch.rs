//! `GET /watch`: the program plays the timing game with itself, and tells of it.

#![cfg(unix)]

mod support;

use serde_json::{Value, json};
use support::{
    Client, Opcode, PATIENCE, Program, Running, ask_for_json, ask_to_upgrade, assert_says,
    body_after, listening,
};
use wsbeat::link::clock;

/// A server that plays this many rounds, and where it listens.
fn server(rounds: u32, args: &[&str]) -> (Running, String) {
    let rounds = rounds.to_string();
    let args = [&["--rounds", &rounds], args].concat();
    let (server, listening) = listening(&args);
    let address = listening["address"].as_str().unwrap().to_owned();
    (server, address)
}

/// What a watcher is told up to the Close frame, and the code in that.
fn watched(mut watcher: Client) -> (Vec<Value>, u16) {
    let mut told = Vec::new();
    loop {
        let frame = watcher.read().expect("a Close frame");
        match frame.opcode {
            Opcode::Text => {
                let text = String::from_utf8(frame.payload).unwrap();
                // One object a message, with nothing around it.
                assert_eq!(text.trim(), text);
                told.push(serde_json::from_str(&text).unwrap());
            }
            Opcode::Close => {
                let code = [frame.payload[0], frame.payload[1]];
                return (told, u16::from_be_bytes(code));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn types(told: &[Value]) -> Vec<&str> {
    told.iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect()
}

/// Asserts that a game was won that has this many rounds.
#[track_caller]
fn assert_won(told: &[Value], rounds: usize) {
    let mut expected = vec!["hello"];
    expected.extend(["beat", "verdict"].repeat(rounds));
    expected.extend(["secret", "summary"]);
    assert_eq!(types(told), expected);
    let beats = told.iter().filter(|item| item["type"] == "beat");
    for (index, beat) in beats.enumerate() {
        assert_eq!(beat["round"], index + 1, "{beat}");
        assert!(beat["margin_ms"].as_f64().unwrap() > 0.0, "{beat}");
    }
    let verdicts = told.iter().filter(|item| item["type"] == "verdict");
    for (index, verdict) in verdicts.enumerate() {
        assert_eq!(
            *verdict,
            json!({"type": "verdict", "round": index + 1, "verdict": "good"})
        );
    }
    let [.., secret, summary] = told else {
        panic!("{told:?}");
    };
    assert_eq!(summary["outcome"], "solved", "{summary}");
    assert_eq!(summary["rounds"], rounds, "{summary}");
    assert_eq!(summary["attempts"], 1, "{summary}");
    assert_eq!(summary["secret"], secret["secret"]);
}

/// Who is connected.
fn clients(address: &str) -> Vec<Value> {
    let (_, answer) = ask_for_json(address, "GET /clients", json!({}));
    answer["clients"].as_array().unwrap().clone()
}

/// Waits until this many are connected.
#[track_caller]
fn await_clients(address: &str, count: usize) {
    let begun = clock::now();
    while clients(address).len() != count {
        assert!(clock::now() - begun < PATIENCE, "{:?}", clients(address));
        std::thread::yield_now();
    }
}

#[test]
fn a_game_is_told_of_as_it_is_played() {
    let (server, address) = server(2, &["--seed", "3", "--secret", "open sesame"]);
    let watcher = Client::open(&address, "/watch");
    let listed = clients(&address);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["route"], "watch");

    let (told, code) = watched(watcher);
    assert_won(&told, 2);
    assert_eq!(code, 1000);
    // What everybody may see is not what others play for.
    let secret = &told[told.len() - 2]["secret"];
    assert_ne!(secret, "open sesame");
    let solving = "POST /challenges/websocket_chit_chat/solve?access_token=any";
    let (_, answer) = ask_for_json(&address, solving, json!({ "secret": secret }));
    assert!(answer["rejected"].is_string(), "{answer}");
    await_clients(&address, 0);

    // It is nobody's conversation: none is reported.
    server.terminate();
    let ran = server.end();
    ran.succeeded();
    assert_eq!(ran.all("conversation").len(), 0, "{ran:?}");
}

#[test]
fn what_is_told_is_what_solving_prints() {
    let (_server, address) = server(1, &[]);
    let (told, _) = watched(Client::open(&address, "/watch"));
    let solved = Program::solve_at(&format!("http://{address}")).json().run();
    solved.succeeded();
    let fields =
        |item: &Value| -> Vec<String> { item.as_object().unwrap().keys().cloned().collect() };
    for item in &told {
        let kind = item["type"].as_str().unwrap();
        assert_eq!(fields(item), fields(&solved.the(kind)), "{item}");
    }
}

#[test]
fn several_watch_each_a_game_of_their_own() {
    let (_server, address) = server(1, &[]);
    let watchers = [(); 3].map(|()| Client::open(&address, "/watch"));
    let secrets = watchers.map(|watcher| {
        let (told, code) = watched(watcher);
        assert_won(&told, 1);
        assert_eq!(code, 1000);
        told[told.len() - 2]["secret"].as_str().unwrap().to_owned()
    });
    assert_ne!(secrets[0], secrets[1]);
    assert_ne!(secrets[1], secrets[2]);
}

#[test]
fn the_game_goes_through_the_modelled_network() {
    let (_server, address) = server(2, &["--network", "lan"]);
    let (told, code) = watched(Client::open(&address, "/watch"));
    assert_won(&told, 2);
    assert_eq!(code, 1000);
}

#[test]
fn a_watcher_that_leaves_ends_the_game() {
    let (server, address) = server(1000, &[]);
    let mut watcher = Client::open(&address, "/watch");
    watcher.expect(Opcode::Text);
    // What a watcher says changes nothing.
    watcher.text("700");
    watcher.frame(Opcode::Close, &1000_u16.to_be_bytes());
    watcher.expect(Opcode::Close);
    let mut another = Client::open(&address, "/watch");
    another.expect(Opcode::Text);
    drop(another);
    await_clients(&address, 0);
    // Nothing of them is left for which a server that ends would have to wait.
    server.terminate();
    let ran = server.end();
    ran.succeeded();
    assert!(!ran.stderr.contains("had to be dropped"), "{ran:?}");
}

#[test]
fn a_server_that_goes_down_says_so_to_those_who_watch() {
    let (server, address) = server(1000, &[]);
    let mut watcher = Client::open(&address, "/watch");
    watcher.expect(Opcode::Text);
    server.terminate();
    let (_, code) = watched(watcher);
    assert_eq!(code, 1001);
    server.end().succeeded();
}

#[test]
fn pages_from_elsewhere_do_not_watch() {
    let (_server, address) = server(1, &[]);
    let evil = "Origin: http://evil.test\r\n";
    let (head, mut stream) = ask_to_upgrade(&address, "/watch", &address, evil);
    assert_says(&head, &["http/1.1 403"]);
    assert!(body_after(&head, &mut stream)["error"].is_string());
}
