use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use super::Path;
use crate::conversation::{
    CloseReason, ClosedBy, Farewell, Message, Output, Party, Stamp, WireEvent,
};

/// Who hears of what happens in a simulated conversation. Stamps of the client's side count from
/// when it learned that the connection was open, stamps of the server's from when it opened it.
pub trait Watcher<C, S> {
    /// Something happened on the wire, as the client sees it.
    fn client_wire(&mut self, at: Stamp, event: &WireEvent) {
        let _ = (at, event);
    }

    /// The client noticed something.
    fn client_event(&mut self, event: C) {
        let _ = event;
    }

    /// The server noticed something.
    fn server_event(&mut self, event: S) {
        let _ = event;
    }
}

/// Two parties and what lies between them: a driver in virtual time. It keeps the
/// [drive contract](Party#the-drive-contract).
///
/// The server opens the connection at time zero; the client learns of it when the answer to its
/// upgrade, the first message on the way down, has arrived.
pub struct Pair<'a, C, S> {
    /// The party that dialled.
    pub client: &'a mut C,
    /// The party that accepted.
    pub server: &'a mut S,
    /// From the server to the client.
    pub down: &'a mut dyn Path,
    /// From the client to the server.
    pub up: &'a mut dyn Path,
    /// How late the server's next wake-up is.
    pub oversleep: &'a mut dyn FnMut() -> Duration,
}

/// What is under way in one direction.
enum Flight {
    /// The answer to the upgrade.
    Opening,
    Message(Message),
    Close,
}

/// What a side tells of.
enum News<'a, E> {
    Wire(Stamp, &'a WireEvent),
    Event(E),
}

/// One direction. Like TCP it keeps order: what is sent later arrives no earlier.
struct Direction<'a> {
    path: &'a mut dyn Path,
    under_way: VecDeque<(Stamp, Flight)>,
    latest: Stamp,
}

impl Direction<'_> {
    fn send(&mut self, now: Stamp, flight: Flight) {
        self.latest = self.latest.max(now + self.path.lateness(now));
        self.under_way.push_back((self.latest, flight));
    }

    fn arrive(&mut self) -> Option<Flight> {
        self.under_way.pop_front().map(|(_, flight)| flight)
    }

    fn next_arrival(&self) -> Option<Stamp> {
        self.under_way.front().map(|(arrival, _)| *arrival)
    }
}

/// One party, and how far its conversation has come.
struct Side<'a, P> {
    party: &'a mut P,
    /// When the connection was open for it.
    opened: Option<Stamp>,
    /// The timeout that it asked for last, and when it is going to be woken for it. `None` once it
    /// has been: a timeout that does not move is not met again.
    alarm: Option<(Stamp, Option<Stamp>)>,
    has_closed: bool,
    is_over: bool,
}

impl<'a, P: Party> Side<'a, P> {
    fn new(party: &'a mut P) -> Self {
        Side {
            party,
            opened: None,
            alarm: None,
            has_closed: false,
            is_over: false,
        }
    }

    /// A time of the simulation as this side counts it.
    fn stamp(&self, now: Stamp) -> Stamp {
        Stamp::after_opening(now.since(self.opened.unwrap_or(now)))
    }

    /// When this side wakes up next.
    fn wake(&mut self, oversleep: &mut dyn FnMut() -> Duration) -> Option<Stamp> {
        if self.is_over || self.has_closed {
            return None;
        }
        let opened = self.opened?;
        let due = self.party.poll_timeout()?;
        match self.alarm {
            Some((set_for, wake)) if set_for == due => wake,
            _ => {
                let wake = opened + due.since_opening() + oversleep();
                self.alarm = Some((due, Some(wake)));
                Some(wake)
            }
        }
    }

    fn wake_up(&mut self, now: Stamp) {
        if let Some((_, wake)) = &mut self.alarm {
            *wake = None;
        }
        self.party.handle_timeout(self.stamp(now));
    }

