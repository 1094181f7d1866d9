//! Against any words of any room, in any order.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::conversation::chat::guest::listener::Asked;

#[derive(Clone, Debug)]
enum Step {
    Open,
    Hear(Message),
    /// The room sends the line back that is under way.
    Echo,
    Cue(GuestCue),
    Wait(u64),
    Timeout,
    Close,
    Reconnect,
}

fn any_code() -> impl Strategy<Value = ErrorCode> {
    prop::sample::select(vec![
        ErrorCode::NameTaken,
        ErrorCode::NameInvalid,
        ErrorCode::NotAuthenticated,
        ErrorCode::HeartbeatMissed,
        ErrorCode::MessageEmpty,
        ErrorCode::TooFast,
        ErrorCode::ChannelInvalid,
        ErrorCode::AlreadyThere,
        ErrorCode::TicketNeeded,
        ErrorCode::UnknownType,
        ErrorCode::NotJson,
    ])
}

fn any_room_message() -> impl Strategy<Value = RoomMessage> {
    let channel = prop::sample::select(vec!["pond", "sea", ""]);
    let user = prop::sample::select(vec!["alice", "bob", "carol"]);
    let id = channel.prop_map(|id| RoomMessage::Connection { id: id.to_owned() });
    let said =
        (user, 0..12_u8, 0..3_i64).prop_map(|(user, text, timestamp)| RoomMessage::Message {
            text: text.to_string(),
            timestamp,
            user: user.to_owned(),
        });
    let retry = prop_oneof![
        Just(None),
        (0..20_000_u64).prop_map(Some),
        any::<u64>().prop_map(Some)
    ];
    let error = (any_code(), retry).prop_map(|(code, retry_after_ms)| RoomMessage::Error {
        code,
        message: String::new(),
        retry_after_ms,
    });
    let presence = any::<usize>().prop_map(|total| RoomMessage::Presence {
        came: Vec::new(),
        went: Vec::new(),
        total,
    });
    prop_oneof![
        2 => id,
        4 => said,
        4 => any::<bool>().prop_map(|success| RoomMessage::Identity { success }),
        2 => any::<bool>().prop_map(|authenticated| RoomMessage::Heartbeat { authenticated }),
        1 => presence,
        4 => error,
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let message = prop_oneof![
        20 => any_room_message().prop_map(|message| Message::text(message.to_string())),
        1 => any::<String>().prop_map(Message::Text),
        1 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Message::Binary),
        1 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Message::Ping),
    ];
    let channel = prop::sample::select(vec!["pond", "sea"]);
    let user = prop::sample::select(vec!["alice", "carol"]);
    let cue = prop_oneof![
        6 => Just(GuestCue::Say(String::new())),
        1 => channel.prop_map(|it| GuestCue::Join(it.parse().unwrap())),
        1 => user.prop_map(|it| GuestCue::Rename(name(it))),
        1 => Just(GuestCue::Finish),
    ];
    prop_oneof![
        1 => Just(Step::Open),
        20 => message.prop_map(Step::Hear),
        6 => Just(Step::Echo),
        8 => cue.prop_map(Step::Cue),
        3 => prop_oneof![0..20_000_u64, any::<u64>()].prop_map(Step::Wait),
        3 => Just(Step::Timeout),
        1 => Just(Step::Close),
        2 => Just(Step::Reconnect),
    ]
}

/// Keeps account of what a guest puts out, and of what it must not.
#[derive(Default)]
struct Account {
    lines: usize,
    own: HashSet<String>,
    refused: HashSet<String>,
    has_closed: bool,
}

impl Account {
    fn check(&mut self, guest: &mut Guest, now: Stamp) -> Result<(), TestCaseError> {
        while let Some(output) = guest.poll_output() {
            match output {
                Output::Send(message) => {
                    prop_assert!(!self.has_closed, "{:?}", message);
                    guest.handle_written(now, &message);
                }
                Output::Close(_) => {
                    prop_assert!(!self.has_closed);
                    self.has_closed = true;
                }
                Output::Event(GuestEvent::Heard(heard)) if heard.how == Hearing::Own => {
                    self.settle(heard.text, true)?;
                }
                Output::Event(GuestEvent::Refused {
                    text: Some(text), ..
                }) => self.settle(text, false)?,
                Output::Event(_) => {}
            }
        }
        let asked = &guest.listener.asked;
        let lines = asked.iter().filter(|it| **it == Asked::Line).count();
        prop_assert!(lines <= 1 && asked.len() <= 3, "{:?}", asked);
        prop_assert!(guest.tasks.len() <= Guest::MOST_WAITING + 1);
        Ok(())
    }

