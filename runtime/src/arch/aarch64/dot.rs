//! Products of bytes by the dot product extension: four a lane and instruction, exact.
#![allow(
    clippy::inline_always,
    reason = "intrinsics must meet the function that enables them"
)]

use super::neon::{Neon, Products, interleave, op};
use super::twice::Twice;
use crate::arch::vector::{Costs, Task};
use core::arch::aarch64::*;
use core::arch::asm;
use std::arch::is_aarch64_feature_detected;

/// Proof that the CPU has NEON and its dot products.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dot(());

impl Dot {
    /// The proof, where it holds.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        let has = is_aarch64_feature_detected!("neon") && is_aarch64_feature_detected!("dotprod");
        has.then_some(Self(()))
    }
}

/// Does `task` in a function compiled for the instruction set.
pub(crate) fn enter<T: Task>(simd: Twice<Neon<Dot>>, task: T) -> T::Out {
    #[target_feature(enable = "neon,dotprod")]
    fn inner<T: Task>(simd: Twice<Neon<Dot>>, task: T) -> T::Out {
        task.run(simd)
    }
    // SAFETY: `simd` proves that the CPU has both.
    unsafe { inner(simd, task) }
}

impl Products for Dot {
    type Acc = int32x4_t;

    const PAIRS: bool = false;
    const COSTS: Costs = Costs {
        gather: [12, 17, 52],
        quads: [5, 10, 40],
        few: [2, 3, 10],
        interleave: 14,
    };

    #[inline(always)]
    fn begin(self, sums: int32x4_t) -> int32x4_t {
        sums
    }

    #[inline(always)]
    fn total(self, acc: int32x4_t) -> int32x4_t {
        acc
    }

    #[inline(always)]
    fn dot(self, mut acc: int32x4_t, x: int8x16_t, w: int8x16_t) -> int32x4_t {
        // SAFETY: the token proves that the CPU has the instruction; no memory is touched.
        unsafe {
            asm!(
                "sdot {acc:v}.4s, {x:v}.16b, {w:v}.16b",
                acc = inout(vreg) acc,
                x = in(vreg) x,
                w = in(vreg) w,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        acc
    }

    #[inline(always)]
    fn dot_two(self, acc: int32x4_t, x: [int8x16_t; 2], w: [int8x16_t; 2]) -> int32x4_t {
        self.dot(self.dot(acc, x[0], w[0]), x[1], w[1])
    }

    #[inline(always)]
    fn dot_planes<const N: usize>(
        self,
        mut sums: [[int32x4_t; 4]; N],
        planes: [int8x16_t; 4],
        weights: [i32; N],
    ) -> [[int32x4_t; 4]; N] {
        let quads = interleave(planes);
        for (sums, weights) in sums.iter_mut().zip(weights) {
            let weights = op!(vreinterpretq_s8_s32(vdupq_n_s32(weights)));
            for (sum, quad) in sums.iter_mut().zip(quads) {
                *sum = self.dot(*sum, quad, weights);
            }
        }
        sums
    }

    #[inline]
    fn split(weights: [i8; 4]) -> [[i8; 4]; 2] {
        [weights, [0; 4]]
    }
}
