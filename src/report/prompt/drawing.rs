//! A line as it stands on a terminal: drawn by one pure function, and taken away to the row.

use crossterm::cursor::{MoveToColumn, MoveUp};
use crossterm::terminal::{Clear, ClearType};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The end of a row, in raw mode.
pub(super) const ROW_END: &str = "\r\n";

/// Has the terminal break no rows, and again break them.
const UNBROKEN: &str = "\u{1b}[?7l";
const BROKEN: &str = "\u{1b}[?7h";

/// How much a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    rows: usize,
    columns: usize,
}

/// What stands on the terminal, as far as it has to be known to be taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Drawn {
    /// The rows above the one in which the cursor stands.
    above: Vec<String>,
    /// What stands before the cursor in its own row.
    before: String,
}

/// One row of a text that is broken to a width.
struct Row<'a> {
    /// Where it begins in the text, in bytes.
    start: usize,
    text: &'a str,
    columns: usize,
}

impl Size {
    /// The size that terminals have if they do not say.
    const USUAL: Size = Size {
        rows: 24,
        columns: 80,
    };

    /// So many rows and columns, of each at least one.
    pub(super) fn new(rows: u16, columns: u16) -> Self {
        Size {
            rows: usize::from(rows).max(1),
            columns: usize::from(columns).max(1),
        }
    }

    /// The size of the terminal on standard output, at this moment.
    pub(super) fn now() -> Self {
        // Not crossterm's: that asks the controlling terminal, which can be another one.
        let size = terminal_size::terminal_size();
        size.map_or(Size::USUAL, |(columns, rows)| Size::new(rows.0, columns.0))
    }
}

/// Draws a prompt and a text behind it, with the cursor behind so many characters of the text. The
/// terminal's own cursor has to stand at the beginning of a row.
///
/// The rows are broken here and not by the terminal, which is told not to: terminals differ in how
/// wide they draw an emoji, but so they never differ in how many rows there are. Of a text with more
/// rows than the terminal has, those around the cursor are shown, as nothing could take the others
/// away again.
pub(super) fn draw(prompt: &str, text: &str, cursor: usize, size: Size) -> (String, Drawn) {
    let whole = format!("{prompt}{text}");
    let typed: usize = text.chars().take(cursor).map(char::len_utf8).sum();
    // A cursor within what is drawn as one is shown behind it.
    let cursor = whole
        .grapheme_indices(true)
        .map(|(start, _)| start)
        .find(|start| *start >= prompt.len() + typed)
        .unwrap_or(whole.len());
    let mut rows = wrap(&whole, size.columns);
    // Behind a full row, terminals differ in where the cursor is.
    if rows.last().is_none_or(|row| row.columns == size.columns) {
        rows.push(Row {
            start: whole.len(),
            text: "",
            columns: 0,
        });
    }
    // The first row begins the text, and all rows begin and end where a cluster does, as the cursor
    // stands: nothing below is out of their bounds.
    let at = rows.iter().rposition(|row| row.start <= cursor);
    let at = at.unwrap_or_default();
    let first = (at + 1).saturating_sub(size.rows);
    let end = rows.len().min(first + size.rows);

    let before = &whole[rows[at].start..cursor];
    let drawn = Drawn {
        above: rows[first..at]
            .iter()
            .map(|row| row.text.to_owned())
            .collect(),
        before: before.to_owned(),
    };
    let shown: Vec<_> = rows[first..end].iter().map(|row| row.text).collect();
    let shown = shown.join(ROW_END);
    let up = move_up(end - 1 - at);
    let right = MoveToColumn(cells(columns(before, size.columns)));
    (format!("{UNBROKEN}{shown}{BROKEN}{up}{right}"), drawn)
}

impl Drawn {
    /// Takes it away, and leaves the cursor where its first row began. On a terminal that has become
    /// narrower since, each row has been broken into several.
    pub(super) fn erase(&self, size: Size) -> String {
        let above: usize = self
            .above
            .iter()
            .map(|row| wrap(row, size.columns).len().max(1))
            .sum();
        let before = wrap(&self.before, size.columns);
        let is_full = before.last().is_some_and(|row| row.columns == size.columns);
        let within = before.len().saturating_sub(1) + usize::from(is_full);
        let up = move_up(above + within);
        format!("\r{up}{}", Clear(ClearType::FromCursorDown))
    }
}

/// Breaks a text into rows of at most so many columns.
fn wrap(text: &str, width: usize) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (start, cluster) in text.grapheme_indices(true) {
        let wide = cluster.width().min(width);
        match rows.last_mut() {
            Some(row) if row.columns + wide <= width => {
                row.text = &text[row.start..start + cluster.len()];
                row.columns += wide;
            }
            _ => rows.push(Row {
                start,
                text: cluster,
                columns: wide,
            }),
        }
    }
    rows
}

/// How many columns a text takes up in a row of this width.
fn columns(text: &str, width: usize) -> usize {
    let clusters = text.graphemes(true);
    clusters.map(|cluster| cluster.width().min(width)).sum()
}

/// Terminals take no rows for one.
fn move_up(rows: usize) -> String {
    if rows == 0 {
        String::new()
    } else {
        MoveUp(cells(rows)).to_string()
    }
}

/// As terminals count.
fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
