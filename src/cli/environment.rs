use std::collections::HashMap;

use super::failure::{Failure, Kind};

/// The variables of the environment and, behind them, those of a `.env` file here or in a folder
/// above.
#[derive(Debug, Default)]
pub(super) struct Environment {
    dotenv: HashMap<String, String>,
}

impl Environment {
    /// Reads the `.env` file, if there is one.
    pub(super) fn load() -> Result<Self, Failure> {
        let entries = match dotenvy::dotenv_iter() {
            Ok(entries) => entries,
            Err(error) if error.not_found() => return Ok(Environment::default()),
            Err(error) => return Err(Kind::Usage.because(format_args!("reading .env: {error}"))),
        };
        let mut dotenv = HashMap::new();
        for (index, entry) in entries.enumerate() {
            // The error holds the line, and the line may hold the access token.
            let (name, value) = entry.map_err(|_| {
                Kind::Usage.because(format_args!(
                    "reading .env: setting number {} is not of the form NAME=value",
                    index + 1
                ))
            })?;
            dotenv.entry(name).or_insert(value);
        }
        Ok(Environment { dotenv })
    }

    /// The value of a variable that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        std::env::var(name)
            .ok()
            .or_else(|| self.dotenv.get(name).cloned())
            .filter(|value| !value.is_empty())
    }
}
