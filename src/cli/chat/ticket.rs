//! A ticket for each connection.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::cli::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::prompt::Unseen;
use crate::conversation::chat::UserName;
use crate::conversation::without_byte_order_mark;
use crate::link::{Address, Dialer, is_localhost};
use crate::report::Redactor;
use crate::server::PASSWORD_LIMIT;
use crate::tickets::fetch_ticket;

/// Where the password comes from.
#[derive(Debug)]
pub(super) enum PasswordSource {
    /// A file had it.
    File(SecretString),
    /// A person is asked for it.
    Person,
}

/// Gets tickets for one user.
#[derive(Debug)]
pub(super) struct Tickets {
    user: UserName,
    password: SecretString,
    redactor: Redactor,
}

impl PasswordSource {
    /// Reads the file, if there is one; otherwise, somebody has to be there who can be asked.
    pub(super) fn new(file: Option<PathBuf>) -> Result<Self, Failure> {
        match file {
            Some(path) => Ok(PasswordSource::File(read_password(&path)?)),
            None if io::stdin().is_terminal() => Ok(PasswordSource::Person),
            None => Err(Kind::Usage.because(
                "--ticket asks for the password, and standard input is no terminal: name a file \
                 with --password-file",
            )),
        }
    }

    /// Asks for the password, if that has to be, and hides it.
    pub(super) async fn tickets(
        self,
        user: &UserName,
        context: &mut Context<'_>,
    ) -> Result<Tickets, Failure> {
        let password = match self {
            PasswordSource::File(password) => password,
            PasswordSource::Person => {
                let unseen = Unseen::new()?;
                unseen
                    .ask(&format!("Password of {user}: "), context)
                    .await?
            }
        };
        if password.expose_secret().is_empty() {
            return Err(Kind::Usage.because("an empty password is none"));
        }
        context.hide(&password);
        Ok(Tickets {
            user: user.clone(),
            password,
            redactor: context.redactor.clone(),
        })
    }
}

impl Tickets {
    /// A new ticket, which is hidden from here on.
    pub(super) async fn fetch(
        &self,
        address: &Address,
        dialer: &Dialer,
    ) -> Result<SecretString, Failure> {
        let ticket = fetch_ticket(address, self.user.as_str(), &self.password, dialer).await?;
        self.redactor.hide(ticket.expose_secret());
        Ok(ticket)
    }
}

/// Warns whoever is about to send a password over a network that others can read along.
pub(super) fn warn_of_readers(address: &Address, context: &Context<'_>) {
    let url = address.http_url("/");
    let host = url.host_str().unwrap_or_default();
    if !address.is_secure() && !is_loopback(host) {
        context.aside.say(format_args!(
            "the password and the tickets go to {host} unencrypted, and whoever is on the way can \
             read them; wss:// encrypts them, where the server speaks TLS"
        ));
    }
}

/// Whether a host is this machine, and nobody on the way.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => is_localhost(host),
    }
}

/// Reads the first line of a file.
fn read_password(path: &Path) -> Result<SecretString, Failure> {
    let failed = |reason: &dyn std::fmt::Display| {
        let path = path.display();
        Kind::Usage.because(format_args!("reading the password in {path}: {reason}"))
    };
    let mut line = Vec::new();
    File::open(path)
        // With a byte order mark, the end of the line, and one byte too many.
        .and_then(|file| {
            let mut file = BufReader::new(file).take(PASSWORD_LIMIT as u64 + 6);
            file.read_until(b'\n', &mut line)
        })
        .map_err(|error| failed(&error))?;
    let line = str::from_utf8(without_byte_order_mark(&line))
        .map_err(|_| failed(&"its first line is not UTF-8"))?;
    let password = line.strip_suffix('\n').unwrap_or(line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    match password.len() {
        0 => Err(failed(&"its first line is empty")),
        1..=PASSWORD_LIMIT => Ok(SecretString::from(password)),
        _ => Err(failed(&format_args!(
            "its first line is longer than {PASSWORD_LIMIT} bytes"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_out_of_the_reach_of_others() {
        for host in [
            "127.0.0.1",
            "127.8.9.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "localhost",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "192.0.2.1",
            "[2001:db8::1]",
            "example.org",
            "localhost.example.org",
            "",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
