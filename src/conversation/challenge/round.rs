use std::fmt;

/// The number of a round, counted from one: one beat, the answer to it, and the verdict on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Round(u32);

impl Round {
    /// The round of the first beat.
    pub const FIRST: Round = Round(1);

    /// The round after this one.
    pub fn next(self) -> Round {
        Round(self.0.saturating_add(1))
    }

    /// The number itself.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the server said of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// `good!`: the answer was right.
    Good,
    /// `ouch!`: it was wrong, or did not come in time.
    Ouch,
}

impl Verdict {
    /// `good` or `ouch`.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Ouch => "ouch",
        }
    }
}
