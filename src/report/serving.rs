//! What is reported of a server.

use std::io::{self, Write};

use serde::Serialize;

use super::layout::{BAD, GOOD, WARN, counted, label};

/// A server listens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListeningItem {
    /// Its base URL.
    pub url: String,
    /// How many rounds its conversations have.
    pub rounds: u32,
    /// What its intervals are drawn from.
    pub seed: u64,
    /// Whether any access token is good.
    pub any_access_token: bool,
    /// The network that lies before it, if it is a modelled one.
    pub network: Option<&'static str>,
}

/// A server has held a conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConversationItem {
    /// Its number; null if it was refused.
    pub number: Option<u64>,
    /// Whom it was held with.
    pub peer: String,
    /// How many beats were sent.
    pub rounds: u32,
    /// `won`, `lost`, `broken_off` or `refused`.
    pub result: &'static str,
    /// Why it was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// How late the latest beat left; null without beats.
    pub worst_delay_ms: Option<f64>,
}

pub(super) fn write_listening(listening: &ListeningItem, out: &mut impl Write) -> io::Result<()> {
    label(out, "listening", &listening.url)?;
    label(
        out,
        "",
        format_args!(
            "{} a conversation, seed {}",
            counted(listening.rounds.into(), "round"),
            listening.seed
        ),
    )?;
    if let Some(network) = listening.network {
        label(
            out,
            "",
            format_args!("behind a modelled network: {network}"),
        )?;
    }
    let url = &listening.url;
    writeln!(
        out,
        "try: HACKATTIC_ACCESS_TOKEN={} wsbeat solve --base-url {url}",
        if listening.any_access_token {
            "any"
        } else {
            "…"
        },
    )?;
    // A WebSocket has the same address but for the scheme.
    let host = url.strip_prefix("http://").unwrap_or(url);
    writeln!(out, "     wsbeat ping ws://{host}/echo")?;
    writeln!(out, "     curl {url}/clients")
}

pub(super) fn write_conversation(held: &ConversationItem, out: &mut impl Write) -> io::Result<()> {
    let style = match held.result {
        "won" => GOOD,
        "lost" => BAD,
        _ => WARN,
    };
    let result = held.result.replace('_', " ");
    write!(
        out,
        "{:>4} {:<21} {style}{result:<10}{style:#} {}",
        held.number
            .map_or_else(String::new, |number| number.to_string()),
        held.peer,
        counted(held.rounds.into(), "beat"),
    )?;
    if let Some(delay) = held.worst_delay_ms {
        write!(out, ", {delay:.2} ms late")?;
    }
    if let Some(cause) = &held.cause {
        write!(out, "; {cause}")?;
    }
    writeln!(out)
}
