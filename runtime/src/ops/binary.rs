//! Two tensors, element by element: sums with broadcasting, differences, products, quotients, extremes.
//!
//! The second tensor may have one pixel, or one channel, for all of the first.

use super::add::{raised, shift};
use super::{Bounded, Job, narrow};
use crate::arena::View;
use crate::cursor::{Cursor, Progress};
use crate::requantize::{doubling_high_mul, multiply_double, rounding_shift_right};
use nnz_format::{AddParams, Binary, Clamp};

/// Runs `of` for every element of the channels that are left.
#[inline]
fn each<T: Bounded>(
    job: &Job<'_, '_>,
    clamp: &Clamp,
    cursor: &mut Cursor,
    of: impl Fn(T, T, &Zeros) -> T,
) -> Progress {
    let Some(second) = &job.step.input2 else {
        return Progress::Done;
    };
    let (a, b, output) = (
        job.input::<T>(),
        job.arena.view::<T>(second),
        job.output::<T>(),
    );
    let bounds = T::bounds(clamp);
    let zeros = Zeros {
        first: a.zero_point,
        second: b.zero_point,
        output: output.zero_point,
    };
    cursor.each(output.channels, output.pixels(), |channel| {
        let pairs = output.plane(channel).zip(a.plane(channel));
        let partner = if b.channels == 1 { 0 } else { channel };
        match only(&b, partner) {
            Some(y) => {
                for (out, x) in pairs {
                    out.set(of(x.get(), y, &zeros).clamped(bounds));
                }
            }
            None => {
                for ((out, x), y) in pairs.zip(b.plane(partner)) {
                    out.set(of(x.get(), y.get(), &zeros).clamped(bounds));
                }
            }
        }
    })
}

/// The value of a channel that has a single pixel.
fn only<T: Bounded>(view: &View<'_, T>, channel: usize) -> Option<T> {
    let first = view.at(channel, 0, 0).first();
    first
        .filter(|_| view.pixels() == 1)
        .map(core::cell::Cell::get)
}

/// Zero points.
struct Zeros {
    first: i32,
    second: i32,
    output: i32,
}

/// Sums, or differences where `sign` is −1, by TensorFlow Lite's scheme.
#[inline(never)]
pub(super) fn sum_s8(
    job: &Job<'_, '_>,
    (kind, swapped): (Binary, bool),
    params: &AddParams,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let (s1, s2, so) = (shift(params.s1), shift(params.s2), shift(params.so));
    let is_sum = matches!(kind, Binary::Add);
    each::<i8>(job, clamp, cursor, |x, y, zeros| {
        let x = raised(x, zeros.first, params.m1, s1);
        let y = raised(y, zeros.second, params.m2, s2);
        let sum = match (is_sum, swapped) {
            (true, _) => x.wrapping_add(y),
            (false, false) => x.wrapping_sub(y),
            (false, true) => y.wrapping_sub(x),
        };
        let scaled = rounding_shift_right(doubling_high_mul(sum, params.mo), so);
        narrow(scaled.wrapping_add(zeros.output))
    })
}

/// Products by TensorFlow Lite's scheme.
#[inline(never)]
pub(super) fn mul_s8(
    job: &Job<'_, '_>,
    params: &AddParams,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    each::<i8>(job, clamp, cursor, |x, y, zeros| {
        let x = i32::from(x).wrapping_sub(zeros.first);
        let y = i32::from(y).wrapping_sub(zeros.second);
        let scaled = multiply_double(x.wrapping_mul(y), params.mo, i32::from(params.so));
        narrow(scaled.wrapping_add(zeros.output))
    })
}

/// The smaller or the larger of two values of one scale.
#[inline(never)]
pub(super) fn extreme_s8(
    job: &Job<'_, '_>,
    kind: Binary,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    let smaller = matches!(kind, Binary::Minimum);
    each::<i8>(
        job,
        clamp,
        cursor,
        |x, y, _| {
            if (x < y) == smaller { x } else { y }
        },
    )
}

/// Floats.
#[inline(never)]
pub(super) fn run_f32(
    job: &Job<'_, '_>,
    (kind, swapped): (Binary, bool),
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    each::<f32>(job, clamp, cursor, |x, y, _| {
        let (x, y) = if swapped { (y, x) } else { (x, y) };
        match kind {
            Binary::Add => x + y,
            Binary::Sub => x - y,
            Binary::Mul => x * y,
            Binary::Div => x / y,
            Binary::Minimum if x < y => x,
            Binary::Maximum if x > y => x,
            Binary::Minimum | Binary::Maximum => y,
        }
    })
}
