//! A line on a terminal, beside what should be seen there.

use std::num::NonZero;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::super::drawing::Size;
use super::super::line::{Line, Pressed};

pub(super) const PROMPT: &str = "#fishing alice> ";

/// A line on a terminal, and what has been printed there.
pub(super) struct Bench {
    pub(super) line: Line,
    prompt: String,
    pub(super) terminal: vt100::Parser,
    pub(super) columns: u16,
    rows: u16,
    pub(super) printed: Vec<String>,
    /// The text as it should be, cluster by cluster, and how many of them the cursor is behind.
    text: Vec<String>,
    cursor: usize,
}

/// What can happen to a line.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Type(&'static str),
    Backspace,
    Delete,
    Left,
    Right,
    Home,
    End,
    ToStart,
    ToEnd,
    Print(String),
    Ask(&'static str),
    Enter,
}

pub(super) fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

pub(super) fn control(character: char) -> Event {
    key(KeyCode::Char(character), KeyModifiers::CONTROL)
}

pub(super) fn plain(code: KeyCode) -> Event {
    key(code, KeyModifiers::NONE)
}

impl Bench {
    pub(super) fn new(rows: u16, columns: u16) -> Self {
        let cells = |count| NonZero::new(count).unwrap();
        let mut bench = Bench {
            line: Line::new(PROMPT.to_owned()),
            prompt: PROMPT.to_owned(),
            terminal: vt100::Parser::new(cells(rows), cells(columns), 0),
            columns,
            rows,
            printed: Vec::new(),
            text: Vec::new(),
            cursor: 0,
        };
        bench.show();
        bench
    }

    pub(super) fn size(&self) -> Size {
        Size::new(self.rows, self.columns)
    }

    pub(super) fn show(&mut self) {
        let size = self.size();
        self.terminal.process(self.line.show(size).as_bytes());
    }

    pub(super) fn press(&mut self, event: Event) -> Option<Pressed> {
        let pressed = self.line.take(&event);
        self.show();
        pressed
    }

    pub(super) fn insert(&mut self, text: &str) {
        for character in text.chars() {
            assert_eq!(self.press(plain(KeyCode::Char(character))), None);
        }
        self.text.insert(self.cursor, text.to_owned());
        self.cursor += 1;
    }

    pub(super) fn type_all(&mut self, text: &str) {
        for cluster in text.graphemes(true) {
            self.insert(cluster);
        }
    }

    pub(super) fn print(&mut self, text: &str) {
        let size = self.size();
        let written = self.line.print(format!("{text}\n").as_bytes(), size);
        self.terminal.process(&written);
        self.printed.push(text.to_owned());
    }

    pub(super) fn ask(&mut self, prompt: &str) {
        self.line.ask(prompt.to_owned());
        prompt.clone_into(&mut self.prompt);
        self.show();
    }

    pub(super) fn act(&mut self, deed: Deed) {
        match deed {
            Deed::Type(cluster) => self.insert(cluster),
            Deed::Backspace => {
                self.press(plain(KeyCode::Backspace));
                if self.cursor > 0 {
                    self.cursor -= 1;
                    self.text.remove(self.cursor);
                }
            }
            Deed::Delete => {
                self.press(plain(KeyCode::Delete));
                if self.cursor < self.text.len() {
                    self.text.remove(self.cursor);
                }
            }
            Deed::Left => {
                self.press(plain(KeyCode::Left));
                self.cursor = self.cursor.saturating_sub(1);
            }
            Deed::Right => {
                self.press(plain(KeyCode::Right));
                self.cursor = self.text.len().min(self.cursor + 1);
            }
            Deed::Home => {
                self.press(plain(KeyCode::Home));
                self.cursor = 0;
            }
            Deed::End => {
                self.press(control('e'));
                self.cursor = self.text.len();
            }
            Deed::ToStart => {
                self.press(control('u'));
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            Deed::ToEnd => {
                self.press(control('k'));
                self.text.truncate(self.cursor);
            }
            Deed::Print(text) => self.print(&text),
            Deed::Ask(prompt) => self.ask(prompt),
            Deed::Enter => {
                let line = self.text.concat();
                self.text.clear();
                self.cursor = 0;
                let entered = self.press(plain(KeyCode::Enter));
                assert_eq!(entered, Some(Pressed::Enter(line)));
            }
        }
    }

    /// Asserts that what is seen is the printed lines, and behind them the prompt and the text, and
    /// that the cursor is where it should be.
    #[track_caller]
    pub(super) fn check(&self) {
        let columns = usize::from(self.columns);
        let mut expected: Vec<String> = Vec::new();
        for printed in &self.printed {
            expected.extend(fold(printed.graphemes(true), columns));
        }
        let prompt = self.prompt.graphemes(true);
        let before: Vec<_> = prompt
            .chain(self.text[..self.cursor].iter().map(String::as_str))
            .collect();
        let after = self.text[self.cursor..].iter().map(String::as_str);
        let all = before.iter().copied().chain(after.clone());
        // The cursor stands on what comes next, and where nothing does, there is room for something.
        let next = after.clone().next().unwrap_or(" ");
        let up_to_it = fold(before.iter().copied().chain([next]), columns);
        let last = up_to_it.last().expect("there is at least the next one");
        let row = expected.len() + up_to_it.len() - 1;
        let column = last.width() - next.width();
        expected.extend(fold(all, columns));

        // A terminal that has scrolled does not scroll back, and this does not reckon with that.
        assert!(expected.len().max(row + 1) < usize::from(self.rows));
        let expected: Vec<_> = expected
            .iter()
            .map(|row| row.trim_end().to_owned())
            .collect();
        let screen = self.terminal.screen();
        let seen: Vec<_> = screen
            .rows(0, self.columns)
            .map(|row| row.trim_end().to_owned())
            .collect();
        let blank = |rows: &[String]| rows.iter().rposition(|row| !row.is_empty());
        let shown = |rows: &[String]| rows[..blank(rows).map_or(0, |last| last + 1)].to_vec();
        assert_eq!(shown(&seen), shown(&expected));
        let at = screen.cursor_position();
        assert_eq!((at.0.into(), at.1.into()), (row, column));
    }
}

/// Rows as a terminal breaks them: simply, one thing after another.
fn fold<'a>(clusters: impl Iterator<Item = &'a str>, columns: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for cluster in clusters {
        let row = rows.last_mut().expect("there is one from the beginning");
        if row.width() + cluster.width() > columns {
            rows.push(cluster.to_owned());
        } else {
            row.push_str(cluster);
        }
    }
    rows
}
