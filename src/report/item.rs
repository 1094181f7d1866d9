use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::chatting::{ChatItem, ChatSummaryItem};
use super::opening::OpenItem;
use super::outcome::Outcome;
use super::pinging::{InventedItem, PingItem, PingingItem, PongItem};
use super::registering::{KeyItem, RegistrationItem, RegistrationSummaryItem};
use super::round_trips::PingSummaryItem;
use super::serving::{ConversationItem, ListeningItem};
use super::simulating::{SimulatingItem, SimulationItem};
use super::units::{micros, millis, share, signed_millis};
use crate::conversation::challenge::{Beat, Interval, Loss};

/// One thing to report. Serialised, it is an object of the JSON schema in the README: fields are
/// added, never renamed, and carry their unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item {
    /// A connection was opened.
    Open(OpenItem),
    /// The server's greeting.
    Hello {
        /// Nanoseconds since the opening.
        at_ns: u64,
        /// Its text.
        text: String,
    },
    /// A beat, and the answer to it.
    Beat(BeatItem),
    /// What the server said of an answer.
    Verdict(VerdictItem),
    /// Something that is not part of the game.
    Note(NoteItem),
    /// The secret.
    Secret {
        /// The phrase.
        secret: String,
    },
    /// What the solve endpoint said.
    Submission {
        /// Whether it counts as solved.
        passed: bool,
        /// Its whole answer.
        response: Value,
    },
    /// Something that went wrong.
    Error(ErrorItem),
    /// The last one.
    Summary(SummaryItem),
    /// A server listens.
    Listening(ListeningItem),
    /// A server has held a conversation.
    Conversation(ConversationItem),
    /// A simulation begins.
    Simulating(SimulatingItem),
    /// What came of many simulated sessions.
    Simulation(SimulationItem),
    /// Round trips are about to be measured.
    Pinging(PingingItem),
    /// A pong came in time.
    Pong(PongItem),
    /// No pong came for as long as one was waited for.
    Lost(PingItem),
    /// The pong of a lost ping came after all.
    Late(PongItem),
    /// A pong came once more.
    Doubled(PingItem),
    /// A pong came that answers nothing.
    Invented(InventedItem),
    /// The last one of those that measure round trips, for each target.
    #[serde(rename = "summary")]
    PingSummary(PingSummaryItem),
    /// The last one of a chat.
    #[serde(rename = "summary")]
    ChatSummary(ChatSummaryItem),
    /// The key that is going to be registered.
    Key(KeyItem),
    /// The last one of a registration.
    #[serde(rename = "summary")]
    RegistrationSummary(RegistrationSummaryItem),
    /// Something happened in a chat. What, its own type says.
    #[serde(untagged)]
    Chat(ChatItem),
    /// Something happened in a registration. What, its own type says.
    #[serde(untagged)]
    Registration(RegistrationItem),
}

/// A beat, and the answer to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BeatItem {
    /// What was recorded, in the replay of a recording.
    #[serde(flatten)]
    pub recorded: Option<Recorded>,
    /// The round, counted from one.
    pub round: u32,
    /// Nanoseconds from the opening to the beat.
    pub at_ns: u64,
    /// The time since the previous beat, or the opening.
    pub elapsed_ms: f64,
    /// The answer.
    pub interval_ms: u16,
    /// The window of the answer: from, and up to; null for no end.
    pub window_ms: (u64, Option<u64>),
    /// How far the corrected elapsed time is from the nearer edge of the window; negative beyond.
    pub margin_ms: f64,
    /// How late the beat is taken to be; negative for early.
    pub lateness_ms: f64,
    /// From the beat's arrival to the answer's departure; null if it never left.
    pub answer_us: Option<f64>,
    /// The elapsed time that the answer was made of.
    pub corrected_ms: f64,
    /// How probable the answer is, from 0 to 1; null if the estimator cannot tell.
    pub confidence: Option<f64>,
}

/// What a recording holds of a beat.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recorded {
    /// The file.
    pub recording: String,
    /// What was answered then; null if nothing was.
    pub recorded_interval_ms: Option<u16>,
}

impl BeatItem {
    /// A beat, for reporting.
    pub fn new(beat: &Beat, recorded: Option<Recorded>) -> Self {
        let estimate = &beat.estimate;
        let window = estimate.window();
        let whole = |edge: Duration| u64::try_from(edge.as_millis()).unwrap_or(u64::MAX);
        BeatItem {
            recorded,
            round: beat.round.number(),
            at_ns: beat.at.as_nanos(),
            elapsed_ms: millis(beat.elapsed),
            interval_ms: estimate.interval.millis(),
            window_ms: (whole(window.lower), window.upper.map(whole)),
            margin_ms: signed_millis(estimate.margin_ns()),
            lateness_ms: signed_millis(estimate.lateness_ns()),
            answer_us: beat.answered_in.map(micros),
            corrected_ms: millis(estimate.corrected),
            confidence: estimate.confidence().map(share),
        }
    }

    /// Whether a recorded beat is answered otherwise now.
    pub fn differs(&self) -> bool {
        self.recorded
            .as_ref()
            .is_some_and(|recorded| recorded.recorded_interval_ms != Some(self.interval_ms))
    }
}

