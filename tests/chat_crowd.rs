//! The chat of the server, with many guests at once, and with one that does not read.

mod support;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use wsbeat::conversation::chat::{RoomMessage, RoomsSettings};
use wsbeat::conversation::latency::KeepAliveSettings;
use wsbeat::link::StopReason;
use wsbeat::server::ChatSettings;

use support::{ANY_RATE, Chat, Guest, within};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_comes_and_goes_at_once_shows_nobody_out() {
    let chat = Chat::open(ChatSettings::default(), None).await;
    let mut stays = Vec::new();
    for number in 0..20 {
        stays.push(chat.person("fishing", &format!("stays {number}")).await);
    }
    // Everybody reads all along.
    let mut staying = JoinSet::new();
    for mut guest in stays {
        staying.spawn(async move {
            let (mut came, mut went) = (BTreeSet::new(), BTreeSet::new());
            while went.len() < 450 {
                match guest.hear().await.expect("nobody is shown out") {
                    RoomMessage::Presence {
                        came: more,
                        went: gone,
                        ..
                    } => {
                        came.extend(more);
                        went.extend(gone);
                    }
                    other => panic!("{other:?}"),
                }
            }
            (came.len(), went.len())
        });
    }
    let mut coming = JoinSet::new();
    for number in 0..450 {
        let guest = chat.guest("fishing").await;
        coming.spawn(async move {
            let mut guest = guest;
            guest.claim(&format!("comes {number}")).await;
            // Its own coming is told to it as well.
            loop {
                if let RoomMessage::Presence { came, .. } = guest.hear().await.unwrap()
                    && came.contains(&format!("comes {number}"))
                {
                    return guest;
                }
            }
        });
    }
    let crowd = within(coming.join_all()).await;
    drop(crowd);
    for (came, went) in within(staying.join_all()).await {
        assert!(came >= 450, "{came}");
        assert_eq!(went, 450);
    }
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
