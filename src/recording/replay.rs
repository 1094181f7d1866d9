use super::Recording;
use crate::conversation::challenge::{Interval, ServerMessage};
use crate::conversation::{CloseReason, ClosedBy, Message, Output, Party, Stamp, WireEvent};

/// Runs a party over the stamps of a recording, without waiting: the driver for the past. What
/// the party says now is handed to `said`, what it notices to `noticed`.
///
/// The party learns that a message was written when the recording says that one was, whatever it
/// says itself. A recording that ends early closes with its last event.
pub fn replay<P: Party>(
    recording: &Recording,
    party: &mut P,
    mut said: impl FnMut(Stamp, Message),
    mut noticed: impl FnMut(P::Event),
) {
    let mut open = true;
    let mut latest = Stamp::OPENING;
    for (at, event) in &recording.events {
        latest = *at;
        while let Some(due) = party.poll_timeout().filter(|due| due < at) {
            party.handle_timeout(due);
            drain(party, due, &mut said, &mut noticed);
            // A party whose timeout does not move is not woken forever.
            if party.poll_timeout() == Some(due) {
                break;
            }
        }
        match event {
            WireEvent::Open => party.handle_open(*at),
            WireEvent::Received(message) => party.handle_message(*at, message),
            WireEvent::Sent(message) => party.handle_written(*at, message),
            WireEvent::Close(_) => {
                party.handle_close(*at);
                open = false;
            }
        }
        drain(party, *at, &mut said, &mut noticed);
    }
    if open {
        party.handle_close(latest);
        drain(party, latest, &mut said, &mut noticed);
    }
}

fn drain<P: Party>(
    party: &mut P,
    at: Stamp,
    said: &mut impl FnMut(Stamp, Message),
    noticed: &mut impl FnMut(P::Event),
) {
    while let Some(output) = party.poll_output() {
        match output {
            Output::Send(message) => said(at, message),
            Output::Event(event) => noticed(event),
            Output::Close(_) => {}
        }
    }
}

/// What was answered in a recorded challenge, in the order of its rounds. `None` stands for a beat
/// that was not answered, or not with an interval. Beats that still came in after this side had
/// taken its leave began no rounds.
pub fn recorded_answers(recording: &Recording) -> Vec<Option<Interval>> {
    let mut answers = Vec::new();
    let mut unanswered = false;
    for (_, event) in &recording.events {
        match event {
            WireEvent::Received(Message::Text(text))
                if ServerMessage::parse(text) == ServerMessage::Ping =>
            {
                answers.push(None);
                unanswered = true;
            }
            WireEvent::Sent(Message::Text(text)) if std::mem::take(&mut unanswered) => {
                if let Some(answer) = answers.last_mut() {
                    *answer = text.parse().ok();
                }
            }
            WireEvent::Close(CloseReason {
                by: ClosedBy::Us, ..
            }) => {
                let answered = answers.iter().rposition(Option::is_some);
                answers.truncate(answered.map_or(0, |last| last + 1));
            }
            _ => {}
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::challenge::{Beat, Host, HostEvent, Player, PlayerEvent, Standing};
    use std::time::Duration;

    const RECORDED: &str = r#"{"type":"recording","version":1,"conversation":"challenge","url":"ws://h/…","started_at":"2026-11-20T12:00:00Z"}
{"at_ns":0,"type":"open"}
{"at_ns":900000,"type":"received","kind":"text","text":"hello! start"}
{"at_ns":700123456,"type":"received","kind":"text","text":"ping!"}
{"at_ns":700210000,"type":"sent","kind":"text","text":"700"}
{"at_ns":701000000,"type":"received","kind":"text","text":"good!"}
{"at_ns":2199000000,"type":"received","kind":"text","text":"ping!"}
{"at_ns":2199100000,"type":"sent","kind":"text","text":"2000"}
{"at_ns":2200000000,"type":"received","kind":"text","text":"ouch! sorry"}
{"at_ns":2300000000,"type":"received","kind":"text","text":"ping!"}
"#;

    fn recording() -> Recording {
        Recording::read(RECORDED.as_bytes()).unwrap()
    }

    #[test]
    fn the_past_is_answered_again_to_the_same_stamps() {
        let mut player = Player::default();
        let (mut said, mut beats) = (Vec::new(), Vec::new());
        replay(
            &recording(),
            &mut player,
            |at, message| said.push((at.as_nanos(), message)),
            |event| {
                if let PlayerEvent::Beat(beat) = event {
                    beats.push(beat);
                }
            },
        );
        let expected = [(700_123_456, "700"), (2_199_000_000, "1500")];
        assert_eq!(said, expected.map(|(at, text)| (at, Message::text(text))));
        let took = |beat: &Beat| beat.answered_in.map(|took| took.as_nanos());
        assert_eq!(
            beats.iter().map(took).collect::<Vec<_>>(),
            [Some(86_544), Some(100_000)]
        );
        assert!(matches!(player.standing(), Standing::Lost { .. }));
        assert_eq!(
            recorded_answers(&recording()),
            [Some(Interval::Ms700), Some(Interval::Ms2000), None]
        );
    }

    #[test]
    fn beats_after_the_leave_are_no_rounds() {
        let text = format!(
            "{RECORDED}{}\n",
            r#"{"at_ns":2400000000,"type":"close","by":"us","code":1000,"reason":""}"#
        );
        let recording = Recording::read(text.as_bytes()).unwrap();
        assert_eq!(recorded_answers(&recording).len(), 2);
    }

    #[test]
    fn a_party_with_timeouts_is_woken_between_the_events() {
        // A host that hears nothing it can use: its beats fall due between the recorded events.
        let mut host = Host::new(vec![Interval::Ms700, Interval::Ms700], "x");
        let mut said = Vec::new();
        let mut noticed = Vec::new();
        replay(
            &recording(),
            &mut host,
            |at, message| said.push((at.since_opening(), message)),
            |event: HostEvent| noticed.push(event),
        );
        assert_eq!(
            said[1],
            (Duration::from_millis(700), Message::text("ping!"))
        );
        assert!(said[2].1 != Message::text("ping!"), "{said:?}");
    }
}
