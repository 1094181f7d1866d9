//! What a chat and a registration have in common at this end: lines are typed or piped in, and said
//! one after the other.

mod lines;

use std::io::{self, IsTerminal};

pub(super) use self::lines::Lines;
use super::failure::{Failure, Kind};
use super::values::OutputFormat;
use crate::link::MESSAGE_LIMIT;
use crate::report::{Outcome, counted};

/// The longest line that is looked at, in bytes: one that is longer fits into no message, however it
/// is written there.
pub(super) const LONGEST_LINE: usize = MESSAGE_LIMIT;

/// Where what is to be said comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// From a person at a prompt.
    Typed,
    /// From standard input, as it is.
    Piped,
}

/// What ends a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Staying {
    /// The end of what is to be said.
    UntilAllIsSaid,
    /// A person.
    UntilStopped,
}

/// Whether everything is known that is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// There may be more of it.
    Open,
    /// It has been read to its end.
    Ended,
}

/// Whether somebody has ever been where lines are said: in a channel, or registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Not yet.
    Awaited,
    /// Once at least.
    Made,
}

/// What has become of what was to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Balance {
    /// How many lines have neither been said nor been refused.
    pub(super) unsaid: u64,
    /// How many lines have been refused.
    pub(super) refused: u64,
    /// Whether there were more to come.
    pub(super) input: Input,
    /// Whether anything could have been said at any time.
    pub(super) arrival: Arrival,
}

impl Manner {
    /// A person types if there is a terminal on which a line can be edited, and a person reads.
    pub(super) fn of(output: OutputFormat) -> Self {
        match output {
            OutputFormat::Text if is_for_a_person() => Manner::Typed,
            _ => Manner::Piped,
        }
    }
}

/// Whether there is a terminal on which a line can be edited.
fn is_for_a_person() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    !is_dumb && io::stdin().is_terminal() && io::stdout().is_terminal()
}

impl Staying {
    /// A person at a prompt says when it is over; otherwise the input does, unless told `stay`.
    pub(super) fn of(manner: Manner, stay: bool) -> Self {
        match (manner, stay) {
            (Manner::Piped, false) => Staying::UntilAllIsSaid,
            _ => Staying::UntilStopped,
        }
    }
}

/// What came of a conversation that ended so, after this had become of what was to be said in it.
pub(super) fn verdict(
    result: Result<(), Failure>,
    balance: Balance,
    staying: Staying,
    manner: Manner,
) -> Result<Outcome, Failure> {
    match result {
        Err(failure) if matches!(failure.kind, Kind::Interrupted | Kind::Deadline) => {
            match (balance.unsaid, staying, failure.kind, balance.arrival) {
                // That is how it ends, if it has begun.
                (0, Staying::UntilStopped, Kind::Interrupted, Arrival::Made) => {}
                (0, _, _, _) => return Err(failure),
                (unsaid, _, _, _) => {
                    let lines = counted(unsaid, "line");
                    let least = match (manner, balance.input) {
                        (Manner::Piped, Input::Open) => "at least ",
                        _ => "",
                    };
                    return Err(failure.context(format_args!("{least}{lines} left unsaid")));
                }
            }
        }
        result => result?,
    }
    match balance.refused {
        refused @ 1.. if manner == Manner::Piped => {
            let lines = counted(refused, "line");
            let were = if refused == 1 { "was" } else { "were" };
            Err(Kind::Refused.because(format_args!("{lines} {were} refused; see above for why")))
        }
        _ => Ok(Outcome::Ended),
    }
}
