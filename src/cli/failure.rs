mod calls;

use std::fmt;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use reqwest::StatusCode;

use crate::conversation::CloseReason;
use crate::link::{
    CertificateRefused, DialError, Encryption, EndCause, Ending, Phase, Printable, Refusal,
    RefusalReason, StopReason, TunnelError, is_client_certificate_wanted, is_hung_up,
};
use crate::report::{ErrorItem, Outcome};

/// What a command fails with: a kind that scripts can act on, and a cause for people.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    prospect: Prospect,
    /// How long the peer wants to be left alone.
    wait: Option<Duration>,
    cause: anyhow::Error,
}

/// What another try promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prospect {
    /// The same again.
    Hopeless,
    /// Better luck.
    Hopeful,
}

/// The kinds of failure, one for each thing that a person would do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The arguments or the files they name make no sense.
    Usage,
    /// A recording cannot be read, or not be written.
    Recording,
    /// A picture cannot be drawn or written.
    Picture,
    /// A token, a ticket, a password or the credentials for a proxy were refused, or are missing.
    Credentials,
    /// There was no connection.
    Unreachable,
    /// The connection ended before the conversation did.
    Dropped,
    /// Nothing came for too long.
    Silent,
    /// The time for the whole run was up.
    Deadline,
    /// The peer said what it must not.
    Protocol,
    /// The server said `ouch!`.
    Lost,
    /// Pings were sent, and no pong came at all.
    Unanswered,
    /// The solution was rejected.
    Rejected,
    /// The name is somebody else's, or none.
    Name,
    /// Lines were refused.
    Refused,
    /// The server has thrown the client out.
    Policy,
    /// A person stopped it.
    Interrupted,
    /// Standard output cannot be written, or the like.
    Internal,
}

impl Kind {
    /// The name of the kind in the JSON output.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Usage => "usage",
            Kind::Recording => "recording",
            Kind::Picture => "picture",
            Kind::Credentials => "credentials",
            Kind::Unreachable => "unreachable",
            Kind::Dropped => "dropped",
            Kind::Silent => "silent",
            Kind::Deadline => "deadline",
            Kind::Protocol => "protocol",
            Kind::Lost => "lost",
            Kind::Unanswered => "unanswered",
            Kind::Rejected => "rejected",
            Kind::Name => "name",
            Kind::Refused => "refused",
            Kind::Policy => "policy",
            Kind::Interrupted => "interrupted",
            Kind::Internal => "internal",
        }
    }

    /// The exit code, as the README lists them.
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Kind::Lost
            | Kind::Unanswered
            | Kind::Rejected
            | Kind::Name
            | Kind::Refused
            | Kind::Policy
            | Kind::Internal => 1,
            Kind::Usage | Kind::Recording | Kind::Picture => 2,
            Kind::Credentials => 3,
            Kind::Unreachable | Kind::Dropped | Kind::Silent | Kind::Deadline => 4,
            Kind::Protocol => 5,
            Kind::Interrupted => 130,
        })
    }

    /// What a run came to that failed so.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Kind::Lost | Kind::Unanswered => Outcome::Lost,
            Kind::Rejected => Outcome::Rejected,
            Kind::Interrupted => Outcome::Interrupted,
            _ => Outcome::Failed,
        }
    }

    /// A failure of this kind.
    pub(super) fn because(self, cause: impl fmt::Display) -> Failure {
        let prospect = match self {
            Kind::Lost | Kind::Dropped | Kind::Silent | Kind::Unreachable => Prospect::Hopeful,
            _ => Prospect::Hopeless,
        };
        Failure {
            kind: self,
            prospect,
            wait: None,
            cause: anyhow::anyhow!("{cause}"),
        }
    }
}

impl Failure {
    /// Whether the same conversation may go better on another try.
    pub(super) fn is_worth_another_try(&self) -> bool {
        self.prospect == Prospect::Hopeful
    }

