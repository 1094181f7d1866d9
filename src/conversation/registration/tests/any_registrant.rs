//! A registrant and a witness against anything that a registrar can say, in any order.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::conversation::{Output, Party};

#[derive(Clone, Debug)]
enum Step {
    Open,
    Hear(Message),
    /// The verdict on the answer that was given last, as a registrar gives it: right, or wrong and
    /// with the challenge of this number.
    Accept,
    Reject(u8),
    Cue(RegistrantCue),
    Wait(u64),
    Timeout,
    Close,
}

fn any_challenge() -> impl Strategy<Value = String> {
    let own = any::<u8>().prop_map(|number| challenge(HOST, number));
    let foreign = any::<u8>().prop_map(|number| challenge("sea.example", number));
    prop_oneof![60 => own, 1 => foreign, 1 => any::<String>()]
}

fn any_code() -> impl Strategy<Value = ErrorCode> {
    prop::sample::select(vec![
        ErrorCode::NotRegistered,
        ErrorCode::Unregistered,
        ErrorCode::UnknownKey,
        ErrorCode::TextEmpty,
        ErrorCode::TextTooLong,
        ErrorCode::TooFast,
        ErrorCode::NotText,
        ErrorCode::NotJson,
        ErrorCode::Malformed,
        ErrorCode::Other,
    ])
}

fn any_registrar_message() -> impl Strategy<Value = RegistrarMessage> {
    let retry = prop_oneof![
        2 => Just(None),
        2 => (0..20_000_u64).prop_map(Some),
        1 => any::<u64>().prop_map(Some),
    ];
    prop_oneof![
        4 => any_challenge().prop_map(|challenge| RegistrarMessage::Challenge { challenge }),
        1 => any_challenge().prop_map(|challenge| RegistrarMessage::Rejected {
            public_key: pair(1).public_key().to_string(),
            response: signed(&pair(1), &super::challenge(HOST, 1)),
            retries: 3,
            challenge,
        }),
        4 => (0..9_usize).prop_map(|delivered| RegistrarMessage::Delivered { delivered }),
        8 => (any_code(), retry).prop_map(|(code, retry)| {
            error(code, retry.map(Duration::from_millis))
        }),
        1 => Just(heard(&pair(2), "hi")),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let message = prop_oneof![
        20 => any_registrar_message().prop_map(|it| Message::text(it.to_string())),
        1 => any::<String>().prop_map(Message::Text),
        1 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Message::Binary),
        1 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Message::Ping),
    ];
    prop_oneof![
        1 => Just(Step::Open),
        16 => message.prop_map(Step::Hear),
        8 => Just(Step::Accept),
        2 => any::<u8>().prop_map(Step::Reject),
        10 => Just(Step::Cue(RegistrantCue::Say(line("")))),
        1 => Just(Step::Cue(RegistrantCue::Finish)),
        3 => prop_oneof![0..20_000_u64, any::<u64>()].prop_map(Step::Wait),
        4 => Just(Step::Timeout),
        1 => Just(Step::Close),
    ]
}

/// Keeps account of what a registrant puts out, and of what it must not.
#[derive(Default)]
struct Account {
    /// The challenges of its own host that it was given, newest last.
    challenges: Vec<String>,
    /// The answer that it gave last.
    given: Option<(String, String)>,
    /// How many lines it was to say.
    lines: usize,
    /// Those that have come to an end, and how often.
    ended: HashMap<String, usize>,
    /// The line that has been sent and is not answered.
    under_way: Option<String>,
    has_closed: bool,
}

impl Account {
    /// Takes note of what it is told.
    fn hear(&mut self, message: &Message) {
        if let Message::Text(text) = message
            && let Ok(
                RegistrarMessage::Challenge { challenge }
                | RegistrarMessage::Rejected { challenge, .. },
            ) = RegistrarMessage::parse(text)
            && challenge.starts_with(&format!("wsbeat-registration-v1:{HOST}:"))
        {
            self.challenges.push(challenge);
        }
    }

    fn check(&mut self, registrant: &mut Registrant, now: Stamp) -> Result<(), TestCaseError> {
        while let Some(output) = registrant.poll_output() {
            match output {
                Output::Send(message) => {
                    prop_assert!(!self.has_closed, "{:?}", message);
                    registrant.handle_written(now, &message);
                    let Message::Text(text) = message else {
                        return Err(TestCaseError::fail(format!("{message:?}")));
                    };
                    self.take_message(RegistrantMessage::parse(&text).unwrap())?;
                }
                Output::Close(_) => {
                    prop_assert!(!self.has_closed);
                    self.has_closed = true;
                }
                Output::Event(event) => self.take_event(event)?,
            }
        }
        let waiting = registrant.unsaid().count();
        prop_assert!(waiting <= Registrant::MOST_WAITING + 1);
        Ok(())
    }

