//! What goes where.

use ratatui::layout::{Constraint, Layout, Rect};

/// How narrow a chart may become before those of several targets are put together into one.
const NARROWEST: u16 = 30;

/// How low a chart may become before other things make room for it.
const LOWEST: u16 = 5;

/// How high a chart is before there is room for a histogram below it.
const COMFORTABLE: u16 = 7;

/// The rows of a histogram, with its title: enough to see a shape at the least, and at the most all
/// that [`bins`](crate::report::bins) gives.
const SPREAD: (u16, u16) = (5, 13);

/// How wide a chart and a histogram are together before they stand side by side.
const SIDE_BY_SIDE: u16 = 70;

/// Where the parts of a view go. Those that there is no room for are empty.
pub(super) struct Plan {
    pub(super) title: Rect,
    pub(super) targets: Rect,
    pub(super) courses: Courses,
    pub(super) times: Rect,
    pub(super) counts: Rect,
    pub(super) footer: Rect,
}

/// Where the course of round trips goes.
pub(super) enum Courses {
    /// For each target its own.
    Apart(Vec<Course>),
    /// There are too many of them for this width: all in one chart.
    Together(Rect),
}

/// Where the course of one target goes.
#[derive(Clone, Copy)]
pub(super) struct Course {
    pub(super) chart: Rect,
    /// The histogram.
    pub(super) spread: Rect,
}

impl Plan {
    /// The plan for an area and so many targets.
    pub(super) fn new(area: Rect, targets: usize) -> Self {
        let count = u16::try_from(targets).unwrap_or(u16::MAX);
        let mut left = area.height;
        // The most important first. What does not fit as a whole is left out, but of many targets
        // the first are shown.
        let table = |of_height: u16| {
            count
                .saturating_add(1)
                .min((area.height / of_height).max(2))
        };
        let mut all = |rows: u16| {
            let rows = if rows <= left { rows } else { 0 };
            left -= rows;
            rows
        };
        let title = all(1);
        let footer = all(1);
        let counts = all(table(3));
        let header = all(1);
        let listed = all(count.saturating_sub(1).min(area.height / 4));
        let chart = all(LOWEST);
        let times = all(table(4));
        let intended = if times > count { all(count) } else { 0 };
        let rows = [
            title,
            header + listed,
            chart + left,
            times + intended,
            counts,
            footer,
        ];
        let [title, targets, mut courses, times, counts, footer] =
            Layout::vertical(rows.map(Constraint::Length)).areas(area);
        if chart == 0 {
            // What is left is too low for a chart, and stays free.
            courses.height = 0;
        }
        Plan {
            title,
            targets,
            courses: Courses::new(courses, count),
            times,
            counts,
            footer,
        }
    }
}

impl Courses {
    fn new(area: Rect, targets: u16) -> Self {
        if targets > 1 && area.width / targets < NARROWEST {
            return Courses::Together(area);
        }
        let columns = Layout::horizontal((0..targets).map(|_| Constraint::Fill(1)))
            .spacing(1)
            .split(area);
        Courses::Apart(columns.iter().map(|area| Course::new(*area)).collect())
    }
}

impl Course {
    fn new(area: Rect) -> Self {
        let (least, most) = SPREAD;
        let [chart, spread] = if area.width >= SIDE_BY_SIDE && area.height >= least {
            let parts = [Constraint::Fill(2), Constraint::Fill(1)];
            Layout::horizontal(parts).spacing(1).areas(area)
        } else {
            let spare = area.height.saturating_sub(COMFORTABLE);
            let rows = match spare {
                rows if rows < least => 0,
                rows => (rows / 2).max(least).min(most),
            };
            Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(area)
        };
        Course { chart, spread }
    }
}
