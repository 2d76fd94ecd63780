//! Depthwise convolutions: the 32-bit lane of a pixel takes four neighbouring columns of its window at a time.
//!
//! The plane is copied with its padding rows, so that rows follow each other without gaps; columns that a window has
//! outside the input are masked, by patterns that depend on the column where a tile begins.

use super::finish::{Rescale, finish, totals};
use super::{Share, Simd, Task};
use nnz_format::Window;

/// Up to four columns of a kernel's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taps {
    /// From the first byte of a pixel's window on, in the copy.
    pub(crate) offset: u32,
    /// Which patterns mask it.
    pub(crate) chunk: u32,
    /// The weights, the first column's in the lowest byte.
    pub(crate) weights: i32,
}

/// A depthwise convolution of one network's layer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Depthwise {
    /// The window; strides are 1 and 1, or 2 and 2.
    pub(crate) window: Window,
    /// Rows and columns of the input.
    pub(crate) input: (usize, usize),
    /// Bytes from input plane to input plane, and from output plane to output plane.
    pub(crate) planes: (usize, usize),
    /// Rows and columns of the output.
    pub(crate) output: (usize, usize),
    /// What stands for zero.
    pub(crate) zero: u8,
    /// Output channels of an input channel.
    pub(crate) multiplier: usize,
    /// The taps of all rows, and how many each row has.
    pub(crate) taps: Vec<Taps>,
    /// Taps of each row.
    pub(crate) counts: Vec<u32>,
    /// Bytes that are inside, 255 or 0: `[chunk][column where a tile begins / step][quad][bytes of a vector]`.
    pub(crate) inside: Vec<u8>,
    /// Columns between the beginnings of tiles that have patterns.
    pub(crate) step: usize,
    /// Constants of the rows.
    pub(crate) rescale: Rescale,
}

impl Depthwise {
    /// Stride of rows and columns.
    pub(crate) fn stride(&self) -> usize {
        usize::from(self.window.stride_w)
    }

    /// Bytes of a row of the copy.
    pub(crate) fn pitch(&self) -> usize {
        self.output.1 * self.stride()
    }

    /// Rows of one phase of the copy.
    pub(crate) fn rows(&self) -> usize {
        self.output.0 + (usize::from(self.window.kernel_h) - 1) / self.stride()
    }

    /// Bytes between the phases of the copy.
    pub(crate) fn phase(&self) -> usize {
        (self.rows() * self.pitch() + 256).next_multiple_of(64)
    }

    /// Bytes of the copy and what vectors read around it.
    pub(crate) fn scratch_len(&self) -> usize {
        64 + self.phase() * self.stride() + 256
    }

    /// Patterns of a chunk.
    pub(crate) const fn starts(&self) -> usize {
        self.output.1.div_ceil(self.step)
    }
}

/// Runs a depthwise convolution.
///
/// # Invariants
///
/// 1. `input` and `output` begin planes of the layer's shape, with room for whole vectors behind each.
/// 2. `scratch` has [`Depthwise::scratch_len`] bytes.
/// 3. `inside` has the patterns of this instruction set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slide<'m> {
    /// The layer.
    pub(crate) layer: &'m Depthwise,
    /// The input's planes.
    pub(crate) input: *const u8,
    /// The output's planes.
    pub(crate) output: *mut u8,
    /// Room for the copy.
    pub(crate) scratch: *mut u8,
    /// The rows to compute: those of whole input channels.
    pub(crate) share: Share,
}

impl Task for Slide<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.layer.stride() {
            1 => channels::<S, 1>(simd, &self),
            _ => channels::<S, 2>(simd, &self),
        }
    }
}

