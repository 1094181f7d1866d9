//! `serve --tickets FILE`: who gets tickets.

use std::path::PathBuf;

use clap::Args;

use super::failure::{Failure, Kind};
use super::seed;
use crate::server::{TicketSettings, Users};

/// Who gets tickets.
#[derive(Clone, Debug, Args)]
pub(super) struct Ticketing {
    /// Give tickets, each good for one connection, to the users in this file, for their passwords;
    /// `wsbeat passwd` edits it [default: nobody needs one]
    #[arg(long = "tickets", help_heading = "Tickets", value_name = "FILE")]
    users: Option<PathBuf>,
}

impl Ticketing {
    /// Checks that the file can be read, and makes sense.
    pub(super) fn configure(self) -> Result<Option<TicketSettings>, Failure> {
        let Some(users) = self.users else {
            return Ok(None);
        };
        Users::read(&users).map_err(|error| {
            let advice = if error.is_missing() {
                "; wsbeat passwd makes one"
            } else {
                ""
            };
            Kind::Usage.because(format_args!("--tickets: {error}{advice}"))
        })?;
        Ok(Some(TicketSettings::new(users, seed::secret()?)))
    }
}
