//! The frames of a WebSocket as RFC 6455 draws them, and a scripted server's end of one, which can
//! also get them wrong.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::SECRET;

/// What a beat can be answered with. Scripts do not wait, so that it is the first, unless the
/// machine is very busy.
const INTERVALS: [&str; 5] = ["700", "1500", "2000", "2500", "3000"];

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// A frame of the peer's, unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub opcode: Opcode,
    pub payload: Vec<u8>,
}

/// The server's end of an open WebSocket.
pub struct Socket {
    pub stream: TcpStream,
}

impl Socket {
    /// Writes a frame.
    pub fn frame(&mut self, last: bool, opcode: Opcode, payload: &[u8]) {
        let frame = encode(last, opcode, None, payload);
        self.raw(&frame).expect("the client reads");
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub fn text(&mut self, text: &str) {
        self.frame(true, Opcode::Text, text.as_bytes());
    }

    pub fn binary(&mut self, data: &[u8]) {
        self.frame(true, Opcode::Binary, data);
    }

    pub fn ping(&mut self, payload: &[u8]) {
        self.frame(true, Opcode::Ping, payload);
    }

    /// Answers a ping. That a client hangs up meanwhile is the business of the test.
    pub fn pong(&mut self, payload: &[u8]) {
        let _ = self.raw(&encode(true, Opcode::Pong, None, payload));
    }

    /// Answers each Ping frame as it is told to, echoes messages, and closes when the client does.
    pub fn answer_pings(&mut self, mut answer: impl FnMut(&mut Socket, &[u8])) {
        while let Some(Frame { opcode, payload }) = self.read() {
            match opcode {
                Opcode::Ping => answer(self, &payload),
                Opcode::Close => {
                    // The client need not wait for it.
                    let _ = self.raw(&encode(true, Opcode::Close, None, &payload));
                    return;
                }
                opcode => self.frame(true, opcode, &payload),
            }
        }
    }

    pub fn close(&mut self, code: u16, reason: &str) {
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        self.frame(true, Opcode::Close, &payload);
    }

    /// Reads a frame; `None` once the client has hung up.
    pub fn read(&mut self) -> Option<Frame> {
        let (frame, mask) = decode(&mut self.stream)?;
        assert!(mask.is_some(), "the client masks its frames");
        Some(frame)
    }

    /// Reads a text message: the client's answer to a beat.
    #[track_caller]
    pub fn answer(&mut self) -> String {
        let frame = self.read().expect("the client answers");
        assert_eq!(frame.opcode, Opcode::Text, "{frame:?}");
        let answer = String::from_utf8(frame.payload).unwrap();
        assert!(INTERVALS.contains(&&*answer), "{answer:?}");
        answer
    }

    /// Reads on to the client's Close frame.
    #[track_caller]
    pub fn closed(&mut self) -> (u16, String) {
        while let Some(frame) = self.read() {
            if frame.opcode == Opcode::Close {
                let (code, reason) = frame.payload.split_at(2);
                let code = u16::from_be_bytes([code[0], code[1]]);
                return (code, String::from_utf8(reason.to_vec()).unwrap());
            }
        }
        panic!("the client hung up without a Close frame");
    }

    /// Reads on to the client's Close frame and answers it, as one should.
    #[track_caller]
    pub fn part(&mut self) -> (u16, String) {
        let (code, reason) = self.closed();
        self.close(code, "");
        (code, reason)
    }

    /// A round that the client wins, whatever it answers. The beat does not wait.
    #[track_caller]
    pub fn round(&mut self) {
        self.text("ping!");
        self.answer();
        self.text("good!");
    }

    /// The end of a conversation that the client has won.
    #[track_caller]
    pub fn won(&mut self) {
        self.text(&format!(
            "congratulations! the solution to this challenge is \"{SECRET}\""
        ));
        assert_eq!(self.part().0, 1000);
    }

    /// Holds still until the client hangs up.
    pub fn hold(&mut self) {
        hold(&mut self.stream);
    }
}

/// A frame as it goes over the wire. Clients mask theirs.
pub(super) fn encode(last: bool, opcode: Opcode, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let masked = u8::from(mask.is_some()) << 7;
    let mut frame = vec![u8::from(last) << 7 | opcode as u8];
    match payload.len() {
        length @ ..126 => frame.push(masked | length as u8),
        length @ ..0x1_0000 => {
            frame.push(masked | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(masked | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    match mask {
        None => frame.extend_from_slice(payload),
        Some(mask) => {
            frame.extend_from_slice(&mask);
            frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b));
        }
    }
    frame
}

/// Reads a frame, and gives it and what it was masked with; `None` once the peer has hung up.
pub(super) fn decode(stream: &mut impl Read) -> Option<(Frame, Option<[u8; 4]>)> {
    let head: [u8; 2] = bytes(stream)?;
    assert_eq!(head[0] & 0xf0, 0x80, "the peer sends whole messages");
    let length = match head[1] & 0x7f {
        126 => u16::from_be_bytes(bytes(stream)?).into(),
        127 => usize::try_from(u64::from_be_bytes(bytes(stream)?)).unwrap(),
        short => usize::from(short),
    };
    let is_masked = head[1] & 0x80 != 0;
    let mask = if is_masked {
        Some(bytes(stream)?)
    } else {
        None
    };
    let mut payload = vec![0; length];
    fill(stream, &mut payload)?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().flatten().cycle()) {
        *byte ^= mask;
    }
    let opcode = match head[0] & 0x0f {
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        other => panic!("the peer sent a frame with opcode {other}"),
    };
    Some((Frame { opcode, payload }, mask))
}

fn bytes<const LENGTH: usize>(stream: &mut impl Read) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    fill(stream, &mut bytes)?;
    Some(bytes)
}

fn fill(stream: &mut impl Read, bytes: &mut [u8]) -> Option<()> {
    match stream.read_exact(bytes) {
        Ok(()) => Some(()),
        Err(error) => {
            let gone = [
                io::ErrorKind::UnexpectedEof,
                io::ErrorKind::ConnectionReset,
                io::ErrorKind::BrokenPipe,
            ];
            assert!(gone.contains(&error.kind()), "reading: {error}");
            None
        }
    }
}

/// Reads and forgets until the client hangs up.
pub fn hold(stream: &mut TcpStream) {
    // However it hangs up, it has.
    let _ = io::copy(stream, &mut io::sink());
}

/// Sees to it that a connection ends as a crash or a firewall ends one, with a reset, when the
/// stream is dropped.
pub fn reset_when_dropped(stream: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
}
