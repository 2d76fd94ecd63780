//! Depthwise convolutions by permutations: all windows of sixteen pixels in a row of the kernel are one permutation of the
//! 64 bytes that hold them, whatever stride and padding.
//!
//! ```text
//! entry (group of 16 pixels, kernel row)   where its bytes begin in the plane, and which pattern picks them
//! pattern                                  64 sources, and a bit for each that is inside the input
//! ```
//!
//! Four channels share the patterns of a group, and their sums fill a vector of bytes.

use super::finish::{Rescale, Row, rescaled, totals};
use super::{Simd, Task};
use core::ops::Range;

/// Pixels of a group: four columns of the kernel each fill a vector.
pub(crate) const PIXELS: usize = 16;
/// Bytes of the vectors that patterns are made for.
pub(crate) const BYTES: usize = 4 * PIXELS;

/// The windows of a group in a row of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// From the plane's first byte on.
    pub(crate) offset: i32,
    /// Position of its pattern.
    pub(crate) pattern: u32,
}

/// Where the windows of a group lie in the bytes that hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Pattern {
    /// The position of each byte.
    pub(crate) sources: [u8; BYTES],
    /// Which of them are inside the input.
    pub(crate) inside: u64,
}

/// A depthwise convolution with kernels of at most four columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Permuted {
    /// Bytes from input plane to input plane, and from output plane to output plane.
    pub(crate) planes: (usize, usize),
    /// Rows of the kernel.
    pub(crate) rows: usize,
    /// What stands for zero.
    pub(crate) zero: u8,
    /// `[group][kernel row]`.
    pub(crate) entries: Vec<Entry>,
    /// What entries name.
    pub(crate) patterns: Vec<Pattern>,
    /// `[channel][kernel row]`: four weights.
    pub(crate) weights: Vec<i32>,
    /// The constants of the channels, by fours.
    pub(crate) rescale: Rescale,
}

/// Runs one.
///
/// # Invariants
///
/// 1. `input` and `output` begin planes, those of channels that make the last four whole included; 64 bytes can be
///    read from each entry's offset on, and 16 written at each group.
/// 2. There are entries for every row of each group.
#[derive(Debug, Clone)]
pub(crate) struct Permute<'m> {
    /// The layer.
    pub(crate) layer: &'m Permuted,
    /// The input's planes.
    pub(crate) input: *const u8,
    /// The output's planes.
    pub(crate) output: *mut u8,
    /// Which fours of channels.
    pub(crate) fours: Range<usize>,
}

impl Task for Permute<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let layer = self.layer;
        if S::BYTES != BYTES || S::PLANE < BYTES {
            return;
        }
        let (rows, _) = layer.rescale.rows.as_chunks::<4>();
        let mine = rows.get(self.fours.clone()).unwrap_or_default();
        for (four, rows) in self.fours.clone().zip(mine) {
            let mut to = self.output.wrapping_add(4 * four * layer.planes.1);
            for entries in layer.entries.chunks_exact(layer.rows.max(1)) {
                let bytes = self.group(simd, 4 * four, rows, entries);
                // SAFETY: invariant 1.
                unsafe { simd.store_lanes(to, layer.planes.1, bytes) };
                to = to.wrapping_add(PIXELS);
            }
        }
    }
}

impl Permute<'_> {
    /// A group of four channels.
    #[inline(always)]
    fn group<S: Simd>(&self, simd: S, channel: usize, rows: &[Row; 4], entries: &[Entry]) -> S::V {
        let layer = self.layer;
        let plane = self.input.wrapping_add(channel * layer.planes.0);
        let weights = layer.weights.get(channel * layer.rows..);
        let weights = weights.unwrap_or_default();
        let zero = simd.splat_byte(layer.zero);
        let mut sums = [simd.begin(simd.splat(0)); 4];
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = simd.begin(simd.splat(row.bias));
        }
        for (ky, entry) in entries.iter().enumerate() {
            let Some(pattern) = layer.patterns.get(entry.pattern as usize) else {
                continue;
            };
            // SAFETY: the sources are as many bytes as a vector has, which `run` saw to.
            let sources = unsafe { simd.load(pattern.sources.as_ptr()) };
            let mut from = plane.wrapping_offset(entry.offset as isize);
            for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(layer.rows)) {
                // SAFETY: invariant 1.
                let bytes = unsafe { simd.load(from) };
                let windows = simd.permute(bytes, sources, pattern.inside, zero);
                let weights = weights.get(ky).copied().unwrap_or(0);
                *sum = simd.dot(*sum, windows, simd.splat(weights));
                from = from.wrapping_add(layer.planes.0);
            }
        }
        let mut lanes = totals(simd, sums);
        for (lanes, row) in lanes.iter_mut().zip(rows) {
            let [rescaled] = rescaled(simd, [*lanes], row);
            *lanes = rescaled;
        }
        let lo = simd.splat_byte(layer.rescale.lo);
        let hi = simd.splat_byte(layer.rescale.hi);
        simd.clamp(simd.pack_in_order(lanes), lo, hi)
    }
}
