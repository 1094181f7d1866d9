//! The `wsbeat` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    wsbeat::cli::run(std::env::args_os())
}
