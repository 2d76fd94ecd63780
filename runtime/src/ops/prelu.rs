//! `prelu`: negative values times the slope of their channel.

use super::{Job, narrow};
use crate::cursor::{Cursor, Progress};
use crate::requantize::multiply_double;
use nnz_format::{PreluParams, Weights};

/// Integers by TensorFlow Lite's scheme: values and products with slopes are rescaled each by a factor of their own.
#[inline(never)]
pub(super) fn run_s8(job: &Job<'_, '_>, params: &PreluParams, cursor: &mut Cursor) -> Progress {
    let Weights::Table(table) = &job.step.weights else {
        return Progress::Done;
    };
    let (input, output) = (job.input::<i8>(), job.output::<i8>());
    let (up, down) = (i32::from(params.s1), i32::from(params.s2));
    cursor.each(output.channels, output.pixels(), |channel| {
        let slope = i32::from(table.i16_at(channel));
        output
            .plane(channel)
            .set_each(input.plane(channel), |out, cell| {
                let centred = i32::from(cell.get()).wrapping_sub(input.zero_point);
                let scaled = if centred >= 0 {
                    multiply_double(centred, params.m1, up)
                } else {
                    multiply_double(centred.wrapping_mul(slope), params.m2, down)
                };
                out.set(narrow(scaled.wrapping_add(output.zero_point)));
            });
    })
}

/// Floats.
#[inline(never)]
pub(super) fn run_f32(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    let Weights::Table(table) = &job.step.weights else {
        return Progress::Done;
    };
    let (input, output) = (job.input::<f32>(), job.output::<f32>());
    cursor.each(output.channels, output.pixels(), |channel| {
        let slope = table.f32_at(channel);
        output
            .plane(channel)
            .set_each(input.plane(channel), |out, cell| {
                let value = cell.get();
                out.set(if value >= 0.0 { value } else { value * slope });
            });
    })
}
