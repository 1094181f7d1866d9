//! Asks a person on a terminal for something that nobody is to see.

use std::io::{self, Read, Write};

use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use secrecy::SecretString;

use super::Context;
use super::failure::{Failure, Kind};
use super::stopping::{Keyboard, aside_unless_stopped};

/// What a terminal in raw mode makes of Ctrl-C.
const CTRL_C: u8 = 3;

/// A terminal that does not show what is typed, until this is dropped.
///
/// It is dropped by whoever waits, not by the thread that reads: nothing gets that one out of its
/// read when a signal comes.
pub(super) struct Unseen(());

impl Unseen {
    /// Takes the terminal on standard input into raw mode: there is no echo, and Ctrl-C is a key.
    pub(super) fn new() -> Result<Self, Failure> {
        enable_raw_mode().map_err(|error| {
            Kind::Usage.because(format_args!(
                "keeping the terminal from showing what is typed: {error}"
            ))
        })?;
        Ok(Unseen(()))
    }

    /// Asks, on standard error, and waits for a line on standard input.
    pub(super) async fn ask(
        &self,
        question: &str,
        context: &mut Context<'_>,
    ) -> Result<SecretString, Failure> {
        let failed =
            |error: io::Error| Kind::Usage.because(format_args!("reading a password: {error}"));
        write(question).map_err(failed)?;
        let keys = Keys(context.keyboard.clone());
        let read = || {
            let settings = rpassword::ConfigBuilder::new()
                .input_reader(keys)
                .output_discard()
                .build();
            rpassword::read_password_with_config(settings).map(SecretString::from)
        };
        let typed = aside_unless_stopped(&mut context.stop, read).await;
        // The key that ended the line did not end it on the screen.
        let _ = write("\r\n");
        match typed? {
            Ok(typed) => Ok(typed),
            // Ctrl-C, which has been passed on, and is on its way back as a stop.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                Err(context.stop.requested().await.into())
            }
            // Ctrl-D on an empty line.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Kind::Usage.because("no password was typed"))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // A terminal that is gone needs no care.
        let _ = disable_raw_mode();
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()
}

/// Standard input, one key after another.
struct Keys(Keyboard);

impl Read for Keys {
    /// `Interrupted` is Ctrl-C, and nothing else.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            match io::stdin().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if buffer[..read].contains(&CTRL_C) {
            self.0.interrupt();
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(read)
    }
}
