use std::cell::{Cell, RefCell};
use std::convert::Infallible;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::command::Command;
use super::known::KnownKeys;
use crate::cli::Aside;
use crate::cli::failure::{Failure, Kind};
use crate::cli::stopping::Keyboard;
use crate::cli::talking::{Arrival, Balance, Input};
use crate::conversation::Stamp;
use crate::conversation::registration::{
    ErrorCode, Line, PublicKey, Registrant, RegistrantCue, RegistrantEvent, RegistrantMessage,
};
use crate::link::{MESSAGE_LIMIT, Prompter};
use crate::report::{
    Colours, Item, Live, OpenItem, Prompt, Redactor, RegistrationItem, RegistrationTally, Reporter,
    Typed,
};

/// How many lines may be on their way at once: enough that the next one is always at hand, and few
/// enough that the registrant holds [all of them](Registrant::MOST_WAITING).
const UNDER_WAY: usize = 64;
const _: () = assert!(UNDER_WAY < Registrant::MOST_WAITING);

/// What those share who read what is to be said, and the one who holds the connection: the report,
/// the prompt, and the count of lines.
pub(super) struct Desk<'a> {
    reporter: RefCell<&'a mut Reporter>,
    tally: RefCell<&'a mut RegistrationTally>,
    prompt: RefCell<Option<Prompt>>,
    known: RefCell<KnownKeys>,
    key: PublicKey,
    /// Whom lines are for that do not say so; `None` for everybody.
    to: Option<PublicKey>,
    is_registered: Cell<bool>,
    /// Cancelled once it is registered for the first time.
    was_registered: CancellationToken,
    /// A permit for each line that may be put under way.
    room: Semaphore,
    input: Cell<Input>,
    pub(super) aside: Aside,
    pub(super) redactor: Redactor,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        reporter: &'a mut Reporter,
        tally: &'a mut RegistrationTally,
        aside: Aside,
        key: PublicKey,
        to: Option<PublicKey>,
    ) -> Self {
        let mut known = KnownKeys::default();
        [Some(key), to]
            .into_iter()
            .flatten()
            .for_each(|it| known.keep(it));
        Desk {
            reporter: RefCell::new(reporter),
            tally: RefCell::new(tally),
            prompt: RefCell::new(None),
            known: RefCell::new(known),
            key,
            to,
            is_registered: Cell::new(false),
            was_registered: CancellationToken::new(),
            room: Semaphore::new(UNDER_WAY),
            input: Cell::new(Input::Open),
            redactor: aside.redactor.clone(),
            aside,
        }
    }
}

