//! `add`: element-wise sums, channel by channel.

use super::{Bounded, Job, narrow};
use crate::arch::plain::{add_linear_s8, add_s8};
use crate::cursor::{Cursor, Progress};
use crate::requantize::{doubling_high_mul, rounding_shift_right};
use core::cell::Cell;
use nnz_format::{AddParams, Clamp, LinearSum};

/// Bits that operands are raised by before they are brought to a common scale.
const LEFT_SHIFT: u32 = 20;

/// Integer sums by TensorFlow Lite's scheme: both operands to a common scale, then to the output's.
#[inline(never)]
pub(super) fn run_s8(
    job: &Job<'_, '_>,
    params: &AddParams,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let Some(second) = &job.step.input2 else {
        return Progress::Done;
    };
    let (a, b, output) = (
        job.input::<i8>(),
        job.arena.view::<i8>(second),
        job.output::<i8>(),
    );
    let bounds = i8::bounds(clamp);
    let zero_points = [a.zero_point, b.zero_point, output.zero_point];
    let (s1, s2, so) = (shift(params.s1), shift(params.s2), shift(params.so));
    let add = |out: &Cell<i8>, x: &Cell<i8>, y: &Cell<i8>| {
        let x = raised(x.get(), a.zero_point, params.m1, s1);
        let y = raised(y.get(), b.zero_point, params.m2, s2);
        let sum = rounding_shift_right(doubling_high_mul(x.wrapping_add(y), params.mo), so);
        out.set(narrow(sum.wrapping_add(output.zero_point)).clamped(bounds));
    };
    cursor.each(output.channels, output.pixels(), |channel| {
        let (out, x, y) = (output.plane(channel), a.plane(channel), b.plane(channel));
        if let (Some(out), Some(x), Some(y)) = (out.as_slice(), x.as_slice(), y.as_slice()) {
            if add_s8(params, zero_points, (x, y), out) {
                if bounds != (i8::MIN, i8::MAX) {
                    out.iter()
                        .for_each(|out| out.set(out.get().clamped(bounds)));
                }
                return;
            }
            out.iter()
                .zip(x.iter().zip(y))
                .for_each(|(out, (x, y))| add(out, x, y));
        } else {
            out.zip(x.zip(y)).for_each(|(out, (x, y))| add(out, x, y));
        }
    })
}

/// Integer sums by coefficients.
#[inline(never)]
pub(super) fn run_linear(
    job: &Job<'_, '_>,
    sum: LinearSum,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let Some(second) = &job.step.input2 else {
        return Progress::Done;
    };
    let (a, b, output) = (
        job.input::<i8>(),
        job.arena.view::<i8>(second),
        job.output::<i8>(),
    );
    let bounds = i8::bounds(clamp);
    cursor.each(output.channels, output.pixels(), |channel| {
        let (out, x, y) = (output.plane(channel), a.plane(channel), b.plane(channel));
        if let (Some(to), Some(x), Some(y)) = (out.as_slice(), x.as_slice(), y.as_slice()) {
            add_linear_s8(sum, (x, y), to);
        } else {
            out.zip(x.zip(y))
                .for_each(|(out, (x, y))| out.set(narrow(sum.of(x.get(), y.get()))));
        }
        if bounds != (i8::MIN, i8::MAX) {
            output
                .plane(channel)
                .for_each(|out| out.set(out.get().clamped(bounds)));
        }
    })
}

/// A proven right shift.
pub(super) fn shift(shift: i8) -> u32 {
    u32::from(shift.unsigned_abs())
}

/// An operand at the common scale.
#[inline]
pub(super) fn raised(value: i8, zero_point: i32, multiplier: i32, shift: u32) -> i32 {
    let centred = i32::from(value)
        .wrapping_sub(zero_point)
        .wrapping_shl(LEFT_SHIFT);
    rounding_shift_right(doubling_high_mul(centred, multiplier), shift)
}

/// Float sums.
#[inline(never)]
pub(super) fn run_f32(job: &Job<'_, '_>, clamp: &Clamp, cursor: &mut Cursor) -> Progress {
    let Some(second) = &job.step.input2 else {
        return Progress::Done;
    };
    let (a, b, output) = (
        job.input::<f32>(),
        job.arena.view::<f32>(second),
        job.output::<f32>(),
    );
    let bounds = f32::bounds(clamp);
    cursor.each(output.channels, output.pixels(), |channel| {
        let operands = a.plane(channel).zip(b.plane(channel));
        for (out, (x, y)) in output.plane(channel).zip(operands) {
            out.set((x.get() + y.get()).clamped(bounds));
        }
    })
}
