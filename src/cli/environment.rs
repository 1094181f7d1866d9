use std::cell::RefCell;
use std::collections::HashMap;
use std::env::VarError;
use std::fs;

use super::failure::{Failure, Kind};
use crate::conversation::without_byte_order_mark;
use crate::link::Proxies;

/// The variables of the environment and, behind them, those of a `.env` file here or in a folder
/// above.
#[derive(Debug, Default)]
pub(super) struct Environment {
    dotenv: HashMap<String, String>,
    /// What is wrong with the `.env` file. It may be another program's, and have nothing in it that
    /// is asked for here.
    trouble: Option<String>,
}

impl Environment {
    /// Reads the `.env` file, if there is one.
    pub(super) fn load() -> Self {
        let mut environment = Environment::default();
        // Without a current folder there is no file in it.
        let here = std::env::current_dir().unwrap_or_default();
        let mut files = here.ancestors().map(|folder| folder.join(".env"));
        if let Some(file) = files.find(|file| file.is_file()) {
            match fs::read(&file) {
                Ok(text) => environment.read(&text),
                Err(error) => environment.trouble = Some(error.to_string()),
            }
        }
        environment
    }

    fn read(&mut self, text: &[u8]) {
        let entries = dotenvy::from_read_iter(without_byte_order_mark(text));
        for (index, entry) in entries.enumerate() {
            self.take(index + 1, entry);
        }
    }

    fn take(&mut self, number: usize, entry: dotenvy::Result<(String, String)>) {
        match entry {
            // A line that is left over from the example says nothing, wherever it stands.
            Ok((_, value)) if value.trim().is_empty() => {}
            Ok((name, value)) => {
                self.dotenv.insert(name, value);
            }
            // The error holds the line, and the line may hold the access token.
            Err(_) => {
                let trouble = format!("setting number {number} is not of the form NAME=value");
                self.trouble.get_or_insert(trouble);
            }
        }
    }

    /// The value of a variable that is set and not empty, without white space around it.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let value = std::env::var(name)
            .ok()
            .or_else(|| self.dotenv.get(name).cloned())?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The proxies that the environment names. A `.env` file has no say in them: it is the whole
    /// machine's matter, and every program's, how the network is reached.
    ///
    /// # Errors
    ///
    /// When a variable is no text: to go past a proxy for that would be a surprise.
    pub(super) fn proxies() -> Result<Proxies, Failure> {
        let unreadable = RefCell::new(None);
        let proxies = Proxies::from_variables(|name| match std::env::var(name) {
            Ok(value) => Some(value),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(_)) => {
                unreadable.replace(Some(name.to_owned()));
                None
            }
        });
        match unreadable.into_inner() {
            None => Ok(proxies),
            Some(name) => Err(Kind::Usage.because(format_args!("{name} is not valid UTF-8"))),
        }
    }

    /// Why a variable may be missing that somebody has set.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_assignment_counts_and_an_empty_one_is_none() {
        for (text, expected) in [
            ("WSBEAT_X=\nWSBEAT_X=a\n", Some("a")),
            ("WSBEAT_X=a\nWSBEAT_X=b\n", Some("b")),
            ("WSBEAT_X=a\nWSBEAT_X=\n", Some("a")),
            ("\u{feff}WSBEAT_X=a\n", Some("a")),
            ("\u{feff}# nothing\nWSBEAT_X=' '\n", None),
            ("", None),
        ] {
            let mut environment = Environment::default();
            environment.read(text.as_bytes());
            assert_eq!(environment.get("WSBEAT_X").as_deref(), expected, "{text:?}");
            assert_eq!(environment.trouble(), None);
        }
    }
}
