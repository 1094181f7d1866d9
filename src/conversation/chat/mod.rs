//! A chat: people in channels, who have names, and hear each other.
//!
//! A [`Guest`] is the party that talks to a chat server for one person, and a [`Witness`] tells what
//! one heard, from a recording. The other side of it is not one party but many conversations that
//! share something: [`Rooms`] holds every channel of a server and everyone in them, and is as pure
//! as a party. Between it and each connection stands a [`Seat`], the party that passes on what is
//! said there.
//!
//! [`GuestMessage`] and [`RoomMessage`] are what the two sides can say.

mod guest;
mod message;
mod name;
mod rooms;
mod seat;

pub use super::Rate;
pub use guest::{
    Guest, GuestCue, GuestEvent, GuestSettings, Heard, Hearing, Memory, NextName, Request, Roster,
    Witness,
};
pub use message::{ErrorCode, GuestMessage, MessageError, RoomMessage};
pub use name::{ChannelName, NameError, UserName};
pub use rooms::{Delivery, Pass, RATES_PER_SITE, Rooms, RoomsOutput, RoomsSettings, SeatId};
pub use seat::{Seat, SeatEvent};

/// How many messages of a channel, the newest, whoever enters it is told.
pub const HISTORY: usize = 50;
