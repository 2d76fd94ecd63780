//! Convolutions over channels by fours: planes are interleaved once, and then four neighbouring channels of a pixel are
//! one load, for every row that has them.
//!
//! ```text
//! interleaved   a0 b0 c0 d0  a1 b1 c1 d1 …      pixels in order, so that a row above or below is a whole row away
//! ```

use super::finish::{Rescale, Row, rescaled};
use super::gather::Planes;
use super::{Share, Simd, Task};
use core::ops::Range;

/// Four neighbouring channels of `N` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Quad<const N: usize> {
    /// Where the interleaved planes begin, from the input on.
    pub(crate) offset: u32,
    /// Four weights a row, the first channel's in the lowest byte.
    pub(crate) weights: [i32; N],
}

/// A matrix in blocks of `N` rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Blocks<const N: usize> {
    /// The quads, block by block.
    pub(crate) quads: Vec<Quad<N>>,
    /// Quads of each block.
    pub(crate) counts: Vec<u32>,
}

/// Interleaves planes by fours.
///
/// # Invariants
///
/// From each of `planes` planes at `from`, `stride` bytes apart, `len` bytes rounded up to a vector can be read; four
/// times as many can be written to each of the interleaved planes at `to`, `4 · stride` bytes apart. Planes go by
/// fours, `apart` after each other.
#[derive(Debug, Clone)]
pub(crate) struct Interleave {
    /// The planes.
    pub(crate) from: *const u8,
    /// The interleaved planes.
    pub(crate) to: *mut u8,
    /// Channels.
    pub(crate) channels: usize,
    /// Planes of a channel.
    pub(crate) apart: usize,
    /// Bytes from plane to plane.
    pub(crate) stride: usize,
    /// Bytes of a plane.
    pub(crate) len: usize,
    /// Which fours of channels.
    pub(crate) fours: Range<usize>,
}

impl Task for Interleave {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let last = self.channels - 1;
        for four in self.fours.clone() {
            for copy in 0..self.apart {
                let plane = |channel: usize| (channel.min(last) * self.apart + copy) * self.stride;
                let to = (four * self.apart + copy) * self.stride * 4;
                let planes = [
                    plane(4 * four),
                    plane(4 * four + 1),
                    plane(4 * four + 2),
                    plane(4 * four + 3),
                ];
                let mut at = 0;
                while at < self.len {
                    let mut bytes = [simd.splat(0); 4];
                    for (bytes, plane) in bytes.iter_mut().zip(planes) {
                        // SAFETY: the invariant.
                        *bytes = unsafe { simd.load(self.from.wrapping_add(plane + at)) };
                    }
                    let ordered = simd.in_order(simd.quads(bytes));
                    for (v, bytes) in ordered.into_iter().enumerate() {
                        let to = self.to.wrapping_add(to + 4 * at + v * S::BYTES);
                        // SAFETY: the invariant.
                        unsafe { simd.store(to, bytes) };
                    }
                    at += S::BYTES;
                }
            }
        }
    }
}

/// A convolution of interleaved planes.
///
/// # Invariants
///
/// As of [`super::gather::Convolve`], with four bytes a pixel to read.
#[derive(Debug, Clone)]
pub(crate) struct Convolve<'m, const N: usize> {
    /// The weights.
    pub(crate) matrix: &'m Blocks<N>,
    /// The rows.
    pub(crate) rescale: &'m Rescale,
    /// The memory.
    pub(crate) planes: Planes,
    /// The blocks to compute.
    pub(crate) share: Share,
}

impl<const N: usize> Task for Convolve<'_, N> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Range { start: mut at, end } = self.planes.pixels;
        while at < end {
            let left = end - at;
            if left <= S::BYTES / 4 {
                tile::<S, N, 1>(simd, &self, at);
                return;
            }
            if N == 1 && S::Wide::BYTES > S::BYTES && left > S::BYTES {
                tile::<S::Wide, N, 4>(simd.wide(), &self, at);
                at += S::Wide::BYTES;
            } else if S::Half::BYTES < S::BYTES && left <= S::Half::BYTES {
                tile::<S::Half, N, 4>(simd.half(), &self, at);
                at += S::Half::BYTES;
            } else {
                tile::<S, N, 4>(simd, &self, at);
                at += S::BYTES;
            }
        }
    }
}

