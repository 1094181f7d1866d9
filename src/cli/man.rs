use std::io::{self, Write};

use clap_mangen::Man;

/// What the options do not tell.
const CODA: &str = r#".SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
the conversation was lost: a missed beat, or a rejected secret; in a chat or a registration, a name
or a line was refused, or the server has thrown the client out
.TP
.B 2
wrong usage, or a file that makes no sense
.TP
.B 3
credentials refused, or a registration rejected
.TP
.B 4
unreachable, or the connection was lost
.TP
.B 5
the peer broke the protocol, or wanted signed what names another host
.TP
.B 130
interrupted
.SH ENVIRONMENT
.TP
.B HACKATTIC_ACCESS_TOKEN
the access token; also read from a .env file
.TP
.B RUST_LOG
what to log on standard error, such as wsbeat=debug; also read from a .env file
.TP
.B NO_COLOR
turns colours off
.TP
.B HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY
the proxies for wss:// and https:// addresses, for ws:// and http:// ones, and for either, and the
hosts that are reached without; also in lower case
.TP
.B SSL_CERT_FILE, SSL_CERT_DIR
certificate authorities in place of the system's
"#;

/// The manual page: one for the program and all of its commands.
///
/// # Errors
///
/// When it cannot be written to memory, which does not happen.
pub(super) fn page(mut program: clap::Command) -> io::Result<Vec<u8>> {
    program.build();
    let mut page = Vec::new();
    let man = Man::new(program.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    for command in program.get_subcommands() {
        if command.get_name() == "help" {
            continue;
        }
        writeln!(page, ".SH COMMAND: {}", command.get_name().to_uppercase())?;
        let section = Man::new(command.clone());
        let mut text = Vec::new();
        section.render_synopsis_section(&mut text)?;
        section.render_description_section(&mut text)?;
        section.render_options_section(&mut text)?;
        // Within a command, what would be sections are subsections.
        let text = String::from_utf8_lossy(&text).replace(".SH ", ".SS ");
        page.write_all(text.as_bytes())?;
    }
    page.write_all(CODA.as_bytes())?;
    Ok(page)
}