    /// The same failure, knowing what another try promises.
    pub(super) fn with_another_try_worth_it(mut self, worth_it: bool) -> Self {
        self.prospect = if worth_it {
            Prospect::Hopeful
        } else {
            Prospect::Hopeless
        };
        self
    }

    /// The same failure of a peer that wants to be left alone for this long, if it says so.
    pub(super) fn with_wait(self, wait: Option<Duration>) -> Self {
        Failure { wait, ..self }
    }

    /// How long the peer wants to be left alone; zero if it does not say.
    pub(super) fn wait(&self) -> Duration {
        self.wait.unwrap_or_default()
    }

    /// The failure, for reporting.
    pub(super) fn item(&self) -> ErrorItem {
        ErrorItem {
            kind: self.kind.as_str(),
            message: self.to_string(),
            attempt: None,
            retry_in_ms: None,
            recording: None,
            target: None,
        }
    }

    /// A run that was stopped at this point.
    pub(super) fn stopped(reason: StopReason, at_what_point: &str) -> Self {
        match reason {
            StopReason::Interrupted | StopReason::Shutdown => {
                Kind::Interrupted.because(format_args!("interrupted{at_what_point}"))
            }
            StopReason::Deadline => Kind::Deadline.because(format_args!(
                "the time that --deadline allows for the run was up{at_what_point}"
            )),
        }
    }

    /// How a conversation ended otherwise than it should have; `after` says at which point, and
    /// `but` what a farewell left open.
    pub(super) fn ended(ending: &Ending, after: &str, but: &str) -> Self {
        match &ending.cause {
            EndCause::Stopped(reason) => Failure::stopped(*reason, &format!(" {after}")),
            EndCause::Idle(limit) => Kind::Silent.because(format_args!(
                "no message for {limit:?} {after}; --idle-timeout waits longer"
            )),
            EndCause::Lost(error) => {
                Kind::Dropped.because(format_args!("the connection was lost {after}: {error}"))
            }
            EndCause::Violated(violation) => Kind::Protocol.because(format_args!(
                "the server broke the WebSocket protocol {after}: {violation}"
            )),
            EndCause::PeerClosed | EndCause::Done | EndCause::Overrun => {
                let CloseReason { code, reason, .. } = &ending.close;
                let mut close = match *code {
                    CloseReason::NO_STATUS => "without a code".to_owned(),
                    code => format!("with code {code}"),
                };
                if !reason.is_empty() {
                    // Writing to a string does not fail.
                    let _ = write!(close, " and the reason \"{}\"", Printable(reason));
                }
                Kind::Dropped.because(format_args!(
                    "the server closed the connection {after}, {close}{but}"
                ))
            }
        }
    }

    /// What was being done when it failed.
    pub(super) fn context(self, doing: impl fmt::Display) -> Self {
        Failure {
            cause: self.cause.context(doing.to_string()),
            ..self
        }
    }
}

impl fmt::Display for Failure {
    /// The cause and what led to it, in one line, and without the operating system's numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:#}", self.cause);
        let mut rest = text.as_str();
        while let Some((before, number)) = rest.split_once(" (os error ") {
            f.write_str(before)?;
            rest = number.split_once(')').map_or("", |(_, after)| after);
        }
        f.write_str(rest)
    }
}

impl std::error::Error for Failure {}

