use std::collections::BTreeSet;

use crate::conversation::chat::{GuestEvent, NextName, Roster, UserName};
use crate::link::Printable;

/// How many characters a channel's name may take up in a prompt. Each can be two columns wide, and
/// there has to be room for what is typed.
const CHANNEL_IN_PROMPT: usize = 16;

/// How many names are remembered of those who are in a channel. More are only counted.
const MOST_NAMES: usize = 1024;

/// Where a guest is, and with whom, as far as it has been told.
#[derive(Clone, Debug)]
pub(super) struct Company {
    /// The name that it goes by, or would like to.
    name: String,
    naming: Naming,
    place: Place,
    names: BTreeSet<String>,
    total: usize,
}

/// Where a guest is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Without a connection.
    Away,
    /// On its way into a channel.
    Entering,
    /// In this channel.
    In(String),
}

/// Whether a guest has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// It is being claimed.
    Claimed,
    /// It is the guest's own.
    Own,
    /// It is refused, and another one asked for.
    Refused,
}

impl Company {
    pub(super) fn new(name: &UserName) -> Self {
        Company {
            name: name.to_string(),
            naming: Naming::Claimed,
            place: Place::Away,
            names: BTreeSet::new(),
            total: 0,
        }
    }

    /// Takes account of what a guest noticed.
    pub(super) fn notice(&mut self, event: &GuestEvent) {
        match event {
            GuestEvent::Entered { channel, .. } => {
                self.place = Place::In(channel.clone());
                if self.naming == Naming::Own {
                    self.naming = Naming::Claimed;
                }
                self.names.clear();
                self.total = 0;
            }
            GuestEvent::Named { name, .. } => {
                // The presence that tells everybody comes only after this, if it does.
                self.names.remove(&self.name);
                self.name = name.to_string();
                self.names.insert(self.name.clone());
                self.total = self.total.max(self.names.len());
                self.naming = Naming::Own;
            }
            GuestEvent::Unnamed { .. } => self.naming = Naming::Claimed,
            GuestEvent::NameRefused {
                next: NextName::Unknown,
                ..
            } => self.naming = Naming::Refused,
            GuestEvent::Presence {
                came,
                went,
                total,
                roster,
                ..
            } => {
                if *roster == Roster::Whole {
                    self.names.clear();
                }
                self.names.extend(came.iter().cloned());
                for name in went {
                    self.names.remove(name);
                }
                self.total = *total;
                // A server that never says who goes, or names more than anybody reads.
                while self.names.len() > self.total.min(MOST_NAMES) {
                    self.names.pop_last();
                }
            }
            _ => {}
        }
    }

    /// A connection has been opened.
    pub(super) fn arrive(&mut self) {
        self.place = Place::Entering;
    }

    /// The connection is gone.
    pub(super) fn part(&mut self) {
        self.place = Place::Away;
        if self.naming == Naming::Own {
            self.naming = Naming::Claimed;
        }
        self.names.clear();
        self.total = 0;
    }

    /// Another name is being claimed.
    pub(super) fn claim(&mut self, name: &UserName) {
        if self.naming != Naming::Own {
            self.name = name.to_string();
            self.naming = Naming::Claimed;
        }
    }

    /// Whether the next line that is typed has to be a name.
    pub(super) fn wants_name(&self) -> bool {
        self.naming == Naming::Refused
    }

    /// What is asked, or whom a line is typed by, and where.
    pub(super) fn prompt(&self) -> String {
        let name = Printable(&self.name);
        match (&self.place, self.naming) {
            (_, Naming::Refused) => "another name> ".to_owned(),
            (Place::Away, _) => format!("{name} (offline)> "),
            (Place::Entering, _) => format!("{name} (entering)> "),
            (Place::In(_), Naming::Claimed) => format!("{name} (no name yet)> "),
            (Place::In(channel), Naming::Own) => {
                let channel = Printable(channel).to_string();
                match channel.char_indices().nth(CHANNEL_IN_PROMPT) {
                    None => format!("#{channel} {name}> "),
                    Some((end, _)) => format!("#{}… {name}> ", &channel[..end]),
                }
            }
        }
    }

