//! How round trips are spread: the histogram.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::histogram::{Bar, rounded};
use super::{Bin, chart::panel};

/// How many columns a bound has, with its unit.
const BOUND: usize = 11;

/// Draws a histogram, a row for each bin that says where the bin begins.
pub(super) fn draw_spread(bins: &[Bin], name: &str, style: Style, area: Rect, frame: &mut Frame) {
    if area.is_empty() {
        return;
    }
    let block = panel(Line::from(format!(" {name}round trips from ")));
    let rows = block.inner(area);
    frame.render_widget(block, area);
    let bins = fitting(bins, rows.height.into());
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or_default();
    // A bar, a space and its number have what the bound leaves.
    let room = usize::from(rows.width).saturating_sub(BOUND + 1 + most.to_string().len());
    for (bin, row) in bins.iter().zip(rows.rows()) {
        let from = rounded(bin.from.as_secs_f64() * 1e3);
        let bar = Bar {
            part: bin.count,
            whole: most,
            columns: room,
        };
        let line = Line::from(vec![
            format!("{from:>7} ms ").into(),
            Span::styled(bar.to_string(), style),
            bin.count.to_string().into(),
        ]);
        frame.render_widget(line, row);
    }
}

/// The bins put together, each so many with their neighbours that they fit into so many rows.
fn fitting(bins: &[Bin], rows: usize) -> Vec<Bin> {
    let together = bins.len().div_ceil(rows.max(1)).max(1);
    let joined = bins.chunks(together).filter_map(|chunk| {
        let (first, last) = (chunk.first()?, chunk.last()?);
        Some(Bin {
            from: first.from,
            to: last.to,
            count: chunk.iter().map(|bin| bin.count).sum(),
        })
    });
    joined.collect()
}
