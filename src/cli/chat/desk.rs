use std::cell::{Cell, RefCell};
use std::convert::Infallible;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::company::Company;
use crate::cli::Aside;
use crate::cli::failure::{Failure, Kind};
use crate::cli::stopping::Keyboard;
use crate::cli::talking::{Arrival, Balance, Input, Manner};
use crate::conversation::Stamp;
use crate::conversation::chat::{
    ErrorCode, Guest, GuestCue, GuestEvent, GuestMessage, Heard, Hearing, UserName,
};
use crate::link::{MESSAGE_LIMIT, Prompter};
use crate::report::{
    ChatItem, ChatTally, Colours, Item, Live, OpenItem, Prompt, Redactor, Reporter, Typed,
};

/// How many lines may be on their way at once: enough that the next one is always at hand, and few
/// enough that the guest holds [all of them](Guest::MOST_WAITING).
const UNDER_WAY: usize = 64;
const _: () = assert!(UNDER_WAY < Guest::MOST_WAITING);

/// What those share who read what is to be said, and those who hold the connections: the report,
/// the prompt, and the count of lines.
pub(super) struct Desk<'a> {
    reporter: RefCell<&'a mut Reporter>,
    tally: RefCell<&'a mut ChatTally>,
    prompt: RefCell<Option<Prompt>>,
    company: RefCell<Company>,
    /// A permit for each line that may be put under way.
    room: Semaphore,
    input: Cell<Input>,
    arrival: Cell<Arrival>,
    /// Told when a name is given for the first time.
    named: CancellationToken,
    pub(super) manner: Manner,
    pub(super) aside: Aside,
    pub(super) redactor: Redactor,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        reporter: &'a mut Reporter,
        tally: &'a mut ChatTally,
        aside: Aside,
        name: &UserName,
        manner: Manner,
    ) -> Self {
        Desk {
            reporter: RefCell::new(reporter),
            tally: RefCell::new(tally),
            prompt: RefCell::new(None),
            company: RefCell::new(Company::new(name)),
            room: Semaphore::new(UNDER_WAY),
            input: Cell::new(Input::Open),
            arrival: Cell::new(Arrival::Awaited),
            named: CancellationToken::new(),
            manner,
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
        let asked = self.asked();
        let interrupt = move || keyboard.interrupt();
        let opened = Prompt::open(&asked, live, colours, interrupt);
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

    /// Counts a line that is to be said.
    pub(super) fn wish(&self) {
        self.tally.borrow_mut().wish();
    }

    /// Puts a line [that is counted](Self::wish) under way, once there is room for it. One that the
    /// link would not let through is refused here: the connection would be lost by it.
    pub(super) async fn say(&self, line: String, prompter: &Prompter<GuestCue>) {
        let message = GuestMessage::Message { text: line };
        let length = message.to_string().len();
        let GuestMessage::Message { text: line } = message else {
            return;
        };
        if length > MESSAGE_LIMIT {
            return self.turn_away(&GuestEvent::Refused {
                at: Stamp::OPENING,
                text: Some(line),
                code: ErrorCode::MessageTooLong,
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
        self.put(GuestCue::Say(line), prompter).await;
    }

    /// Hands a cue to whichever guest there is next.
    pub(super) async fn put(&self, cue: GuestCue, prompter: &Prompter<GuestCue>) {
        if prompter.put_patiently(cue).await.is_err() {
            // The chat is over, and whoever waits for this ends with it.
            std::future::pending::<Infallible>().await;
        }
    }

    /// There is no room for this among what waits for its turn.
    pub(super) fn overfull(&self, cue: GuestCue) {
        let at = Stamp::OPENING;
        self.turn_away(&GuestEvent::Overfull { at, cue });
    }

    /// Takes account of what no guest was ever told, and reports it.
    fn turn_away(&self, event: &GuestEvent) {
        self.tally.borrow_mut().count(event);
        self.report(&Item::Chat(ChatItem::new(event, None)));
    }

    /// All is known that is to be said.
    pub(super) fn end_input(&self) {
        self.input.set(Input::Ended);
    }

    /// Waits until there is a name to speak under, and with that a ticket that was accepted.
    pub(super) async fn named(&self) {
        self.named.cancelled().await;
    }

    /// Takes account of what a guest noticed, and reports it.
    pub(super) fn notice(&self, event: &GuestEvent) {
        self.tally.borrow_mut().count(event);
        let is_over = match event {
            GuestEvent::Heard(Heard { how, .. }) => *how == Hearing::Own,
            GuestEvent::Refused { text, .. } => text.is_some(),
            GuestEvent::Overfull { cue, .. } => matches!(cue, GuestCue::Say(_)),
            _ => false,
        };
        if is_over && self.room.available_permits() < UNDER_WAY {
            self.room.add_permits(1);
        }
        if matches!(event, GuestEvent::Entered { .. }) {
            self.arrival.set(Arrival::Made);
        }
        if matches!(event, GuestEvent::Named { .. }) {
            self.named.cancel();
        }
        self.company.borrow_mut().notice(event);
        self.report(&Item::Chat(ChatItem::new(event, None)));
        self.ask();
    }

    /// A connection has been opened.
    pub(super) fn arrive(&self, open: OpenItem) {
        self.report(&Item::Open(open));
        self.company.borrow_mut().arrive();
        self.ask();
        self.wait_for("entering");
    }

    /// The connection is gone.
    pub(super) fn part(&self) {
        self.company.borrow_mut().part();
        self.ask();
    }

    /// Another name is being claimed.
    pub(super) fn claim(&self, name: &UserName) {
        self.company.borrow_mut().claim(name);
        self.ask();
    }

    /// Whether the next line that is typed has to be a name.
    pub(super) fn wants_name(&self) -> bool {
        self.company.borrow().wants_name()
    }

    /// Who is there, for people.
    pub(super) fn who(&self) -> String {
        self.company.borrow().who()
    }

    /// Tells whoever types something.
    pub(super) fn tell(&self, text: &str) {
        self.reporter.borrow_mut().tell(text);
    }

    pub(super) fn report(&self, item: &Item) {
        self.reporter.borrow_mut().report(item);
    }

    /// Shows what is waited for, where there is no prompt in its place.
    pub(super) fn wait_for(&self, what: &str) {
        if self.prompt.borrow().is_none() {
            self.reporter.borrow().wait_for(what);
        }
    }

    /// The number of the connection that begins.
    pub(super) fn begin_connection(&self) -> u32 {
        let mut tally = self.tally.borrow_mut();
        tally.begin_connection();
        tally.connections()
    }

    /// How many connections there have been.
    pub(super) fn connections(&self) -> u32 {
        self.tally.borrow().connections()
    }

    /// How many lines have neither been said nor been refused.
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
            arrival: self.arrival.get(),
        }
    }

    /// The prompt as it should be: a server may call a channel what it likes.
    fn asked(&self) -> String {
        self.redactor.redact(&self.company.borrow().prompt())
    }

    /// Brings the prompt up to date.
    fn ask(&self) {
        if let Some(prompt) = &mut *self.prompt.borrow_mut() {
            prompt.ask(&self.asked());
        }
    }
}
