//! NEON: 16 pixels a tile; how products of bytes are summed is a parameter.
#![allow(
    clippy::inline_always,
    reason = "intrinsics must meet the function that enables them"
)]

use crate::arch::vector::{Constants, Costs, Lanes, Simd};
use core::arch::aarch64::*;

/// One intrinsic that every CPU with this proof has.
macro_rules! op {
    ($call:expr) => {
        // SAFETY: the token proves that the CPU has the instruction; no memory is touched.
        unsafe { $call }
    };
}
pub(super) use op;

/// Sums of products of bytes; a value of the type proves that the CPU has NEON and the products' instructions.
pub(crate) trait Products: Copy {
    /// Sums in the making.
    type Acc: Copy;

    /// As [`Simd::PAIRS`].
    const PAIRS: bool;
    /// As [`Simd::COSTS`].
    const COSTS: Costs;

    /// Sums that begin with these.
    fn begin(self, sums: int32x4_t) -> Self::Acc;
    /// The sums.
    fn total(self, acc: Self::Acc) -> int32x4_t;
    /// As [`Simd::dot`].
    fn dot(self, acc: Self::Acc, x: int8x16_t, w: int8x16_t) -> Self::Acc;
    /// As [`Simd::dot_two`].
    fn dot_two(self, acc: Self::Acc, x: [int8x16_t; 2], w: [int8x16_t; 2]) -> Self::Acc;
    /// As [`Simd::dot_planes`].
    fn dot_planes<const N: usize>(
        self,
        sums: [[int32x4_t; 4]; N],
        planes: [int8x16_t; 4],
        weights: [i32; N],
    ) -> [[int32x4_t; 4]; N];
    /// As [`Simd::split`].
    fn split(weights: [i8; 4]) -> [[i8; 4]; 2];
}

/// Vectors of 16 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon<P>(pub(super) P);

/// Four planes as [`Simd::quads`].
#[inline(always)]
pub(super) fn interleave([a, b, c, d]: [int8x16_t; 4]) -> [int8x16_t; 4] {
    let halves = |x: int8x16_t, y: int8x16_t| {
        op!((
            vreinterpretq_s16_s8(vzip1q_s8(x, y)),
            vreinterpretq_s16_s8(vzip2q_s8(x, y))
        ))
    };
    let ((ab, ab_high), (cd, cd_high)) = (halves(a, b), halves(c, d));
    op!([
        vreinterpretq_s8_s16(vzip1q_s16(ab, cd)),
        vreinterpretq_s8_s16(vzip2q_s16(ab, cd)),
        vreinterpretq_s8_s16(vzip1q_s16(ab_high, cd_high)),
        vreinterpretq_s8_s16(vzip2q_s16(ab_high, cd_high)),
    ])
}

/// The constants of [`Constants`]' formula, lane by lane; shifts to the right are negative.
struct Fixed {
    left: int32x4_t,
    multiplier: int32x4_t,
    round: (int64x2_t, int64x2_t),
    toward: int32x4_t,
    right: int32x4_t,
    half: int32x4_t,
    offset: int32x4_t,
}

#[inline(always)]
fn rescale_by(acc: int32x4_t, by: &Fixed) -> int32x4_t {
    let value = op!(vshlq_s32(acc, by.left));
    let low = op!(vmull_s32(vget_low_s32(value), vget_low_s32(by.multiplier)));
    let high = op!(vmull_high_s32(value, by.multiplier));
    let (low, high) = op!((vaddq_s64(low, by.round.0), vaddq_s64(high, by.round.1)));
    let low = op!(vshrn_n_s64::<31>(low));
    let product = op!(vshrn_high_n_s64::<31>(low, high));
    let sign = op!(vandq_s32(vshrq_n_s32::<31>(product), by.toward));
    let shifted = op!(vshlq_s32(vaddq_s32(product, sign), by.right));
    let last = op!(vshlq_s32(vaddq_s32(shifted, by.half), vnegq_s32(by.half)));
    op!(vaddq_s32(last, by.offset))
}

impl<P: Products> Simd for Neon<P> {
    type V = int8x16_t;
    type Acc = P::Acc;
    type Half = Self;
    type Wide = Self;

    const BYTES: usize = 16;
    const ROWS: usize = 2;
    const PAIRS: bool = P::PAIRS;
    const COSTS: Costs = P::COSTS;

    #[inline(always)]
    fn half(self) -> Self {
        self
    }

