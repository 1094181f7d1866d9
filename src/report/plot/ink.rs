use plotters::style::RGBAColor as Ink;

pub(super) const PAPER: Ink = Ink(255, 255, 255, 1.0);
/// Titles and values.
pub(super) const TEXT: Ink = Ink(26, 26, 26, 1.0);
/// What names the axes.
pub(super) const FAINT_TEXT: Ink = Ink(90, 90, 90, 1.0);
/// Frames and the lines of percentiles.
pub(super) const LINE: Ink = Ink(90, 90, 90, 1.0);
pub(super) const GRID: Ink = Ink(226, 226, 226, 1.0);

pub(super) const BLUE: Ink = Ink(0, 114, 178, 1.0);
/// Sky blue.
pub(super) const LIGHT: Ink = Ink(86, 180, 233, 1.0);
/// Bluish green.
pub(super) const GREEN: Ink = Ink(0, 158, 115, 1.0);
/// What was lost, in words: vermillion, dark enough to be read.
pub(super) const RED_TEXT: Ink = Ink(168, 62, 0, 1.0);
/// Vermillion.
pub(super) const RED: Ink = Ink(213, 94, 0, 1.0);
pub(super) const GREY: Ink = Ink(110, 110, 110, 1.0);

/// The same ink, seen through.
pub(super) fn thin(ink: Ink, alpha: f64) -> Ink {
    Ink(ink.0, ink.1, ink.2, alpha)
}
