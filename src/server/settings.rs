use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;

use secrecy::SecretString;

use super::{
    ChatSettings, ConnectionLimits, Origins, OwnHosts, Proxies, RegistrationSettings,
    TicketSettings, Tls,
};
use crate::conversation::latency::KeepAliveSettings;
use crate::simulation::Model;

/// What a server is to be like.
#[derive(Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How many rounds each conversation has.
    pub rounds: NonZeroU32,
    /// What the intervals and the secrets are drawn from.
    pub seed: u64,
    /// What the one-time tokens and the challenges of the registration are drawn from. Whoever knows
    /// it knows them.
    pub secret_seed: [u8; 32],
    /// The secret to tell, or one for each conversation.
    pub secret: Option<String>,
    /// The one access token that is good, or any.
    pub access_token: Option<SecretString>,
    /// The network to put between the server and its clients, if any.
    pub network: Option<Model>,
    /// When clients that say nothing are asked whether they are still there, and when they are
    /// dropped; `None` for never.
    pub keep_alive: Option<KeepAliveSettings>,
    /// How the chat is kept.
    pub chat: ChatSettings,
    /// How registrations are kept.
    pub registration: RegistrationSettings,
    /// Who gets tickets; `None` for nobody.
    pub tickets: Option<TicketSettings>,
    /// From where web pages may ask for anything.
    pub origins: Origins,
    /// By which hosts clients reach the server, beside those that it knows by itself.
    pub hosts: OwnHosts,
    /// How many connections there may be, and how long they may take to get going.
    pub connections: ConnectionLimits,
    /// Who is believed whom a request comes from.
    pub proxies: Proxies,
    /// How to encrypt; `None` for not at all.
    pub tls: Option<Tls>,
}

impl Settings {
    /// A server as it is unless one says otherwise, with a practice game of so many rounds.
    /// `seed` is for what anybody may foresee, `secret_seed` for what nobody may.
    pub fn new(listen: SocketAddr, rounds: NonZeroU32, seed: u64, secret_seed: [u8; 32]) -> Self {
        Settings {
            listen,
            rounds,
            seed,
            secret_seed,
            secret: None,
            access_token: None,
            network: None,
            keep_alive: Some(KeepAliveSettings::default()),
            chat: ChatSettings::default(),
            registration: RegistrationSettings::default(),
            tickets: None,
            origins: Origins::default(),
            hosts: OwnHosts::default(),
            connections: ConnectionLimits::default(),
            proxies: Proxies::default(),
            tls: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("listen", &self.listen)
            .field("rounds", &self.rounds)
            .field("seed", &self.seed)
            .field("network", &self.network)
            .field("keep_alive", &self.keep_alive)
            .field("chat", &self.chat)
            .field("registration", &self.registration)
            .field("tickets", &self.tickets)
            .field("origins", &self.origins)
            .field("hosts", &self.hosts)
            .field("connections", &self.connections)
            .field("proxies", &self.proxies)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
