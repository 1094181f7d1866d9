//! Answers to the two requests that the link makes by itself, for a WebSocket and for a tunnel to it.

use std::io;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest head of an answer that is read: as much as the common web servers send at the most.
const HEAD_LIMIT: usize = 16 * 1024;

/// How much is read of what comes with a refusal.
const BODY_LIMIT: usize = 4 * 1024;

/// How long it is waited for: the status alone is worth telling.
const BODY_PATIENCE: Duration = Duration::from_secs(1);

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) version: Version,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// The version of HTTP that an answer is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// 1.1.
    Current,
    /// 1.0, in which there is no upgrade, but there are refusals.
    Old,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    /// The connection was lost.
    #[error(transparent)]
    Lost(#[from] io::Error),
    /// What came is no HTTP.
    #[error("it does not speak HTTP ({0})")]
    NoHttp(String),
    /// The head of the answer has no end.
    #[error("the head of its answer is over {} KiB long", HEAD_LIMIT / 1024)]
    TooLong,
}

/// Reads the head of an answer, and maybe something of what follows it. Interim answers are passed
/// over, however many there are (RFC 9110 section 15.2), but for 101, which grants an upgrade: the
/// caller limits the time.
pub(super) async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<(Head, Vec<u8>), AnswerError> {
    let mut read = Vec::new();
    loop {
        while let Some((length, head)) = parse(&read)? {
            let rest = read.split_off(length);
            let is_interim = head.status.is_informational();
            if !is_interim || head.status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok((head, rest));
            }
            read = rest;
        }
        if read.len() > HEAD_LIMIT {
            return Err(AnswerError::TooLong);
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

/// A head and its length, if it is there to its end.
fn parse(read: &[u8]) -> Result<Option<(usize, Head)>, AnswerError> {
    let lines = read.iter().filter(|byte| **byte == b'\n').count();
    let mut lines = vec![httparse::EMPTY_HEADER; lines];
    let mut head = httparse::Response::new(&mut lines);
    let mut config = httparse::ParserConfig::default();
    // Obsolete, and not to be sent, but to be read (RFC 9112 sections 2.2 and 5.2).
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.allow_space_before_first_header_name(true);
    let length = match config.parse_response(&mut head, read) {
        Ok(httparse::Status::Complete(length)) => length,
        // There is no room for a header of which the end is not there yet.
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => return Ok(None),
        Err(error) => return Err(no_http(error)),
    };
    let version = match head.version {
        Some(0) => Version::Old,
        _ => Version::Current,
    };
    let status = StatusCode::from_u16(head.code.unwrap_or_default()).map_err(no_http)?;
    let mut headers = HeaderMap::new();
    for header in head.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(no_http)?;
        let value = HeaderValue::from_bytes(&unfolded(header.value)).map_err(no_http)?;
        let added = headers.try_append(name, value);
        added.map_err(|_| AnswerError::TooLong)?;
    }
    let head = Head {
        version,
        status,
        headers,
    };
    Ok(Some((length, head)))
}

/// None of these errors quotes what was parsed.
fn no_http(error: impl std::error::Error) -> AnswerError {
    AnswerError::NoHttp(error.to_string())
}

/// A value in one line.
fn unfolded(value: &[u8]) -> Vec<u8> {
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(&b' ')
}

/// Reads what comes of a body soon enough, and puts its chunks together.
pub(super) async fn read_body(
    stream: &mut (impl AsyncRead + Unpin),
    headers: &HeaderMap,
    mut read: Vec<u8>,
) -> Vec<u8> {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let is_chunked = lists(headers, &TRANSFER_ENCODING, "chunked");
    let wanted = match length {
        Some(length) if !is_chunked => BODY_LIMIT.min(length),
        _ => BODY_LIMIT,
    };
    let is_whole = |read: &[u8]| {
        let is_last_chunk = is_chunked && read.ends_with(b"0\r\n\r\n");
        read.len() >= wanted || is_last_chunk
    };
    let reading = async {
        while !is_whole(&read)
            && let Ok(1..) = stream.read_buf(&mut read).await
        {}
    };
    // Too late or not, what has been read is there.
    let _ = tokio::time::timeout(BODY_PATIENCE, reading).await;
    if is_chunked { unchunked(&read) } else { read }
}

/// The data of chunks (RFC 9112 section 7.1), as far as they make sense.
fn unchunked(mut chunks: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    while let Some(end) = chunks.windows(2).position(|pair| pair == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).unwrap_or_default();
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size @ 1..) = usize::from_str_radix(size, 16) else {
            break;
        };
        let rest = &chunks[end + 2..];
        data.extend_from_slice(&rest[..size.min(rest.len())]);
        // The line end behind the data.
        chunks = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    data
}