    /// A line has come to its end. All lines are different.
    fn settle(&mut self, text: String, is_own: bool) -> Result<(), TestCaseError> {
        prop_assert!(
            !self.own.contains(&text) && !self.refused.contains(&text),
            "{}",
            text
        );
        let ends = if is_own {
            &mut self.own
        } else {
            &mut self.refused
        };
        ends.insert(text);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_confuses_a_guest(
        steps in prop::collection::vec(any_step(), 0..120),
        opens in prop::bool::weighted(0.9),
    ) {
        let mut guest = Guest::new(settings(), Memory::default());
        let mut account = Account::default();
        let mut now = Stamp::OPENING;
        if opens {
            guest.handle_open(now);
            account.check(&mut guest, now)?;
        }
        for step in steps {
            match step {
                Step::Open => guest.handle_open(now),
                Step::Hear(message) => guest.handle_message(now, &message),
                Step::Echo => {
                    if let Some(line) = guest.listener.line.clone() {
                        let echo = said(&line.by, &line.text).to_string();
                        guest.handle_message(now, &Message::Text(echo));
                    }
                }
                Step::Cue(GuestCue::Say(_)) => {
                    // No two are the same, and some of them are what others say by chance.
                    guest.handle_cue(now, GuestCue::Say(account.lines.to_string()));
                    account.lines += 1;
                }
                Step::Cue(cue) => guest.handle_cue(now, cue),
                Step::Wait(millis) => now = now + Duration::from_millis(millis),
                Step::Timeout => {
                    now = guest.poll_timeout().unwrap_or(now).max(now);
                    guest.handle_timeout(now);
                    prop_assert!(guest.poll_timeout().is_none_or(|due| due > now));
                }
                Step::Close => {
                    guest.handle_close(now);
                    while let Some(output) = guest.poll_output() {
                        prop_assert!(!matches!(output, Output::Send(_)) || !opens);
                    }
                    account.has_closed = true;
                }
                Step::Reconnect => {
                    guest.handle_close(now);
                    account.check(&mut guest, now)?;
                    let unsaid = guest.listener.line.iter().count()
                        + guest.tasks.iter().filter(|it| matches!(it, memory::Task::Say(_))).count();
                    let memory = guest.into_memory();
                    prop_assert_eq!(memory.unsaid(), unsaid);
                    account.has_closed = false;
                    now = Stamp::OPENING;
                    guest = Guest::new(settings(), memory);
                    guest.handle_open(now);
                }
            }
            account.check(&mut guest, now)?;
        }
        // No line is forgotten.
        let ended = account.own.len() + account.refused.len();
        prop_assert_eq!(ended + guest.into_memory().unsaid(), account.lines);
    }

    #[test]
    fn nothing_confuses_a_witness(steps in prop::collection::vec(any_step(), 0..60)) {
        let mut witness = Witness::default();
        for step in steps {
            match step {
                Step::Hear(message) => witness.handle_message(Stamp::OPENING, &message),
                Step::Cue(GuestCue::Say(text)) => {
                    let sent = Message::text(message(&text).to_string());
                    witness.handle_written(Stamp::OPENING, &sent);
                }
                Step::Cue(GuestCue::Rename(name)) => {
                    let sent = Message::text(identity(name.as_str()).to_string());
                    witness.handle_written(Stamp::OPENING, &sent);
                }
                Step::Cue(GuestCue::Join(channel)) => {
                    let sent = Message::text(join(channel.as_str()).to_string());
                    witness.handle_written(Stamp::OPENING, &sent);
                }
                Step::Close => witness.handle_close(Stamp::OPENING),
                _ => {}
            }
            while let Some(output) = witness.poll_output() {
                prop_assert!(matches!(output, Output::Event(_)), "{:?}", output);
            }
        }
    }
}
