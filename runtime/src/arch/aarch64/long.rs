//! Products of bytes on every 64-bit Arm core: 16-bit products, two of them added, then pairs added to 32-bit sums.
//!
//! ```text
//! smull  smlal     x0·w0 + x1·w1       eight 16-bit lanes, of two neighbouring bytes of a pixel each
//! sadalp           sum += lane + lane  two 32-bit lanes a pixel
//! ```
//!
//! Two products fit 16 bits unless both weights are −128: such weights are split.
#![allow(
    clippy::inline_always,
    reason = "intrinsics must meet the function that enables them"
)]

use super::neon::{Neon, Products, op};
use crate::arch::vector::{Costs, Task};
use core::arch::aarch64::*;
use core::arch::asm;
use std::arch::is_aarch64_feature_detected;

/// Proof that the CPU has NEON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Long(());

impl Long {
    /// The proof, where it holds.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

/// Does `task` in a function compiled for the instruction set.
pub(crate) fn enter<T: Task>(simd: Neon<Long>, task: T) -> T::Out {
    #[inline(never)]
    #[target_feature(enable = "neon")]
    fn inner<T: Task>(simd: Neon<Long>, task: T) -> T::Out {
        task.run(simd)
    }
    // SAFETY: `simd` proves that the CPU has it.
    unsafe { inner(simd, task) }
}

/// The lower and the upper eight products. The upper ones are not left to the compiler, which moves the upper bytes
/// down where it finds that those of `w` are the lower ones again.
#[inline(always)]
fn multiply(x: int8x16_t, w: int8x16_t) -> (int16x8_t, int16x8_t) {
    let low = op!(vmull_s8(vget_low_s8(x), vget_low_s8(w)));
    let high: int16x8_t;
    // SAFETY: every CPU with NEON has the instruction; no memory is touched.
    unsafe {
        asm!(
            "smull2 {high:v}.8h, {x:v}.16b, {w:v}.16b",
            high = lateout(vreg) high,
            x = in(vreg) x,
            w = in(vreg) w,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    (low, high)
}

/// Adds the products to `sums`.
#[inline(always)]
fn add_products(
    (low, mut high): (int16x8_t, int16x8_t),
    x: int8x16_t,
    w: int8x16_t,
) -> (int16x8_t, int16x8_t) {
    let low = op!(vmlal_s8(low, vget_low_s8(x), vget_low_s8(w)));
    // SAFETY: every CPU with NEON has the instruction; no memory is touched.
    unsafe {
        asm!(
            "smlal2 {high:v}.8h, {x:v}.16b, {w:v}.16b",
            high = inout(vreg) high,
            x = in(vreg) x,
            w = in(vreg) w,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    (low, high)
}

impl Products for Long {
    type Acc = (int32x4_t, int32x4_t);

    const PAIRS: bool = true;
    const COSTS: Costs = Costs {
        gather: [26, 50, 120],
        quads: [8, 16, 60],
        few: [3, 5, 15],
        interleave: 14,
    };

    #[inline(always)]
    fn begin(self, sums: int32x4_t) -> Self::Acc {
        let none = op!(vdupq_n_s32(0));
        op!((vzip1q_s32(sums, none), vzip2q_s32(sums, none)))
    }

    #[inline(always)]
    fn total(self, (low, high): Self::Acc) -> int32x4_t {
        op!(vpaddq_s32(low, high))
    }

    #[inline(always)]
    fn dot(self, acc: Self::Acc, x: int8x16_t, w: int8x16_t) -> Self::Acc {
        let (low, high) = multiply(x, w);
        op!((vpadalq_s16(acc.0, low), vpadalq_s16(acc.1, high)))
    }

    #[inline(always)]
    fn dot_two(self, acc: Self::Acc, x: [int8x16_t; 2], w: [int8x16_t; 2]) -> Self::Acc {
        let (low, high) = add_products(multiply(x[0], w[0]), x[1], w[1]);
        op!((vpadalq_s16(acc.0, low), vpadalq_s16(acc.1, high)))
    }

    /// Two planes at a time, whose pixels stay in order: no interleaving.
    #[inline(always)]
    fn dot_planes<const N: usize>(
        self,
        mut sums: [[int32x4_t; 4]; N],
        [a, b, c, d]: [int8x16_t; 4],
        weights: [i32; N],
    ) -> [[int32x4_t; 4]; N] {
        for (sums, weights) in sums.iter_mut().zip(weights) {
            let [wa, wb, wc, wd] = weights.to_le_bytes().map(u8::cast_signed);
            let splat = |w: i8| op!(vdupq_n_s8(w));
            for (x, w) in [((a, b), (wa, wb)), ((c, d), (wc, wd))] {
                let first = multiply(x.0, splat(w.0));
                let (low, high) = add_products(first, x.1, splat(w.1));
                sums[0] = op!(vaddw_s16(sums[0], vget_low_s16(low)));
                sums[1] = op!(vaddw_high_s16(sums[1], low));
                sums[2] = op!(vaddw_s16(sums[2], vget_low_s16(high)));
                sums[3] = op!(vaddw_high_s16(sums[3], high));
            }
        }
        sums
    }

    #[inline]
    fn split(weights: [i8; 4]) -> [[i8; 4]; 2] {
        let first = weights.map(|w| w.max(-i8::MAX));
        [first, weights.map(|w| if w == i8::MIN { -1 } else { 0 })]
    }
}
