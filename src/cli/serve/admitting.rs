//! Whom a server lets in, and how many.

use std::num::NonZeroUsize;

use clap::Args;

use crate::server::{ConnectionLimits, Origin, Origins};

/// Whom a server lets in, and how many.
#[derive(Debug, Args)]
#[command(next_help_heading = "Admission")]
pub(super) struct Admitting {
    /// Let web pages from here open WebSockets, and no others; may be given several times [default:
    /// those from the server's own address]
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<Origin>,

    /// How many connections there may be at once
    #[arg(long, value_parser = number, default_value_t = ConnectionLimits::default().total,
          value_name = "N")]
    max_connections: NonZeroUsize,

    /// How many of them may come from one IP address [default: all]
    #[arg(long, value_parser = number, value_name = "N")]
    max_connections_per_address: Option<NonZeroUsize>,
}

impl Admitting {
    pub(super) fn origins(&self) -> Origins {
        if self.origins.is_empty() {
            Origins::Same
        } else {
            Origins::Listed(self.origins.clone())
        }
    }

    pub(super) fn connections(&self) -> ConnectionLimits {
        ConnectionLimits {
            total: self.max_connections,
            per_address: self.max_connections_per_address,
            ..ConnectionLimits::default()
        }
    }
}

fn number(text: &str) -> Result<NonZeroUsize, String> {
    let wrong = |_| "it has to be a whole number, 1 at the least".to_owned();
    text.parse().map_err(wrong)
}
