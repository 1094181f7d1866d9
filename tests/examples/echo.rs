//! A client that sends every message back, until the server closes: `cargo run --example echo -- URL`.
//!
//! The whole of what a program needs of the library to talk over a WebSocket: an address, a dialer, a
//! party, and somebody who is told what happens. It prints the text messages that came.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context;
use wsbeat::conversation::latency::Echo;
use wsbeat::conversation::{Message, Stamp, WireEvent};
use wsbeat::link::{
    Address, Dialer, Limits, Observer, Printable, Stop, Trust, client_config, drive,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).context("which URL?")?;
    let address: Address = url.parse()?;
    let dialer = Dialer::new(Duration::from_secs(10), client_config(&Trust::default())?);
    let dialed = dialer.dial(&address).await?;
    let (_stopper, mut stop) = Stop::channel();
    let ending = drive(
        dialed.connection,
        &mut Echo::new(),
        &mut Printing,
        Limits::default(),
        &mut stop,
    )
    .await;
    eprintln!("closed: {:?}", ending.close);
    Ok(())
}

/// Prints what comes.
struct Printing;

impl Observer<Infallible> for Printing {
    fn wire(&mut self, _at: Stamp, event: &WireEvent) {
        if let WireEvent::Received(Message::Text(text)) = event {
            println!("{}", Printable(text));
        }
    }

    fn event(&mut self, event: Infallible) {
        match event {}
    }
}
