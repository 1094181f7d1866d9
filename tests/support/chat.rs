//! A room by hand: a scripted server's side of a chat.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::socket::encode;
use super::{Opcode, Program, Ran, Running, Socket, serve};

/// When everything is said that a scripted room says.
const MOMENT: i64 = 1_795_264_496;

/// `wsbeat chat` as alice, in JSON.
pub fn chat(url: &str) -> Program {
    Program::new("chat").args([url, "--name", "alice"]).json()
}

/// A real server, and the address of one of its channels.
pub fn room() -> (Running, String) {
    let (server, url) = serve(&[]);
    (
        server,
        format!("{}/chat/fishing", url.replace("http", "ws")),
    )
}

/// Who has said what, and how it came to be heard.
pub fn messages(ran: &Ran) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let messages = ran.all("message");
    let messages = messages
        .iter()
        .map(|it| (text(&it["user"]), text(&it["text"]), text(&it["how"])));
    messages.collect()
}

pub fn said(lines: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let owned = |(user, text, how): &(&str, &str, &str)| {
        ((*user).to_owned(), (*text).to_owned(), (*how).to_owned())
    };
    lines.iter().map(owned).collect()
}

/// What a room says and hears over an open WebSocket.
pub struct Talk<'a>(pub &'a mut Socket);

impl Talk<'_> {
    pub fn say(&mut self, message: Value) {
        self.0.text(&message.to_string());
    }

    /// Reads a message of the guest.
    #[track_caller]
    pub fn hear(&mut self) -> Value {
        let frame = self.0.read().expect("the guest says something");
        assert_eq!(frame.opcode, Opcode::Text, "{frame:?}");
        serde_json::from_slice(&frame.payload).unwrap()
    }

    /// Reads a message of a type.
    #[track_caller]
    pub fn expect(&mut self, kind: &str) -> Value {
        let heard = self.hear();
        assert_eq!(heard["type"], kind, "{heard}");
        heard
    }

    /// Somebody says something.
    pub fn message(&mut self, user: &str, text: &str) {
        self.say(json!({"type": "message", "user": user, "text": text, "timestamp": MOMENT}));
    }

    /// Lets the guest in, to whom these messages are repeated, and gives it the name that it wants.
    #[track_caller]
    pub fn welcome(&mut self, history: &[(&str, &str)]) -> String {
        self.say(json!({"type": "connection", "id": "fishing"}));
        for (user, text) in history {
            self.message(user, text);
        }
        self.say(json!({"type": "presence", "came": [], "went": [], "total": 0}));
        let user = self.expect("identity")["user"].clone();
        self.say(json!({"type": "identity", "success": "true"}));
        self.say(json!({"type": "presence", "came": [user], "went": [], "total": 1}));
        user.as_str().unwrap().to_owned()
    }

    /// Somebody goes on and on, until the guest is gone.
    pub fn chatter(&mut self) {
        let said = json!({
            "type": "message", "user": "bob", "text": "and so on", "timestamp": MOMENT,
        });
        let frame = encode(true, Opcode::Text, None, said.to_string().as_bytes());
        while self.0.raw(&frame).is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Reads a line of the guest, without sending it back.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let text = self.expect("message")["text"].clone();
        text.as_str().unwrap().to_owned()
    }

    /// Reads a line of the guest, and sends it back; `None` if the guest takes its leave, which is
    /// answered.
    #[track_caller]
    pub fn echo_or_close(&mut self, user: &str) -> Option<String> {
        let frame = self.0.read().expect("the guest says something");
        if frame.opcode == Opcode::Close {
            self.0.close(1000, "");
            return None;
        }
        let heard: Value = serde_json::from_slice(&frame.payload).unwrap();
        let text = heard["text"].as_str().unwrap_or_else(|| panic!("{heard}"));
        self.message(user, text);
        Some(text.to_owned())
    }

    /// Reads a line of the guest, and sends it back.
    #[track_caller]
    pub fn echo(&mut self, user: &str) -> String {
        let text = self.line();
        self.message(user, &text);
        text
    }
}
