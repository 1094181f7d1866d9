use std::collections::{BTreeMap, VecDeque};

use super::*;
use crate::conversation::{Farewell, Output, Party};

/// A server, and those who have dialled it, each across a wire that takes its time.
pub(super) struct House {
    pub(super) now: Stamp,
    pub(super) directory: Directory<usize>,
    connections: Vec<Connection>,
    /// What is on its way, by when it comes in. Nothing overtakes another on one wire.
    wires: BTreeMap<(Stamp, u64), (usize, Arrival)>,
    sent: u64,
}

struct Connection {
    registrant: Registrant,
    registrar: Registrar,
    delay: Duration,
    noticed: Vec<RegistrantEvent>,
    closed: Option<Farewell>,
    is_open: bool,
}

enum Arrival {
    AtRegistrar(Message),
    AtRegistrant(Message),
    /// A Close frame, at either end.
    Close,
}

impl House {
    pub(super) fn new() -> Self {
        House {
            now: Stamp::OPENING,
            directory: Directory::new(),
            connections: Vec::new(),
            wires: BTreeMap::new(),
            sent: 0,
        }
    }

    /// Somebody dials, across a wire that is so long. Stamps of all connections count from the same
    /// time, which is no matter to the parties.
    pub(super) fn dial(
        &mut self,
        pair: &KeyPair,
        settings: RegistrarSettings,
        delay: Duration,
    ) -> usize {
        let who = self.connections.len();
        let seed = [u8::try_from(who).unwrap(); 32];
        let of_registrant = RegistrantSettings {
            host: HOST.to_owned(),
            key: pair.clone(),
        };
        self.connections.push(Connection {
            registrant: Registrant::new(of_registrant),
            registrar: Registrar::new(settings, HOST.to_owned(), seed),
            delay,
            noticed: Vec::new(),
            closed: None,
            is_open: true,
        });
        let now = self.now;
        self.connections[who].registrant.handle_open(now);
        self.connections[who].registrar.handle_open(now);
        self.settle();
        who
    }

    pub(super) fn cue(&mut self, who: usize, cue: RegistrantCue) {
        let now = self.now;
        self.connections[who].registrant.handle_cue(now, cue);
        self.settle();
    }

    pub(super) fn say(&mut self, who: usize, text: &str, to: Option<PublicKey>) {
        let text = text.to_owned();
        self.cue(who, RegistrantCue::Say(Line { text, to }));
    }

    /// The wire becomes another, for what is sent from now on. What is under way is not overtaken: it
    /// has to have come in first.
    pub(super) fn shorten(&mut self, who: usize, delay: Duration) {
        let last = self
            .wires
            .iter()
            .filter(|(_, (it, _))| *it == who)
            .map(|((at, _), _)| *at)
            .max();
        assert!(last.is_none_or(|last| last <= self.now + delay));
        self.connections[who].delay = delay;
    }

    /// What a registrant has noticed since this was asked last.
    pub(super) fn noticed(&mut self, who: usize) -> Vec<RegistrantEvent> {
        std::mem::take(&mut self.connections[who].noticed)
    }

    /// What a registrant has heard since this was asked last, and from whom.
    pub(super) fn heard(&mut self, who: usize) -> Vec<(PublicKey, String)> {
        let heard = self
            .noticed(who)
            .into_iter()
            .filter_map(|event| match event {
                RegistrantEvent::Heard { from, text, .. } => Some((from, text)),
                _ => None,
            });
        heard.collect()
    }

    /// How the connection ended, if it did.
    pub(super) fn closed(&self, who: usize) -> Option<&Farewell> {
        self.connections[who].closed.as_ref()
    }

    pub(super) fn unsaid(&self, who: usize) -> usize {
        self.connections[who].registrant.unsaid().count()
    }

