//! The chat of the server, with many guests at once, and with guests that behave badly.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::tungstenite::{Bytes, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async};
use wsbeat::conversation::chat::{ErrorCode, GuestMessage, Rate, RoomMessage, RoomsSettings};
use wsbeat::conversation::latency::KeepAliveSettings;
use wsbeat::link::{Stop, StopReason, Stopper};
use wsbeat::server::{ChatSettings, Server, Settings};

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A rate that nobody reaches.
const ANY_RATE: Rate = Rate {
    messages: NonZeroU32::MAX,
    per: Duration::from_millis(1),
};

/// A server within the test.
struct Chat {
    address: SocketAddr,
    stopper: Stopper,
    running: JoinHandle<()>,
}

impl Chat {
    async fn open(chat: ChatSettings, keep_alive: Option<KeepAliveSettings>) -> Self {
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

    async fn guest(&self, channel: &str) -> Guest {
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.guest_on(stream, channel).await
    }

    async fn guest_on(&self, stream: TcpStream, channel: &str) -> Guest {
        let url = format!("ws://{}/chat/{channel}", self.address);
        let (socket, _) = within(client_async(url, stream)).await.unwrap();
        Guest { socket }
    }

    /// A guest that has got its name.
    async fn person(&self, channel: &str, name: &str) -> Guest {
        let mut guest = self.guest(channel).await;
        guest.claim(name).await;
        guest
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.expect("it takes too long")
}

/// A guest by hand.
struct Guest {
    socket: WebSocketStream<TcpStream>,
}

impl Guest {
    async fn say(&mut self, message: GuestMessage) {
        let frame = Frame::text(message.to_string());
        within(self.socket.send(frame)).await.unwrap();
    }

    async fn speak(&mut self, text: &str) {
        let text = text.to_owned();
        self.say(GuestMessage::Message { text }).await;
    }

    /// What comes next, with heartbeats answered; `None` once the connection has ended.
    async fn hear(&mut self) -> Option<RoomMessage> {
        loop {
            let text = match within(self.socket.next()).await? {
                Ok(Frame::Text(text)) => text,
                Ok(Frame::Close(_)) | Err(_) => return None,
                Ok(_) => continue,
            };
            match RoomMessage::parse(&text).unwrap() {
                RoomMessage::Heartbeat { .. } => self.say(GuestMessage::Heartbeat {}).await,
                message => return Some(message),
            }
        }
    }

    async fn claim(&mut self, name: &str) {
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
    async fn hears(&mut self, name: &str, words: &str) {
        loop {
            match self.hear().await.expect("the connection stays") {
                RoomMessage::Message { user, text, .. } if user == name && text == words => return,
                RoomMessage::Error { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
    }

    async fn join(&mut self, channel: &str) {
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
    async fn close_code(mut self) -> Option<u16> {
        loop {
            match within(self.socket.next()).await? {
                Ok(Frame::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}

/// How a guest takes leave.
#[derive(Clone, Copy)]
enum Leave {
    /// With a Close frame.
    Closed,
    /// With a reset.
    Reset,
    /// Not at all: its machine is gone, and nobody says so.
    HalfOpen,
}

/// One of the two hundred: comes, speaks, goes elsewhere and comes back, and vanishes. Gives the
/// texts that it is sure to have said, and what has to be kept so that it stays half-open.
async fn passer_by(guest: Guest, number: usize, leave: Leave) -> (Vec<String>, Option<Guest>) {
    let mut guest = guest;
    let name = format!("guest {number}");
    guest.claim(&name).await;
    let mut said = Vec::new();
    for turn in 0..4 {
        let text = format!("{number}: {turn}");
        guest.speak(&text).await;
        guest.hears(&name, &text).await;
        said.push(text);
        if number.is_multiple_of(2) && turn == 1 {
            guest.join(&format!("river {}", number % 7)).await;
            guest.speak("elsewhere").await;
            guest.hears(&name, "elsewhere").await;
            guest.join("fishing").await;
        }
    }
    // Whether this arrives depends on how it goes; but if anybody hears it, all do.
    guest.speak(&format!("{number}: farewell")).await;
    match leave {
        Leave::Closed => {
            within(guest.socket.close(None)).await.unwrap();
            while guest.hear().await.is_some() {}
            (said, None)
        }
        Leave::Reset => {
            guest.socket.get_ref().set_zero_linger().unwrap();
            drop(guest);
            (said, None)
        }
        Leave::HalfOpen => (said, Some(guest)),
    }
}

/// Hears everything between the two things that the host says.
async fn witness(mut guest: Guest) -> Vec<RoomMessage> {
    guest.hears("host", "begin").await;
    let mut heard = Vec::new();
    loop {
        let message = guest.hear().await.expect("a witness is never shown out");
        match &message {
            RoomMessage::Message { text, .. } if text == "that was all" => return heard,
            _ => heard.push(message),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_come_and_vanish_and_the_rest_miss_nothing() {
    let chat = Chat::open(
        ChatSettings {
            rooms: RoomsSettings {
                rate: ANY_RATE,
                ..RoomsSettings::default()
            },
            // However slow this machine is just now, nobody here is too slow a reader.
            egress_queue: NonZeroUsize::new(100_000).unwrap(),
        },
        Some(KeepAliveSettings {
            idle: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
        }),
    )
    .await;
    let mut host = chat.person("fishing", "host").await;
    let mut witnesses = JoinSet::new();
    for number in 0..3 {
        let guest = chat.person("fishing", &format!("witness {number}")).await;
        witnesses.spawn(witness(guest));
    }
    host.speak("begin").await;
    host.hears("host", "begin").await;

    let mut crowd = JoinSet::new();
    for number in 0..200 {
        let leave = [Leave::Closed, Leave::Reset, Leave::HalfOpen][number % 3];
        let guest = chat.guest("fishing").await;
        crowd.spawn(passer_by(guest, number, leave));
    }
    // The host waits until the last of them has gone; those who only seem to be there, too.
    let mut said = BTreeSet::new();
    let mut half_open = Vec::new();
    let gathering = async {
        while let Some(done) = crowd.join_next().await {
            let (texts, kept) = done.unwrap();
            said.extend(texts);
            half_open.extend(kept);
        }
    };
    let mut went = 0;
    let watching = async {
        let mut here = BTreeSet::new();
        let mut gone = BTreeSet::new();
        while gone.len() < 200 {
            if let RoomMessage::Presence { came, went, .. } = host.hear().await.unwrap() {
                here.extend(came.iter().cloned());
                for name in went.into_iter().filter(|name| name.starts_with("guest")) {
                    assert!(here.remove(&name), "{name} went and had not come");
                    gone.insert(name);
                }
                // Whoever comes back has not gone for good.
                for name in came {
                    gone.remove(&name);
                }
            }
        }
        went = gone.len();
        host.speak("that was all").await;
    };
    within(async { tokio::join!(gathering, watching) }).await;
    assert_eq!(went, 200);
    assert_eq!(said.len(), 800);

    let heard = within(witnesses.join_all()).await;
    let texts: BTreeSet<_> = heard[0]
        .iter()
        .filter_map(|message| match message {
            RoomMessage::Message { text, .. } => Some(text.clone()),
            _ => None,
        })
        .collect();
    let missed: Vec<_> = said.difference(&texts).collect();
    assert_eq!(missed, Vec::<&String>::new());
    assert!(!texts.contains("elsewhere"));
    for other in &heard[1..] {
        assert!(*other == heard[0], "two heard it differently");
    }
    drop(half_open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_reading_is_closed_and_keeps_nobody_waiting() {
    let chat = Chat::open(
        ChatSettings {
            rooms: RoomsSettings {
                rate: ANY_RATE,
                ..RoomsSettings::default()
            },
            ..ChatSettings::default()
        },
        None,
    )
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(chat.address).await.unwrap();
    let mut sleeper = chat.guest_on(stream, "fishing").await;
    sleeper.claim("sleeper").await;
    let mut speaker = chat.person("fishing", "speaker").await;
    let long = "x".repeat(4096);
    let mut said = 0;
    // From here on the sleeper does not read. Everybody else hears each message before the next.
    'speaking: loop {
        speaker.speak(&long).await;
        loop {
            match speaker.hear().await.unwrap() {
                RoomMessage::Message { user, text, .. } if user == "speaker" && text == long => {
                    break;
                }
                RoomMessage::Presence { went, .. } if went == ["sleeper"] => break 'speaking,
                _ => {}
            }
        }
        said += 1;
        assert!(said < 100_000, "nothing fills the queue of the sleeper");
    }
    assert!(said > 256, "{said} messages do not fill the queue");
    assert_eq!(sleeper.close_code().await, Some(1013));
    speaker.hears("speaker", &long).await;
}

#[tokio::test]
async fn a_flood_is_told_and_then_shown_out() {
    let chat = Chat::open(ChatSettings::default(), None).await;
    let mut flooder = chat.person("fishing", "flooder").await;
    let mut other = chat.person("fishing", "other").await;
    for number in 0..60 {
        let text = format!("{number}");
        let frame = Frame::text(GuestMessage::Message { text }.to_string());
        if flooder.socket.send(frame).await.is_err() {
            break;
        }
    }
    let (mut heard, mut refused) = (0, 0);
    let code = loop {
        match within(flooder.socket.next()).await.unwrap().unwrap() {
            Frame::Text(text) => match RoomMessage::parse(&text).unwrap() {
                RoomMessage::Message { .. } => heard += 1,
                RoomMessage::Error { code, .. } => {
                    assert_eq!(code, ErrorCode::TooFast);
                    refused += 1;
                }
                _ => {}
            },
            Frame::Close(frame) => break u16::from(frame.unwrap().code),
            _ => {}
        }
    };
    // The name was the first of twenty.
    assert_eq!((heard, refused, code), (19, 20, 1008));
    loop {
        match other.hear().await.unwrap() {
            RoomMessage::Message { text, .. } => assert!(text.parse::<u32>().unwrap() < 19),
            RoomMessage::Presence { went, .. } if went == ["flooder"] => break,
            _ => {}
        }
    }
}

#[tokio::test]
async fn beyond_the_limit_of_the_link_there_is_no_talking() {
    let chat = Chat::open(ChatSettings::default(), None).await;
    let mut loud = chat.person("fishing", "loud").await;
    let long = Frame::text("x".repeat(64 * 1024 + 1));
    // The server may hang up before it has all been written.
    let _ = loud.socket.send(long).await;
    assert_eq!(loud.close_code().await, Some(1009));
}

#[tokio::test]
async fn a_server_that_goes_says_so_to_everybody() {
    let chat = Chat::open(ChatSettings::default(), None).await;
    let mut guests = Vec::new();
    for number in 0..50 {
        guests.push(chat.person("fishing", &format!("{number}")).await);
    }
    chat.stopper.stop(StopReason::Shutdown);
    let codes = guests
        .into_iter()
        .map(|guest| tokio::spawn(guest.close_code()));
    for code in codes.collect::<Vec<_>>() {
        assert_eq!(within(code).await.unwrap(), Some(1001));
    }
    tokio::time::timeout(Duration::from_secs(10), chat.running)
        .await
        .expect("the server ends")
        .unwrap();
}

#[tokio::test]
async fn pings_of_a_guest_are_answered_and_binary_messages_are_not_passed_on() {
    let chat = Chat::open(ChatSettings::default(), None).await;
    let mut guest = chat.person("fishing", "guest").await;
    let payload = Bytes::from_static(b"there?");
    guest
        .socket
        .send(Frame::Ping(payload.clone()))
        .await
        .unwrap();
    guest.socket.send(Frame::binary(vec![1])).await.unwrap();
    let mut is_answered = false;
    loop {
        match within(guest.socket.next()).await.unwrap().unwrap() {
            Frame::Pong(answer) => is_answered = answer == payload,
            Frame::Text(text) => {
                if let RoomMessage::Error { code, .. } = RoomMessage::parse(&text).unwrap() {
                    assert_eq!(code, ErrorCode::NotText);
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(is_answered);
}
