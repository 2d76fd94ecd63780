//! `quantize` and `dequantize`: between real numbers and their 8-bit codes.

use super::{Job, narrow};
use crate::cursor::{Cursor, Progress};
use crate::float::round_half_even;

/// `round_half_even(x / scale) + zero_point`, within `s8`. What is not a number counts as 0.
#[inline(never)]
pub(super) fn quantize(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    let (input, output) = (job.input::<f32>(), job.output::<i8>());
    let scale = job.step.output.scale;
    cursor.each(output.channels, output.pixels(), |channel| {
        output
            .plane(channel)
            .set_each(input.plane(channel), |out, cell| {
                let steps = round_half_even(cell.get() / scale);
                out.set(narrow(steps.saturating_add(output.zero_point)));
            });
    })
}

/// `scale · (q − zero_point)`.
#[expect(
    clippy::cast_precision_loss,
    reason = "differences of 8-bit codes are small"
)]
#[inline(never)]
pub(super) fn dequantize(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    let (input, output) = (job.input::<i8>(), job.output::<f32>());
    let scale = job.step.input.scale;
    cursor.each(output.channels, output.pixels(), |channel| {
        output
            .plane(channel)
            .set_each(input.plane(channel), |out, cell| {
                out.set(scale * i32::from(cell.get()).wrapping_sub(input.zero_point) as f32);
            });
    })
}
