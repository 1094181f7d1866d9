//! The timing game, as the server holds it.

use std::sync::Arc;

use super::game::Deal;
use super::hub::{Hub, Peer};
use super::visit::Visit;
use super::{Held, HeldResult};
use crate::conversation::challenge::{Host, HostEvent};
use crate::conversation::{Stamp, WireEvent};
use crate::link::{Observer, Precision};

/// Whether a one-time token lets its bearer play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    Yes,
    No,
}

/// Hosts a game, or tells a client that its token is not good.
pub(super) async fn host(hub: Arc<Hub>, visit: Visit, peer: Peer, admitted: Admitted) {
    let Some(opened) = visit.opened().await else {
        return;
    };
    let (number, party, result) = match admitted {
        Admitted::Yes => {
            let number = hub.next_number();
            let Deal { intervals, secret } = hub.game.deal(number);
            // Before it is told, since its solution may be quicker than our account of having told
            // it.
            hub.admission().remember(secret.clone());
            (
                Some(number),
                Host::new(intervals, secret),
                HeldResult::BrokenOff,
            )
        }
        Admitted::No => (None, Host::refusing(), HeldResult::Refused),
    };
    let mut held = Held {
        number,
        peer: peer.remote,
        rounds: 0,
        result,
        beat_delays: Vec::new(),
    };
    opened.hold(party, &mut held, Precision::Microsecond).await;
    tracing::debug!(number, peer = %peer.remote, ?held.result, "challenge over");
    (hub.on_held)(held);
}

/// Keeps account of a conversation as it goes.
impl Observer<HostEvent> for Held {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, event: HostEvent) {
        match event {
            HostEvent::Beat { due, written, .. } => {
                self.rounds += 1;
                self.beat_delays.push(written.since(due));
            }
            HostEvent::Won { .. } => self.result = HeldResult::Won,
            HostEvent::Lost { cause, .. } => self.result = HeldResult::Lost(cause),
            HostEvent::Answered { .. } | HostEvent::Noted { .. } => {}
        }
    }
}
