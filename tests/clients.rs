//! `wsbeat serve`: its echo, who is connected, and what becomes of clients that fall silent.

#![cfg(unix)]

mod support;

use std::io::Read;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::{
    Client, Opcode, PATIENCE, Program, Running, ask, ask_for_json, assert_says, reset_when_dropped,
    serve,
};
use wsbeat::link::clock;

/// How often a server is asked for what is awaited.
const A_MOMENT: Duration = Duration::from_millis(5);

/// A server that soon loses its patience.
const IMPATIENT: [&str; 4] = ["--keep-alive", "200ms", "--keep-alive-timeout", "200ms"];

fn listening(args: &[&str]) -> (Running, String) {
    let (server, url) = serve(args);
    (server, url.strip_prefix("http://").unwrap().to_owned())
}

fn clients(address: &str) -> Vec<Value> {
    let (status, answer) = ask_for_json(address, "GET /clients", json!({}));
    assert_says(&status, &["200"]);
    answer["clients"].as_array().unwrap().clone()
}

/// Asks for the clients until they are as they should be.
#[track_caller]
fn wait_for_clients(address: &str, are_right: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let give_up = clock::now() + PATIENCE;
    loop {
        let clients = clients(address);
        if are_right(&clients) {
            return clients;
        }
        assert!(clock::now() < give_up, "{clients:?}");
        thread::sleep(A_MOMENT);
    }
}

/// A one-time token.
fn token(address: &str) -> String {
    let asking = "GET /challenges/websocket_chit_chat/problem?access_token=any";
    let (_, answer) = ask_for_json(address, asking, json!({}));
    answer["token"].as_str().unwrap().to_owned()
}

/// Answers pings until the server hangs up, and says how many there were.
fn answer_pings(mut client: Client) -> u32 {
    let mut pings = 0;
    while let Some(frame) = client.read() {
        if frame.opcode == Opcode::Ping {
            pings += 1;
            client.frame(Opcode::Pong, &frame.payload);
        }
    }
    pings
}

#[test]
fn the_echo_sends_every_message_back_also_through_a_network() {
    for args in [&[][..], &["--network", "lan"]] {
        let (_server, address) = listening(args);
        let mut client = Client::open(&address, "/echo");
        for (opcode, payload) in [
            (Opcode::Text, "söme text".as_bytes()),
            (Opcode::Text, b""),
            (Opcode::Binary, &[0, 255, 128]),
            (Opcode::Binary, &[7; 64 * 1024]),
        ] {
            client.frame(opcode, payload);
            assert_eq!(client.expect(opcode), payload);
        }
        client.frame(Opcode::Ping, b"are you there");
        assert_eq!(client.expect(Opcode::Pong), b"are you there");
        // What is sent all at once comes back in order.
        for number in 0..1000 {
            client.text(&number.to_string());
        }
        for number in 0..1000 {
            assert_eq!(client.expect(Opcode::Text), number.to_string().as_bytes());
        }
        client.frame(Opcode::Close, &1000_u16.to_be_bytes());
        assert_eq!(client.expect(Opcode::Close), 1000_u16.to_be_bytes());
        assert_eq!(client.read(), None);
    }
}

#[test]
fn a_message_that_is_too_big_is_refused_and_not_echoed() {
    let (_server, address) = listening(&[]);
    let mut client = Client::open(&address, "/echo");
    client.frame(Opcode::Binary, &[7; 64 * 1024 + 1]);
    let close = client.expect(Opcode::Close);
    assert_eq!(close[..2], 1009_u16.to_be_bytes());
    wait_for_clients(&address, <[_]>::is_empty);
}

#[test]
fn an_echo_is_a_websocket() {
    let (_server, address) = listening(&[]);
    let (status, answer) = ask_for_json(&address, "GET /echo", json!({}));
    assert_says(&status, &["426"]);
    assert_says(answer["error"].as_str().unwrap(), &["pgrade"]);
    let (status, _) = ask_for_json(&address, "POST /clients", json!({}));
    assert_says(&status, &["405"]);
    assert_eq!(clients(&address), [] as [Value; 0]);
}

