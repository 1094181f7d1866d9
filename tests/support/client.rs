//! A client by hand: HTTP requests, and the client's end of a WebSocket.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::socket::{Frame, Opcode, decode, encode};
use super::{PATIENCE, assert_says};

/// What frames are masked with. RFC 6455 section 5.3 wants it unpredictable, for the sake of proxies
/// that there are none of here.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A TCP connection to a server.
pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Makes one request, and gives the head and the body of the answer.
pub fn ask(address: &str, request_line: &str, headers: &str, body: &str) -> (String, String) {
    let mut stream = connect(address);
    let length = body.len();
    write!(
        stream,
        "{request_line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Makes one request with a JSON body, and gives the status line and the answer.
pub fn ask_for_json(address: &str, request_line: &str, body: Value) -> (String, Value) {
    let headers = "Content-Type: application/json\r\n";
    let (head, body) = ask(address, request_line, headers, &body.to_string());
    let body = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{head}\n{body}"));
    (head.lines().next().unwrap().to_owned(), body)
}

/// Asks for a WebSocket, with these headers besides, each with its line feed. Gives the head of the
/// answer, in lower case, and the connection.
pub fn ask_to_upgrade(address: &str, path: &str, host: &str, headers: &str) -> (String, TcpStream) {
    let mut stream = connect(address);
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
    .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    (String::from_utf8(head).unwrap().to_lowercase(), stream)
}

/// The JSON that follows such a head, if any does.
pub fn body_after(head: &str, stream: &mut TcpStream) -> Value {
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap_or(Value::Null)
}

/// The client's end of an open WebSocket.
pub struct Client {
    pub stream: TcpStream,
}

impl Client {
    /// Opens a WebSocket.
    pub fn open(address: &str, path: &str) -> Client {
        let (head, stream) = ask_to_upgrade(address, path, address, "");
        // The key and the answer to it of RFC 6455 section 1.3.
        assert_says(&head, &["http/1.1 101", "s3pplmbitxaq9kygzzhzrbk+xoo="]);
        Client { stream }
    }

    /// Writes a frame.
    pub fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        let frame = encode(true, opcode, Some(MASK), payload);
        self.stream.write_all(&frame).expect("the server reads");
    }

    pub fn text(&mut self, text: &str) {
        self.frame(Opcode::Text, text.as_bytes());
    }

    /// Reads a frame; `None` once the server has hung up.
    pub fn read(&mut self) -> Option<Frame> {
        let (frame, mask) = decode(&mut self.stream)?;
        assert!(mask.is_none(), "a server masks nothing");
        Some(frame)
    }

    /// Reads a frame, which there has to be.
    #[track_caller]
    pub fn expect(&mut self, opcode: Opcode) -> Vec<u8> {
        let frame = self.read().expect("the server says something");
        assert_eq!(frame.opcode, opcode, "{frame:?}");
        frame.payload
    }

    /// Writes messages and reads none until the server hangs up, and says how many bytes that took.
    pub fn flood(mut self) -> usize {
        let frame = encode(true, Opcode::Binary, Some(MASK), &[7; 32 * 1024]);
        self.stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut sent = 0;
        loop {
            match self.stream.write(&frame[sent % frame.len()..]) {
                Ok(bytes) => sent += bytes,
                Err(error) => {
                    let timed_out = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
                    assert!(
                        !timed_out.contains(&error.kind()),
                        "nobody hung up: {error}"
                    );
                    return sent;
                }
            }
        }
    }
}
