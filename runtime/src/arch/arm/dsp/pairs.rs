//! Dense convolutions by 16-bit pairs, around `pairs.S`.

use super::depthwise;
use super::finish::is_clamped;
use crate::pairs::{Columns, PairKernels, PairPlane, PairTile, QUAD};
use crate::requantize::{Double, Single};
use core::cell::Cell;
use nnz_format::DenseS8;

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