impl Desk<'_> {
    /// Opens the prompt, and gives what is typed there.
    pub(super) fn open_prompt(
        &self,
        live: &Live,
        colours: Colours,
        keyboard: Keyboard,
    ) -> Result<UnboundedReceiver<Typed>, Failure> {
        let interrupt = move || keyboard.interrupt();
        let opened = Prompt::open(&self.asked(), live, colours, interrupt);
        let (prompt, typed) = opened.map_err(|error| {
            Kind::Internal.because(format_args!("taking the terminal for a prompt: {error}"))
        })?;
        self.prompt.replace(Some(prompt));
        Ok(typed)
    }

    /// Gives the terminal back.
    pub(super) fn close_prompt(&self) {
        self.prompt.take();
    }

    /// What a line that was typed asks for.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for whoever typed it.
    pub(super) fn read(&self, line: &str) -> Result<Option<Command>, String> {
        Command::read(line, &self.known.borrow())
    }

    /// A line for whomever lines are for that do not say so.
    pub(super) fn line(&self, text: String) -> Line {
        Line { text, to: self.to }
    }

    /// Keeps a key in mind that is spoken to, so that it can be called by its beginning.
    pub(super) fn keep_in_mind(&self, key: PublicKey) {
        self.known.borrow_mut().keep(key);
    }

    /// Counts a line that is to be said.
    pub(super) fn wish(&self) {
        self.tally.borrow_mut().wish();
    }

    /// Puts a line [that is counted](Self::wish) under way, once there is room for it. One that the
    /// link would not let through is refused here: the connection would be lost by it.
    pub(super) async fn say(&self, line: Line, prompter: &Prompter<RegistrantCue>) {
        let Line { text, to } = line;
        let message = RegistrantMessage::Text { text, to };
        let length = message.to_string().len();
        let RegistrantMessage::Text { text, to } = message else {
            return;
        };
        let line = Line { text, to };
        if length > MESSAGE_LIMIT {
            return self.take_note(&RegistrantEvent::Refused {
                at: Stamp::OPENING,
                line: Some(line),
                code: ErrorCode::TextTooLong,
                reason: format!(
                    "it takes {length} bytes or more to send, and {MESSAGE_LIMIT} are the most \
                     that is sent"
                ),
            });
        }
        // The semaphore is never closed; and a line that has been put under way gives its permit
        // back by what comes of it.
        if let Ok(permit) = self.room.acquire().await {
            permit.forget();
        }
        self.put(RegistrantCue::Say(line), prompter).await;
    }

    /// Leaves once all has been said.
    pub(super) async fn finish(&self, prompter: &Prompter<RegistrantCue>) {
        self.put(RegistrantCue::Finish, prompter).await;
    }

    async fn put(&self, cue: RegistrantCue, prompter: &Prompter<RegistrantCue>) {
        if prompter.put_patiently(cue).await.is_err() {
            // The connection is gone, and whoever waits for this ends with it.
            std::future::pending::<Infallible>().await;
        }
    }

    /// There is no room for this among what waits for its turn.
    pub(super) fn overfull(&self, line: Line) {
        let at = Stamp::OPENING;
        self.take_note(&RegistrantEvent::Overfull { at, line });
    }

    /// All is known that is to be said.
    pub(super) fn end_input(&self) {
        self.input.set(Input::Ended);
    }

    /// Waits until the key has been registered once.
    pub(super) async fn registered(&self) {
        self.was_registered.cancelled().await;
    }

    /// Takes account of what the registrant noticed, and reports it.
    pub(super) fn notice(&self, event: &RegistrantEvent) {
        match event {
            RegistrantEvent::Registered { .. } => {
                self.is_registered.set(true);
                self.was_registered.cancel();
            }
            RegistrantEvent::Unregistered { .. } => self.is_registered.set(false),
            RegistrantEvent::Heard { from, .. } => self.known.borrow_mut().hear(*from),
            RegistrantEvent::Delivered { .. }
            | RegistrantEvent::Refused { line: Some(_), .. }
            | RegistrantEvent::Overfull { .. }
                if self.room.available_permits() < UNDER_WAY =>
            {
                self.room.add_permits(1);
            }
            _ => {}
        }
        self.take_note(event);
        self.ask();
    }

    /// Counts and reports an event.
    fn take_note(&self, event: &RegistrantEvent) {
        if let Some(item) = RegistrationItem::new(event, Some(self.key), None) {
            self.tally.borrow_mut().count(&item.news);
            self.report(&Item::Registration(item));
        }
    }

    /// The connection has been opened.
    pub(super) fn arrive(&self, open: OpenItem) {
        self.tally.borrow_mut().begin_connection();
        self.report(&Item::Open(open));
        self.reporter.borrow().wait_for("registering");
    }

    /// Tells whoever types something.
    pub(super) fn tell(&self, text: &str) {
        self.reporter.borrow_mut().tell(text);
    }

    pub(super) fn report(&self, item: &Item) {
        self.reporter.borrow_mut().report(item);
    }

    /// How many lines have neither been passed on nor been refused.
    pub(super) fn unsaid(&self) -> u64 {
        self.tally.borrow().unsaid()
    }

    /// What has become of what was to be said.
    pub(super) fn balance(&self) -> Balance {
        let tally = self.tally.borrow();
        Balance {
            unsaid: tally.unsaid(),
            refused: tally.refused(),
            input: self.input.get(),
            arrival: match self.was_registered.is_cancelled() {
                true => Arrival::Made,
                false => Arrival::Awaited,
            },
        }
    }

    /// One's own key.
    pub(super) fn key(&self) -> PublicKey {
        self.key
    }

    /// The prompt as it should be.
    fn asked(&self) -> String {
        let to = match self.to {
            None => String::new(),
            Some(to) => format!(" to {}", to.short()),
        };
        let standing = match self.is_registered.get() {
            true => "",
            false => " (not registered)",
        };
        format!("{}{to}{standing}> ", self.key.short())
    }

    /// Brings the prompt up to date.
    fn ask(&self) {
        if let Some(prompt) = &mut *self.prompt.borrow_mut() {
            prompt.ask(&self.asked());
        }
    }
}
