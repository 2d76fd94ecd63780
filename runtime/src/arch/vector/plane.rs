//! Depthwise convolutions by permutations: all windows of sixteen pixels in a row of the kernel are one permutation of the
//! 64 bytes that hold them, whatever stride and padding.
//!
//! ```text
//! entry (group of 16 pixels, kernel row)   where its bytes begin in the plane, and which pattern picks them
//! pattern                                  64 sources, then 64 bytes that are 255 inside the input and 0 outside
//! ```

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

/// Sources, then masks; a line of a cache each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Pattern(pub(crate) [u8; 2 * BYTES]);

/// A depthwise convolution with kernels of at most four columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Permuted {
    /// Bytes from input plane to input plane, and from output plane to output plane.
    pub(crate) planes: (usize, usize),
    /// Rows of the kernel.
    pub(crate) rows: usize,
    /// Groups of output pixels.
    pub(crate) groups: usize,
    /// What stands for zero.
    pub(crate) zero: u8,
    /// `[group][kernel row]`.
    pub(crate) entries: Vec<Entry>,
    /// Sources and masks.
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
///    read from each entry's offset on, and written at each four groups.
/// 2. Every entry's pattern is one of the layer's.
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
        let lo = simd.splat_byte(layer.rescale.lo);
        let hi = simd.splat_byte(layer.rescale.hi);
        let (rows, _) = layer.rescale.rows.as_chunks::<4>();
        let mine = rows.get(self.fours.clone()).unwrap_or_default();
        for (four, rows) in self.fours.clone().zip(mine) {
            if layer.groups == 1 {
                let bytes = self.four(simd, 4 * four, rows);
                let to = self.output.wrapping_add(4 * four * layer.planes.1);
                // SAFETY: invariant 1.
                unsafe { simd.store_lanes(to, layer.planes.1, simd.clamp(bytes, lo, hi)) };
                continue;
            }
            for (channel, row) in (4 * four..).zip(rows) {
                let mut to = self.output.wrapping_add(channel * layer.planes.1);
                for first in (0..layer.groups).step_by(4) {
                    let bytes = self.tile(simd, channel, row, first);
                    // SAFETY: invariant 1.
                    unsafe { simd.store(to, simd.clamp(bytes, lo, hi)) };
                    to = to.wrapping_add(BYTES);
                }
            }
        }
    }
}

impl Permute<'_> {
    /// The first group of four channels.
    #[inline(always)]
    fn four<S: Simd>(&self, simd: S, channel: usize, rows: &[Row; 4]) -> S::V {
        let mut sums = [simd.splat(0); 4];
        for ((sum, row), channel) in sums.iter_mut().zip(rows).zip(channel..) {
            let acc = self.group(simd, channel, row.bias, 0);
            *sum = simd.total(acc);
            *sum = if row.is_float {
                simd.rescale(*sum, row.mul, row.add)
            } else {
                simd.rescale_fixed(*sum, &row.fixed)
            };
        }
        simd.pack_in_order(sums)
    }

    /// Four groups of a channel.
    #[inline(always)]
    fn tile<S: Simd>(&self, simd: S, channel: usize, row: &Row, first: usize) -> S::V {
        let mut sums = [simd.begin(simd.splat(row.bias)); 4];
        // Groups past the last have no entries.
        for (group, sum) in sums.iter_mut().enumerate() {
            *sum = self.group(simd, channel, row.bias, first + group);
        }
        simd.pack_in_order(rescaled(simd, totals(simd, sums), row))
    }

    /// The sums of a group of a channel.
    #[inline(always)]
    fn group<S: Simd>(&self, simd: S, channel: usize, bias: i32, group: usize) -> S::Acc {
        let layer = self.layer;
        let plane = self.input.wrapping_add(channel * layer.planes.0);
        let zero = simd.splat_byte(layer.zero);
        let entries = layer.entries.get(group * layer.rows..).unwrap_or_default();
        let weights = layer.weights.get(channel * layer.rows..);
        let weights = weights.unwrap_or_default().iter().take(layer.rows);
        let mut sum = simd.begin(simd.splat(bias));
        for (entry, weights) in entries.iter().zip(weights) {
            // SAFETY: invariant 1.
            let bytes = unsafe { simd.load(plane.wrapping_offset(entry.offset as isize)) };
            let pattern = layer.patterns.as_ptr();
            let pattern = pattern.wrapping_add(entry.pattern as usize).cast::<u8>();
            // SAFETY: invariant 2.
            let sources = unsafe { simd.load(pattern) };
            // SAFETY: invariant 2.
            let inside = unsafe { simd.load(pattern.wrapping_add(BYTES)) };
            let windows = simd.choose(inside, simd.permute(bytes, sources), zero);
            sum = simd.dot(sum, windows, simd.splat(*weights));
        }
        sum
    }
}
