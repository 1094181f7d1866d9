//! What the WebSocket library does not tell of the frames that it reads, seen on their way to it.

use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// The longest head of a frame: two bytes, a length of eight, and a mask of four (RFC 6455 section
/// 5.2).
const LONGEST_HEAD: usize = 14;

/// The longest payload of a control frame (RFC 6455 section 5.5).
const LONGEST_CONTROL: u64 = 125;

/// What ends a connection and would not be told of by the library as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Finding {
    /// A length in more bytes than it takes, which the library reads all the same (RFC 6455 section
    /// 5.2).
    #[error("the length of a frame is written in more bytes than it takes")]
    PaddedLength,
    /// A Close frame with a code that the library does not know, or that may not be sent: it would
    /// show 1002 and a reason of its own in place of it, and answer with them.
    #[error("a Close frame with code {code}")]
    Close {
        /// The code.
        code: u16,
        /// The reason.
        reason: String,
    },
}

/// Follows the frames of a peer from head to head. It changes nothing, and keeps nothing but a
/// frame's head and what a Close frame says.
#[derive(Debug)]
pub(super) struct FrameWatch {
    /// Which end this is: clients mask their frames, and servers do not.
    role: Role,
    head: [u8; LONGEST_HEAD],
    /// How much of a head has been read.
    head_read: usize,
    /// How much of a payload is yet to come.
    payload_left: u64,
    /// The payload of a Close frame, as it was sent, and its mask.
    close: Option<(Vec<u8>, [u8; 4])>,
}

impl FrameWatch {
    /// Watches what comes to this end from the beginning of the first frame on.
    pub(super) fn new(role: Role) -> Self {
        FrameWatch {
            role,
            head: [0; LONGEST_HEAD],
            head_read: 0,
            payload_left: 0,
            close: None,
        }
    }

    /// Looks at the bytes that came next. When there is something to tell of them, no more is to be
    /// watched, and so much of them is to be read before it: up to the frame that it is about, or
    /// none if that began earlier.
    pub(super) fn watch(&mut self, bytes: &[u8]) -> Option<(usize, Finding)> {
        let mut frame = 0;
        let mut at = 0;
        while at < bytes.len() {
            if self.payload_left > 0 {
                let here = usize::try_from(self.payload_left).unwrap_or(usize::MAX);
                let here = here.min(bytes.len() - at);
                if let Some((payload, _)) = &mut self.close {
                    payload.extend_from_slice(&bytes[at..at + here]);
                }
                at += here;
                self.payload_left -= here as u64;
                if self.payload_left == 0
                    && let Some((payload, mask)) = self.close.take()
                    && let Some(finding) = misread(payload, mask)
                {
                    return Some((frame, finding));
                }
                continue;
            }
            if self.head_read == 0 {
                frame = at;
            }
            self.head[self.head_read] = bytes[at];
            self.head_read += 1;
            at += 1;
            if self.head_read > 1 && self.head_read == self.head_length() {
                self.head_read = 0;
                if !self.begin_payload() {
                    return Some((frame, Finding::PaddedLength));
                }
            }
        }
        None
    }

    /// How long the head is of which the first two bytes are there.
    fn head_length(&self) -> usize {
        let mask = if self.is_masked() { 4 } else { 0 };
        2 + self.length_bytes() + mask
    }

    fn is_masked(&self) -> bool {
        self.head[1] & 0x80 != 0
    }

    /// How many bytes of length follow the first two.
    fn length_bytes(&self) -> usize {
        match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    /// Learns of a whole head what follows it. Says whether its length is as short as it can be.
    fn begin_payload(&mut self) -> bool {
        let extended = self.length_bytes();
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let (length, shortest) = match extended {
            0 => (u64::from(self.head[1] & 0x7f), 0),
            2 => (number(&self.head[2..4]), 126),
            _ => (number(&self.head[2..10]), 0x1_0000),
        };
        if length < shortest {
            return false;
        }
        self.payload_left = length;
        let mut mask = [0; 4];
        if self.is_masked() {
            mask.copy_from_slice(&self.head[2 + extended..][..4]);
        }
        // Whole, without reserved bits, masked as it has to be: what is wrong with any other is told
        // by the library.
        let is_close = self.head[0] == 0x88
            && (2..=LONGEST_CONTROL).contains(&length)
            && self.is_masked() == (self.role == Role::Server);
        self.close = is_close.then(|| (Vec::new(), mask));
        true
    }
}

/// What a Close frame says, if the library would tell something else.
fn misread(mut payload: Vec<u8>, mask: [u8; 4]) -> Option<Finding> {
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    let (code, reason) = payload.split_first_chunk()?;
    let code = u16::from_be_bytes(*code);
    if CloseCode::from(code).is_allowed() {
        return None;
    }
    // A reason that is no UTF-8 is told by the library.
    let reason = std::str::from_utf8(reason).ok()?.to_owned();
    Some(Finding::Close { code, reason })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};

    use super::*;

    const MASK: [u8; 4] = [1, 2, 3, 250];

