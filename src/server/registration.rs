//! The registration, as the server holds it: which connection each key is reached over, with a lock
//! around it, and the queue of each.

use std::collections::HashSet;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::conversation::chat::RATES_PER_SITE;
use crate::conversation::registration::{
    Directory, PublicKey, Registrar, RegistrarCue, RegistrarEvent, RegistrarMessage,
    RegistrarSettings,
};
use crate::conversation::{Budgets, Site, Stamp, WireEvent};
use crate::link::clock::{Clock, unix_s};
use crate::link::{Inbox, Observer, Prompter, Unheard};

/// How registrations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationSettings {
    /// What goes for each connection.
    pub registrar: RegistrarSettings,
    /// How many times the rate of one connection all from one [`Site`] may talk together, also those
    /// that have gone.
    pub rates_per_site: NonZeroU32,
    /// How many messages may wait for a registrant to read them. One that reads more slowly than
    /// that is closed with [`TRY_AGAIN_LATER`](crate::conversation::CloseReason::TRY_AGAIN_LATER),
    /// as in the [chat](super::ChatSettings::egress_queue).
    pub egress_queue: NonZeroUsize,
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        RegistrationSettings {
            registrar: RegistrarSettings::default(),
            rates_per_site: RATES_PER_SITE,
            egress_queue: NonZeroUsize::new(256).unwrap(),
        }
    }
}

/// The registration of a server.
pub(super) struct Registration {
    settings: RegistrationSettings,
    /// What the budgets are reckoned by.
    clock: Clock,
    office: Mutex<Office>,
}

/// What the lock is around. What is said is queued for all whom it is for before anybody else can
/// say anything, register or go: that makes it the same order for everyone.
struct Office {
    directory: Directory<Route>,
    /// What all connections from one site have said.
    of_sites: Budgets<Site>,
    /// The connections that are to be closed, as long as their drivers have not done it: those that
    /// were replaced, and those that read too slowly.
    leaving: HashSet<ConnectionId>,
    /// What the seeds of the nonces are drawn from, one for each connection.
    seeds: StdRng,
    /// The connection that came last.
    last: ConnectionId,
}

/// Which connection it is, counted from one. A key may be reached over one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct ConnectionId(u64);

/// How a key is reached.
#[derive(Clone, Debug)]
struct Route {
    connection: ConnectionId,
    prompter: Prompter<RegistrarCue>,
}

impl Registration {
    /// A registration whose nonces are drawn from this seed. Whoever knows it knows them.
    pub(super) fn new(settings: RegistrationSettings, seed: [u8; 32]) -> Self {
        Registration {
            settings,
            clock: Clock::start(),
            office: Mutex::new(Office {
                directory: Directory::new(),
                of_sites: Budgets::default(),
                leaving: HashSet::new(),
                seeds: StdRng::from_seed(seed),
                last: ConnectionId::default(),
            }),
        }
    }

    /// Receives a client that has asked for this host. Gives the party to hold its conversation
    /// with, the one who is told what that notices, and what comes for it from the others.
    pub(super) fn receive(
        self: &Arc<Self>,
        host: String,
        site: Site,
    ) -> (Registrar, Attendance, Inbox<RegistrarCue>) {
        let (prompter, inbox) = Inbox::channel(self.settings.egress_queue.get());
        let (connection, seed) = self.office().begin();
        let registrar = Registrar::new(self.settings.registrar, host, seed);
        let attendance = Attendance {
            registration: Arc::clone(self),
            site,
            route: Route {
                connection,
                prompter,
            },
            key: None,
        };
        (registrar, attendance, inbox)
    }

