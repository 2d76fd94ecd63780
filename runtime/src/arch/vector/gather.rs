//! Convolutions by groups of four planes: any four columns of a row (or of a few rows at once), wherever they lie.
//!
//! A dense matrix is blocks of rows that share groups of all columns; an unstructured one is rows with groups of their
//! own nonzeros; blocks of 4x1 are groups of four blocks.

use super::finish::{Rescale, Row, finish};
use super::{Share, Simd, Task};
use core::ops::Range;

/// Four columns of `N` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Group<const N: usize> {
    /// Where the columns' planes begin, from the input on.
    pub(crate) offsets: [u32; 4],
    /// Four weights a row, the first column's in the lowest byte.
    pub(crate) weights: [i32; N],
}

/// A matrix in blocks of `N` rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gathered<const N: usize> {
    /// The groups, block by block.
    pub(crate) groups: Vec<Group<N>>,
    /// Groups of each block.
    pub(crate) counts: Vec<u32>,
}

/// Where a convolution reads and writes.
#[derive(Debug, Clone)]
pub(crate) struct Planes {
    /// What offsets count from.
    pub(crate) input: *const u8,
    /// The first output plane.
    pub(crate) output: *mut u8,
    /// Bytes between output planes.
    pub(crate) stride: usize,
    /// The pixels of an output plane to compute, from a whole vector on.
    pub(crate) pixels: Range<usize>,
}

/// A convolution of one matrix.
///
/// # Invariants
///
/// Relied on by [`Task::run`]; the plan of a network establishes them:
///
/// 1. From each offset, bytes up to the last of `pixels` rounded up to a vector can be read.
/// 2. There are `N` rows a count, and as many output planes, each with room up to the last of `pixels` rounded likewise.
/// 3. Outputs are not inputs.
#[derive(Debug, Clone)]
pub(crate) struct Convolve<'m, const N: usize> {
    /// The weights.
    pub(crate) matrix: &'m Gathered<N>,
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
        tiles::<S, N>(simd, &self);
    }
}

#[inline(always)]
fn tiles<S: Simd, const N: usize>(simd: S, work: &Convolve<'_, N>) {
    let Range { start: mut at, end } = work.planes.pixels;
    while at < end {
        if S::Half::BYTES < S::BYTES && end - at <= S::Half::BYTES {
            tile::<S::Half, N>(simd.half(), work, at);
            at += S::Half::BYTES;
        } else {
            tile::<S, N>(simd, work, at);
            at += S::BYTES;
        }
    }
}

/// Every row over the pixels of a vector from `at` on.
#[inline(always)]
fn tile<S: Simd, const N: usize>(simd: S, work: &Convolve<'_, N>, at: usize) {
    let bounds = (
        simd.splat_byte(work.rescale.lo),
        simd.splat_byte(work.rescale.hi),
    );
    let input = work.planes.input.wrapping_add(at);
    let share = &work.share;
    let first = share.first * N * work.planes.stride;
    let mut output = work.planes.output.wrapping_add(at + first);
    let groups = work.matrix.groups.get(share.before..);
    let mut groups = groups.unwrap_or_default();
    let rows = share.of_slice(&work.rescale.rows, N).chunks_exact(N);
    for (count, rows) in share.of_slice(&work.matrix.counts, 1).iter().zip(rows) {
        let Some((mine, rest)) = groups.split_at_checked(*count as usize) else {
            return;
        };
        groups = rest;
        let sums = block::<S, N>(simd, input, mine, rows);
        for (sums, row) in sums.into_iter().zip(rows) {
            let bytes = finish(simd, sums, row, bounds);
            // SAFETY: invariant 2 of `Convolve`.
            unsafe { simd.store(output, bytes) };
            output = output.wrapping_add(work.planes.stride);
        }
    }
}

/// The sums of a block.
#[inline(always)]
fn block<S: Simd, const N: usize>(
    simd: S,
    input: *const u8,
    groups: &[Group<N>],
    rows: &[Row],
) -> [[S::V; 4]; N] {
    // Loops, not closures: those would be functions without the instruction set.
    let mut sums = [[simd.splat(0); 4]; N];
    for (sums, row) in sums.iter_mut().zip(rows) {
        *sums = [simd.splat(row.bias); 4];
    }
    for group in groups {
        let mut planes = [simd.splat(0); 4];
        for (plane, offset) in planes.iter_mut().zip(group.offsets) {
            // SAFETY: invariant 1 of `Convolve`.
            *plane = unsafe { simd.load(input.wrapping_add(offset as usize)) };
        }
        sums = simd.dot_planes(sums, planes, group.weights);
    }
    sums
}