    /// A frame as an end sends it to this one.
    fn sent(mut frame: Frame, to: Role) -> Vec<u8> {
        frame.header_mut().mask = (to == Role::Server).then_some(MASK);
        let mut bytes = Vec::new();
        frame.format(&mut bytes).unwrap();
        bytes
    }

    fn close(code: u16, reason: &str) -> Frame {
        Frame::close(Some(CloseFrame {
            code: code.into(),
            reason: reason.into(),
        }))
    }

    fn message(length: usize) -> Frame {
        Frame::message(vec![0x88; length], OpCode::Data(Data::Binary), true)
    }

    fn found(code: u16, reason: &str) -> Finding {
        let reason = reason.to_owned();
        Finding::Close { code, reason }
    }

    #[test]
    fn the_codes_are_found_that_the_library_does_not_show() {
        for role in [Role::Client, Role::Server] {
            for code in [
                0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2000, 2999, 5000, 65535,
            ] {
                let mut bytes = sent(message(300), role);
                let begin = bytes.len();
                bytes.extend(sent(close(code, "why"), role));
                let seen = FrameWatch::new(role).watch(&bytes);
                assert_eq!(seen, Some((begin, found(code, "why"))));
            }
            for code in [1000, 1003, 1007, 1011, 1013, 3000, 3999, 4000, 4999] {
                let bytes = sent(close(code, "why"), role);
                assert_eq!(FrameWatch::new(role).watch(&bytes), None, "{code}");
            }
        }
    }

    #[test]
    fn what_the_library_tells_by_itself_is_left_to_it() {
        let mut fragment = sent(close(999, ""), Role::Client);
        fragment[0] = 0x08;
        let mut reserved = sent(close(999, ""), Role::Client);
        reserved[0] |= 0x40;
        let masked = sent(close(999, ""), Role::Server);
        let long = sent(close(999, &"x".repeat(124)), Role::Client);
        let no_text = vec![0x88, 3, 0x03, 0xf6, 0xff];
        for bytes in [
            fragment,
            reserved,
            masked,
            long,
            no_text,
            vec![0x88, 1, 3],
            vec![0x88, 0],
        ] {
            assert_eq!(FrameWatch::new(Role::Client).watch(&bytes), None);
        }
        let bare = sent(close(999, ""), Role::Client);
        assert_eq!(FrameWatch::new(Role::Server).watch(&bare), None);
    }

    #[test]
    fn a_length_takes_no_more_bytes_than_it_has_to() {
        let watch = |head: &[u8]| {
            let bytes = [&[0x81, 1, b'x'], head].concat();
            FrameWatch::new(Role::Client).watch(&bytes)
        };
        let padded = Some((3, Finding::PaddedLength));
        assert_eq!(watch(&[0x81, 126, 0, 125]), padded);
        assert_eq!(watch(&[0x81, 126, 0, 126]), None);
        assert_eq!(watch(&[0x81, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), padded);
        assert_eq!(watch(&[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]), None);
        assert_eq!(watch(&[0x81, 127, 0xff, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    /// How many bytes were let through, and what was found, of a stream that comes in these pieces.
    fn in_pieces(role: Role, bytes: &[u8], sizes: &[usize]) -> (usize, Option<Finding>) {
        let mut watch = FrameWatch::new(role);
        let (mut begin, mut sizes) = (0, sizes.iter().cycle());
        while begin < bytes.len() {
            let end = bytes.len().min(begin + sizes.next().unwrap());
            if let Some((through, finding)) = watch.watch(&bytes[begin..end]) {
                return (begin + through, Some(finding));
            }
            begin = end;
        }
        (begin, None)
    }

    proptest! {
        #[test]
        fn the_pieces_that_frames_come_in_make_no_difference(
            lengths in prop::collection::vec(prop_oneof![0..4usize, 120..130usize, 65530..65540usize], 0..4),
            code in 990..1030u16,
            reason in "[a-z]{0,123}",
            sizes in prop::collection::vec(1..200usize, 1..8),
            is_server in any::<bool>(),
        ) {
            let role = if is_server { Role::Server } else { Role::Client };
            let mut bytes: Vec<u8> = lengths
                .into_iter()
                .flat_map(|length| sent(message(length), role))
                .collect();
            let frame = bytes.len();
            bytes.extend(sent(close(code, &reason), role));
            bytes.extend(sent(message(3), role));
            let (through, finding) = in_pieces(role, &bytes, &sizes);
            if CloseCode::from(code).is_allowed() {
                prop_assert_eq!((through, finding), (bytes.len(), None));
            } else {
                prop_assert_eq!(finding, Some(found(code, &reason)));
                // Never the whole of the frame: the library has nothing to read of it.
                prop_assert!(through >= frame && through < bytes.len() - 5);
            }
        }

        #[test]
        fn nothing_that_can_come_is_too_much_for_it(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            sizes in prop::collection::vec(1..50usize, 1..8),
        ) {
            let (_, finding) = in_pieces(Role::Client, &bytes, &sizes);
            let (_, at_once) = in_pieces(Role::Client, &bytes, &[600]);
            prop_assert_eq!(finding, at_once);
        }
    }
}
