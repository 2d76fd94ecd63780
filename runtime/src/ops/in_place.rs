//! Convolutions of a K×K window that write their output over their input.
//!
//! ```text
//! strip 0    strip 1        Tiles go down strips of eight columns. A band keeps the rows that the next tile shares, so
//! ████████ | · · · ·        that a tile needs one row that no tile of its strip has written. Of that row only the
//! ████████ | · · · ·        columns left of the strip are gone, `pad_left` of them: what the strip before found there
//! ░░░░░░ss | · · · ·        is kept (s) until this one has read it.
//! ```
//!
//! While a band is filled, the kept columns and the outputs that lie in their place change places, so that every kernel
//! that fills bands finds the input as it was.

use super::Job;
use crate::arena::{Element, View};
use crate::gather;
use crate::kernels::LANES;
use core::cell::Cell;
use core::ops::Range;
use nnz_format::{Op, Step, Window, works_in_place};

/// The columns that are kept, and where they belong.
pub(super) struct Kept<'s, T> {
    /// `[channel][row][pad_left]`.
    columns: &'s [Cell<T>],
    left: usize,
    kernel_h: usize,
    top: usize,
}

impl<'s, T: Element> Kept<'s, T> {
    /// Those of a step that writes over its input, and the scratch before them; for others none and all of the scratch.
    pub(super) fn of(job: &Job<'s, '_>, window: &Window) -> (Option<Self>, &'s [Cell<T>]) {
        let scratch = job.scratch::<T>();
        match Self::cut(job.step, window, scratch) {
            Some((kept, before)) => (Some(kept), before),
            None => (None, scratch),
        }
    }

    /// Cuts the columns from the end of the scratch of a step that writes over its input.
    fn cut(
        step: &Step<'_>,
        window: &Window,
        scratch: &'s [Cell<T>],
    ) -> Option<(Self, &'s [Cell<T>])> {
        let over = step.input.offset == step.output.offset && matches!(step.op, Op::Conv2d { .. });
        if !over || !works_in_place(window, &step.input, &step.output) {
            return None;
        }
        let left = usize::from(window.pad_left);
        let rows = usize::from(step.input.c).wrapping_mul(step.input.h.into());
        let len = rows.wrapping_mul(left);
        let (before, columns) = scratch.split_at_checked(scratch.len().checked_sub(len)?)?;
        let kept = Self {
            columns,
            left,
            kernel_h: usize::from(window.kernel_h),
            top: usize::from(window.pad_top),
        };
        Some((kept, before))
    }

    /// Kernel rows that the band of the tile at row `y` has from the tile above.
    pub(super) fn rows(&self, y: usize) -> usize {
        if y == 0 {
            0
        } else {
            self.kernel_h.wrapping_sub(1)
        }
    }

    /// Runs `fill`, which reads the rows of `input` that the tile at `at` does not share with the one above, where
    /// columns are `kept` with those in their place.
    #[inline(always)]
    pub(super) fn around(
        kept: Option<&Self>,
        input: &View<'_, T>,
        at: (usize, usize),
        fill: impl FnOnce(),
    ) {
        if let Some(kept) = kept {
            kept.exchange(input, at);
        }
        fill();
        if let Some(kept) = kept {
            kept.exchange(input, at);
            kept.keep(input, at);
        }
    }

    /// The rows that the tile at row `y` does not share with the one above.
    fn new_rows(&self, height: usize, y: usize) -> Range<usize> {
        let end = y.wrapping_add(self.kernel_h).saturating_sub(self.top);
        let first = if y == 0 { 0 } else { end.saturating_sub(1) };
        first..end.min(height)
    }

    /// What is kept and what lies left of column `x` change places.
    fn exchange(&self, input: &View<'_, T>, (y, x): (usize, usize)) {
        if x > 0 {
            self.each(input, (y, x), true);
        }
    }

    /// Keeps what the next strip finds left of it.
    fn keep(&self, input: &View<'_, T>, (y, x): (usize, usize)) {
        let next = x.wrapping_add(LANES);
        if next < input.width {
            self.each(input, (y, next), false);
        }
    }

    /// Copies the elements of the new rows left of column `x` to those that are kept; those that were kept before take
    /// their place, where `is_exchange` says so.
    #[inline(never)]
    fn each(&self, input: &View<'_, T>, (y, x): (usize, usize), is_exchange: bool) {
        let plane = input.height.wrapping_mul(self.left);
        let stride = input.channel_stride;
        for row in self.new_rows(input.height, y) {
            let kept = self.columns.get(row.wrapping_mul(self.left)..);
            let cells = input.at(0, row, x.wrapping_sub(self.left));
            for at in 0..self.left {
                let kept = kept.unwrap_or(&[]).get(at..).unwrap_or(&[]);
                let cells = cells.get(at..).unwrap_or(&[]);
                let count = (input.channels, is_exchange);
                gather::column(kept, cells, (plane, stride), count);
            }
        }
    }
}
