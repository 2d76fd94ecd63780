//! The two arithmetics that kernels are written over: integers that are requantised, and floats.

use super::lanes::{acc_s8, mac_by, tap_by};
use super::rows::{RowF32, RowS8, RowTable};
use crate::kernels::{LANES, Post};
use crate::requantize::Round;
use core::marker::PhantomData;

/// Element, accumulator and row of a kernel, and how an accumulator becomes an output.
pub(crate) trait Arithmetic {
    /// What tensors and weights hold.
    type Element: Copy + Default;
    /// What sums are kept in.
    type Acc: Copy;
    /// One output channel's constants.
    type Row: Copy;

    /// Row `index` of the table.
    ///
    /// # Safety
    ///
    /// `index` is below the number of rows, and the table lies at a multiple of 4.
    unsafe fn row(table: &RowTable, index: usize) -> Self::Row;
    /// Stored entries of the row.
    fn nnz(row: &Self::Row) -> usize;
    /// The sum before any product.
    fn bias(row: &Self::Row) -> Self::Acc;
    /// `acc + x · w`.
    fn mac(acc: Self::Acc, x: Self::Element, w: Self::Element) -> Self::Acc;
    /// `accs[n][lane] += x[lane] · weights[n]` for the eight lanes of a tile.
    ///
    /// # Safety
    ///
    /// Eight elements at `x` can be read.
    unsafe fn mac_lanes<const N: usize>(
        accs: &mut [[Self::Acc; LANES]; N],
        x: *const Self::Element,
        weights: [Self::Element; N],
    );
    /// One column of `N` rows over a tile: `accs[n][lane] += x[lane] · *weights[n]`; moves the weights' pointers to
    /// the next column and `x` on by `STEP`.
    ///
    /// # Safety
    ///
    /// A weight is left in each row, and eight elements at `x` can be read.
    unsafe fn tap<const N: usize, const STEP: i32>(
        accs: &mut [[Self::Acc; LANES]; N],
        weights: &mut [*const Self::Element; N],
        x: &mut *const Self::Element,
    );
    /// `acc[lane] += Σ x[lane + tap] · w[tap]` for the three taps of a row.
    ///
    /// # Safety
    ///
    /// Ten elements at `x` and three at `w` can be read.
    #[inline(always)]
    unsafe fn three_taps(
        acc: &mut [Self::Acc; LANES],
        mut x: *const Self::Element,
        w: *const Self::Element,
    ) {
        let mut weights = [w];
        for _ in 0..3 {
            // SAFETY: one of the three weights, eight of the ten elements.
            unsafe { Self::tap::<1, 1>(core::array::from_mut(acc), &mut weights, &mut x) };
        }
    }
    /// The output of a finished sum.
    fn finish(acc: Self::Acc, row: &Self::Row, post: &Post<Self::Element>) -> Self::Element;
    /// Finishes `accs` and hands each output in turn to `store`.
    fn finish_all(
        accs: &[Self::Acc],
        row: &Self::Row,
        post: &Post<Self::Element>,
        mut store: impl FnMut(Self::Element),
    ) {
        for &acc in accs {
            store(Self::finish(acc, row, post));
        }
    }
}

/// `s8` with `i32` accumulators, rounded by `R`.
pub(crate) struct S8<R>(PhantomData<R>);

/// `f32` throughout.
pub(crate) struct F32;

/// `value` between the bounds of `post`.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the bounds are i8 values")]
fn clamp_s8(value: i32, post: &Post<i8>) -> i8 {
    let (lo, hi) = (i32::from(post.lo), i32::from(post.hi));
    let value = value.wrapping_add(post.zero_point);
    (if value < lo {
        lo
    } else if value > hi {
        hi
    } else {
        value
    }) as i8
}

impl<R: Round> Arithmetic for S8<R> {
    type Element = i8;
    type Acc = i32;
    type Row = RowS8;

