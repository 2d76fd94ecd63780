//! Dense convolutions by 16-bit pairs, around `pairs.S`.

#![cfg_attr(
    isa = "mve",
    allow(dead_code, reason = "Helium has a convolution of its own")
)]

use super::depthwise;
use super::finish::is_clamped;
use crate::kernels::Source;
use crate::pairs::{Columns, Lanes, PairKernels, PairPlane, PairTile, QUAD};
use crate::requantize::{Double, Single};
use core::cell::Cell;
use nnz_format::{DenseS8, Window};

/// Whether drivers may use the functions of this module.
pub(crate) const AVAILABLE: bool = true;

/// Pair kernels that round once.
pub(crate) struct PairsSingle;
/// Pair kernels that round twice.
pub(crate) struct PairsDouble;

/// What `nnz_dsp_pairs_conv` reads and changes.
#[repr(C)]
pub(super) struct ConvArgs {
    rows: *const u8,
    weights: *const u8,
    tile: *const u32,
    out: *mut i8,
    whole_end: *const u32,
    end: *const u32,
    row_bytes: usize,
    count: usize,
    zero_point: i32,
    channel_stride: usize,
    tail: usize,
    is_clamped: u32,
    lo: u32,
    hi: u32,
    lanes: usize,
    pixel_stride: usize,
}

/// What `nnz_dsp_pairs_lanes` reads.
#[repr(C)]
struct LanesArgs {
    end: *const u32,
    step: usize,
    lanes: usize,
}

/// What `nnz_dsp_pairs_edge` reads.
#[repr(C)]
struct EdgeArgs {
    channels: usize,
    kernel_h: usize,
    kernel_w: usize,
    top: usize,
    left: usize,
    height: usize,
    width: usize,
    row_step: usize,
    channel_step: usize,
    pixel_stride: usize,
    outside: i32,
}

unsafe extern "C" {
    fn nnz_dsp_pairs_planes(x: *const i8, stride: usize, end: *const u32, tile: *mut u32);
    fn nnz_dsp_pairs_band(
        band: *const i8,
        end: *const u32,
        taps: *const u32,
        tile: *mut u32,
        taps_end: *const u32,
        pitch: usize,
    );
    fn nnz_dsp_pairs_lanes(
        x: *const i8,
        offsets: *const u32,
        tile: *mut u32,
        lanes: *const LanesArgs,
    );
    fn nnz_dsp_pairs_edge(x: *const i8, tile: *mut u32, args: *const EdgeArgs);
    fn nnz_dsp_pairs_conv_single(args: *mut ConvArgs);
    fn nnz_dsp_pairs_conv_double(args: *mut ConvArgs);
    fn nnz_dsp_widen(x: *const i8, plane: *mut u16, shape: *const [usize; 4]);
}

/// Fills a tile of a whole number of quads from columns.
///
/// # Safety
///
/// So many columns can be read; those that make the last quad whole too, whatever they hold.
#[inline(always)]
pub(crate) unsafe fn expand(columns: Columns<'_>, tile: &[Cell<u32>]) {
    let end = tile.as_ptr_range().end.cast::<u32>();
    let to = tile.as_ptr().cast::<u32>().cast_mut();
    match columns {
        Columns::Apart(x, stride) => {
            // SAFETY: the caller's contract.
            unsafe { nnz_dsp_pairs_planes(x.as_ptr().cast(), stride, end, to) };
        }
        Columns::Band(band, taps, pitch) => {
            let taps = taps.as_ptr_range();
            let (first, last) = (taps.start.cast(), taps.end.cast());
            // SAFETY: the caller's contract.
            unsafe { nnz_dsp_pairs_band(band.as_ptr().cast(), end, first, to, last, pitch) };
        }
    }
}

/// Fills lanes of a tile from pixels whose windows lie inside the input.
///
/// # Safety
///
/// There are as many offsets as columns of the tile, and every column of every lane can be read.
#[inline(always)]
pub(crate) unsafe fn lanes(lanes: &Lanes<'_>, offsets: &[Cell<u32>], tile: &[Cell<u32>]) {
    let at = |end: *const u32| end.wrapping_add(lanes.first);
    let args = LanesArgs {
        end: at(tile.as_ptr_range().end.cast()),
        step: lanes.step,
        lanes: lanes.count,
    };
    let to = at(tile.as_ptr().cast()).cast_mut();
    let (x, offsets) = (lanes.from.as_ptr().cast(), offsets.as_ptr().cast());
    // SAFETY: the caller's contract.
    unsafe { nnz_dsp_pairs_lanes(x, offsets, to, &raw const args) };
}

