//! What arguments are made of.

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use secrecy::SecretString;

use super::failure::{Failure, Kind};
use crate::conversation::challenge::EstimatorKind;
use crate::conversation::chat::{NameError, UserName};
use crate::conversation::latency::PayloadSize;
use crate::conversation::registration::{EncodingError, PublicKey};
use crate::conversation::without_byte_order_mark;
use crate::report::Format;
use crate::simulation::Model;

/// The most rounds that a server plays: five hours of them.
const MOST_ROUNDS: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

/// The most that is read of a file that holds a token.
const TOKEN_FILE_LIMIT: u64 = 16 * 1024;

/// How to write what there is to report: lines for people, or one JSON object a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    #[default]
    Text,
    Json,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Text => Format::Text,
            OutputFormat::Json => Format::Json,
        }
    }
}

/// Reads a duration: `10s`, `500ms`, `1m 30s`, or a plain number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    let Some(duration) = duration.filter(|duration| !duration.is_zero()) else {
        return Err("write it like 10s, 500ms or 1m 30s, and longer than nothing".to_owned());
    };
    // What timers can be set to has an end; a year is as good as forever here.
    Ok(duration.min(Duration::from_secs(365 * 24 * 3600)))
}

/// Reads how many bytes a ping is to carry.
pub(super) fn payload_size(text: &str) -> Result<PayloadSize, String> {
    let size = text.parse().ok().and_then(PayloadSize::new);
    size.ok_or_else(|| {
        format!(
            "it has to be a number of bytes from {} (a sequence number and a random part have to \
             fit in) to {} (more does not fit into a control frame)",
            PayloadSize::LEAST.bytes(),
            PayloadSize::MOST.bytes()
        )
    })
}

/// Reads how long to wait for something, or between two things: a duration that timers can tell
/// from nothing.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    let least = Duration::from_millis(1);
    let duration = duration(text)?;
    if duration < least {
        return Err(format!("it has to be {least:?} at the least"));
    }
    Ok(duration)
}

/// Reads how often or how many.
pub(super) fn count(text: &str) -> Result<NonZeroU32, String> {
    let wrong = |_| "it has to be a whole number, 1 at the least".to_owned();
    text.parse().map_err(wrong)
}

/// Reads the name of an estimator.
pub(super) fn estimator() -> impl TypedValueParser<Value = EstimatorKind> {
    PossibleValuesParser::new(EstimatorKind::ALL.map(EstimatorKind::name))
        .try_map(|name| name.parse::<EstimatorKind>())
}

/// Reads the name of a network model.
pub(super) fn model() -> impl TypedValueParser<Value = Model> {
    let names = Model::ALL
        .iter()
        .map(|model| PossibleValue::new(model.name).help(model.about));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Model>())
}

/// Reads how many sessions are to be simulated.
pub(super) fn sessions(text: &str) -> Result<NonZeroU64, String> {
    let wrong = |_| format!("it has to be a whole number from 1 to {}", u64::MAX);
    text.parse().map_err(wrong)
}

/// Reads the name of a person in a chat.
pub(super) fn user_name(text: &str) -> Result<UserName, String> {
    text.parse().map_err(|error: NameError| error.to_string())
}

/// Reads a public key.
pub(super) fn public_key(text: &str) -> Result<PublicKey, String> {
    let read = text.parse();
    read.map_err(|error: EncodingError| format!("a public key is 43 characters: {error}"))
}

/// Reads where to listen.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let wrong = |_| "write an IP address and a port, like 127.0.0.1:8765 or [::1]:0".to_owned();
    text.parse().map_err(wrong)
}

/// Reads how many rounds a server is to play. All of them are dealt before the first.
pub(super) fn hosted_rounds(text: &str) -> Result<NonZeroU32, String> {
    match text.parse() {
        Ok(rounds) if rounds <= MOST_ROUNDS => Ok(rounds),
        _ => Err(format!("it has to be a number from 1 to {MOST_ROUNDS}")),
    }
}

/// Reads a secret phrase that can be told in a text message.
pub(super) fn phrase(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("it has to be a phrase in one line".to_owned());
    }
    Ok(text.trim().to_owned())
}

/// Reads a token from a file that holds nothing else.
pub(super) fn token_file(what: &str, path: &Path) -> Result<SecretString, Failure> {
    let failed = |reason: &dyn std::fmt::Display| {
        Kind::Usage.because(format_args!(
            "reading the {what} in {}: {reason}",
            path.display()
        ))
    };
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(TOKEN_FILE_LIMIT + 1).read_to_end(&mut text))
        .map_err(|error| failed(&error))?;
    let token = str::from_utf8(without_byte_order_mark(&text))
        .map_err(|_| failed(&"it is not UTF-8"))?
        .trim();
    if token.is_empty() {
        return Err(failed(&"the file is empty"));
    }
    if text.len() as u64 > TOKEN_FILE_LIMIT || token.contains(char::is_whitespace) {
        return Err(failed(&"the file holds more than a token"));
    }
    Ok(SecretString::from(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("0.25"), Ok(Duration::from_millis(250)));
        assert!(duration("500000000 years").unwrap() > Duration::from_secs(1_000_000));
        for wrong in ["", "soon", "-1", "0", "0s", "NaN", "inf"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_payload_has_bounds() {
        assert_eq!(payload_size("125").map(PayloadSize::bytes), Ok(125));
        for wrong in ["0", "15", "126", "-1", "many"] {
            assert!(payload_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wait_is_a_millisecond_at_the_least() {
        assert_eq!(wait("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(wait("1m 30s"), Ok(Duration::from_secs(90)));
        for wrong in ["0", "999us", "soon"] {
            assert!(wait(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rounds_have_a_limit() {
        assert_eq!(hosted_rounds("10000"), Ok(MOST_ROUNDS));
        for wrong in ["0", "10001", "-1", "many"] {
            assert!(hosted_rounds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_phrase_is_one_line() {
        assert_eq!(phrase(" open sesame "), Ok("open sesame".to_owned()));
        assert!(phrase(" ").is_err());
        assert!(phrase("a\nb").is_err());
    }
}
