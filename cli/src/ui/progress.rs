//! Progress on stderr, only where stderr is a terminal.

use core::time::Duration;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Instant;

/// A bar or a spinner; invisible where nobody looks.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// The stage that runs, and since when.
    stage: Mutex<(String, Instant)>,
}

impl Progress {
    /// A bar over `len` items.
    #[must_use]
    pub fn bar(label: &str, len: usize) -> Self {
        Self::make(label, "{msg} [{bar:30}] {pos}/{len} {eta}", Some(len))
    }

    /// A spinner for work of unknown length.
    #[must_use]
    pub fn spinner(label: &str) -> Self {
        Self::make(label, "{spinner} {msg} {elapsed}", None)
    }

    fn make(label: &str, template: &str, len: Option<usize>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::of(ProgressBar::hidden());
        }
        let bar = match len {
            Some(len) => ProgressBar::new(len as u64),
            None => ProgressBar::new_spinner(),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(label.to_owned());
        if len.is_none() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self::of(bar)
    }

    fn of(bar: ProgressBar) -> Self {
        Self {
            bar,
            stage: Mutex::new((String::new(), Instant::now())),
        }
    }

    /// A stage runs, `done` of its `total` items are done; with the time that they leave to expect.
    pub fn stage(&self, label: &str, done: usize, total: usize) {
        let Ok(mut stage) = self.stage.lock() else {
            return;
        };
        if stage.0 != label || done == 0 {
            *stage = (label.to_owned(), Instant::now());
        }
        let since = stage.1.elapsed();
        drop(stage);
        if total == 0 {
            return self.say(label);
        }
        let left = match u32::try_from(done) {
            Ok(n) if n > 0 && done < total => {
                let rest = u32::try_from(total - done).unwrap_or(u32::MAX);
                format!(
                    ", {} s left,",
                    (since / n).saturating_mul(rest).as_secs() + 1
                )
            }
            _ => String::new(),
        };
        self.say(&format!("{label} {done}/{total}{left}"));
    }

    /// `done` items are done.
    pub fn set(&self, done: usize) {
        self.bar.set_position(done as u64);
    }

    /// What is being done now.
    pub fn say(&self, label: &str) {
        self.bar.set_message(label.to_owned());
    }

    /// One more item is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
