//! The HTTP call before a chat: a ticket, good for one connection, for a user's password.
//!
//! It is apart from the link, which speaks WebSocket, and from [`hackattic`](crate::hackattic), whose
//! tokens are another site's affair; what it has in common with the latter is in
//! [`http`](crate::http). The other end of the call is in [`server`](crate::server).

mod fetch;

pub use fetch::{TICKET_PATH, TicketCallCause, TicketCallError, fetch_ticket};
