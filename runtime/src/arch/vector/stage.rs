//! Copies of planes from which every tap of a window is a whole tile: one copy a column of the kernel, shifted by it,
//! with the padding in place, as wide as the output.
//!
//! ```text
//! plane (c, py, kx)   row r, column x  =  input row r·stride_h + py − pad_top, column x·stride_w + kx − pad_left
//! tap (c, ky, kx)     plane (c, ky mod stride_h, kx), from row ky / stride_h on
//! ```

use super::{Simd, Task};
use nnz_format::Window;

/// The geometry of the copies.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Staging {
    /// The window.
    pub(crate) window: Window,
    /// Input channels.
    pub(crate) channels: usize,
    /// Rows and columns of the input.
    pub(crate) input: (usize, usize),
    /// Bytes from input plane to input plane.
    pub(crate) input_plane: usize,
    /// Columns of the output.
    pub(crate) width: usize,
    /// Rows of a copy.
    pub(crate) rows: usize,
    /// Bytes from copy to copy.
    pub(crate) plane: usize,
    /// What stands for zero.
    pub(crate) zero: u8,
    /// A kernel column's bytes that are inside the input, 255 or 0, over a row and then a vector more; empty where the
    /// copies are made row by row.
    pub(crate) inside: Vec<Vec<u8>>,
}

/// Vectors may be as long.
const MAX_BYTES: usize = 64;

impl Staging {
    /// Copies for a convolution of planes of `input`, `plane` bytes apart, into planes of `output`.
    pub(crate) fn new(
        window: Window,
        (channels, plane): (usize, usize),
        input: (usize, usize),
        output: (usize, usize),
        zero: u8,
    ) -> Self {
        let stride_h = usize::from(window.stride_h);
        let last = usize::from(window.kernel_h) - 1;
        let rows = output.0 + last / stride_h;
        let is_flat = window.stride_h == 1 && window.stride_w == 1 && input.1 == output.1;
        let column = |kx: u8| {
            let bytes = (0..output.1 + MAX_BYTES).map(|i| {
                let x = (i % output.1 + usize::from(kx)).checked_sub(window.pad_left.into());
                if x.is_some_and(|x| x < input.1) {
                    255
                } else {
                    0
                }
            });
            bytes.collect()
        };
        Self {
            window,
            channels,
            input,
            input_plane: plane,
            width: output.1,
            rows,
            plane: ((rows * output.1 + MAX_BYTES).div_ceil(64) | 1) * 64,
            zero,
            inside: if is_flat {
                (0..window.kernel_w).map(column).collect()
            } else {
                Vec::new()
            },
        }
    }

    /// Phases of kernel rows.
    fn phases(&self) -> usize {
        usize::from(self.window.stride_h.min(self.window.kernel_h))
    }

    /// Bytes of all copies.
    pub(crate) fn len(&self) -> usize {
        self.channels * self.phases() * usize::from(self.window.kernel_w) * self.plane
    }

    /// Where tap (c, ky, kx) of the first output pixel lies.
    pub(crate) fn tap(&self, channel: usize, (ky, kx): (usize, usize)) -> usize {
        let stride = usize::from(self.window.stride_h);
        self.copy(channel, ky % stride, kx) + ky / stride * self.width
    }

    fn copy(&self, channel: usize, phase: usize, kx: usize) -> usize {
        let of_channel = channel * self.phases() + phase;
        (of_channel * usize::from(self.window.kernel_w) + kx) * self.plane
    }
}

/// Makes the copies.
///
/// # Invariants
///
/// `from` begins planes of the staging's input, before and behind which a vector can be read; `to` has its length and
/// a vector more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage<'m> {
    /// The geometry.
    pub(crate) staging: &'m Staging,
    /// The input's planes.
    pub(crate) from: *const u8,
    /// The copies.
    pub(crate) to: *mut u8,
}

impl Task for Stage<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let staging = self.staging;
        for channel in 0..staging.channels {
            let from = self.from.wrapping_add(channel * staging.input_plane);
            for phase in 0..staging.phases() {
                for kx in 0..usize::from(staging.window.kernel_w) {
                    let to = self.to.wrapping_add(staging.copy(channel, phase, kx));
                    match staging.inside.get(kx) {
                        Some(inside) => flat(simd, staging, from, to, (kx, inside)),
                        None => by_rows(staging, from, to, (phase, kx)),
                    }
                }
            }
        }
    }
}

