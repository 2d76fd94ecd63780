//! Dense convolutions along the columns, where the DSP extension multiplies 16-bit pairs.
//!
//! The tile of pairs is twice as long as what is kept here: the inputs of pixel 0, then those of pixel 1…, each padded
//! to four columns.

use super::{Columns as Shape, Outputs, Post, nnz_mve_planes};
use crate::arch::arm::dsp::pairs as dsp;
use crate::kernels::Source;
use crate::pairs::{Columns, Lanes, PairKernels, PairPlane, PairTile, QUAD};
use core::cell::Cell;
use nnz_format::{DenseS8, Window};

pub(crate) use dsp::{AVAILABLE, widen};

/// Kernels that round once.
pub(crate) struct PairsSingle;
/// Kernels that round twice.
pub(crate) struct PairsDouble;

/// What `nnz_mve_conv` reads and changes.
#[derive(Debug)]
#[repr(C)]
struct ConvArgs {
    rows: *const u8,
    weights: *const u8,
    tile: *const i8,
    columns: usize,
    between: usize,
    post: Post,
}

/// What `nnz_mve_lanes` reads.
#[derive(Debug)]
#[repr(C)]
struct LanesArgs {
    count: usize,
    step: usize,
    columns: usize,
    between: usize,
}

unsafe extern "C" {
    fn nnz_mve_lanes(x: *const i8, offsets: *const u32, tile: *mut i8, args: *const LanesArgs);
    fn nnz_mve_conv_single(args: *mut ConvArgs);
    fn nnz_mve_conv_double(args: *mut ConvArgs);
    fn nnz_mve_dot4(x: *const i8, columns: usize, row: *const i8, sums: *mut i32, stride: usize);
}

/// Bytes between the pixels of a tile of pairs that is used for bytes.
#[inline(always)]
fn between(tile: &[Cell<u32>]) -> usize {
    (tile.len() / QUAD).wrapping_mul(4)
}

/// Fills a tile from columns.
///
/// # Safety
///
/// The columns of whole quads can be read, whatever those past the last hold.
#[inline(always)]
pub(crate) unsafe fn expand(columns: Columns<'_>, tile: &[Cell<u32>]) {
    let between = between(tile);
    let to = tile.as_ptr().cast::<i8>().cast_mut();
    let mut shape = Shape {
        stride: 0,
        step: 1,
        count: between,
        between,
    };
    match columns {
        Columns::Apart(x, stride) => {
            shape.stride = stride;
            // SAFETY: the caller's contract; eight pixels of `between` bytes are half of the tile.
            unsafe { nnz_mve_planes(x.as_ptr().cast(), to, &shape) };
        }
        Columns::Band(band, taps, pitch) => {
            shape.stride = pitch;
            shape.step = taps.len();
            shape.count = between.checked_div(taps.len()).unwrap_or(0);
            for (column, tap) in taps.iter().enumerate() {
                let x = band.as_ptr().cast::<i8>().wrapping_add(tap.get() as usize);
                // SAFETY: the caller's contract; the last column is below `between`.
                unsafe { nnz_mve_planes(x, to.wrapping_add(column), &shape) };
            }
        }
    }
}

/// Fills pixels of a tile whose windows lie inside the input.
///
/// # Safety
///
/// There are as many offsets as columns of the tile, and every column of every lane can be read.
#[inline(always)]
pub(crate) unsafe fn lanes(lanes: &Lanes<'_>, offsets: &[Cell<u32>], tile: &[Cell<u32>]) {
    let between = between(tile);
    let args = LanesArgs {
        count: lanes.count,
        step: lanes.step,
        columns: between,
        between,
    };
    let to = pixel(tile, lanes.first);
    let (x, offsets) = (lanes.from.as_ptr().cast(), offsets.as_ptr().cast());
    // SAFETY: the caller's contract.
    unsafe { nnz_mve_lanes(x, offsets, to, &raw const args) };
}

