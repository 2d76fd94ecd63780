//! Vectors of two vectors of 16 bytes: twice the pixels for every weight that is loaded.
#![allow(
    clippy::inline_always,
    reason = "vectors must meet the function that enables them"
)]

use crate::arch::vector::{Constants, Costs, Lanes, Simd};

/// Pairs of vectors of `S`, which has 16 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Twice<S>(pub(super) S);

/// The first and the second halves of four pairs.
#[inline(always)]
fn halves<V: Copy>([a, b, c, d]: [(V, V); 4]) -> ([V; 4], [V; 4]) {
    ([a.0, b.0, c.0, d.0], [a.1, b.1, c.1, d.1])
}

/// Four pairs of halves.
#[inline(always)]
fn pairs<V: Copy>([a, b, c, d]: [V; 4], [e, f, g, h]: [V; 4]) -> [(V, V); 4] {
    [(a, e), (b, f), (c, g), (d, h)]
}

impl<S: Simd> Simd for Twice<S> {
    type V = (S::V, S::V);
    type Acc = (S::Acc, S::Acc);
    type Half = S;
    type Wide = Twice<Self>;

    const BYTES: usize = 2 * S::BYTES;
    const ROWS: usize = S::ROWS;
    const PAIRS: bool = S::PAIRS;
    const COSTS: Costs = S::COSTS;

    #[inline(always)]
    fn half(self) -> S {
        self.0
    }

