use std::time::Duration;

use plotters::style::RGBAColor;

use super::super::axis::{Axis, millis};
use super::super::canvas::{Canvas, Side, cut, width, wrapped};
use super::super::labels::Place;
use super::super::{DrawingError, PictureFormat, ink};
use super::{Beats, Fate, Kept};
use crate::conversation::challenge::Interval;

/// The size of a picture, in pixels.
const WIDTH: i32 = 1200;
const HEIGHT: i32 = 700;
/// The edges of the frame; the upper one makes room for the heading.
const LEFT: i32 = 80;
const RIGHT: i32 = WIDTH - 90;
const BELOW: i32 = HEIGHT - 62;

/// How far up the vertical axis goes, in milliseconds: to the longest interval and some lateness, or
/// to the latest beat, within bounds.
const LEAST_TOP: f64 = 3600.0;
const MOST_TOP: f64 = 7200.0;

/// Columns narrower than this many pixels are left away: there is only room for points.
const ROOMY: f64 = 9.0;

/// How many remarks are tried to be placed.
const MOST_REMARKS: usize = 100;
const REMARK_SIZE: i32 = 13;
const REMARK_LINE: i32 = 15;

/// Draws the beats of a session against their windows.
///
/// Rounds go across and elapsed times up. The five windows are bands; each round has its answer's
/// window in the colour of the verdict, with the interval as a line, the time that elapsed since the
/// beat before as a ring, and the corrected time that the answer was made of as a point in it.
/// Margins under 50 ms and answers that the estimator was less than 90 % sure of are written beside
/// the point, as far as there is room, and a lost round is marked with its reason. Of very many
/// rounds, the most doubtful of each few in a row is drawn. `title` tells what was played: an address
/// or a file, with secrets blanked.
///
/// # Errors
///
/// When the picture cannot be made; nothing about the beats leads to that.
pub fn beats(title: &str, beats: &Beats, format: PictureFormat) -> Result<Vec<u8>, DrawingError> {
    let (rounds, of) = beats.chosen();
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    let above = draw_heading(&mut canvas, title, beats);
    let longest = rounds
        .iter()
        .map(|kept| millis(kept.elapsed.max(kept.corrected)))
        .fold(0.0, f64::max);
    let time = Axis::linear((longest * 1.05).clamp(LEAST_TOP, MOST_TOP), BELOW, above);
    draw_windows(&mut canvas, &time);
    if let (Some(first), Some(last)) = (beats.rounds.front(), beats.rounds.back()) {
        let columns = Columns::new(first.round, last.round);
        columns.draw_numbers(&mut canvas);
        for kept in &rounds {
            draw_round(&mut canvas, kept, &columns, &time);
        }
        draw_remarks(&mut canvas, &rounds, &columns, &time);
        if rounds.iter().any(|kept| !kept.remarks().is_empty()) {
            let key = "written: margins under 50 ms, certainties under 90 %";
            canvas.text((24, BELOW + 40), key, 13, ink::FAINT_TEXT, Side::Start);
        }
    } else {
        let middle = ((LEFT + RIGHT) / 2, (above + BELOW) / 2);
        canvas.text(middle, "no beat came", 20, ink::FAINT_TEXT, Side::Middle);
    }
    canvas.frame((LEFT, above), (RIGHT, BELOW));
    let across = if of > 1 {
        format!("round (of each {of} in a row the most doubtful one is drawn)")
    } else {
        "round".to_owned()
    };
    let middle = ((LEFT + RIGHT) / 2, BELOW + 40);
    canvas.text(middle, &across, 14, ink::FAINT_TEXT, Side::Middle);
    canvas.picture(format)
}

/// What was played, how it went, and what the marks mean. Returns where the frame begins.
fn draw_heading(canvas: &mut Canvas, title: &str, beats: &Beats) -> i32 {
    let title = cut(title, 22, WIDTH - 2 * 24);
    canvas.text((24, 26), &title, 22, ink::TEXT, Side::Start);
    canvas.text((24, 52), &beats.numbers(), 15, ink::TEXT, Side::Start);
    let mut y = 75;
    if let Some(loss) = beats.loss() {
        for line in wrapped(&loss, 14, WIDTH - 2 * 24, 2) {
            canvas.text((24, y), &line, 14, ink::RED_TEXT, Side::Start);
            y += 18;
        }
    }

    y += 12;
    canvas.text((24, y), "time (ms)", 14, ink::FAINT_TEXT, Side::Start);
    canvas.text((WIDTH - 24, y), "edges", 14, ink::FAINT_TEXT, Side::End);
    let mut x = RIGHT - 6;
    let entries = [
        (Some(ink::GREY), "not judged"),
        (Some(ink::RED), "ouch"),
        (Some(ink::GREEN), "good"),
        (None, "its corrected time"),
        (None, "elapsed since the beat before"),
    ];
    for (index, (colour, words)) in entries.into_iter().enumerate() {
        x -= width(words, 14);
        canvas.text((x, y), words, 14, ink::TEXT, Side::Start);
        x -= 13;
        match colour {
            Some(colour) => {
                canvas.fill((x - 7, y - 7), (x + 7, y + 7), ink::thin(colour, SHADE));
                canvas.fill((x - 7, y - 1), (x + 7, y + 1), colour);
                x -= 24;
            }
            None if index == 3 => {
                canvas.disc((x, y), 4, ink::TEXT);
                x -= 20;
            }
            None => canvas.ring((x, y), 6, ink::TEXT),
        }
    }
    y + 20
}