/// Whether a header lists a word.
pub(super) fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter();
    let mut words = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    words.any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status of an answer, what a header says, and what follows the head.
    async fn read(mut answer: &[u8], header: &str) -> Result<(u16, String, String), AnswerError> {
        let (head, mut rest) = read_head(&mut answer).await?;
        rest.extend_from_slice(answer);
        let value = head.headers.get(header).map(HeaderValue::to_str);
        let value = value.transpose().unwrap().unwrap_or_default().to_owned();
        let rest = String::from_utf8(rest).unwrap();
        Ok((head.status.as_u16(), value, rest))
    }

    #[tokio::test]
    async fn interim_answers_are_passed_over() {
        let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: 1\r\n\r\n\
                       HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
                       HTTP/1.1 401 Unauthorized\r\nX: 2\r\n\r\nwho?";
        let (status, value, rest) = read(answer, "x").await.unwrap();
        assert_eq!((status, value.as_str(), rest.as_str()), (401, "2", "who?"));
        let granted = b"HTTP/1.1 101 Switching Protocols\r\nX: y\r\n\r\nrest";
        assert_eq!(read(granted, "x").await.unwrap().0, 101);
    }

    #[tokio::test]
    async fn folded_lines_are_unfolded() {
        for (folded, value) in [
            ("X: a\r\n b", "a b"),
            ("X: a\r\n\t b\r\n  c", "a b c"),
            ("X:\r\n a", "a"),
            ("X: \r\n \r\n a", "a"),
            (" Y: z\r\nX: a", "a"),
        ] {
            let answer = format!("HTTP/1.1 403 Forbidden\r\n{folded}\r\nZ: z\r\n\r\n");
            let (status, read, _) = read(answer.as_bytes(), "x").await.expect(folded);
            assert_eq!((status, read.as_str()), (403, value), "{folded:?}");
        }
    }

    #[tokio::test]
    async fn headers_may_be_many_and_must_not_be_endless() {
        let many = "X: 1\r\n".repeat(500);
        let answer = format!("HTTP/1.1 403 Forbidden\r\n{many}\r\n");
        assert_eq!(read(answer.as_bytes(), "x").await.unwrap().0, 403);
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(2 * HEAD_LIMIT));
        let error = read(endless.as_bytes(), "x").await.unwrap_err();
        assert!(matches!(error, AnswerError::TooLong));
        let many = "X: 1\r\n".repeat(HEAD_LIMIT);
        let error = read(format!("HTTP/1.1 200 OK\r\n{many}").as_bytes(), "x").await;
        assert!(matches!(error, Err(AnswerError::TooLong)));
    }

    #[tokio::test]
    async fn what_is_no_answer_is_an_error() {
        let error = read(b"220 mail.example.org ESMTP\r\n\r\n", "x").await;
        assert!(matches!(error, Err(AnswerError::NoHttp(_))));
        for cut in ["", "HTTP/1.1 200 OK\r\nX"] {
            let error = read(cut.as_bytes(), "x").await;
            let Err(AnswerError::Lost(error)) = error else {
                panic!("{error:?}");
            };
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn chunks_that_make_no_sense_end_the_body() {
        assert_eq!(unchunked(b"3\r\nabc\r\nzz\r\nd"), b"abc");
        assert_eq!(unchunked(b"ffffffffffffffff\r\nabc"), b"abc");
        assert_eq!(unchunked(b"\r\n"), b"");
        assert_eq!(unchunked(b"5"), b"");
    }
}
