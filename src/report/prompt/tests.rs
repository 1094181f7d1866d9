mod bench;

use std::num::NonZero;

use crossterm::event::{Event, KeyCode, KeyModifiers};
use proptest::collection::vec;
use proptest::prelude::*;

use self::bench::{Bench, Deed, PROMPT, control, key, plain};
use super::line::{Line, Pressed};

fn deed() -> impl Strategy<Value = Deed> {
    // What all agree on how wide it is.
    let cluster = prop::sample::select(vec!["a", "b", " ", "-", "é", "e\u{301}", "名", "😀"]);
    let prompt = prop::sample::select(vec!["> ", PROMPT, "#名前の部屋 alice (offline)> "]);
    prop_oneof![
        12 => cluster.prop_map(Deed::Type),
        2 => Just(Deed::Backspace),
        1 => Just(Deed::Delete),
        4 => Just(Deed::Left),
        2 => Just(Deed::Right),
        1 => Just(Deed::Home),
        1 => Just(Deed::End),
        1 => Just(Deed::ToStart),
        1 => Just(Deed::ToEnd),
        2 => "[a-z名]{0,6}".prop_map(Deed::Print),
        1 => prompt.prop_map(Deed::Ask),
        1 => Just(Deed::Enter),
    ]
}

proptest! {
    #[test]
    fn what_is_seen_is_what_was_printed_and_the_line(
        columns in prop::sample::select(vec![2, 3, 7, 20, 31, 80]),
        deeds in vec(deed(), 0..60),
    ) {
        // More rows than all deeds fill, were each of them to print six wide characters.
        let mut bench = Bench::new(500, columns);
        bench.check();
        for deed in deeds {
            bench.act(deed);
            bench.check();
        }
    }

    #[test]
    fn of_a_line_that_fills_the_terminal_nothing_is_left(
        deeds in vec(deed(), 0..120),
    ) {
        let mut bench = Bench::new(4, 12);
        for deed in deeds {
            bench.act(deed);
            // The row of the cursor is always among those that are shown.
            let at = bench.terminal.screen().cursor_position();
            prop_assert!(at.0 < 4);
        }
        bench.act(Deed::Enter);
        bench.ask("> ");
        bench.print("x");
        let seen = bench.terminal.screen().contents();
        let rows: Vec<_> = seen.lines().collect();
        prop_assert!(rows.ends_with(&["x", "> "]) || rows.ends_with(&["x", ">"]), "{seen}");
    }
}

#[test]
fn a_line_as_wide_as_the_terminal_is_taken_away_whole() {
    for length in 60..70 {
        let mut bench = Bench::new(24, 80);
        bench.print("before");
        bench.type_all(&"x".repeat(length));
        bench.check();
        bench.act(Deed::Left);
        bench.check();
        bench.act(Deed::End);
        bench.print("above");
        bench.check();
        bench.act(Deed::Enter);
        bench.check();
    }
}

#[test]
fn what_is_wide_never_stands_across_the_edge() {
    for before in 0..4 {
        let mut bench = Bench::new(24, 20);
        bench.print("before");
        bench.type_all(&"x".repeat(before));
        bench.type_all("名前名前");
        bench.check();
        for _ in 0..4 {
            bench.act(Deed::Left);
            bench.check();
        }
        bench.act(Deed::ToEnd);
        bench.check();
    }
}

#[test]
fn on_a_terminal_that_grows_it_is_drawn_anew() {
    let mut bench = Bench::new(24, 30);
    bench.print("before");
    bench.type_all(&"x".repeat(100));
    bench.check();
    bench.columns = 50;
    let cells = |count| NonZero::new(count).unwrap();
    bench.terminal.set_size(cells(24), cells(50));
    bench.show();
    bench.check();
}

#[test]
fn on_a_terminal_that_shrinks_its_rows_are_more() {
    // What terminals make of rows of 30 columns, when they have only 20 for them.
    let mut narrow = Bench::new(24, 20);
    let mut bench = Bench::new(24, 30);
    bench.type_all(&"x".repeat(100));
    let rows = ["before".to_owned()].into_iter();
    let line: Vec<_> = PROMPT.chars().chain("x".repeat(100).chars()).collect();
    let rows: Vec<_> = rows
        .chain(line.chunks(30).flat_map(|row| {
            let parts = row.chunks(20).map(|part| part.iter().collect());
            parts.collect::<Vec<String>>()
        }))
        .collect();
    narrow.terminal.process(b"\x1b[2J\x1b[H");
    narrow.terminal.process(rows.join("\r\n").as_bytes());
    bench.terminal = narrow.terminal;
    bench.columns = 20;
    bench.printed.push("before".to_owned());
    bench.show();
    bench.check();
}

