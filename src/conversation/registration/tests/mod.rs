//! Registrars and registrants in virtual time: each against single words of the other, against any
//! words at all, and both with a house between them that passes on what is said.

mod any_registrant;
mod any_registrar;
mod attacks;
mod counter;
mod desk;
mod forgery;
mod house;
mod keys;
mod messages;
mod pairs;
mod registrant;
mod registrar;
mod witness;

use std::time::Duration;

use super::*;
use crate::conversation::{Message, Stamp};
use counter::Counter;
use desk::Desk;
use house::House;

const HOST: &str = "pond.example:8080";

fn pair(number: u8) -> KeyPair {
    KeyPair::from_seed([number; 32])
}

fn secs(seconds: u64) -> Stamp {
    millis(seconds * 1000)
}

fn millis(millis: u64) -> Stamp {
    Stamp::after_opening(Duration::from_millis(millis))
}

/// A challenge of a host, with a nonce that is told by its number.
fn challenge(host: &str, number: u8) -> String {
    Challenge::new(host, Nonce::new([number; 32])).to_string()
}

/// What the signature of a challenge is, as it is written.
fn signed(pair: &KeyPair, challenge: &str) -> String {
    pair.sign(&challenge.parse().unwrap()).to_string()
}

fn answer(pair: &KeyPair, challenge: &str) -> RegistrantMessage {
    RegistrantMessage::Answer {
        public_key: pair.public_key().to_string(),
        response: signed(pair, challenge),
    }
}

fn line(text: &str) -> Line {
    Line {
        text: text.to_owned(),
        to: None,
    }
}

fn text(text: &str) -> RegistrantMessage {
    RegistrantMessage::Text {
        text: text.to_owned(),
        to: None,
    }
}

fn heard(from: &KeyPair, text: &str) -> RegistrarMessage {
    RegistrarMessage::Text {
        from: from.public_key(),
        text: text.to_owned(),
        timestamp: 1_652_997_756,
    }
}

fn error(code: ErrorCode, retry_after: Option<Duration>) -> RegistrarMessage {
    RegistrarMessage::Error {
        code,
        message: "no".to_owned(),
        retry_after,
    }
}
