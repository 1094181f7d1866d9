use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::dialing::{Dial, Dialing};
use super::environment::Environment;
use super::failure::{Failure, Kind};
use super::play::{Keeping, Limiting, open_recording, play};
use super::plot::{PlotPath, open_plot, plot_path};
use super::practice::Practice;
use super::retry::{Pauses, path_of_attempt, pause_for_retry};
use super::stopping::{stop_after, unless_stopped};
use super::values::{OutputFormat, count, estimator, hosted_rounds, model, token_file};
use super::{Context, seed};
use crate::conversation::challenge::{EstimatorKind, Player, PlayerSettings};
use crate::hackattic::{Api, OneTimeToken, Site, SiteError, Submission, Submitting, TokenProvider};
use crate::link::{Dialer, Phase, Proxies, clock};
use crate::report::{Item, Outcome};
use crate::server::Settings;
use crate::simulation::Model;

/// The variable that holds the access token.
const ACCESS_TOKEN: &str = "HACKATTIC_ACCESS_TOKEN";

/// Solve the challenge: fetch a one-time token, answer every beat, hand in the secret
#[derive(Debug, Args)]
#[command(
    after_help = "The access token is taken from HACKATTIC_ACCESS_TOKEN, in the environment \
                        or in a .env file."
)]
pub(super) struct Arguments {
    /// Play against a server inside this program: no account, no network
    #[arg(long, conflicts_with_all = ["base_url", "access_token_file", "token_file", "playground"])]
    practice: bool,

    /// How many rounds the practice server plays [default: 10]
    #[arg(long, requires = "practice", value_parser = hosted_rounds, value_name = "N")]
    rounds: Option<NonZeroU32>,

    /// What the practice server draws its intervals from [default: a new one each time]
    #[arg(long, requires = "practice", value_name = "NUMBER")]
    seed: Option<u64>,

    /// A modelled network to put before the practice server [default: none]
    #[arg(long, requires = "practice", value_parser = model(), value_name = "MODEL")]
    network: Option<Model>,

    /// Where the challenge is
    #[arg(long, default_value = "https://hackattic.com", value_name = "URL")]
    base_url: String,

    /// Read the access token from this file
    #[arg(long, value_name = "FILE")]
    access_token_file: Option<PathBuf>,

    /// Play with the one-time token in this file, fetched by hand; there is one attempt then
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// How often to try: a lost conversation or a dropped connection starts over with a new token
    #[arg(long, default_value = "3", value_parser = count, value_name = "N")]
    attempts: NonZeroU32,

    /// Hand the secret in for no score, to solve it once more
    #[arg(long)]
    playground: bool,

    /// Print the secret and do not hand it in
    #[arg(long, conflicts_with = "playground")]
    no_submit: bool,

    /// What makes answers of the stamps of the beats
    #[arg(long, value_parser = estimator(), default_value_t, value_name = "NAME")]
    estimator: EstimatorKind,

    /// Record the conversation; a second attempt goes to NAME.2.EXT beside it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Draw a picture of the beats, .svg or .png; a second attempt goes to NAME.2.EXT beside it
    #[arg(long, value_parser = plot_path(), value_name = "FILE")]
    plot: Option<PlotPath>,

    /// Lines for people, or one JSON object a line
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) output: OutputFormat,

    #[command(flatten)]
    limiting: Limiting,

    #[command(flatten)]
    dialing: Dialing,
}

/// A run that makes sense.
pub(super) struct Config {
    origin: Origin,
    player: PlayerSettings,
    attempts: NonZeroU32,
    submitting: Option<Submitting>,
    record: Option<PathBuf>,
    plot: Option<PlotPath>,
    limiting: Limiting,
    dial: Box<Dial>,
}

/// Where the challenge is, and what admits to it.
enum Origin {
    Practice(Box<Settings>),
    Site {
        site: Site,
        access_token: Option<SecretString>,
        token: Option<OneTimeToken>,
    },
}

