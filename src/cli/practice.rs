use tokio::task::JoinHandle;

use super::failure::{Failure, Kind};
use crate::hackattic::Site;
use crate::link::{Stop, StopReason, Stopper};
use crate::server::{Server, Settings};

/// The practice server, on loopback, inside this program.
pub(super) struct Practice {
    pub(super) site: Site,
    stopper: Stopper,
    serving: JoinHandle<()>,
}

impl Practice {
    pub(super) async fn start(settings: Settings) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Kind::Unreachable.because(format_args!("starting the practice server: {error}"))
        };
        let server = Server::bind(settings)
            .await
            .map_err(|error| failed(&error))?;
        let address = server.address().map_err(|error| failed(&error))?;
        let site = format!("http://{address}");
        let (stopper, stop) = Stop::channel();
        Ok(Practice {
            site: site.parse().map_err(|error| failed(&error))?,
            stopper,
            serving: tokio::spawn(server.run(stop, |_held| {})),
        })
    }

    pub(super) async fn end(self) {
        self.stopper.stop(StopReason::Shutdown);
        if let Err(error) = self.serving.await {
            tracing::warn!(%error, "the practice server failed");
        }
    }
}
