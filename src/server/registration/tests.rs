use futures_util::FutureExt;

use super::*;

/// Where all of them come from.
fn site() -> Site {
    std::net::IpAddr::from([192, 0, 2, 1]).into()
}

fn key(number: u8) -> PublicKey {
    PublicKey::new([number; 32])
}

/// A registration where this many messages may wait.
fn registration(egress_queue: usize) -> Arc<Registration> {
    let settings = RegistrationSettings {
        egress_queue: NonZeroUsize::new(egress_queue).unwrap(),
        ..RegistrationSettings::default()
    };
    Arc::new(Registration::new(settings, [1; 32]))
}

/// A connection whose driver does what the test has it do, and when.
struct Connection {
    attendance: Attendance,
    inbox: Inbox<RegistrarCue>,
}

impl Connection {
    fn new(registration: &Arc<Registration>) -> Self {
        let (_, attendance, inbox) = registration.receive("pond.example".to_owned(), site());
        Connection { attendance, inbox }
    }

    fn registers(&mut self, key: PublicKey) {
        let at = Stamp::OPENING;
        let event = RegistrarEvent::Registered { at, key };
        self.attendance.at_once(&event);
    }

    /// It has missed a heartbeat, say.
    fn is_unregistered(&mut self, key: PublicKey) {
        let at = Stamp::OPENING;
        let event = RegistrarEvent::Unregistered { at, key };
        self.attendance.at_once(&event);
    }

    fn says(&mut self, text: &str, to: Option<PublicKey>) {
        let at = Stamp::OPENING;
        let text = text.to_owned();
        let event = RegistrarEvent::Said { at, text, to };
        self.attendance.at_once(&event);
    }

    /// What comes out of its inbox next, if there is something; `Some(None)` for an end.
    fn takes(&mut self) -> Option<Option<RegistrarCue>> {
        self.inbox.next().now_or_never()
    }
}

#[test]
fn whoever_was_replaced_does_not_come_back_over_the_same_connection() {
    let registration = registration(9);
    let [mut older, mut newer, mut other] = std::array::from_fn(|_| Connection::new(&registration));
    older.registers(key(1));
    newer.registers(key(1));
    other.registers(key(2));
    // The cue is there, but the driver has not taken it yet.
    older.is_unregistered(key(1));
    older.registers(key(1));
    assert_eq!(older.takes(), Some(Some(RegistrarCue::Replaced)));
    older.is_unregistered(key(1));
    drop(older);

    assert_eq!(newer.takes(), None);
    other.says("hello", Some(key(1)));
    assert_eq!(other.takes(), Some(Some(RegistrarCue::Delivered(1))));
    assert!(matches!(newer.takes(), Some(Some(RegistrarCue::Text(_)))));
    assert!(registration.office().leaving.is_empty());
}

#[test]
fn whoever_reads_too_slowly_does_not_come_back_over_the_same_connection() {
    let registration = registration(1);
    let [mut older, mut newer, mut other] = std::array::from_fn(|_| Connection::new(&registration));
    older.registers(key(1));
    other.registers(key(2));
    for delivered in [1, 0] {
        other.says("hello", None);
        let receipt = RegistrarCue::Delivered(delivered);
        assert_eq!(other.takes(), Some(Some(receipt)));
    }
    newer.registers(key(1));
    older.is_unregistered(key(1));
    older.registers(key(1));
    assert_eq!(older.takes(), Some(None));
    drop(older);

    assert_eq!(newer.takes(), None);
    other.says("hello", Some(key(1)));
    assert_eq!(other.takes(), Some(Some(RegistrarCue::Delivered(1))));
    assert!(registration.office().leaving.is_empty());
}

#[test]
fn whoever_missed_a_heartbeat_comes_back_over_the_same_connection() {
    let registration = registration(9);
    let [mut older, mut newer] = std::array::from_fn(|_| Connection::new(&registration));
    older.registers(key(1));
    older.is_unregistered(key(1));
    newer.registers(key(1));
    older.registers(key(1));
    assert_eq!(newer.takes(), Some(Some(RegistrarCue::Replaced)));
    assert_eq!(older.takes(), None);
}