/// A copy of an input as wide as the output, whole vectors across the ends of rows.
#[inline(always)]
fn flat<S: Simd>(
    simd: S,
    staging: &Staging,
    from: *const u8,
    to: *mut u8,
    (kx, inside): (usize, &[u8]),
) {
    let width = staging.width;
    let above = usize::from(staging.window.pad_top).min(staging.rows);
    let rows = staging.input.0.min(staging.rows - above);
    let zero = simd.splat_byte(staging.zero);
    let from = from
        .wrapping_add(kx)
        .wrapping_sub(usize::from(staging.window.pad_left));
    let middle = to.wrapping_add(above * width);
    let (mut at, mut column) = (0, 0);
    while at < rows * width {
        // SAFETY: a vector can be read around the planes, by the invariant.
        let bytes = unsafe { simd.load(from.wrapping_add(at)) };
        // SAFETY: `column` is below the width, and the bytes go on for a vector behind a row.
        let mask = unsafe { simd.load(inside.as_ptr().wrapping_add(column)) };
        // SAFETY: a copy has room for a vector behind its rows.
        unsafe { simd.store(middle.wrapping_add(at), simd.choose(mask, bytes, zero)) };
        at += S::BYTES;
        column = (column + S::BYTES) % width;
    }
    // SAFETY: rows of the copy.
    unsafe { to.write_bytes(staging.zero, above * width) };
    let below = (staging.rows - above - rows) * width;
    // SAFETY: rows of the copy.
    unsafe {
        middle
            .wrapping_add(rows * width)
            .write_bytes(staging.zero, below);
    };
}

/// A copy row by row, for strides and for inputs of another width.
#[inline(always)]
fn by_rows(staging: &Staging, from: *const u8, to: *mut u8, (phase, kx): (usize, usize)) {
    let window = &staging.window;
    let (height, width) = staging.input;
    let stride = usize::from(window.stride_w);
    let left = usize::from(window.pad_left);
    let first = left.saturating_sub(kx).div_ceil(stride).min(staging.width);
    let end = (width + left)
        .saturating_sub(kx)
        .div_ceil(stride)
        .clamp(first, staging.width);
    for row in 0..staging.rows {
        let y = row * usize::from(window.stride_h) + phase;
        let y = y.checked_sub(window.pad_top.into()).filter(|y| *y < height);
        let to = to.wrapping_add(row * staging.width);
        // SAFETY: a row of the copy.
        let to = unsafe { core::slice::from_raw_parts_mut(to, staging.width) };
        let Some(y) = y else {
            to.fill(staging.zero);
            continue;
        };
        // SAFETY: a row of the input.
        let from = unsafe { core::slice::from_raw_parts(from.wrapping_add(y * width), width) };
        let from = from.get((first * stride + kx).saturating_sub(left)..);
        let (outer, after) = to.split_at_mut_checked(end).unwrap_or_default();
        let (before, inner) = outer.split_at_mut_checked(first).unwrap_or_default();
        before.fill(staging.zero);
        after.fill(staging.zero);
        strided(inner, from.unwrap_or_default(), stride);
    }
}

/// Every `stride`th byte of `from`.
#[inline(always)]
fn strided(to: &mut [u8], from: &[u8], stride: usize) {
    match stride {
        1 => to.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
        2 => {
            // A pair that the row's end cuts has its first byte alone.
            let (pairs, rest) = from.as_chunks::<2>();
            let firsts = pairs
                .iter()
                .map(|pair| pair[0])
                .chain(rest.first().copied());
            let whole = to.len().min(pairs.len());
            for (to, [first, _]) in to.iter_mut().zip(pairs) {
                *to = *first;
            }
            for (to, first) in to.iter_mut().zip(firsts).skip(whole) {
                *to = first;
            }
        }
        _ => {
            for (to, from) in to.iter_mut().zip(from.iter().step_by(stride)) {
                *to = *from;
            }
        }
    }
}
