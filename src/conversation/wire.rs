/// What two parties send each other: the messages of RFC 6455, and the control frames that a
/// party may care about. Closing is not a message; see [`Output::Close`](super::Output::Close).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A Ping frame (RFC 6455 section 5.5.2), at most 125 bytes. The link answers the peer's by
    /// itself.
    Ping(Vec<u8>),
    /// A Pong frame (RFC 6455 section 5.5.3), at most 125 bytes.
    Pong(Vec<u8>),
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<String>) -> Self {
        Message::Text(text.into())
    }
}

/// What happened on a connection, as a recording keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireEvent {
    /// The upgrade succeeded.
    Open,
    /// A message or control frame came in.
    Received(Message),
    /// A message or control frame went out. Its stamp says when it had been written.
    Sent(Message),
    /// The conversation ended.
    Close(CloseReason),
}

/// How a connection ended, in the terms of RFC 6455 section 7.4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseReason {
    /// Whose doing it was.
    pub by: ClosedBy,
    /// The status code. As section 7.4.1 has it, 1005 stands for a Close frame without a code and
    /// 1006 for a connection that ended without a Close frame.
    pub code: u16,
    /// The reason that came with the code, often empty.
    pub reason: String,
}

impl CloseReason {
    /// The purpose has been fulfilled.
    pub const NORMAL: u16 = 1000;
    /// The endpoint goes away: a server that shuts down, a person who leaves.
    pub const GOING_AWAY: u16 = 1001;
    /// The Close frame carried no code. Never sent.
    pub const NO_STATUS: u16 = 1005;
    /// There was no Close frame. Never sent.
    pub const ABNORMAL: u16 = 1006;
    /// The peer has done what it must not.
    pub const POLICY_VIOLATION: u16 = 1008;
    /// A message is too big.
    pub const TOO_BIG: u16 = 1009;
    /// The server is overloaded, or this client too slow for it: to be tried again later
    /// (registered by IANA for RFC 6455).
    pub const TRY_AGAIN_LATER: u16 = 1013;
    /// A gateway got no good answer from the server behind it (registered by IANA for RFC 6455).
    pub const BAD_GATEWAY: u16 = 1014;

    /// Whether a Close frame may carry a code: RFC 6455 section 7.4, and the codes that IANA has
    /// registered for it since.
    pub fn may_be_sent(code: u16) -> bool {
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// What this side says in its Close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farewell {
    code: u16,
    reason: String,
}

impl Farewell {
    /// The longest reason, in bytes: a control frame carries 125, two of which are the code (RFC
    /// 6455 section 5.5).
    pub const LONGEST_REASON: usize = 123;

    /// A code of RFC 6455 section 7.4 and a reason, of which as much is said as fits.
    pub fn new(code: u16, reason: &str) -> Self {
        let mut end = reason.len().min(Self::LONGEST_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Farewell {
            code,
            reason: reason[..end].to_owned(),
        }
    }

    /// All has been said.
    pub fn normal() -> Self {
        Farewell::new(CloseReason::NORMAL, "")
    }

    /// The code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reason, often empty.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// This side sent its Close frame first.
    Us,
    /// The peer sent its Close frame first.
    Peer,
    /// Nobody did: the connection broke.
    Network,
}
