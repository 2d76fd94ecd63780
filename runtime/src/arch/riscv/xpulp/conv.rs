//! Convolutions over tiles of bytes: for each of eight pixels the inputs of all columns, one after the other.

use super::super::conv::{Outputs, by_lanes, table};
use super::super::finish::Finish;
use super::QUAD;
use crate::kernels::{LANES, Tile};
use nnz_format::{Blk1x4, DenseS8};

/// Rows that share the loads of a tile.
const ROWS: usize = 4;

/// What the kernels of dense rows read, and where they leave their sums.
#[derive(Debug)]
#[repr(C)]
struct Args {
    weights: *const i8,
    step: usize,
    back: usize,
    x_step: usize,
    x_back: usize,
    quads: usize,
    tail_bits: usize,
    tail_at: usize,
    biases: [i32; ROWS],
    sums: [[i32; LANES]; ROWS],
}

unsafe extern "C" {
    fn nnz_xpulp_planes(x: *const i8, tile: *mut i8, quads: usize, stride: usize, between: usize);
    fn nnz_xpulp_taps(
        x: *const i8,
        tile: *mut i8,
        rows: usize,
        pitch: usize,
        between: usize,
        step: usize,
    );
    fn nnz_xpulp_runs(x: *const i8, tile: *mut i8, rows: usize, pitch: usize, step: usize);
    fn nnz_xpulp_dense4(args: *mut Args, tile: *const i8, halves: usize);
    fn nnz_xpulp_dense1(args: *mut Args, tile: *const i8, halves: usize);
    fn nnz_xpulp_blocks(
        sums: *mut [i32; LANES],
        deltas: *const u8,
        weights: *const u8,
        tile: *const i8,
        between: usize,
        count: usize,
        bias: i32,
    );
}

impl Args {
    /// Those of rows of so many columns, the first rows first.
    #[inline(always)]
    fn new(weights: &DenseS8<'_>, columns: usize) -> Self {
        let between = columns.next_multiple_of(QUAD);
        let back = |step: usize| QUAD.wrapping_sub(step.wrapping_mul(ROWS - 1));
        let tail = columns % QUAD;
        Self {
            weights: weights.weights().as_ptr().cast(),
            step: columns,
            back: back(columns),
            x_step: between,
            x_back: back(between),
            quads: columns / QUAD,
            tail_bits: QUAD.wrapping_sub(tail).wrapping_mul(8) % 32,
            tail_at: tail.wrapping_sub(QUAD),
            biases: [0; ROWS],
            sums: [[0; LANES]; ROWS],
        }
    }
}

/// Where a tile of so many columns a pixel lies, and a word more; `None` where there is no room for it.
#[inline(always)]
fn place(tile: &Tile<'_, i8>, columns: usize) -> Option<*mut i8> {
    let room = tile.room.as_ptr().cast::<i8>().cast_mut();
    let skip = room.addr().wrapping_neg() % QUAD;
    let needed = columns
        .wrapping_mul(LANES)
        .wrapping_add(skip)
        .wrapping_add(QUAD);
    (tile.room.len() >= needed).then(|| room.wrapping_add(skip))
}

/// Every row of a dense matrix over one tile; `false`, with nothing done, where the tile has no room or a row is
/// shorter than a quad.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(super) unsafe fn dense<R: Finish>(weights: &DenseS8<'_>, tile: &Tile<'_, i8>) -> bool {
    let columns = tile.geometry.columns();
    let room = place(tile, columns.next_multiple_of(QUAD));
    let Some(to) = room.filter(|_| columns >= QUAD) else {
        return false;
    };
    // SAFETY: the tile has room.
    unsafe { expand(tile, to) };
    by_lanes!(tile, rows::<R>(weights, tile, to));
    true
}

/// Copies a band to a tile whose columns are those of the weights.
///
/// # Safety
///
/// There is room for the tile at `to`, behind the band.
#[inline(always)]
unsafe fn expand(tile: &Tile<'_, i8>, to: *mut i8) {
    let geometry = tile.geometry;
    let band = tile.band.as_ptr().cast::<i8>();
    let between = geometry.columns().next_multiple_of(QUAD);
    if geometry.is_1x1() {
        // SAFETY: a channel has eight elements in the band; those of a quad that is begun only are read from the room.
        unsafe { nnz_xpulp_planes(band, to, between / QUAD, LANES, between) };
        return;
    }
    let rows = geometry.cin.wrapping_mul(geometry.kernel_h);
    if geometry.kernel_w <= QUAD && geometry.stride_w.get() == 1 {
        for pixel in 0..LANES {
            let (x, to) = (
                band.wrapping_add(pixel),
                to.wrapping_add(pixel.wrapping_mul(between)),
            );
            // SAFETY: the taps of a pixel follow each other in every row of the band; what is read and written behind
            // the last of them lies in the room, and is written again if a column's place.
            unsafe { nnz_xpulp_runs(x, to, rows, geometry.pitch, geometry.kernel_w) };
        }
        return;
    }
    for kx in 0..geometry.kernel_w {
        let x = band.wrapping_add(geometry.tap_start(kx));
        let to = to.wrapping_add(kx);
        // SAFETY: a tap has eight lanes in every row of the band, and a column of the tile.
        unsafe { nnz_xpulp_taps(x, to, rows, geometry.pitch, between, geometry.kernel_w) };
    }
}

