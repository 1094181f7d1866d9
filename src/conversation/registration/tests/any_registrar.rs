//! A registrar against anything that a registrant and a server can say, in any order.

use std::collections::HashSet;
use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::conversation::{Output, Party, Rate};

#[derive(Clone, Debug)]
enum Step {
    Open,
    /// The challenge that came so many before the newest is answered with the key of this number.
    Answer(usize, u8),
    /// That of somebody else is.
    Stray(u8),
    /// An answer that was given before is given again.
    Replay(usize),
    Text(String, Option<u8>),
    Frame(Message),
    Cue(RegistrarCue),
    Wait(u64),
    Timeout,
    Close,
}

fn any_step() -> impl Strategy<Value = Step> {
    let key = 1..4_u8;
    let said = (".{0,8}", prop::option::of(0..4_u8));
    let frame = prop_oneof![
        any::<String>().prop_map(Message::Text),
        Just(Message::text(r#"{"publicKey":"k","response":"s"}"#)),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Message::Binary),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Message::Ping),
    ];
    let cue = prop_oneof![
        3 => any::<usize>().prop_map(RegistrarCue::Delivered),
        2 => any::<[u8; 32]>().prop_map(|it| RegistrarCue::UnknownKey(PublicKey::new(it))),
        1 => Just(RegistrarCue::Replaced),
    ];
    prop_oneof![
        1 => Just(Step::Open),
        12 => (prop_oneof![8 => Just(0_usize), 1 => 0..3_usize], key).prop_map(|(it, key)| Step::Answer(it, key)),
        1 => any::<u8>().prop_map(Step::Stray),
        2 => any::<usize>().prop_map(Step::Replay),
        10 => said.prop_map(|(text, to)| Step::Text(text, to)),
        3 => frame.prop_map(Step::Frame),
        6 => cue.prop_map(Step::Cue),
        6 => prop_oneof![8 => 0..20_000_u64, 1 => any::<u64>()].prop_map(Step::Wait),
        8 => Just(Step::Timeout),
        1 => Just(Step::Close),
    ]
}

/// Keeps account of what a registrar puts out, and knows by itself who may be heard.
struct Account {
    limit: Duration,
    now: Stamp,
    /// Every challenge that was sent, and when.
    challenges: Vec<(String, Stamp)>,
    /// Those of them for which somebody was registered.
    spent: HashSet<String>,
    /// Those of them to which a late answer took no try.
    forgiven: HashSet<String>,
    /// Whether the answer that was rejected was late.
    is_late: bool,
    /// The answer that is being given, or was last.
    given: Option<RegistrantMessage>,
    registered: Option<PublicKey>,
    /// The key of the connection, once it has one.
    own: Option<PublicKey>,
    /// How many frames were said that are to be answered, and how many have been.
    said: usize,
    answered: usize,
    has_closed: bool,
}

impl Account {
    fn check(&mut self, registrar: &mut Registrar) -> Result<(), TestCaseError> {
        while let Some(output) = registrar.poll_output() {
            match output {
                Output::Send(message) => {
                    prop_assert!(!self.has_closed, "{:?}", message);
                    registrar.handle_written(self.now, &message);
                    let Message::Text(text) = message else {
                        return Err(TestCaseError::fail(format!("{message:?}")));
                    };
                    self.take_message(RegistrarMessage::parse(&text).unwrap())?;
                }
                Output::Close(_) => {
                    prop_assert!(!self.has_closed);
                    prop_assert_eq!(self.registered, None);
                    self.has_closed = true;
                }
                Output::Event(event) => self.take_event(event)?,
            }
        }
        Ok(())
    }

    fn take_message(&mut self, message: RegistrarMessage) -> Result<(), TestCaseError> {
        match message {
            RegistrarMessage::Challenge { challenge } => self.challenge(challenge)?,
            RegistrarMessage::Rejected { challenge, .. } => {
                self.answered += 1;
                if std::mem::take(&mut self.is_late) && self.is_newest(&challenge) {
                    self.repeat(&challenge)?;
                } else {
                    self.challenge(challenge)?;
                }
            }
            RegistrarMessage::Accepted {
                public_key,
                response,
            } => {
                self.answered += 1;
                self.accept(public_key, response)?;
            }
            RegistrarMessage::Error {
                code: ErrorCode::Unregistered,
                ..
            } => prop_assert_eq!(self.registered, None),
            RegistrarMessage::Delivered { .. } | RegistrarMessage::Error { .. } => {
                self.answered += 1;
            }
            RegistrarMessage::Text { .. } => prop_assert!(self.registered.is_some()),
        }
        Ok(())
    }

    fn is_newest(&self, challenge: &str) -> bool {
        let newest = self.challenges.last();
        newest.is_some_and(|(newest, _)| newest == challenge)
    }

    /// A challenge comes again: it is good still, and the answer was right, to the one before.
    fn repeat(&mut self, challenge: &str) -> Result<(), TestCaseError> {
        prop_assert!(!self.spent.contains(challenge));
        let Some(RegistrantMessage::Answer {
            public_key,
            response,
        }) = &self.given
        else {
            return Err(TestCaseError::fail("nothing was answered"));
        };
        let key: PublicKey = public_key.parse().unwrap();
        let signature: Response = response.parse().unwrap();
        let mut newest_first = self.challenges.iter().rev();
        let (_, since) = newest_first.next().unwrap();
        prop_assert!(self.now < *since + self.limit);
        let (missed, _) = newest_first.next().unwrap();
        let verdict = key.verify(&missed.parse().unwrap(), &signature);
        prop_assert_eq!(verdict, Ok(()));
        // It is late once.
        prop_assert!(self.forgiven.insert(missed.clone()));
        Ok(())
    }

    fn challenge(&mut self, challenge: String) -> Result<(), TestCaseError> {
        let parsed: Challenge = challenge.parse().unwrap();
        prop_assert_eq!(parsed.host(), HOST);
        let is_new = self.challenges.iter().all(|(it, _)| *it != challenge);
        prop_assert!(is_new, "{} comes twice", challenge);
        self.challenges.push((challenge, self.now));
        Ok(())
    }

    /// Somebody is accepted: the answer has to be to the newest challenge, in time, and right.
    fn accept(&mut self, public_key: String, response: String) -> Result<(), TestCaseError> {
        let (challenge, since) = self.challenges.last().unwrap();
        prop_assert!(self.now < *since + self.limit);
        prop_assert!(self.spent.insert(challenge.clone()), "accepted twice");
        let key: PublicKey = public_key.parse().unwrap();
        let signature: Response = response.parse().unwrap();
        let verdict = key.verify(&challenge.parse().unwrap(), &signature);
        prop_assert_eq!(verdict, Ok(()));
        prop_assert_eq!(self.registered, Some(key));
        let accepted = RegistrantMessage::Answer {
            public_key,
            response,
        };
        prop_assert_eq!(self.given.as_ref(), Some(&accepted));
        Ok(())
    }

    fn take_event(&mut self, event: RegistrarEvent) -> Result<(), TestCaseError> {
        match event {
            RegistrarEvent::Registered { key, .. } => {
                prop_assert_eq!(self.registered, None);
                prop_assert_eq!(*self.own.get_or_insert(key), key);
                self.registered = Some(key);
            }
            RegistrarEvent::Unregistered { key, .. } => {
                prop_assert_eq!(self.registered.take(), Some(key));
            }
            RegistrarEvent::Said { .. } | RegistrarEvent::Confirmed { .. } => {
                prop_assert!(self.registered.is_some() && !self.has_closed);
            }
            RegistrarEvent::Rejected { why, .. } => self.is_late = why == Rejection::Late,
            RegistrarEvent::Unanswered { .. } => {}
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn nothing_confuses_a_registrar(
        steps in prop::collection::vec(any_step(), 0..100),
        opens in prop::bool::weighted(0.95),
        times in (1..40_000_u64, 1..20_000_u64),
        retries in 0..6_u32,
        messages in 1..30_u32,
    ) {
        let settings = RegistrarSettings {
            heartbeat: Duration::from_millis(times.0),
            answer_within: Duration::from_millis(times.1),
            retries,
            rate: Rate {
                messages: NonZeroU32::new(messages).unwrap(),
                per: Duration::from_secs(10),
            },
            longest_text: 6,
        };
        let mut registrar = Registrar::new(settings, HOST.to_owned(), [3; 32]);
        let mut account = Account {
            limit: settings.answer_within,
            now: Stamp::OPENING,
            challenges: Vec::new(),
            spent: HashSet::new(),
            forgiven: HashSet::new(),
            is_late: false,
            given: None,
            registered: None,
            own: None,
            said: 0,
            answered: 0,
            has_closed: false,
        };
        let mut given: Vec<RegistrantMessage> = Vec::new();
        let mut is_open = opens;
        if opens {
            registrar.handle_open(account.now);
            account.check(&mut registrar)?;
        }
        for step in steps {
            let now = account.now;
            let said = match step {
                Step::Answer(before, number) => {
                    let newest = account.challenges.iter().rev().nth(before);
                    newest.map(|(challenge, _)| answer(&pair(number), challenge))
                }
                Step::Stray(number) => Some(answer(&pair(1), &challenge(HOST, number))),
                Step::Replay(which) if !given.is_empty() => Some(given[which % given.len()].clone()),
                Step::Replay(_) => None,
                Step::Text(text, to) => {
                    let to = to.map(|number| pair(number).public_key());
                    Some(RegistrantMessage::Text { text, to })
                }
                Step::Frame(frame) => {
                    let counts = matches!(frame, Message::Text(_) | Message::Binary(_));
                    account.said += usize::from(counts && is_open && !account.has_closed);
                    registrar.handle_message(now, &frame);
                    None
                }
                Step::Open => {
                    registrar.handle_open(now);
                    is_open |= !account.has_closed;
                    None
                }
                Step::Cue(cue) => {
                    registrar.handle_cue(now, cue);
                    None
                }
                Step::Wait(millis) => {
                    account.now = now + Duration::from_millis(millis);
                    None
                }
                Step::Timeout => {
                    account.now = registrar.poll_timeout().unwrap_or(now).max(now);
                    registrar.handle_timeout(account.now);
                    prop_assert!(registrar.poll_timeout().is_none_or(|due| due > account.now));
                    None
                }
                Step::Close => {
                    registrar.handle_close(now);
                    account.check(&mut registrar)?;
                    account.has_closed = true;
                    prop_assert_eq!(account.registered, None);
                    None
                }
            };
            if let Some(message) = said {
                account.said += usize::from(is_open && !account.has_closed);
                if matches!(message, RegistrantMessage::Answer { .. }) {
                    given.push(message.clone());
                    account.given = Some(message.clone());
                }
                registrar.handle_message(now, &Message::Text(message.to_string()));
            }
            account.check(&mut registrar)?;
        }
        // Whatever was said has one answer, once the server has said what became of it.
        for _ in 0..account.said {
            registrar.handle_cue(account.now, RegistrarCue::Delivered(1));
            account.check(&mut registrar)?;
        }
        prop_assert!(account.answered <= account.said);
        if !account.has_closed {
            prop_assert_eq!(account.answered, account.said);
        }
    }
}