/// Fills a lane of a tile from a window that begins at row `top` and column `left`, which wrap below 0.
///
/// # Safety
///
/// `source` describes its input of so many channels truthfully, and the tile has a quad for every four taps begun.
#[inline(always)]
pub(crate) unsafe fn edge(
    source: &Source<'_, i8>,
    (channels, window): (usize, &Window),
    (top, left): (usize, usize),
    (tile, lane): (&[Cell<u32>], usize),
) {
    let (kernel_h, kernel_w) = (usize::from(window.kernel_h), usize::from(window.kernel_w));
    let (row, pixel) = (source.row_stride, source.pixel_stride);
    let args = EdgeArgs {
        channels,
        kernel_h,
        kernel_w,
        top,
        left,
        height: source.height.cast_unsigned(),
        width: source.width.cast_unsigned(),
        row_step: row.wrapping_sub(kernel_w.wrapping_mul(pixel)),
        channel_step: source
            .channel_stride
            .wrapping_sub(kernel_h.wrapping_mul(row)),
        pixel_stride: pixel,
        outside: source.outside.into(),
    };
    let skipped = top.wrapping_mul(row).wrapping_add(left.wrapping_mul(pixel));
    let x = source.input.as_ptr().cast::<i8>().wrapping_add(skipped);
    let tile = tile.as_ptr().wrapping_add(lane).cast::<u32>().cast_mut();
    // SAFETY: the caller's contract.
    unsafe { nnz_dsp_pairs_edge(x, tile, &raw const args) };
}

/// Copies `height` rows of `width` pixels, `from_stride` bytes and `pixel` bytes apart, to rows of a plane of `s16`
/// that begin `at` elements into it, `pitch` words apart; `(width, height, from_stride, pixel)` is the shape.
///
/// # Safety
///
/// The rows can be read, and written.
#[inline(always)]
pub(crate) unsafe fn widen(
    from: &[Cell<i8>],
    plane: &[Cell<u32>],
    pitch_and_at: (usize, usize),
    (width, height, from_stride, pixel): (usize, usize, usize, usize),
) {
    let (pitch, at) = pitch_and_at;
    let mut to = plane.as_ptr().cast::<u16>().cast_mut().wrapping_add(at);
    let mut x = from.as_ptr().cast::<i8>();
    let step = pitch.wrapping_mul(4);
    if pixel == 1 {
        let shape = [width, height, from_stride, step];
        // SAFETY: the caller's contract.
        unsafe { nnz_dsp_widen(x, to, &raw const shape) };
        return;
    }
    for _ in 0..height {
        for column in 0..width {
            let at = x.wrapping_add(column.wrapping_mul(pixel));
            // SAFETY: a pixel of the row.
            let value = i16::from(unsafe { at.read() });
            let cell = to.wrapping_add(column);
            // SAFETY: an element of the plane's row.
            unsafe { cell.write(value.cast_unsigned()) };
        }
        x = x.wrapping_add(from_stride);
        to = to.wrapping_byte_add(step);
    }
}

/// The arguments of a tile.
#[inline(always)]
fn conv_args(weights: &DenseS8<'_>, tile: &PairTile<'_>) -> ConvArgs {
    let rows = weights.rows();
    let words = tile.tile.as_ptr().cast::<u32>();
    let whole = (tile.columns / 4).wrapping_mul(QUAD);
    let is_apart = tile.pixel_stride != 1;
    ConvArgs {
        rows: rows.bytes().as_ptr(),
        weights: weights.weights().as_ptr(),
        tile: words,
        out: tile.out.as_ptr().cast::<i8>().cast_mut(),
        whole_end: words.wrapping_add(whole),
        end: words.wrapping_add(tile.columns.div_ceil(4).wrapping_mul(QUAD)),
        row_bytes: if rows.is_wide() { 16 } else { 12 },
        count: rows.len(),
        zero_point: tile.post.zero_point,
        channel_stride: tile.channel_stride,
        tail: tile.columns % 4,
        is_clamped: is_clamped(&tile.post).into(),
        lo: four(tile.post.lo),
        hi: four(tile.post.hi),
        lanes: tile.lanes | usize::from(is_apart) << 8,
        pixel_stride: tile.pixel_stride,
    }
}

/// A value in each byte of a word.
pub(super) fn four(value: i8) -> u32 {
    u32::from_ne_bytes([value.cast_unsigned(); 4])
}

impl PairKernels for PairsSingle {
    unsafe fn conv(weights: &DenseS8<'_>, tile: &PairTile<'_>) {
        let mut args = conv_args(weights, tile);
        // SAFETY: the caller's contract.
        unsafe { nnz_dsp_pairs_conv_single(&raw mut args) };
    }

    unsafe fn depthwise(weights: &DenseS8<'_>, plane: &PairPlane<'_>) {
        // SAFETY: the caller's contract.
        unsafe { depthwise::plane::<Single>(weights, plane) };
    }
}

impl PairKernels for PairsDouble {
    unsafe fn conv(weights: &DenseS8<'_>, tile: &PairTile<'_>) {
        let mut args = conv_args(weights, tile);
        // SAFETY: the caller's contract.
        unsafe { nnz_dsp_pairs_conv_double(&raw mut args) };
    }

    unsafe fn depthwise(weights: &DenseS8<'_>, plane: &PairPlane<'_>) {
        // SAFETY: the caller's contract.
        unsafe { depthwise::plane::<Double>(weights, plane) };
    }
}
