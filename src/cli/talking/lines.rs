//! The lines of standard input.

use std::io::{self, BufRead, Read};

use tokio::sync::mpsc::{self, Receiver};

use super::LONGEST_LINE;
use crate::cli::Aside;
use crate::cli::failure::{Failure, Kind};
use crate::conversation::without_byte_order_mark;

/// How many lines are read ahead.
const AHEAD: usize = 16;

/// The lines of standard input, as they come.
pub(in crate::cli) struct Lines<'a> {
    lines: Receiver<io::Result<Line>>,
    aside: &'a Aside,
}

/// A line of standard input.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// Counted from one.
    number: u64,
    /// Of one that is too long, the beginning, which is too long as well.
    bytes: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// Begins to read standard input. What is none of UTF-8 is told of aside.
    pub(in crate::cli) fn of_stdin(aside: &'a Aside) -> Self {
        let (sender, lines) = mpsc::channel(AHEAD);
        // It may wait for a line for ever, and nobody waits for it.
        tokio::task::spawn_blocking(move || {
            read_lines(io::stdin().lock(), |line| {
                sender.blocking_send(line).is_ok()
            });
        });
        Lines { lines, aside }
    }

    /// Waits for the next line that has something in it; `None` at the end of them. One that is
    /// [too long](LONGEST_LINE) may be cut, and is too long still.
    ///
    /// # Errors
    ///
    /// When standard input cannot be read.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<String>, Failure> {
        while let Some(line) = self.lines.recv().await {
            let line = line.map_err(|error| {
                Kind::Internal.because(format_args!("reading standard input: {error}"))
            })?;
            let text = String::from_utf8(line.bytes).unwrap_or_else(|error| {
                self.aside.say(format_args!(
                    "line {} of standard input is not UTF-8: what is none of it is said as {}",
                    line.number,
                    char::REPLACEMENT_CHARACTER
                ));
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            });
            if !text.trim().is_empty() {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }
}

/// Reads lines and hands them on, as long as they are taken.
fn read_lines(mut input: impl BufRead, mut take: impl FnMut(io::Result<Line>) -> bool) {
    for number in 1.. {
        match read_line(&mut input) {
            Ok(Some(mut bytes)) => {
                if number == 1 {
                    bytes = without_byte_order_mark(&bytes).to_vec();
                }
                if !take(Ok(Line { number, bytes })) {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                take(Err(error));
                return;
            }
        }
    }
}

/// Reads a line, without its end, and no more of it than shows that it is too long.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    // One more byte, and the end of the line.
    let limit = LONGEST_LINE as u64 + 3;
    let mut line = Vec::new();
    if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
    } else if line.len() as u64 == limit {
        input.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut lines = Vec::new();
        read_lines(input, |line| {
            let Line { number, bytes } = line.unwrap();
            lines.push((number, bytes));
            true
        });
        lines
    }

    #[test]
    fn a_byte_order_mark_is_skipped_at_the_beginning_only() {
        let lines = read("\u{feff}one\n\u{feff}two\n".as_bytes());
        assert_eq!(lines[0], (1, b"one".to_vec()));
        assert_eq!(lines[1], (2, "\u{feff}two".as_bytes().to_vec()));
    }

    #[test]
    fn lines_end_as_they_may() {
        let lines = read(b"one\r\n\ntwo\r\r\nlast");
        let expected: [(u64, &[u8]); 4] = [(1, b"one"), (2, b""), (3, b"two\r"), (4, b"last")];
        assert_eq!(
            lines,
            expected.map(|(number, line)| (number, line.to_vec()))
        );
        assert_eq!(read(b""), []);
    }

    #[test]
    fn of_a_line_that_is_too_long_only_that_is_kept() {
        for (length, kept) in [
            (LONGEST_LINE, LONGEST_LINE),
            (LONGEST_LINE + 1, LONGEST_LINE + 1),
            (10 * LONGEST_LINE, LONGEST_LINE + 3),
        ] {
            let input = [&vec![b'x'; length][..], b"\nnext\n"].concat();
            let lines = read(&input);
            assert_eq!(lines[0].1.len(), kept);
            assert_eq!(lines[1], (2, b"next".to_vec()));
        }
    }

    #[test]
    fn nothing_is_read_that_nobody_takes() {
        let mut taken = 0;
        let mut input: &[u8] = b"1\n2\n3\n";
        read_lines(&mut input, |_| {
            taken += 1;
            false
        });
        assert_eq!((taken, input), (1, &b"2\n3\n"[..]));
    }
}
