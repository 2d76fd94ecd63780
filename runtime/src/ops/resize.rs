//! `resize_nearest_neighbor` and `resize_bilinear`: rows, columns and weights stand in tables.

use super::{Bounded, Job, narrow};
use crate::arena::View;
use crate::cursor::{Cursor, Progress};
use nnz_format::{Table, Weights};

/// Runs `of` for every output pixel of the channels that are left; it is given the table, the input and the place.
#[inline]
fn each<T: Bounded>(
    job: &Job<'_, '_>,
    cursor: &mut Cursor,
    of: impl Fn(&Table<'_>, &View<'_, T>, [usize; 4]) -> T,
) -> Progress {
    let Weights::Table(table) = &job.step.weights else {
        return Progress::Done;
    };
    let (input, output) = (job.input::<T>(), job.output::<T>());
    cursor.each(output.channels, output.pixels(), |channel| {
        for y in 0..output.height {
            for (x, out) in output.row(channel, y).enumerate() {
                out.set(of(table, &input, [channel, y, output.height, x]));
            }
        }
    })
}

/// An element of the input; 0 where there is none.
#[inline]
fn element<T: Bounded>(input: &View<'_, T>, channel: usize, y: u16, x: u16) -> T {
    let first = input.at(channel, usize::from(y), usize::from(x)).first();
    first.map_or_else(T::default, core::cell::Cell::get)
}

/// The nearest pixel.
#[inline(never)]
pub(super) fn nearest<T: Bounded>(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    each::<T>(job, cursor, |table, input, [channel, y, rows, x]| {
        let row = table.u16_at(y);
        element(input, channel, row, table.u16_at(rows.wrapping_add(x)))
    })
}

/// The four pixels around a place, row by row, and the weights of the second row and column.
fn around<T: Bounded>(
    table: &Table<'_>,
    input: &View<'_, T>,
    [channel, y, rows, x]: [usize; 4],
) -> ([T; 4], [[u8; 4]; 2]) {
    let ([top, bottom], down) = table.tap(y);
    let ([left, right], across) = table.tap(rows.wrapping_add(x));
    let at = |y, x| element(input, channel, y, x);
    (
        [
            at(top, left),
            at(top, right),
            at(bottom, left),
            at(bottom, right),
        ],
        [down, across],
    )
}

/// The four pixels around a place, less `zero`, with weights in 1/1024: 2^20 times what lies there.
#[inline]
fn mixed(table: &Table<'_>, input: &View<'_, i8>, place: [usize; 4], zero: i32) -> i32 {
    const ONE: i32 = 1 << 10;
    let (pixels, weights) = around(table, input, place);
    let [down, across] = weights.map(i32::from_le_bytes);
    let [up, back] = [down, across].map(|weight| ONE.wrapping_sub(weight));
    let [a, b, c, d] = pixels.map(|x| i32::from(x).wrapping_sub(zero));
    let product = |x: i32, w: i32, v: i32| x.wrapping_mul(w).wrapping_mul(v);
    product(a, up, back)
        .wrapping_add(product(b, up, across))
        .wrapping_add(product(c, down, back))
        .wrapping_add(product(d, down, across))
}

/// Integers by TensorFlow Lite's scheme: the sum is rounded half away from zero.
#[inline(never)]
pub(super) fn bilinear_s8(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    each::<i8>(job, cursor, |table, input, place| {
        let sum = mixed(table, input, place, 0);
        let half = if sum > 0 { 1 << 19 } else { -(1 << 19) };
        narrow(sum.wrapping_add(half) / (1 << 20))
    })
}

/// Integers by ONNX's scheme: halves go to the even distance from the zero point.
#[inline(never)]
pub(super) fn bilinear_even(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    each::<i8>(job, cursor, |table, input, place| {
        let sum = mixed(table, input, place, input.zero_point);
        let odd = (sum >> 20) & 1;
        let rounded = sum.wrapping_add((1 << 19) - 1).wrapping_add(odd) >> 20;
        narrow(rounded.wrapping_add(input.zero_point))
    })
}

/// Floats.
#[inline(never)]
pub(super) fn bilinear_f32(job: &Job<'_, '_>, cursor: &mut Cursor) -> Progress {
    each::<f32>(job, cursor, |table, input, place| {
        let ([a, b, c, d], weights) = around(table, input, place);
        let [down, across] = weights.map(f32::from_le_bytes);
        let (up, back) = (1.0 - down, 1.0 - across);
        a * up * back + b * up * across + c * down * back + d * down * across
    })
}
