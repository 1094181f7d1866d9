//! What the chat of the server refuses, and whom it shows out, over real sockets.

mod support;

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::{Bytes, Message as Frame};
use wsbeat::conversation::chat::{ErrorCode, GuestMessage, RoomMessage, RoomsSettings};
use wsbeat::server::ChatSettings;

use std::time::Duration;

use support::{ANY_RATE, Chat, within};

#[tokio::test]
async fn every_refusal_has_its_code_and_ends_nothing() {
    let rooms = RoomsSettings {
        rate: ANY_RATE,
        longest_message: 100,
        ..RoomsSettings::default()
    };
    let settings = ChatSettings {
        rooms,
        ..ChatSettings::default()
    };
    let chat = Chat::open(settings, None).await;
    let _ann = chat.person("fishing", "ann").await;
    let mut guest = chat.guest("fishing").await;
    let long = "x".repeat(101);
    let identity = |user: &str| serde_json::json!({"type": "identity", "user": user}).to_string();
    let message = |text: &str| serde_json::json!({"type": "message", "text": text}).to_string();
    let before_a_name = [
        (identity("ann"), ErrorCode::NameTaken),
        (identity(""), ErrorCode::NameEmpty),
        (identity(&"x".repeat(33)), ErrorCode::NameTooLong),
        (identity("a\u{7}b"), ErrorCode::NameInvalid),
        (message("hi"), ErrorCode::NotAuthenticated),
        ("hi".to_owned(), ErrorCode::NotJson),
        (r#"{"type":"shout"}"#.to_owned(), ErrorCode::UnknownType),
        (r#"{"type":"identity"}"#.to_owned(), ErrorCode::Malformed),
        (
            r#"{"type":"join","id":"fishing"}"#.to_owned(),
            ErrorCode::AlreadyThere,
        ),
        (
            r#"{"type":"join","id":"a/b"}"#.to_owned(),
            ErrorCode::ChannelInvalid,
        ),
        (
            r#"{"type":"ticket","ticket":"x"}"#.to_owned(),
            ErrorCode::TicketRefused,
        ),
    ];
    let with_a_name = [
        (message(&long), ErrorCode::MessageTooLong),
        (message(" "), ErrorCode::MessageEmpty),
    ];
    for (text, code) in before_a_name {
        guest.is_refused(Frame::text(text), code).await;
    }
    guest.claim("bert").await;
    for (text, code) in with_a_name {
        guest.is_refused(Frame::text(text), code).await;
    }
    guest
        .is_refused(Frame::binary(vec![1]), ErrorCode::NotText)
        .await;
    guest.speak("still here").await;
    guest.hears("bert", "still here").await;
}

#[tokio::test]
async fn whoever_misses_a_heartbeat_loses_its_name_and_can_have_it_again() {
    let rooms = RoomsSettings {
        heartbeat: Duration::from_millis(100),
        heartbeat_timeout: Duration::from_millis(100),
        ..RoomsSettings::default()
    };
    let settings = ChatSettings {
        rooms,
        ..ChatSettings::default()
    };
    let chat = Chat::open(settings, None).await;
    let mut guest = chat.guest("fishing").await;
    let user = || "ann".to_owned();
    guest.say(GuestMessage::Identity { user: user() }).await;
    let mut missed = 0;
    let mut flags = Vec::new();
    // It answers none.
    while missed < 2 {
        match guest.read().await.expect("it is not shown out") {
            RoomMessage::Heartbeat { authenticated } => flags.push(authenticated),
            RoomMessage::Error {
                code: ErrorCode::HeartbeatMissed,
                ..
            } => {
                missed += 1;
                guest.say(GuestMessage::Identity { user: user() }).await;
            }
            RoomMessage::Error { message, .. } => panic!("{message}"),
            _ => {}
        }
    }
    assert!(flags.contains(&true), "{flags:?}");
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