/// Every row over the pixels of `T` quarters of a vector from `at` on.
#[inline(always)]
fn tile<S: Simd, const N: usize, const T: usize>(simd: S, work: &Convolve<'_, N>, at: usize) {
    let lo = simd.splat_byte(work.rescale.lo);
    let hi = simd.splat_byte(work.rescale.hi);
    let input = work.planes.input.wrapping_add(4 * at);
    let share = &work.share;
    let first = share.first * N * work.planes.stride;
    let mut output = work.planes.output.wrapping_add(at + first);
    let mut quads = work.matrix.quads.get(share.before..).unwrap_or_default();
    let rows = share.of_slice(&work.rescale.rows, N).chunks_exact(N);
    for (count, rows) in share.of_slice(&work.matrix.counts, 1).iter().zip(rows) {
        let Some((mine, rest)) = quads.split_at_checked(*count as usize) else {
            return;
        };
        quads = rest;
        let sums = block::<S, N, T>(simd, input, mine, rows);
        for (sums, row) in sums.into_iter().zip(rows) {
            let mut totals = [simd.splat(0); T];
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total = simd.total(sum);
            }
            let mut lanes = [simd.splat(0); 4];
            for (lanes, rescaled) in lanes.iter_mut().zip(rescaled(simd, totals, row)) {
                *lanes = rescaled;
            }
            let bytes = simd.clamp(simd.pack_in_order(lanes), lo, hi);
            // SAFETY: the invariant.
            unsafe { simd.store(output, bytes) };
            output = output.wrapping_add(work.planes.stride);
        }
    }
}

/// The sums of a block.
#[inline(always)]
fn block<S: Simd, const N: usize, const T: usize>(
    simd: S,
    input: *const u8,
    quads: &[Quad<N>],
    rows: &[Row],
) -> [[S::Acc; T]; N] {
    let mut sums = [[simd.begin(simd.splat(0)); T]; N];
    for (sums, row) in sums.iter_mut().zip(rows) {
        *sums = [simd.begin(simd.splat(row.bias)); T];
    }
    let mut rest = quads;
    if S::PAIRS {
        let (pairs, last) = quads.as_chunks::<2>();
        for pair in pairs {
            sums = two(simd, input, pair, sums);
        }
        rest = last;
    }
    for quad in rest {
        let bytes: [S::V; T] = load(simd, input, quad.offset);
        for (sums, weight) in sums.iter_mut().zip(quad.weights) {
            let weight = simd.splat(weight);
            for (sum, bytes) in sums.iter_mut().zip(bytes) {
                *sum = simd.dot(*sum, bytes, weight);
            }
        }
    }
    sums
}

/// The bytes of a quad's planes.
#[inline(always)]
fn load<S: Simd, const T: usize>(simd: S, input: *const u8, offset: u32) -> [S::V; T] {
    let from = input.wrapping_add(offset as usize);
    let mut bytes = [simd.splat(0); T];
    for (v, bytes) in bytes.iter_mut().enumerate() {
        // SAFETY: the invariant of `Convolve`.
        *bytes = unsafe { simd.load(from.wrapping_add(v * S::BYTES)) };
    }
    bytes
}

/// Two quads of a block.
#[inline(always)]
fn two<S: Simd, const N: usize, const T: usize>(
    simd: S,
    input: *const u8,
    [first, second]: &[Quad<N>; 2],
    mut sums: [[S::Acc; T]; N],
) -> [[S::Acc; T]; N] {
    let a: [S::V; T] = load(simd, input, first.offset);
    let b: [S::V; T] = load(simd, input, second.offset);
    let weights = first.weights.into_iter().zip(second.weights);
    for (sums, weights) in sums.iter_mut().zip(weights) {
        let weights = [simd.splat(weights.0), simd.splat(weights.1)];
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum = simd.dot_two(*sum, [a, b], weights);
        }
    }
    sums
}
