//! AVX2 and FMA: 32 pixels a tile. Products of bytes are summed in 16 bits by pairs, which saturates: pairs of weights
//! that could are kept apart ([`Simd::split`]).
#![allow(
    clippy::inline_always,
    reason = "intrinsics must meet the function that enables them"
)]

use super::{COSTS, by_quads};
use crate::arch::vector::{Constants, Costs, Lanes, Simd, Task};
use core::arch::x86_64::*;
use std::is_x86_feature_detected;

/// Proof that the CPU has AVX2 and FMA.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The proof, where it holds.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    /// The proof, from one of a larger set.
    #[inline(always)]
    pub(crate) const fn of_avx512(_: super::avx512::Avx512<false>) -> Self {
        Self(())
    }

    /// Does `task` in a function compiled for the instruction set.
    pub(crate) fn enter<T: Task>(self, task: T) -> T::Out {
        #[target_feature(enable = "avx2,fma")]
        fn inner<T: Task>(simd: Avx2, task: T) -> T::Out {
            task.run(simd)
        }
        // SAFETY: `self` proves that the CPU has both.
        unsafe { inner(self, task) }
    }
}

/// One intrinsic that every CPU with this proof has.
macro_rules! op {
    ($call:expr) => {
        // SAFETY: the token proves that the CPU has the instruction; no memory is touched.
        unsafe { $call }
    };
}
pub(super) use op;

/// Whether no sum of two products can saturate at 16 bits.
#[inline]
fn fits_pairs([a, b, c, d]: [i8; 4]) -> bool {
    let fits = |a: i8, b: i8| {
        let up = i32::from(a.max(0)) + i32::from(b.max(0));
        let down = i32::from(a.min(0)) + i32::from(b.min(0));
        up * 255 <= i32::from(i16::MAX) && down * 255 >= i32::from(i16::MIN)
    };
    fits(a, b) && fits(c, d)
}

impl Simd for Avx2 {
    type V = __m256i;
    type Acc = __m256i;
    type Half = Self;
    type Wide = Self;

    const BYTES: usize = 32;
    const ROWS: usize = 2;
    const PAIRS: bool = false;
    const COSTS: Costs = COSTS;

    #[inline(always)]
    fn half(self) -> Self {
        self
    }

    #[inline(always)]
    fn wide(self) -> Self {
        self
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u8) -> __m256i {
        // SAFETY: the caller's contract.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8, value: __m256i) {
        // SAFETY: the caller's contract.
        unsafe { _mm256_storeu_si256(to.cast(), value) };
    }

    #[inline(always)]
    fn splat(self, value: i32) -> __m256i {
        op!(_mm256_set1_epi32(value))
    }

    #[inline(always)]
    fn splat_byte(self, value: u8) -> __m256i {
        op!(_mm256_set1_epi8(value.cast_signed()))
    }

