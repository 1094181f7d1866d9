use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use tracing::Instrument;

use super::dialing::{Dial, Dialing};
use super::environment::Environment;
use super::failure::{Failure, Kind};
use super::plot::{PlotFile, PlotPath, open_plot, plot_path};
use super::stopping::{stop_after, unless_stopped};
use super::values::{OutputFormat, count, duration, payload_size, wait};
use super::{Aside, Context, seed, viewing};
use crate::conversation::latency::{
    Medium, PayloadSize, Pinger, PingerEvent, PingerSettings, RandomPart, Statistics,
};
use crate::conversation::{Stamp, WireEvent};
use crate::hackattic::{OneTimeToken, conceal_token};
use crate::link::{
    Address, Dialed, Dialer, EndCause, Ending, Limits, Observer, Precision, Stop, StopReason,
    TcpProbe, drive,
};
use crate::report::plot::{Panel, round_trips};
use crate::report::{
    ErrorItem, Item, OpenItem, Outcome, PingTallies, PingTally, PingingItem, Redactor, Reporter,
    Standing, counted,
};

/// How many pings may be waiting for their pongs: what a server that never answers may cost, some
/// ten megabytes.
const MOST_AWAITED: u128 = 100_000;

/// Measure round trips: send pings at fixed times, and time each pong
#[derive(Debug, Args)]
#[command(
    after_help = "Ctrl-C ends it, with the summary printed. Pings are answered by the peer's \
                        WebSocket library; --echo asks its application."
)]
pub(super) struct Arguments {
    /// The ws:// or wss:// addresses to ping, side by side if there are several
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,

    /// Stop after this many pings [default: never]
    #[arg(short, long, value_parser = count, value_name = "N")]
    count: Option<NonZeroU32>,

    /// The time from one ping to the next, 1ms at the least
    #[arg(short, long, value_parser = wait, default_value = "1s", value_name = "TIME")]
    interval: Duration,

    /// End the run after this long, whatever has been answered [default: never]
    #[arg(short = 'w', long, value_parser = duration, value_name = "TIME")]
    deadline: Option<Duration>,

    /// How long to wait for each pong before it counts as lost
    #[arg(short = 'W', long, value_parser = wait, default_value = "10s", value_name = "TIME")]
    wait: Duration,

    /// How many bytes each ping carries, from 16 to 125
    #[arg(short, long, value_parser = payload_size, default_value = "56", value_name = "BYTES")]
    size: PayloadSize,

    /// No line for each pong, only the summary
    #[arg(short, long)]
    quiet: bool,

    /// A live view of the terminal's size in place of the lines; q leaves it, with the summary
    #[arg(long, conflicts_with = "quiet")]
    tui: bool,

    /// Send text messages, which the peer's application has to echo, in place of Ping frames
    #[arg(long)]
    echo: bool,

    /// Draw a picture of the run, .svg or .png
    #[arg(long, value_parser = plot_path(), value_name = "FILE")]
    plot: Option<PlotPath>,

    /// Lines for people, or one JSON object a line
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) output: OutputFormat,

    #[command(flatten)]
    dialing: Dialing,
}

/// A run that makes sense.
pub(super) struct Config {
    targets: Vec<Target>,
    settings: PingerSettings,
    deadline: Option<Duration>,
    lines: Lines,
    plot: Option<PlotPath>,
    dial: Box<Dial>,
}

/// One of the servers that are pinged.
struct Target {
    /// Counted from one.
    number: usize,
    address: Address,
    /// The one-time token in the address, if there is one.
    token: Option<OneTimeToken>,
    random_part: RandomPart,
}

/// Whether there is a line for each pong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    Written,
    Spared,
    /// The live view shows what they would say.
    Drawn,
}

impl Arguments {
    /// Checks what can be checked before the first byte is sent.
    pub(super) fn configure(self) -> Result<Config, Failure> {
        if self.wait.as_nanos() / self.interval.as_nanos().max(1) > MOST_AWAITED {
            return Err(Kind::Usage.because(format_args!(
                "with --wait {:?} at --interval {:?} more than {MOST_AWAITED} pings could be waiting \
                 for their pongs: wait shorter, or ping less often",
                self.wait, self.interval
            )));
        }
        let mut targets = Vec::new();
        for (index, url) in self.urls.iter().enumerate() {
            let address = url.parse().map_err(|error| {
                // The address may hold a token, and is not repeated.
                let which = match self.urls.len() {
                    1 => String::new(),
                    _ => format!(" number {}", index + 1),
                };
                let advice = match url.contains("://") {
                    true => "",
                    false => "; write it like ws://HOST:PORT/PATH",
                };
                Kind::Usage.because(format_args!("the address{which} to ping: {error}{advice}"))
            })?;
            let (address, token) = conceal_token(address);
            targets.push(Target {
                number: index + 1,
                address,
                token,
                random_part: seed::random_part()?,
            });
        }
        let addresses: Vec<_> = targets.iter().map(|it| it.address.clone()).collect();
        let dial = self
            .dialing
            .configure(Environment::proxies()?, &addresses)?;
        let lines = match (self.tui, self.quiet) {
            (true, _) => {
                viewing::check(self.output)?;
                Lines::Drawn
            }
            (_, true) => Lines::Spared,
            _ => Lines::Written,
        };
        Ok(Config {
            targets,
            settings: PingerSettings {
                medium: if self.echo {
                    Medium::Messages
                } else {
                    Medium::Frames
                },
                interval: self.interval,
                count: self.count,
                wait: self.wait,
                payload: self.size,
            },
            deadline: self.deadline,
            lines,
            plot: self.plot,
            dial: Box::new(dial),
        })
    }
}