#[test]
fn keys_edit_the_line_as_in_a_shell() {
    let mut bench = Bench::new(24, 80);
    let shown = |bench: &Bench| bench.terminal.screen().contents();
    let is = |bench: &Bench, text: &str| {
        assert_eq!(
            shown(bench).trim_end(),
            format!("{PROMPT}{text}").trim_end()
        );
    };
    bench.type_all("one two three");
    bench.press(control('w'));
    is(&bench, "one two");
    bench.press(control('y'));
    is(&bench, "one two three");
    bench.press(key(KeyCode::Left, KeyModifiers::CONTROL));
    bench.press(key(KeyCode::Left, KeyModifiers::ALT));
    // With text there, Ctrl-D is no end.
    assert_eq!(bench.press(control('d')), None);
    is(&bench, "one wo three");
    bench.press(control('u'));
    is(&bench, "wo three");
    bench.press(key(KeyCode::Right, KeyModifiers::CONTROL));
    bench.press(control('k'));
    is(&bench, "wo");
    bench.press(control('a'));
    bench.press(plain(KeyCode::Tab));
    bench.press(plain(KeyCode::Char('\u{9b}')));
    bench.press(plain(KeyCode::Char('\u{1b}')));
    is(&bench, " wo");
    // What is drawn as one is one.
    bench.press(control('e'));
    bench.type_all("👨‍👩‍👧");
    bench.press(plain(KeyCode::Backspace));
    is(&bench, " wo");
    assert_eq!(bench.press(control('c')), Some(Pressed::Interrupt));
    is(&bench, "");
    assert_eq!(bench.press(control('d')), Some(Pressed::End));
    assert_eq!(bench.press(control('l')), Some(Pressed::Clear));
    assert_eq!(
        bench.press(control('j')),
        Some(Pressed::Enter(String::new()))
    );
}

#[test]
fn clearing_the_screen_leaves_the_line() {
    let mut bench = Bench::new(24, 20);
    bench.print("before");
    bench.type_all("something that is wider");
    let size = bench.size();
    let written = bench.line.show_alone(size);
    bench.terminal.process(written.as_bytes());
    bench.printed.clear();
    bench.check();
    bench.act(Deed::Enter);
    bench.check();
}

#[test]
fn what_was_typed_can_be_had_again() {
    let mut line = Line::new(String::new());
    let enter = |line: &mut Line, text: &str| {
        for character in text.chars() {
            line.take(&plain(KeyCode::Char(character)));
        }
        line.take(&plain(KeyCode::Enter))
    };
    let up = plain(KeyCode::Up);
    let down = plain(KeyCode::Down);
    for text in ["first", "second", "second", ""] {
        enter(&mut line, text);
    }
    let mut after = |keys: &[&Event]| {
        for key in keys {
            line.take(key);
        }
        enter(&mut line, "!")
    };
    let entered = |text: &str| Some(Pressed::Enter(text.to_owned()));
    assert_eq!(after(&[&up]), entered("second!"));
    assert_eq!(after(&[&up, &up, &up]), entered("first!"));
    assert_eq!(after(&[&up, &up, &up, &up, &up, &down]), entered("second!"));
    let draft = plain(KeyCode::Char('d'));
    assert_eq!(after(&[&draft, &up, &down]), entered("d!"));
    assert_eq!(after(&[&down]), entered("!"));
}

#[test]
fn only_so_many_lines_are_remembered() {
    let mut line = Line::new(String::new());
    for number in 0..1500 {
        for character in number.to_string().chars() {
            line.take(&plain(KeyCode::Char(character)));
        }
        line.take(&plain(KeyCode::Enter));
    }
    for _ in 0..2000 {
        line.take(&plain(KeyCode::Up));
    }
    let oldest = line.take(&plain(KeyCode::Enter));
    assert_eq!(oldest, Some(Pressed::Enter("500".to_owned())));
}
