//! Depthwise convolutions of maps of at most sixteen pixels: each 16 bytes of a vector are one channel's whole plane,
//! and every window of a kernel's row is one shuffle of it.

use super::finish::finish_lanes;
use super::{Lanes, Simd, Task};
use core::ops::Range;

/// Pixels that a plane may have.
pub(crate) const PIXELS: usize = 16;

/// A depthwise convolution of stride 1 with kernels of at most four columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tiny {
    /// Channels.
    pub(crate) channels: usize,
    /// Bytes from plane to plane, of input and output alike.
    pub(crate) plane: usize,
    /// Rows of the kernel.
    pub(crate) rows: usize,
    /// `[kernel row][quad][16]`: where each byte of the windows comes from; its high bit is set outside the input.
    pub(crate) sources: Vec<u8>,
    /// `[kernel row][quad][16]`: zero points outside the input, 0 inside.
    pub(crate) outside: Vec<u8>,
    /// `[channel][kernel row][16]`: four weights, four times, after each other.
    pub(crate) weights: Vec<u8>,
    /// The constants of each channel, four times; channels are whole vectors.
    pub(crate) lanes: Lanes,
    /// Lowest and highest byte.
    pub(crate) bounds: (u8, u8),
}

/// Runs one.
///
/// # Invariants
///
/// `input` and `output` begin planes of 16 bytes at least, those of channels that make the last vector whole included;
/// the tables of `layer` have the lengths that it says.
#[derive(Debug, Clone)]
pub(crate) struct Shuffle<'m> {
    /// The layer.
    pub(crate) layer: &'m Tiny,
    /// The input's planes.
    pub(crate) input: *const u8,
    /// The output's planes.
    pub(crate) output: *mut u8,
    /// Which channels, those of whole vectors.
    pub(crate) channels: Range<usize>,
}

impl Task for Shuffle<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut channel = self.channels.start;
        while channel < self.channels.end {
            self.some(simd, channel);
            channel += S::BYTES / PIXELS;
        }
    }
}

impl Shuffle<'_> {
    /// As many channels as a vector holds.
    #[inline(always)]
    fn some<S: Simd>(&self, simd: S, channel: usize) {
        let layer = self.layer;
        let at = channel * layer.plane;
        // SAFETY: the invariant.
        let planes = unsafe { simd.load_lanes(self.input.wrapping_add(at), layer.plane) };
        // SAFETY: the invariant.
        let bias = unsafe { simd.load(layer.lanes.bias.as_ptr().wrapping_add(4 * channel).cast()) };
        let mut sums = [simd.begin(bias); 4];
        let weights = layer.weights.as_ptr();
        let weights = weights.wrapping_add(channel * layer.rows * PIXELS);
        for row in 0..layer.rows {
            let weights = weights.wrapping_add(row * PIXELS);
            // SAFETY: the invariant.
            let weights = unsafe { simd.load_lanes(weights, layer.rows * PIXELS) };
            for (quad, sum) in sums.iter_mut().enumerate() {
                let entry = (row * 4 + quad) * PIXELS;
                // SAFETY: the invariant.
                let sources = unsafe { simd.load_16(layer.sources.as_ptr().wrapping_add(entry)) };
                // SAFETY: the invariant.
                let outside = unsafe { simd.load_16(layer.outside.as_ptr().wrapping_add(entry)) };
                let windows = simd.or(simd.shuffle(planes, sources), outside);
                *sum = simd.dot(*sum, windows, weights);
            }
        }
        let mut lanes = [bias; 4];
        for (lanes, sum) in lanes.iter_mut().zip(sums) {
            // SAFETY: the invariant.
            *lanes = unsafe { finish_lanes(simd, simd.total(sum), &layer.lanes, 4 * channel) };
        }
        let (lo, hi) = layer.bounds;
        let bytes = simd.clamp(simd.pack(lanes), simd.splat_byte(lo), simd.splat_byte(hi));
        // SAFETY: the invariant.
        unsafe { simd.store_lanes(self.output.wrapping_add(at), layer.plane, bytes) };
    }
}
