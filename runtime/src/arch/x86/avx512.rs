//! AVX-512 (F, BW, VL) with VNNI: 64 pixels a tile, and tiles of 32 for what is left; sums of products never saturate.
//! With VBMI, any byte of a vector goes anywhere.
#![allow(
    clippy::inline_always,
    reason = "intrinsics must meet the function that enables them"
)]

use super::avx2::{Avx2, op};
use super::vnni256::Vnni256;
use super::{COSTS, by_quads};
use crate::arch::vector::{Constants, Costs, Lanes, Simd, Task};
use core::arch::x86_64::*;
use std::is_x86_feature_detected;

/// Proof that the CPU has AVX-512 F, BW, VL and VNNI, AVX2 and FMA, and, where `PERMUTES`, AVX-512 VBMI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512<const PERMUTES: bool>(());

impl<const PERMUTES: bool> Avx512<PERMUTES> {
    /// The proof, where it holds.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        let has_vectors = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
            && (!PERMUTES || is_x86_feature_detected!("avx512vbmi"));
        (has_vectors && Avx2::detect().is_some()).then_some(Self(()))
    }

    /// Does `task` in a function compiled for the instruction set.
    pub(crate) fn enter<T: Task>(self, task: T) -> T::Out {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
        fn inner<T: Task>(simd: Avx512<false>, task: T) -> T::Out {
            task.run(simd)
        }
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx512vbmi,avx2,fma")]
        fn permuting<T: Task>(simd: Avx512<true>, task: T) -> T::Out {
            task.run(simd)
        }
        if PERMUTES {
            // SAFETY: `self` proves that the CPU has all of them.
            unsafe { permuting(Avx512(()), task) }
        } else {
            // SAFETY: `self` proves that the CPU has all of them.
            unsafe { inner(Avx512(()), task) }
        }
    }
}

impl<const PERMUTES: bool> Simd for Avx512<PERMUTES> {
    type V = __m512i;
    type Acc = __m512i;
    type Half = Vnni256;
    type Wide = Self;

    const BYTES: usize = 64;
    const ROWS: usize = 4;
    const PAIRS: bool = false;
    const COSTS: Costs = COSTS;
    const PLANE: usize = if PERMUTES { 64 } else { 0 };

    #[inline(always)]
    fn half(self) -> Vnni256 {
        Vnni256::of_avx512(Avx512(()))
    }

    #[inline(always)]
    fn wide(self) -> Self {
        self
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u8) -> __m512i {
        // SAFETY: the caller's contract.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8, value: __m512i) {
        // SAFETY: the caller's contract.
        unsafe { _mm512_storeu_si512(to.cast(), value) };
    }

    #[inline(always)]
    fn splat(self, value: i32) -> __m512i {
        op!(_mm512_set1_epi32(value))
    }

    #[inline(always)]
    fn splat_byte(self, value: u8) -> __m512i {
        op!(_mm512_set1_epi8(value.cast_signed()))
    }

