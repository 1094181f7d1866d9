//! Timed conversations over WebSockets.

pub mod conversation;
pub mod link;
pub mod recording;
