//! What has been counted, and the percentiles: tables with a row for each target, or two.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};

use super::super::round_trips::cell;
use super::{View, name};
use crate::report::PingSummaryItem;

/// How wide the name of a row is.
const NAME: usize = 13;

/// The columns of times: the name, how important it is, and what it shows, raw and from when a ping
/// was due.
type Time = (
    &'static str,
    usize,
    fn(&PingSummaryItem) -> [Option<f64>; 2],
);

const TIMES: [Time; 7] = [
    ("min", 3, |it| [it.min_ms, it.intended_min_ms]),
    ("mean", 4, |it| [it.mean_ms, it.intended_mean_ms]),
    ("p50", 0, |it| [it.p50_ms, it.intended_p50_ms]),
    ("p90", 5, |it| [it.p90_ms, it.intended_p90_ms]),
    ("p99", 1, |it| [it.p99_ms, it.intended_p99_ms]),
    ("p99.9", 6, |it| [it.p999_ms, it.intended_p999_ms]),
    ("max", 2, |it| [it.max_ms, it.intended_max_ms]),
];

/// How wide a column of times is.
const TIME: usize = 9;

/// Draws the table of times, raw and from when the pings were due if there are rows enough.
pub(super) fn draw_times(
    view: &View,
    summaries: &[PingSummaryItem],
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let room = usize::from(area.width).saturating_sub(NAME) / TIME;
    let columns: Vec<_> = TIMES.iter().filter(|(_, rank, _)| *rank < room).collect();
    let mut header = format!("{:<NAME$}", "ms");
    for (name, _, _) in &columns {
        header += &format!("{name:>TIME$}");
    }
    let mut lines = vec![Line::from(header.bold())];
    let with_intended = usize::from(area.height) > summaries.len() * 2;
    for summary in summaries {
        let number = summary.target.unwrap_or_default();
        let raw = view.target_style(number);
        let rows = [("round trip", raw), ("from due", view.intended())];
        for (index, (what, style)) in rows.into_iter().enumerate() {
            if index > 0 && !with_intended {
                break;
            }
            let label = format!("{}{what}", name(number, summaries.len()));
            let mut line = Line::from(Span::styled(format!("{label:<NAME$}"), style));
            for (_, _, times) in &columns {
                line.push_span(format!("{:>TIME$}", cell(times(summary)[index])));
            }
            lines.push(line);
        }
    }
    for (line, row) in lines.into_iter().zip(area.rows()) {
        frame.render_widget(line, row);
    }
}

/// The columns of counts: the name, how wide it is, how important, and what it shows.
type Count = (&'static str, usize, usize, fn(&PingSummaryItem) -> String);

const COUNTS: [Count; 9] = [
    ("sent", 8, 0, |it| it.sent.to_string()),
    ("received", 9, 1, |it| it.received.to_string()),
    ("lost", 15, 2, |it| match it.lost {
        0 => "0".to_owned(),
        lost => {
            let share = lost as f64 / it.sent.max(1) as f64;
            format!("{lost} ({:.1} %)", share * 100.0)
        }
    }),
    ("late", 6, 5, |it| it.late.to_string()),
    ("doubled", 8, 6, |it| it.doubled.to_string()),
    ("invented", 9, 7, |it| it.invented.to_string()),
    ("jitter, ms", 11, 3, |it| cell(it.jitter_ms)),
    ("tcp, ms", 9, 4, |it| cell(it.tcp_rtt_ms)),
    ("deviation, ms", 15, 8, |it| cell(it.stddev_ms)),
];

/// Draws the table of counts.
pub(super) fn draw_counts(
    view: &View,
    summaries: &[PingSummaryItem],
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let width = |rank: usize| {
        let columns = COUNTS.iter().filter(move |it| it.2 <= rank);
        columns.map(|(_, width, ..)| width).sum::<usize>()
    };
    let numbers = if summaries.len() > 1 { 3 } else { 0 };
    let room = usize::from(area.width).saturating_sub(numbers);
    let fits = |rank: &usize| width(*rank) <= room;
    let columns: Vec<_> = COUNTS.iter().filter(|(_, _, rank, _)| fits(rank)).collect();
    let mut header = " ".repeat(numbers);
    for (name, width, ..) in &columns {
        header += &format!("{name:>width$}");
    }
    let mut lines = vec![Line::from(header.bold())];
    for summary in summaries {
        let number = summary.target.unwrap_or_default();
        let label = format!("{:<numbers$}", name(number, summaries.len()));
        let mut line = Line::from(Span::styled(label, view.target_style(number)));
        for (what, width, _, shown) in &columns {
            let style = match *what {
                "lost" if summary.lost > 0 => view.bad(),
                "late" if summary.late > 0 => view.intended(),
                "doubled" if summary.doubled > 0 => view.intended(),
                "invented" if summary.invented > 0 => view.intended(),
                _ => Style::new(),
            };
            let text = format!("{:>width$}", shown(summary));
            line.push_span(Span::styled(text, style));
        }
        lines.push(line);
    }
    for (line, row) in lines.into_iter().zip(area.rows()) {
        frame.render_widget(line, row);
    }
}
