//! Aligned lines for people, within 80 columns.

use std::fmt;
use std::io::{self, Write};

use anstyle::Style;

use super::chatting::{ChatLines, write_chat_summary};
use super::layout::{BAD, GOOD, LABEL, REMARK, WARN, counted, label, lines};
use super::opening::write_open;
use super::pinging::{write_news, write_pinging};
use super::registering::{RegistrationLines, write_key, write_registration_summary};
use super::round_trips::{PingSummaryItem, write_summaries};
use super::serving::{write_conversation, write_listening};
use super::simulating::{write_simulating, write_simulation};
use super::{
    BeatItem, ErrorItem, Item, NoteItem, Outcome, SimulationItem, SummaryItem, VerdictItem,
};
use crate::conversation::challenge::AMBIGUOUS;
use crate::link::Printable;

/// Margins below this are marked, in milliseconds. Chosen to catch the eye early enough: a fifth of
/// the 250 ms from an interval to the nearest edge.
const NARROW_MS: f64 = 50.0;

/// Writes items as lines. A beat is held back until its verdict is there, the next beat, or the
/// end, so that a round is one line.
#[derive(Debug, Default)]
pub struct Text {
    held_back: Option<BeatItem>,
    /// The columns that the table on the page has, if there is one.
    table: Option<Columns>,
    recording: Option<String>,
    /// How many columns a row of a simulation has, and those of the row that is held back.
    contestants: usize,
    is_single_session: bool,
    simulations: Vec<SimulationItem>,
    /// How many targets are pinged, and the summaries of those that are held back.
    targets: usize,
    summaries: Vec<PingSummaryItem>,
    chat: ChatLines,
    registration: RegistrationLines,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Columns {
    Live,
    Replay,
}

impl Text {
    /// Writes an item, as far as it is complete.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    pub fn write(&mut self, item: &Item, out: &mut impl Write) -> io::Result<()> {
        match item {
            Item::Beat(beat) => {
                self.flush(out)?;
                self.begin_table(beat, out)?;
                self.held_back = Some(beat.clone());
                return Ok(());
            }
            Item::Verdict(verdict) => return self.verdict(verdict, out),
            Item::Simulation(simulation) => {
                self.simulations.push(simulation.clone());
                if self.simulations.len() >= self.contestants {
                    self.flush(out)?;
                }
                return Ok(());
            }
            Item::PingSummary(summary) => {
                self.summaries.push(summary.clone());
                if self.summaries.len() >= self.targets {
                    self.flush(out)?;
                }
                return Ok(());
            }
            // The row of the round waits for its verdict all the same.
            Item::Note(note) => return write_note(note, out),
            _ => self.flush(out)?,
        }
        self.table = None;
        match item {
            Item::Beat(_)
            | Item::Verdict(_)
            | Item::Note(_)
            | Item::Simulation(_)
            | Item::PingSummary(_) => Ok(()),
            Item::Chat(chat) => self.chat.write(chat, out),
            Item::ChatSummary(summary) => write_chat_summary(summary, out),
            Item::Key(key) => write_key(key, out),
            Item::Registration(registration) => self.registration.write(registration, out),
            Item::RegistrationSummary(summary) => write_registration_summary(summary, out),
            Item::Pinging(pinging) => {
                self.targets = pinging.urls.len();
                write_pinging(pinging, out)
            }
            Item::Pong(_)
            | Item::Lost(_)
            | Item::Late(_)
            | Item::Doubled(_)
            | Item::Invented(_) => write_news(item, self.targets > 1, out),
            Item::Simulating(simulating) => {
                self.contestants = simulating.estimators.len();
                self.is_single_session = simulating.session.is_some();
                write_simulating(simulating, out)
            }
            Item::Open(open) => write_open(open, self.targets > 1, out),
            Item::Hello { text, .. } => {
                let greeting = text.split_once(char::is_whitespace);
                label(
                    out,
                    "hello",
                    Remark(greeting.map_or(text, |(_hello, rest)| rest)),
                )
            }
            Item::Secret { secret } => label(out, "secret", Printable(secret)),
            Item::Submission { passed, response } => {
                let (style, word) = if *passed {
                    (GOOD, "passed")
                } else {
                    (BAD, "not passed")
                };
                let response = response.to_string();
                label(
                    out,
                    "submitted",
                    format_args!("{style}{word}{style:#}: {}", Printable(&response)),
                )
            }
            // Errors go to standard error.
            Item::Error(ErrorItem { .. }) => Ok(()),
            Item::Summary(summary) => write_summary(summary, out),
            Item::Listening(listening) => write_listening(listening, out),
            Item::Conversation(conversation) => write_conversation(conversation, out),
        }
    }

