//! Copies of planes from which every tap of a window is a whole tile: one copy a column of the kernel, shifted by it,
//! with the padding in place, as wide as the output.
//!
//! ```text
//! plane (c, py, kx)   row r, column x  =  input row r·stride_h + py − pad_top, column x·stride_w + kx − pad_left
//! tap (c, ky, kx)     plane (c, ky mod stride_h, kx), from row ky / stride_h on
//! ```

use super::{Simd, Task};
use core::ops::Range;
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
    /// A kernel column's bytes that are inside the input, 255 or 0, over a row and then a vector more.
    pub(crate) inside: Vec<Vec<u8>>,
    /// Whether rows follow each other in input and copies alike.
    pub(crate) is_flat: bool,
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
                let x = i % output.1 * usize::from(window.stride_w) + usize::from(kx);
                let x = x.checked_sub(window.pad_left.into());
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
            inside: (0..window.kernel_w).map(column).collect(),
            is_flat,
        }
    }

    /// Copies of a channel.
    pub(crate) fn apart(&self) -> usize {
        self.phases() * usize::from(self.window.kernel_w)
    }

    /// Phases of kernel rows.
    fn phases(&self) -> usize {
        usize::from(self.window.stride_h.min(self.window.kernel_h))
    }

    /// The row of the input that is row `row` of the copies of a phase.
    fn input_row(&self, row: usize, phase: usize) -> Option<usize> {
        let y = row * usize::from(self.window.stride_h) + phase;
        let y = y.checked_sub(self.window.pad_top.into());
        y.filter(|y| *y < self.input.0)
    }

    /// Bytes of the room for every second column of a plane.
    pub(crate) const fn thinned_len(&self) -> usize {
        self.input.0 * self.width + MAX_BYTES
    }

    /// Bytes of all copies.
    pub(crate) fn copies(&self) -> usize {
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
/// `from` begins planes of the staging's input, before and behind which two vectors can be read; `to` has the bytes of all
/// copies, and `thinned` [`Staging::thinned_len`], with a vector more behind each.
#[derive(Debug, Clone)]
pub(crate) struct Stage<'m> {
    /// The geometry.
    pub(crate) staging: &'m Staging,
    /// The input's planes.
    pub(crate) from: *const u8,
    /// The copies.
    pub(crate) to: *mut u8,
    /// Room for every second column of a plane.
    pub(crate) thinned: *mut u8,
    /// Which channels.
    pub(crate) part: Range<usize>,
}

impl Task for Stage<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let staging = self.staging;
        let halves = staging.window.stride_w == 2 && staging.input.1 == 2 * staging.width;
        for channel in self.part.clone() {
            let from = self.from.wrapping_add(channel * staging.input_plane);
            for (kx, inside) in staging.inside.iter().enumerate() {
                if halves {
                    thin_out(simd, staging, from, self.thinned, (kx, inside));
                }
                for phase in 0..staging.phases() {
                    let to = self.to.wrapping_add(staging.copy(channel, phase, kx));
                    let column = Column { kx, phase, inside };
                    match staging.window.stride_w {
                        _ if staging.is_flat => flat(simd, staging, from, to, &column),
                        _ if halves => pick_rows(simd, staging, self.thinned, to, phase),
                        1 => by_rows::<S, 1>(simd, staging, from, to, &column),
                        2 => by_rows::<S, 2>(simd, staging, from, to, &column),
                        _ => one_by_one(staging, from, to, &column),
                    }
                }
            }
        }
    }
}

/// Every second column of a plane, from kernel column `kx` on, all rows.
#[inline(always)]
fn thin_out<S: Simd>(
    simd: S,
    staging: &Staging,
    from: *const u8,
    to: *mut u8,
    (kx, inside): (usize, &[u8]),
) {
    let from = from
        .wrapping_add(kx)
        .wrapping_sub(usize::from(staging.window.pad_left));
    let zero = simd.splat_byte(staging.zero);
    let advance = S::BYTES % staging.width;
    let (mut at, mut x) = (0, 0);
    while at < staging.input.0 * staging.width {
        let from = from.wrapping_add(2 * at);
        // SAFETY: two vectors can be read around the planes, by the invariant.
        let first = unsafe { simd.load(from) };
        // SAFETY: as above.
        let second = unsafe { simd.load(from.wrapping_add(S::BYTES)) };
        // SAFETY: `x` is below the width, and the bytes go on for a vector behind a row.
        let mask = unsafe { simd.load(inside.as_ptr().wrapping_add(x)) };
        let bytes = simd.choose(mask, simd.evens(first, second), zero);
        // SAFETY: the room has a plane and a vector.
        unsafe { simd.store(to.wrapping_add(at), bytes) };
        at += S::BYTES;
        x = wrapped(x + advance, staging.width);
    }
}

/// `x` below `width`, where it is below twice of it.
#[inline(always)]
const fn wrapped(x: usize, width: usize) -> usize {
    if x >= width { x - width } else { x }
}