    #[inline(always)]
    fn quads(self, [a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
        let (ab, cd) = op!((_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d)));
        let (ab_high, cd_high) = op!((_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d)));
        op!([
            _mm512_unpacklo_epi16(ab, cd),
            _mm512_unpackhi_epi16(ab, cd),
            _mm512_unpacklo_epi16(ab_high, cd_high),
            _mm512_unpackhi_epi16(ab_high, cd_high),
        ])
    }

    #[inline(always)]
    fn dot(self, acc: __m512i, x: __m512i, w: __m512i) -> __m512i {
        op!(_mm512_dpbusd_epi32(acc, x, w))
    }

    #[inline]
    fn split(weights: [i8; 4]) -> [[i8; 4]; 2] {
        [weights, [0; 4]]
    }

    #[inline(always)]
    fn begin(self, lanes: __m512i) -> __m512i {
        lanes
    }

    #[inline(always)]
    fn total(self, acc: __m512i) -> __m512i {
        acc
    }

    #[inline(always)]
    fn dot_two(self, acc: __m512i, x: [__m512i; 2], w: [__m512i; 2]) -> __m512i {
        self.dot(self.dot(acc, x[0], w[0]), x[1], w[1])
    }

    #[inline(always)]
    fn dot_planes<const N: usize>(
        self,
        sums: [[__m512i; 4]; N],
        planes: [__m512i; 4],
        weights: [i32; N],
    ) -> [[__m512i; 4]; N] {
        by_quads(self, sums, planes, weights)
    }

    #[inline(always)]
    fn rescale(self, acc: __m512i, mul: f32, add: f32) -> __m512i {
        let scaled = op!(_mm512_fmadd_ps(
            _mm512_cvtepi32_ps(acc),
            _mm512_set1_ps(mul),
            _mm512_set1_ps(add)
        ));
        op!(_mm512_cvtps_epi32(scaled))
    }

    #[inline(always)]
    fn rescale_fixed(self, acc: __m512i, row: &Constants) -> __m512i {
        let count = |n: i32| op!(_mm_cvtsi32_si128(n));
        let value = op!(_mm512_sll_epi32(acc, count(row.left)));
        let factor = self.splat(row.multiplier);
        let round = op!(_mm512_set1_epi64(row.round));
        let even = op!(_mm512_add_epi64(_mm512_mul_epi32(value, factor), round));
        let odd = op!(_mm512_mul_epi32(_mm512_srli_epi64::<32>(value), factor));
        let odd = op!(_mm512_slli_epi64::<1>(_mm512_add_epi64(odd, round)));
        let high = op!(_mm512_mask_blend_epi32(
            0xAAAA,
            _mm512_srli_epi64::<31>(even),
            odd
        ));
        let sign = op!(_mm512_and_si512(
            _mm512_srai_epi32::<31>(high),
            self.splat(row.toward)
        ));
        let shifted = op!(_mm512_sra_epi32(
            _mm512_add_epi32(high, sign),
            count(row.right)
        ));
        let last = op!(_mm512_add_epi32(shifted, self.splat(row.half)));
        let rounded = op!(_mm512_sra_epi32(last, count(row.half)));
        op!(_mm512_add_epi32(rounded, self.splat(row.offset)))
    }

    #[inline(always)]
    fn pack(self, [a, b, c, d]: [__m512i; 4]) -> __m512i {
        let (low, high) = op!((_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d)));
        let signed = op!(_mm512_packs_epi16(low, high));
        op!(_mm512_xor_si512(signed, self.splat_byte(0x80)))
    }

    #[inline(always)]
    unsafe fn windows<const STRIDE: usize>(self, from: *const u8, quad: usize) -> __m512i {
        let from = from.wrapping_add(4 * STRIDE * quad);
        // SAFETY: the caller's contract.
        let first = unsafe { self.load(from) };
        if STRIDE == 1 {
            let spread = op!(_mm512_broadcast_i32x4(_mm_setr_epi8(
                0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6
            )));
            return op!(_mm512_shuffle_epi8(first, spread));
        }
        // SAFETY: the caller's contract.
        let second = unsafe { self.load(from.wrapping_add(Self::BYTES)) };
        let lanes = op!(_mm512_shuffle_i32x4::<0x88>(first, second));
        let spread = op!(_mm512_broadcast_i32x4(_mm_setr_epi8(
            0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9
        )));
        op!(_mm512_shuffle_epi8(lanes, spread))
    }

    #[inline(always)]
    unsafe fn load_lanes(self, from: *const u8, stride: usize) -> __m512i {
        let half = self.half();
        // SAFETY: the caller's contract.
        let low = unsafe { half.load_lanes(from, stride) };
        // SAFETY: the caller's contract.
        let high = unsafe { half.load_lanes(from.wrapping_add(2 * stride), stride) };
        let low = op!(_mm512_castsi256_si512(low));
        op!(_mm512_inserti64x4::<1>(low, high))
    }

    #[inline(always)]
    unsafe fn load_16(self, from: *const u8) -> __m512i {
        // SAFETY: the caller's contract.
        let bytes = unsafe { _mm_loadu_si128(from.cast()) };
        op!(_mm512_broadcast_i32x4(bytes))
    }

    #[inline(always)]
    unsafe fn store_lanes(self, to: *mut u8, stride: usize, value: __m512i) {
        let half = self.half();
        let (low, high) = op!((
            _mm512_castsi512_si256(value),
            _mm512_extracti64x4_epi64::<1>(value)
        ));
        // SAFETY: the caller's contract.
        unsafe { half.store_lanes(to, stride, low) };
        // SAFETY: the caller's contract.
        unsafe { half.store_lanes(to.wrapping_add(2 * stride), stride, high) };
    }

    #[inline(always)]
    fn permute(self, bytes: __m512i, sources: __m512i, inside: u64, outside: __m512i) -> __m512i {
        if PERMUTES {
            op!(_mm512_mask_permutexvar_epi8(
                outside, inside, sources, bytes
            ))
        } else {
            bytes
        }
    }

    #[inline(always)]
    fn shuffle(self, bytes: __m512i, sources: __m512i) -> __m512i {
        op!(_mm512_shuffle_epi8(bytes, sources))
    }

    #[inline(always)]
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_or_si512(a, b))
    }

    #[inline(always)]
    fn evens(self, first: __m512i, second: __m512i) -> __m512i {
        let mask = op!(_mm512_set1_epi16(0xFF));
        let (first, second) = op!((
            _mm512_and_si512(first, mask),
            _mm512_and_si512(second, mask)
        ));
        let order = op!(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7));
        op!(_mm512_permutexvar_epi64(
            order,
            _mm512_packus_epi16(first, second)
        ))
    }

    #[inline(always)]
    unsafe fn rescale_lanes(self, acc: __m512i, lanes: &Lanes, at: usize) -> __m512i {
        // SAFETY: the caller's contract.
        let mul = unsafe { _mm512_loadu_ps(lanes.mul.as_ptr().wrapping_add(at)) };
        // SAFETY: the caller's contract.
        let add = unsafe { _mm512_loadu_ps(lanes.add.as_ptr().wrapping_add(at)) };
        let scaled = op!(_mm512_fmadd_ps(_mm512_cvtepi32_ps(acc), mul, add));
        op!(_mm512_cvtps_epi32(scaled))
    }

    #[inline(always)]
    unsafe fn rescale_fixed_lanes(self, acc: __m512i, lanes: &Lanes, at: usize) -> __m512i {
        let mut fixed = [acc; 7];
        for (fixed, values) in fixed.iter_mut().zip(&lanes.fixed) {
            // SAFETY: the caller's contract.
            *fixed = unsafe { self.load(values.as_ptr().wrapping_add(at).cast()) };
        }
        let [left, factor, round, toward, right, half, offset] = fixed;
        let high = |v: __m512i| op!(_mm512_srli_epi64::<32>(v));
        let low = op!(_mm512_and_si512(round, _mm512_set1_epi64(0xFFFF_FFFF)));
        let value = op!(_mm512_sllv_epi32(acc, left));
        let even = op!(_mm512_add_epi64(_mm512_mul_epi32(value, factor), low));
        let odd = op!(_mm512_mul_epi32(high(value), high(factor)));
        let odd = op!(_mm512_slli_epi64::<1>(_mm512_add_epi64(odd, high(round))));
        let product = op!(_mm512_mask_blend_epi32(
            0xAAAA,
            _mm512_srli_epi64::<31>(even),
            odd
        ));
        let sign = op!(_mm512_and_si512(_mm512_srai_epi32::<31>(product), toward));
        let shifted = op!(_mm512_srav_epi32(_mm512_add_epi32(product, sign), right));
        let last = op!(_mm512_srav_epi32(_mm512_add_epi32(shifted, half), half));
        op!(_mm512_add_epi32(last, offset))
    }

    #[inline(always)]
    fn rescale_pairs(self, pairs: __m512i, mul: (f32, f32), add: f32) -> __m512i {
        let (a, b) = op!((
            _mm512_and_si512(pairs, _mm512_set1_epi32(255)),
            _mm512_srli_epi32::<8>(pairs)
        ));
        let (a, b) = op!((_mm512_cvtepi32_ps(a), _mm512_cvtepi32_ps(b)));
        let (first, second) = op!((_mm512_set1_ps(mul.0), _mm512_set1_ps(mul.1)));
        let sum = op!(_mm512_fmadd_ps(b, second, _mm512_set1_ps(add)));
        op!(_mm512_cvtps_epi32(_mm512_fmadd_ps(a, first, sum)))
    }

    #[inline(always)]
    fn in_order(self, [a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
        let (ab, cd) = op!((
            _mm512_shuffle_i32x4::<0x44>(a, b),
            _mm512_shuffle_i32x4::<0x44>(c, d)
        ));
        let (ab_high, cd_high) = op!((
            _mm512_shuffle_i32x4::<0xEE>(a, b),
            _mm512_shuffle_i32x4::<0xEE>(c, d)
        ));
        op!([
            _mm512_shuffle_i32x4::<0x88>(ab, cd),
            _mm512_shuffle_i32x4::<0xDD>(ab, cd),
            _mm512_shuffle_i32x4::<0x88>(ab_high, cd_high),
            _mm512_shuffle_i32x4::<0xDD>(ab_high, cd_high),
        ])
    }

    #[inline(always)]
    fn pack_in_order(self, lanes: [__m512i; 4]) -> __m512i {
        let order = op!(_mm512_setr_epi32(
            0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15
        ));
        op!(_mm512_permutexvar_epi32(order, self.pack(lanes)))
    }

    #[inline(always)]
    fn choose(self, mask: __m512i, yes: __m512i, no: __m512i) -> __m512i {
        op!(_mm512_ternarylogic_epi32::<0xCA>(mask, yes, no))
    }

    #[inline(always)]
    fn clamp(self, value: __m512i, lo: __m512i, hi: __m512i) -> __m512i {
        op!(_mm512_min_epu8(_mm512_max_epu8(value, lo), hi))
    }
}