impl Arguments {
    /// Checks what can be checked before the first byte is sent.
    pub(super) fn configure(self, environment: &Environment) -> Result<Config, Failure> {
        if let (Some(plot), Some(record)) = (&self.plot, &self.record) {
            plot.is_apart_from(record)?;
        }
        let submitting = match (self.no_submit, self.playground) {
            (true, _) => None,
            (false, true) => Some(Submitting::Playground),
            (false, false) => Some(Submitting::Scored),
        };
        let origin = if self.practice {
            Origin::Practice(Box::new(Settings {
                network: self.network,
                ..Settings::new(
                    ([127, 0, 0, 1], 0).into(),
                    self.rounds.unwrap_or(super::serve::DEFAULT_ROUNDS),
                    self.seed.map_or_else(seed::fresh, Ok)?,
                    seed::secret()?,
                )
            }))
        } else {
            let token = self.token_file.as_deref();
            let token = token
                .map(|path| token_file("one-time token", path))
                .transpose()?;
            let access_token = match &self.access_token_file {
                Some(path) => Some(token_file("access token", path)?),
                None => match environment.get(ACCESS_TOKEN) {
                    Some(token) if token.contains(char::is_whitespace) => {
                        return Err(Kind::Usage.because(format_args!(
                            "{ACCESS_TOKEN} holds more than a token: there is white space in it"
                        )));
                    }
                    token => token.map(SecretString::from),
                },
            };
            if access_token.is_none() && (token.is_none() || submitting.is_some()) {
                let failure = no_access_token(token.is_some());
                return Err(match environment.trouble() {
                    Some(trouble) => failure.context(format_args!("reading .env: {trouble}")),
                    None => failure,
                });
            }
            // What was typed may have a token in it, and is not repeated.
            let site = self.base_url.parse();
            Origin::Site {
                site: site.map_err(|error: SiteError| {
                    Kind::Usage.because(format_args!("--base-url: {error}"))
                })?,
                access_token,
                token,
            }
        };
        let dial = match &origin {
            // It is on this machine, whatever lies between this machine and others.
            Origin::Practice(_) => self.dialing.configure(Proxies::default(), &[])?,
            Origin::Site { site, .. } => {
                let address = site
                    .address()
                    .map_err(|error| Kind::Usage.because(format_args!("--base-url: {error}")))?;
                self.dialing
                    .configure(Environment::proxies()?, &[address])?
            }
        };
        Ok(Config {
            origin,
            player: PlayerSettings {
                estimator: self.estimator,
                round_limit: None,
            },
            attempts: self.attempts,
            submitting,
            record: self.record,
            plot: self.plot,
            limiting: self.limiting,
            dial: Box::new(dial),
        })
    }
}

fn no_access_token(only_to_submit: bool) -> Failure {
    let instead = if only_to_submit {
        "; --no-submit prints the secret and needs none"
    } else {
        "; `wsbeat solve --practice` needs none"
    };
    Kind::Usage.because(format_args!(
        "no access token: set {ACCESS_TOKEN} in the environment or in .env, or name a file with \
         --access-token-file; hackattic.com shows you yours when you are logged in{instead}"
    ))
}

/// Runs the command.
pub(super) async fn run(config: Config, context: &mut Context<'_>) -> Result<Outcome, Failure> {
    stop_after(config.limiting.deadline, &context.stopper);
    let Config {
        origin,
        player,
        attempts,
        submitting,
        record,
        plot,
        limiting,
        dial,
    } = config;
    let dialer = dial.dialer(context);

    let mut practice = None;
    let (site, access_token, token) = match origin {
        Origin::Practice(settings) => {
            let server = Practice::start(*settings).await?;
            let site = server.site.clone();
            practice = Some(server);
            // Any will do.
            (site, Some(SecretString::from("practice")), None)
        }
        Origin::Site {
            site,
            access_token,
            token,
        } => {
            for secret in access_token.iter().chain(&token) {
                context.hide(secret);
            }
            (site, access_token, token)
        }
    };
    let api = Api::new(site.clone(), &dialer).map_err(|error| Kind::Internal.because(error))?;
    let provider = match (token, &access_token) {
        (Some(token), _) => TokenProvider::holding(token),
        (None, Some(access_token)) => TokenProvider::fetching(api.clone(), access_token.clone()),
        (None, None) => return Err(no_access_token(false)),
    };
    let mut solving = Solving {
        site,
        provider,
        dialer,
        player,
        attempts,
        record,
        plot,
        limiting,
    };
    let solved = async {
        let secret = solving.secret(context).await?;
        match (submitting, access_token) {
            (Some(submitting), Some(access_token)) => {
                submit(context, &api, &access_token, &secret, submitting, attempts).await
            }
            _ => Ok(Outcome::Solved),
        }
    };
    let outcome = solved.await;
    if let Some(practice) = practice {
        practice.end().await;
    }
    outcome
}

