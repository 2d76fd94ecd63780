//! Convolutions row by row: the arguments of the assembly, and the rows that are not for its fast way.

use crate::arch::portable::{csr_p_from, dense_from};
use crate::kernels::{LANES, Post, Tile};
use crate::requantize::{Double, Round, Single};
use core::cell::Cell;
use nnz_format::{CsrP, DenseS8, Row, Rows};

/// Columns of the windows that `TAPS` knows.
pub(super) const TAPS: usize = 3;

/// Bytes of a compact row of the table.
const ROW: usize = 12;

/// What the kernels read and change, in the order of the assembly.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Args {
    /// The next row of the table.
    pub(super) rows: *const u8,
    /// The end of the table.
    pub(super) end: *const u8,
    /// What is stored of the next row.
    pub(super) stream: *const u8,
    /// The next row's first output.
    pub(super) out: *mut i8,
    /// Bytes from a row's outputs to the next row's.
    pub(super) channel_stride: usize,
    /// Pixels to store, 1 to 8.
    pub(super) lanes: usize,
    /// Bytes between pixels.
    pub(super) pixel_stride: usize,
    /// Zero point of the outputs.
    pub(super) zero_point: i32,
    /// Lowest output.
    pub(super) lo: i32,
    /// Highest output.
    pub(super) hi: i32,
    /// The inputs that position 0 stands for.
    pub(super) x: *const i8,
    /// Whether eight pixels follow each other and have no bounds.
    pub(super) is_plain: u32,
    /// Weights of a dense row, or bytes between rows of inputs.
    pub(super) columns: usize,
    /// Rows of taps.
    pub(super) taps: usize,
}

/// A kernel over rows of a tile.
type Kernel = unsafe extern "C" fn(args: *mut Args);
/// A kernel of three taps a row.
pub(super) type Taps =
    unsafe extern "C" fn(args: *mut Args, multiplier: u32, packed: u32, bias: i32);

unsafe extern "C" {
    fn nnz_base_csr_p_byte_single(args: *mut Args);
    fn nnz_base_csr_p_byte_double(args: *mut Args);
    fn nnz_base_csr_p_tile_single(args: *mut Args);
    fn nnz_base_csr_p_tile_double(args: *mut Args);
    fn nnz_base_pointwise_single(args: *mut Args);
    fn nnz_base_pointwise_double(args: *mut Args);
    fn nnz_base_taps_single(args: *mut Args, multiplier: u32, packed: u32, bias: i32);
    fn nnz_base_taps_double(args: *mut Args, multiplier: u32, packed: u32, bias: i32);
}

/// A rounding's assembly.
pub(super) trait Assembly: Round {
    /// CSR-P whose distances are bytes of a band.
    const CSR_P_BYTE: Kernel;
    /// CSR-P whose distances are tiles of eight bytes.
    const CSR_P_TILE: Kernel;
    /// Dense rows over a tile of eight bytes a channel.
    const POINTWISE: Kernel;
    /// One row, three taps of each row of inputs.
    const TAPS: Taps;
}

impl Assembly for Single {
    const CSR_P_BYTE: Kernel = nnz_base_csr_p_byte_single;
    const CSR_P_TILE: Kernel = nnz_base_csr_p_tile_single;
    const POINTWISE: Kernel = nnz_base_pointwise_single;
    const TAPS: Taps = nnz_base_taps_single;
}

impl Assembly for Double {
    const CSR_P_BYTE: Kernel = nnz_base_csr_p_byte_double;
    const CSR_P_TILE: Kernel = nnz_base_csr_p_tile_double;
    const POINTWISE: Kernel = nnz_base_pointwise_double;
    const TAPS: Taps = nnz_base_taps_double;
}

impl Args {
    /// The arguments of a compact table's rows; `pixels` is how many are stored and the bytes between them.
    #[inline(always)]
    pub(super) fn new(
        rows: Rows<'_>,
        stream: &[u8],
        post: &Post<i8>,
        (out, pixels): (&[Cell<i8>], (usize, usize)),
    ) -> Self {
        let table = rows.bytes();
        let (lanes, pixel_stride) = pixels;
        Self {
            rows: table.as_ptr(),
            end: table.as_ptr().wrapping_add(table.len()),
            stream: stream.as_ptr(),
            out: out.as_ptr().cast::<i8>().cast_mut(),
            channel_stride: 0,
            lanes,
            pixel_stride,
            zero_point: post.zero_point,
            lo: post.lo.into(),
            hi: post.hi.into(),
            x: core::ptr::null(),
            is_plain: u32::from(is_plain(post, pixels)),
            columns: 0,
            taps: 0,
        }
    }

