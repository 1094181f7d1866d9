//! `wsbeat ping` against the WebSocket libraries that people build their services on.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use support::Program;

/// Python's `websockets`, echoing.
const WEBSOCKETS: &str = r#"
import asyncio
from websockets.asyncio.server import serve

async def echo(socket):
    async for message in socket:
        await socket.send(message)

async def main():
    async with serve(echo, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

asyncio.run(main())
"#;

/// Node's `ws`, echoing.
const WS: &str = r#"
const { WebSocketServer } = require("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
"#;

/// A server in a process of its own, which is killed when the test is over.
struct Foreign {
    process: Child,
    url: String,
}

impl Foreign {
    /// Runs a script that prints the port that it listens on.
    fn run(interpreter: &str, arguments: [&str; 2]) -> Self {
        let mut process = Command::new(interpreter)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{interpreter} on the PATH: {error}"));
        let mut port = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut port).unwrap();
        let port: u16 = port.trim().parse().expect("the library is installed");
        Foreign {
            process,
            url: format!("ws://127.0.0.1:{port}/"),
        }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The library answers Ping frames, and the application echoes messages.
fn pings_and_messages_come_back(server: &Foreign) {
    for medium in ["frames", "messages"] {
        let mut program = Program::new("ping").args([&server.url, "-c", "50", "-i", "4ms"]);
        if medium == "messages" {
            program = program.args(["--echo"]);
        }
        let ran = program.json().run();
        ran.succeeded();
        assert_eq!(ran.the("pinging")["medium"], medium);
        let summary = ran.summary();
        assert_eq!(summary["sent"], 50, "{summary}");
        assert_eq!(summary["received"], 50, "{summary}");
        assert_eq!(summary["invented"], 0, "{summary}");
        assert_eq!(summary["doubled"], 0, "{summary}");
    }
}

#[test]
#[ignore = "needs python3 with websockets on the PATH: pip install websockets"]
fn python_websockets() {
    let server = Foreign::run("python3", ["-c", WEBSOCKETS]);
    pings_and_messages_come_back(&server);
}

#[test]
#[ignore = "needs node on the PATH and its ws on the NODE_PATH: npm install ws"]
fn node_ws() {
    let server = Foreign::run("node", ["-e", WS]);
    pings_and_messages_come_back(&server);
}