/// Fills a pixel of a tile from a window that begins at row `top` and column `left`, which wrap below 0.
///
/// # Safety
///
/// `source` describes its input of so many channels truthfully, and the tile has the window's columns.
#[inline(always)]
pub(crate) unsafe fn edge(
    source: &Source<'_, i8>,
    (channels, window): (usize, &Window),
    (top, left): (usize, usize),
    (tile, lane): (&[Cell<u32>], usize),
) {
    let (height, width) = (source.height.cast_unsigned(), source.width.cast_unsigned());
    let mut to = pixel(tile, lane);
    for channel in 0..channels {
        for ky in 0..usize::from(window.kernel_h) {
            for kx in 0..usize::from(window.kernel_w) {
                let (y, x) = (top.wrapping_add(ky), left.wrapping_add(kx));
                let at = channel
                    .wrapping_mul(source.channel_stride)
                    .wrapping_add(y.wrapping_mul(source.row_stride))
                    .wrapping_add(x.wrapping_mul(source.pixel_stride));
                let value = if y < height && x < width {
                    // SAFETY: an element of the input.
                    unsafe { source.input.as_ptr().cast::<i8>().wrapping_add(at).read() }
                } else {
                    source.outside
                };
                // SAFETY: a column of the pixel.
                unsafe { to.write(value) };
                to = to.wrapping_add(1);
            }
        }
    }
}

/// The columns of a pixel.
#[inline(always)]
fn pixel(tile: &[Cell<u32>], lane: usize) -> *mut i8 {
    let first = tile.as_ptr().cast::<i8>().cast_mut();
    first.wrapping_add(lane.wrapping_mul(between(tile)))
}

/// The sums of four rows, `stride` bytes apart, times a vector.
///
/// # Safety
///
/// The vector and each of the rows have `columns` elements, at least 1.
#[inline(always)]
pub(in crate::arch::arm) unsafe fn dot4(
    x: *const i8,
    columns: usize,
    row: *const i8,
    sums: *mut i32,
    stride: usize,
) {
    // SAFETY: the caller's contract.
    unsafe { nnz_mve_dot4(x, columns, row, sums, stride) };
}

/// The arguments of a tile.
#[inline(always)]
fn conv_args(weights: &DenseS8<'_>, tile: &PairTile<'_>) -> ConvArgs {
    let rows = weights.rows();
    let to = Outputs {
        at: tile.out.as_ptr().cast::<i8>().cast_mut(),
        channel_stride: tile.channel_stride,
        pixel_stride: tile.pixel_stride,
        lanes: tile.lanes,
    };
    ConvArgs {
        rows: rows.bytes().as_ptr(),
        weights: weights.weights().as_ptr(),
        tile: tile.tile.as_ptr().cast(),
        columns: tile.columns,
        between: between(tile.tile),
        post: Post::new(rows, &tile.post, &to),
    }
}

impl PairKernels for PairsSingle {
    unsafe fn conv(weights: &DenseS8<'_>, tile: &PairTile<'_>) {
        let mut args = conv_args(weights, tile);
        // SAFETY: the caller's contract.
        unsafe { nnz_mve_conv_single(&raw mut args) };
    }

    unsafe fn depthwise(weights: &DenseS8<'_>, plane: &PairPlane<'_>) {
        // SAFETY: the caller's contract.
        unsafe { dsp::PairsSingle::depthwise(weights, plane) };
    }
}

impl PairKernels for PairsDouble {
    unsafe fn conv(weights: &DenseS8<'_>, tile: &PairTile<'_>) {
        let mut args = conv_args(weights, tile);
        // SAFETY: the caller's contract.
        unsafe { nnz_mve_conv_double(&raw mut args) };
    }

    unsafe fn depthwise(weights: &DenseS8<'_>, plane: &PairPlane<'_>) {
        // SAFETY: the caller's contract.
        unsafe { dsp::PairsDouble::depthwise(weights, plane) };
    }
}
