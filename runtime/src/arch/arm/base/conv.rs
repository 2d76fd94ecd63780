//! Convolutions row by row: the arguments of the assembly, and the rows that are not for its fast way.

use crate::arch::portable::{csr_p_rows, dense_rows};
use crate::kernels::{LANES, Post, Tile};
use crate::requantize::{Double, Round, Single};
use core::cell::Cell;
use core::ops::Range;
use nnz_format::{CsrP, DenseS8, Rows};

/// Bytes of a compact row of the table.
pub(super) const ROW: usize = 12;

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
    /// Pixels that follow each other and have no bounds; 0 where they do not.
    pub(super) plain: usize,
    /// Weights of a dense row; of taps: bytes between rows of inputs.
    pub(super) columns: usize,
    /// Of taps: weights of a row.
    pub(super) taps: usize,
    /// Of taps: rows that are left.
    pub(super) left: usize,
    /// Of taps: from a row of the table to the next, in bytes.
    pub(super) row_step: usize,
    /// Of taps: from a row's weights to the next row's.
    pub(super) stream_step: usize,
    /// Of taps: from a row's inputs to the next row's.
    pub(super) x_step: usize,
}

/// A kernel over rows of a tile.
pub(super) type Kernel = unsafe extern "C" fn(args: *mut Args);

unsafe extern "C" {
    fn nnz_base_csr_p_byte_single(args: *mut Args);
    fn nnz_base_csr_p_byte_double(args: *mut Args);
    fn nnz_base_csr_p_tile_single(args: *mut Args);
    fn nnz_base_csr_p_tile_double(args: *mut Args);
    fn nnz_base_pointwise_single(args: *mut Args);
    fn nnz_base_pointwise_double(args: *mut Args);
    fn nnz_base_taps_31_single(args: *mut Args);
    fn nnz_base_taps_31_double(args: *mut Args);
    fn nnz_base_taps_42_single(args: *mut Args);
    fn nnz_base_taps_42_double(args: *mut Args);
    fn nnz_base_taps_apart_single(args: *mut Args);
    fn nnz_base_taps_apart_double(args: *mut Args);
}

/// A rounding's assembly.
pub(super) trait Assembly: Round {
    /// CSR-P whose distances are bytes of a band.
    const CSR_P_BYTE: Kernel;
    /// CSR-P whose distances are tiles of eight bytes.
    const CSR_P_TILE: Kernel;
    /// Dense rows over a tile of eight bytes a channel.
    const POINTWISE: Kernel;
    /// Windows of three columns, stride 1, and planes likewise.
    const TAPS_31: Kernel;
    /// Windows of four columns, stride 2.
    const TAPS_42: Kernel;
    /// Planes under three columns, stride 2.
    const TAPS_APART: Kernel;
}

impl Assembly for Single {
    const CSR_P_BYTE: Kernel = nnz_base_csr_p_byte_single;
    const CSR_P_TILE: Kernel = nnz_base_csr_p_tile_single;
    const POINTWISE: Kernel = nnz_base_pointwise_single;
    const TAPS_31: Kernel = nnz_base_taps_31_single;
    const TAPS_42: Kernel = nnz_base_taps_42_single;
    const TAPS_APART: Kernel = nnz_base_taps_apart_single;
}

impl Assembly for Double {
    const CSR_P_BYTE: Kernel = nnz_base_csr_p_byte_double;
    const CSR_P_TILE: Kernel = nnz_base_csr_p_tile_double;
    const POINTWISE: Kernel = nnz_base_pointwise_double;
    const TAPS_31: Kernel = nnz_base_taps_31_double;
    const TAPS_42: Kernel = nnz_base_taps_42_double;
    const TAPS_APART: Kernel = nnz_base_taps_apart_double;
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
            plain: plain(post, pixels),
            columns: 0,
            taps: 0,
            left: 0,
            row_step: 0,
            stream_step: 0,
            x_step: 0,
        }
    }

    /// The arguments of a tile. Out of line: what it needs is not on the stack while they are used.
    #[inline(never)]
    fn of_tile(rows: Rows<'_>, stream: &[u8], tile: &Tile<'_, i8>) -> Self {
        let outputs = (tile.out, (tile.lanes, tile.pixel_stride));
        Self {
            channel_stride: tile.channel_stride,
            x: tile.band.as_ptr().cast(),
            columns: tile.geometry.cin,
            ..Self::new(rows, stream, &tile.post, outputs)
        }
    }

    /// Leaves out a row, whose weights take so many bytes of the stream.
    #[inline(always)]
    fn skip(&mut self, bytes: usize) {
        self.rows = self.rows.wrapping_add(ROW);
        self.stream = self.stream.wrapping_add(bytes);
        self.out = self.out.wrapping_add(self.channel_stride);
    }

    /// Rows of the table that are done.
    #[inline(always)]
    fn done(&self, rows: Rows<'_>) -> usize {
        self.rows.addr().wrapping_sub(rows.bytes().as_ptr().addr()) / ROW
    }
}

