//! The line that is being typed: what keys do to it, and what has to be written to show it.

use std::collections::VecDeque;
use std::mem;

use crossterm::cursor::MoveTo;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{Clear, ClearType};
use tui_input::{Input, InputRequest};

use super::drawing::{Drawn, ROW_END, Size, draw};

/// How many lines can be had again.
const REMEMBERED: usize = 1000;

/// A prompt, the text behind it, and what of both stands on the terminal. It reads and writes
/// nothing: it is told of events, and what it gives has to be written.
#[derive(Debug)]
pub(super) struct Line {
    prompt: String,
    input: Input,
    history: History,
    drawn: Drawn,
}

/// What a person does other than editing the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    /// Enter: the line is over, and another begins.
    Enter(String),
    /// Ctrl-D where nothing has been typed.
    End,
    /// Ctrl-C. What has been typed is gone.
    Interrupt,
    /// Ctrl-L: the rest of the screen is to go.
    Clear,
}

/// The lines that have been typed before.
#[derive(Debug, Default)]
struct History {
    /// The newest comes last.
    lines: VecDeque<String>,
    /// Which of them is shown; none while a new one is typed.
    place: Option<usize>,
    /// The new one, while another is shown.
    draft: String,
}

impl Line {
    /// Nothing typed, and nothing drawn.
    pub(super) fn new(prompt: String) -> Self {
        Line {
            prompt,
            input: Input::default(),
            history: History::default(),
            drawn: Drawn::default(),
        }
    }

    /// From here on, another prompt.
    pub(super) fn ask(&mut self, prompt: String) {
        self.prompt = prompt;
    }

    /// Draws it anew, in place of what is drawn.
    pub(super) fn show(&mut self, size: Size) -> String {
        self.erase(size) + self.draw(size).as_str()
    }

    /// Writes whole lines above it.
    pub(super) fn print(&mut self, text: &[u8], size: Size) -> Vec<u8> {
        let mut written = self.erase(size).into_bytes();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            written.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            written.extend_from_slice(ROW_END.as_bytes());
        }
        written.extend_from_slice(self.draw(size).as_bytes());
        written
    }

    /// Takes it away.
    pub(super) fn erase(&mut self, size: Size) -> String {
        mem::take(&mut self.drawn).erase(size)
    }

    /// Takes away all that the terminal shows, and draws it at the top.
    pub(super) fn show_alone(&mut self, size: Size) -> String {
        let cleared = format!("{}{}", Clear(ClearType::All), MoveTo(0, 0));
        cleared + self.draw(size).as_str()
    }

    fn draw(&mut self, size: Size) -> String {
        let (written, drawn) = draw(&self.prompt, self.input.value(), self.input.cursor(), size);
        self.drawn = drawn;
        written
    }

    /// Does what an event of the terminal means. It has to be shown anew then.
    pub(super) fn take(&mut self, event: &Event) -> Option<Pressed> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.press(*key),
            _ => None,
        }
    }

    fn press(&mut self, key: KeyEvent) -> Option<Pressed> {
        let is_control = key.modifiers == KeyModifiers::CONTROL;
        match key.code {
            KeyCode::Enter => return Some(self.enter()),
            // The end of a line, in what is pasted.
            KeyCode::Char('j') if is_control => return Some(self.enter()),
            KeyCode::Char('c') if is_control => {
                self.input.reset();
                self.history.leave();
                return Some(Pressed::Interrupt);
            }
            KeyCode::Char('d') if is_control && self.input.value().is_empty() => {
                return Some(Pressed::End);
            }
            KeyCode::Char('l') if is_control => return Some(Pressed::Clear),
            KeyCode::Up => self.recall(History::earlier),
            KeyCode::Down => self.recall(History::later),
            _ => {
                if let Some(request) = edit(key) {
                    self.input.handle(request);
                }
            }
        }
        None
    }

    fn enter(&mut self) -> Pressed {
        let line = self.input.value_and_reset();
        self.history.add(&line);
        Pressed::Enter(line)
    }

    fn recall(&mut self, which: fn(&mut History, &str) -> Option<String>) {
        if let Some(line) = which(&mut self.history, self.input.value()) {
            // What has been cut from another line stays.
            self.input = mem::take(&mut self.input).with_value(line);
        }
    }
}

