use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::format::{Conversation, Header, Line, VERSION};
use crate::conversation::{Stamp, WireEvent, json_fault, without_byte_order_mark};

/// The longest line that is read. A text message at its limit of 64 KiB, every byte of it
/// escaped, takes up less.
const LINE_LIMIT: u64 = 1024 * 1024;

/// A recording that has been read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What it is a recording of.
    pub header: Header,
    /// What happened, in order.
    pub events: Vec<(Stamp, WireEvent)>,
    /// Set when the last line is only partly there.
    pub cut: Option<Cut>,
}

/// A recording whose last line was not written to its end. What stands before it is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The number of that line, counted from one.
    pub line: usize,
}

/// Why a file is no recording that can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Its first line is not that of a recording.
    #[error("not a recording: {0}")]
    NotARecording(String),
    /// It was written by another version of this program.
    #[error("a recording of {}, and this program reads version {VERSION}", version(*found))]
    Version {
        /// The version that its first line states, if that is a number.
        found: Option<u64>,
    },
    /// A line makes no sense.
    #[error("line {number}: {reason}")]
    Line {
        /// Its number, counted from one.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl Recording {
    /// Reads the recording in a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is not a recording of this [`VERSION`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Recording::read(BufReader::new(File::open(path)?))
    }

    /// Reads a recording.
    ///
    /// # Errors
    ///
    /// As [`open`](Recording::open).
    pub fn read(mut reader: impl BufRead) -> Result<Self, ReadError> {
        let first = read_line(&mut reader, 1)?.ok_or(ReadError::Empty)?;
        let mut recording = Recording {
            header: parse_header(&first.text)?,
            events: Vec::new(),
            cut: None,
        };
        let mut latest = Stamp::OPENING;
        for number in 2.. {
            let Some(line) = read_line(&mut reader, number)? else {
                break;
            };
            if line.text.trim_ascii().is_empty() {
                continue;
            }
            let wrong = |reason: String| ReadError::Line { number, reason };
            match serde_json::from_slice::<Line>(&line.text).map(Line::into_event) {
                Ok((at, _)) if at < latest => {
                    return Err(wrong("its time is before that of the line above".into()));
                }
                Ok((at, event)) => {
                    let before = recording.events.last().map(|(_, event)| event);
                    check_order(before, &event).map_err(wrong)?;
                    latest = at;
                    recording.events.push((at, event));
                }
                Err(_) if !line.ended => recording.cut = Some(Cut { line: number }),
                Err(error) => return Err(wrong(json_fault(&error))),
            }
        }
        Ok(recording)
    }
}

/// A conversation begins with its opening, which it has one of, and ends with its close.
fn check_order(before: Option<&WireEvent>, event: &WireEvent) -> Result<(), String> {
    let reason = match (before, event) {
        (None, WireEvent::Open) => return Ok(()),
        (None, _) => "the first event is not \"open\"",
        (Some(_), WireEvent::Open) => "the conversation has been opened before",
        (Some(WireEvent::Close(_)), _) => "the conversation has been closed before",
        (Some(_), _) => return Ok(()),
    };
    Err(reason.to_owned())
}

struct RawLine {
    text: Vec<u8>,
    /// Whether a line feed followed.
    ended: bool,
}

fn read_line(reader: &mut impl BufRead, number: usize) -> Result<Option<RawLine>, ReadError> {
    let mut text = Vec::new();
    reader.take(LINE_LIMIT).read_until(b'\n', &mut text)?;
    let ended = text.pop_if(|last| *last == b'\n').is_some();
    if !ended && text.len() as u64 == LINE_LIMIT {
        let reason = "longer than any line of a recording".to_owned();
        return Err(match number {
            1 => ReadError::NotARecording(format!("its first line is {reason}")),
            number => ReadError::Line { number, reason },
        });
    }
    Ok((ended || !text.is_empty()).then_some(RawLine { text, ended }))
}

fn parse_header(line: &[u8]) -> Result<Header, ReadError> {
    let no = |reason: &str| ReadError::NotARecording(reason.to_owned());
    let value: Value = serde_json::from_slice(without_byte_order_mark(line))
        .map_err(|_| no("its first line is not JSON"))?;
    if value.get("type").and_then(Value::as_str) != Some("recording") {
        return Err(no("its first line is not of the type \"recording\""));
    }
    // The version first: what else the line holds may differ between versions.
    match value.get("version") {
        Some(version) if *version == VERSION => {}
        Some(version) => {
            return Err(ReadError::Version {
                found: version.as_u64(),
            });
        }
        None => return Err(no("its first line states no version")),
    }
    let conversation = value.get("conversation").map(Conversation::deserialize);
    if let Some(Err(_)) = conversation {
        return Err(no(
            "its conversation is none of \"challenge\", \"chat\" and \"registration\"",
        ));
    }
    serde_json::from_value(value)
        .map_err(|error| no(&format!("in its first line: {}", json_fault(&error))))
}

