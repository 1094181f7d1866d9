use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use clap::Args;

use crate::cli::values::wait;
use crate::conversation::chat::{RATES_PER_SITE, Rate, RoomsSettings};
use crate::conversation::registration::RegistrarSettings;
use crate::server::{ChatSettings, RegistrationSettings};

/// The longest message that can be allowed. Every byte of it may take up six as JSON, and the client
/// reads 64 KiB.
const LONGEST_MESSAGE: usize = 10 * 1024;

/// How the chat and the registration are kept.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "The chat and the registration")]
pub(in crate::cli) struct Chatting {
    /// Ask each guest of the chat for a heartbeat this often, and challenge each registrant
    #[arg(long, value_parser = wait, default_value = "30s", value_name = "TIME")]
    heartbeat: Duration,

    /// Take the name from a guest that does not answer a heartbeat for this long, and unregister a
    /// registrant that does not answer a challenge; an answer after that is too late
    #[arg(long, value_parser = wait, default_value = "10s", value_name = "TIME")]
    heartbeat_timeout: Duration,

    /// How many messages may wait for a guest or a registrant to read them, 64 at the least; a slower
    /// one is closed
    #[arg(long, value_parser = egress_queue, default_value = "256", value_name = "MESSAGES")]
    egress_queue: NonZeroUsize,

    /// The longest message, in bytes: 10240 at the most
    #[arg(long, value_parser = max_message, default_value = "4096", value_name = "BYTES")]
    max_message: NonZeroUsize,

    /// How many messages a guest or a registrant may send in how long: 10000 at the most
    #[arg(long, value_parser = rate, default_value = "20/10s", value_name = "MESSAGES/TIME")]
    rate: Rate,

    /// How many times that rate all from one IP address together, or one /64 network of IPv6, over all
    /// their connections
    #[arg(long, default_value_t = RATES_PER_SITE, value_name = "TIMES")]
    rates_per_address: NonZeroU32,
}

impl From<Chatting> for ChatSettings {
    fn from(chatting: Chatting) -> Self {
        ChatSettings {
            rooms: RoomsSettings {
                heartbeat: chatting.heartbeat,
                heartbeat_timeout: chatting.heartbeat_timeout,
                rate: chatting.rate,
                rates_per_site: chatting.rates_per_address,
                longest_message: chatting.max_message.get(),
                ..RoomsSettings::default()
            },
            egress_queue: chatting.egress_queue,
        }
    }
}

impl From<Chatting> for RegistrationSettings {
    fn from(chatting: Chatting) -> Self {
        RegistrationSettings {
            registrar: RegistrarSettings {
                heartbeat: chatting.heartbeat,
                answer_within: chatting.heartbeat_timeout,
                rate: chatting.rate,
                longest_text: chatting.max_message.get(),
                ..RegistrarSettings::default()
            },
            rates_per_site: chatting.rates_per_address,
            egress_queue: chatting.egress_queue,
        }
    }
}

/// Reads how many messages may wait for a guest or a registrant.
fn egress_queue(text: &str) -> Result<NonZeroUsize, String> {
    let least = ChatSettings::LEAST_EGRESS_QUEUE;
    match text.parse::<NonZeroUsize>() {
        Ok(length) if length >= least && length <= MOST_QUEUED => Ok(length),
        _ => Err(format!(
            "it has to be a number from {least} (what a guest is told as it enters has to fit in) to \
             {MOST_QUEUED}"
        )),
    }
}

/// The longest queue: more would be memory for nothing.
const MOST_QUEUED: NonZeroUsize = NonZeroUsize::new(1_000_000).unwrap();

/// Reads how long a message may be.
fn max_message(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(bytes) if bytes.get() <= LONGEST_MESSAGE => Ok(bytes),
        _ => Err(format!(
            "it has to be a number of bytes from 1 to {LONGEST_MESSAGE}"
        )),
    }
}

/// The highest number of messages in a rate. When each of them came is remembered until its time is
/// over, for every guest: 16 bytes of it.
const MOST_IN_A_RATE: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

/// Reads a rate, such as `20/10s`.
fn rate(text: &str) -> Result<Rate, String> {
    let how = || {
        format!(
            "write it like 20/10s: how many messages, {MOST_IN_A_RATE} at the most, and in how long"
        )
    };
    let (messages, per) = text.split_once('/').ok_or_else(how)?;
    let messages = messages.trim().parse().map_err(|_| how())?;
    if messages > MOST_IN_A_RATE {
        return Err(how());
    }
    let per = wait(per.trim()).map_err(|_| how())?;
    Ok(Rate { messages, per })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, FromArgMatches as _};

    #[test]
    fn chat_and_registration_are_the_librarys_unless_one_says_otherwise() {
        let command = Chatting::augment_args(Command::new("serve"));
        let matches = command.get_matches_from(["serve"]);
        let chatting = Chatting::from_arg_matches(&matches).unwrap();
        assert_eq!(ChatSettings::from(chatting), ChatSettings::default());
        let registration = RegistrationSettings::default();
        assert_eq!(RegistrationSettings::from(chatting), registration);
    }

    #[test]
    fn a_rate_is_so_many_in_so_long() {
        let five = Rate {
            messages: NonZeroU32::new(5).unwrap(),
            per: Duration::from_millis(500),
        };
        assert_eq!(rate("5/500ms"), Ok(five));
        assert!(rate("10000/1h").is_ok());
        let wrong = [
            "", "5", "0/1s", "5/", "/1s", "5/0", "-1/1s", "5/1s/2", "10001/1s",
        ];
        for wrong in wrong {
            assert!(rate(wrong).unwrap_err().contains("20/10s"), "{wrong}");
        }
    }

    #[test]
    fn queues_and_messages_have_bounds() {
        assert!(egress_queue("64").is_ok());
        assert!(max_message("10240").is_ok());
        for wrong in ["0", "63", "1000001", "many"] {
            assert!(egress_queue(wrong).is_err(), "{wrong}");
        }
        for wrong in ["0", "10241", "-1"] {
            assert!(max_message(wrong).is_err(), "{wrong}");
        }
    }
}
