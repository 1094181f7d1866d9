//! Timed conversations over WebSockets.
//!
//! The library behind the `wsbeat` command. Its parts, and who knows whom:
//!
//! | module | what it is for | knows |
//! | --- | --- | --- |
//! | [`conversation`] | what is said, and when: parties without sockets, clocks or chance | nobody |
//! | [`link`] | runs a party over a real WebSocket, at either end; reads the clock | `conversation` |
//! | [`recording`] | a conversation on disk: written, read, replayed | `conversation` |
//! | [`simulation`] | two parties across a modelled network, in virtual time | `conversation`, `recording` |
//! | [`http`] | HTTP calls, over connections such as the link makes | `link` |
//! | [`hackattic`] | the two HTTP calls around the challenge | `conversation`, `link`, `http` |
//! | [`tickets`] | the HTTP call before a chat: a ticket for a password | `link`, `http` |
//! | [`report`] | what people and scripts read | `conversation`, `link`, `simulation` |
//! | [`server`] | the local server: the practice game, an echo, the chat, the registration, the page | `conversation`, `link`, `simulation`, `report` |
//! | [`cli`] | the commands | all of them |
//!
//! Start with [`conversation::Party`], the idea that the rest is built around, then read
//! [`link::drive`], which runs one.

pub mod cli;
pub mod conversation;
pub mod hackattic;
pub mod http;
pub mod link;
pub mod recording;
pub mod report;
pub mod server;
pub mod simulation;
pub mod tickets;