fn version(found: Option<u64>) -> String {
    found.map_or("no known version".to_owned(), |found| {
        format!("version {found}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Message;
    use crate::recording::Recorder;
    use proptest::prelude::*;

    const HEADER: &str = r#"{"type":"recording","version":1,"conversation":"challenge","url":"ws://h/…","started_at":"2026-11-20T12:00:00Z"}"#;

    fn read(text: &str) -> Result<Recording, ReadError> {
        Recording::read(text.as_bytes())
    }

    fn error(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn the_format_of_the_design_is_written_and_read() {
        let lines = [
            HEADER,
            r#"{"at_ns":0,"type":"open"}"#,
            r#"{"at_ns":700123456,"type":"received","kind":"text","text":"ping!"}"#,
            r#"{"at_ns":700210000,"type":"sent","kind":"text","text":"700"}"#,
            r#"{"at_ns":700210000,"type":"received","kind":"binary","base64":"AAEC"}"#,
            r#"{"at_ns":9000000000,"type":"close","by":"peer","code":1000,"reason":""}"#,
            "",
        ]
        .join("\n");
        let recording = read(&lines).unwrap();
        assert_eq!(recording.cut, None);
        assert_eq!(recording.events.len(), 5);
        assert_eq!(
            recording.events[3].1,
            WireEvent::Received(Message::Binary(vec![0, 1, 2]))
        );

        let mut written = Vec::new();
        let mut recorder = Recorder::new(&mut written, &recording.header).unwrap();
        for (at, event) in &recording.events {
            recorder.record(*at, event).unwrap();
        }
        assert_eq!(String::from_utf8(written).unwrap(), lines);
    }

    #[test]
    fn a_cut_last_line_is_reported_and_the_rest_is_read() {
        let text = format!("{HEADER}\n{{\"at_ns\":0,\"type\":\"open\"}}\n{{\"at_ns\":7001");
        let recording = read(&text).unwrap();
        assert_eq!(recording.cut, Some(Cut { line: 3 }));
        assert_eq!(recording.events.len(), 1);
        // A whole line that only lacks its line feed is whole.
        let text = format!("{HEADER}\n{{\"at_ns\":0,\"type\":\"open\"}}");
        assert_eq!(read(&text).unwrap().cut, None);
    }

    #[test]
    fn what_is_no_recording_says_so() {
        assert_eq!(error(""), "the file is empty");
        for text in [
            "\n",
            "hello",
            "{}",
            "[1]",
            "{\"type\":\"beat\"}\n",
            "\0\u{1}",
        ] {
            assert!(error(text).starts_with("not a recording"), "{text:?}");
        }
        let version_2 = HEADER.replace("\"version\":1", "\"version\":2");
        assert!(error(&version_2).starts_with("a recording of version 2"));
        let chess = error(&HEADER.replace("challenge", "chess"));
        assert!(chess.contains("its conversation is none of"), "{chess}");
        let secret = error(&HEADER.replace("\"version\":1", "\"version\":\"s3cr3t\""));
        assert!(secret.starts_with("a recording of no known version"));
        assert!(!secret.contains("s3cr3t"));
        let endless = Recording::read(BufReader::new(io::repeat(b'x')));
        assert!(matches!(endless, Err(ReadError::NotARecording(_))));
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let text = format!("\u{feff}{HEADER}\n{{\"at_ns\":0,\"type\":\"open\"}}\n");
        assert_eq!(read(&text).unwrap().events.len(), 1);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let of = |lines: &[&str]| error(&format!("{HEADER}\n{}\n", lines.join("\n")));
        let open = r#"{"at_ns":5,"type":"open"}"#;
        let ping = r#"{"at_ns":6,"type":"received","kind":"text","text":"ping!"}"#;
        let close = r#"{"at_ns":7,"type":"close","by":"us","code":1000,"reason":""}"#;
        assert!(of(&["", open, "nonsense"]).starts_with("line 4: "));
        for (lines, reason) in [
            (
                &[open, ping, &ping.replace('6', "5")][..],
                "line 4: its time is before",
            ),
            (&[ping], "line 2: the first event is not"),
            (
                &[open, open],
                "line 3: the conversation has been opened before",
            ),
            (
                &[open, close, close],
                "line 4: the conversation has been closed before",
            ),
        ] {
            assert!(of(lines).starts_with(reason), "{}", of(lines));
        }
    }

    fn any_event() -> impl Strategy<Value = WireEvent> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..40);
        let message = prop_oneof![
            any::<String>().prop_map(Message::Text),
            bytes().prop_map(Message::Binary),
            bytes().prop_map(Message::Ping),
            bytes().prop_map(Message::Pong),
        ];
        prop_oneof![
            message.clone().prop_map(WireEvent::Received),
            message.prop_map(WireEvent::Sent),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back_even_when_cut(
            mut stamps in prop::collection::vec(any::<u64>(), 1..20),
            events in prop::collection::vec(any_event(), 20),
            lost in 1_usize..20,
            conversation in prop::sample::select(vec![
                Conversation::Challenge,
                Conversation::Chat,
                Conversation::Registration,
            ]),
        ) {
            stamps.sort_unstable();
            let events = std::iter::once(WireEvent::Open).chain(events);
            let events: Vec<_> = stamps.into_iter().map(Stamp::from_nanos).zip(events).collect();
            let header = Header {
                version: VERSION,
                conversation,
                url: "ws://h/…".into(),
                started_at: "2026-11-20T12:00:00Z".into(),
            };
            let mut written = Vec::new();
            let mut recorder = Recorder::new(&mut written, &header).unwrap();
            for (at, event) in &events {
                recorder.record(*at, event).unwrap();
            }
            let whole = Recording::read(written.as_slice()).unwrap();
            prop_assert_eq!(&whole.header, &header);
            prop_assert_eq!(&whole.events, &events);
            prop_assert_eq!(whole.cut, None);

            // The last line is always longer than what is lost of it here.
            let cut = Recording::read(&written[..written.len() - 1 - lost]).unwrap();
            prop_assert_eq!(&cut.events[..], &events[..events.len() - 1]);
            prop_assert_eq!(cut.cut, Some(Cut { line: events.len() + 1 }));
        }
    }
}
