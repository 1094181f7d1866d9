use url::Url;

use super::Recording;
use crate::conversation::registration::{
    Challenge, PublicKey, RegistrantMessage, RegistrarMessage,
};
use crate::conversation::{Message, WireEvent};

/// Who has signed in a recorded registration, and for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signatory {
    /// The server that was dialled, as its challenges name it. `None` if that cannot be told.
    pub host: Option<String>,
    /// The key. `None` if nothing was signed.
    pub key: Option<PublicKey>,
}

/// Finds out who has signed in a recorded registration: what was answered tells. The host is that of
/// the challenge which was answered first, since it may have been asked for by another name than that
/// in the URL; if none was answered, that in the URL.
pub fn recorded_signatory(recording: &Recording) -> Signatory {
    let mut challenge: Option<Challenge> = None;
    for (_, event) in &recording.events {
        match event {
            WireEvent::Received(Message::Text(text)) => {
                if let Ok(
                    RegistrarMessage::Challenge { challenge: text }
                    | RegistrarMessage::Rejected {
                        challenge: text, ..
                    },
                ) = RegistrarMessage::parse(text)
                {
                    challenge = text.parse().ok().or(challenge);
                }
            }
            WireEvent::Sent(Message::Text(text)) => {
                if let Ok(RegistrantMessage::Answer { public_key, .. }) =
                    RegistrantMessage::parse(text)
                {
                    return Signatory {
                        host: challenge.map(|it| it.host().to_owned()),
                        key: public_key.parse().ok(),
                    };
                }
            }
            _ => {}
        }
    }
    Signatory {
        host: host_of(&recording.header.url),
        key: None,
    }
}

/// The `Host` header for a URL (RFC 6455 section 4.1, item 4).
fn host_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(match url.port() {
        None => host.to_owned(),
        Some(port) => format!("{host}:{port}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Stamp;
    use crate::conversation::registration::{KeyPair, Nonce};
    use crate::recording::{Conversation, Header, VERSION};

    fn recording(url: &str, events: Vec<WireEvent>) -> Recording {
        let at = |event| (Stamp::OPENING, event);
        Recording {
            header: Header {
                version: VERSION,
                conversation: Conversation::Registration,
                url: url.to_owned(),
                started_at: String::new(),
            },
            events: [WireEvent::Open]
                .into_iter()
                .chain(events)
                .map(at)
                .collect(),
            cut: None,
        }
    }

    fn asked(host: &str) -> WireEvent {
        let challenge = Challenge::new(host, Nonce::new([7; 32])).to_string();
        let message = RegistrarMessage::Challenge { challenge };
        WireEvent::Received(Message::Text(message.to_string()))
    }

    #[test]
    fn the_answer_tells_whose_it_is_and_for_whom() {
        let pair = KeyPair::from_seed([1; 32]);
        let answer = RegistrantMessage::Answer {
            public_key: pair.public_key().to_string(),
            response: String::new(),
        };
        let answer = WireEvent::Sent(Message::Text(answer.to_string()));
        let events = vec![
            WireEvent::Received(Message::text("good day")),
            asked("pond.test"),
            answer.clone(),
            asked("elsewhere.test"),
        ];
        let found = recorded_signatory(&recording("ws://127.0.0.1:9/register", events));
        assert_eq!(found.host.as_deref(), Some("pond.test"));
        assert_eq!(found.key, Some(pair.public_key()));
        let unasked = recorded_signatory(&recording("ws://127.0.0.1:9/register", vec![answer]));
        assert_eq!((unasked.host, unasked.key), (None, Some(pair.public_key())));
    }

    #[test]
    fn without_an_answer_the_url_tells_the_host() {
        for (url, host) in [
            ("ws://127.0.0.1:9/register", Some("127.0.0.1:9")),
            ("wss://pond.test/register?…", Some("pond.test")),
            ("ws://[::1]:9/", Some("[::1]:9")),
            ("nonsense", None),
        ] {
            let found = recorded_signatory(&recording(url, vec![asked("elsewhere.test")]));
            assert_eq!((found.host.as_deref(), found.key), (host, None), "{url}");
        }
    }
}
