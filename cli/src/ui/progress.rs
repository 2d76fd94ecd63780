//! Progress on stderr, only where stderr is a terminal.

use core::time::Duration;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// A bar or a spinner; invisible where nobody looks.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
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
            return Self {
                bar: ProgressBar::hidden(),
            };
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
        Self { bar }
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
