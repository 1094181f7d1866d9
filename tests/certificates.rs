//! Servers behind TLS, as the program's users meet them: whom to trust, and what to do about those
//! who are not.

#![cfg(unix)]

mod support;

use rustls::version::{TLS12, TLS13};
use support::{
    ISSUER, Presents, Program, Reply, SECRET, Script, TlsFront, assert_says, hold, socket_url,
};

#[test]
fn a_private_authority_is_trusted_when_it_is_given() {
    let server = Script::leaving().start();
    let front = TlsFront::start(server.address());
    for host in ["localhost", "127.0.0.1"] {
        let ran = Program::replay_at_front(&front, host)
            .args(["--ca-cert", "ca.pem"])
            .run();
        let open = ran.succeeded().the("open");
        assert!(open["tls_ms"].is_f64() && open["proxy"].is_null(), "{open}");
    }
    let ran = Program::replay_at_front(&front, "localhost").run();
    let words = [
        "the TLS handshake with localhost:",
        "it is for localhost, server.test, 127.0.0.1",
        ISSUER,
        "not trusted",
        "--ca-cert",
    ];
    assert_says(&ran.failed(4, "unreachable"), &words);
    assert_eq!(server.upgrades().len(), 2);
}

#[test]
fn the_calls_of_solve_trust_whom_its_websocket_trusts() {
    let server = Script::winning(1).start();
    let front = TlsFront::start(server.address());
    let ran = Program::solve_at_front(&front, "localhost")
        .args(["--ca-cert", "ca.pem"])
        .run();
    assert_eq!(ran.succeeded().summary()["secret"], SECRET);
    let ran = Program::solve_at_front(&front, "localhost")
        .args(["--insecure"])
        .run();
    ran.succeeded();
    let websocket = Program::replay_at_front(&front, "localhost").run();
    let ran = Program::solve_at_front(&front, "localhost").run();
    let cause = ran.failed(4, "unreachable");
    assert_says(&cause, &["fetching a one-time token"]);
    let (_, sentence) = cause.split_once("its certificate").unwrap();
    assert_says(&websocket.failed(4, "unreachable"), &[sentence]);
    assert_eq!(server.problems().len(), 2);
}

#[test]
fn certificates_are_refused_each_with_its_advice() {
    let server = Script::leaving().start();
    let all: [(Presents, &[&str]); 4] = [
        (
            Presents::Expired,
            &["expired at", "2020", "clock", "--insecure"],
        ),
        (
            Presents::NotYetValid,
            &["not valid before", "2100", "clock"],
        ),
        (
            Presents::WrongName,
            &["for elsewhere.test,", "is not for localhost", "--resolve"],
        ),
        (
            Presents::Authority,
            &["of an authority", "another certificate", "--insecure"],
        ),
    ];
    for (presents, words) in all {
        let front = TlsFront::presenting(presents, server.address());
        let run = |arg| {
            let arguments: &[&str] = arg;
            Program::replay_at_front(&front, "localhost")
                .args(arguments)
                .run()
        };
        let cause = run(&["--ca-cert", "ca.pem"]).failed(4, "unreachable");
        assert_says(&cause, words);
        assert!(!cause.contains("--ca-cert"), "{cause}");

        let ran = run(&["--insecure"]);
        assert_says(&ran.stderr, &["wsbeat: --insecure"]);
        ran.succeeded();
    }
    // As the advice says, a name that the certificate is for, at the address of the server.
    let front = TlsFront::presenting(Presents::WrongName, server.address());
    let resolve = format!("elsewhere.test:{}:127.0.0.1", front.port());
    let ran = Program::replay_at_front(&front, "elsewhere.test")
        .args(["--ca-cert", "ca.pem", "--resolve", &resolve])
        .run();
    assert!(ran.succeeded().the("open")["dns_ms"].is_null());
}