/// What it takes to get at the secret.
struct Solving {
    site: Site,
    provider: TokenProvider,
    dialer: Dialer,
    player: PlayerSettings,
    attempts: NonZeroU32,
    record: Option<PathBuf>,
    plot: Option<PlotPath>,
    limiting: Limiting,
}

impl Solving {
    /// Plays until a conversation is won, or there is no attempt left.
    async fn secret(&mut self, context: &mut Context<'_>) -> Result<String, Failure> {
        let mut pauses = Pauses::new(self.attempts);
        loop {
            context.tally.begin_attempt();
            let failure = match self.attempt(context).await {
                Ok(secret) => return Ok(secret),
                Err(failure) => failure,
            };
            let worth_it = failure.is_worth_another_try() && self.provider.can_provide();
            match pauses.next().filter(|_| worth_it) {
                Some(pause) => {
                    let attempt = Some(context.tally.attempts());
                    pause_for_retry(context, &failure, attempt, pause).await?;
                }
                None => return Err(failure),
            }
        }
    }

    async fn attempt(&mut self, context: &mut Context<'_>) -> Result<String, Failure> {
        // Before the token: a file that cannot be written must not cost one.
        let attempt = context.tally.attempts();
        if attempt > 1 {
            let heading = format!("attempt {attempt} of {}", self.attempts);
            context.reporter.head(&heading);
        }
        let record = match &self.record {
            None => None,
            Some(path) => {
                let path = path_of_attempt(path, attempt);
                Some(open_recording(&mut context.stop, path).await?)
            }
        };
        let plot = self.plot.as_ref().map(|plot| plot.of_attempt(attempt));
        let plot = open_plot(&mut context.stop, plot.as_ref()).await?;

        context.reporter.wait_for("fetching a one-time token");
        let token = self.provider.token(clock::now());
        let token = unless_stopped(&mut context.stop, token).await??;
        context.hide(&token);
        let address = self.site.socket(&token).map_err(|error| {
            Kind::Usage.because(format_args!("the WebSocket below {}: {error}", self.site))
        })?;
        context.reporter.wait_for("connecting");
        let dialed = unless_stopped(&mut context.stop, self.dialer.dial(&address)).await?;
        // From the upgrade on the server knows the token, whatever came of it.
        if !matches!(&dialed, Err(error) if error.phase() < Phase::Upgrade) {
            self.provider.spend();
        }
        let played = play(
            context,
            &address,
            dialed?,
            Player::new(self.player),
            &self.limiting,
            Keeping { record, plot },
        );
        played.await.won()
    }
}

/// Hands the secret in, as often as it takes to get an answer.
async fn submit(
    context: &mut Context<'_>,
    api: &Api,
    access_token: &SecretString,
    secret: &str,
    submitting: Submitting,
    attempts: NonZeroU32,
) -> Result<Outcome, Failure> {
    let mut pauses = Pauses::new(attempts);
    let by_hand = "the secret above is right: hand it in by hand";
    let unknown = "the secret above is right, and may have been handed in or not";
    loop {
        context.reporter.wait_for("handing in the secret");
        let call = api.solve(access_token, secret, submitting);
        let called = unless_stopped(&mut context.stop, call).await;
        let error = match called.map_err(|stopped| stopped.context(unknown))? {
            Ok(Submission { passed, response }) => {
                let words = response.to_string();
                context
                    .reporter
                    .report(&Item::Submission { passed, response });
                return if passed {
                    Ok(Outcome::Solved)
                } else {
                    Err(Kind::Rejected.because(format_args!("the secret was rejected: {words}")))
                };
            }
            Err(error) => error,
        };
        let transient = error.is_transient();
        let failure = Failure::from(error);
        match pauses.next().filter(|_| transient) {
            Some(pause) => pause_for_retry(context, &failure, None, pause).await?,
            None => return Err(failure.context(by_hand)),
        }
    }
}
