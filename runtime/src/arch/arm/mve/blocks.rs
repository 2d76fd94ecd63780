//! Convolutions in 1x4 blocks: inputs pixel by pixel, tap by tap, so that a block is a word.

use super::{Columns, Outputs, Post, nnz_mve_planes};
use crate::kernels::{LANES, Tile};
use crate::requantize::{Double, Single};
use nnz_format::Blk1x4;

/// What `nnz_mve_blocks` reads and changes.
#[derive(Debug)]
#[repr(C)]
pub(in crate::arch::arm) struct Args {
    rows: *const u8,
    deltas: *const u8,
    weights: *const u8,
    tile: *const u32,
    between: usize,
    post: Post,
}

unsafe extern "C" {
    fn nnz_mve_blocks_single(args: *mut Args);
    fn nnz_mve_blocks_double(args: *mut Args);
}

/// A rounding's assembly.
pub(in crate::arch::arm) trait Blocks {
    /// Every row of a matrix of blocks over one tile.
    ///
    /// # Safety
    ///
    /// The arguments tell the truth.
    unsafe fn blocks(args: *mut Args);
}

impl Blocks for Single {
    unsafe fn blocks(args: *mut Args) {
        // SAFETY: the caller's contract.
        unsafe { nnz_mve_blocks_single(args) };
    }
}

impl Blocks for Double {
    unsafe fn blocks(args: *mut Args) {
        // SAFETY: the caller's contract.
        unsafe { nnz_mve_blocks_double(args) };
    }
}

/// Inputs of a block.
const BLOCK: usize = 4;

/// Every row of a `blk_1x4` matrix over one tile; `false`, with nothing done, where the room behind the band does not
/// hold the tile.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(in crate::arch::arm) unsafe fn conv_1x4<R: Blocks>(
    weights: &Blk1x4<'_>,
    tile: &Tile<'_, i8>,
) -> bool {
    let channels = tile.geometry.cin.next_multiple_of(BLOCK);
    let taps = tile.geometry.kernel_h.wrapping_mul(tile.geometry.kernel_w);
    let columns = taps.wrapping_mul(channels);
    let room = tile.room.as_ptr().cast::<i8>().cast_mut();
    let skip = room.addr().wrapping_neg() % 4;
    let needed = columns.wrapping_mul(LANES).wrapping_add(skip);
    if tile.room.len() < needed {
        return false;
    }
    let room = room.wrapping_add(skip);
    // SAFETY: the room holds the tile.
    unsafe { expand(tile, room, (channels, columns)) };
    let rows = weights.rows();
    let to = Outputs {
        at: tile.out.as_ptr().cast::<i8>().cast_mut(),
        channel_stride: tile.channel_stride,
        pixel_stride: tile.pixel_stride,
        lanes: tile.lanes,
    };
    let mut args = Args {
        rows: rows.bytes().as_ptr(),
        deltas: weights.deltas().as_ptr(),
        weights: weights.weights().as_ptr(),
        tile: room.cast(),
        between: columns,
        post: Post::new(rows, &tile.post, &to),
    };
    // SAFETY: the stream holds the blocks of all rows, whose running sums stay below the block columns (proved by
    // parse); the tile has four bytes a block column for each pixel; the rest is the caller's contract.
    unsafe { R::blocks(&raw mut args) };
    true
}

/// Copies the band's taps, all channels of a tap together, to the pixels of a tile that begins at `to`. What lies behind
/// the channels of a tap stays: weights are 0 there (proved by parse).
///
/// # Safety
///
/// A tap has `channels` ≥ `cin` bytes, a pixel `columns`, and `to` has room for eight pixels.
#[inline(always)]
unsafe fn expand(tile: &Tile<'_, i8>, to: *mut i8, (channels, columns): (usize, usize)) {
    let geometry = tile.geometry;
    let band = tile.band.as_ptr().cast::<i8>();
    let shape = Columns {
        stride: geometry.channel_pitch(),
        step: 1,
        count: geometry.cin,
        between: columns,
    };
    let mut to = to;
    for ky in 0..geometry.kernel_h {
        let row = band.wrapping_add(ky.wrapping_mul(geometry.pitch));
        for kx in 0..geometry.kernel_w {
            let x = row.wrapping_add(geometry.tap_start(kx));
            // SAFETY: a tap of each channel has eight lanes in the band, a channel's rows after those of the one
            // before; the tile has the tap's channels.
            unsafe { nnz_mve_planes(x, to, &shape) };
            to = to.wrapping_add(channels);
        }
    }
}
