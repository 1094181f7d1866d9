//! The course of round trips over time.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Borders, Chart, Dataset, GraphType};

use super::axes::{Scale, Window};
use super::{Colours, View, name};
use crate::conversation::latency::{self, Slot};
use crate::report::PingTally;

/// What a lost ping is drawn as.
const LOST: char = '×';

/// How many columns of a chart are left of its graph, about.
const LABELS: u16 = 6;

/// How many rows of a chart are no part of its graph: the title, and the axis with its labels.
const FRAME: u16 = 3;

/// How wide a chart is for its whole title.
const SPELLED_OUT: u16 = 46;

/// How many rows there are for each tick.
const ROWS_A_TICK: u16 = 3;

/// A part of the view: a line with its title above.
pub(super) fn panel(title: Line<'_>) -> Block<'_> {
    Block::new()
        .borders(Borders::TOP)
        .border_style(Style::new().dim())
        .title(title.patch_style(Style::new().not_dim()))
}

/// Draws the course of one target, raw and from when the pings were due.
pub(super) fn draw_course(
    view: &View,
    tally: &PingTally,
    name: &str,
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let raw = view.target_style(tally.target);
    // What colours tell apart is told apart by its shape without them.
    let (due, due_sign) = match view.colours {
        Colours::Welcome => (Marker::Braille, '━'),
        Colours::Unwelcome => (Marker::Dot, '•'),
    };
    let title = match area.width {
        ..SPELLED_OUT => "ms",
        _ => "round trip, ms",
    };
    let legend = Line::from(vec![
        format!(" {name}{title}  ").into(),
        Span::styled("━ raw  ", raw),
        Span::styled(format!("{due_sign} from due  "), view.intended()),
        Span::styled(format!("{LOST} lost "), view.bad()),
    ]);
    let both = |slot: &Slot| [slot.raw, slot.intended];
    let picture = Picture::new(view, std::slice::from_ref(tally), both, area);
    let mut curves = Vec::new();
    let dots = picture.dots(tally);
    for segment in segments(&dots, |slot| slot.intended) {
        curves.push((picture.points(&segment), due, view.intended()));
    }
    for segment in segments(&dots, |slot| slot.raw) {
        curves.push((picture.points(&segment), Marker::Braille, raw));
    }
    curves.push((picture.losses(&dots), Marker::Custom(LOST), view.bad()));
    picture.draw(curves, legend, area, frame);
}

/// Draws the courses of many targets in one chart, raw.
pub(super) fn draw_all_in_one(
    view: &View,
    tallies: &[PingTally],
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let mut legend = Line::from(" round trip, ms  ");
    for tally in tallies {
        let style = view.target_style(tally.target);
        let number = name(tally.target, tallies.len());
        legend.push_span(Span::styled(format!("━ {number} "), style));
    }
    legend.push_span(Span::styled(format!("{LOST} lost "), view.bad()));
    let picture = Picture::new(view, tallies, |slot| [slot.raw, None], area);
    let (mut curves, mut losses) = (Vec::new(), Vec::new());
    for tally in tallies {
        let dots = picture.dots(tally);
        let style = view.target_style(tally.target);
        for segment in segments(&dots, |slot| slot.raw) {
            curves.push((picture.points(&segment), Marker::Braille, style));
        }
        losses.extend(picture.losses(&dots));
    }
    curves.push((losses, Marker::Custom(LOST), view.bad()));
    picture.draw(curves, legend, area, frame);
}

/// Points in the coordinates of a chart, and how they are drawn.
type Curve = (Vec<(f64, f64)>, Marker, Style);

/// The pings that are drawn as one dot each.
type Dot = (Duration, Slot);

/// The frame of a chart.
struct Picture {
    window: Window,
    /// `None` as long as there are no round trips.
    scale: Option<Scale>,
}

impl Picture {
    /// The frame of a chart in this area, high enough for what is shown of each slot.
    fn new(
        view: &View,
        tallies: &[PingTally],
        shown: impl Fn(&Slot) -> [Option<latency::Span>; 2],
        area: Rect,
    ) -> Self {
        let columns = area.width.saturating_sub(LABELS);
        let slot = tallies.iter().map(|tally| tally.series.width()).max();
        let newest = tallies.iter().map(|tally| newest(view, tally)).max();
        let window = Window::new(
            view.settings.interval,
            slot.unwrap_or_default(),
            newest.unwrap_or_default(),
            // A character of Braille is two dots wide.
            u32::from(columns) * 2,
        );
        let mut picture = Picture {
            window,
            scale: None,
        };
        let slots = tallies.iter().flat_map(|tally| picture.dots(tally));
        let spans = slots.flat_map(|(_, slot)| shown(&slot));
        let span = spans.flatten().reduce(latency::Span::and);
        let ticks = area.height.saturating_sub(FRAME) / ROWS_A_TICK + 1;
        picture.scale = span.map(|span| Scale::new(span.least, span.most, ticks.into()));
        picture
    }

    /// What is seen of a series, dot by dot.
    fn dots(&self, tally: &PingTally) -> Vec<Dot> {
        let mut dots: Vec<Dot> = Vec::new();
        for (at, slot) in tally.series.slots() {
            let Some(begin) = self.window.dot(at.since_opening()) else {
                continue;
            };
            match dots.last_mut() {
                Some((last, sum)) if *last == begin => *sum = sum.and(*slot),
                _ => dots.push((begin, *slot)),
            }
        }
        dots
    }

    fn points(&self, segment: &[(Duration, latency::Span)]) -> Vec<(f64, f64)> {
        let Some(scale) = self.scale else {
            return Vec::new();
        };
        let mut points = Vec::new();
        for (at, span) in segment {
            let x = at.as_secs_f64();
            points.push((x, scale.height(span.least)));
            if span.most > span.least {
                points.push((x, scale.height(span.most)));
            }
        }
        points
    }

    /// Above all the rest.
    fn losses(&self, dots: &[Dot]) -> Vec<(f64, f64)> {
        let lost = dots.iter().filter(|(_, slot)| slot.lost > 0);
        lost.map(|(at, _)| (at.as_secs_f64(), self.top())).collect()
    }

    fn top(&self) -> f64 {
        self.scale.map_or(1.0, |scale| scale.top())
    }

    fn draw(&self, curves: Vec<Curve>, legend: Line<'_>, area: Rect, frame: &mut Frame<'_>) {
        if area.is_empty() {
            return;
        }
        let datasets = curves.iter().map(|(points, marker, style)| {
            Dataset::default()
                .data(points)
                .marker(*marker)
                .graph_type(match marker {
                    Marker::Custom(_) => GraphType::Scatter,
                    _ => GraphType::Line,
                })
                .style(*style)
        });
        let labels = self.scale.map_or_else(Vec::new, |scale| scale.labels());
        let dim = Style::new().dim();
        let x_axis = Axis::default()
            .bounds(self.window.bounds())
            .labels(self.window.labels(area.width))
            .style(dim);
        let y_axis = Axis::default()
            .bounds([0.0, self.top()])
            .labels(labels)
            .labels_alignment(ratatui::layout::Alignment::Right)
            .style(dim);
        let chart = Chart::new(datasets.collect())
            .block(panel(legend))
            .legend_position(None)
            .x_axis(x_axis)
            .y_axis(y_axis);
        frame.render_widget(chart, area);
    }
}

/// When the newest ping that is known of was due.
fn newest(view: &View, tally: &PingTally) -> Duration {
    let sent = u32::try_from(tally.statistics.sent).unwrap_or(u32::MAX);
    let due = view
        .settings
        .interval
        .saturating_mul(sent.saturating_sub(1));
    let last = tally.series.slots().next_back();
    due.max(last.map_or(Duration::ZERO, |(at, _)| at.since_opening()))
}

/// The parts of a course without a loss, or a ping that is still under way, in between.
fn segments(
    dots: &[Dot],
    of: impl Fn(&Slot) -> Option<latency::Span>,
) -> Vec<Vec<(Duration, latency::Span)>> {
    let is_whole = |slot: &Slot| slot.lost == 0 && slot.raw.is_some();
    let mut segments = vec![Vec::new()];
    for (at, slot) in dots {
        if !is_whole(slot) {
            segments.push(Vec::new());
        }
        if let (Some(span), Some(segment)) = (of(slot), segments.last_mut()) {
            segment.push((*at, span));
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments
}
