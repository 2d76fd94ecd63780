//! How long-running work tells its caller how far it is.

use core::sync::atomic::{AtomicUsize, Ordering};

/// Called with what is done and the total, from any thread, not necessarily in order.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Nobody listens.
pub const SILENT: Progress<'static> = &|_, _| {};

/// Counts finished items of parallel work.
pub(crate) struct Counter<'a> {
    done: AtomicUsize,
    total: usize,
    progress: Progress<'a>,
}

impl<'a> Counter<'a> {
    pub(crate) const fn new(total: usize, progress: Progress<'a>) -> Self {
        Self {
            done: AtomicUsize::new(0),
            total,
            progress,
        }
    }

    pub(crate) fn tick(&self) {
        (self.progress)(self.done.fetch_add(1, Ordering::Relaxed) + 1, self.total);
    }
}
