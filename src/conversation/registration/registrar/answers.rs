use std::collections::VecDeque;

use crate::conversation::registration::RegistrarMessage;

/// What texts are answered with, in the order in which they came, whichever answer is known first.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// `None` for what is not known yet.
    queue: VecDeque<Option<RegistrarMessage>>,
}

impl Answers {
    /// The next answer is known already.
    pub(super) fn push(&mut self, answer: RegistrarMessage) {
        self.queue.push_back(Some(answer));
    }

    /// The next answer will be known later.
    pub(super) fn await_one(&mut self) {
        self.queue.push_back(None);
    }

    /// The oldest answer that was not known is this, if there is one.
    pub(super) fn settle(&mut self, answer: RegistrarMessage) {
        if let Some(open) = self.queue.iter_mut().find(|it| it.is_none()) {
            *open = Some(answer);
        }
    }

    /// The next answer that can be given.
    pub(super) fn take(&mut self) -> Option<RegistrarMessage> {
        let answer = self.queue.front_mut()?.take()?;
        self.queue.pop_front();
        Some(answer)
    }
}
