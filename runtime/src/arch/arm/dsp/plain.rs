//! Operators without weights, around `plain.S`.

pub(crate) use crate::arch::arm::add::{add_linear_s8, add_s8};
use core::cell::Cell;

unsafe extern "C" {
    fn nnz_dsp_sum(x: *const i8, count: usize) -> i32;
}

/// Σ x.
pub(crate) fn sum_s8(x: &[Cell<i8>]) -> i32 {
    // SAFETY: so many bytes can be read.
    unsafe { nnz_dsp_sum(x.as_ptr().cast(), x.len()) }
}
