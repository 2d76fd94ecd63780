//! Matrix times vector: lanes are rows, four columns a product; blocks of as many rows as a vector has bytes.
//!
//! ```text
//! block    rows in the order that packing turns into theirs: lane l of vector v is row 16·(l / 4) + 4·v + l mod 4
//! entry    { four columns | a vector of weights for each of the four vectors }
//! ```

use super::finish::{finish_lanes, totals};
use super::{Lanes, Share, Simd, Task};

/// A matrix for vectors of one instruction set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Product {
    /// First column of each entry, block by block.
    pub(crate) columns: Vec<u32>,
    /// Entries of each block.
    pub(crate) counts: Vec<u32>,
    /// Four vectors an entry.
    pub(crate) weights: Vec<u8>,
    /// The constants of the rows, in the order of lanes.
    pub(crate) lanes: Lanes,
    /// Lowest and highest byte.
    pub(crate) bounds: (u8, u8),
}

/// Multiplies.
///
/// # Invariants
///
/// 1. Four bytes from each column on can be read at `input`.
/// 2. The matrix was packed for this instruction set: each entry has four vectors of weights, each block four of lanes.
/// 3. A vector a block can be written to `output`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Multiply<'m> {
    /// The matrix.
    pub(crate) matrix: &'m Product,
    /// The vector.
    pub(crate) input: *const u8,
    /// The products.
    pub(crate) output: *mut u8,
    /// The blocks to compute.
    pub(crate) share: Share,
}

impl Task for Multiply<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let matrix = self.matrix;
        let share = &self.share;
        let mut columns = matrix.columns.get(share.before..).unwrap_or_default();
        let before = share.before * 4 * S::BYTES;
        let mut weights = matrix.weights.as_ptr().wrapping_add(before);
        let bounds = (
            simd.splat_byte(matrix.bounds.0),
            simd.splat_byte(matrix.bounds.1),
        );
        for (block, count) in (share.first..).zip(share.of_slice(&matrix.counts, 1)) {
            let Some((mine, rest)) = columns.split_at_checked(*count as usize) else {
                return;
            };
            columns = rest;
            let first = block * S::BYTES;
            let mut sums = [simd.begin(simd.splat(0)); 4];
            for (v, sum) in sums.iter_mut().enumerate() {
                let bias = matrix
                    .lanes
                    .bias
                    .as_ptr()
                    .wrapping_add(first + v * S::BYTES / 4);
                // SAFETY: invariant 2.
                *sum = simd.begin(unsafe { simd.load(bias.cast()) });
            }
            for column in mine {
                let quad = self.input.wrapping_add(*column as usize).cast::<i32>();
                // SAFETY: invariant 1.
                let quad = simd.splat(unsafe { quad.read_unaligned() });
                for sum in &mut sums {
                    // SAFETY: invariant 2.
                    *sum = simd.dot(*sum, quad, unsafe { simd.load(weights) });
                    weights = weights.wrapping_add(S::BYTES);
                }
            }
            let mut totals = totals(simd, sums);
            for (v, sum) in totals.iter_mut().enumerate() {
                let at = first + v * S::BYTES / 4;
                // SAFETY: invariant 2.
                *sum = unsafe { finish_lanes(simd, *sum, &matrix.lanes, at) };
            }
            let bytes = simd.clamp(simd.pack(totals), bounds.0, bounds.1);
            // SAFETY: invariant 3.
            unsafe { simd.store(self.output.wrapping_add(first), bytes) };
        }
    }
}
