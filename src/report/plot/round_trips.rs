use std::time::Duration;

use super::axis::{Axis, Law, TimeUnit, figure, millis};
use super::canvas::{Canvas, Side, cut, width};
use super::labels::spread;
use super::{DrawingError, PictureFormat, ink};
use crate::conversation::latency::{Series, Slot, Span, Statistics};
use crate::report::PingTally;

/// How wide a picture is, in pixels.
const WIDTH: i32 = 1200;
/// How high a panel is: alone, one of two, one of more.
const HEIGHTS: [i32; 3] = [700, 430, 380];
/// How many panels are drawn at the most, so that a picture of a hundred targets has an end.
const MOST_PANELS: usize = 12;

const LEFT: i32 = 80;
const RIGHT: i32 = WIDTH - 140;
/// From the upper edge of a panel to that of its frame, and from the lower edge of the frame to that
/// of the panel.
const ABOVE: i32 = 104;
const BELOW: i32 = 62;
/// What the frame has for losses, above the highest value.
const LOSS_STRIP: i32 = 16;

/// A linear axis would press most round trips flat if the slowest is this many times the median.
const MUCH_SLOWER: f64 = 20.0;

/// The percentiles that are marked, of the round trips from the intended times.
const PERCENTILES: [(&str, f64); 4] =
    [("p99.9", 99.9), ("p99", 99.0), ("p90", 90.0), ("p50", 50.0)];

/// What one target came to.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// Its address, with secrets blanked.
    pub name: &'a str,
    /// The course of its round trips.
    pub series: &'a Series,
    /// All of them, added up.
    pub statistics: &'a Statistics,
}

impl<'a> From<&'a PingTally> for Panel<'a> {
    fn from(tally: &'a PingTally) -> Self {
        Panel {
            name: &tally.url,
            series: &tally.series,
            statistics: &tally.statistics,
        }
    }
}