    fn office(&self) -> MutexGuard<'_, Office> {
        // Nothing that holds the lock can leave its work half done.
        self.office.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Office {
    /// A connection comes: gives its number, and the seed of its nonces.
    fn begin(&mut self) -> (ConnectionId, [u8; 32]) {
        let mut seed = [0; 32];
        self.seeds.fill_bytes(&mut seed);
        self.last.0 += 1;
        (self.last, seed)
    }

    /// From now on a key is reached over this connection, unless that is to be closed: it would take
    /// the key from the one that has replaced it, and along with it as it ends.
    fn register(&mut self, key: PublicKey, route: Route) {
        let connection = route.connection;
        if self.leaving.contains(&connection) {
            return;
        }
        let replaced = self.directory.register(key, route);
        if let Some(replaced) = replaced
            && replaced.connection != connection
        {
            self.leaving.insert(replaced.connection);
            // One that is gone, or does not read, is closed in any case.
            let _ = replaced.prompter.put(RegistrarCue::Replaced);
        }
    }

    /// A key is not reached over this connection any more.
    fn unregister(&mut self, key: &PublicKey, connection: ConnectionId) {
        self.directory
            .unregister(key, |route| route.connection == connection);
    }

    /// A connection has ended.
    fn end(&mut self, key: Option<PublicKey>, connection: ConnectionId) {
        if let Some(key) = key {
            self.unregister(&key, connection);
        }
        self.leaving.remove(&connection);
    }

    /// Passes on what somebody says, and tells the speaker how far it went.
    fn pass_on(&mut self, speaker: PublicKey, route: &Route, text: String, to: Option<PublicKey>) {
        let current = self.directory.route(&speaker);
        if current.is_none_or(|current| current.connection != route.connection) {
            // It has been replaced, or was too slow a reader, and is being closed.
            return;
        }
        let message = RegistrarMessage::Text {
            from: speaker,
            text,
            timestamp: unix_s(),
        };
        let message: Arc<str> = message.to_string().into();
        let receipt = match to {
            None => RegistrarCue::Delivered(self.tell_others(&speaker, &message)),
            Some(to) => match self.tell_one(&to, message) {
                Ok(()) => RegistrarCue::Delivered(1),
                Err(Unreached) => RegistrarCue::UnknownKey(to),
            },
        };
        if let Err(unheard) = route.prompter.put(receipt) {
            self.lose(&speaker, route.connection, unheard);
        }
    }

    /// Tells the speaker that what it says is not passed on.
    fn hold_back(&mut self, speaker: PublicKey, route: &Route, wait: Duration) {
        if let Err(unheard) = route.prompter.put(RegistrarCue::TooFast(wait)) {
            self.lose(&speaker, route.connection, unheard);
        }
    }

    /// Queues a message for all but the speaker, and says for how many.
    fn tell_others(&mut self, speaker: &PublicKey, message: &Arc<str>) -> usize {
        let mut delivered = 0;
        let mut lost = Vec::new();
        for (key, route) in self.directory.others(speaker) {
            match route.prompter.put(RegistrarCue::Text(Arc::clone(message))) {
                Ok(()) => delivered += 1,
                Err(unheard) => lost.push((*key, route.connection, unheard)),
            }
        }
        for (key, connection, unheard) in lost {
            self.lose(&key, connection, unheard);
        }
        delivered
    }

    /// Queues a message for the one who has this key.
    fn tell_one(&mut self, to: &PublicKey, message: Arc<str>) -> Result<(), Unreached> {
        let route = self.directory.route(to).ok_or(Unreached)?;
        let connection = route.connection;
        let put = route.prompter.put(RegistrarCue::Text(message));
        put.map_err(|unheard| {
            self.lose(to, connection, unheard);
            Unreached
        })
    }

    /// A connection takes nothing any more. Its driver closes it; for the others it goes at once.
    fn lose(&mut self, key: &PublicKey, connection: ConnectionId, unheard: Unheard) {
        tracing::debug!(?connection, %key, ?unheard, "a registrant is reached no more");
        self.leaving.insert(connection);
        self.unregister(key, connection);
    }
}

/// Nobody has this key.
struct Unreached;

/// A connection's place among those over which keys are reached: where the others hear of what its
/// registrar notices. It is given up when this is dropped.
pub(super) struct Attendance {
    registration: Arc<Registration>,
    site: Site,
    route: Route,
    /// The key that it is registered with, if it is.
    key: Option<PublicKey>,
}

impl Observer<RegistrarEvent> for Attendance {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    /// Whoever has read that it is registered, is.
    fn at_once(&mut self, event: &RegistrarEvent) {
        match event {
            RegistrarEvent::Registered { key, .. } => {
                tracing::debug!(%key, "registered");
                self.key = Some(*key);
                let route = self.route.clone();
                self.registration.office().register(*key, route);
            }
            RegistrarEvent::Unregistered { key, .. } => {
                tracing::debug!(%key, "registered no more");
                self.key = None;
                let connection = self.route.connection;
                self.registration.office().unregister(key, connection);
            }
            RegistrarEvent::Said { text, to, .. } => {
                if let Some(key) = self.key {
                    let Registration {
                        settings, clock, ..
                    } = &*self.registration;
                    let rate = settings.registrar.rate.times(settings.rates_per_site);
                    let mut office = self.registration.office();
                    match office.of_sites.spend(clock.stamp(), self.site, rate) {
                        Ok(()) => office.pass_on(key, &self.route, text.clone(), *to),
                        Err(wait) => office.hold_back(key, &self.route, wait),
                    }
                }
            }
            RegistrarEvent::Rejected { why, retries, .. } => {
                tracing::debug!(%why, retries, "an answer to a challenge is rejected");
            }
            RegistrarEvent::Unanswered { retries, .. } => {
                tracing::debug!(retries, "a challenge was not answered in time");
            }
            RegistrarEvent::Confirmed { .. } => {}
        }
    }

    fn event(&mut self, _event: RegistrarEvent) {}
}

impl Drop for Attendance {
    fn drop(&mut self) {
        let connection = self.route.connection;
        self.registration.office().end(self.key, connection);
    }
}

#[cfg(test)]
mod tests;
