//! A registrant by hand: signs with ed25519-dalek what it is challenged with, and knows nothing of the
//! program's own parties and messages. Asynchronous, like the guests of a [`Chat`](super::Chat).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::within;

/// A client of a registration, and the key that it has.
pub struct Registrant<S = TcpStream> {
    pub socket: WebSocketStream<S>,
    pub key: SigningKey,
}

/// What comes over a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    Message(Value),
    /// The code and the reason of a Close frame.
    Close(u16, String),
    /// The connection has ended.
    End,
}

impl Registrant {
    /// Connects to a server by this name of its, which goes into the `Host` header.
    pub async fn connect(address: &str, host: &str, key: u8) -> Self {
        let stream = within(TcpStream::connect(address)).await.unwrap();
        let asked = Registrant::ask(stream, &format!("ws://{host}/register"), key).await;
        asked.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Connects and registers.
    pub async fn registered(address: &str, key: u8) -> Self {
        let mut registrant = Registrant::connect(address, address, key).await;
        registrant.register().await;
        registrant
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Registrant<S> {
    /// Asks for a registration over a connection.
    pub async fn ask(stream: S, url: &str, key: u8) -> tungstenite::Result<Self> {
        let (socket, _) = within(client_async(url, stream)).await?;
        Ok(Registrant {
            socket,
            key: signing_key(key),
        })
    }

    pub async fn next(&mut self) -> Heard {
        loop {
            match within(self.socket.next()).await {
                Some(Ok(Frame::Text(text))) => {
                    return Heard::Message(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Frame::Close(Some(frame)))) => {
                    return Heard::Close(frame.code.into(), frame.reason.as_str().to_owned());
                }
                // What stands for no code (RFC 6455 section 7.4.1).
                Some(Ok(Frame::Close(None))) => return Heard::Close(1005, String::new()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::End,
            }
        }
    }

    /// The message that comes next.
    #[track_caller]
    pub fn hear(&mut self) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            match self.next().await {
                Heard::Message(message) => message,
                other => panic!("{other:?}, at {caller}"),
            }
        }
    }

    /// The code and the reason of the Close frame that comes once all else has been read.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Heard::Message(_) => {}
                Heard::Close(code, reason) => return (code, reason),
                Heard::End => panic!("no Close frame"),
            }
        }
    }

    pub async fn send(&mut self, message: &Value) {
        let frame = Frame::text(message.to_string());
        within(self.socket.send(frame)).await.unwrap();
    }

    /// What proves that the private key is here.
    pub fn answer(&self, challenge: &str) -> Value {
        let signature = self.key.sign(challenge.as_bytes());
        json!({
            "publicKey": public(&self.key),
            "response": URL_SAFE_NO_PAD.encode(signature.to_bytes()),
        })
    }

    /// The challenge that comes next.
    pub async fn challenge(&mut self) -> String {
        challenge_in(&self.hear().await)
    }

    /// Answers the challenge that comes next, and is accepted.
    pub async fn register(&mut self) {
        let challenge = self.challenge().await;
        let answer = self.answer(&challenge);
        self.send(&answer).await;
        let mut expected = answer;
        expected["accepted"] = true.into();
        assert_eq!(self.hear().await, expected);
    }

    /// Says something to all others, and gives what the server says to that.
    pub async fn say(&mut self, text: &str) -> Value {
        self.send(&json!({ "text": text })).await;
        self.hear().await
    }

    /// Says something to one key, and gives what the server says to that.
    pub async fn say_to(&mut self, key: &str, text: &str) -> Value {
        self.send(&json!({ "text": text, "to": key })).await;
        self.hear().await
    }

    /// Its public key, as it is written.
    pub fn name(&self) -> String {
        public(&self.key)
    }
}

/// The private key of this number.
pub fn signing_key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// The public key to a private one, as it is written.
pub fn public(key: &SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes())
}

/// The challenge that a message holds.
pub fn challenge_in(message: &Value) -> String {
    let challenge = message["challenge"].as_str();
    challenge.unwrap_or_else(|| panic!("{message}")).to_owned()
}
