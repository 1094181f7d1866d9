//! What is said to a party from beside its connection, over real sockets: the inbox of a driver.

mod support;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use support::Nobody;
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::Role;
use wsbeat::conversation::{CloseReason, Farewell, Message, Output, Party, Stamp, WireEvent};
use wsbeat::link::{
    Connection, EndCause, Ending, Inbox, Limits, Observer, Prompter, Stop, Unheard, drive_with_cues,
};

const LIMIT: Duration = Duration::from_secs(20);

/// Says what it is prompted to, and takes leave when there is nothing to say.
#[derive(Default)]
struct Parrot {
    outputs: VecDeque<Output<()>>,
}

impl Party for Parrot {
    type Event = ();
    type Cue = Option<Vec<u8>>;

    fn handle_open(&mut self, _at: Stamp) {}

    fn handle_message(&mut self, _at: Stamp, _message: &Message) {}

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn handle_cue(&mut self, _at: Stamp, cue: Self::Cue) {
        self.outputs.push_back(match cue {
            Some(bytes) => Output::Send(Message::Binary(bytes)),
            None => Output::Close(Farewell::new(CloseReason::POLICY_VIOLATION, "no more")),
        });
    }

    fn poll_output(&mut self) -> Option<Output<()>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}

/// A parrot that is being driven, and the other end of its connection.
async fn parrot(
    capacity: usize,
) -> (
    Prompter<Option<Vec<u8>>>,
    tokio::task::JoinHandle<Ending>,
    WebSocketStream<TcpStream>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap());
    let (near, far) = tokio::join!(near, listener.accept());
    let peer = WebSocketStream::from_raw_socket(near.unwrap(), Role::Client, None).await;
    let connection = Connection::accepted(far.unwrap().0, Vec::new()).await;
    let (prompter, mut inbox) = Inbox::channel(capacity);
    let driving = tokio::spawn(async move {
        let (_stopper, mut stop) = Stop::channel();
        let limits = Limits {
            write: 10 * LIMIT,
            ..Limits::default()
        };
        let (mut party, mut observer) = (Parrot::default(), Nobody);
        drive_with_cues(
            connection,
            &mut party,
            &mut inbox,
            &mut observer,
            limits,
            &mut stop,
        )
        .await
    });
    (prompter, driving, peer)
}

#[tokio::test]
async fn cues_reach_the_party_in_order_and_it_chooses_its_last_words() {
    let (prompter, driving, mut peer) = parrot(2).await;
    for number in 0..100 {
        prompter.put_patiently(Some(vec![number])).await.unwrap();
    }
    prompter.put_patiently(None).await.unwrap();
    for number in 0..100 {
        let frame = peer.next().await.unwrap().unwrap();
        assert_eq!(frame, Frame::binary(vec![number]));
    }
    match peer.next().await.unwrap().unwrap() {
        Frame::Close(Some(close)) => {
            assert_eq!(u16::from(close.code), CloseReason::POLICY_VIOLATION);
            assert_eq!(close.reason.as_str(), "no more");
        }
        other => panic!("{other:?}"),
    }
    // The answer to the Close frame leaves with the next read.
    while peer.next().await.is_some() {}
    let ending = tokio::time::timeout(LIMIT, driving).await.unwrap().unwrap();
    assert!(matches!(ending.cause, EndCause::Done), "{ending:?}");
    assert_eq!(ending.close.code, CloseReason::POLICY_VIOLATION);
    assert_eq!(prompter.put(None), Err(Unheard::Gone));
}

/// Notices something, says a word, and takes leave.
#[derive(Default)]
struct Herald {
    outputs: VecDeque<Output<()>>,
}

impl Party for Herald {
    type Event = ();
    type Cue = Infallible;

    fn handle_open(&mut self, _at: Stamp) {
        self.outputs.extend([
            Output::Event(()),
            Output::Send(Message::text("it is so")),
            Output::Close(Farewell::normal()),
        ]);
    }

    fn handle_message(&mut self, _at: Stamp, _message: &Message) {}

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn poll_output(&mut self) -> Option<Output<()>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}

/// Looks at what has reached the other end of a connection whenever it is told something.
struct Onlooker {
    peer: DuplexStream,
    seen: Vec<(&'static str, bool)>,
}

impl Onlooker {
    fn look(&mut self, told: &'static str) {
        let mut byte = [0];
        let has_come = self.peer.read_exact(&mut byte).now_or_never().is_some();
        self.seen.push((told, has_come));
    }
}

impl Observer<()> for Onlooker {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn at_once(&mut self, (): &()) {
        self.look("at once");
    }

    fn event(&mut self, (): ()) {
        self.look("event");
    }
}

#[tokio::test]
async fn an_observer_can_act_before_the_peer_knows() {
    let (near, peer) = tokio::io::duplex(1024);
    let connection = Connection::accepted(near, Vec::new()).await;
    let mut onlooker = Onlooker {
        peer,
        seen: Vec::new(),
    };
    let (_stopper, mut stop) = Stop::channel();
    let limits = Limits {
        close: Duration::from_millis(1),
        ..Limits::default()
    };
    let (mut herald, inbox) = (Herald::default(), &mut Inbox::empty());
    drive_with_cues(
        connection,
        &mut herald,
        inbox,
        &mut onlooker,
        limits,
        &mut stop,
    )
    .await;
    assert_eq!(onlooker.seen, [("at once", false), ("event", true)]);
}

#[tokio::test]
async fn an_inbox_that_is_overrun_ends_the_conversation_of_a_peer_that_does_not_read() {
    let (prompter, driving, mut peer) = parrot(4).await;
    let overrun = tokio::time::timeout(LIMIT, async {
        loop {
            match prompter.put(Some(vec![0; 16 * 1024])) {
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        }
    });
    assert_eq!(overrun.await.unwrap(), Unheard::Overrun);
    // It begins to read in time to hear why.
    let mut close = None;
    while let Some(Ok(frame)) = peer.next().await {
        if let Frame::Close(frame) = frame {
            close = frame;
        }
    }
    let close = close.unwrap();
    assert_eq!(u16::from(close.code), CloseReason::TRY_AGAIN_LATER);
    let ending = tokio::time::timeout(LIMIT, driving).await.unwrap().unwrap();
    assert!(matches!(ending.cause, EndCause::Overrun), "{ending:?}");
}

#[tokio::test]
async fn a_peer_that_never_reads_again_holds_nobody() {
    let (prompter, driving, peer) = parrot(4).await;
    while prompter.put(Some(vec![0; 16 * 1024])) != Err(Unheard::Overrun) {
        tokio::task::yield_now().await;
    }
    let ending = tokio::time::timeout(LIMIT, driving).await.unwrap().unwrap();
    assert!(matches!(ending.cause, EndCause::Overrun), "{ending:?}");
    drop(peer);
}