    fn take_message(&mut self, message: RegistrantMessage) -> Result<(), TestCaseError> {
        match message {
            RegistrantMessage::Answer {
                public_key,
                response,
            } => {
                prop_assert_eq!(&public_key, &pair(1).public_key().to_string());
                // What is signed is a challenge that was given, and names the own host.
                let signed_one = |it: &&String| signed(&pair(1), it) == response;
                prop_assert!(self.challenges.iter().rev().any(|it| signed_one(&it)));
                self.given = Some((public_key, response));
            }
            RegistrantMessage::Text { text, .. } => {
                prop_assert_eq!(self.under_way.replace(text), None, "two at once");
            }
        }
        Ok(())
    }

    fn take_event(&mut self, event: RegistrantEvent) -> Result<(), TestCaseError> {
        match event {
            RegistrantEvent::Delivered { line, .. } => {
                prop_assert_eq!(self.under_way.take(), Some(line.text.clone()));
                *self.ended.entry(line.text).or_default() += 1;
            }
            RegistrantEvent::Refused {
                line: Some(line), ..
            } => {
                prop_assert_eq!(self.under_way.take(), Some(line.text.clone()));
                *self.ended.entry(line.text).or_default() += 1;
            }
            RegistrantEvent::Overfull { line, .. } => {
                *self.ended.entry(line.text).or_default() += 1;
            }
            RegistrantEvent::Held {
                what: Request::Line,
                ..
            } => self.under_way = None,
            RegistrantEvent::Unproven { .. } => prop_assert!(false, "it knows what it signs"),
            _ => {}
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn nothing_confuses_a_registrant(
        steps in prop::collection::vec(any_step(), 0..100),
        opens in prop::bool::weighted(0.95),
    ) {
        let settings = RegistrantSettings { host: HOST.to_owned(), key: pair(1) };
        let mut registrant = Registrant::new(settings);
        let mut account = Account::default();
        let mut now = Stamp::OPENING;
        if opens {
            registrant.handle_open(now);
            account.check(&mut registrant, now)?;
        }
        for step in steps {
            let message = match step {
                Step::Hear(message) => Some(message),
                Step::Accept => account.given.clone().map(|(public_key, response)| {
                    let accepted = RegistrarMessage::Accepted { public_key, response };
                    Message::text(accepted.to_string())
                }),
                Step::Reject(number) => account.given.clone().map(|(public_key, response)| {
                    let challenge = challenge(HOST, number);
                    let rejected =
                        RegistrarMessage::Rejected { public_key, response, retries: 1, challenge };
                    Message::text(rejected.to_string())
                }),
                Step::Open => {
                    registrant.handle_open(now);
                    None
                }
                Step::Cue(RegistrantCue::Say(_)) => {
                    // No two are the same.
                    let text = account.lines.to_string();
                    account.lines += 1;
                    registrant.handle_cue(now, RegistrantCue::Say(line(&text)));
                    None
                }
                Step::Cue(cue) => {
                    registrant.handle_cue(now, cue);
                    None
                }
                Step::Wait(millis) => {
                    now = now + Duration::from_millis(millis);
                    None
                }
                Step::Timeout => {
                    now = registrant.poll_timeout().unwrap_or(now).max(now);
                    registrant.handle_timeout(now);
                    prop_assert!(registrant.poll_timeout().is_none_or(|due| due > now));
                    None
                }
                Step::Close => {
                    registrant.handle_close(now);
                    account.check(&mut registrant, now)?;
                    account.has_closed = true;
                    None
                }
            };
            if let Some(message) = message {
                account.hear(&message);
                let not_registered = matches!(&message, Message::Text(text)
                    if matches!(RegistrarMessage::parse(text), Ok(RegistrarMessage::Error {
                        code: ErrorCode::NotRegistered, ..
                    })));
                if not_registered {
                    account.under_way = None;
                }
                registrant.handle_message(now, &message);
            }
            account.check(&mut registrant, now)?;
        }
        // Each line has come to one end, or is still to be said.
        for (text, times) in &account.ended {
            prop_assert_eq!(*times, 1, "{}", text);
        }
        prop_assert_eq!(account.ended.len() + registrant.unsaid().count(), account.lines);
    }

    #[test]
    fn nothing_confuses_a_witness(steps in prop::collection::vec(any_step(), 0..60)) {
        let mut witness = Witness::of_host(HOST);
        let now = Stamp::OPENING;
        for step in steps {
            match step {
                Step::Hear(message) => witness.handle_message(now, &message),
                Step::Cue(RegistrantCue::Say(_)) => {
                    witness.handle_written(now, &Message::text(text("hi").to_string()));
                }
                Step::Reject(number) => {
                    let given = answer(&pair(1), &challenge(HOST, number));
                    witness.handle_written(now, &Message::text(given.to_string()));
                }
                Step::Close => witness.handle_close(now),
                _ => {}
            }
            while let Some(output) = witness.poll_output() {
                prop_assert!(matches!(output, Output::Event(_)), "{:?}", output);
            }
        }
    }
}