    #[inline(always)]
    fn wide(self) -> Self {
        self
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u8) -> int8x16_t {
        // SAFETY: the caller's contract.
        unsafe { vld1q_s8(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8, value: int8x16_t) {
        // SAFETY: the caller's contract.
        unsafe { vst1q_s8(to.cast(), value) };
    }

    #[inline(always)]
    unsafe fn windows<const STRIDE: usize>(self, from: *const u8, quad: usize) -> int8x16_t {
        const SPREAD: [[u8; 16]; 2] = [
            [0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6],
            [0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9],
        ];
        let spread = if STRIDE == 1 { &SPREAD[0] } else { &SPREAD[1] };
        // SAFETY: the caller's contract.
        let bytes = unsafe { vld1q_s8(from.wrapping_add(4 * STRIDE * quad).cast()) };
        // SAFETY: a table of 16 bytes.
        let spread = unsafe { vld1q_u8(spread.as_ptr()) };
        op!(vqtbl1q_s8(bytes, spread))
    }

    #[inline(always)]
    unsafe fn load_lanes(self, from: *const u8, _stride: usize) -> int8x16_t {
        // SAFETY: the caller's contract.
        unsafe { self.load(from) }
    }

    #[inline(always)]
    unsafe fn load_16(self, from: *const u8) -> int8x16_t {
        // SAFETY: the caller's contract.
        unsafe { self.load(from) }
    }

    #[inline(always)]
    unsafe fn store_lanes(self, to: *mut u8, _stride: usize, value: int8x16_t) {
        // SAFETY: the caller's contract.
        unsafe { self.store(to, value) };
    }

    #[inline(always)]
    fn shuffle(self, bytes: int8x16_t, sources: int8x16_t) -> int8x16_t {
        op!(vqtbl1q_s8(bytes, vreinterpretq_u8_s8(sources)))
    }

    #[inline(always)]
    fn or(self, a: int8x16_t, b: int8x16_t) -> int8x16_t {
        op!(vorrq_s8(a, b))
    }

    #[inline(always)]
    fn evens(self, first: int8x16_t, second: int8x16_t) -> int8x16_t {
        op!(vuzp1q_s8(first, second))
    }

    #[inline(always)]
    fn splat(self, value: i32) -> int8x16_t {
        op!(vreinterpretq_s8_s32(vdupq_n_s32(value)))
    }

    #[inline(always)]
    fn splat_byte(self, value: u8) -> int8x16_t {
        op!(vdupq_n_s8(value.cast_signed()))
    }

    #[inline(always)]
    fn quads(self, planes: [int8x16_t; 4]) -> [int8x16_t; 4] {
        interleave(planes)
    }

    #[inline(always)]
    fn begin(self, lanes: int8x16_t) -> P::Acc {
        self.0.begin(op!(vreinterpretq_s32_s8(lanes)))
    }

    #[inline(always)]
    fn total(self, acc: P::Acc) -> int8x16_t {
        op!(vreinterpretq_s8_s32(self.0.total(acc)))
    }

    #[inline(always)]
    fn dot(self, acc: P::Acc, x: int8x16_t, w: int8x16_t) -> P::Acc {
        self.0.dot(acc, x, w)
    }

    #[inline(always)]
    fn dot_two(self, acc: P::Acc, x: [int8x16_t; 2], w: [int8x16_t; 2]) -> P::Acc {
        self.0.dot_two(acc, x, w)
    }

    #[inline(always)]
    fn dot_planes<const N: usize>(
        self,
        sums: [[int8x16_t; 4]; N],
        planes: [int8x16_t; 4],
        weights: [i32; N],
    ) -> [[int8x16_t; 4]; N] {
        let sums = sums.map(|sums| sums.map(|sum| op!(vreinterpretq_s32_s8(sum))));
        let sums = self.0.dot_planes(sums, planes, weights);
        sums.map(|sums| sums.map(|sum| op!(vreinterpretq_s8_s32(sum))))
    }

    #[inline]
    fn split(weights: [i8; 4]) -> [[i8; 4]; 2] {
        P::split(weights)
    }

    #[inline(always)]
    fn rescale(self, acc: int8x16_t, mul: f32, add: f32) -> int8x16_t {
        let sums = op!(vcvtq_f32_s32(vreinterpretq_s32_s8(acc)));
        let scaled = op!(vfmaq_f32(vdupq_n_f32(add), sums, vdupq_n_f32(mul)));
        op!(vreinterpretq_s8_s32(vcvtnq_s32_f32(scaled)))
    }

    #[inline(always)]
    unsafe fn rescale_lanes(self, acc: int8x16_t, lanes: &Lanes, at: usize) -> int8x16_t {
        // SAFETY: the caller's contract.
        let mul = unsafe { vld1q_f32(lanes.mul.as_ptr().wrapping_add(at)) };
        // SAFETY: the caller's contract.
        let add = unsafe { vld1q_f32(lanes.add.as_ptr().wrapping_add(at)) };
        let sums = op!(vcvtq_f32_s32(vreinterpretq_s32_s8(acc)));
        op!(vreinterpretq_s8_s32(vcvtnq_s32_f32(vfmaq_f32(
            add, sums, mul
        ))))
    }

    #[inline(always)]
    unsafe fn rescale_fixed_lanes(self, acc: int8x16_t, lanes: &Lanes, at: usize) -> int8x16_t {
        let mut fixed = [op!(vdupq_n_s32(0)); 7];
        for (fixed, values) in fixed.iter_mut().zip(&lanes.fixed) {
            // SAFETY: the caller's contract.
            *fixed = unsafe { vld1q_s32(values.as_ptr().wrapping_add(at)) };
        }
        let [left, multiplier, round, toward, right, half, offset] = fixed;
        let by = Fixed {
            left,
            multiplier,
            round: op!((vmovl_s32(vget_low_s32(round)), vmovl_high_s32(round))),
            toward,
            right: op!(vnegq_s32(right)),
            half,
            offset,
        };
        let sums = op!(vreinterpretq_s32_s8(acc));
        op!(vreinterpretq_s8_s32(rescale_by(sums, &by)))
    }

    #[inline(always)]
    fn rescale_pairs(self, pairs: int8x16_t, mul: (f32, f32), add: f32) -> int8x16_t {
        let pairs = op!(vreinterpretq_u32_s8(pairs));
        let unsigned = op!(veorq_u32(pairs, vdupq_n_u32(0x8080)));
        let (a, b) = op!((
            vandq_u32(unsigned, vdupq_n_u32(255)),
            vshrq_n_u32::<8>(unsigned)
        ));
        let (a, b) = op!((vcvtq_f32_u32(a), vcvtq_f32_u32(b)));
        let sum = op!(vfmaq_f32(vdupq_n_f32(add), b, vdupq_n_f32(mul.1)));
        let sum = op!(vfmaq_f32(sum, a, vdupq_n_f32(mul.0)));
        op!(vreinterpretq_s8_s32(vcvtnq_s32_f32(sum)))
    }

    #[inline(always)]
    fn rescale_fixed(self, acc: int8x16_t, row: &Constants) -> int8x16_t {
        let splat = |value: i32| op!(vdupq_n_s32(value));
        let round = op!(vdupq_n_s64(row.round));
        let by = Fixed {
            left: splat(row.left),
            multiplier: splat(row.multiplier),
            round: (round, round),
            toward: splat(row.toward),
            right: splat(-row.right),
            half: splat(row.half),
            offset: splat(row.offset),
        };
        let sums = op!(vreinterpretq_s32_s8(acc));
        op!(vreinterpretq_s8_s32(rescale_by(sums, &by)))
    }

    #[inline(always)]
    fn pack(self, quads: [int8x16_t; 4]) -> int8x16_t {
        let [a, b, c, d] = quads.map(|quad| op!(vreinterpretq_s32_s8(quad)));
        let low = op!(vqmovn_high_s32(vqmovn_s32(a), b));
        let high = op!(vqmovn_high_s32(vqmovn_s32(c), d));
        op!(vqmovn_high_s16(vqmovn_s16(low), high))
    }

    #[inline(always)]
    fn in_order(self, quads: [int8x16_t; 4]) -> [int8x16_t; 4] {
        quads
    }

    #[inline(always)]
    fn pack_in_order(self, lanes: [int8x16_t; 4]) -> int8x16_t {
        self.pack(lanes)
    }

    #[inline(always)]
    fn choose(self, mask: int8x16_t, yes: int8x16_t, no: int8x16_t) -> int8x16_t {
        op!(vbslq_s8(vreinterpretq_u8_s8(mask), yes, no))
    }

    #[inline(always)]
    fn clamp(self, value: int8x16_t, lo: int8x16_t, hi: int8x16_t) -> int8x16_t {
        op!(vminq_s8(vmaxq_s8(value, lo), hi))
    }
}