/// Runs the command.
pub(super) async fn run(config: Config, context: &mut Context<'_>) -> Result<Outcome, Failure> {
    stop_after(config.deadline, &context.stopper);
    let dialer = config.dial.dialer(context);
    let Config {
        targets, settings, ..
    } = config;
    for target in &targets {
        if let Some(token) = &target.token {
            context.hide(token);
        }
        let url = target.address.to_string();
        let tally = PingTally::new(target.number, url, settings.interval);
        context.pinged.lock().push(tally);
    }
    let plot = open_plot(&mut context.stop, config.plot.as_ref()).await?;
    let urls: Vec<_> = targets.iter().map(|it| it.address.to_string()).collect();
    let screen = match config.lines {
        Lines::Drawn => Some(viewing::open(settings, context)?),
        Lines::Written | Lines::Spared => None,
    };
    let pinging = PingingItem::new(urls, &settings);
    context.reporter.report(&Item::Pinging(pinging));
    if screen.is_none() {
        context.reporter.wait_for("connecting");
    }

    let run = Run {
        settings,
        dialer,
        lines: config.lines,
        reporter: RefCell::new(context.reporter),
        aside: context.aside.clone(),
        redactor: context.redactor.clone(),
        tallies: context.pinged.clone(),
        stop: context.stop.clone(),
    };
    let is_alone = targets.len() == 1;
    let pinged = targets.iter().map(|target| run.ping(target, is_alone));
    let (outlet, stopper) = (run.reporter.borrow().outlet(), context.stopper.clone());
    // Pings for nobody would go on for ever: `wsbeat ping … | head`.
    let is_unread = Cell::new(false);
    let hung_up = async {
        outlet.closed().await;
        is_unread.set(true);
        stopper.stop(StopReason::Interrupted);
        std::future::pending().await
    };
    let watched = viewing::watched(screen, &context.stopper, join_all(pinged));
    let watched = tokio::select! {
        watched = watched => watched,
        never = hung_up => never,
    };
    if let Some(file) = plot {
        draw(context, file).await;
    }
    let mut failures = watched?;
    let has_pong = |tally: &PingTally| tally.statistics.has_pong();
    let is_answered = context.pinged.lock().iter().any(has_pong);
    // A stop ends the run; whoever was still being connected to has not failed by that.
    let is_stop = |failure: &Failure| matches!(failure.kind, Kind::Interrupted | Kind::Deadline);
    // Nor has whoever would have been waited for longer, had anybody been there to read of it. If it
    // was an error that ended the output, that is told of at the end.
    let is_missed = |failure: &Failure| is_stop(failure) || failure.kind == Kind::Unanswered;
    failures.retain(|result| match result {
        Ok(()) => false,
        Err(failure) if is_unread.get() => !is_missed(failure),
        Err(failure) => !(is_answered && is_stop(failure)),
    });
    match (failures.len(), failures.into_iter().next()) {
        (_, None | Some(Ok(()))) => Ok(Outcome::Ended),
        (_, Some(Err(failure))) if is_alone => Err(failure),
        (several, Some(Err(first))) => {
            let which = format_args!("{several} of {} targets failed", targets.len());
            Err(first.kind.because(which))
        }
    }
}

/// Draws the round trips, unless no ping ever left.
async fn draw(context: &mut Context<'_>, file: PlotFile) {
    let mut tallies = context.pinged.lock().clone();
    for tally in &mut tallies {
        tally.url = context.redactor.redact(&tally.url);
    }
    if tallies.iter().all(|tally| tally.statistics.sent == 0) {
        return;
    }
    let draw = move |format| {
        let panels: Vec<_> = tallies.iter().map(Panel::from).collect();
        round_trips(&panels, format)
    };
    file.draw(context, draw).await;
}