#[test]
fn a_name_that_does_not_count_is_told_as_such() {
    let server = Script::leaving().start();
    let all: [(Presents, &str, &[&str]); 2] = [
        (
            Presents::CommonName,
            "localhost",
            &[
                "it is for no name at all (its Common Name, localhost, does not count)",
                "is not for localhost: it stands in the Common Name only",
                "RFC 9525",
                "subjectAltName",
                "--insecure",
            ],
        ),
        (
            Presents::AddressAsDnsName,
            "127.0.0.1",
            &[
                "it is for 127.0.0.1 (as a DNS name, which does not count), was",
                "is not for 127.0.0.1: an address has to be among its IP addresses",
                "RFC 9525",
                "subjectAltName",
                "--insecure",
            ],
        ),
    ];
    for (presents, host, words) in all {
        let front = TlsFront::presenting(presents, server.address());
        let replay = Program::replay_at_front(&front, host).args(["--ca-cert", "ca.pem"]);
        let solve = Program::solve_at_front(&front, host).args(["--ca-cert", "ca.pem"]);
        for program in [replay, solve] {
            let cause = program.run().failed(4, "unreachable");
            assert_says(&cause, words);
            assert!(!cause.contains("--resolve"), "{cause}");
        }
        // Who does not trust the authority either is told of both at once.
        let ran = Program::replay_at_front(&front, host).run();
        let words = ["does not count", "not trusted", "--ca-cert"];
        assert_says(&ran.failed(4, "unreachable"), &words);
    }
}

#[test]
fn a_server_that_wants_a_client_certificate_is_told_as_such() {
    let server = Script::leaving().start();
    for version in [&TLS12, &TLS13] {
        let front = TlsFront::presenting(Presents::GoodToKnown(version), server.address());
        let replay = Program::replay_at_front(&front, "localhost").args(["--ca-cert", "ca.pem"]);
        let careless = Program::replay_at_front(&front, "localhost").args(["--insecure"]);
        let solve = Program::solve_at_front(&front, "localhost").args(["--ca-cert", "ca.pem"]);
        for program in [replay, careless, solve] {
            let cause = program.run().failed(4, "unreachable");
            let words = [
                "the server asked for a client certificate, of which wsbeat has none",
                "CertificateRequired",
                "stunnel",
            ];
            assert_says(&cause, &words);
        }
    }
    assert!(server.upgrades().is_empty() && server.problems().is_empty());
}

#[test]
fn a_server_that_asks_for_a_client_certificate_and_hangs_up_is_told_as_such() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        for _ in 0..2 {
            drop(listener.accept().unwrap());
        }
    });
    let front = TlsFront::presenting(Presents::GoodAndAsks, address);
    let replay = Program::replay_at_front(&front, "localhost").args(["--ca-cert", "ca.pem"]);
    let solve = Program::solve_at_front(&front, "localhost").args(["--ca-cert", "ca.pem"]);
    for program in [replay, solve] {
        let cause = program.run().failed(4, "unreachable");
        assert_says(&cause, &["the server asked for a client certificate"]);
    }
    serving.join().unwrap();
    // One that only asks, and does without, is a server as any other.
    let server = Script::winning(1).start();
    let front = TlsFront::presenting(Presents::GoodAndAsks, server.address());
    let solve = Program::solve_at_front(&front, "localhost").args(["--ca-cert", "ca.pem"]);
    assert_eq!(solve.run().succeeded().summary()["secret"], SECRET);
}

#[test]
fn tls_and_plain_text_are_told_apart() {
    let server = Script::leaving().start();
    let front = TlsFront::start(server.address());
    let ran = Program::replay(&socket_url("ws", "localhost", front.port())).run();
    let words = ["does not speak HTTP", "wss://"];
    assert_says(&ran.failed(5, "protocol"), &words);

    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = plain.accept().unwrap();
            Reply::status("400 Bad Request", "what?").send(&mut stream);
            hold(&mut stream);
        }
    });
    let ran = Program::replay(&socket_url("wss", "localhost", port)).run();
    let words = ["does not speak TLS", "ws:// rather than wss://"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    let ran = Program::solve_at(&format!("https://localhost:{port}"))
        .json()
        .run();
    let words = ["does not speak TLS", "http:// rather than https://"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    serving.join().unwrap();
}

#[test]
fn a_server_that_hangs_up_may_want_the_other_scheme() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        for _ in 0..2 {
            drop(listener.accept().unwrap());
        }
    });
    let ran = Program::replay(&socket_url("ws", "127.0.0.1", port)).run();
    let words = ["the WebSocket upgrade at", "wss:// rather than ws://"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    let ran = Program::replay(&socket_url("wss", "127.0.0.1", port)).run();
    let words = ["the TLS handshake with", "speak TLS there?"];
    assert_says(&ran.failed(4, "unreachable"), &words);
    serving.join().unwrap();
}
