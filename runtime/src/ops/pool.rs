//! `max_pool_2d` and `average_pool_2d`: windows are clipped to the input, padding does not count.

use super::{Bounded, Job, narrow};
use crate::arch::plain::sum_s8;
use crate::arena::{Pixels, View};
use crate::cursor::{Cursor, Progress};
use crate::requantize::{rounding_divide, rounding_divide_even};
use core::num::NonZeroU32;
use core::ops::Range;
use nnz_format::{Clamp, Window};

/// The part of one axis that the window at output position `at` covers.
fn clipped(at: usize, stride: u8, padding: u8, kernel: u8, len: usize) -> Range<usize> {
    let first = at.wrapping_mul(usize::from(stride));
    let end = first
        .saturating_add(usize::from(kernel))
        .saturating_sub(usize::from(padding))
        .min(len);
    first.saturating_sub(usize::from(padding))..end
}

/// Calls `run` for each run of input elements of channel `channel` under output `(y, x)`: a row of the window, or all
/// of them where the window is as wide as the input.
#[inline]
fn under<'s, T: Bounded>(
    input: &View<'s, T>,
    window: &Window,
    (channel, y, x): (usize, usize, usize),
    mut run: impl FnMut(Pixels<'s, T>),
) -> usize {
    let rows = clipped(
        y,
        window.stride_h,
        window.pad_top,
        window.kernel_h,
        input.height,
    );
    let columns = clipped(
        x,
        window.stride_w,
        window.pad_left,
        window.kernel_w,
        input.width,
    );
    let count = rows.len().wrapping_mul(columns.len());
    let (runs, len) = if columns.len() == input.width {
        (1, count)
    } else {
        (rows.len(), columns.len())
    };
    for row in 0..runs {
        let row = rows.start.wrapping_add(row);
        run(input.pixels_from((channel, row, columns.start), len));
    }
    count
}

/// Runs `pooled` for every output element of the channels that are left.
#[inline]
fn each<T: Bounded>(
    job: &Job<'_, '_>,
    window: &Window,
    clamp: &Clamp,
    cursor: &mut Cursor,
    pooled: impl Fn(&View<'_, T>, (usize, usize, usize)) -> T,
) -> Progress {
    let (input, output) = (job.input::<T>(), job.output::<T>());
    let bounds = T::bounds(clamp);
    let cost = output
        .pixels()
        .saturating_mul(usize::from(window.kernel_h).wrapping_mul(usize::from(window.kernel_w)));
    cursor.each(output.channels, cost, |channel| {
        for y in 0..output.height {
            for (x, out) in output.row(channel, y).enumerate() {
                out.set(pooled(&input, (channel, y, x)).clamped(bounds));
            }
        }
    })
}

/// The largest element under each window.
#[inline(never)]
pub(super) fn max<T: Bounded>(
    job: &Job<'_, '_>,
    window: &Window,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    each::<T>(job, window, clamp, cursor, |input, at| {
        let mut largest = T::LOWEST;
        under(input, window, at, |run| {
            largest = run.fold(largest, |largest, cell| {
                let value = cell.get();
                if value > largest { value } else { largest }
            });
        });
        largest
    })
}

/// The mean under each window; integers round half away from zero.
#[inline(never)]
pub(super) fn average<T: Average>(
    job: &Job<'_, '_>,
    window: &Window,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    each::<T>(job, window, clamp, cursor, |input, at| {
        let mut sum = T::Sum::default();
        let count = under(input, window, at, |run| sum = T::add(sum, run));
        let count = u32::try_from(count).ok().and_then(NonZeroU32::new);
        T::divide(sum, count.unwrap_or(NonZeroU32::MIN))
    })
}

/// The mean under each window of integers, halves to the even distance from the zero point.
pub(super) fn average_even(
    job: &Job<'_, '_>,
    window: &Window,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let zero = job.output::<i8>().zero_point;
    each::<i8>(job, window, clamp, cursor, |input, at| {
        let mut sum = 0;
        let count = under(input, window, at, |run| sum = Average::add(sum, run));
        let count = u32::try_from(count).ok().and_then(NonZeroU32::new);
        let count = count.unwrap_or(NonZeroU32::MIN);
        let centre = count.get().cast_signed().wrapping_mul(zero);
        let mean = rounding_divide_even(sum.wrapping_sub(centre), count);
        narrow(mean.wrapping_add(zero))
    })
}

/// Sums and their division.
pub(super) trait Average: Bounded {
    /// What elements are summed in.
    type Sum: Copy + Default;
    /// `sum` and all of `run`.
    fn add(sum: Self::Sum, run: Pixels<'_, Self>) -> Self::Sum;
    /// `sum / count`.
    fn divide(sum: Self::Sum, count: NonZeroU32) -> Self;
}

impl Average for i8 {
    type Sum = i32;

    #[inline]
    fn add(sum: i32, run: Pixels<'_, Self>) -> i32 {
        if let Some(cells) = run.as_slice() {
            return sum.wrapping_add(sum_s8(cells));
        }
        let mut sum = sum;
        for cell in run {
            sum = sum.wrapping_add(cell.get().into());
        }
        sum
    }

    #[inline]
    fn divide(sum: i32, count: NonZeroU32) -> Self {
        narrow(rounding_divide(sum, count))
    }
}

impl Average for f32 {
    type Sum = Self;

    #[inline]
    fn add(sum: Self, run: Pixels<'_, Self>) -> Self {
        run.fold(sum, |sum, cell| sum + cell.get())
    }

    #[inline]
    #[expect(
        clippy::cast_precision_loss,
        reason = "windows have at most 65,025 elements"
    )]
    fn divide(sum: Self, count: NonZeroU32) -> Self {
        sum / count.get() as Self
    }
}
