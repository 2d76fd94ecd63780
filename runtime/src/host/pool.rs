//! Pools and means over planes: rows are joined column by column, then the columns of each window.

use super::form::Form;
use super::rescale::flipped;
use crate::requantize::{multiply_double, multiply_once, rounding_divide, rounding_divide_even};
use core::num::NonZeroU32;
use core::ops::Range;
use nnz_format::{Clamp, Rounding, Step, Ties, Window};

/// What becomes of the bytes of a window.
#[derive(Debug, Clone, Copy)]
pub(super) enum Join {
    /// The largest.
    Max,
    /// Their mean, divided.
    Average(Ties),
    /// Their mean, by a factor that holds the count.
    Mean {
        /// The factor.
        multiplier: i32,
        /// Its right shift.
        shift: i32,
        /// How it rounds.
        rounding: Rounding,
    },
}

/// A pool, ready to run.
#[derive(Debug)]
pub(super) struct Pool {
    join: Join,
    window: Option<Window>,
    bounds: (u8, u8),
    /// Of the input and of the output.
    zero_points: (i32, i32),
    /// The mean's byte for every sum of a plane, where there are not too many.
    means: Vec<u8>,
}

impl Pool {
    /// The pool of `step`; a mean has no window.
    pub(super) fn new(
        step: &Step<'_>,
        join: Join,
        window: Option<&Window>,
        clamp: &Clamp,
    ) -> Option<Self> {
        let Clamp::S8 { lo, hi } = *clamp else {
            return None;
        };
        let mut pool = Self {
            join,
            window: window.copied(),
            bounds: (lo.cast_unsigned() ^ 0x80, hi.cast_unsigned() ^ 0x80),
            zero_points: (step.input.zero_point, step.output.zero_point),
            means: Vec::new(),
        };
        let pixels = u32::from(step.input.h) * u32::from(step.input.w);
        let count = NonZeroU32::new(pixels).filter(|_| pixels <= TABLE && window.is_none());
        if let Some(count) = count {
            let sums = 0..=255 * pixels.cast_signed();
            pool.means = sums.map(|sum| flipped(pool.value(sum, count))).collect();
        }
        Some(pool)
    }
}

/// Pixels of a mean that is looked up.
const TABLE: u32 = 64;

/// Most columns of the input that are joined at a time.
const SPAN: usize = 256;

/// The part of one axis that the window at output position `at` covers.
fn clipped(at: usize, (stride, padding, kernel): (u8, u8, u8), len: usize) -> Range<usize> {
    let first = at * usize::from(stride);
    let end = (first + usize::from(kernel)).saturating_sub(usize::from(padding));
    first.saturating_sub(usize::from(padding))..end.min(len)
}

impl Pool {
    fn value(&self, sum: i32, count: NonZeroU32) -> u8 {
        let signed = sum - 128 * count.get().cast_signed();
        let (from, to) = self.zero_points;
        let centred = signed - count.get().cast_signed() * from;
        let value = match self.join {
            Join::Max => signed,
            Join::Average(Ties::Away) => rounding_divide(signed, count),
            Join::Average(Ties::Even) => {
                let centred = signed - count.get().cast_signed() * to;
                rounding_divide_even(centred, count) + to
            }
            Join::Mean {
                multiplier,
                shift,
                rounding: Rounding::Double,
            } => multiply_double(centred, multiplier, shift).wrapping_add(to),
            Join::Mean {
                multiplier,
                shift,
                rounding: Rounding::Single,
            } => multiply_once(centred, multiplier, shift).wrapping_add(to),
        };
        u8::try_from(value.clamp(-128, 127) + 128).unwrap_or(0)
    }
}

/// The planes of a pool.
pub(super) struct Planes<'p> {
    /// The pool.
    pub(super) pool: &'p Pool,
    /// The shapes of input and output.
    pub(super) forms: (&'p Form, &'p Form),
}