    /// The arguments of a tile.
    #[inline(always)]
    fn of_tile(rows: Rows<'_>, stream: &[u8], tile: &Tile<'_, i8>) -> Self {
        let outputs = (tile.out, (tile.lanes, tile.pixel_stride));
        Self {
            channel_stride: tile.channel_stride,
            x: tile.band.as_ptr().cast(),
            columns: tile.geometry.cin,
            ..Self::new(rows, stream, &tile.post, outputs)
        }
    }

    /// Rows of the table that are done.
    #[inline(always)]
    fn done(&self, rows: Rows<'_>) -> usize {
        self.rows.addr().wrapping_sub(rows.bytes().as_ptr().addr()) / ROW
    }
}

/// Whether so many pixels, so many bytes apart, are eight bytes in a row without bounds.
#[inline(always)]
pub(super) const fn is_plain(post: &Post<i8>, (lanes, pixel_stride): (usize, usize)) -> bool {
    lanes == LANES && pixel_stride == 1 && post.lo == i8::MIN && post.hi == i8::MAX
}

/// Whether the inputs of a 1x1 window are words.
#[inline(always)]
fn is_aligned(tile: &Tile<'_, i8>) -> bool {
    tile.band.as_ptr().addr().is_multiple_of(4)
}

/// Every row of a CSR-P matrix over one tile.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(super) unsafe fn csr_p<R: Assembly>(weights: &CsrP<'_>, tile: &Tile<'_, i8>) {
    let (rows, pairs) = (weights.rows(), weights.pairs());
    let (mut row, mut entry) = (0, 0);
    let by_tiles = tile.geometry.unit() == LANES;
    if !rows.is_wide() && (!by_tiles || is_aligned(tile)) {
        let mut args = Args::of_tile(rows, pairs, tile);
        let kernel = if by_tiles {
            R::CSR_P_TILE
        } else {
            R::CSR_P_BYTE
        };
        // SAFETY: the caller's contract: the stream holds the entries of all rows, whose positions have eight lanes in
        // the band (proved by parse).
        unsafe { kernel(&raw mut args) };
        row = args.done(rows);
        entry = args.stream.addr().wrapping_sub(pairs.as_ptr().addr()) / 2;
    }
    // SAFETY: the caller's contract; the entries of the rows that are done lie before.
    unsafe { csr_p_from::<R>(weights, tile, (row, entry)) };
}

/// Every row of a dense matrix over one tile.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(super) unsafe fn dense<R: Assembly>(weights: &DenseS8<'_>, tile: &Tile<'_, i8>) {
    let rows = weights.rows();
    let geometry = &tile.geometry;
    let mut row = 0;
    if !rows.is_wide() && geometry.is_1x1() && is_aligned(tile) {
        let mut args = Args::of_tile(rows, weights.weights(), tile);
        // SAFETY: the caller's contract: a row has a weight a channel, and the tile eight inputs.
        unsafe { R::POINTWISE(&raw mut args) };
        row = args.done(rows);
    } else if geometry.kernel_w == TAPS && geometry.phases() == 1 {
        // SAFETY: the caller's contract; the window is that of `taps`.
        row = unsafe { taps::<R>(weights, tile) };
    }
    // SAFETY: the caller's contract.
    unsafe { dense_from::<R>(weights, tile, row) };
}

/// The rows before the first that is not for the fast way, of a window of three columns and stride 1; returns how many.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
unsafe fn taps<R: Assembly>(weights: &DenseS8<'_>, tile: &Tile<'_, i8>) -> usize {
    let (rows, geometry) = (weights.rows(), &tile.geometry);
    let mut args = Args::of_tile(rows, weights.weights(), tile);
    args.columns = geometry.pitch;
    args.taps = geometry.cin.wrapping_mul(geometry.kernel_h);
    for index in 0..rows.len() {
        let Some((row, packed)) = fast_row(rows, index) else {
            return index;
        };
        let multiplier = row.multiplier.cast_unsigned();
        // SAFETY: the caller's contract: the row has three weights for each of so many rows of ten inputs.
        unsafe { R::TAPS(&raw mut args, multiplier, packed, row.bias) };
        args.stream = args.stream.wrapping_add(geometry.columns());
    }
    rows.len()
}

/// Row `index` and the last word of its compact form, if it is for the fast way.
#[inline(always)]
pub(super) fn fast_row(rows: Rows<'_>, index: usize) -> Option<(Row, u32)> {
    let row = rows.get(index)?;
    match u32::try_from(row.shift) {
        Ok(shift @ 1..=31) if row.multiplier >= 1 << 30 => Some((row, shift << 27)),
        _ => None,
    }
}