/// How much of its colour the window of an answer has.
const SHADE: f64 = 0.2;

/// The five windows, their edges, and their intervals.
fn draw_windows(canvas: &mut Canvas, time: &Axis) {
    for (index, interval) in Interval::ALL.into_iter().enumerate() {
        let (upper, lower) = window_of(interval, time);
        if index % 2 == 0 {
            canvas.fill((LEFT, upper), (RIGHT, lower), BAND);
        }
        if let Some(edge) = interval.window().upper {
            canvas.line((LEFT, upper), (RIGHT, upper), EDGE);
            let text = edge.as_millis().to_string();
            canvas.text((RIGHT + 8, upper), &text, 14, ink::FAINT_TEXT, Side::Start);
        }
        let y = time.place(millis(interval.duration()));
        canvas.line((LEFT, y), (RIGHT, y), ink::thin(ink::LINE, 0.25));
        canvas.line((LEFT - 5, y), (LEFT, y), ink::LINE);
        canvas.text(
            (LEFT - 10, y),
            &interval.to_string(),
            14,
            ink::TEXT,
            Side::End,
        );
    }
}

const BAND: RGBAColor = RGBAColor(240, 243, 247, 1.0);
const EDGE: RGBAColor = RGBAColor(190, 198, 208, 1.0);

/// The upper and the lower edge of a window.
fn window_of(interval: Interval, time: &Axis) -> (i32, i32) {
    let window = interval.window();
    let upper = window.upper.map_or(f64::MAX, millis);
    (time.place(upper), time.place(millis(window.lower)))
}

/// Where the rounds are.
struct Columns {
    first: u32,
    last: u32,
    /// How wide each is, in pixels.
    wide: f64,
}

impl Columns {
    fn new(first: u32, last: u32) -> Self {
        let count = last.saturating_sub(first).saturating_add(1);
        Columns {
            first,
            last,
            wide: f64::from(RIGHT - LEFT) / f64::from(count),
        }
    }

    /// The middle of a column.
    fn place(&self, round: u32) -> i32 {
        let before = f64::from(round.saturating_sub(self.first)) + 0.5;
        // Rounds that are not in their order do not lead out of the frame.
        (LEFT + (before * self.wide) as i32).clamp(LEFT, RIGHT)
    }

    fn is_roomy(&self) -> bool {
        self.wide >= ROOMY
    }

    /// Half of what a column takes up of its width.
    fn half(&self) -> i32 {
        (self.wide * 0.42).min(26.0) as i32
    }

    fn radius(&self) -> i32 {
        match self.wide {
            wide if wide >= 16.0 => 6,
            wide if wide >= ROOMY => 4,
            _ => 3,
        }
    }

    fn draw_numbers(&self, canvas: &mut Canvas) {
        let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
        let step = steps
            .into_iter()
            .find(|step| f64::from(*step) * self.wide >= 40.0);
        let step = step.unwrap_or(self.last.max(1));
        // The first one is marked in any case.
        let round = self.first.next_multiple_of(step);
        let others = (0..40).map(|tick| round.saturating_add(step.saturating_mul(tick)));
        let mut free = 0;
        for round in std::iter::once(self.first).chain(others) {
            let x = self.place(round);
            let half = width(&round.to_string(), 14) / 2;
            if round > self.last || x - half < free {
                continue;
            }
            free = x + half + 8;
            canvas.line((x, BELOW), (x, BELOW + 5), ink::LINE);
            canvas.text(
                (x, BELOW + 17),
                &round.to_string(),
                14,
                ink::TEXT,
                Side::Middle,
            );
        }
    }
}

fn colour(fate: &Fate) -> RGBAColor {
    match fate {
        Fate::Unjudged => ink::GREY,
        Fate::Good => ink::GREEN,
        Fate::Ouch(_) => ink::RED,
    }
}

