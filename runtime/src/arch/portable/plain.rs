//! Operators without weights where a target has no kernels of its own for them.

use core::cell::Cell;
use nnz_format::{AddParams, LinearSum};

/// Σ x.
#[allow(dead_code, reason = "some targets have their own")]
pub(crate) fn sum_s8(x: &[Cell<i8>]) -> i32 {
    x.iter()
        .fold(0, |sum, cell| sum.wrapping_add(i32::from(cell.get())))
}

/// No kernel: the driver's own loop computes sums.
#[allow(dead_code, reason = "some targets have their own")]
pub(crate) fn add_s8(
    _: &AddParams,
    _: [i32; 3],
    _: (&[Cell<i8>], &[Cell<i8>]),
    _: &[Cell<i8>],
) -> bool {
    false
}

/// Element-wise sums of slices of one length by coefficients, saturated.
#[allow(dead_code, reason = "some targets have their own")]
pub(crate) fn add_linear_s8(sum: LinearSum, (x, y): (&[Cell<i8>], &[Cell<i8>]), out: &[Cell<i8>]) {
    for (out, (x, y)) in out.iter().zip(x.iter().zip(y)) {
        out.set(crate::ops::narrow(sum.of(x.get(), y.get())));
    }
}
