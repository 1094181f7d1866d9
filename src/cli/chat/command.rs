use crate::conversation::chat::{ChannelName, UserName};

/// What `/help` tells.
pub(super) const HELP: &str = "\
/join CHANNEL   go to another channel
/who            who is here
/name NAME      go by another name
/quit           leave, once all has been said; so does Ctrl-D
/help           this
//text          say /text
Ctrl-C leaves at once.";

/// What a line that was typed asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Say(String),
    Join(ChannelName),
    Rename(UserName),
    Who,
    Help,
    Quit,
}

impl Command {
    /// Reads a line; `None` if there is nothing in it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for whoever typed it.
    pub(super) fn read(line: &str) -> Result<Option<Command>, String> {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return Ok(None);
        }
        let Some(command) = line.trim_start().strip_prefix('/') else {
            return Ok(Some(Command::Say(line.to_owned())));
        };
        if command.starts_with('/') {
            return Ok(Some(Command::Say(command.to_owned())));
        }
        let (word, rest) = match command.split_once(char::is_whitespace) {
            Some((word, rest)) => (word, rest.trim()),
            None => (command, ""),
        };
        let command = match (word, rest) {
            ("join", "") => return Err("which channel? /join CHANNEL".to_owned()),
            ("name", "") => return Err("which name? /name NAME".to_owned()),
            ("join", channel) => {
                // People write it so, and the prompt does, too.
                let channel = channel.strip_prefix('#').unwrap_or(channel);
                let channel = channel
                    .parse()
                    .map_err(|error| format!("no channel can be called so: {error}"))?;
                Command::Join(channel)
            }
            ("name", name) => Command::Rename(read_name(name)?),
            ("who", "") => Command::Who,
            ("help", "") => Command::Help,
            ("quit", "") => Command::Quit,
            ("who" | "help" | "quit", _) => {
                return Err(format!("/{word} is a line of its own; nothing was done"));
            }
            _ => {
                return Err(
                    "there is no such command; /help lists them, and //text says /text".to_owned(),
                );
            }
        };
        Ok(Some(command))
    }
}

/// Reads a name.
///
/// # Errors
///
/// What is wrong with it, for whoever typed it.
pub(super) fn read_name(text: &str) -> Result<UserName, String> {
    let name = text.trim().parse();
    name.map_err(|error| format!("nobody can be called so: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Command> {
        Command::read(line).unwrap()
    }

    fn say(text: &str) -> Option<Command> {
        Some(Command::Say(text.to_owned()))
    }

    #[test]
    fn what_is_no_command_is_said_as_it_is() {
        assert_eq!(read("hello"), say("hello"));
        assert_eq!(read("  and / or "), say("  and / or "));
        assert_eq!(read("//etc/fstab"), say("/etc/fstab"));
        assert_eq!(read(" ///"), say("//"));
        assert_eq!(read(""), None);
        assert_eq!(read(" \t"), None);
    }

    #[test]
    fn commands_have_what_they_need_and_nothing_else() {
        let join = |name: &str| Some(Command::Join(name.parse().unwrap()));
        assert_eq!(read("/join fishing"), join("fishing"));
        assert_eq!(read(" /join  #fishing "), join("fishing"));
        assert_eq!(read("/join deep sea"), join("deep sea"));
        let rename = Command::Rename("Zoë 2".parse().unwrap());
        assert_eq!(read("/name Zoë 2"), Some(rename));
        assert_eq!(read("/who"), Some(Command::Who));
        assert_eq!(read("/help "), Some(Command::Help));
        assert_eq!(read("/quit"), Some(Command::Quit));
    }

    #[test]
    fn what_makes_no_sense_is_never_said() {
        for wrong in [
            "/",
            "/ who",
            "/x",
            "/quits",
            "/join",
            "/join a/b",
            "/name",
            "/quit now",
            "/who is there",
            "/JOIN a",
        ] {
            assert!(Command::read(wrong).is_err(), "{wrong}");
        }
        let long = format!("/name {}", "a".repeat(33));
        let error = Command::read(&long).unwrap_err();
        assert!(error.contains("33 characters"), "{error}");
    }
}
