//! `mean` over rows and columns: one value a channel.

use super::{Job, narrow};
use crate::arch::plain::sum_s8;
use crate::cursor::{Cursor, Progress};
use core::num::NonZeroU32;

/// Elements of a plane, for dividing by.
fn count(pixels: usize) -> NonZeroU32 {
    u32::try_from(pixels)
        .ok()
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN)
}

/// Integer means as TensorFlow Lite Micro: the multiplier holds `1 / count`, so the sum of deviations is rescaled
/// and nothing is divided. `rescale` multiplies by multiplier and shift and rounds.
#[inline(never)]
pub(super) fn run_s8(
    job: &Job<'_, '_>,
    (multiplier, shift): (i32, i8),
    cursor: &mut Cursor,
    rescale: impl Fn(i32, i32, i32) -> i32,
) -> Progress {
    let (input, output) = (job.input::<i8>(), job.output::<i8>());
    let count = count(input.pixels());
    let centre = count.get().cast_signed().wrapping_mul(input.zero_point);
    cursor.each(output.channels, input.pixels(), |channel| {
        let plane = input.plane(channel);
        let sum = plane.as_slice().map_or_else(
            || plane.fold(0_i32, |sum, cell| sum.wrapping_add(i32::from(cell.get()))),
            sum_s8,
        );
        let mean = rescale(sum.wrapping_sub(centre), multiplier, i32::from(shift));
        if let Some(out) = output.at(channel, 0, 0).first() {
            out.set(narrow(mean.wrapping_add(output.zero_point)));
        }
    })
}

/// Float means.
#[expect(clippy::cast_precision_loss, reason = "a plane's size as a divisor")]
#[inline(never)]
pub(super) fn run_f32(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    let (input, output) = (job.input::<f32>(), job.output::<f32>());
    let count = count(input.pixels()).get() as f32;
    cursor.each(output.channels, input.pixels(), |channel| {
        let sum = input
            .plane(channel)
            .fold(0.0_f32, |sum, cell| sum + cell.get());
        if let Some(out) = output.at(channel, 0, 0).first() {
            out.set(sum / count);
        }
    })
}