/// The rows of a phase, out of a thinned plane.
#[inline(always)]
fn pick_rows<S: Simd>(simd: S, staging: &Staging, from: *const u8, to: *mut u8, phase: usize) {
    let (width, half) = (staging.width, simd.half());
    let zero = half.splat_byte(staging.zero);
    for row in 0..staging.rows {
        let to = to.wrapping_add(row * width);
        let Some(y) = staging.input_row(row, phase) else {
            fill(half, zero, to, width);
            continue;
        };
        let from = from.wrapping_add(y * width);
        match width {
            8 => copy_row::<8>(from, to),
            16 => copy_row::<16>(from, to),
            _ => {
                let mut x = 0;
                while x < width {
                    // SAFETY: a row of the plane, with room for a vector behind it.
                    let bytes = unsafe { half.load(from.wrapping_add(x)) };
                    // SAFETY: a copy has room for a vector behind its rows.
                    unsafe { half.store(to.wrapping_add(x), bytes) };
                    x += <S::Half as Simd>::BYTES;
                }
            }
        }
    }
}

/// A row of `N` bytes.
#[inline(always)]
fn copy_row<const N: usize>(from: *const u8, to: *mut u8) {
    // SAFETY: a row of the plane.
    let row = unsafe { from.cast::<[u8; N]>().read() };
    // SAFETY: a row of the copy.
    unsafe { to.cast::<[u8; N]>().write(row) };
}

/// One copy of a plane.
struct Column<'m> {
    kx: usize,
    phase: usize,
    inside: &'m [u8],
}

/// A copy of an input as wide as the output, whole vectors across the ends of rows.
#[inline(always)]
fn flat<S: Simd>(simd: S, staging: &Staging, from: *const u8, to: *mut u8, column: &Column<'_>) {
    let width = staging.width;
    let above = usize::from(staging.window.pad_top).min(staging.rows);
    let rows = staging.input.0.min(staging.rows - above);
    let zero = simd.splat_byte(staging.zero);
    let from = from
        .wrapping_add(column.kx)
        .wrapping_sub(usize::from(staging.window.pad_left));
    fill(simd, zero, to, above * width);
    let middle = to.wrapping_add(above * width);
    let advance = S::BYTES % width;
    let (mut at, mut x) = (0, 0);
    while at < rows * width {
        // SAFETY: a vector can be read around the planes, by the invariant.
        let bytes = unsafe { simd.load(from.wrapping_add(at)) };
        // SAFETY: `x` is below the width, and the bytes go on for a vector behind a row.
        let mask = unsafe { simd.load(column.inside.as_ptr().wrapping_add(x)) };
        // SAFETY: a copy has room for a vector behind its rows.
        unsafe { simd.store(middle.wrapping_add(at), simd.choose(mask, bytes, zero)) };
        at += S::BYTES;
        x = wrapped(x + advance, width);
    }
    let below = (staging.rows - above - rows) * width;
    fill(simd, zero, middle.wrapping_add(rows * width), below);
}

/// Writes `len` bytes rounded up to a vector; whatever follows is written later, or is room behind the copy.
#[inline(always)]
fn fill<S: Simd>(simd: S, value: S::V, to: *mut u8, len: usize) {
    let mut at = 0;
    while at < len {
        // SAFETY: rows of the copy, and room for a vector behind them.
        unsafe { simd.store(to.wrapping_add(at), value) };
        at += S::BYTES;
    }
}

/// A copy row by row, for strides and for inputs of another width. What a vector writes behind a row, the next row
/// writes again.
#[inline(always)]
fn by_rows<S: Simd, const STRIDE: usize>(
    simd: S,
    staging: &Staging,
    from: *const u8,
    to: *mut u8,
    column: &Column<'_>,
) {
    let zero = simd.splat_byte(staging.zero);
    for row in 0..staging.rows {
        let to = to.wrapping_add(row * staging.width);
        let from = staging.input_row(row, column.phase).map(|y| {
            let row = from.wrapping_add(y * staging.input.1 + column.kx);
            row.wrapping_sub(usize::from(staging.window.pad_left))
        });
        let mut x = 0;
        while x < staging.width {
            let mut bytes = zero;
            if let Some(from) = from {
                let from = from.wrapping_add(x * STRIDE);
                // SAFETY: vectors can be read around the planes, by the invariant.
                bytes = unsafe { simd.load(from) };
                if STRIDE == 2 {
                    // SAFETY: as above.
                    let next = unsafe { simd.load(from.wrapping_add(S::BYTES)) };
                    bytes = simd.evens(bytes, next);
                }
                // SAFETY: `x` is below the width, and the bytes go on for a vector behind a row.
                let mask = unsafe { simd.load(column.inside.as_ptr().wrapping_add(x)) };
                bytes = simd.choose(mask, bytes, zero);
            }
            // SAFETY: a copy has room for a vector behind its rows.
            unsafe { simd.store(to.wrapping_add(x), bytes) };
            x += S::BYTES;
        }
    }
}

/// A copy byte by byte, for larger strides.
#[inline(always)]
fn one_by_one(staging: &Staging, from: *const u8, to: *mut u8, column: &Column<'_>) {
    let stride = usize::from(staging.window.stride_w);
    let left = usize::from(staging.window.pad_left);
    for row in 0..staging.rows {
        let y = staging.input_row(row, column.phase);
        for (x, inside) in (0..staging.width).zip(column.inside) {
            let mut byte = staging.zero;
            if let (Some(y), true) = (y, *inside != 0) {
                let x = x * stride + column.kx - left;
                // SAFETY: a pixel of the input, by the row and by the column's bytes.
                byte = unsafe { from.wrapping_add(y * staging.input.1 + x).read() };
            }
            // SAFETY: a pixel of the copy.
            unsafe { to.wrapping_add(row * staging.width + x).write(byte) };
        }
    }
}