#[test]
fn clients_of_every_route_are_listed_with_what_they_said() {
    let (_server, address) = listening(&["--rounds", "5000"]);
    let before = clock::wall();
    let mut echo = Client::open(&address, "/echo");
    // It is listed as soon as it knows that it is connected.
    assert_eq!(clients(&address)[0]["route"], "echo");
    let token = token(&address);
    let player = Program::solve_at(&format!("http://{address}"))
        .file("token", &token)
        .args(["--token-file", "token"])
        .start();
    echo.text("söme");
    echo.frame(Opcode::Binary, &[1, 2, 3]);
    echo.frame(Opcode::Ping, b"1234567");
    echo.frame(Opcode::Pong, b"unasked for");
    for opcode in [Opcode::Text, Opcode::Binary, Opcode::Pong] {
        echo.expect(opcode);
    }

    let listed = wait_for_clients(&address, |clients| {
        // The player has answered a beat.
        let frames_in = |of: usize| clients[of]["frames_in"].as_u64();
        clients.len() == 2 && frames_in(0) == Some(4) && frames_in(1) >= Some(1)
    });
    let after = clock::wall();
    for listed in &listed {
        let since = humantime::parse_rfc3339(listed["since"].as_str().unwrap()).unwrap();
        // It is cut to the millisecond.
        assert!(before <= since + Duration::from_millis(1), "{listed}");
        assert!(since <= after, "{listed}");
    }
    let local = echo.stream.local_addr().unwrap().to_string();
    let of_echo = json!({
        "id": 1, "route": "echo", "remote": local, "since": listed[0]["since"],
        "frames_in": 4, "frames_out": 3, "bytes_in": 26, "bytes_out": 15, "last_rtt_ms": null,
    });
    assert_eq!(listed[0], of_echo);
    let of_player = &listed[1];
    assert_eq!(of_player["id"], 2);
    assert_eq!(of_player["route"], "challenge");
    let remote: SocketAddr = of_player["remote"].as_str().unwrap().parse().unwrap();
    assert!(remote.ip().is_loopback() && remote.to_string() != local);
    // `hello!` and a beat at the least; every interval has three digits or more.
    assert!(of_player["frames_out"].as_u64() >= Some(2), "{of_player}");
    assert!(of_player["bytes_out"].as_u64() > Some(100), "{of_player}");
    assert!(of_player["bytes_in"].as_u64() >= Some(3), "{of_player}");
    let (head, body) = ask(&address, "GET /clients", "", "");
    assert_says(
        &head.to_lowercase(),
        &["cache-control: no-store", "application/json"],
    );
    assert!(!body.contains(&token), "{body}");

    // One goes properly, the other is killed.
    echo.frame(Opcode::Close, &1000_u16.to_be_bytes());
    echo.expect(Opcode::Close);
    let left = wait_for_clients(&address, |clients| clients.len() == 1);
    assert_eq!(left[0]["route"], "challenge");
    drop(player);
    wait_for_clients(&address, <[_]>::is_empty);
    // Ids are not used again.
    let _again = Client::open(&address, "/echo");
    assert_eq!(clients(&address)[0]["id"], 3);
}

#[test]
fn a_client_that_vanishes_is_dropped() {
    for network in [&[][..], &["--network", "lan"]] {
        let server = Program::new("serve")
            .args(["--listen", "127.0.0.1:0"])
            .args(IMPATIENT)
            .args(network)
            .env("RUST_LOG", "wsbeat=debug")
            .json();
        let mut server = server.start();
        let url = server.wait_for("listening")["url"].clone();
        let address = url.as_str().unwrap().strip_prefix("http://").unwrap();
        // They stay open, as far as this end knows, and say nothing.
        let mut echo = Client::open(address, "/echo");
        let mut player = Client::open(address, &format!("/_/ws/{}", token(address)));
        wait_for_clients(address, <[_]>::is_empty);
        let payload = echo.expect(Opcode::Ping);
        assert_says(&String::from_utf8(payload).unwrap(), &["keep-alive 1"]);
        for client in [&mut echo, &mut player] {
            let mut rest = Vec::new();
            client.stream.read_to_end(&mut rest).unwrap();
        }
        server.interrupt();
        let ran = server.end();
        ran.succeeded();
        assert_says(
            &ran.stderr,
            &["nothing came after a keep-alive ping", "conversation over"],
        );
        assert_eq!(ran.the("conversation")["result"], "broken_off");
    }
}

#[test]
fn a_client_that_answers_pings_stays_and_has_a_round_trip() {
    for network in [&[][..], &["--network", "lan"]] {
        // A busy machine may answer late.
        let args = [
            &["--keep-alive", "20ms", "--keep-alive-timeout", "1m"],
            network,
        ]
        .concat();
        let (server, address) = listening(&args);
        let client = Client::open(&address, "/echo");
        let answering = thread::spawn(|| answer_pings(client));
        let listed = wait_for_clients(&address, |clients| {
            clients[0]["frames_in"].as_u64() > Some(5)
        });
        let rtt = listed[0]["last_rtt_ms"].as_f64().unwrap();
        assert!(
            rtt > 0.0 && rtt < PATIENCE.as_secs_f64() * 1e3,
            "{listed:?}"
        );
        if !network.is_empty() {
            // Half a millisecond each way, at the least.
            assert!(rtt > 0.5, "{listed:?}");
        }
        server.interrupt();
        server.end().succeeded();
        assert!(answering.join().unwrap() > 5);
    }
}