    /// Lets time pass, up to then.
    pub(super) fn wait_until(&mut self, then: Stamp) {
        loop {
            let arrival = self.wires.keys().next().map(|(at, _)| *at);
            let wakes = self.connections.iter().filter(|it| it.is_open);
            let wake = wakes
                .flat_map(|it| [it.registrant.poll_timeout(), it.registrar.poll_timeout()])
                .flatten();
            let Some(next) = wake.chain(arrival).min().filter(|next| *next <= then) else {
                break;
            };
            self.now = self.now.max(next);
            let now = self.now;
            if arrival == Some(next) {
                if let Some((_, (who, arrival))) = self.wires.pop_first() {
                    self.arrive(who, arrival);
                }
            } else {
                for connection in self.connections.iter_mut().filter(|it| it.is_open) {
                    connection.registrant.handle_timeout(now);
                    connection.registrar.handle_timeout(now);
                }
            }
            self.settle();
        }
        self.now = then;
    }

    fn arrive(&mut self, who: usize, arrival: Arrival) {
        let now = self.now;
        let connection = &mut self.connections[who];
        if !connection.is_open {
            return;
        }
        match arrival {
            Arrival::AtRegistrar(message) => connection.registrar.handle_message(now, &message),
            Arrival::AtRegistrant(message) => connection.registrant.handle_message(now, &message),
            Arrival::Close => {
                connection.registrant.handle_close(now);
                connection.registrar.handle_close(now);
                connection.is_open = false;
            }
        }
    }

    /// Carries out what everybody wants done.
    fn settle(&mut self) {
        let mut dirty: VecDeque<usize> = (0..self.connections.len()).collect();
        while let Some(who) = dirty.pop_front() {
            while let Some(output) = self.connections[who].registrant.poll_output() {
                match output {
                    Output::Send(message) => self.send(who, Arrival::AtRegistrar(message)),
                    Output::Event(event) => self.connections[who].noticed.push(event),
                    Output::Close(farewell) => self.close(who, farewell),
                }
            }
            while let Some(output) = self.connections[who].registrar.poll_output() {
                match output {
                    Output::Send(message) => self.send(who, Arrival::AtRegistrant(message)),
                    Output::Event(event) => self.pass_on(who, event, &mut dirty),
                    Output::Close(farewell) => self.close(who, farewell),
                }
            }
        }
    }

    /// Does what a server does.
    fn pass_on(&mut self, who: usize, event: RegistrarEvent, dirty: &mut VecDeque<usize>) {
        let now = self.now;
        let mut tell = |connections: &mut Vec<Connection>, whom: usize, cue| {
            connections[whom].registrar.handle_cue(now, cue);
            dirty.push_back(whom);
        };
        match event {
            RegistrarEvent::Registered { key, .. } => {
                if let Some(older) = self.directory.register(key, who) {
                    tell(&mut self.connections, older, RegistrarCue::Replaced);
                }
            }
            RegistrarEvent::Unregistered { key, .. } => {
                self.directory.unregister(&key, |it| *it == who);
            }
            RegistrarEvent::Said { text, to, .. } => {
                let own = self.key_of(who);
                let whom: Vec<usize> = match &to {
                    Some(key) => self.directory.route(key).copied().into_iter().collect(),
                    None => self.directory.others(&own).map(|(_, it)| *it).collect(),
                };
                let message = RegistrarMessage::Text {
                    from: own,
                    text,
                    timestamp: 0,
                };
                let cue = RegistrarCue::Text(message.to_string().into());
                for whom in &whom {
                    tell(&mut self.connections, *whom, cue.clone());
                }
                let receipt = match to {
                    Some(key) if whom.is_empty() => RegistrarCue::UnknownKey(key),
                    _ => RegistrarCue::Delivered(whom.len()),
                };
                tell(&mut self.connections, who, receipt);
            }
            RegistrarEvent::Confirmed { .. }
            | RegistrarEvent::Rejected { .. }
            | RegistrarEvent::Unanswered { .. } => {}
        }
    }

    fn key_of(&self, who: usize) -> PublicKey {
        self.connections[who].registrant.public_key()
    }

    fn send(&mut self, who: usize, arrival: Arrival) {
        let at = self.now + self.connections[who].delay;
        self.sent += 1;
        self.wires.insert((at, self.sent), (who, arrival));
    }

    fn close(&mut self, who: usize, farewell: Farewell) {
        self.connections[who].closed.get_or_insert(farewell);
        self.send(who, Arrival::Close);
    }
}