    /// Writes the row that is held back, if there is one.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    pub fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        if let Some(first) = self.simulations.first() {
            write!(out, "{:<10}", first.model)?;
            for simulation in self.simulations.drain(..) {
                write_simulation(&simulation, self.is_single_session, out)?;
            }
            writeln!(out)?;
        }
        write_summaries(&std::mem::take(&mut self.summaries), out)?;
        match self.held_back.take() {
            Some(beat) => writeln!(out, "{}", Row(&beat, "")),
            None => Ok(()),
        }
    }

    /// The round that is held back, as it would be written.
    pub fn held_back(&self) -> Option<String> {
        let beat = self.held_back.as_ref()?;
        Some(anstream::adapter::strip_str(&Row(beat, "").to_string()).to_string())
    }

    fn begin_table(&mut self, beat: &BeatItem, out: &mut impl Write) -> io::Result<()> {
        let recording = beat.recorded.as_ref().map(|recorded| &recorded.recording);
        let columns = match recording {
            None => Columns::Live,
            Some(_) => Columns::Replay,
        };
        if self.table == Some(columns) && self.recording.as_ref() == recording {
            return Ok(());
        }
        if let Some(recording) = recording {
            writeln!(out, "\n{LABEL}{}{LABEL:#}", Printable(recording))?;
        } else {
            writeln!(out)?;
        }
        self.table = Some(columns);
        self.recording = recording.cloned();
        let interval = match columns {
            Columns::Live => "interval",
            Columns::Replay => "then   now",
        };
        writeln!(
            out,
            "{LABEL}{:>5}  {:>9}  {interval:>10}  {:>9}  {:>9}  {:>7}  {:>8}  verdict{LABEL:#}",
            "round", "elapsed", "late", "margin", "sure", "answer"
        )
    }

    fn verdict(&mut self, verdict: &VerdictItem, out: &mut impl Write) -> io::Result<()> {
        match self.held_back.take() {
            Some(beat) => writeln!(out, "{}", Row(&beat, verdict.verdict)),
            // An `ouch!` after the verdict of the newest round, or before the first.
            None => label(out, "verdict", Verdict(verdict.verdict)),
        }
    }
}

fn write_note(note: &NoteItem, out: &mut impl Write) -> io::Result<()> {
    match &note.text {
        Some(text) => label(out, "noted", Remark(text)),
        None => label(
            out,
            "noted",
            format_args!("{} bytes of binary data", note.bytes),
        ),
    }
}

fn write_summary(summary: &SummaryItem, out: &mut impl Write) -> io::Result<()> {
    let nothing_happened = summary.rounds == 0 && summary.recordings.is_none();
    if nothing_happened && summary.outcome == Outcome::Failed {
        // The error says it all.
        return Ok(());
    }
    let rounds = counted(summary.rounds.into(), "round");
    let of = match (summary.recordings, summary.differences) {
        (Some(recordings), Some(differences)) => format!(
            "{rounds} in {}, {} answered differently now",
            counted(recordings as u64, "recording"),
            differences
        ),
        _ if summary.attempts > 0 => {
            format!("{rounds}, {}", counted(summary.attempts.into(), "attempt"))
        }
        _ => rounds,
    };
    let word = summary.outcome.as_str();
    writeln!(out)?;
    label(out, word, of)?;
    if let Some(loss) = &summary.loss {
        let why = format!("round {}: {}", loss.round, loss.message);
        for (index, line) in lines(&why).into_iter().enumerate() {
            label(out, if index == 0 { "why" } else { "" }, line)?;
        }
    }
    // Of a round that was lost by the time it took, a wide margin says nothing.
    let is_told = summary
        .loss
        .as_ref()
        .is_none_or(|loss| loss.is_about_margins);
    if let Some(margin) = summary.worst_margin_ms.filter(|_| is_told) {
        label(out, "margin", format_args!("worst {margin:.1} ms"))?;
    }
    if let Some(confidence) = summary.least_confidence {
        label(
            out,
            "sure",
            format_args!("{:.1} % at the least", confidence * 100.0),
        )?;
    }
    if let (Some(mean), Some(worst)) = (summary.mean_lateness_ms, summary.worst_lateness_ms) {
        label(
            out,
            "lateness",
            format_args!("mean {}, worst {}", Signed(mean), Signed(worst)),
        )?;
    }
    Ok(())
}

/// A round in its columns.
struct Row<'a>(&'a BeatItem, &'a str);

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row(beat, verdict) = self;
        let answer = match beat.answer_us {
            None => "-".to_owned(),
            Some(us) if us < 10_000.0 => format!("{us:.0} µs"),
            Some(us) => format!("{:.0} ms", us / 1e3),
        };
        let warn = |warns| if warns { WARN } else { Style::new() };
        // Where the estimator knows how sure it is, that is what tells; a margin it may overrule.
        let narrow = warn(beat.confidence.is_none() && beat.margin_ms < NARROW_MS);
        let unsure = warn(beat.confidence.is_some_and(|share| share < AMBIGUOUS));
        let sure = beat
            .confidence
            .map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        let differs = warn(beat.differs());
        let interval = match &beat.recorded {
            None => beat.interval_ms.to_string(),
            Some(recorded) => {
                let then = recorded
                    .recorded_interval_ms
                    .map_or("-".to_owned(), |then| then.to_string());
                format!("{then:>4}  {:>4}", beat.interval_ms)
            }
        };
        write!(
            f,
            "{:>5}  {:>9}  {differs}{interval:>10}{differs:#}  {:>9}  \
             {narrow}{:>9}{narrow:#}  {unsure}{sure:>7}{unsure:#}  {answer:>8}",
            beat.round,
            format!("{:.1} ms", beat.elapsed_ms),
            Signed(beat.lateness_ms).to_string(),
            format!("{:.1} ms", beat.margin_ms),
        )?;
        if !verdict.is_empty() {
            write!(f, "  {}", Verdict(verdict))?;
        }
        Ok(())
    }
}

/// Milliseconds to a tenth, with their sign; what rounds to zero is not below it.
struct Signed(f64);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.1} ms", (self.0 * 10.0).round() / 10.0 + 0.0)
    }
}

/// A verdict in its colour.
struct Verdict<'a>(&'a str);

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = if self.0 == "good" { GOOD } else { BAD };
        write!(f, "{style}{}{style:#}", self.0)
    }
}

/// The beginning of what a server said.
struct Remark<'a>(&'a str);

impl fmt::Display for Remark<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.trim();
        match text.char_indices().nth(REMARK) {
            None => write!(f, "{}", Printable(text)),
            Some((end, _)) => write!(f, "{}…", Printable(&text[..end])),
        }
    }
}
