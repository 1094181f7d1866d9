//! The chat among foreign WebSocket clients: each of them in one channel with `wsbeat chat`.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use support::{Program, serve};

/// Python's `websockets`: what is piped in is sent, line by line, and what comes is printed.
const WEBSOCKETS: &str = r#"
import asyncio, sys
from websockets.asyncio.client import connect

async def main():
    async with connect(sys.argv[1]) as socket:
        async def say():
            loop = asyncio.get_running_loop()
            while line := await loop.run_in_executor(None, sys.stdin.readline):
                await socket.send(line.strip())
            await socket.close()
        saying = asyncio.create_task(say())
        async for message in socket:
            print(message, flush=True)
        await saying

asyncio.run(main())
"#;

/// Node's `ws`, the same.
const WS: &str = r#"
const { WebSocket } = require("ws");
const socket = new WebSocket(process.argv[1]);
socket.on("open", () => {
  const lines = require("readline").createInterface({ input: process.stdin });
  lines.on("line", (line) => socket.send(line));
  lines.on("close", () => socket.close(1000));
});
socket.on("message", (data) => console.log(data.toString()));
"#;

/// A foreign client, which is killed when the test is over.
struct Foreign {
    process: Child,
    says: ChildStdin,
    hears: BufReader<ChildStdout>,
}

impl Foreign {
    fn run(program: &str, arguments: &[&str]) -> Self {
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} on the PATH: {error}"));
        Foreign {
            says: process.stdin.take().unwrap(),
            hears: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    fn say(&mut self, message: Value) {
        writeln!(self.says, "{message}").unwrap();
    }

    /// Reads on until this comes, and answers heartbeats meanwhile.
    #[track_caller]
    fn hear(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let mut line = String::new();
            let length = self.hears.read_line(&mut line).unwrap();
            assert!(length > 0, "the client has ended");
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["type"] == "heartbeat" {
                self.say(json!({"type": "heartbeat"}));
            }
            if is_it(&message) {
                return message;
            }
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

/// The foreign client gets a name and keeps it over heartbeats, the two hear each other, and each
/// sees the other come and go.
fn talks_with_wsbeat_chat(run: impl FnOnce(&str) -> Foreign) {
    let (_server, base) = serve(&["--heartbeat", "300ms", "--heartbeat-timeout", "30s"]);
    let url = format!("{}/chat/fishing", base.replacen("http", "ws", 1));
    let mut foreign = run(&url);
    foreign.hear(|it| *it == json!({"type": "connection", "id": "fishing"}));
    foreign.say(json!({"type": "identity", "user": "stranger"}));
    foreign.hear(|it| *it == json!({"type": "identity", "success": "true"}));

    let mut ours = Program::new("chat")
        .args([&url, "--name", "ann", "--stay"])
        .json()
        .input("göod morning\n")
        .start();
    foreign.hear(|it| it["came"] == json!(["ann"]));
    let heard = foreign.hear(|it| it["type"] == "message");
    assert_eq!(heard["user"], "ann");
    assert_eq!(heard["text"], "göod morning");
    assert!(heard["timestamp"].as_i64() > Some(1_700_000_000), "{heard}");
    for _ in 0..3 {
        foreign.hear(|it| *it == json!({"type": "heartbeat", "authenticated": "true"}));
    }
    foreign.say(json!({"type": "message", "text": "tight lines"}));
    foreign.hear(|it| it["text"] == "tight lines");
    let item = ours.wait_for("tight lines");
    assert_eq!(item["user"], "stranger");
    assert_eq!(item["how"], "live");

    drop(foreign);
    ours.wait_for("\"went\":[\"stranger\"]");
    ours.interrupt();
    let ran = ours.end();
    ran.succeeded();
    assert_eq!(ran.summary()["sent"], 1);
    assert_eq!(ran.summary()["received"], 1);
}

#[test]
#[ignore = "needs websocat on the PATH: cargo install websocat --version '^1'"]
fn websocat() {
    talks_with_wsbeat_chat(|url| Foreign::run("websocat", &["-t", "-", url]));
}

#[test]
#[ignore = "needs python3 with websockets on the PATH: pip install websockets"]
fn python_websockets() {
    talks_with_wsbeat_chat(|url| Foreign::run("python3", &["-c", WEBSOCKETS, url]));
}

#[test]
#[ignore = "needs node on the PATH and its ws on the NODE_PATH: npm install ws"]
fn node_ws() {
    talks_with_wsbeat_chat(|url| Foreign::run("node", &["-e", WS, url]));
}
