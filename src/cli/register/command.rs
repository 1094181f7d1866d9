use super::known::KnownKeys;
use crate::conversation::registration::PublicKey;

/// What `/help` tells.
pub(super) const HELP: &str = "\
/to KEY TEXT    say TEXT to one key; the 8 characters shown of one will do
/all TEXT       say TEXT to everybody
/key            your own public key
/quit           leave, once all has been said; so does Ctrl-D
/help           this
//text          say /text
Ctrl-C leaves at once.";
// It says so in its own words.
const _: () = assert!(PublicKey::SHORT == 8);

/// What a line that was typed asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// To say this to whomever lines are for.
    Say(String),
    /// To say this to one key.
    SayTo(PublicKey, String),
    /// To say this to everybody.
    SayToAll(String),
    Key,
    Help,
    Quit,
}

impl Command {
    /// Reads a line; `None` if there is nothing in it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for whoever typed it.
    pub(super) fn read(line: &str, known: &KnownKeys) -> Result<Option<Command>, String> {
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
        let (word, rest) = split(command);
        let command = match (word, rest) {
            ("to", rest) => {
                let (key, text) = split(rest);
                if key.is_empty() {
                    return Err("to whom? /to KEY TEXT".to_owned());
                }
                let key = known.find(key).map_err(|unclear| unclear.to_string())?;
                if text.is_empty() {
                    return Err("and what? /to KEY TEXT".to_owned());
                }
                Command::SayTo(key, text.to_owned())
            }
            ("all", "") => return Err("what? /all TEXT".to_owned()),
            ("all", text) => Command::SayToAll(text.to_owned()),
            ("key", "") => Command::Key,
            ("help", "") => Command::Help,
            ("quit", "") => Command::Quit,
            ("key" | "help" | "quit", _) => {
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

/// The first word, and what follows it.
fn split(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> (KnownKeys, [PublicKey; 2]) {
        let keys = ["A", "B"].map(|first| format!("{first}{}", "A".repeat(42)).parse().unwrap());
        let mut known = KnownKeys::default();
        keys.iter().for_each(|key| known.hear(*key));
        (known, keys)
    }

    fn read(line: &str) -> Option<Command> {
        Command::read(line, &known().0).unwrap()
    }

    fn say(text: &str) -> Option<Command> {
        Some(Command::Say(text.to_owned()))
    }

    #[test]
    fn what_is_no_command_is_said_as_it_is() {
        assert_eq!(read("hello"), say("hello"));
        assert_eq!(read("  and / or "), say("  and / or "));
        assert_eq!(read("//etc/fstab"), say("/etc/fstab"));
        assert_eq!(read(""), None);
        assert_eq!(read(" \t"), None);
    }

    #[test]
    fn a_line_can_be_for_one_key_or_for_all() {
        let (_, [first, second]) = known();
        let to = |key, text: &str| Some(Command::SayTo(key, text.to_owned()));
        assert_eq!(
            read("/to AAAAAAAA  how are you? "),
            to(first, "how are you?")
        );
        assert_eq!(read(&format!("/to {second} hi")), to(second, "hi"));
        let all = Command::SayToAll("good day".to_owned());
        assert_eq!(read(" /all good day"), Some(all));
        assert_eq!(read("/key"), Some(Command::Key));
        assert_eq!(read("/help "), Some(Command::Help));
        assert_eq!(read("/quit"), Some(Command::Quit));
    }

    #[test]
    fn the_help_fits_into_a_terminal() {
        assert!(HELP.lines().all(|line| line.len() <= 80), "{HELP}");
    }

    #[test]
    fn what_makes_no_sense_is_never_said() {
        for wrong in [
            "/",
            "/ to",
            "/x",
            "/to",
            "/to AAAAAAAA",
            "/to A hello",
            "/to CAAAAAAA hello",
            "/all",
            "/key x",
            "/quit now",
            "/TO A b",
        ] {
            assert!(Command::read(wrong, &known().0).is_err(), "{wrong}");
        }
    }
}