#[inline(always)]
fn channels<S: Simd, const STRIDE: usize>(simd: S, work: &Slide<'_>) {
    let layer = work.layer;
    let share = &work.share;
    let mut taps = layer.taps.get(share.before..).unwrap_or_default();
    let copy = work.scratch.wrapping_add(64);
    for (row, count) in (share.first..).zip(share.of_slice(&layer.counts, 1)) {
        let Some((mine, rest)) = taps.split_at_checked(*count as usize) else {
            return;
        };
        taps = rest;
        if row % layer.multiplier == 0 {
            let from = work
                .input
                .wrapping_add(row / layer.multiplier * layer.planes.0);
            for phase in 0..STRIDE {
                pad::<S, STRIDE>(simd, layer, from, copy, phase);
            }
        }
        let to = work.output.wrapping_add(row * layer.planes.1);
        tiles::<S, STRIDE>(simd, layer, (copy, to), mine, row);
    }
}

/// Copies the rows of a phase, with rows of padding around them.
#[inline(always)]
fn pad<S: Simd, const STRIDE: usize>(
    simd: S,
    layer: &Depthwise,
    from: *const u8,
    copy: *mut u8,
    phase: usize,
) {
    let copy = copy.wrapping_add(phase * layer.phase());
    let (pitch, width) = (layer.pitch(), layer.input.1);
    let zero = simd.splat_byte(layer.zero);
    // Where rows follow each other in both, all of them are one.
    let is_whole = STRIDE == 1 && pitch == width;
    let top = usize::from(layer.window.pad_top);
    let mut row = 0;
    while row < layer.rows() {
        let y = (row * STRIDE + phase)
            .checked_sub(top)
            .filter(|y| *y < layer.input.0);
        let rows = match y {
            Some(y) if is_whole => (layer.input.0 - y).min(layer.rows() - row),
            _ => 1,
        };
        let to = copy.wrapping_add(row * pitch);
        let mut x = 0;
        while x < rows * pitch {
            let mut bytes = zero;
            if let Some(y) = y {
                // SAFETY: invariant 1 of `Slide`.
                bytes = unsafe { simd.load(from.wrapping_add(y * width + x)) };
            }
            // SAFETY: invariant 2 of `Slide`; what is written behind a row is written again by the next.
            unsafe { simd.store(to.wrapping_add(x), bytes) };
            x += S::BYTES;
        }
        row += rows;
    }
}

/// One output channel.
#[inline(always)]
fn tiles<S: Simd, const STRIDE: usize>(
    simd: S,
    layer: &Depthwise,
    (copy, to): (*mut u8, *mut u8),
    taps: &[Taps],
    row: usize,
) {
    let Some(row) = layer.rescale.rows.get(row) else {
        return;
    };
    let bounds = (
        simd.splat_byte(layer.rescale.lo),
        simd.splat_byte(layer.rescale.hi),
    );
    let zero = simd.splat_byte(layer.zero);
    let pixels = layer.output.0 * layer.output.1;
    let chunk = layer.starts() * 4 * S::BYTES;
    let advance = S::BYTES % layer.output.1;
    let (mut at, mut start) = (0, 0);
    while at < pixels {
        let mut sums = [simd.begin(simd.splat(row.bias)); 4];
        let pattern = (start >> layer.step.trailing_zeros()) * 4 * S::BYTES;
        for tap in taps {
            let from = copy.wrapping_add(at * STRIDE + tap.offset as usize);
            let from = from.wrapping_sub(usize::from(layer.window.pad_left));
            let inside = pattern + tap.chunk as usize * chunk;
            let weights = simd.splat(tap.weights);
            for (quad, sum) in sums.iter_mut().enumerate() {
                // SAFETY: invariant 2 of `Slide`.
                let bytes = unsafe { simd.windows::<STRIDE>(from, quad) };
                let mask = layer.inside.as_ptr().wrapping_add(inside + quad * S::BYTES);
                // SAFETY: invariant 3 of `Slide`.
                let mask = unsafe { simd.load(mask) };
                *sum = simd.dot(*sum, simd.choose(mask, bytes, zero), weights);
            }
        }
        let bytes = finish(simd, totals(simd, sums), row, bounds);
        // SAFETY: invariant 1 of `Slide`.
        unsafe { simd.store(to.wrapping_add(at), bytes) };
        at += S::BYTES;
        start += advance;
        if start >= layer.output.1 {
            start -= layer.output.1;
        }
    }
}