/// So many pixels, where they follow each other and have no bounds; 0 otherwise.
#[inline(always)]
pub(super) const fn plain(post: &Post<i8>, (lanes, pixel_stride): (usize, usize)) -> usize {
    if pixel_stride == 1 && post.lo == i8::MIN && post.hi == i8::MAX {
        lanes
    } else {
        0
    }
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
#[inline(never)]
pub(super) unsafe fn csr_p<R: Assembly>(weights: &CsrP<'_>, tile: &Tile<'_, i8>) {
    let (rows, pairs) = (weights.rows(), weights.pairs());
    let by_tiles = tile.geometry.unit() == LANES;
    let is_fast = !rows.is_wide() && (!by_tiles || is_aligned(tile));
    let kernel = if by_tiles {
        R::CSR_P_TILE
    } else {
        R::CSR_P_BYTE
    };
    let mut args = Args::of_tile(rows, pairs, tile);
    let mut row = 0;
    while row < rows.len() {
        if is_fast {
            // SAFETY: the caller's contract: the stream holds the entries of all rows, whose positions have eight lanes
            // in the band (proved by parse).
            unsafe { kernel(&raw mut args) };
            row = args.done(rows);
        }
        // The row that the kernel left, or all.
        let mut end = rows.len();
        if row == end {
            return;
        }
        if is_fast {
            end = row.wrapping_add(1);
        }
        let entry = args.stream.addr().wrapping_sub(pairs.as_ptr().addr()) / 2;
        // SAFETY: the caller's contract; the entries of the rows that are done lie before.
        unsafe { csr_p_rest::<R>(weights, tile, (row..end, entry)) };
        let entries = rows.get(row).map_or(0, |row| row.nnz as usize);
        args.skip(entries.wrapping_mul(2));
        row = end;
    }
}

/// Every row of a dense matrix over one tile.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(never)]
pub(super) unsafe fn dense<R: Assembly>(weights: &DenseS8<'_>, tile: &Tile<'_, i8>) {
    let rows = weights.rows();
    let mut args = Args::of_tile(rows, weights.weights(), tile);
    if !tile.geometry.is_1x1() {
        args.columns = tile.geometry.pitch;
    }
    let columns = tile.geometry.columns();
    args.taps = columns;
    args.left = rows.len();
    args.row_step = ROW;
    args.stream_step = columns;
    let kernel = dense_kernel::<R>(tile).filter(|_| !rows.is_wide());
    let mut row = 0;
    while row < rows.len() {
        let mut end = rows.len();
        if let Some(kernel) = kernel {
            // SAFETY: the caller's contract: a row has so many weights, whose inputs lie in the rows of the band.
            unsafe { kernel(&raw mut args) };
            row = args.done(rows);
            if row == end {
                return;
            }
            end = row.wrapping_add(1);
        }
        // The row that the kernel left, or all.
        // SAFETY: the caller's contract.
        unsafe { dense_rest::<R>(weights, tile, row..end) };
        args.skip(columns);
        args.left = args.left.wrapping_sub(1);
        row = end;
    }
}

/// [`csr_p_rows`] with a stack frame of its own, which the assembly's does not add to.
///
/// # Safety
///
/// As [`csr_p_rows`].
#[inline(never)]
unsafe fn csr_p_rest<R: Round>(
    weights: &CsrP<'_>,
    tile: &Tile<'_, i8>,
    rows: (Range<usize>, usize),
) {
    // SAFETY: the caller's contract.
    unsafe { csr_p_rows::<R>(weights, tile, rows) };
}

/// [`dense_rows`] with a stack frame of its own, likewise.
///
/// # Safety
///
/// As [`dense_rows`].
#[inline(never)]
unsafe fn dense_rest<R: Round>(weights: &DenseS8<'_>, tile: &Tile<'_, i8>, rows: Range<usize>) {
    // SAFETY: the caller's contract.
    unsafe { dense_rows::<R>(weights, tile, rows) };
}

/// The kernel of a tile's window, if it has one.
#[inline(always)]
fn dense_kernel<R: Assembly>(tile: &Tile<'_, i8>) -> Option<Kernel> {
    let geometry = tile.geometry;
    if geometry.is_1x1() {
        return is_aligned(tile).then_some(R::POINTWISE);
    }
    match (geometry.kernel_w, geometry.stride_w.get()) {
        (3, 1) => Some(R::TAPS_31),
        (4, 2) => Some(R::TAPS_42),
        _ => None,
    }
}

/// Whether row `index` of a compact table is for the fast way.
#[inline(always)]
pub(super) fn is_fast(rows: Rows<'_>, index: usize) -> bool {
    rows.get(index)
        .is_some_and(|row| row.shift >= 1 && row.multiplier >= 1 << 30)
}
