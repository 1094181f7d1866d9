use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// The line at the bottom of a terminal that counts up while the next beat is awaited. Off a
/// terminal it does nothing.
#[derive(Clone, Debug)]
pub struct Live(Option<ProgressBar>);

impl Live {
    /// A live line on standard output, which is a terminal.
    pub fn on_stdout() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
        let count = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // Nobody is to be told that a number could not be drawn.
            let _ = write!(out, "{:.1} s", state.elapsed().as_secs_f64());
        };
        if let Ok(style) = ProgressStyle::with_template("{msg} {count}") {
            bar.set_style(style.with_key("count", count));
        }
        Live(Some(bar))
    }

    /// No live line.
    pub fn off() -> Self {
        Live(None)
    }

    /// Counts from zero, behind this text.
    pub fn count_behind(&self, text: String) {
        if let Some(bar) = &self.0 {
            bar.set_message(text);
            bar.reset();
            bar.enable_steady_tick(TICK);
        }
    }

    /// Goes on counting, behind another text.
    pub fn set_text(&self, text: String) {
        if let Some(bar) = &self.0 {
            bar.set_message(text);
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
    }

    /// Does something to the terminal while the line is out of the way.
    pub fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }
}