impl Planes<'_> {
    /// Every channel whose planes are given; compiled for the CPU's vectors.
    #[inline(always)]
    pub(super) fn run(&self, from: &[u8], to: &mut [u8]) {
        let (input, output) = self.forms;
        let planes = from.chunks_exact(input.plane.max(1));
        for (from, to) in planes.zip(to.chunks_exact_mut(output.plane.max(1))) {
            let from = from.get(..input.pixels()).unwrap_or_default();
            let to = to.get_mut(..output.pixels()).unwrap_or_default();
            match self.pool.window {
                None => self.mean(from, to),
                Some(window) => self.windows(&window, from, to),
            }
        }
    }

    #[inline(always)]
    fn mean(&self, from: &[u8], to: &mut [u8]) {
        let count = u32::try_from(from.len()).ok().and_then(NonZeroU32::new);
        let sum: u32 = from.iter().map(|byte| u32::from(flipped(*byte))).sum();
        let Some(to) = to.first_mut() else {
            return;
        };
        if let Some(mean) = self.pool.means.get(sum as usize) {
            *to = *mean;
        } else if let Some(count) = count {
            *to = flipped(self.pool.value(sum.cast_signed(), count));
        }
    }

    #[inline(always)]
    fn windows(&self, window: &Window, from: &[u8], to: &mut [u8]) {
        let (input, output) = self.forms;
        let down = (window.stride_h, window.pad_top, window.kernel_h);
        let across = (window.stride_w, window.pad_left, window.kernel_w);
        let stride = usize::from(window.stride_w);
        // Outputs whose windows fit the span together.
        let most = (SPAN - usize::from(window.kernel_w)) / stride + 1;
        for (y, to) in to.chunks_exact_mut(output.width.max(1)).enumerate() {
            let rows = clipped(y, down, input.height);
            for (part, to) in to.chunks_mut(most).enumerate() {
                let first = part * most;
                let left = clipped(first, across, input.width).start;
                let right = clipped(first + to.len() - 1, across, input.width).end;
                let lines = rows.clone().filter_map(|row| {
                    from.get(row * input.width + left..row * input.width + right)
                });
                let columns = |x: usize| {
                    let columns = clipped(first + x, across, input.width);
                    columns.start - left..columns.end - left
                };
                match self.pool.join {
                    Join::Max => {
                        let padded = left + usize::from(window.pad_left) - first * stride;
                        self.largest(lines, (padded, window), to);
                    }
                    Join::Average(_) | Join::Mean { .. } => {
                        self.averages(lines, rows.len(), columns, to);
                    }
                }
            }
        }
    }

    /// Maxima of windows whose first begins `padded` columns before the lines. Padding is the least byte, so that all
    /// windows are whole, and every column's is had at once.
    #[inline(always)]
    fn largest<'f>(
        &self,
        lines: impl Iterator<Item = &'f [u8]>,
        (padded, window): (usize, &Window),
        to: &mut [u8],
    ) {
        let mut joined = [0_u8; SPAN];
        let columns = joined.get_mut(padded..).unwrap_or_default();
        for line in lines {
            for (joined, byte) in columns.iter_mut().zip(line) {
                *joined = (*joined).max(flipped(*byte));
            }
        }
        let mut largest = joined;
        for next in 1..usize::from(window.kernel_w) {
            let next = joined.get(next..).unwrap_or_default();
            for (largest, next) in largest.iter_mut().zip(next) {
                *largest = (*largest).max(*next);
            }
        }
        let (lo, hi) = self.pool.bounds;
        for largest in &mut largest {
            *largest = flipped((*largest).clamp(lo, hi));
        }
        match window.stride_w {
            1 => to.iter_mut().zip(largest).for_each(|(to, byte)| *to = byte),
            2 => {
                let (pairs, _) = largest.as_chunks::<2>();
                for (to, [byte, _]) in to.iter_mut().zip(pairs) {
                    *to = *byte;
                }
            }
            stride => {
                for (to, byte) in to.iter_mut().zip(largest.iter().step_by(stride.into())) {
                    *to = *byte;
                }
            }
        }
    }

    #[inline(always)]
    fn averages<'f>(
        &self,
        lines: impl Iterator<Item = &'f [u8]>,
        rows: usize,
        columns: impl Fn(usize) -> Range<usize>,
        to: &mut [u8],
    ) {
        let mut joined = [0_i32; SPAN];
        for line in lines {
            for (joined, byte) in joined.iter_mut().zip(line) {
                *joined += i32::from(flipped(*byte));
            }
        }
        let (lo, hi) = self.pool.bounds;
        for (x, to) in to.iter_mut().enumerate() {
            let columns = columns(x);
            let count = u32::try_from(rows * columns.len())
                .ok()
                .and_then(NonZeroU32::new);
            let sum = joined.get(columns).unwrap_or_default().iter().sum();
            let value = self.pool.value(sum, count.unwrap_or(NonZeroU32::MIN));
            *to = flipped(value.clamp(lo, hi));
        }
    }
}
