use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;

const SETTINGS: RoomsSettings = RoomsSettings {
    heartbeat: Duration::from_secs(30),
    heartbeat_timeout: Duration::from_secs(10),
    rate: Rate {
        messages: NonZeroU32::new(20).unwrap(),
        per: Duration::from_secs(10),
    },
    longest_message: 4096,
    ticket_wait: Duration::from_secs(10),
};

/// Rooms, and what everybody in them has been told.
struct House {
    rooms: Rooms,
    now: Stamp,
    told: BTreeMap<SeatId, Vec<RoomMessage>>,
    closed: BTreeMap<SeatId, Farewell>,
    tickets: Vec<(SeatId, SecretString)>,
    /// How many deliveries there were.
    deliveries: usize,
    gathering: Gathering,
}

/// Whether a test waits until comings and goings have been gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathering {
    /// They are told at once, in time that does not pass.
    Spared,
    /// They are told when they are.
    Awaited,
}

impl House {
    fn new() -> Self {
        House::with(SETTINGS)
    }

    fn with(settings: RoomsSettings) -> Self {
        House {
            rooms: Rooms::new(settings),
            now: Stamp::OPENING,
            told: BTreeMap::new(),
            closed: BTreeMap::new(),
            tickets: Vec::new(),
            deliveries: 0,
            gathering: Gathering::Spared,
        }
    }

    fn settle(&mut self) {
        self.carry_out();
        if self.gathering == Gathering::Spared {
            let channels: Vec<_> = self.rooms.rooms.keys().cloned().collect();
            for channel in &channels {
                self.rooms.tell_presence(channel);
            }
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.rooms.poll_output() {
            self.deliveries += 1;
            match output {
                RoomsOutput::Deliver(seat, Delivery::Text(text)) => self.tell(seat, &text),
                RoomsOutput::Deliver(seat, Delivery::Texts(texts)) => {
                    for text in &texts {
                        self.tell(seat, text);
                    }
                }
                RoomsOutput::Deliver(seat, Delivery::Close(farewell)) => {
                    assert!(self.closed.insert(seat, *farewell).is_none());
                }
                RoomsOutput::CheckTicket(seat, ticket) => self.tickets.push((seat, ticket)),
            }
        }
    }

    fn tell(&mut self, seat: SeatId, text: &str) {
        assert!(!self.closed.contains_key(&seat), "{text}");
        assert!(text.len() < 64 * 1024);
        let message = RoomMessage::parse(text).unwrap();
        self.told.entry(seat).or_default().push(message);
    }

    fn enter(&mut self, channel: &str) -> SeatId {
        self.enter_with(channel, Pass::Anyone)
    }

    fn enter_with(&mut self, channel: &str, pass: Pass) -> SeatId {
        let seat = self.rooms.enter(self.now, channel.parse().unwrap(), pass);
        self.settle();
        seat
    }

    fn frame(&mut self, seat: SeatId, message: &Message) {
        let unix_s = 1_000 + self.now.since_opening().as_secs() as i64;
        self.rooms.handle_message(self.now, unix_s, seat, message);
        self.settle();
    }

    fn say(&mut self, seat: SeatId, message: &GuestMessage) {
        self.frame(seat, &Message::text(message.to_string()));
    }

    fn claim(&mut self, seat: SeatId, name: &str) {
        let user = name.to_owned();
        self.say(seat, &GuestMessage::Identity { user });
    }

    fn speak(&mut self, seat: SeatId, text: &str) {
        let text = text.to_owned();
        self.say(seat, &GuestMessage::Message { text });
    }

    fn join(&mut self, seat: SeatId, channel: &str) {
        let id = channel.to_owned();
        self.say(seat, &GuestMessage::Join { id });
    }

    /// Lets time pass, up to then.
    fn wait_until(&mut self, seconds: u64) {
        let then = Stamp::after_opening(Duration::from_secs(seconds));
        while let Some(due) = self.rooms.poll_timeout().filter(|due| *due <= then) {
            self.now = due;
            self.rooms.handle_timeout(due);
            assert_ne!(self.rooms.poll_timeout(), Some(due), "time stands still");
            self.settle();
        }
        self.now = then;
    }

    /// A guest with a name, and all that came with it forgotten.
    fn person(&mut self, channel: &str, name: &str) -> SeatId {
        let seat = self.enter(channel);
        self.claim(seat, name);
        assert!(self.takes(seat).contains(&identity(true)));
        for told in self.told.values_mut() {
            told.clear();
        }
        seat
    }

    /// What a seat has been told since this was asked last.
    fn takes(&mut self, seat: SeatId) -> Vec<RoomMessage> {
        self.told.remove(&seat).unwrap_or_default()
    }

    /// The one thing that a seat has been told since this was asked last.
    fn takes_one(&mut self, seat: SeatId) -> RoomMessage {
        let mut told = self.takes(seat);
        assert_eq!(told.len(), 1, "{told:?}");
        told.remove(0)
    }

    /// The code of the one error that a seat has been told, whatever else it was.
    fn takes_error(&mut self, seat: SeatId) -> ErrorCode {
        let told = self.takes(seat);
        let codes: Vec<_> = told.iter().filter_map(error_of).collect();
        assert_eq!(codes.len(), 1, "{told:?}");
        codes[0]
    }
}

fn error_of(message: &RoomMessage) -> Option<ErrorCode> {
    match message {
        RoomMessage::Error { code, .. } => Some(*code),
        _ => None,
    }
}

fn connection(id: &str) -> RoomMessage {
    RoomMessage::Connection { id: id.to_owned() }
}

fn identity(success: bool) -> RoomMessage {
    RoomMessage::Identity { success }
}

fn presence(came: &[&str], went: &[&str], total: usize) -> RoomMessage {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    RoomMessage::Presence {
        came: owned(came),
        went: owned(went),
        total,
    }
}

fn message(user: &str, text: &str, timestamp: i64) -> RoomMessage {
    RoomMessage::Message {
        text: text.to_owned(),
        timestamp,
        user: user.to_owned(),
    }
}

#[test]
fn whoever_enters_is_told_where_it_is_what_was_said_and_who_is_there() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    for number in 0..60 {
        house.wait_until(number);
        house.say(anna, &GuestMessage::Heartbeat {});
        house.speak(anna, &format!("{number}"));
    }
    let bert = house.enter("fishing");
    let told = house.takes(bert);
    assert_eq!(told.len(), 52);
    assert_eq!(told[0], connection("fishing"));
    assert_eq!(told[1], message("anna", "10", 1010));
    assert_eq!(told[50], message("anna", "59", 1059));
    assert_eq!(told[51], presence(&["anna"], &[], 1));
    // Elsewhere there is nothing of it.
    let carl = house.enter("hunting");
    let nobody = presence(&[], &[], 0);
    assert_eq!(house.takes(carl), [connection("hunting"), nobody]);
}

