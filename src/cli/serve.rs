mod admitting;
mod chatting;
mod descriptors;
mod encrypting;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::sync::mpsc;

use super::failure::{Failure, Kind};
use super::ticketing::Ticketing;
use super::values::{OutputFormat, hosted_rounds, listen_address, model, phrase, token_file, wait};
use super::{Context, seed};
use crate::conversation::challenge::LossCause;
use crate::conversation::latency::KeepAliveSettings;
use crate::link::{Stop, StopReason};
use crate::report::{ConversationItem, Item, ListeningItem, Outcome, millis};
use crate::server::{ConnectionLimits, Held, HeldResult, Server, Settings, Tls};
use crate::simulation::Model;
use admitting::Admitting;
use chatting::Chatting;
use encrypting::{Encrypting, unpublished};

/// How many rounds a conversation has if nobody says otherwise.
pub(super) const DEFAULT_ROUNDS: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// How many conversations may have ended without having been reported yet. When more end at
/// once, the rest go unreported.
const UNREPORTED: usize = 1024;

/// After how long a client that has been pinged is dropped if nobody says otherwise.
const DEFAULT_KEEP_ALIVE_TIMEOUT: &str = "10s";

/// When clients that say nothing are pinged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeepAliveTime {
    /// Not at all.
    Never,
    /// After this long.
    After(Duration),
}

impl KeepAliveTime {
    const DEFAULT: &str = "30s";
    const NEVER: &str = "never";

    fn parse(text: &str) -> Result<Self, String> {
        if text == Self::NEVER {
            return Ok(KeepAliveTime::Never);
        }
        wait(text)
            .map(KeepAliveTime::After)
            .map_err(|error| format!("{error}, or {:?}", Self::NEVER))
    }

    fn settings(self, timeout: Duration) -> Option<KeepAliveSettings> {
        match self {
            KeepAliveTime::Never => None,
            KeepAliveTime::After(idle) => Some(KeepAliveSettings { idle, timeout }),
        }
    }
}

/// Run the practice server on its own, with an echo, a chat, a registration and a page, on one port
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8765", value_parser = listen_address,
          value_name = "ADDRESS:PORT")]
    listen: SocketAddr,

    /// How many rounds a conversation has
    #[arg(long, default_value_t = DEFAULT_ROUNDS, value_parser = hosted_rounds, value_name = "N")]
    rounds: NonZeroU32,

    /// What intervals and secrets are drawn from [default: a new one each time]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// The secret to tell [default: another one in each conversation]
    #[arg(long, value_parser = phrase, value_name = "PHRASE")]
    secret: Option<String>,

    /// The one access token that is good is in this file [default: any is good]
    #[arg(long, value_name = "FILE")]
    access_token_file: Option<PathBuf>,

    /// Put a modelled network between the server and its clients, both ways [default: none]
    #[arg(long, value_parser = model(), value_name = "MODEL")]
    network: Option<Model>,

    /// Ping a client that has said nothing for this long; `never` lets it be
    #[arg(long, value_parser = KeepAliveTime::parse, default_value = KeepAliveTime::DEFAULT,
          value_name = "TIME")]
    keep_alive: KeepAliveTime,

    /// Drop a client that then says nothing for this long
    #[arg(long, value_parser = wait, default_value = DEFAULT_KEEP_ALIVE_TIMEOUT,
          value_name = "TIME")]
    keep_alive_timeout: Duration,

    #[command(flatten)]
    ticketing: Ticketing,

    /// Lines for people, or one JSON object a line
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) output: OutputFormat,

    // These come last: what follows them would be under their headings.
    #[command(flatten)]
    chatting: Chatting,

    #[command(flatten)]
    admitting: Admitting,

    #[command(flatten)]
    encrypting: Encrypting,
}

impl Arguments {
    /// Checks what can be checked before the port is taken.
    pub(super) fn configure(self) -> Result<Settings, Failure> {
        let access_token = self.access_token_file.as_deref();
        Ok(Settings {
            listen: self.listen,
            rounds: self.rounds,
            seed: self.seed.map_or_else(seed::fresh, Ok)?,
            secret_seed: seed::secret()?,
            secret: self.secret,
            access_token: access_token
                .map(|path| token_file("access token", path))
                .transpose()?,
            network: self.network,
            keep_alive: self.keep_alive.settings(self.keep_alive_timeout),
            chat: self.chatting.into(),
            registration: self.chatting.into(),
            tickets: self.ticketing.configure()?,
            origins: self.admitting.origins(),
            hosts: self.admitting.hosts(),
            connections: self.admitting.connections(),
            proxies: self.admitting.proxies(),
            tls: self.encrypting.configure(self.listen.ip())?,
        })
    }
}