impl From<StopReason> for Failure {
    fn from(reason: StopReason) -> Self {
        Failure::stopped(reason, "")
    }
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        let kind = match &error {
            DialError::Refused { refusal, .. } => match refusal.status().as_u16() {
                401 | 403 => Kind::Credentials,
                // An answer that is neither a WebSocket nor an error is no WebSocket server's.
                ..=399 => Kind::Protocol,
                _ => Kind::Unreachable,
            },
            DialError::Handshake { .. } | DialError::NoHttp { .. } => Kind::Protocol,
            DialError::Proxy { .. } => Kind::Usage,
            DialError::Tunnel { source, .. } => match source {
                TunnelError::Refused(refusal) if wants_credentials(refusal) => Kind::Credentials,
                TunnelError::Wrong(_) => Kind::Protocol,
                TunnelError::Refused(_) | TunnelError::Dropped(_) => Kind::Unreachable,
            },
            _ => Kind::Unreachable,
        };
        let refusal = match &error {
            DialError::Refused { refusal, .. }
            | DialError::Tunnel {
                source: TunnelError::Refused(refusal),
                ..
            } => Some(&**refusal),
            _ => None,
        };
        let wait = refusal.and_then(Refusal::retry_after);
        let worth_it = match &error {
            DialError::Refused { .. }
            | DialError::Tunnel {
                source: TunnelError::Refused(_),
                ..
            } => refusal.is_some_and(|refusal| {
                let status = refusal.status();
                status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
            }),
            DialError::Handshake { .. }
            | DialError::NoHttp { .. }
            | DialError::NoTls { .. }
            | DialError::Certificate { .. }
            | DialError::Proxy { .. }
            | DialError::Tunnel {
                source: TunnelError::Wrong(_),
                ..
            } => false,
            // Without an alert it may have ended for another reason.
            DialError::ClientCertificate { source, .. } => {
                !is_client_certificate_wanted(source, true)
            }
            _ => true,
        };
        let advice = match &error {
            DialError::Proxy { .. } => "",
            DialError::Certificate { refused, .. } => advice_on(refused),
            DialError::ClientCertificate { .. } => CLIENT_CERTIFICATE,
            DialError::NoTls { .. } => "; does the address begin with ws:// rather than wss://?",
            DialError::NoHttp {
                encryption: Encryption::None,
                ..
            }
            | DialError::Dropped {
                encryption: Encryption::None,
                ..
            } => "; is the address right, or does it begin with wss:// rather than ws://?",
            DialError::Tls { source, .. } if is_hung_up(source) => {
                "; does the server speak TLS there?"
            }
            DialError::Tunnel {
                source: TunnelError::Refused(refusal),
                ..
            } if wants_credentials(refusal) => PROXY_CREDENTIALS,
            error => match error.phase() {
                Phase::Dns | Phase::Tcp => "; is the address right, and is the server up?",
                Phase::Proxy => "; NO_PROXY lists hosts that are reached without a proxy",
                Phase::Tls | Phase::Upgrade => "",
            },
        };
        kind.because(format_args!("{error}{advice}"))
            .with_another_try_worth_it(worth_it)
            .with_wait(wait)
    }
}

/// What to do about a proxy that wants credentials.
const PROXY_CREDENTIALS: &str =
    "; its credentials are a part of its URL, in the environment: http://USER:PASSWORD@HOST:PORT";

fn wants_credentials(refusal: &Refusal) -> bool {
    refusal.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
}

/// What to do about a server that wants a client certificate.
const CLIENT_CERTIFICATE: &str =
    "; a tunnel that shows one to the server, such as stunnel's, can stand in between";

/// What to do about a certificate that was refused.
fn advice_on(refused: &CertificateRefused) -> &'static str {
    match refused.reason() {
        RefusalReason::UnknownIssuer => {
            "; --ca-cert FILE trusts the authority in a file, --insecure anybody"
        }
        RefusalReason::Expired(_) | RefusalReason::NotYetValid(_) => {
            "; is the clock of this machine right? If so, it takes a new certificate, or --insecure"
        }
        RefusalReason::WrongName(_) => {
            "; use a name that it is for, if need be with --resolve, or --insecure"
        }
        RefusalReason::CommonNameOnly(_) | RefusalReason::AddressAsDnsName(_) => {
            "; it takes another certificate (with openssl req, one that is made with -addext \
             subjectAltName=DNS:NAME or IP:ADDRESS), or --insecure"
        }
        RefusalReason::IsAuthority => {
            "; it takes another certificate (with openssl req -x509, one that is made with -addext \
             basicConstraints=critical,CA:FALSE), or --insecure"
        }
        RefusalReason::Other(_) => "; it takes another certificate, or --insecure",
    }
}
