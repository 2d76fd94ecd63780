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
use nnz_format::{Op, Window, works_in_place};

/// The columns that are kept, and where they belong.
pub(super) struct Kept<'s, T> {
    input: &'s View<'s, T>,
    /// The scratch before the columns.
    before: &'s [Cell<T>],
    /// `[channel][row][pad_left]`.
    columns: &'s [Cell<T>],
    left: usize,
    kernel_h: usize,
    top: usize,
}

impl<'s, T: Element> Kept<'s, T> {
    /// Those of a step that writes over its input, seen as `input`; `None` for others.
    pub(super) fn of(job: &Job<'s, '_>, window: &Window, input: &'s View<'s, T>) -> Option<Self> {
        let step = job.step;
        let over = step.input.offset == step.output.offset && matches!(step.op, Op::Conv2d { .. });
        if !over || !works_in_place(window, &step.input, &step.output) {
            return None;
        }
        let left = usize::from(window.pad_left);
        let len = input.channels.wrapping_mul(input.height).wrapping_mul(left);
        let scratch = job.scratch::<T>();
        let (before, columns) = scratch.split_at_checked(scratch.len().checked_sub(len)?)?;
        Some(Self {
            input,
            before,
            columns,
            left,
            kernel_h: usize::from(window.kernel_h),
            top: usize::from(window.pad_top),
        })
    }

    /// The scratch that is free for the kernels.
    pub(super) const fn before(&self) -> &'s [Cell<T>] {
        self.before
    }

    /// Kernel rows that the band of the tile at row `y` has from the tile above.
    pub(super) fn rows(&self, y: usize) -> usize {
        if y == 0 {
            0
        } else {
            self.kernel_h.wrapping_sub(1)
        }
    }

    /// Runs `fill`, which reads the rows that the tile at `(y, x)` does not share with the one above.
    #[inline(always)]
    pub(super) fn around(&self, (y, x): (usize, usize), fill: impl FnOnce()) {
        self.exchange((y, x));
        fill();
        self.exchange((y, x));
        self.keep((y, x));
    }

    /// The rows that the tile at row `y` does not share with the one above.
    fn new_rows(&self, y: usize) -> Range<usize> {
        let end = y.wrapping_add(self.kernel_h).saturating_sub(self.top);
        let first = if y == 0 { 0 } else { end.saturating_sub(1) };
        first..end.min(self.input.height)
    }

    /// What is kept and what lies left of column `x` change places.
    pub(super) fn exchange(&self, (y, x): (usize, usize)) {
        if x > 0 {
            self.each(y, x, true);
        }
    }

    /// Keeps what the next strip finds left of it.
    pub(super) fn keep(&self, (y, x): (usize, usize)) {
        let next = x.wrapping_add(LANES);
        if next < self.input.width {
            self.each(y, next, false);
        }
    }

    /// Copies the elements of the new rows left of column `x` to those that are kept; those that were kept before take
    /// their place, where `is_exchange` says so.
    #[inline(never)]
    fn each(&self, y: usize, x: usize, is_exchange: bool) {
        let plane = self.input.height.wrapping_mul(self.left);
        let stride = self.input.channel_stride;
        for row in self.new_rows(y) {
            let kept = self.columns.get(row.wrapping_mul(self.left)..);
            let cells = self.input.at(0, row, x.wrapping_sub(self.left));
            for at in 0..self.left {
                let kept = kept.unwrap_or(&[]).get(at..).unwrap_or(&[]);
                let cells = cells.get(at..).unwrap_or(&[]);
                let strides = (plane, stride);
                if is_exchange {
                    gather::column::<T, true>(kept, cells, strides, self.input.channels);
                } else {
                    gather::column::<T, false>(kept, cells, strides, self.input.channels);
                }
            }
        }
    }
}