#[test]
fn what_is_said_reaches_everybody_in_the_channel_the_speaker_too_and_nobody_else() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let silent = house.enter("fishing");
    let elsewhere = house.person("hunting", "anna");
    house.takes(silent);
    house.wait_until(7);
    house.speak(anna, "good luck");
    let heard = message("anna", "good luck", 1007);
    assert_eq!(house.takes_one(anna), heard);
    assert_eq!(house.takes_one(silent), heard);
    assert_eq!(house.takes(elsewhere), []);
}

#[test]
fn a_name_is_one_persons_at_a_time() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let bert = house.enter("fishing");
    house.takes(bert);
    house.claim(bert, "anna");
    let told = house.takes(bert);
    assert_eq!(told[0], identity(false));
    assert_eq!(error_of(&told[1]), Some(ErrorCode::NameTaken));
    house.speak(bert, "I am anna");
    assert_eq!(house.takes_error(bert), ErrorCode::NotAuthenticated);
    assert_eq!(house.takes(anna), []);

    // Claiming it once more changes nothing, and another one frees it.
    house.claim(anna, "anna");
    assert_eq!(house.takes_one(anna), identity(true));
    house.claim(anna, "anne");
    let renamed = presence(&["anne"], &["anna"], 1);
    assert_eq!(house.takes(anna), [identity(true), renamed.clone()]);
    assert_eq!(house.takes(bert), [renamed]);
    house.claim(bert, "anna");
    let came = presence(&["anna"], &[], 2);
    assert_eq!(house.takes(bert), [identity(true), came]);
    house.rooms.leave(house.now, anna);
    house.settle();
    assert_eq!(house.takes_one(bert), presence(&[], &["anne"], 1));
}

