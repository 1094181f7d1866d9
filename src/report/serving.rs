//! What is reported of a server.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::layout::{BAD, GOOD, WARN, counted, label};
use crate::link::Printable;

/// A server listens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListeningItem {
    /// Its base URL, for clients on the same machine.
    pub url: String,
    /// The address and the port that it listens on: `0.0.0.0` or `[::]` for all of the machine's.
    pub address: String,
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
    /// Whether guests of the chat need tickets.
    pub tickets: bool,
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
        "to be opened in a browser: there is a page for all of it",
    )?;
    if !listening.url.ends_with(&listening.address) {
        label(
            out,
            "",
            format_args!("on all addresses of this machine: {}", listening.address),
        )?;
    }
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
            format_args!(
                "its certificate is signed by the authority in {}",
                Printable(ca_cert)
            ),
        )?;
    }
    let quoted = ca_cert.map(|name| Printable(&quoted(name)).to_string());
    write_commands(listening, quoted.as_deref(), out)
}

/// What can be done with a server, as it is typed. Lines that have much to say are broken: they are to
/// fit into a terminal.
fn write_commands(
    listening: &ListeningItem,
    ca_cert: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    let (same_line, next_line) = match ca_cert {
        Some(file) => (
            format!(" --ca-cert {file}"),
            format!(" \\\n       --ca-cert {file}"),
        ),
        None => (String::new(), String::new()),
    };
    let url = &listening.url;
    // A WebSocket has the same address but for the scheme.
    let socket = url.replacen("http", "ws", 1);
    let token = if listening.any_access_token {
        "any"
    } else {
        "…"
    };
    let ticket = if listening.tickets { " --ticket" } else { "" };
    writeln!(
        out,
        "try: HACKATTIC_ACCESS_TOKEN={token} wsbeat solve --base-url {url}{next_line}"
    )?;
    writeln!(out, "     wsbeat ping {socket}/echo{same_line}")?;
    writeln!(
        out,
        "     wsbeat chat {socket}/chat/lobby --name you{ticket}{next_line}"
    )?;
    writeln!(out, "     wsbeat register {socket}/register{same_line}")?;
    match ca_cert {
        Some(file) => writeln!(out, "     curl --cacert {file} {url}/clients"),
        None => writeln!(out, "     curl {url}/clients"),
    }
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

    fn written(listening: &ListeningItem) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        write_listening(listening, &mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    fn encrypting() -> ListeningItem {
        ListeningItem {
            url: "https://127.0.0.1:8765".into(),
            address: "127.0.0.1:8765".into(),
            rounds: 1,
            seed: 7,
            any_access_token: true,
            network: None,
            ca_cert: Some("it's here.pem".into()),
            tickets: true,
        }
    }

    #[test]
    fn what_to_try_with_a_server_that_encrypts_works_as_it_is_printed() {
        let mut listening = encrypting();
        insta::assert_snapshot!(written(&listening), @r"
        listening   https://127.0.0.1:8765
                    to be opened in a browser: there is a page for all of it
                    1 round a conversation, seed 7
                    its certificate is signed by the authority in it's here.pem
        try: HACKATTIC_ACCESS_TOKEN=any wsbeat solve --base-url https://127.0.0.1:8765 \
               --ca-cert 'it'\''s here.pem'
             wsbeat ping wss://127.0.0.1:8765/echo --ca-cert 'it'\''s here.pem'
             wsbeat chat wss://127.0.0.1:8765/chat/lobby --name you --ticket \
               --ca-cert 'it'\''s here.pem'
             wsbeat register wss://127.0.0.1:8765/register --ca-cert 'it'\''s here.pem'
             curl --cacert 'it'\''s here.pem' https://127.0.0.1:8765/clients
        ");
        // The certificate is somebody else's: whether it has to be trusted is theirs to know.
        listening.ca_cert = None;
        insta::assert_snapshot!(written(&listening), @r"
        listening   https://127.0.0.1:8765
                    to be opened in a browser: there is a page for all of it
                    1 round a conversation, seed 7
        try: HACKATTIC_ACCESS_TOKEN=any wsbeat solve --base-url https://127.0.0.1:8765
             wsbeat ping wss://127.0.0.1:8765/echo
             wsbeat chat wss://127.0.0.1:8765/chat/lobby --name you --ticket
             wsbeat register wss://127.0.0.1:8765/register
             curl https://127.0.0.1:8765/clients
        ");
    }

    #[test]
    fn a_server_that_listens_everywhere_says_so() {
        let listening = ListeningItem {
            url: "http://[::1]:8765".into(),
            address: "[::]:8765".into(),
            ca_cert: None,
            tickets: false,
            ..encrypting()
        };
        insta::assert_snapshot!(written(&listening), @r"
        listening   http://[::1]:8765
                    to be opened in a browser: there is a page for all of it
                    on all addresses of this machine: [::]:8765
                    1 round a conversation, seed 7
        try: HACKATTIC_ACCESS_TOKEN=any wsbeat solve --base-url http://[::1]:8765
             wsbeat ping ws://[::1]:8765/echo
             wsbeat chat ws://[::1]:8765/chat/lobby --name you
             wsbeat register ws://[::1]:8765/register
             curl http://[::1]:8765/clients
        ");
    }

    #[test]
    fn what_to_try_fits_into_a_terminal() {
        let listening = ListeningItem {
            ca_cert: Some("wsbeat-ca.pem".into()),
            ..encrypting()
        };
        for line in written(&listening).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