    #[inline(always)]
    fn wide(self) -> Twice<Self> {
        Twice(self)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const u8) -> Self::V {
        // SAFETY: the caller's contract.
        let first = unsafe { self.0.load(from) };
        // SAFETY: the caller's contract.
        (first, unsafe { self.0.load(from.wrapping_add(S::BYTES)) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8, value: Self::V) {
        // SAFETY: the caller's contract.
        unsafe { self.0.store(to, value.0) };
        // SAFETY: the caller's contract.
        unsafe { self.0.store(to.wrapping_add(S::BYTES), value.1) };
    }

    #[inline(always)]
    unsafe fn windows<const STRIDE: usize>(self, from: *const u8, quad: usize) -> Self::V {
        let next = from.wrapping_add(STRIDE * S::BYTES);
        // SAFETY: the caller's contract.
        let first = unsafe { self.0.windows::<STRIDE>(from, quad) };
        // SAFETY: the caller's contract.
        (first, unsafe { self.0.windows::<STRIDE>(next, quad) })
    }

    #[inline(always)]
    unsafe fn load_lanes(self, from: *const u8, stride: usize) -> Self::V {
        let next = from.wrapping_add(stride);
        // SAFETY: the caller's contract.
        let first = unsafe { self.0.load_lanes(from, stride) };
        // SAFETY: the caller's contract.
        (first, unsafe { self.0.load_lanes(next, stride) })
    }

    #[inline(always)]
    unsafe fn load_16(self, from: *const u8) -> Self::V {
        // SAFETY: the caller's contract.
        let bytes = unsafe { self.0.load_16(from) };
        (bytes, bytes)
    }

    #[inline(always)]
    unsafe fn store_lanes(self, to: *mut u8, stride: usize, value: Self::V) {
        // SAFETY: the caller's contract.
        unsafe { self.0.store_lanes(to, stride, value.0) };
        // SAFETY: the caller's contract.
        unsafe {
            self.0.store_lanes(to.wrapping_add(stride), stride, value.1);
        };
    }

    #[inline(always)]
    fn shuffle(self, bytes: Self::V, sources: Self::V) -> Self::V {
        let first = self.0.shuffle(bytes.0, sources.0);
        (first, self.0.shuffle(bytes.1, sources.1))
    }

    #[inline(always)]
    fn or(self, a: Self::V, b: Self::V) -> Self::V {
        (self.0.or(a.0, b.0), self.0.or(a.1, b.1))
    }

    #[inline(always)]
    fn evens(self, first: Self::V, second: Self::V) -> Self::V {
        let low = self.0.evens(first.0, first.1);
        (low, self.0.evens(second.0, second.1))
    }

    #[inline(always)]
    fn splat(self, value: i32) -> Self::V {
        let lanes = self.0.splat(value);
        (lanes, lanes)
    }

    #[inline(always)]
    fn splat_byte(self, value: u8) -> Self::V {
        let bytes = self.0.splat_byte(value);
        (bytes, bytes)
    }

    #[inline(always)]
    fn quads(self, planes: [Self::V; 4]) -> [Self::V; 4] {
        let (first, second) = halves(planes);
        pairs(self.0.quads(first), self.0.quads(second))
    }

    #[inline(always)]
    fn begin(self, lanes: Self::V) -> Self::Acc {
        (self.0.begin(lanes.0), self.0.begin(lanes.1))
    }

    #[inline(always)]
    fn total(self, acc: Self::Acc) -> Self::V {
        (self.0.total(acc.0), self.0.total(acc.1))
    }

    #[inline(always)]
    fn dot(self, acc: Self::Acc, x: Self::V, w: Self::V) -> Self::Acc {
        let first = self.0.dot(acc.0, x.0, w.0);
        (first, self.0.dot(acc.1, x.1, w.1))
    }

    #[inline(always)]
    fn dot_two(self, acc: Self::Acc, x: [Self::V; 2], w: [Self::V; 2]) -> Self::Acc {
        let first = self.0.dot_two(acc.0, x.map(|x| x.0), w.map(|w| w.0));
        (first, self.0.dot_two(acc.1, x.map(|x| x.1), w.map(|w| w.1)))
    }

    #[inline(always)]
    fn dot_planes<const N: usize>(
        self,
        mut sums: [[Self::V; 4]; N],
        planes: [Self::V; 4],
        weights: [i32; N],
    ) -> [[Self::V; 4]; N] {
        let (low, high) = halves(planes);
        let first = self.0.dot_planes(sums.map(|s| halves(s).0), low, weights);
        let second = self.0.dot_planes(sums.map(|s| halves(s).1), high, weights);
        for ((sums, first), second) in sums.iter_mut().zip(first).zip(second) {
            *sums = pairs(first, second);
        }
        sums
    }

    #[inline]
    fn split(weights: [i8; 4]) -> [[i8; 4]; 2] {
        S::split(weights)
    }

    #[inline(always)]
    fn rescale(self, acc: Self::V, mul: f32, add: f32) -> Self::V {
        let first = self.0.rescale(acc.0, mul, add);
        (first, self.0.rescale(acc.1, mul, add))
    }

    #[inline(always)]
    unsafe fn rescale_lanes(self, acc: Self::V, lanes: &Lanes, at: usize) -> Self::V {
        let next = at + S::BYTES / 4;
        // SAFETY: the caller's contract.
        let first = unsafe { self.0.rescale_lanes(acc.0, lanes, at) };
        // SAFETY: the caller's contract.
        (first, unsafe { self.0.rescale_lanes(acc.1, lanes, next) })
    }

    #[inline(always)]
    unsafe fn rescale_fixed_lanes(self, acc: Self::V, lanes: &Lanes, at: usize) -> Self::V {
        let next = at + S::BYTES / 4;
        // SAFETY: the caller's contract.
        let first = unsafe { self.0.rescale_fixed_lanes(acc.0, lanes, at) };
        // SAFETY: the caller's contract.
        (first, unsafe {
            self.0.rescale_fixed_lanes(acc.1, lanes, next)
        })
    }

    #[inline(always)]
    fn rescale_pairs(self, pairs: Self::V, mul: (f32, f32), add: f32) -> Self::V {
        let first = self.0.rescale_pairs(pairs.0, mul, add);
        (first, self.0.rescale_pairs(pairs.1, mul, add))
    }

    #[inline(always)]
    fn rescale_fixed(self, acc: Self::V, row: &Constants) -> Self::V {
        let first = self.0.rescale_fixed(acc.0, row);
        (first, self.0.rescale_fixed(acc.1, row))
    }

    #[inline(always)]
    fn pack(self, quads: [Self::V; 4]) -> Self::V {
        let (first, second) = halves(quads);
        (self.0.pack(first), self.0.pack(second))
    }

    /// The first vector of every quad holds pixels of the tile's first half.
    #[inline(always)]
    fn in_order(self, quads: [Self::V; 4]) -> [Self::V; 4] {
        let (first, second) = halves(quads);
        let ([a, b, c, d], [e, f, g, h]) = (self.0.in_order(first), self.0.in_order(second));
        [(a, b), (c, d), (e, f), (g, h)]
    }

    #[inline(always)]
    fn pack_in_order(self, [a, b, c, d]: [Self::V; 4]) -> Self::V {
        let first = self.0.pack_in_order([a.0, a.1, b.0, b.1]);
        (first, self.0.pack_in_order([c.0, c.1, d.0, d.1]))
    }

    #[inline(always)]
    fn choose(self, mask: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        let first = self.0.choose(mask.0, yes.0, no.0);
        (first, self.0.choose(mask.1, yes.1, no.1))
    }

    #[inline(always)]
    fn clamp(self, value: Self::V, lo: Self::V, hi: Self::V) -> Self::V {
        let first = self.0.clamp(value.0, lo.0, hi.0);
        (first, self.0.clamp(value.1, lo.1, hi.1))
    }
}
