//! Timed conversations over WebSockets.

pub mod conversation;
pub mod hackattic;
pub mod link;
pub mod recording;
pub mod server;
