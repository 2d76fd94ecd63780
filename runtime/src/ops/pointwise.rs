//! `requantize` and `clamp`: each element by itself.

use super::{Bounded, Job, narrow};
use crate::cursor::{Cursor, Progress};
use nnz_format::Clamp;

/// Another scale and zero point; `rescale` multiplies by multiplier and shift and rounds.
#[inline(never)]
pub(super) fn requantize(
    job: &Job<'_, '_>,
    (multiplier, shift): (i32, i8),
    clamp: &Clamp,
    cursor: &mut Cursor,
    rescale: impl Fn(i32, i32, i32) -> i32,
) -> Progress {
    let (input, output) = (job.input::<i8>(), job.output::<i8>());
    let bounds = i8::bounds(clamp);
    cursor.each(output.channels, output.pixels(), |channel| {
        output
            .plane(channel)
            .set_each(input.plane(channel), |out, cell| {
                let centred = i32::from(cell.get()).wrapping_sub(input.zero_point);
                let scaled = rescale(centred, multiplier, i32::from(shift));
                out.set(narrow(scaled.wrapping_add(output.zero_point)).clamped(bounds));
            });
    })
}

/// Bounds only.
#[inline(never)]
pub(super) fn clamp<T: Bounded>(job: &Job<'_, '_>, clamp: &Clamp, cursor: &mut Cursor) -> Progress {
    let (input, output) = (job.input::<T>(), job.output::<T>());
    let bounds = T::bounds(clamp);
    cursor.each(output.channels, output.pixels(), |channel| {
        output
            .plane(channel)
            .set_each(input.plane(channel), |out, cell| {
                out.set(cell.get().clamped(bounds));
            });
    })
}