/// Draws round trips over time, each target in a panel of its own, all to the same scale.
///
/// Each ping is a point where it was due; where a [slot](Slot) of the series holds several, it is a
/// bar from the quickest to the slowest. What counts from the intended times only shows in a lighter
/// colour, lines mark its percentiles, and losses are marked at the upper edge. The vertical axis is
/// logarithmic if the slowest round trip is more than 20 times the median, and says so.
///
/// # Errors
///
/// When the picture cannot be made; nothing about the round trips leads to that.
pub fn round_trips(panels: &[Panel<'_>], format: PictureFormat) -> Result<Vec<u8>, DrawingError> {
    let drawn = &panels[..panels.len().min(MOST_PANELS)];
    let left_out = panels.len() - drawn.len();
    let high = HEIGHTS[drawn.len().clamp(1, HEIGHTS.len()) - 1];
    let count = i32::try_from(drawn.len().max(1)).unwrap_or(1);
    let note = if left_out > 0 { 40 } else { 0 };
    let mut canvas = Canvas::new(WIDTH, high * count + note);
    let scales = Scales::fitting(drawn);
    let mut top = 0;
    for panel in drawn {
        draw_panel(&mut canvas, panel, &scales, top, high);
        top += high;
    }
    if panels.is_empty() {
        let middle = (WIDTH / 2, high / 2);
        canvas.text(
            middle,
            "nothing was pinged",
            20,
            ink::FAINT_TEXT,
            Side::Middle,
        );
    }
    if left_out > 0 {
        let note = format!("{left_out} more targets are not drawn");
        canvas.text((LEFT, top + 12), &note, 15, ink::TEXT, Side::Start);
    }
    canvas.picture(format)
}

/// What all panels have in common.
struct Scales {
    time: Axis,
    unit: TimeUnit,
    /// `None` if there is no round trip at all.
    round_trip: Option<Axis>,
}

impl Scales {
    fn fitting(panels: &[Panel<'_>]) -> Self {
        let ends = panels.iter().filter_map(|panel| {
            let (begin, _) = panel.series.slots().next_back()?;
            Some(begin.since_opening().saturating_add(panel.series.width()))
        });
        let end = ends.max().unwrap_or(Duration::from_secs(1));
        let unit = TimeUnit::fitting(end);
        let spans = || {
            let slots = panels.iter().flat_map(|panel| panel.series.slots());
            slots.flat_map(|(_, slot)| slot.raw.into_iter().chain(slot.intended))
        };
        let least = spans().map(|span| span.least).min().map(millis);
        let most = spans().map(|span| span.most).max().map(millis);
        let medians = panels
            .iter()
            .filter_map(|panel| panel.statistics.intended.percentile(50.0));
        let median = medians.min().map(millis);
        let round_trip = least.zip(most).map(|(least, most)| {
            if median.is_some_and(|median| most > MUCH_SLOWER * median) {
                // A nanosecond is the least that is told apart.
                Axis::logarithmic(least.max(1e-6) * 0.8, most * 1.25, 0, 0)
            } else {
                Axis::linear(most * 1.08, 0, 0)
            }
        });
        Scales {
            time: Axis::linear(unit.of(end), LEFT, RIGHT),
            unit,
            round_trip,
        }
    }
}

fn draw_panel(canvas: &mut Canvas, panel: &Panel<'_>, scales: &Scales, top: i32, high: i32) {
    let (above, below) = (top + ABOVE, top + high - BELOW);
    draw_heading(canvas, panel, top);
    if let Some(axis) = scales.round_trip {
        let axis = axis.between(below, above + LOSS_STRIP);
        draw_grid(canvas, &axis, high);
        draw_times(canvas, scales, above, below);
        draw_points(canvas, panel.series, scales, &axis);
        draw_percentiles(canvas, panel.statistics, &axis);
    } else {
        draw_times(canvas, scales, above, below);
    }
    if panel.statistics.intended.is_empty() {
        let words = match panel.statistics {
            Statistics { sent: 0, .. } => "no ping was sent",
            Statistics { late: 0, .. } => "no pong came",
            _ => "no pong came in time",
        };
        let middle = ((LEFT + RIGHT) / 2, (above + below) / 2);
        canvas.text(middle, words, 20, ink::FAINT_TEXT, Side::Middle);
    }
    draw_losses(canvas, panel.series, scales, above);
    canvas.frame((LEFT, above), (RIGHT, below));
}

/// Address, numbers, and what the colours mean.
fn draw_heading(canvas: &mut Canvas, panel: &Panel<'_>, top: i32) {
    let name = cut(panel.name, 22, WIDTH - 2 * 24);
    canvas.text((24, top + 26), &name, 22, ink::TEXT, Side::Start);
    canvas.text(
        (24, top + 54),
        &numbers(panel.statistics),
        15,
        ink::TEXT,
        Side::Start,
    );

    let mut x = WIDTH - 24;
    let y = top + ABOVE - 14;
    let lost = format!("lost: {}", panel.statistics.lost);
    let entries = [
        (ink::RED, lost.as_str()),
        (ink::LIGHT, "from when it was due (as are the percentiles)"),
        (ink::BLUE, "round trip from when the ping left"),
    ];
    for (colour, words) in entries {
        x -= width(words, 15);
        canvas.text((x, y), words, 15, ink::TEXT, Side::Start);
        x -= 14;
        if colour == ink::RED {
            canvas.fill((x, y - 6), (x + 2, y + 6), colour);
        } else {
            canvas.disc((x, y), 5, colour);
        }
        x -= 26;
    }
}

/// How many pings there were of each kind, the rarer ones only if there were any.
fn numbers(statistics: &Statistics) -> String {
    let Statistics {
        sent,
        received,
        lost,
        late,
        doubled,
        invented,
        ..
    } = statistics;
    let mut text = format!("{sent} sent, {received} received, {lost} lost");
    for (number, word) in [
        (statistics.outstanding(), "outstanding"),
        (*late, "late"),
        (*doubled, "doubled"),
        (*invented, "invented"),
    ] {
        if number > 0 {
            text += &format!(", {number} {word}");
        }
    }
    text
}

/// The vertical axis.
fn draw_grid(canvas: &mut Canvas, axis: &Axis, high: i32) {
    let about = if high < HEIGHTS[1] { 6 } else { 8 };
    for (value, text) in axis.ticks(about) {
        let y = axis.place(value);
        canvas.line((LEFT, y), (RIGHT, y), ink::GRID);
        canvas.text((LEFT - 8, y), &text, 14, ink::TEXT, Side::End);
    }
    let title = match axis.law() {
        Law::Linear => "round trip (ms)",
        Law::Logarithmic => "round trip (ms, logarithmic scale)",
    };
    let y = axis.place(f64::MAX) - LOSS_STRIP - 14;
    canvas.text((24, y), title, 14, ink::FAINT_TEXT, Side::Start);
}

/// The horizontal axis.
fn draw_times(canvas: &mut Canvas, scales: &Scales, above: i32, below: i32) {
    for (value, text) in scales.time.ticks(12) {
        let x = scales.time.place(value);
        canvas.line((x, above), (x, below), ink::GRID);
        canvas.line((x, below), (x, below + 5), ink::LINE);
        canvas.text((x, below + 17), &text, 14, ink::TEXT, Side::Middle);
    }
    let title = format!("time since the opening ({})", scales.unit.name);
    let middle = ((LEFT + RIGHT) / 2, below + 40);
    canvas.text(middle, &title, 14, ink::FAINT_TEXT, Side::Middle);
}

fn draw_points(canvas: &mut Canvas, series: &Series, scales: &Scales, axis: &Axis) {
    let radius = match series.slots().len() {
        ..120 => 4,
        120..600 => 3,
        _ => 2,
    };
    let ends = |span: Span| {
        (
            axis.place(millis(span.most)),
            axis.place(millis(span.least)),
        )
    };
    let mut draw = |x, (upper, lower): (i32, i32), colour| {
        if lower - upper < 2 {
            canvas.disc((x, upper), radius, colour);
        } else {
            canvas.fill((x - 1, upper), (x + 1, lower), colour);
        }
    };
    let place = |begin: Duration| scales.time.place(scales.unit.of(begin));
    // The lighter ones first: what left in time is not to be hidden behind what did not.
    for (begin, Slot { raw, intended, .. }) in series.slots() {
        let (Some(raw), Some(intended)) = (raw.map(ends), intended.map(ends)) else {
            continue;
        };
        if raw.0 - intended.0 >= 2 || raw.1 - intended.1 >= 2 {
            draw(place(begin.since_opening()), intended, ink::LIGHT);
        }
    }
    for (begin, slot) in series.slots() {
        if let Some(raw) = slot.raw {
            draw(place(begin.since_opening()), ends(raw), ink::BLUE);
        }
    }
}

fn draw_percentiles(canvas: &mut Canvas, statistics: &Statistics, axis: &Axis) {
    let marks: Vec<_> = PERCENTILES
        .into_iter()
        .filter_map(|(name, percent)| {
            let ms = millis(statistics.intended.percentile(percent)?);
            Some((axis.place(ms), format!("{name}  {} ms", figure(ms))))
        })
        .collect();
    let mut places: Vec<i32> = marks.iter().map(|(y, _)| *y).collect();
    let (first, last) = (axis.place(f64::MAX), axis.place(0.0));
    spread(&mut places, 19, first, last);
    for ((y, text), place) in marks.iter().zip(places) {
        // Lighter around it, for it to be seen across what is dark.
        canvas.fill((LEFT, y - 1), (RIGHT, y + 2), ink::thin(ink::PAPER, 0.5));
        canvas.line((LEFT, *y), (RIGHT, *y), ink::LINE);
        canvas.line((RIGHT, *y), (RIGHT + 10, place), ink::LINE);
        canvas.text((RIGHT + 14, place), text, 14, ink::TEXT, Side::Start);
    }
}

/// A tick at the upper edge for each slot in which pings were lost.
fn draw_losses(canvas: &mut Canvas, series: &Series, scales: &Scales, above: i32) {
    for (begin, _) in series.slots().filter(|(_, slot)| slot.lost > 0) {
        let x = scales.time.place(scales.unit.of(begin.since_opening()));
        canvas.fill(
            (x - 1, above + 1),
            (x + 1, above + LOSS_STRIP - 4),
            ink::RED,
        );
    }
}
