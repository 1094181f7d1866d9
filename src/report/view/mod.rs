//! The live view of round trips: their course, how they are spread, and what has been counted.
//!
//! A [`View`] draws a [`Moment`] and knows nothing of terminals; a [`Screen`] has one drawn on the
//! terminal again and again, and gives the terminal back when it is dropped, or when anything
//! panics.

mod axes;
mod chart;
mod plan;
mod screen;
mod spread;
mod table;
mod terminal;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};

use super::histogram::Bin;
use super::{Outcome, PingTally, Standing};
use crate::conversation::latency::{Medium, PingerSettings};
use crate::link::Printable;
use chart::{draw_all_in_one, draw_course};
use plan::{Courses, Plan};
use spread::draw_spread;
use table::{draw_counts, draw_times};

pub use screen::Screen;
pub(super) use terminal::{Taken, Terminal};

/// The colours of the targets, one after the other and over again. Red and yellow have a meaning
/// of their own.
const TARGETS: [Color; 8] = [
    Color::Cyan,
    Color::Green,
    Color::Magenta,
    Color::Blue,
    Color::LightCyan,
    Color::LightGreen,
    Color::LightMagenta,
    Color::LightBlue,
];

/// How many columns the running time has: up to `9999:59:59`.
const CLOCK: u16 = 10;

/// How wide the view is before the running time is shown.
const TIMED: u16 = 22;

/// Whether colours are welcome on the terminal: they are not with NO_COLOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// They are.
    Welcome,
    /// Only bold and dim characters are, and what was told by colour is told by shape.
    Unwelcome,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It goes on.
    Running,
    /// Somebody wants it to end, and the connections are being closed.
    Ending,
}

/// What a view shows.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// What has come of each target.
    pub tallies: &'a [PingTally],
    /// For how long the run has been going on.
    pub elapsed: Duration,
    /// How far it has come.
    pub stage: Stage,
}

/// The live view of a run. Any size will do: what there is no room for is left out, the least
/// important first.
#[derive(Clone, Copy, Debug)]
pub struct View {
    settings: PingerSettings,
    colours: Colours,
}

impl View {
    /// The view of a run with these settings.
    pub fn new(settings: PingerSettings, colours: Colours) -> Self {
        View { settings, colours }
    }

    /// Draws a moment. Texts of peers come out harmless, but secrets in them have to be blanked
    /// before.
    pub fn draw(&self, moment: &Moment<'_>, frame: &mut Frame<'_>) {
        let Moment { tallies, .. } = *moment;
        let summaries: Vec<_> = tallies
            .iter()
            .map(|tally| tally.summary(Outcome::default()))
            .collect();
        let plan = Plan::new(frame.area(), tallies.len());
        self.draw_title(moment.elapsed, plan.title, frame);
        let listed = usize::from(plan.targets.height);
        let hidden = tallies.len().saturating_sub(listed);
        frame.render_widget(footer(moment.stage, hidden), plan.footer);
        let lines = tallies.iter().zip(plan.targets.rows());
        for (tally, row) in lines {
            frame.render_widget(self.target(tally, tallies.len()), row);
        }
        match plan.courses {
            Courses::Apart(areas) => {
                for ((tally, summary), area) in tallies.iter().zip(&summaries).zip(areas) {
                    let name = name(tally.target, tallies.len());
                    draw_course(self, tally, &name, area.chart, frame);
                    let style = self.target_style(tally.target);
                    draw_spread(&summary.bins, &name, style, area.spread, frame);
                }
            }
            Courses::Together(area) => draw_all_in_one(self, tallies, area, frame),
        }
        draw_times(self, &summaries, plan.times, frame);
        draw_counts(self, &summaries, plan.counts, frame);
    }

    fn draw_title(&self, elapsed: Duration, area: Rect, frame: &mut Frame<'_>) {
        let what = match self.settings.medium {
            Medium::Frames => "Ping frames",
            Medium::Messages => "text messages, to be echoed,",
        };
        let bytes = self.settings.payload.bytes();
        let interval = self.settings.interval;
        let times = match self.settings.count {
            Some(count) => format!(", {count} times"),
            None => String::new(),
        };
        let title = Line::from(vec![
            Span::styled("wsbeat ping", Style::new().bold()),
            format!("  {what} of {bytes} bytes every {interval:?}{times}").into(),
        ]);
        let clock = if area.width < TIMED { 0 } else { CLOCK };
        let parts = [Constraint::Fill(1), Constraint::Length(clock)];
        let [left, right] = Layout::horizontal(parts).areas(area);
        frame.render_widget(title, left);
        frame.render_widget(Line::from(running(elapsed)).right_aligned(), right);
    }

    /// Where a target is, and how it stands.
    fn target(&self, tally: &PingTally, of: usize) -> Line<'static> {
        let number = Span::styled(name(tally.target, of), self.target_style(tally.target));
        let url = Printable(&tally.url).to_string();
        match &tally.standing {
            Standing::Connecting => Line::from(vec![number, url.into(), "  connecting …".dim()]),
            Standing::Open(peer) => {
                let peer = format!("  ({})", Printable(peer));
                Line::from(vec![number, url.into(), peer.into()])
            }
            Standing::Ended => Line::from(vec![number, url.into(), "  ended".dim()]),
            // What failed says where.
            Standing::Failed(_, error) => {
                let error = format!("failed: {}", Printable(error));
                Line::from(vec![number, Span::styled(error, self.bad())])
            }
        }
    }

    fn coloured(&self, colour: Color) -> Style {
        match self.colours {
            Colours::Welcome => Style::new().fg(colour),
            Colours::Unwelcome => Style::new(),
        }
    }

    fn target_style(&self, number: usize) -> Style {
        self.coloured(TARGETS[number.saturating_sub(1) % TARGETS.len()])
    }

    /// What is measured from when a ping was due.
    fn intended(&self) -> Style {
        self.coloured(Color::Yellow)
    }

    /// What is lost or has failed.
    fn bad(&self) -> Style {
        self.coloured(Color::Red).bold()
    }
}

/// What a target is called before its data, where there are several.
fn name(number: usize, of: usize) -> String {
    match of {
        0 | 1 => String::new(),
        _ => format!("{number} "),
    }
}

/// What can be done, and how many targets there is no room to list.
fn footer(stage: Stage, hidden: usize) -> Line<'static> {
    match stage {
        Stage::Running if hidden > 0 => {
            let more = format!(" quit   and {hidden} more targets, in the summary");
            Line::from(vec!["q".bold(), more.into()])
        }
        Stage::Running => Line::from(vec!["q".bold(), " quit".into()]),
        Stage::Ending => Line::from(vec![
            "closing …  ".into(),
            "q".bold(),
            " quit without waiting for it".into(),
        ]),
    }
}

/// A running time: `0:01:23`.
fn running(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}", seconds % 60)
}
