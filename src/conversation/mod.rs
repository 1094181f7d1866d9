//! What is said, and when. Pure: nothing in here owns a socket, reads a clock or draws a random
//! number, and nothing in here knows another module of this crate.
//!
//! A conversation is held by two [parties](Party). Each is told what happened and at which
//! [`Stamp`], and says what to send, what it noticed, and when it wants to be woken. Whatever can
//! make these calls is a *driver*: the link runs a party over a real socket, the replay runs one
//! over the stamps of a recording, and tests run two of them against each other in virtual time.
//!
//! The conversations themselves are submodules: [`challenge`] is the timing game, [`latency`] measures
//! round trips, [`chat`] is for people, [`registration`] for whoever has a key to show for.

pub mod challenge;
pub mod chat;
pub mod latency;
mod pace;
mod reading;
pub mod registration;
mod sentence;
mod site;
mod stamp;
mod visible;
mod wire;

pub use pace::{Budgets, Rate};
pub use reading::{json_fault, without_byte_order_mark};
pub use site::Site;
pub use stamp::Stamp;
pub(crate) use visible::is_deceptive;
pub use wire::{CloseReason, ClosedBy, Farewell, Message, WireEvent};

/// One side of a conversation.
///
/// # The drive contract
///
/// - [`handle_open`](Party::handle_open) comes first and once; stamps never decrease after it.
/// - After **every** `handle_*` call the driver calls [`poll_output`](Party::poll_output) until it
///   returns `None`, and performs the outputs in the order in which they came.
/// - Each time a message has left, the driver calls [`handle_written`](Party::handle_written)
///   before it polls for the next output. (The replay of a recording sends nothing; it makes this
///   call for every message that was sent then.)
/// - When the stamp that [`poll_timeout`](Party::poll_timeout) names has passed, the driver calls
///   [`handle_timeout`](Party::handle_timeout). The stamp may change after every `handle_*` call,
///   so the driver asks anew each time. A call that comes early does nothing.
/// - What is said to the party from beside the connection reaches it through
///   [`handle_cue`](Party::handle_cue), in order, at the stamp at which the driver took it up.
/// - After [`Output::Close`] the party sends nothing more. What the peer had under way is still
///   delivered, until its side of the closing handshake arrives, unless a stop or a limit ended the
///   conversation.
/// - When the driver ends the conversation, because of the peer, the network, a limit or a stop,
///   what the party still wants to send is dropped, and not reported as written.
/// - [`handle_close`](Party::handle_close) comes last and once; of its outputs only events count.
///
/// A party never panics, whatever it is told and in whichever order.
pub trait Party {
    /// What this party notices about the conversation.
    type Event;

    /// What can be said to this party from beside the connection: by a person at a keyboard, or by
    /// what it shares with other parties. [`Infallible`](std::convert::Infallible) for nothing.
    type Cue;

    /// The connection is open; time counts from here.
    fn handle_open(&mut self, at: Stamp);

    /// A message arrived.
    fn handle_message(&mut self, at: Stamp, message: &Message);

    /// The time asked for with [`poll_timeout`](Party::poll_timeout) has come.
    fn handle_timeout(&mut self, at: Stamp);

    /// Somebody beside the connection says something.
    fn handle_cue(&mut self, at: Stamp, cue: Self::Cue) {
        let _ = (at, cue);
    }

    /// A message that this party sent has been handed to the network, whole. `at` is when the
    /// write ended, not when the message was queued.
    fn handle_written(&mut self, at: Stamp, message: &Message) {
        let _ = (at, message);
    }

    /// The connection is gone, whoever ended it.
    fn handle_close(&mut self, at: Stamp) {
        let _ = at;
    }

    /// The next thing to do, or `None` when there is nothing left to do for now.
    fn poll_output(&mut self) -> Option<Output<Self::Event>>;

    /// When this party wants to be woken, if at all.
    fn poll_timeout(&self) -> Option<Stamp>;

    /// Whether a message holds a secret, and must not be found in any log.
    fn is_confidential(&self, message: &Message) -> bool {
        let _ = message;
        false
    }
}

/// What a party wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output<E> {
    /// Send this message to the peer.
    Send(Message),
    /// Tell whoever listens.
    Event(E),
    /// Begin the closing handshake with these words: this party has nothing more to say.
    Close(Farewell),
}