    #[inline(always)]
    unsafe fn row(table: &RowTable, index: usize) -> RowS8 {
        // SAFETY: the caller keeps the index below the number of rows.
        unsafe { table.s8(index) }
    }

    #[inline(always)]
    fn nnz(row: &RowS8) -> usize {
        row.nnz
    }

    #[inline(always)]
    fn bias(row: &RowS8) -> i32 {
        row.bias
    }

    #[inline(always)]
    fn mac(acc: i32, x: i8, w: i8) -> i32 {
        acc_s8(acc, x, w)
    }

    #[inline(always)]
    unsafe fn mac_lanes<const N: usize>(
        accs: &mut [[i32; LANES]; N],
        x: *const i8,
        weights: [i8; N],
    ) {
        // SAFETY: the caller's contract.
        unsafe { crate::arch::mac_s8(accs, x, weights) };
    }

    #[inline(always)]
    unsafe fn tap<const N: usize, const STEP: i32>(
        accs: &mut [[i32; LANES]; N],
        weights: &mut [*const i8; N],
        x: &mut *const i8,
    ) {
        // SAFETY: the caller's contract.
        unsafe { crate::arch::tap_s8::<N, STEP>(accs, weights, x) };
    }

    #[inline(always)]
    unsafe fn three_taps(acc: &mut [i32; LANES], x: *const i8, w: *const i8) {
        // SAFETY: the caller's contract.
        unsafe { crate::arch::three_taps_s8(acc, x, w) };
    }

    #[inline(always)]
    fn finish(acc: i32, row: &RowS8, post: &Post<i8>) -> i8 {
        let scaled = if row.shift >= 1 {
            R::shift_right(acc, row.multiplier, row.shift.unsigned_abs())
        } else {
            R::shift_left(acc, row.multiplier, row.shift.unsigned_abs())
        };
        clamp_s8(scaled, post)
    }

    #[inline(always)]
    fn finish_all(accs: &[i32], row: &RowS8, post: &Post<i8>, mut store: impl FnMut(i8)) {
        let shift = row.shift.unsigned_abs();
        if row.shift >= 1 {
            for &acc in accs {
                store(clamp_s8(R::shift_right(acc, row.multiplier, shift), post));
            }
        } else {
            for &acc in accs {
                store(clamp_s8(R::shift_left(acc, row.multiplier, shift), post));
            }
        }
    }
}

impl Arithmetic for F32 {
    type Element = f32;
    type Acc = f32;
    type Row = RowF32;

    #[inline(always)]
    unsafe fn row(table: &RowTable, index: usize) -> RowF32 {
        // SAFETY: the caller keeps the index below the number of rows.
        unsafe { table.f32(index) }
    }

    #[inline(always)]
    fn nnz(row: &RowF32) -> usize {
        row.nnz
    }

    #[inline(always)]
    fn bias(row: &RowF32) -> f32 {
        row.bias
    }

    #[inline(always)]
    fn mac(acc: f32, x: f32, w: f32) -> f32 {
        acc + x * w
    }

    #[inline(always)]
    unsafe fn mac_lanes<const N: usize>(
        accs: &mut [[f32; LANES]; N],
        x: *const f32,
        weights: [f32; N],
    ) {
        // SAFETY: the caller's contract.
        unsafe { mac_by(accs, x, weights, Self::mac) };
    }

    #[inline(always)]
    unsafe fn tap<const N: usize, const STEP: i32>(
        accs: &mut [[f32; LANES]; N],
        weights: &mut [*const f32; N],
        x: &mut *const f32,
    ) {
        // SAFETY: the caller's contract.
        unsafe { tap_by::<f32, f32, N, STEP>(accs, weights, x, Self::mac_lanes) };
    }

    #[inline(always)]
    fn finish(acc: f32, _row: &RowF32, post: &Post<f32>) -> f32 {
        if acc < post.lo {
            post.lo
        } else if acc > post.hi {
            post.hi
        } else {
            acc
        }
    }
}