/// The rows over the tile at `at`, `N` lanes.
///
/// # Safety
///
/// As [`dense`]; the tile is expanded, and its rows are not shorter than a quad.
#[inline(never)]
unsafe fn rows<R: Finish, const N: usize>(
    weights: &DenseS8<'_>,
    tile: &Tile<'_, i8>,
    at: *const i8,
) {
    let columns = tile.geometry.columns();
    let mut table = table(weights.rows());
    let mut outputs = Outputs::<N>::new(tile);
    let mut args = Args::new(weights, columns);
    let mut left = weights.rows().len();
    while left >= ROWS {
        // SAFETY: four rows are left.
        let rows = [(); ROWS].map(|()| R::marked(unsafe { table.take_s8() }));
        args.biases = rows.map(|row| row.bias);
        // SAFETY: the arguments are those of the next four rows and of the tile.
        unsafe { nnz_xpulp_dense4(&raw mut args, at, N.div_ceil(LANES / 2)) };
        for (row, sums) in rows.iter().zip(&args.sums) {
            // SAFETY: the tile has an output for each row.
            unsafe { outputs.finish_some::<R>(sums, row) };
        }
        args.weights = args.weights.wrapping_add(columns.wrapping_mul(ROWS));
        left = left.wrapping_sub(ROWS);
    }
    for _ in 0..left {
        // SAFETY: a row is left.
        let row = R::marked(unsafe { table.take_s8() });
        args.biases = [row.bias; ROWS];
        // SAFETY: the arguments are those of the next row and of the tile.
        unsafe { nnz_xpulp_dense1(&raw mut args, at, N.div_ceil(LANES / 2)) };
        let [sums, ..] = &args.sums;
        // SAFETY: as above.
        unsafe { outputs.finish_some::<R>(sums, &row) };
        args.weights = args.weights.wrapping_add(columns);
    }
}

/// Every row of a `blk_1x4` matrix over one tile; `false`, with nothing done, where the tile has no room.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(super) unsafe fn blocks<R: Finish>(weights: &Blk1x4<'_>, tile: &Tile<'_, i8>) -> bool {
    let channels = tile.geometry.cin.next_multiple_of(QUAD);
    let taps = tile.geometry.kernel_h.wrapping_mul(tile.geometry.kernel_w);
    let columns = taps.wrapping_mul(channels);
    let Some(to) = place(tile, columns) else {
        return false;
    };
    // SAFETY: the tile has room.
    unsafe { expand_taps(tile, to, (channels, columns)) };
    by_lanes!(tile, block_rows::<R>(weights, tile, (to, columns)));
    true
}

/// Copies the band's taps, all channels of a tap together, to a tile. What lies behind the channels of a tap is of no
/// weight (proved by parse).
///
/// # Safety
///
/// A tap has `channels` ≥ `cin` bytes, a pixel `columns`, and there is room for the tile at `to`, behind the band.
#[inline(always)]
unsafe fn expand_taps(tile: &Tile<'_, i8>, to: *mut i8, (channels, columns): (usize, usize)) {
    let geometry = tile.geometry;
    let band = tile.band.as_ptr().cast::<i8>();
    let mut to = to;
    for ky in 0..geometry.kernel_h {
        let row = band.wrapping_add(ky.wrapping_mul(geometry.pitch));
        for kx in 0..geometry.kernel_w {
            let x = row.wrapping_add(geometry.tap_start(kx));
            let (quads, stride) = (channels / QUAD, geometry.channel_pitch());
            // SAFETY: a tap of each channel has eight lanes in the band; those of a quad that is begun only are read
            // from the room, which is longer than three channels.
            unsafe { nnz_xpulp_planes(x, to, quads, stride, columns) };
            to = to.wrapping_add(channels);
        }
    }
}

/// The rows of blocks over the tile at `at`, whose pixels are `between` apart, `N` lanes.
///
/// # Safety
///
/// As [`blocks`]; the tile is expanded.
#[inline(never)]
unsafe fn block_rows<R: Finish, const N: usize>(
    weights: &Blk1x4<'_>,
    tile: &Tile<'_, i8>,
    (at, between): (*const i8, usize),
) {
    let mut table = table(weights.rows());
    let mut outputs = Outputs::<N>::new(tile);
    let mut deltas = weights.deltas().as_ptr();
    let mut stream = weights.weights().as_ptr();
    for _ in 0..weights.rows().len() {
        // SAFETY: a row is left.
        let row = R::marked(unsafe { table.take_s8() });
        let mut sums = [row.bias; LANES];
        if row.nnz > 0 {
            let to = &raw mut sums;
            // SAFETY: the streams hold the blocks of all rows, whose running sums stay below the block columns (proved
            // by parse).
            unsafe { nnz_xpulp_blocks(to, deltas, stream, at, between, row.nnz, row.bias) };
        }
        deltas = deltas.wrapping_add(row.nnz);
        stream = stream.wrapping_add(row.nnz.wrapping_mul(QUAD));
        // SAFETY: the tile has an output for each row.
        unsafe { outputs.finish_some::<R>(&sums, &row) };
    }
}