#[test]
fn what_is_refused_has_a_code_and_a_sentence() {
    let mut house = House::new();
    let nobody = house.enter("fishing");
    house.takes(nobody);
    let long = format!(r#"{{"type":"message","text":"{}"}}"#, "ö".repeat(2049));
    for (text, code) in [
        (r#"{"type":"identity","user":""}"#, ErrorCode::NameEmpty),
        (r#"{"type":"identity","user":"  "}"#, ErrorCode::NameInvalid),
        (
            r#"{"type":"identity","user":"a\nb"}"#,
            ErrorCode::NameInvalid,
        ),
        (
            r#"{"type":"identity","user":"123456789 123456789 123456789 123"}"#,
            ErrorCode::NameTooLong,
        ),
        (
            r#"{"type":"message","text":"hi"}"#,
            ErrorCode::NotAuthenticated,
        ),
        (r#"{"type":"join","id":"fishing"}"#, ErrorCode::AlreadyThere),
        (r#"{"type":"join","id":"a/b"}"#, ErrorCode::ChannelInvalid),
        (
            r#"{"type":"ticket","ticket":"x"}"#,
            ErrorCode::TicketRefused,
        ),
        (r#"{"type":"shout"}"#, ErrorCode::UnknownType),
        (r#"{"type":"message"}"#, ErrorCode::Malformed),
        ("hello", ErrorCode::NotJson),
    ] {
        house.frame(nobody, &Message::text(text));
        let told = house.takes(nobody);
        let sentence = told.iter().find_map(|it| match it {
            RoomMessage::Error { message, .. } => Some(message.clone()),
            _ => None,
        });
        let sentence = sentence.unwrap();
        assert!(sentence.ends_with('.'), "{sentence}");
        assert!(sentence.starts_with(char::is_uppercase), "{sentence}");
        assert_eq!(told.last().and_then(error_of), Some(code), "{text}");
    }
    let anna = house.person("fishing", "anna");
    house.takes(nobody);
    for text in ["", " \n"] {
        house.speak(anna, text);
        assert_eq!(house.takes_error(anna), ErrorCode::MessageEmpty);
    }
    house.frame(anna, &Message::text(long));
    assert_eq!(house.takes_error(anna), ErrorCode::MessageTooLong);
    house.frame(anna, &Message::Binary(vec![0]));
    assert_eq!(house.takes_error(anna), ErrorCode::NotText);
    house.speak(anna, &"ö".repeat(2048));
    assert!(matches!(house.takes_one(anna), RoomMessage::Message { .. }));
    assert_eq!(house.takes(nobody).len(), 1);
    assert!(house.closed.is_empty());
}

#[test]
fn whoever_answers_no_heartbeat_loses_its_name_and_nothing_else() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let bert = house.person("fishing", "bert");
    for beat in [30, 60] {
        house.wait_until(beat);
        for seat in [anna, bert] {
            let authenticated = true;
            assert_eq!(
                house.takes_one(seat),
                RoomMessage::Heartbeat { authenticated }
            );
        }
        house.say(bert, &GuestMessage::Heartbeat {});
        if beat == 30 {
            house.say(anna, &GuestMessage::Heartbeat {});
        }
    }
    house.wait_until(69);
    assert_eq!(house.takes(anna), []);
    house.wait_until(70);
    let told = house.takes(anna);
    let gone = presence(&[], &["anna"], 1);
    assert_eq!(error_of(&told[0]), Some(ErrorCode::HeartbeatMissed));
    assert_eq!(told[1], gone);
    assert_eq!(house.takes(bert), [gone]);

    // It still hears, and can have a name again, if nobody else has taken it meanwhile.
    house.speak(bert, "where is she?");
    assert_eq!(
        house.takes_one(anna),
        message("bert", "where is she?", 1070)
    );
    house.speak(anna, "here");
    assert_eq!(house.takes_error(anna), ErrorCode::NotAuthenticated);
    house.wait_until(90);
    let authenticated = false;
    assert_eq!(
        house.takes_one(anna),
        RoomMessage::Heartbeat { authenticated }
    );
    // A late answer brings nothing back.
    house.say(anna, &GuestMessage::Heartbeat {});
    house.claim(anna, "anna");
    assert_eq!(house.takes(anna)[0], identity(true));
}

#[test]
fn changing_the_channel_takes_the_name_along_if_it_is_free_there() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let bert = house.person("fishing", "bert");
    let other = house.person("hunting", "bert");
    house.join(anna, "hunting");
    assert_eq!(house.takes_one(bert), presence(&[], &["anna"], 1));
    let came = presence(&["anna"], &[], 2);
    let told = [
        connection("hunting"),
        presence(&["bert"], &[], 1),
        identity(true),
        came.clone(),
    ];
    assert_eq!(house.takes(anna), told);
    assert_eq!(house.takes_one(other), came);
    house.join(bert, "hunting");
    let told = house.takes(bert);
    assert_eq!(told[0], connection("hunting"));
    assert_eq!(told[2], identity(false));
    assert_eq!(error_of(&told[3]), Some(ErrorCode::NameTaken));
    // Nobody is left in the old one, in which nothing was said: it is gone.
    assert_eq!(house.rooms.rooms.len(), 1);
}

#[test]
fn whoever_talks_too_fast_is_told_and_a_flood_is_shown_out() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let bert = house.person("fishing", "bert");
    house.wait_until(15);
    for number in 0..20 {
        house.speak(anna, &format!("{number}"));
    }
    assert_eq!(house.takes(anna).len(), 20);
    house.takes(bert);
    house.wait_until(16);
    house.speak(anna, "one more");
    match house.takes_one(anna) {
        RoomMessage::Error {
            code: ErrorCode::TooFast,
            retry_after_ms,
            ..
        } => assert_eq!(retry_after_ms, Some(9000)),
        other => panic!("{other:?}"),
    }
    // After a pause as long as that it is heard again.
    house.wait_until(25);
    house.speak(anna, "one more");
    assert!(matches!(house.takes_one(anna), RoomMessage::Message { .. }));
    for _ in 1..20 {
        house.frame(anna, &Message::text("not even JSON"));
    }
    for _ in 0..20 {
        assert!(!house.closed.contains_key(&anna));
        house.frame(anna, &Message::text("not even JSON"));
    }
    house.takes(bert);
    house.speak(anna, "and another");
    assert_eq!(house.closed[&anna].code(), CloseReason::POLICY_VIOLATION);
    assert_eq!(house.takes_one(bert), presence(&[], &["anna"], 1));
    // There is nobody to hear any more.
    house.speak(anna, "hello?");
    house.rooms.leave(house.now, anna);
    house.settle();
    assert_eq!(house.takes(bert), []);
}

#[test]
fn answers_to_heartbeats_do_not_count_as_talk() {
    let mut house = House::with(RoomsSettings {
        heartbeat: Duration::from_millis(100),
        ..SETTINGS
    });
    let anna = house.person("fishing", "anna");
    for step in 1..100 {
        let then = Stamp::after_opening(Duration::from_millis(100 * step));
        house.now = then;
        house.rooms.handle_timeout(then);
        house.settle();
        house.say(anna, &GuestMessage::Heartbeat {});
    }
    let told = house.takes(anna);
    assert_eq!(told.len(), 99);
    assert_eq!(told.iter().find_map(error_of), None);
}

#[test]
fn without_a_ticket_nobody_hears_or_says_anything() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    let bert = house.enter_with("fishing", Pass::Wanted);
    assert_eq!(house.takes_error(bert), ErrorCode::TicketNeeded);
    house.claim(bert, "bert");
    assert_eq!(house.takes_error(bert), ErrorCode::TicketNeeded);
    house.speak(anna, "are we alone?");
    house.takes(anna);
    assert_eq!(house.takes(bert), []);
    let ticket = |text: &str| GuestMessage::Ticket {
        ticket: text.to_owned(),
    };
    house.say(bert, &ticket("wrong"));
    assert_eq!(house.tickets.len(), 1);
    house.rooms.refuse(house.now, bert, "No such ticket.");
    house.settle();
    assert_eq!(house.takes_error(bert), ErrorCode::TicketRefused);
    house.rooms.admit(house.now, bert, "bert".parse().unwrap());
    house.settle();
    assert_eq!(house.takes(bert)[0], connection("fishing"));
    // The ticket is good for one name.
    house.claim(bert, "carl");
    assert_eq!(house.takes_error(bert), ErrorCode::NameNotYours);
    house.claim(bert, "bert");
    assert_eq!(house.takes(bert)[0], identity(true));

    let late = house.enter_with("fishing", Pass::Wanted);
    house.takes(late);
    house.wait_until(10);
    assert_eq!(house.closed[&late].code(), CloseReason::POLICY_VIOLATION);
    assert!(!house.closed.contains_key(&bert));
    house.rooms.admit(house.now, late, "late".parse().unwrap());
    house.settle();
    assert_eq!(house.takes(late), []);
}

#[test]
fn a_channel_is_remembered_when_all_have_gone_and_not_every_one_for_ever() {
    let mut house = House::new();
    for number in 0..=VACANT_ROOMS {
        let seat = house.person(&format!("{number}"), "anna");
        house.speak(seat, "was here");
        house.rooms.leave(house.now, seat);
        house.settle();
    }
    assert_eq!(house.rooms.rooms.len(), VACANT_ROOMS);
    let (first, second) = (house.enter("0"), house.enter("1"));
    assert_eq!(house.takes(first).len(), 2);
    assert_eq!(house.takes(second).len(), 3);
    assert_eq!(house.rooms.vacant.len(), VACANT_ROOMS - 1);
}

#[test]
fn a_roster_has_an_end() {
    let mut house = House::new();
    for number in 0..300 {
        let seat = house.enter("fishing");
        house.claim(seat, &format!("{number:\u{1f41f}>32}"));
    }
    let late = house.enter("fishing");
    let told = house.takes(late);
    match &told[1] {
        RoomMessage::Presence { came, total, .. } => {
            assert_eq!((came.len(), *total), (256, 300));
        }
        other => panic!("{other:?}"),
    }
    assert!(told[1].to_string().len() < 64 * 1024);
}

#[test]
fn a_crowd_that_comes_and_goes_at_once_is_told_of_in_few_words() {
    let mut house = House::new();
    house.gathering = Gathering::Awaited;
    let host = house.enter("fishing");
    house.claim(host, "host");
    let crowd: Vec<_> = (0..600).map(|_| house.enter("fishing")).collect();
    for (number, seat) in crowd.iter().enumerate() {
        house.claim(*seat, &format!("{number}"));
    }
    house.deliveries = 0;
    house.takes(host);
    house.wait_until(1);
    let told = house.takes(host);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(house.deliveries, 3 * 601);
    assert!(matches!(&told[2], RoomMessage::Presence { total: 601, .. }));
    // Whoever comes and goes meanwhile is not told of at all.
    for seat in &crowd[1..] {
        house.rooms.leave(house.now, *seat);
    }
    let short = house.enter("fishing");
    house.claim(short, "short");
    house.rooms.leave(house.now, short);
    house.wait_until(2);
    let told = house.takes(host);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(matches!(&told[3], RoomMessage::Presence { came, total: 2, .. } if came.is_empty()));
    assert_eq!(
        house.rooms.poll_timeout(),
        house.rooms.due.first().map(|(due, _)| *due)
    );
}

#[test]
fn nobody_is_heard_before_it_is_known_to_be_there() {
    let mut house = House::new();
    house.gathering = Gathering::Awaited;
    let (anna, bert) = (house.enter("fishing"), house.enter("fishing"));
    house.claim(anna, "anna");
    house.claim(bert, "bert");
    house.speak(bert, "hi");
    let told = house.takes(anna);
    let came = presence(&["bert"], &[], 2);
    assert_eq!(told[told.len() - 2..], [came, message("bert", "hi", 1000)]);
    // Whoever enters is told of those that the others know of, and of the next with them.
    let carl = house.enter("fishing");
    house.claim(carl, "carl");
    let late = house.enter("fishing");
    assert_eq!(
        house.takes(late).last(),
        Some(&presence(&["anna", "bert"], &[], 2))
    );
    house.wait_until(1);
    assert_eq!(house.takes_one(late), presence(&["carl"], &[], 3));
}

#[test]
fn whoever_comes_in_anew_with_a_ticket_takes_the_place_of_its_own_ghost() {
    let mut house = House::new();
    let anna = || Pass::User("anna".parse().unwrap());
    let ghost = house.enter_with("fishing", anna());
    house.claim(ghost, "anna");
    let bert = house.person("fishing", "bert");
    let anew = house.enter_with("fishing", anna());
    house.claim(anew, "anna");
    assert!(house.takes(anew).contains(&identity(true)));
    assert_eq!(house.closed[&ghost].code(), CloseReason::POLICY_VIOLATION);
    // To the others, nothing has changed.
    assert_eq!(house.takes(bert), []);
}

#[test]
fn what_is_told_at_the_entry_is_one_delivery() {
    let mut house = House::new();
    let anna = house.person("fishing", "anna");
    for number in 0..20 {
        house.speak(anna, &format!("{number}"));
    }
    house.deliveries = 0;
    let bert = house.enter("fishing");
    assert_eq!(house.takes(bert).len(), 21);
    assert_eq!(house.deliveries, 1);
}

#[test]
fn what_was_said_where_nobody_is_any_more_takes_up_no_more_than_it_may() {
    let mut house = House::with(RoomsSettings {
        longest_message: 10_240,
        ..SETTINGS
    });
    let long = "\u{1}".repeat(10_240);
    for number in 0..VACANT_ROOMS {
        let seat = house.person(&format!("{number}"), "anna");
        for _ in 0..19 {
            house.speak(seat, &long);
        }
        house.rooms.leave(house.now, seat);
        house.settle();
    }
    let kept: usize = house.rooms.rooms.values().map(Room::bytes).sum();
    assert_eq!(kept, house.rooms.vacant_bytes);
    assert!((VACANT_BYTES / 2..=VACANT_BYTES).contains(&kept), "{kept}");
    // Somebody comes back to the one that was left last.
    let back = house.enter(&format!("{}", VACANT_ROOMS - 1));
    assert_eq!(house.takes(back).len(), 21);
    let of_others = house.rooms.vacant_bytes;
    assert!(of_others < kept);
    house.rooms.leave(house.now, back);
    assert_eq!(house.rooms.vacant_bytes, kept);
}

/// What can happen in a house.
#[derive(Clone, Debug)]
enum Move {
    Enter(u8),
    Leave(usize),
    Say(usize, GuestMessage),
    Junk(usize, String),
    Wait(u16),
}

fn any_move() -> impl Strategy<Value = Move> {
    let name = prop_oneof!["[abc]", "[ab]{0,2}"];
    let said = prop_oneof![
        1 => Just(GuestMessage::Heartbeat {}),
        3 => name.prop_map(|user| GuestMessage::Identity { user }),
        5 => "[xyz]{0,2}".prop_map(|text| GuestMessage::Message { text }),
        2 => "[pq]{0,1}".prop_map(|id| GuestMessage::Join { id }),
        1 => Just(GuestMessage::Ticket { ticket: "t".to_owned() }),
    ];
    prop_oneof![
        2 => (0..2_u8).prop_map(Move::Enter),
        1 => any::<usize>().prop_map(Move::Leave),
        8 => (any::<usize>(), said).prop_map(|(who, said)| Move::Say(who, said)),
        1 => (any::<usize>(), any::<String>()).prop_map(|(who, text)| Move::Junk(who, text)),
        2 => (0..20_000_u16).prop_map(Move::Wait),
    ]
}

proptest! {
    /// The four promises of the rooms, whatever anybody does in whatever order: nothing panics, a name
    /// never has two owners, nobody is heard under a name that is not its own, and everybody in a
    /// channel hears the same in the same order.
    #[test]
    fn the_promises_hold(moves in prop::collection::vec(any_move(), 0..150)) {
        let mut house = House::with(RoomsSettings {
            rate: Rate { messages: NonZeroU32::new(8).unwrap(), per: Duration::from_secs(10) },
            ..SETTINGS
        });
        house.gathering = Gathering::Awaited;
        let mut seats = Vec::new();
        for step in moves {
            let spoke = match step {
                Move::Enter(channel) => {
                    seats.push(house.enter(["p", "q"][usize::from(channel)]));
                    None
                }
                Move::Wait(millis) => {
                    let then = house.now + Duration::from_millis(millis.into());
                    house.now = then;
                    house.rooms.handle_timeout(then);
                    house.settle();
                    None
                }
                Move::Leave(who) if !seats.is_empty() => {
                    let who = seats[who % seats.len()];
                    house.rooms.leave(house.now, who);
                    house.settle();
                    None
                }
                Move::Say(who, said) if !seats.is_empty() => {
                    let who = seats[who % seats.len()];
                    let before = house.rooms.occupants.get(&who).map(|it| (it.channel.clone(), it.name.clone()));
                    let heard: usize = house.told.values().flatten().filter(|it| matches!(it, RoomMessage::Message { .. })).count();
                    house.say(who, &said);
                    let after: usize = house.told.values().flatten().filter(|it| matches!(it, RoomMessage::Message { .. })).count();
                    let is_speech = matches!(said, GuestMessage::Message { .. } | GuestMessage::Join { .. });
                    prop_assert!(is_speech || heard == after);
                    match said {
                        GuestMessage::Message { text } if after > heard => Some((before, text)),
                        _ => None,
                    }
                }
                Move::Junk(who, text) if !seats.is_empty() => {
                    house.frame(seats[who % seats.len()], &Message::text(text));
                    None
                }
                _ => None,
            };
            // Who was heard had a name, and all who are there have heard it, as the last thing.
            if let Some((before, text)) = spoke {
                let (channel, name) = before.unwrap();
                let name = name.unwrap();
                for (seat, occupant) in &house.rooms.occupants {
                    if occupant.channel == channel {
                        let last = house.told[seat].last();
                        let is_it = matches!(last, Some(RoomMessage::Message { user, text: heard, .. })
                            if *user == name.as_str() && *heard == text);
                        prop_assert!(is_it, "{last:?}");
                    }
                }
            }
            // Nobody has another's name, and every name is somebody's.
            let mut names = BTreeSet::new();
            for occupant in house.rooms.occupants.values() {
                if let Some(name) = &occupant.name {
                    prop_assert!(names.insert((occupant.channel.clone(), name.clone())));
                }
            }
            let owned: usize = house.rooms.rooms.values().map(Room::named).sum();
            prop_assert_eq!(owned, names.len());
            prop_assert_eq!(house.rooms.due.len(), house.rooms.occupants.len());
        }
        // What somebody has heard since it came into a channel is the end of what anybody has
        // heard there who has been there for longer.
        let heard_there: Vec<_> = house.rooms.occupants.iter().map(|(seat, occupant)| {
            let told = &house.told[seat];
            let entry = told.iter().rposition(|it| matches!(it, RoomMessage::Connection { .. })).unwrap();
            let roster = told[entry..].iter().position(|it| matches!(it, RoomMessage::Presence { .. })).unwrap();
            let shared = |it: &&RoomMessage| matches!(it, RoomMessage::Message { .. } | RoomMessage::Presence { .. });
            let heard: Vec<_> = told[entry + roster + 1..].iter().filter(shared).cloned().collect();
            (occupant.channel.clone(), heard)
        }).collect();
        for (channel, heard) in &heard_there {
            for (other, longer) in &heard_there {
                if channel == other && longer.len() >= heard.len() {
                    prop_assert!(longer.ends_with(heard));
                }
            }
        }
    }

    #[test]
    fn no_call_at_any_time_makes_them_panic(
        calls in prop::collection::vec((any::<u64>(), 0..6, any::<u64>(), any::<String>()), 0..60),
    ) {
        let mut rooms = Rooms::new(RoomsSettings {
            heartbeat: Duration::ZERO,
            heartbeat_timeout: Duration::MAX,
            rate: Rate { messages: NonZeroU32::MIN, per: Duration::MAX },
            longest_message: 0,
            ticket_wait: Duration::ZERO,
        });
        for (at, call, seat, text) in calls {
            let at = Stamp::from_nanos(at % 10_000_000_000);
            let seat = SeatId(seat % 8);
            match call {
                0 => drop(rooms.enter(at, "c".parse().unwrap(), Pass::Anyone)),
                1 => drop(rooms.enter(at, "c".parse().unwrap(), Pass::Wanted)),
                2 => rooms.leave(at, seat),
                3 => rooms.admit(at, seat, "u".parse().unwrap()),
                4 => rooms.handle_message(at, 0, seat, &Message::text(text)),
                _ => rooms.handle_timeout(at),
            }
            while rooms.poll_output().is_some() {}
        }
    }
}
