//! What was said once, told again.

use super::*;

/// Lets a guest talk, and has a witness watch it. They are to notice the same.
fn watched(talk: impl FnOnce(&mut Watched)) -> Vec<GuestEvent> {
    let mut watched = Watched {
        bench: Bench::new(),
        witness: Witness::default(),
        told: Vec::new(),
    };
    watched.witness.handle_open(Stamp::OPENING);
    talk(&mut watched);
    watched.witness.handle_close(Stamp::OPENING);
    watched.take();
    // Which name comes next is the guest's to know.
    for event in &mut watched.bench.noticed {
        if let GuestEvent::NameRefused { next, .. } = event {
            *next = NextName::Other;
        }
    }
    assert_eq!(watched.told, watched.bench.noticed);
    watched.told
}

struct Watched {
    bench: Bench,
    witness: Witness,
    told: Vec<GuestEvent>,
}

impl Watched {
    fn take(&mut self) {
        for message in self.bench.sent() {
            let message = Message::text(message.to_string());
            self.witness.handle_written(Stamp::OPENING, &message);
        }
        while let Some(output) = self.witness.poll_output() {
            let Output::Event(event) = output else {
                panic!("a witness says {output:?}")
            };
            self.told.push(event);
        }
    }

    fn cue(&mut self, cue: GuestCue) {
        self.bench.cue(cue);
        self.take();
    }

    fn say(&mut self, text: &str) {
        self.cue(GuestCue::Say(text.to_owned()));
    }

    fn hears(&mut self, message: &RoomMessage) {
        let text = Message::text(message.to_string());
        self.witness.handle_message(Stamp::OPENING, &text);
        self.bench.hears(message);
        self.take();
    }

    fn hears_about_name(&mut self, success: bool) {
        self.hears(&RoomMessage::Identity { success });
    }

    fn hears_error(&mut self, code: ErrorCode) {
        self.hears(&RoomMessage::Error {
            code,
            message: "no".to_owned(),
            retry_after_ms: Some(0),
        });
    }

    fn enters(&mut self, id: &str) {
        self.hears(&RoomMessage::Connection { id: id.to_owned() });
        self.hears(&said("bob", "before"));
        self.hears(&RoomMessage::Presence {
            came: vec!["bob".to_owned()],
            went: Vec::new(),
            total: 1,
        });
    }
}

#[test]
fn a_witness_notices_what_the_guest_noticed() {
    let told = watched(|talk| {
        talk.say("one");
        talk.enters("pond");
        talk.hears_about_name(false);
        talk.hears_error(ErrorCode::NameTaken);
        talk.cue(GuestCue::Rename(name("carol")));
        talk.hears_about_name(true);
        talk.hears(&said("bob", "one"));
        talk.hears_error(ErrorCode::TooFast);
        talk.hears(&said("carol", "one"));
        talk.say("two");
        talk.hears_error(ErrorCode::MessageTooLong);
        talk.hears_error(ErrorCode::HeartbeatMissed);
        talk.hears_about_name(true);
        talk.cue(GuestCue::Join("sea".parse().unwrap()));
        talk.enters("sea");
        talk.hears_about_name(true);
        talk.cue(GuestCue::Join("sea".parse().unwrap()));
        talk.hears_error(ErrorCode::AlreadyThere);
        talk.hears(&RoomMessage::Heartbeat {
            authenticated: true,
        });
        talk.say("three");
        talk.hears(&said("carol", "three"));
    });
    let heard = |event: &GuestEvent| match event {
        GuestEvent::Heard(heard) => Some((heard.text.clone(), heard.how)),
        _ => None,
    };
    let heard: Vec<_> = told.iter().filter_map(heard).collect();
    let expected = [
        ("before", Hearing::Earlier),
        ("one", Hearing::Live),
        ("one", Hearing::Own),
        ("before", Hearing::Earlier),
        ("three", Hearing::Own),
    ];
    assert_eq!(heard, expected.map(|(text, how)| (text.to_owned(), how)));
}

#[test]
fn a_witness_of_the_connection_before_knows_what_was_missed() {
    let hear = |witness: &mut Witness, message: RoomMessage| {
        witness.handle_message(Stamp::OPENING, &Message::text(message.to_string()));
    };
    let say = |witness: &mut Witness, message: GuestMessage| {
        witness.handle_written(Stamp::OPENING, &Message::text(message.to_string()));
    };
    let heard = |witness: &mut Witness| {
        let outputs = std::iter::from_fn(|| witness.poll_output());
        let heard = outputs.filter_map(|output| match output {
            Output::Event(GuestEvent::Heard(heard)) => Some((heard.text, heard.how)),
            _ => None,
        });
        heard.collect::<Vec<_>>()
    };
    let enter = || RoomMessage::Connection {
        id: "pond".to_owned(),
    };
    let mut witness = Witness::default();
    hear(&mut witness, enter());
    hear(&mut witness, said("bob", "before"));
    say(&mut witness, identity("alice"));
    hear(&mut witness, RoomMessage::Identity { success: true });
    say(&mut witness, message("mine"));
    witness.handle_close(Stamp::OPENING);
    let before = ("before".to_owned(), Hearing::Earlier);
    assert_eq!(heard(&mut witness), [before]);

    let mut witness = witness.of_next_connection();
    hear(&mut witness, enter());
    for (user, text) in [("bob", "before"), ("alice", "mine"), ("bob", "since")] {
        hear(&mut witness, said(user, text));
    }
    witness.handle_close(Stamp::OPENING);
    let mine = ("mine".to_owned(), Hearing::Own);
    let since = ("since".to_owned(), Hearing::Missed);
    assert_eq!(heard(&mut witness), [mine, since]);
}

#[test]
fn a_recording_that_ends_in_the_middle_still_tells_what_was_heard() {
    let mut witness = Witness::default();
    witness.handle_open(Stamp::OPENING);
    let connection = RoomMessage::Connection {
        id: "pond".to_owned(),
    };
    for message in [connection, said("bob", "before")] {
        let message = Message::text(message.to_string());
        witness.handle_message(Stamp::OPENING, &message);
    }
    let mut told = Vec::new();
    witness.handle_close(Stamp::OPENING);
    while let Some(Output::Event(event)) = witness.poll_output() {
        told.push(event);
    }
    assert!(
        matches!(
            &told[..],
            [GuestEvent::Entered { .. }, GuestEvent::Heard(_)]
        ),
        "{told:?}"
    );
}