    #[inline(always)]
    fn quads(self, [a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
        let (ab, cd) = op!((_mm256_unpacklo_epi8(a, b), _mm256_unpacklo_epi8(c, d)));
        let (ab_high, cd_high) = op!((_mm256_unpackhi_epi8(a, b), _mm256_unpackhi_epi8(c, d)));
        op!([
            _mm256_unpacklo_epi16(ab, cd),
            _mm256_unpackhi_epi16(ab, cd),
            _mm256_unpacklo_epi16(ab_high, cd_high),
            _mm256_unpackhi_epi16(ab_high, cd_high),
        ])
    }

    #[inline(always)]
    fn dot(self, acc: __m256i, x: __m256i, w: __m256i) -> __m256i {
        let pairs = op!(_mm256_maddubs_epi16(x, w));
        let sums = op!(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
        op!(_mm256_add_epi32(acc, sums))
    }

    #[inline]
    fn split(weights: [i8; 4]) -> [[i8; 4]; 2] {
        if fits_pairs(weights) {
            return [weights, [0; 4]];
        }
        let [a, b, c, d] = weights;
        [[a, 0, c, 0], [0, b, 0, d]]
    }

    #[inline(always)]
    fn begin(self, lanes: __m256i) -> __m256i {
        lanes
    }

    #[inline(always)]
    fn total(self, acc: __m256i) -> __m256i {
        acc
    }

    #[inline(always)]
    fn dot_two(self, acc: __m256i, x: [__m256i; 2], w: [__m256i; 2]) -> __m256i {
        self.dot(self.dot(acc, x[0], w[0]), x[1], w[1])
    }

    #[inline(always)]
    fn dot_planes<const N: usize>(
        self,
        sums: [[__m256i; 4]; N],
        planes: [__m256i; 4],
        weights: [i32; N],
    ) -> [[__m256i; 4]; N] {
        by_quads(self, sums, planes, weights)
    }

    #[inline(always)]
    fn rescale(self, acc: __m256i, mul: f32, add: f32) -> __m256i {
        let scaled = op!(_mm256_fmadd_ps(
            _mm256_cvtepi32_ps(acc),
            _mm256_set1_ps(mul),
            _mm256_set1_ps(add)
        ));
        op!(_mm256_cvtps_epi32(scaled))
    }

    #[inline(always)]
    fn rescale_fixed(self, acc: __m256i, row: &Constants) -> __m256i {
        let count = |n: i32| op!(_mm_cvtsi32_si128(n));
        let value = op!(_mm256_sll_epi32(acc, count(row.left)));
        let factor = self.splat(row.multiplier);
        let round = op!(_mm256_set1_epi64x(row.round));
        let even = op!(_mm256_add_epi64(_mm256_mul_epi32(value, factor), round));
        let odd = op!(_mm256_mul_epi32(_mm256_srli_epi64::<32>(value), factor));
        let odd = op!(_mm256_slli_epi64::<1>(_mm256_add_epi64(odd, round)));
        let high = op!(_mm256_blend_epi32::<0xAA>(
            _mm256_srli_epi64::<31>(even),
            odd
        ));
        let sign = op!(_mm256_and_si256(
            _mm256_srai_epi32::<31>(high),
            self.splat(row.toward)
        ));
        let shifted = op!(_mm256_sra_epi32(
            _mm256_add_epi32(high, sign),
            count(row.right)
        ));
        let last = op!(_mm256_add_epi32(shifted, self.splat(row.half)));
        let rounded = op!(_mm256_sra_epi32(last, count(row.half)));
        op!(_mm256_add_epi32(rounded, self.splat(row.offset)))
    }

    #[inline(always)]
    fn pack(self, [a, b, c, d]: [__m256i; 4]) -> __m256i {
        let (low, high) = op!((_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)));
        let signed = op!(_mm256_packs_epi16(low, high));
        op!(_mm256_xor_si256(signed, self.splat_byte(0x80)))
    }

    #[inline(always)]
    unsafe fn windows<const STRIDE: usize>(self, from: *const u8, quad: usize) -> __m256i {
        let from = from.wrapping_add(4 * STRIDE * quad);
        // SAFETY: the caller's contract.
        let first = unsafe { self.load(from) };
        if STRIDE == 1 {
            let spread = op!(_mm256_broadcastsi128_si256(_mm_setr_epi8(
                0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6
            )));
            return op!(_mm256_shuffle_epi8(first, spread));
        }
        // SAFETY: the caller's contract.
        let second = unsafe { self.load(from.wrapping_add(Self::BYTES)) };
        let lanes = op!(_mm256_permute2x128_si256::<0x20>(first, second));
        let spread = op!(_mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9
        )));
        op!(_mm256_shuffle_epi8(lanes, spread))
    }

    #[inline(always)]
    unsafe fn load_lanes(self, from: *const u8, stride: usize) -> __m256i {
        // SAFETY: the caller's contract.
        let low = unsafe { _mm_loadu_si128(from.cast()) };
        // SAFETY: the caller's contract.
        let high = unsafe { _mm_loadu_si128(from.wrapping_add(stride).cast()) };
        op!(_mm256_set_m128i(high, low))
    }

    #[inline(always)]
    unsafe fn load_16(self, from: *const u8) -> __m256i {
        // SAFETY: the caller's contract.
        let bytes = unsafe { _mm_loadu_si128(from.cast()) };
        op!(_mm256_broadcastsi128_si256(bytes))
    }

    #[inline(always)]
    unsafe fn store_lanes(self, to: *mut u8, stride: usize, value: __m256i) {
        let (low, high) = op!((
            _mm256_castsi256_si128(value),
            _mm256_extracti128_si256::<1>(value)
        ));
        // SAFETY: the caller's contract.
        unsafe { _mm_storeu_si128(to.cast(), low) };
        // SAFETY: the caller's contract.
        unsafe { _mm_storeu_si128(to.wrapping_add(stride).cast(), high) };
    }

    #[inline(always)]
    fn shuffle(self, bytes: __m256i, sources: __m256i) -> __m256i {
        op!(_mm256_shuffle_epi8(bytes, sources))
    }

    #[inline(always)]
    fn or(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_or_si256(a, b))
    }

    #[inline(always)]
    fn evens(self, first: __m256i, second: __m256i) -> __m256i {
        let mask = op!(_mm256_set1_epi16(0xFF));
        let (first, second) = op!((
            _mm256_and_si256(first, mask),
            _mm256_and_si256(second, mask)
        ));
        op!(_mm256_permute4x64_epi64::<0xD8>(_mm256_packus_epi16(
            first, second
        )))
    }

    #[inline(always)]
    unsafe fn rescale_lanes(self, acc: __m256i, lanes: &Lanes, at: usize) -> __m256i {
        // SAFETY: the caller's contract.
        let mul = unsafe { _mm256_loadu_ps(lanes.mul.as_ptr().wrapping_add(at)) };
        // SAFETY: the caller's contract.
        let add = unsafe { _mm256_loadu_ps(lanes.add.as_ptr().wrapping_add(at)) };
        let scaled = op!(_mm256_fmadd_ps(_mm256_cvtepi32_ps(acc), mul, add));
        op!(_mm256_cvtps_epi32(scaled))
    }

    #[inline(always)]
    unsafe fn rescale_fixed_lanes(self, acc: __m256i, lanes: &Lanes, at: usize) -> __m256i {
        let mut fixed = [acc; 7];
        for (fixed, values) in fixed.iter_mut().zip(&lanes.fixed) {
            // SAFETY: the caller's contract.
            *fixed = unsafe { self.load(values.as_ptr().wrapping_add(at).cast()) };
        }
        let [left, factor, round, toward, right, half, offset] = fixed;
        let high = |v: __m256i| op!(_mm256_srli_epi64::<32>(v));
        let low = op!(_mm256_and_si256(round, _mm256_set1_epi64x(0xFFFF_FFFF)));
        let value = op!(_mm256_sllv_epi32(acc, left));
        let even = op!(_mm256_add_epi64(_mm256_mul_epi32(value, factor), low));
        let odd = op!(_mm256_mul_epi32(high(value), high(factor)));
        let odd = op!(_mm256_slli_epi64::<1>(_mm256_add_epi64(odd, high(round))));
        let product = op!(_mm256_blend_epi32::<0xAA>(
            _mm256_srli_epi64::<31>(even),
            odd
        ));
        let sign = op!(_mm256_and_si256(_mm256_srai_epi32::<31>(product), toward));
        let shifted = op!(_mm256_srav_epi32(_mm256_add_epi32(product, sign), right));
        let last = op!(_mm256_srav_epi32(_mm256_add_epi32(shifted, half), half));
        op!(_mm256_add_epi32(last, offset))
    }

    #[inline(always)]
    fn rescale_pairs(self, pairs: __m256i, mul: (f32, f32), add: f32) -> __m256i {
        let (a, b) = op!((
            _mm256_and_si256(pairs, _mm256_set1_epi32(255)),
            _mm256_srli_epi32::<8>(pairs)
        ));
        let (a, b) = op!((_mm256_cvtepi32_ps(a), _mm256_cvtepi32_ps(b)));
        let (first, second) = op!((_mm256_set1_ps(mul.0), _mm256_set1_ps(mul.1)));
        let sum = op!(_mm256_fmadd_ps(b, second, _mm256_set1_ps(add)));
        op!(_mm256_cvtps_epi32(_mm256_fmadd_ps(a, first, sum)))
    }

    #[inline(always)]
    fn in_order(self, [a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
        op!([
            _mm256_permute2x128_si256::<0x20>(a, b),
            _mm256_permute2x128_si256::<0x20>(c, d),
            _mm256_permute2x128_si256::<0x31>(a, b),
            _mm256_permute2x128_si256::<0x31>(c, d),
        ])
    }

    #[inline(always)]
    fn pack_in_order(self, lanes: [__m256i; 4]) -> __m256i {
        let order = op!(_mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        op!(_mm256_permutevar8x32_epi32(self.pack(lanes), order))
    }

    #[inline(always)]
    fn choose(self, mask: __m256i, yes: __m256i, no: __m256i) -> __m256i {
        op!(_mm256_blendv_epi8(no, yes, mask))
    }

    #[inline(always)]
    fn clamp(self, value: __m256i, lo: __m256i, hi: __m256i) -> __m256i {
        op!(_mm256_min_epu8(_mm256_max_epu8(value, lo), hi))
    }
}