/// What is common to the targets of a run.
struct Run<'a> {
    settings: PingerSettings,
    dialer: Dialer,
    lines: Lines,
    reporter: RefCell<&'a mut Reporter>,
    aside: Aside,
    redactor: Redactor,
    tallies: PingTallies,
    stop: Stop,
}

impl Run<'_> {
    /// Pings one target, until that is over, and says what came of it.
    async fn ping(&self, target: &Target, is_alone: bool) -> Result<(), Failure> {
        let result = self.try_to_ping(target).await;
        let standing = match &result {
            Ok(()) => Standing::Ended,
            Err(failure) => {
                let cause = self.redactor.redact(&failure.to_string());
                Standing::Failed(failure.kind.outcome(), cause)
            }
        };
        self.tallies
            .change(target.number, |tally| tally.standing = standing);
        match &result {
            // The last word on a single one is the program's.
            Err(failure) if !is_alone => {
                self.report(&Item::Error(ErrorItem {
                    target: Some(target.number),
                    ..failure.item()
                }));
                self.aside
                    .say(format_args!("target {}: {failure}", target.number));
            }
            _ => {}
        }
        result
    }

    async fn try_to_ping(&self, target: &Target) -> Result<(), Failure> {
        let mut stop = self.stop.clone();
        let dialed = unless_stopped(&mut stop, self.dialer.dial(&target.address)).await??;
        self.report(&Item::Open(OpenItem {
            target: Some(target.number),
            ..OpenItem::new(1, &target.address, &dialed)
        }));
        let Dialed {
            connection,
            peer,
            kernel,
            ..
        } = dialed;
        self.tallies.change(target.number, |tally| {
            tally.standing = Standing::Open(peer.to_string());
        });
        let mut pinger = Pinger::new(self.settings, target.random_part.clone());
        let mut account = Account {
            run: self,
            target: target.number,
            kernel,
        };
        let limits = Limits {
            precision: Precision::Microsecond,
            ..Limits::default()
        };
        let span = tracing::debug_span!("pinger", target = target.number);
        let ending = drive(connection, &mut pinger, &mut account, limits, &mut stop)
            .instrument(span)
            .await;
        let tcp_rtt = account.kernel.round_trip();
        let mut statistics = Statistics::default();
        self.tallies.change(target.number, |tally| {
            tally.tcp_rtt = tcp_rtt.or(tally.tcp_rtt);
            statistics = tally.statistics.clone();
        });
        self.verdict(&ending, &statistics)
    }

    /// What came of the pings to a target.
    fn verdict(&self, ending: &Ending, statistics: &Statistics) -> Result<(), Failure> {
        let Statistics {
            sent,
            received,
            lost,
            late,
            invented,
            ..
        } = statistics;
        match ending.cause {
            // Whoever stops a ping wants to see what came of it: that is how it ends.
            EndCause::Done | EndCause::Stopped(_) if statistics.has_pong() => Ok(()),
            EndCause::Done | EndCause::Stopped(_) => {
                let pings = counted(*sent, "ping");
                let waited = match lost {
                    0 => String::new(),
                    _ => format!(" ({lost} lost after {:?})", self.settings.wait),
                };
                let strange = match invented {
                    0 => String::new(),
                    _ => format!(
                        "; {} came that match none of them",
                        counted(*invented, "answer")
                    ),
                };
                let advice = match self.settings.medium {
                    Medium::Frames => "",
                    Medium::Messages => "; does the server echo messages at this address?",
                };
                Err(Kind::Unanswered.because(format_args!(
                    "no pong at all to {pings}{waited}{strange}{advice}"
                )))
            }
            _ => {
                let after = match received + late {
                    0 => "before the first pong".to_owned(),
                    1 => "after 1 pong".to_owned(),
                    pongs => format!("after {pongs} pongs"),
                };
                Err(Failure::ended(ending, &after, ""))
            }
        }
    }

    fn report(&self, item: &Item) {
        self.reporter.borrow_mut().report(item);
    }
}

/// Watches the pings to one target.
struct Account<'a, 'r> {
    run: &'a Run<'r>,
    target: usize,
    kernel: TcpProbe,
}

impl Observer<PingerEvent> for Account<'_, '_> {
    fn wire(&mut self, _at: Stamp, _event: &WireEvent) {}

    fn event(&mut self, event: PingerEvent) {
        let tcp_rtt = match event {
            PingerEvent::Sent(_) => None,
            _ => self.kernel.round_trip(),
        };
        self.run.tallies.change(self.target, |tally| {
            tally.count(&event);
            tally.tcp_rtt = tcp_rtt.or(tally.tcp_rtt);
        });
        if self.run.lines == Lines::Written
            && let Some(item) = Item::from_ping(self.target, &event)
        {
            self.run.report(&item);
        }
    }
}
