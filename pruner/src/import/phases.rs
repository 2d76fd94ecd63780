//! A transposed convolution as one convolution whose output channels are the phases of the output.
//!
//! ```text
//! stride s:  output row s·q + r − pad  =  Σ_t input[q − t] · w[r + s·t]        r: the phase, t: its taps
//! ```
//!
//! So `s²·o` filters of `ceil(k / s)` taps give every phase at every `q`; a depth-to-space puts them side by side and
//! cuts the padding off. No zero is multiplied that was not a weight.

use super::error::Problem;
use super::limits::Budget;
use crate::ir::{BlockOrder, Rearrange, Shape, Window};

/// One axis of a transposed convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Along {
    /// Taps of the kernel.
    pub(super) kernel: usize,
    /// Output elements between input elements.
    pub(super) stride: usize,
    /// Output elements that are cut off at the beginning.
    pub(super) pad: usize,
    /// Output elements that remain.
    pub(super) size: usize,
}

impl Along {
    /// Taps of every phase, so many that the last output is reached from `input` elements.
    fn taps(self, input: usize) -> usize {
        let last = (self.size + self.pad).saturating_sub(1) / self.stride.max(1);
        let reach = (last + 2).saturating_sub(input);
        self.kernel.div_ceil(self.stride.max(1)).max(reach).max(1)
    }
}

/// The convolution and the rearrangement after it.
pub(super) struct Phases {
    /// Filters `[phases·o, i, taps, taps]`.
    pub(super) dims: [usize; 4],
    /// Its geometry.
    pub(super) window: Window,
    /// What follows.
    pub(super) spread: Rearrange,
}

impl Phases {
    /// For `o` filters over an image, `[rows, columns]`.
    pub(super) fn new(along: [Along; 2], input: Shape, o: usize) -> Self {
        let taps = [along[0].taps(input.h), along[1].taps(input.w)];
        let strides = along.map(|a| a.stride);
        Self {
            dims: [strides[0] * strides[1] * o, input.c, taps[0], taps[1]],
            window: Window {
                kernel: taps,
                stride: [1, 1],
                pad_begin: taps.map(|t| t - 1),
                pad_end: taps.map(|t| t - 1),
            },
            spread: Rearrange::DepthToSpace {
                block: strides,
                order: BlockOrder::DepthFirst,
                crop: along.map(|a| a.pad),
                size: along.map(|a| a.size),
            },
        }
    }

    /// The filters of all phases; `weight(o, i, y, x)` is the transposed convolution's.
    pub(super) fn filters<T: Copy + Default>(
        &self,
        along: [Along; 2],
        o: usize,
        budget: &mut Budget,
        weight: impl Fn(usize, usize, usize, usize) -> T,
    ) -> Result<Vec<T>, Problem> {
        let [rows, i, th, tw] = self.dims;
        let count = self.dims.iter().try_fold(1_usize, |n, d| n.checked_mul(*d));
        let count = count.ok_or_else(|| Problem::malformed("its filters are too many"))?;
        budget.take(count)?;
        let mut out = Vec::with_capacity(count);
        for row in 0..rows {
            let (phase, filter) = (row / o, row % o);
            let (py, px) = (phase / along[1].stride, phase % along[1].stride);
            for channel in 0..i {
                for (ty, tx) in (0..th).flat_map(|y| (0..tw).map(move |x| (y, x))) {
                    // Correlation runs forward, so that the last tap is t = 0.
                    let y = py + along[0].stride * (th - 1 - ty);
                    let x = px + along[1].stride * (tw - 1 - tx);
                    let inside = y < along[0].kernel && x < along[1].kernel;
                    out.push(if inside {
                        weight(filter, channel, y, x)
                    } else {
                        T::default()
                    });
                }
            }
        }
        Ok(out)
    }

    /// One value a filter, repeated for every phase.
    pub(super) fn repeated<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let phases = self.dims[0] / values.len().max(1);
        values.repeat(phases)
    }
}
