//! A chat within the test, and guests by hand: many of them at once, so that these are asynchronous,
//! unlike the rest. What should happen and does not ends in a panic all the same.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{WebSocketStream, client_async};
use wsbeat::conversation::chat::{ErrorCode, GuestMessage, Rate, RoomMessage};
use wsbeat::conversation::latency::KeepAliveSettings;
use wsbeat::link::{Stop, Stopper};
use wsbeat::server::{ChatSettings, Server, Settings};

use super::PATIENCE;

/// A rate that nobody reaches.
pub const ANY_RATE: Rate = Rate {
    messages: NonZeroU32::MAX,
    per: Duration::from_millis(1),
};

/// A server within the test.
pub struct Chat {
    pub address: SocketAddr,
    pub stopper: Stopper,
    pub running: JoinHandle<()>,
}

impl Chat {
    pub async fn open(chat: ChatSettings, keep_alive: Option<KeepAliveSettings>) -> Self {
        let listen = "127.0.0.1:0".parse().unwrap();
        let settings = Settings {
            keep_alive,
            chat,
            ..Settings::new(listen, NonZeroU32::MIN, 1, [1; 32])
        };
        let server = Server::bind(settings).await.unwrap();
        let address = server.address().unwrap();
        let (stopper, stop) = Stop::channel();
        Chat {
            address,
            stopper,
            running: tokio::spawn(server.run(stop, |_| {})),
        }
    }

    pub async fn guest(&self, channel: &str) -> Guest {
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.guest_on(stream, channel).await
    }

    pub async fn guest_on(&self, stream: TcpStream, channel: &str) -> Guest {
        let url = format!("ws://{}/chat/{channel}", self.address);
        let (socket, _) = within(client_async(url, stream)).await.unwrap();
        Guest { socket }
    }

    /// A guest that has got its name.
    pub async fn person(&self, channel: &str, name: &str) -> Guest {
        let mut guest = self.guest(channel).await;
        guest.claim(name).await;
        guest
    }
}

pub async fn within<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.expect("it takes too long")
}

/// A guest by hand.
pub struct Guest {
    pub socket: WebSocketStream<TcpStream>,
}

impl Guest {
    pub async fn say(&mut self, message: GuestMessage) {
        let frame = Frame::text(message.to_string());
        within(self.socket.send(frame)).await.unwrap();
    }

    pub async fn speak(&mut self, text: &str) {
        let text = text.to_owned();
        self.say(GuestMessage::Message { text }).await;
    }

    /// What comes next; `None` once the connection has ended.
    pub async fn read(&mut self) -> Option<RoomMessage> {
        loop {
            match within(self.socket.next()).await? {
                Ok(Frame::Text(text)) => return Some(RoomMessage::parse(&text).unwrap()),
                Ok(Frame::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// What comes next, with heartbeats answered; `None` once the connection has ended.
    pub async fn hear(&mut self) -> Option<RoomMessage> {
        loop {
            match self.read().await? {
                RoomMessage::Heartbeat { .. } => self.say(GuestMessage::Heartbeat {}).await,
                message => return Some(message),
            }
        }
    }

    /// Sends this, and waits until it is refused.
    pub async fn is_refused(&mut self, frame: Frame, expected: ErrorCode) {
        within(self.socket.send(frame.clone())).await.unwrap();
        loop {
            if let RoomMessage::Error { code, .. } = self.hear().await.unwrap() {
                return assert_eq!(code, expected, "{frame:?}");
            }
        }
    }

    pub async fn claim(&mut self, name: &str) {
        let user = name.to_owned();
        self.say(GuestMessage::Identity { user }).await;
        loop {
            match self.hear().await.unwrap() {
                RoomMessage::Identity { success } => break assert!(success),
                RoomMessage::Error { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
    }

    /// Waits until the room has sent this back, with that name.
    pub async fn hears(&mut self, name: &str, words: &str) {
        loop {
            match self.hear().await.expect("the connection stays") {
                RoomMessage::Message { user, text, .. } if user == name && text == words => return,
                RoomMessage::Error { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
    }

    pub async fn join(&mut self, channel: &str) {
        let id = channel.to_owned();
        self.say(GuestMessage::Join { id }).await;
        loop {
            match self.hear().await.unwrap() {
                RoomMessage::Identity { success } => break assert!(success),
                RoomMessage::Error { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
    }

    /// The code of the Close frame that comes once all else has been read.
    pub async fn close_code(mut self) -> Option<u16> {
        loop {
            match within(self.socket.next()).await? {
                Ok(Frame::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
