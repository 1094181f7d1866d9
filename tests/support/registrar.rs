//! A registrar by hand: a scripted server's side of a registration.

use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};

use super::{Opcode, Program, Running, Socket, serve};

/// A nonce that a scripted registrar asks for: good for as long as it does not have to be random.
pub const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Another one.
pub const ANOTHER_NONCE: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";

/// The key of somebody else.
pub const SOMEBODY: &str = "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmE";

/// `wsbeat register`, in JSON.
pub fn register(url: &str) -> Program {
    Program::new("register").args([url]).json()
}

/// A real server, and the address of its registration.
pub fn registrar(args: &[&str]) -> (Running, String) {
    let (server, url) = serve(args);
    (server, format!("{}/register", url.replace("http", "ws")))
}

/// What a registrar says and hears over an open WebSocket.
pub struct Registrar<'a> {
    pub socket: &'a mut Socket,
    host: String,
}

/// An answer to a challenge.
#[derive(Clone, Debug)]
pub struct Answer {
    pub public_key: String,
    pub response: String,
}

impl<'a> Registrar<'a> {
    /// The registrar at the server's end of this connection.
    pub fn new(socket: &'a mut Socket) -> Self {
        let host = socket.stream().local_addr().unwrap().to_string();
        Registrar { socket, host }
    }

    /// The same, under another name than its address.
    pub fn called(self, host: &str) -> Self {
        let host = host.to_owned();
        Registrar { host, ..self }
    }

    /// The string that is to be signed.
    pub fn challenge(&self, nonce: &str) -> String {
        format!("wsbeat-registration-v1:{}:{nonce}", self.host)
    }

    pub fn say(&mut self, message: Value) {
        self.socket.text(&message.to_string());
    }

    /// Reads a message of the registrant.
    #[track_caller]
    pub fn hear(&mut self) -> Value {
        let frame = self.socket.read().expect("the registrant says something");
        assert_eq!(frame.opcode, Opcode::Text, "{frame:?}");
        serde_json::from_slice(&frame.payload).unwrap()
    }

    /// Reads a message of the registrant; `None` if that takes its leave, which is answered.
    #[track_caller]
    pub fn hear_or_close(&mut self) -> Option<Value> {
        let frame = self.socket.read().expect("the registrant says something");
        if frame.opcode == Opcode::Close {
            self.socket.close(1000, "");
            return None;
        }
        Some(serde_json::from_slice(&frame.payload).unwrap())
    }

    /// Challenges.
    pub fn ask(&mut self, nonce: &str) {
        let challenge = self.challenge(nonce);
        self.say(json!({ "challenge": challenge }));
    }

    /// Reads an answer, which has to be a right one to the challenge with this nonce.
    #[track_caller]
    pub fn answer(&mut self, nonce: &str) -> Answer {
        let heard = self.hear();
        let text = |name: &str| heard[name].as_str().unwrap_or_else(|| panic!("{heard}"));
        let (public_key, response) = (text("publicKey"), text("response"));
        let key = VerifyingKey::from_bytes(&bytes(public_key)).unwrap();
        let signature = Signature::from_bytes(&bytes(response));
        let challenge = self.challenge(nonce);
        key.verify_strict(challenge.as_bytes(), &signature).unwrap();
        Answer {
            public_key: public_key.to_owned(),
            response: response.to_owned(),
        }
    }

    /// Takes an answer.
    pub fn accept(&mut self, answer: &Answer) {
        let Answer {
            public_key,
            response,
        } = answer;
        self.say(json!({"publicKey": public_key, "response": response, "accepted": true}));
    }

    /// Takes no answer, and challenges again.
    pub fn reject(&mut self, answer: &Answer, retries: u32, nonce: &str) {
        let Answer {
            public_key,
            response,
        } = answer;
        let challenge = self.challenge(nonce);
        self.say(json!({
            "publicKey": public_key, "response": response, "accepted": false,
            "retries": retries, "challenge": challenge,
        }));
    }

    /// Registers whoever is there, and gives the key.
    #[track_caller]
    pub fn welcome(&mut self) -> String {
        self.ask(NONCE);
        let answer = self.answer(NONCE);
        self.accept(&answer);
        answer.public_key
    }

    /// Reads a line.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let heard = self.hear();
        heard["text"]
            .as_str()
            .unwrap_or_else(|| panic!("{heard}"))
            .to_owned()
    }
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text);
    bytes.unwrap().try_into().unwrap()
}