/// Runs the command, until it is stopped: that is how a server ends.
pub(super) async fn run(settings: Settings, context: &mut Context<'_>) -> Result<Outcome, Failure> {
    if let Some(access_token) = &settings.access_token {
        context.hide(access_token);
    }
    let (listen, rounds, seed) = (settings.listen, settings.rounds, settings.seed);
    let any_access_token = settings.access_token.is_none();
    let network = settings.network.map(|model| model.name);
    let tls = settings.tls.clone();
    let has_tickets = settings.tickets.is_some();
    let failed = |error: std::io::Error| {
        Kind::Usage.because(format_args!(
            "listening on {listen}: {error}; --listen takes another address, and port 0 any free \
             port"
        ))
    };
    let most = settings.connections.total.get();
    let is_usual = settings.connections.total == ConnectionLimits::default().total;
    if let Some(enough) = descriptors::enough_for(descriptors::allow_many(), most, is_usual) {
        context.aside.say(format_args!(
            "there may be {most} connections (--max-connections), but this process may have file \
             descriptors for {enough} games only; ulimit -n raises the limit, and so does \
             LimitNOFILE= of systemd"
        ));
    }
    let server = Server::bind(settings).await.map_err(failed)?;
    let address = server.address().map_err(failed)?;
    // Not before the port is ours: another server may run on it, whose authority is in the file.
    let authority = tls.as_ref().and_then(Tls::authority);
    if let Some(authority) = authority {
        authority.write().map_err(unpublished)?;
    }
    if has_tickets && is_read_on_the_way(listen.ip(), tls.as_ref()) {
        context.aside.say(
            "passwords and tickets come over the network unencrypted: encrypt with --tls-cert and \
             --tls-key, or listen on 127.0.0.1 only, behind a proxy that does",
        );
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    context.reporter.report(&Item::Listening(ListeningItem {
        url: format!("{scheme}://{}", reachable(address)),
        address: address.to_string(),
        rounds: rounds.get(),
        seed,
        any_access_token,
        network,
        ca_cert: authority.map(|authority| authority.path().display().to_string()),
        tickets: has_tickets,
    }));

    let (ended, mut reports) = mpsc::channel(UNREPORTED);
    let (stopper, stop) = Stop::channel();
    let serving = server.run(stop, move |held| {
        // A full channel is no reason to keep a conversation waiting.
        let _ = ended.try_send(held);
    });
    let stopping = async {
        // To whoever is connected, it is the server that goes, for whatever reason.
        context.stop.requested().await;
        stopper.stop(StopReason::Shutdown);
    };
    let reporting = async {
        while let Some(held) = reports.recv().await {
            context.reporter.report(&Item::Conversation(item(&held)));
        }
    };
    tokio::join!(serving, stopping, reporting);
    Ok(Outcome::Ended)
}

/// Where this machine reaches a server that listens there: nobody can connect to 0.0.0.0, which stands
/// for all addresses.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let host = match listening.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        // Also the scope of an IPv6 address stays.
        _ => return listening,
    };
    SocketAddr::new(host, listening.port())
}

/// Whether others can read what a server that listens there is sent: it comes over a network, and is
/// not encrypted.
fn is_read_on_the_way(listen: IpAddr, encryption: Option<&Tls>) -> bool {
    encryption.is_none() && !listen.to_canonical().is_loopback()
}

fn item(held: &Held) -> ConversationItem {
    let (result, cause) = match &held.result {
        HeldResult::Won => ("won", None),
        HeldResult::Lost(LossCause::Wrong { expected }) => {
            ("lost", Some(format!("wrong, it was {expected}")))
        }
        HeldResult::Lost(LossCause::Missing) => ("lost", Some("no answer in time".to_owned())),
        HeldResult::BrokenOff => ("broken_off", None),
        HeldResult::Refused => ("refused", Some("the token was not good".to_owned())),
    };
    ConversationItem {
        number: held.number,
        peer: held.peer.to_string(),
        rounds: held.rounds,
        result,
        cause,
        worst_delay_ms: held.beat_delays.iter().max().copied().map(millis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::clock;

    #[test]
    fn only_a_network_is_read_on_the_way_and_only_what_is_not_encrypted() {
        let listen = |text: &str| text.parse::<IpAddr>().unwrap();
        for private in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(!is_read_on_the_way(listen(private), None), "{private}");
        }
        for open in ["0.0.0.0", "::", "192.0.2.7"] {
            let open = listen(open);
            assert!(is_read_on_the_way(open, None), "{open}");
            let tls = Tls::self_signed(open, clock::wall(), "not-written.pem".into()).unwrap();
            assert!(!is_read_on_the_way(open, Some(&tls)), "{open}");
        }
    }

    #[test]
    fn who_listens_everywhere_is_reached_at_the_loopback() {
        for (listening, expected) in [
            ("0.0.0.0:8765", "127.0.0.1:8765"),
            ("[::]:8765", "[::1]:8765"),
            ("192.0.2.7:1", "192.0.2.7:1"),
            ("[fe80::1%2]:1", "[fe80::1%2]:1"),
        ] {
            assert_eq!(reachable(listening.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn the_keep_alive_is_the_librarys_unless_one_says_otherwise() {
        let timeout = wait(DEFAULT_KEEP_ALIVE_TIMEOUT).unwrap();
        let settings = |text| KeepAliveTime::parse(text).map(|time| time.settings(timeout));
        let default = KeepAliveSettings::default();
        assert_eq!(settings(KeepAliveTime::DEFAULT), Ok(Some(default)));
        assert_eq!(settings("never"), Ok(None));
        let idle = Duration::from_millis(200);
        assert_eq!(
            settings("200ms"),
            Ok(Some(KeepAliveSettings { idle, timeout }))
        );
        for wrong in ["", "0", "soon", "0.1ms", "-1s"] {
            assert!(settings(wrong).unwrap_err().contains("never"), "{wrong}");
        }
    }
}