impl Recorded {
    /// What the recording in this file holds of a beat.
    pub fn new(recording: &str, answer: Option<Interval>) -> Self {
        Recorded {
            recording: recording.to_owned(),
            recorded_interval_ms: answer.map(Interval::millis),
        }
    }
}

/// What the server said of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictItem {
    /// The file, in the replay of a recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// The round; null when it came before the first beat.
    pub round: Option<u32>,
    /// `good` or `ouch`.
    pub verdict: &'static str,
}

/// Something that is not part of the game.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteItem {
    /// Nanoseconds since the opening.
    pub at_ns: u64,
    /// `text` or `binary`.
    pub kind: &'static str,
    /// The text, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How long it is.
    pub bytes: usize,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorItem {
    /// The kind, for scripts to tell errors apart by.
    pub kind: &'static str,
    /// The cause, for people.
    pub message: String,
    /// Which attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// After how long the next attempt begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_in_ms: Option<f64>,
    /// The recording that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// The target that it is about, of several, counted from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<usize>,
}

/// The whole run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SummaryItem {
    /// What came of it.
    pub outcome: Outcome,
    /// How many beats were answered, in the last attempt or in all recordings.
    pub rounds: u32,
    /// How many attempts were made.
    pub attempts: u32,
    /// The secret, if it was told.
    pub secret: Option<String>,
    /// The smallest margin.
    pub worst_margin_ms: Option<f64>,
    /// How late beats were on average, but for one that was answered wrong.
    pub mean_lateness_ms: Option<f64>,
    /// How late the latest of them was.
    pub worst_lateness_ms: Option<f64>,
    /// How probable the least probable answer was; null if the estimator cannot tell.
    pub least_confidence: Option<f64>,
    /// Why it was lost, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossItem>,
    /// How many recordings were replayed, in a replay of recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recordings: Option<usize>,
    /// How many of their beats would be answered otherwise now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differences: Option<u32>,
}

/// Why a round was lost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LossItem {
    /// The round.
    pub round: u32,
    /// `too_late`, `ambiguous`, `surprising` or `slept`.
    pub reason: &'static str,
    /// The same for people.
    pub message: String,
    /// The answer.
    pub interval_ms: u16,
    /// How probable it was; null if the estimator cannot tell.
    pub confidence: Option<f64>,
    /// How late the beat was taken to be; negative for early.
    pub lateness_ms: f64,
    /// How far from the nearer edge of the window.
    pub margin_ms: f64,
    /// Whether that margin has something to say of the loss, to people.
    #[serde(skip)]
    pub is_about_margins: bool,
    /// The second best answer.
    pub runner_up_ms: u16,
    /// From the departure of the answer to the arrival of the verdict.
    pub verdict_after_ms: f64,
}

impl LossItem {
    /// A loss, for reporting.
    pub fn new(loss: &Loss) -> Self {
        let estimate = &loss.estimate;
        LossItem {
            round: loss.round.number(),
            reason: loss.reason.as_str(),
            message: loss.to_string(),
            interval_ms: estimate.interval.millis(),
            confidence: estimate.confidence().map(share),
            lateness_ms: signed_millis(estimate.lateness_ns()),
            margin_ms: signed_millis(estimate.margin_ns()),
            is_about_margins: loss.is_about_margins(),
            runner_up_ms: estimate.runner_up().millis(),
            verdict_after_ms: millis(loss.verdict_after),
        }
    }
}

impl Item {
    /// The same item, each text in it that a peer may have had a say in put through `redact`.
    pub(super) fn with_texts(&self, redact: impl Fn(&str) -> String) -> Item {
        let mut item = self.clone();
        match &mut item {
            Item::Open(open) => {
                open.url = redact(&open.url);
                open.subprotocol = open.subprotocol.as_deref().map(redact);
            }
            Item::Hello { text, .. } => *text = redact(text),
            Item::Note(note) => note.text = note.text.as_deref().map(redact),
            Item::Secret { secret } => *secret = redact(secret),
            Item::Submission { response, .. } => *response = with_texts(response, &redact),
            Item::Error(error) => error.message = redact(&error.message),
            Item::Summary(summary) => summary.secret = summary.secret.as_deref().map(redact),
            Item::Chat(chat) => *chat = chat.with_texts(&redact),
            Item::Registration(registration) => *registration = registration.with_texts(&redact),
            Item::Invented(invented) => invented.text = redact(&invented.text),
            Item::Pinging(pinging) => {
                for url in &mut pinging.urls {
                    *url = redact(url);
                }
            }
            Item::PingSummary(summary) => summary.url = summary.url.as_deref().map(redact),
            Item::Beat(_)
            | Item::Verdict(_)
            | Item::Listening(_)
            | Item::Conversation(_)
            | Item::Simulating(_)
            | Item::Simulation(_)
            | Item::Pong(_)
            | Item::Lost(_)
            | Item::Late(_)
            | Item::Doubled(_)
            | Item::ChatSummary(_)
            | Item::Key(_)
            | Item::RegistrationSummary(_) => {}
        }
        item
    }
}

fn with_texts(value: &Value, redact: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(redact(text)),
        Value::Array(values) => values
            .iter()
            .map(|value| with_texts(value, redact))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (redact(name), with_texts(value, redact)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
