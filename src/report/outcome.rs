use serde::Serialize;

/// What came of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The secret was told, and the solution passed or was not to be handed in.
    Solved,
    /// The solution was rejected.
    Rejected,
    /// The server said `ouch!`, or no pong came at all.
    Lost,
    /// A replay came to its end, or pings were answered.
    Ended,
    /// Something else went wrong.
    #[default]
    Failed,
    /// A person stopped it.
    Interrupted,
}

impl Outcome {
    /// The outcome in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Solved => "solved",
            Outcome::Rejected => "rejected",
            Outcome::Lost => "lost",
            Outcome::Ended => "ended",
            Outcome::Failed => "failed",
            Outcome::Interrupted => "interrupted",
        }
    }
}
