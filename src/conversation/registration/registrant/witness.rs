use std::convert::Infallible;

use super::RegistrantEvent;
use super::listener::{Listener, Notice};
use crate::conversation::registration::{
    Challenge, PublicKey, RegistrantMessage, Rejection, Response,
};
use crate::conversation::{Message, Output, Party, Stamp};

/// The party that stands by while a recorded registration is replayed, and notices what the
/// registrant noticed.
///
/// It says nothing, and has no private key to say it with. That each answer proves what it is to
/// prove it [finds out anew](RegistrantEvent::Unproven), from the challenge and the public key in it.
/// Both it and a [`Registrant`](super::Registrant) leave it to the same listener to make sense of
/// what was said.
#[derive(Debug, Default)]
pub struct Witness {
    listener: Listener,
    /// What it noticed of what was sent.
    unproven: Option<RegistrantEvent>,
}

impl Witness {
    /// A witness that knows which server was dialled, and so which challenges are
    /// [foreign](RegistrantEvent::Foreign). To any other, only what is no challenge is.
    pub fn of_host(host: impl Into<String>) -> Self {
        Witness {
            listener: Listener::new(Some(host.into())),
            unproven: None,
        }
    }
}

/// Whether an answer proves that whoever gave it has the key.
fn examine(
    challenge: Option<&Challenge>,
    public_key: &str,
    response: &str,
) -> Result<(), Rejection> {
    let challenge = challenge.ok_or(Rejection::Unasked)?;
    let key: PublicKey = public_key.parse().map_err(Rejection::KeyText)?;
    let response: Response = response.parse().map_err(Rejection::ResponseText)?;
    Ok(key.verify(challenge, &response)?)
}

impl Party for Witness {
    type Event = RegistrantEvent;
    type Cue = Infallible;

    fn handle_open(&mut self, _at: Stamp) {}

    fn handle_message(&mut self, at: Stamp, message: &Message) {
        self.listener.hear(at, message);
    }

    fn handle_timeout(&mut self, _at: Stamp) {}

    fn handle_written(&mut self, at: Stamp, message: &Message) {
        let Message::Text(text) = message else {
            return;
        };
        let Ok(message) = RegistrantMessage::parse(text) else {
            return;
        };
        if let RegistrantMessage::Answer {
            public_key,
            response,
        } = &message
            && let Err(why) = examine(self.listener.challenge.as_ref(), public_key, response)
        {
            self.unproven = Some(RegistrantEvent::Unproven { at, why });
        }
        self.listener.sent(message);
    }

    fn poll_output(&mut self) -> Option<Output<RegistrantEvent>> {
        if let Some(event) = self.unproven.take() {
            return Some(Output::Event(event));
        }
        loop {
            // What was done about any other notice then is in the recording.
            if let Notice::Event(event) = self.listener.poll_notice()? {
                return Some(Output::Event(event));
            }
        }
    }

    fn poll_timeout(&self) -> Option<Stamp> {
        None
    }
}