fn draw_round(canvas: &mut Canvas, kept: &Kept, columns: &Columns, time: &Axis) {
    let x = columns.place(kept.round);
    let colour = colour(&kept.fate);
    let radius = columns.radius();
    let [elapsed, corrected] = [kept.elapsed, kept.corrected].map(|it| time.place(millis(it)));
    if columns.is_roomy() {
        let half = columns.half();
        let (upper, lower) = window_of(kept.interval, time);
        let shade = ink::thin(colour, SHADE);
        canvas.fill((x - half, upper), (x + half, lower), shade);
        let y = time.place(millis(kept.interval.duration()));
        canvas.fill((x - half, y - 1), (x + half, y + 1), colour);
    }
    if kept.fate.mark().is_some() {
        let top = time.place(f64::MAX) + 24;
        canvas.fill((x - 1, top), (x + 1, BELOW), ink::thin(ink::RED, 0.5));
    }
    if columns.is_roomy() {
        canvas.line((x, elapsed), (x, corrected), ink::TEXT);
        canvas.ring((x, elapsed), radius, ink::TEXT);
        canvas.disc((x, corrected), radius - 2, colour);
    } else {
        canvas.line((x, elapsed), (x, corrected), ink::thin(colour, 0.5));
        canvas.disc((x, corrected), radius, colour);
    }
    if kept.fate.mark().is_some() {
        let arm = 9;
        for (from, to) in [((-arm, -arm), (arm, arm)), ((-arm, arm), (arm, -arm))] {
            let [from, to] = [from, to].map(|(dx, dy)| (x + dx, corrected + dy));
            canvas.stroke(from, to, ink::RED, 3);
        }
    }
}

/// Writes beside the beats what there is to say of them, the most doubtful first, where there is
/// room.
fn draw_remarks(canvas: &mut Canvas, rounds: &[&Kept], columns: &Columns, time: &Axis) {
    let frame = Place {
        left: LEFT + 2,
        top: time.place(f64::MAX) + 2,
        right: RIGHT - 2,
        bottom: BELOW - 2,
    };
    let mut taken = Vec::new();
    let mut doubtful = rounds.to_vec();
    doubtful.sort_by(|one, other| other.doubt().total_cmp(&one.doubt()));
    for kept in &doubtful {
        let Some(mark) = kept.fate.mark() else {
            break;
        };
        let wide = width(mark, 14) + 8;
        // As near to the column as the frame allows.
        let centre = columns.place(kept.round);
        let x = centre.clamp(frame.left + wide / 2, frame.right - wide / 2 - 1);
        let place = Place::around((x, frame.top + 11), wide, 20);
        if !taken.iter().any(|other| place.meets(other)) {
            canvas.text((x, frame.top + 11), mark, 14, ink::RED_TEXT, Side::Middle);
            taken.push(place);
        }
    }
    if columns.is_roomy() {
        let size = 2 * columns.radius() + 2;
        let ends = |kept: &&Kept| [kept.elapsed, kept.corrected].map(|it| (kept.round, it));
        for (round, it) in rounds.iter().flat_map(ends) {
            let middle = (columns.place(round), time.place(millis(it)));
            taken.push(Place::around(middle, size, size));
        }
    }
    for kept in doubtful.into_iter().take(MOST_REMARKS) {
        let lines = remarks(kept);
        let wide = lines.iter().map(|line| width(line, REMARK_SIZE)).max();
        let Some(wide) = wide else {
            continue;
        };
        let high = REMARK_LINE * i32::try_from(lines.len()).unwrap_or(1);
        let (x, y) = (
            columns.place(kept.round),
            time.place(millis(kept.corrected)),
        );
        let (aside, away) = (wide / 2 + 12, high / 2 + 12);
        let candidates = [
            (x, y - away),
            (x, y + away),
            (x + aside, y),
            (x - aside, y),
            (x, y - away - 20),
            (x, y + away + 20),
        ];
        let fits = |place: &Place| {
            place.is_within(&frame) && !taken.iter().any(|other| place.meets(other))
        };
        let around = |middle| Place::around(middle, wide + 2, high);
        if let Some(place) = candidates.map(around).into_iter().find(fits) {
            let middle = (place.left + place.right) / 2;
            let mut y = place.top + REMARK_LINE / 2;
            canvas.fill((place.left, place.top), (place.right, place.bottom), VEIL);
            for line in lines {
                canvas.text((middle, y), &line, REMARK_SIZE, ink::TEXT, Side::Middle);
                y += REMARK_LINE;
            }
            taken.push(place);
        }
    }
}

/// What is put behind a remark, for it to be readable.
const VEIL: RGBAColor = RGBAColor(255, 255, 255, 0.8);

/// The remarks on a round; a time beyond the end of the axis is one as well.
fn remarks(kept: &Kept) -> Vec<String> {
    let longest = kept.elapsed.max(kept.corrected);
    let beyond = longest > Duration::from_millis(MOST_TOP as u64);
    let seconds = beyond.then(|| format!("{:.1} s", longest.as_secs_f64()));
    seconds.into_iter().chain(kept.remarks()).collect()
}