#[test]
fn a_player_wins_with_keep_alive_pings_in_between() {
    let args = [
        "--keep-alive",
        "20ms",
        "--keep-alive-timeout",
        "1m",
        "--rounds",
        "2",
        "--seed",
        "5",
    ];
    let (server, url) = serve(&args);
    let address = url.strip_prefix("http://").unwrap().to_owned();
    let solving = Program::solve_at(&url).json().start();
    let listed = wait_for_clients(&address, |clients| {
        clients
            .first()
            .is_some_and(|client| client["last_rtt_ms"].is_number())
    });
    assert_eq!(listed[0]["route"], "challenge");
    let ran = solving.end();
    assert_eq!(ran.succeeded().summary()["outcome"], "solved");
    assert!(ran.all("note").is_empty(), "{ran:?}");
    wait_for_clients(&address, <[_]>::is_empty);
    server.interrupt();
    assert_eq!(server.end().the("conversation")["result"], "won");
}

#[test]
fn many_come_and_go_at_once() {
    const MANY: usize = 200;
    let (_server, address) = listening(&[]);
    let coming = (0..8).map(|thread| {
        let address = address.clone();
        thread::spawn(move || {
            let numbers = (0..MANY).skip(thread).step_by(8);
            let come = numbers.map(|number| {
                let mut client = Client::open(&address, "/echo");
                client.text(&number.to_string());
                assert_eq!(client.expect(Opcode::Text), number.to_string().as_bytes());
                client
            });
            come.collect::<Vec<_>>()
        })
    });
    let coming: Vec<_> = coming.collect();
    let came = coming.into_iter().flat_map(|coming| coming.join().unwrap());
    let mut came: Vec<Client> = came.collect();
    let listed = wait_for_clients(&address, |clients| {
        clients.iter().all(|client| client["frames_out"] == 1)
    });
    let ids: Vec<_> = listed
        .iter()
        .map(|client| client["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, (1..=MANY as u64).collect::<Vec<_>>());

    for (number, client) in came.iter_mut().enumerate() {
        match number % 3 {
            0 => client.frame(Opcode::Close, &1000_u16.to_be_bytes()),
            1 => reset_when_dropped(&client.stream),
            // It hangs up without a word.
            _ => {}
        }
    }
    drop(came);
    wait_for_clients(&address, <[_]>::is_empty);
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_sends_and_never_reads_is_held_back_and_then_dropped() {
    let (server, address) = listening(&[]);
    let mut patient = Client::open(&address, "/echo");
    let flooding = Client::open(&address, "/echo");
    let before = server.peak_memory();
    // It writes on until the server has had enough of it.
    let flood = thread::spawn(move || flooding.flood());
    let (mut answered, give_up) = (0, clock::now() + PATIENCE);
    while !flood.is_finished() {
        patient.text("and me?");
        assert_eq!(patient.expect(Opcode::Text), b"and me?");
        answered += 1;
        assert!(clock::now() < give_up, "it is not dropped");
        thread::sleep(A_MOMENT);
    }
    assert!(answered > 0);
    // What it sent waits in the sockets of both ends: the server has taken in one message of it.
    let sent = flood.join().unwrap();
    let grown = server.peak_memory() - before;
    assert!(grown < 8 * 1024, "{grown} KiB more, of {sent} bytes");
    let left = wait_for_clients(&address, |clients| clients.len() == 1);
    assert_eq!(left[0]["id"], 1);
}

#[test]
fn times_that_are_none_are_usage_errors() {
    for (option, wrong) in [
        ("--keep-alive", "0"),
        ("--keep-alive", "sometimes"),
        ("--keep-alive", "1us"),
        ("--keep-alive", "-5s"),
        ("--keep-alive-timeout", "0s"),
        ("--keep-alive-timeout", "never"),
        ("--keep-alive-timeout", ""),
    ] {
        let given = format!("{option}={wrong}");
        let ran = Program::new("serve").args([&given]).run();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert_says(&ran.stderr, &[option]);
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }
}

#[test]
fn one_that_never_asks_listens_all_the_same() {
    let (server, address) = listening(&["--keep-alive", "never"]);
    let mut client = Client::open(&address, "/echo");
    client.text("still here");
    assert_eq!(client.expect(Opcode::Text), b"still here");
    server.interrupt();
    server.end().succeeded();
}
