use std::sync::Arc;

use secrecy::SecretString;

use crate::conversation::Farewell;
use crate::conversation::chat::UserName;

/// A guest's place, among all of them. No number is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeatId(pub(super) u64);

/// As whom a guest may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// By any name.
    Anyone,
    /// As this user, whose ticket it had.
    User(UserName),
    /// Not before it shows a ticket.
    Wanted,
}

/// What rooms want done.
#[derive(Clone, Debug)]
pub enum RoomsOutput {
    /// This is for whoever sits there.
    Deliver(SeatId, Delivery),
    /// Whoever sits there has shown this ticket. To be answered with [`Rooms::admit`](super::Rooms::admit) or
    /// [`Rooms::refuse`](super::Rooms::refuse).
    CheckTicket(SeatId, SecretString),
}

/// What is brought to a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A text message. What goes to many is shared by them.
    Text(Arc<str>),
    /// Several: what a guest is told as it comes into a channel.
    Texts(Box<[Arc<str>]>),
    /// It is shown out with these words.
    Close(Box<Farewell>),
}
