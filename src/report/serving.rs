//! What is reported of a server.

use std::borrow::Cow;
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
    /// The file with the certificate of the authority that clients have to trust, if it was made
    /// for this server.
    pub ca_cert: Option<String>,
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
    let ca_cert = listening.ca_cert.as_deref();
    if let Some(ca_cert) = ca_cert {
        label(
            out,
            "",
            format_args!("its certificate is signed by the authority in {ca_cert}"),
        )?;
    }
    let ca_cert = ca_cert.map(quoted);
    let url = &listening.url;
    write!(
        out,
        "try: HACKATTIC_ACCESS_TOKEN={} wsbeat solve --base-url {url}",
        if listening.any_access_token {
            "any"
        } else {
            "…"
        },
    )?;
    if let Some(ca_cert) = &ca_cert {
        write!(out, " \\\n       --ca-cert {ca_cert}")?;
    }
    // A WebSocket has the same address but for the scheme.
    let socket = url.replacen("http", "ws", 1);
    write!(out, "\n     wsbeat ping {socket}/echo")?;
    if let Some(ca_cert) = &ca_cert {
        write!(out, " --ca-cert {ca_cert}")?;
    }
    write!(out, "\n     curl ")?;
    if let Some(ca_cert) = &ca_cert {
        write!(out, "--cacert {ca_cert} ")?;
    }
    writeln!(out, "{url}/clients")
}

/// The name of a file, as a shell reads it.
fn quoted(name: &str) -> Cow<'_, str> {
    let is_plain = |char: char| char.is_alphanumeric() || "/._-+,@%".contains(char);
    if !name.is_empty() && name.chars().all(is_plain) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("'{}'", name.replace('\'', r"'\''")))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_try_with_a_server_that_encrypts_works_as_it_is_printed() {
        let mut listening = ListeningItem {
            url: "https://127.0.0.1:8765".into(),
            rounds: 1,
            seed: 7,
            any_access_token: true,
            network: None,
            ca_cert: Some("it's here.pem".into()),
        };
        let written = |listening: &ListeningItem| {
            let mut out = anstream::StripStream::new(Vec::new());
            write_listening(listening, &mut out).unwrap();
            String::from_utf8(out.into_inner()).unwrap()
        };
        insta::assert_snapshot!(written(&listening), @r"
        listening   https://127.0.0.1:8765
                    1 round a conversation, seed 7
                    its certificate is signed by the authority in it's here.pem
        try: HACKATTIC_ACCESS_TOKEN=any wsbeat solve --base-url https://127.0.0.1:8765 \
               --ca-cert 'it'\''s here.pem'
             wsbeat ping wss://127.0.0.1:8765/echo --ca-cert 'it'\''s here.pem'
             curl --cacert 'it'\''s here.pem' https://127.0.0.1:8765/clients
        ");
        // The certificate is somebody else's: whether it has to be trusted is theirs to know.
        listening.ca_cert = None;
        insta::assert_snapshot!(written(&listening), @r"
        listening   https://127.0.0.1:8765
                    1 round a conversation, seed 7
        try: HACKATTIC_ACCESS_TOKEN=any wsbeat solve --base-url https://127.0.0.1:8765
             wsbeat ping wss://127.0.0.1:8765/echo
             curl https://127.0.0.1:8765/clients
        ");
    }
}