impl History {
    fn add(&mut self, line: &str) {
        self.leave();
        if line.is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        self.lines.push_back(line.to_owned());
        if self.lines.len() > REMEMBERED {
            self.lines.pop_front();
        }
    }

    /// A new line is typed.
    fn leave(&mut self) {
        self.place = None;
        self.draft.clear();
    }

    /// The line before the one that is shown, if there is one.
    fn earlier(&mut self, shown: &str) -> Option<String> {
        let place = self.place.unwrap_or(self.lines.len()).checked_sub(1)?;
        if self.place.is_none() {
            shown.clone_into(&mut self.draft);
        }
        self.place = Some(place);
        self.lines.get(place).cloned()
    }

    /// The line after the one that is shown, which at last is the new one.
    fn later(&mut self, _shown: &str) -> Option<String> {
        let place = self.place? + 1;
        let line = self.lines.get(place).cloned();
        self.place = line.is_some().then_some(place);
        Some(line.unwrap_or_else(|| mem::take(&mut self.draft)))
    }
}

/// What a key does to the text, if it does anything. They are the keys of Emacs and of most shells.
fn edit(key: KeyEvent) -> Option<InputRequest> {
    const NONE: KeyModifiers = KeyModifiers::NONE;
    const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
    const ALT: KeyModifiers = KeyModifiers::ALT;

    Some(match (key.code, key.modifiers) {
        (KeyCode::Home, _) | (KeyCode::Char('a'), CONTROL) => InputRequest::GoToStart,
        (KeyCode::End, _) | (KeyCode::Char('e'), CONTROL) => InputRequest::GoToEnd,
        (KeyCode::Left, CONTROL | ALT) | (KeyCode::Char('b'), ALT) => InputRequest::GoToPrevWord,
        (KeyCode::Right, CONTROL | ALT) | (KeyCode::Char('f'), ALT) => InputRequest::GoToNextWord,
        (KeyCode::Left, _) | (KeyCode::Char('b'), CONTROL) => InputRequest::GoToPrevChar,
        (KeyCode::Right, _) | (KeyCode::Char('f'), CONTROL) => InputRequest::GoToNextChar,
        (KeyCode::Backspace, CONTROL | ALT) | (KeyCode::Char('w'), CONTROL) => {
            InputRequest::DeletePrevWord
        }
        (KeyCode::Delete, CONTROL | ALT) | (KeyCode::Char('d'), ALT) => {
            InputRequest::DeleteNextWord
        }
        // Ctrl-H is what Backspace sends on some terminals.
        (KeyCode::Backspace, _) | (KeyCode::Char('h'), CONTROL) => InputRequest::DeletePrevChar,
        (KeyCode::Delete, _) | (KeyCode::Char('d'), CONTROL) => InputRequest::DeleteNextChar,
        (KeyCode::Char('u'), CONTROL) => InputRequest::DeleteFromStart,
        (KeyCode::Char('k'), CONTROL) => InputRequest::DeleteTillEnd,
        (KeyCode::Char('y'), CONTROL) => InputRequest::Yank,
        (KeyCode::Tab, NONE) => InputRequest::InsertChar(' '),
        (KeyCode::Char(character), modifiers) if is_plain(modifiers) => {
            // Whatever is pasted: nothing that is typed commands the terminal.
            if character.is_control() {
                return None;
            }
            InputRequest::InsertChar(character)
        }
        _ => return None,
    })
}

/// Whether a key with these is the character that it gives. With Ctrl and Alt at once it is: Windows
/// says so of AltGr.
fn is_plain(modifiers: KeyModifiers) -> bool {
    let others = modifiers - KeyModifiers::SHIFT;
    others.is_empty() || others == KeyModifiers::CONTROL | KeyModifiers::ALT
}