    /// Does what the party wants done.
    fn drain(
        &mut self,
        now: Stamp,
        out: &mut Direction<'_>,
        tell: &mut impl FnMut(News<'_, P::Event>),
    ) {
        let at = self.stamp(now);
        while let Some(output) = self.party.poll_output() {
            match output {
                Output::Event(event) => tell(News::Event(event)),
                Output::Send(_) if self.has_closed => {}
                Output::Send(message) => {
                    self.party.handle_written(at, &message);
                    let event = WireEvent::Sent(message);
                    tell(News::Wire(at, &event));
                    if let WireEvent::Sent(message) = event {
                        out.send(now, Flight::Message(message));
                    }
                }
                Output::Close(farewell) => self.close(now, out, ClosedBy::Us, farewell, tell),
            }
        }
    }

    /// Sends this side's Close frame, once.
    fn close(
        &mut self,
        now: Stamp,
        out: &mut Direction<'_>,
        by: ClosedBy,
        farewell: Farewell,
        tell: &mut impl FnMut(News<'_, P::Event>),
    ) {
        if mem::replace(&mut self.has_closed, true) {
            return;
        }
        let close = CloseReason {
            by,
            code: farewell.code(),
            reason: farewell.reason().to_owned(),
        };
        tell(News::Wire(self.stamp(now), &WireEvent::Close(close)));
        out.send(now, Flight::Close);
    }

    /// Takes in what has arrived.
    fn receive(
        &mut self,
        now: Stamp,
        flight: Flight,
        out: &mut Direction<'_>,
        tell: &mut impl FnMut(News<'_, P::Event>),
    ) {
        match flight {
            Flight::Opening => {
                self.opened = Some(now);
                tell(News::Wire(Stamp::OPENING, &WireEvent::Open));
                self.party.handle_open(Stamp::OPENING);
            }
            Flight::Message(_) if self.is_over => {}
            Flight::Message(message) => {
                let at = self.stamp(now);
                self.party.handle_message(at, &message);
                // Who has taken leave listens on, but no longer takes notes.
                if !self.has_closed {
                    tell(News::Wire(at, &WireEvent::Received(message)));
                }
            }
            Flight::Close => {
                self.close(now, out, ClosedBy::Peer, Farewell::normal(), tell);
                self.is_over = true;
                self.party.handle_close(self.stamp(now));
            }
        }
    }
}

impl<C: Party, S: Party> Pair<'_, C, S> {
    /// Runs the conversation until both sides have closed it, or neither has anything left to do.
    pub fn run(self, watcher: &mut impl Watcher<C::Event, S::Event>) {
        let mut client = Side::new(self.client);
        let mut server = Side::new(self.server);
        let mut down = Direction {
            path: self.down,
            under_way: VecDeque::new(),
            latest: Stamp::OPENING,
        };
        let mut up = Direction {
            path: self.up,
            under_way: VecDeque::new(),
            latest: Stamp::OPENING,
        };

        down.send(Stamp::OPENING, Flight::Opening);
        let mut now = Stamp::OPENING;
        // The server's side of the opening is the first that happens.
        let mut happening = Happening::Server(Some(Flight::Opening));
        loop {
            match happening {
                Happening::Client(arrival) => {
                    let mut tell = |news: News<'_, C::Event>| match news {
                        News::Wire(at, event) => watcher.client_wire(at, event),
                        News::Event(event) => watcher.client_event(event),
                    };
                    match arrival {
                        Some(flight) => client.receive(now, flight, &mut up, &mut tell),
                        None => client.wake_up(now),
                    }
                    client.drain(now, &mut up, &mut tell);
                }
                Happening::Server(arrival) => {
                    let mut tell = |news: News<'_, S::Event>| match news {
                        News::Wire(..) => {}
                        News::Event(event) => watcher.server_event(event),
                    };
                    match arrival {
                        Some(flight) => server.receive(now, flight, &mut down, &mut tell),
                        None => server.wake_up(now),
                    }
                    server.drain(now, &mut down, &mut tell);
                }
            }
            let candidates = [
                down.next_arrival(),
                up.next_arrival(),
                server.wake(self.oversleep),
                client.wake(&mut || Duration::ZERO),
            ];
            // Of what happens at the same time, arrivals come first.
            let next = candidates.into_iter().enumerate();
            let next = next.filter_map(|(which, at)| Some((at?, which))).min();
            let Some((at, which)) = next else {
                break;
            };
            now = at;
            happening = match which {
                0 => Happening::Client(down.arrive()),
                1 => Happening::Server(up.arrive()),
                2 => Happening::Server(None),
                _ => Happening::Client(None),
            };
        }
    }
}

/// To whom something happens next: an arrival, or else a timeout.
enum Happening {
    Client(Option<Flight>),
    Server(Option<Flight>),
}
