//! AVX2's vectors with the products of VNNI, for what tiles of AVX-512 leave over.
#![allow(
    clippy::inline_always,
    reason = "intrinsics must meet the function that enables them"
)]

use super::avx2::{Avx2, op};
use super::avx512::Avx512;
use super::{COSTS, by_quads};
use crate::arch::vector::{Constants, Costs, Lanes, Simd};
use core::arch::x86_64::*;

/// Half vectors: AVX2's, with the products of VNNI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vnni256(Avx512<false>);

impl Vnni256 {
    /// The proof, from one of a larger set.
    #[inline(always)]
    pub(crate) const fn of_avx512(proof: Avx512<false>) -> Self {
        Self(proof)
    }

    #[inline(always)]
    fn plain(self) -> Avx2 {
        Avx2::of_avx512(self.0)
    }
}

impl Simd for Vnni256 {
    type V = __m256i;
    type Acc = __m256i;
    type Half = Self;
    type Wide = Self;

    const BYTES: usize = 32;
    const ROWS: usize = 4;
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
        unsafe { self.plain().load(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8, value: __m256i) {
        // SAFETY: the caller's contract.
        unsafe { self.plain().store(to, value) };
    }

    #[inline(always)]
    fn splat(self, value: i32) -> __m256i {
        self.plain().splat(value)
    }

    #[inline(always)]
    fn splat_byte(self, value: u8) -> __m256i {
        self.plain().splat_byte(value)
    }

    #[inline(always)]
    fn quads(self, planes: [__m256i; 4]) -> [__m256i; 4] {
        self.plain().quads(planes)
    }

    #[inline(always)]
    fn dot(self, acc: __m256i, x: __m256i, w: __m256i) -> __m256i {
        op!(_mm256_dpbusd_epi32(acc, x, w))
    }

    #[inline]
    fn split(weights: [i8; 4]) -> [[i8; 4]; 2] {
        [weights, [0; 4]]
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
        self.plain().rescale(acc, mul, add)
    }

    #[inline(always)]
    fn rescale_fixed(self, acc: __m256i, row: &Constants) -> __m256i {
        self.plain().rescale_fixed(acc, row)
    }

    #[inline(always)]
    fn pack(self, quads: [__m256i; 4]) -> __m256i {
        self.plain().pack(quads)
    }

    #[inline(always)]
    unsafe fn windows<const STRIDE: usize>(self, from: *const u8, quad: usize) -> __m256i {
        // SAFETY: the caller's contract.
        unsafe { self.plain().windows::<STRIDE>(from, quad) }
    }

    #[inline(always)]
    unsafe fn load_lanes(self, from: *const u8, stride: usize) -> __m256i {
        // SAFETY: the caller's contract.
        unsafe { self.plain().load_lanes(from, stride) }
    }

    #[inline(always)]
    unsafe fn load_16(self, from: *const u8) -> __m256i {
        // SAFETY: the caller's contract.
        unsafe { self.plain().load_16(from) }
    }

    #[inline(always)]
    unsafe fn store_lanes(self, to: *mut u8, stride: usize, value: __m256i) {
        // SAFETY: the caller's contract.
        unsafe { self.plain().store_lanes(to, stride, value) };
    }

    #[inline(always)]
    fn shuffle(self, bytes: __m256i, sources: __m256i) -> __m256i {
        self.plain().shuffle(bytes, sources)
    }

    #[inline(always)]
    fn or(self, a: __m256i, b: __m256i) -> __m256i {
        self.plain().or(a, b)
    }

    #[inline(always)]
    fn evens(self, first: __m256i, second: __m256i) -> __m256i {
        self.plain().evens(first, second)
    }

    #[inline(always)]
    unsafe fn rescale_lanes(self, acc: __m256i, lanes: &Lanes, at: usize) -> __m256i {
        // SAFETY: the caller's contract.
        unsafe { self.plain().rescale_lanes(acc, lanes, at) }
    }

    #[inline(always)]
    unsafe fn rescale_fixed_lanes(self, acc: __m256i, lanes: &Lanes, at: usize) -> __m256i {
        // SAFETY: the caller's contract.
        unsafe { self.plain().rescale_fixed_lanes(acc, lanes, at) }
    }

    #[inline(always)]
    fn rescale_pairs(self, pairs: __m256i, mul: (f32, f32), add: f32) -> __m256i {
        self.plain().rescale_pairs(pairs, mul, add)
    }

    #[inline(always)]
    fn in_order(self, quads: [__m256i; 4]) -> [__m256i; 4] {
        self.plain().in_order(quads)
    }

    #[inline(always)]
    fn pack_in_order(self, lanes: [__m256i; 4]) -> __m256i {
        self.plain().pack_in_order(lanes)
    }

    #[inline(always)]
    fn choose(self, mask: __m256i, yes: __m256i, no: __m256i) -> __m256i {
        self.plain().choose(mask, yes, no)
    }

    #[inline(always)]
    fn clamp(self, value: __m256i, lo: __m256i, hi: __m256i) -> __m256i {
        self.plain().clamp(value, lo, hi)
    }
}
