//! Sums of two tensors, with what TensorFlow Lite's constants allow.
//!
//! The operand of the larger scale has the multiplier 1/2 and no shift, so that its part is `(x − zx) · 2^19` exactly
//! and needs no product.

use crate::arch::XPULP;
pub(crate) use crate::arch::portable::add_linear_s8;
use crate::requantize::doubling_high_mul;
use crate::requantize::rounding_shift_right;
use core::arch::asm;
use core::cell::Cell;
use nnz_format::AddParams;

/// Σ x.
pub(crate) fn sum_s8(x: &[Cell<i8>]) -> i32 {
    let mut quads = x.chunks_exact(if XPULP { 4 } else { usize::MAX });
    let mut sum = 0_i32;
    for quad in quads.by_ref() {
        // SAFETY: reads four elements; cv.sdotsp.b with 1, 1, 1, 1.
        unsafe {
            asm!(
                "lw {t}, 0({x})", ".insn r 0x7b, 1, 0x54, {sum}, {t}, {ones}",
                sum = inout(reg) sum, t = out(reg) _, x = in(reg) quad.as_ptr(), ones = in(reg) 0x0101_0101,
                options(readonly, nostack, preserves_flags),
            );
        }
    }
    let rest = quads.remainder().iter();
    rest.fold(sum, |sum, cell| sum.wrapping_add(i32::from(cell.get())))
}

/// Element-wise sums of slices of one length with zero points `[x, y, out]`, not bounded; `false` where the
/// parameters are not those that TensorFlow Lite chooses.
pub(crate) fn add_s8(
    params: &AddParams,
    [zx, zy, zo]: [i32; 3],
    (x, y): (&[Cell<i8>], &[Cell<i8>]),
    out: &[Cell<i8>],
) -> bool {
    const HALF: i32 = 1 << 30;
    let ((x, zx), (y, zy, my, sy)) = if (params.m1, params.s1) == (HALF, 0) {
        ((x, zx), (y, zy, params.m2, params.s2))
    } else if (params.m2, params.s2) == (HALF, 0) {
        ((y, zy), (x, zx, params.m1, params.s1))
    } else {
        return false;
    };
    if params.so < 1 {
        return false;
    }
    let (sy, so) = (
        u32::from(sy.unsigned_abs()),
        u32::from(params.so.unsigned_abs()),
    );
    let cx = zx.wrapping_neg().wrapping_shl(19);
    let cy = zy.wrapping_neg().wrapping_shl(20);
    for (out, (x, y)) in out.iter().zip(x.iter().zip(y)) {
        let exact = i32::from(x.get()).wrapping_shl(19).wrapping_add(cx);
        let raised = i32::from(y.get()).wrapping_shl(20).wrapping_add(cy);
        let scaled = rounding_shift_right(doubling_high_mul(raised, my), sy);
        let sum = doubling_high_mul(exact.wrapping_add(scaled), params.mo);
        let value = rounding_shift_right(sum, so).wrapping_add(zo);
        out.set(crate::ops::narrow(value));
    }
    true
}