    /// Who is there, for people.
    pub(super) fn who(&self) -> String {
        let channel = match &self.place {
            Place::Away => return "you are not connected".to_owned(),
            Place::Entering => return "you are in no channel yet".to_owned(),
            Place::In(channel) => channel,
        };
        let names: Vec<_> = self
            .names
            .iter()
            .map(|it| Printable(it).to_string())
            .collect();
        let channel = Printable(channel);
        match (names.len(), self.total.saturating_sub(names.len())) {
            (0, 0) => format!("in #{channel}: nobody"),
            (0, unlisted) => format!("in #{channel}: {unlisted} that the server does not name"),
            (_, 0) => format!("in #{channel}: {}", names.join(", ")),
            (_, unlisted) => format!("in #{channel}: {} and {unlisted} more", names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Stamp;

    const AT: Stamp = Stamp::OPENING;

    fn name(name: &str) -> UserName {
        name.parse().unwrap()
    }

    fn entered(channel: &str) -> GuestEvent {
        let channel = channel.to_owned();
        GuestEvent::Entered { at: AT, channel }
    }

    fn named(of: &str) -> GuestEvent {
        let name = name(of);
        GuestEvent::Named { at: AT, name }
    }

    fn refused(of: &str, next: NextName) -> GuestEvent {
        GuestEvent::NameRefused {
            at: AT,
            name: name(of),
            code: None,
            reason: String::new(),
            next,
        }
    }

    fn presence(came: &[&str], went: &[&str], total: usize, roster: Roster) -> GuestEvent {
        let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
        GuestEvent::Presence {
            at: AT,
            came: names(came),
            went: names(went),
            total,
            roster,
        }
    }

    #[test]
    fn the_prompt_tells_where_one_is_and_as_whom() {
        let mut company = Company::new(&name("alice"));
        assert_eq!(company.prompt(), "alice (offline)> ");
        company.arrive();
        assert_eq!(company.prompt(), "alice (entering)> ");
        company.notice(&entered("fishing"));
        assert_eq!(company.prompt(), "alice (no name yet)> ");
        company.notice(&refused("alice", NextName::Other));
        assert!(!company.wants_name());
        company.notice(&refused("alice", NextName::Unknown));
        assert!(company.wants_name());
        assert_eq!(company.prompt(), "another name> ");
        company.claim(&name("bob"));
        assert!(!company.wants_name());
        assert_eq!(company.prompt(), "bob (no name yet)> ");
        company.notice(&named("bob"));
        assert_eq!(company.prompt(), "#fishing bob> ");
        // A wish that is refused changes nothing.
        company.claim(&name("carol"));
        company.notice(&refused("carol", NextName::Other));
        assert_eq!(company.prompt(), "#fishing bob> ");
        company.part();
        assert_eq!(company.prompt(), "bob (offline)> ");
        company.notice(&entered("\u{1b}[2J"));
        company.notice(&refused("bob", NextName::Same(AT)));
        assert!(!company.wants_name());
        company.notice(&named("bob"));
        assert_eq!(company.prompt(), "#\\u{1b}[2J bob> ");
        company.notice(&entered(&"x".repeat(64)));
        company.notice(&named("bob"));
        assert_eq!(company.prompt(), format!("#{}… bob> ", "x".repeat(16)));
    }

    #[test]
    fn who_is_there_is_known_from_who_comes_and_goes() {
        let mut company = Company::new(&name("alice"));
        assert_eq!(company.who(), "you are not connected");
        company.arrive();
        assert_eq!(company.who(), "you are in no channel yet");
        company.notice(&entered("fishing"));
        assert_eq!(company.who(), "in #fishing: nobody");
        company.notice(&named("alice"));
        assert_eq!(company.who(), "in #fishing: alice");
        company.notice(&named("carol"));
        assert_eq!(company.who(), "in #fishing: carol");
        company.notice(&presence(&["dave", "bob"], &[], 5, Roster::Whole));
        assert_eq!(company.who(), "in #fishing: bob, dave and 3 more");
        company.notice(&presence(&["alice"], &["dave"], 2, Roster::Change));
        assert_eq!(company.who(), "in #fishing: alice, bob");
        // A server that never says who goes does not fill the memory.
        for number in 0..1000 {
            let guest = format!("guest{number}");
            company.notice(&presence(&[&guest], &[], 2, Roster::Change));
        }
        assert_eq!(company.names.len(), 2);
        // Nor does one that says that everybody is there.
        for number in 0..2 * MOST_NAMES {
            let guest = format!("guest{number}");
            company.notice(&presence(&[&guest], &[], 1_000_000, Roster::Change));
        }
        assert_eq!(company.names.len(), MOST_NAMES);
        assert!(company.who().ends_with(" and 998976 more"));
        company.notice(&entered("river"));
        assert_eq!(company.who(), "in #river: nobody");
    }
}
