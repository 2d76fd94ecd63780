//! Dense matrices times vectors: four rows share the loads of the vector, sixteen columns a turn.

use super::conv::table;
use super::finish::{Finish, bounded};
use crate::arch::portable::RowS8;
use crate::kernels::Product;
use core::arch::asm;
use nnz_format::DenseS8;

/// Rows that share the loads.
const ROWS: usize = 4;
/// Columns a turn.
const TURN: usize = 16;

/// Rows of a dense matrix times a vector.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(super) unsafe fn dense<R: Finish>(weights: &DenseS8<'_>, product: &Product<'_, i8>) {
    let mut first = product.first;
    while first < product.end {
        let left = product.end.wrapping_sub(first);
        if left >= ROWS {
            // SAFETY: four rows are left; the rest is the caller's contract.
            unsafe { rows::<R, ROWS>(weights, product, first) };
            first = first.wrapping_add(ROWS);
        } else {
            // SAFETY: a row is left; the rest is the caller's contract.
            unsafe { rows::<R, 1>(weights, product, first) };
            first = first.wrapping_add(1);
        }
    }
}

/// Rows `first` to `first + N`.
///
/// # Safety
///
/// As [`dense`], and the rows exist.
#[inline(never)]
unsafe fn rows<R: Finish, const N: usize>(
    weights: &DenseS8<'_>,
    product: &Product<'_, i8>,
    first: usize,
) {
    let columns = product.x.len();
    let start: *const i8 = weights.weights().as_ptr().cast();
    let mut w: [*const i8; N] =
        core::array::from_fn(|n| start.wrapping_add(first.wrapping_add(n).wrapping_mul(columns)));
    let table = table(weights.rows());
    // SAFETY: the rows exist.
    let constants: [RowS8; N] =
        core::array::from_fn(|n| unsafe { table.s8(first.wrapping_add(n)) });
    let mut acc = constants.map(|row| row.bias);
    let mut x = product.x.as_ptr().cast::<i8>();
    for _ in 0..columns / TURN {
        // SAFETY: sixteen columns are left in the vector and in each row.
        unsafe { turn(&mut acc, &w, x) };
        w.iter_mut().for_each(|w| *w = w.wrapping_add(TURN));
        x = x.wrapping_add(TURN);
    }
    for _ in 0..columns % TURN {
        for (acc, w) in acc.iter_mut().zip(&mut w) {
            // SAFETY: a column is left in the vector and in each row.
            *acc = unsafe { column::<0>(*acc, *w, x) };
            *w = w.wrapping_add(1);
        }
        x = x.wrapping_add(1);
    }
    for (n, (&acc, row)) in acc.iter().zip(&constants).enumerate() {
        // SAFETY: row `first + n` is a row of the product.
        unsafe { finish::<R>(acc, row, product, first.wrapping_add(n)) };
    }
}

/// Sixteen columns of `N` rows.
///
/// # Safety
///
/// Sixteen elements can be read at `x` and at each of `w`.
#[inline(always)]
unsafe fn turn<const N: usize>(acc: &mut [i32; N], w: &[*const i8; N], x: *const i8) {
    // SAFETY: columns 0 to 15, by the caller's contract.
    unsafe {
        columns::<N, 0>(acc, w, x);
        columns::<N, 2>(acc, w, x);
        columns::<N, 4>(acc, w, x);
        columns::<N, 6>(acc, w, x);
        columns::<N, 8>(acc, w, x);
        columns::<N, 10>(acc, w, x);
        columns::<N, 12>(acc, w, x);
        columns::<N, 14>(acc, w, x);
    }
}

/// Columns `AT` and `AT + 1` of `N` rows: two values of the vector meet two weights of each.
///
/// # Safety
///
/// They can be read at `x` and at each of `w`.
#[inline(always)]
unsafe fn columns<const N: usize, const AT: i32>(
    acc: &mut [i32; N],
    w: &[*const i8; N],
    x: *const i8,
) {
    let (a, b): (i32, i32);
    // SAFETY: reads two bytes.
    unsafe {
        asm!("lb {a}, {p}({x})", "lb {b}, {q}({x})", a = out(reg) a, b = out(reg) b, x = in(reg) x,
            p = const AT, q = const AT + 1, options(readonly, nostack, preserves_flags));
    }
    for (acc, &w) in acc.iter_mut().zip(w) {
        // SAFETY: reads two bytes and changes nothing but the named registers.
        unsafe {
            asm!("lb {t}, {p}({w})", "lb {u}, {q}({w})", "mul {t}, {t}, {a}", "mul {u}, {u}, {b}",
                "add {s}, {s}, {t}", "add {s}, {s}, {u}",
                s = inout(reg) *acc, w = in(reg) w, a = in(reg) a, b = in(reg) b,
                t = out(reg) _, u = out(reg) _, p = const AT, q = const AT + 1,
                options(readonly, nostack, preserves_flags));
        }
    }
}

/// `acc + x[AT] · w[AT]`.
///
/// # Safety
///
/// Both can be read.
#[inline(always)]
pub(super) unsafe fn column<const AT: usize>(acc: i32, w: *const i8, x: *const i8) -> i32 {
    // SAFETY: the caller's contract.
    let (w, x) = unsafe { (w.wrapping_add(AT).read(), x.wrapping_add(AT).read()) };
    acc.wrapping_add(i32::from(x).wrapping_mul(i32::from(w)))
}

/// Stores output `index` of a product.
///
/// # Safety
///
/// `index` is in `product.first..product.end`.
#[inline(always)]
pub(super) unsafe fn finish<R: Finish>(
    acc: i32,
    row: &RowS8,
    product: &Product<'_, i8>,
    index: usize,
) {
    let post = &product.post;
    let (lo, hi) = (i32::from(post.lo), i32::from(post.hi));
    let value = match R::alone(row.multiplier, row.shift, post.zero_point, acc) {
        Some(value) => value,
        None => scaled::<R>(acc, row).wrapping_add(post.zero_point),
    };
    let at = product.out.as_ptr().cast::<i8>().cast_mut();
    let at = at.wrapping_add(index.wrapping_mul(product.stride));
    // SAFETY: contract 3 of `Kernels`: `out` reaches row `end − 1`.
    unsafe { at.write(bounded(value, lo, hi)) };
}

/// A sum at the output's scale, for any shift.
#[cold]
fn scaled<R: Finish>(acc: i32, row: &RowS8) -> i32 {
    let shift = row.shift.unsigned_abs();
    if row.shift >= 1 {
        R::shift_right(acc, row.multiplier, shift)
    } else {
        R::shift_left(acc, row.multiplier, shift)
    }
}
