//! Block layouts: one distance for four weights.
//!
//! `blk_1x4` is four input channels of one output channel; the block column is `tap · ceil(cin / 4) + c / 4`, and
//! weights past the last channel are never used. `blk_4x1` is four output channels of one input channel, so eight
//! pixels loaded once meet four weights.

use super::arithmetic::Arithmetic;
use super::finish::{finish_row, finish_tile};
use super::lanes::{load, mac_row};
use super::rows::RowTable;
use super::taps::TapWalk;
use crate::arch::ROWS;
use crate::kernels::{LANES, Product, Tile};

/// Weights of one block.
const BLOCK: usize = 4;

/// A matrix of blocks in the model's bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockMatrix {
    /// Row constants.
    pub(crate) table: RowTable,
    /// Number of rows.
    pub(crate) rows: usize,
    /// Distance of each block to the one before it in its row.
    pub(crate) deltas: *const u8,
    /// Four weights a block.
    pub(crate) weights: *const i8,
}

impl BlockMatrix {
    /// Distance and weights of block `index`.
    ///
    /// # Safety
    ///
    /// `index` is below the number of blocks.
    #[inline(always)]
    unsafe fn block(&self, index: usize) -> (usize, [i8; BLOCK]) {
        // SAFETY: one distance a block.
        let delta = usize::from(unsafe { load(self.deltas, index) });
        let at = self.weights.wrapping_add(index.wrapping_mul(BLOCK));
        // SAFETY: four weights a block.
        let weights = core::array::from_fn(|k| unsafe { load(at, k) });
        (delta, weights)
    }
}

/// Every row of a `blk_1x4` matrix over one tile.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn conv_1x4<A: Arithmetic<Element = i8>>(
    matrix: &BlockMatrix,
    tile: &Tile<'_, i8>,
) {
    let geometry = tile.geometry;
    let channel_pitch = geometry.channel_pitch();
    let quads = geometry.cin.div_ceil(BLOCK);
    let band = tile.band.as_ptr().cast::<i8>();
    let mut block = 0_usize;
    for index in 0..matrix.rows {
        // SAFETY: `index` is a row.
        let row = unsafe { A::row(&matrix.table, index) };
        let mut acc = [A::bias(&row); LANES];
        let (mut walk, mut quad) = (TapWalk::new(), 0_usize);
        let end = block.wrapping_add(A::nnz(&row));
        while block != end {
            // SAFETY: the stream holds the blocks of all rows (proved by parse).
            let (delta, weights) = unsafe { matrix.block(block) };
            quad = quad.wrapping_add(delta);
            while quad >= quads {
                quad = quad.wrapping_sub(quads);
                walk.advance(geometry);
            }
            let channel = quad.wrapping_mul(BLOCK);
            let mut x = band.wrapping_add(
                walk.offset()
                    .wrapping_add(channel.wrapping_mul(channel_pitch)),
            );
            let channels = geometry.cin.wrapping_sub(channel);
            for &weight in weights.iter().take(channels) {
                // SAFETY: the running sum stays in the columns (proved by parse), the channel exists.
                unsafe { mac_row::<A>(&mut acc, x, weight) };
                x = x.wrapping_add(channel_pitch);
            }
            block = block.wrapping_add(1);
        }
        // SAFETY: `index` is a row.
        unsafe { finish_tile::<A>(&acc, &row, tile, index) };
    }
}

/// Rows of a `blk_1x4` matrix times a vector; returns the blocks of the rows before `product.end`.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn matvec_1x4<A: Arithmetic<Element = i8>>(
    matrix: &BlockMatrix,
    product: &Product<'_, i8>,
    columns: usize,
) -> usize {
    let x = product.x.as_ptr().cast::<i8>();
    let mut block = product.entries;
    for index in product.first..product.end {
        // SAFETY: `index` is a row.
        let row = unsafe { A::row(&matrix.table, index) };
        let mut acc = A::bias(&row);
        let mut column = 0_usize;
        let end = block.wrapping_add(A::nnz(&row));
        while block != end {
            // SAFETY: the stream holds the blocks of all rows (proved by parse).
            let (delta, weights) = unsafe { matrix.block(block) };
            column = column.wrapping_add(delta.wrapping_mul(BLOCK));
            for (k, &weight) in weights
                .iter()
                .enumerate()
                .take(columns.wrapping_sub(column))
            {
                // SAFETY: the block's columns exist (proved by parse), those past the last are not read.
                acc = A::mac(acc, unsafe { load(x, column.wrapping_add(k)) }, weight);
            }
            block = block.wrapping_add(1);
        }
        // SAFETY: `index` is a row of the product.
        unsafe { finish_row::<A>(acc, &row, product, index) };
    }
    block
}

/// Every row of a `blk_4x1` matrix over one tile, as many rows at a time as the register file holds.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn conv_4x1<A: Arithmetic<Element = i8>>(
    matrix: &BlockMatrix,
    tile: &Tile<'_, i8>,
) {
    let mut block = 0_usize;
    for first in (0..matrix.rows).step_by(BLOCK) {
        // SAFETY: `first` is a row.
        let nnz = A::nnz(&unsafe { A::row(&matrix.table, first) });
        let blocks = block..block.wrapping_add(nnz);
        block = blocks.end;
        for part in (0..BLOCK).step_by(ROWS) {
            if first.wrapping_add(part) < matrix.rows {
                // SAFETY: the stream holds the blocks of this block row, and the part has a row.
                unsafe { block_rows::<A, ROWS>(matrix, tile, first, blocks.clone(), part) };
            }
        }
    }
}

/// `N` of the four rows of a block row, from row `part` of it on.
///
/// # Safety
///
/// As [`conv_4x1`]; `blocks` are the blocks of the block row that begins at row `first`.
#[inline(always)]
unsafe fn block_rows<A: Arithmetic<Element = i8>, const N: usize>(
    matrix: &BlockMatrix,
    tile: &Tile<'_, i8>,
    first: usize,
    blocks: core::ops::Range<usize>,
    part: usize,
) {
    let geometry = tile.geometry;
    let channel_pitch = geometry.channel_pitch();
    let band = tile.band.as_ptr().cast::<i8>();
    let first = first.wrapping_add(part);
    // SAFETY: rows past the last one repeat it, so every index is a row.
    let rows: [A::Row; N] =
        core::array::from_fn(|n| unsafe { A::row(&matrix.table, last_row(matrix, first, n)) });
    let mut accs: [[A::Acc; LANES]; N] = rows.map(|row| [A::bias(&row); LANES]);
    let (mut walk, mut channel) = (TapWalk::new(), 0_usize);
    for block in blocks {
        // SAFETY: one distance a block.
        channel = channel.wrapping_add(usize::from(unsafe { load(matrix.deltas, block) }));
        let at = block.wrapping_mul(BLOCK).wrapping_add(part);
        // SAFETY: four weights a block.
        let weights = core::array::from_fn(|n| unsafe { load(matrix.weights, at.wrapping_add(n)) });
        while channel >= geometry.cin {
            channel = channel.wrapping_sub(geometry.cin);
            walk.advance(geometry);
        }
        let offset = walk
            .offset()
            .wrapping_add(channel.wrapping_mul(channel_pitch));
        // SAFETY: the running sum stays in the columns (proved by parse), whose taps have eight lanes.
        unsafe { A::mac_lanes(&mut accs, band.wrapping_add(offset), weights) };
    }
    for (n, (acc, row)) in accs.iter().zip(&rows).enumerate() {
        let index = first.wrapping_add(n);
        if index < matrix.rows {
            // SAFETY: `index` is a row.
            unsafe { finish_tile::<A>(acc, row, tile, index) };
        }
    }
}

/// Row `first + n`, or the last row where that does not exist.
#[inline(always)]
fn last_row(matrix: &BlockMatrix, first: usize, n: usize) -> usize {
    first.wrapping_add(n).min(matrix.rows.wrapping_sub(1))
}

/// Rows of a `blk_4x1` matrix times a vector; returns the blocks of the block rows before `product.end`.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn matvec_4x1<A: Arithmetic<Element = i8>>(
    matrix: &BlockMatrix,
    product: &Product<'_, i8>,
) -> usize {
    let mut block = product.entries;
    for first in (product.first..product.end).step_by(BLOCK) {
        // SAFETY: rows past the last one repeat it, so every index is a row.
        let rows: [A::Row; BLOCK] =
            core::array::from_fn(|n| unsafe { A::row(&matrix.table, last_row(matrix, first, n)) });
        let mut accs: [A::Acc; BLOCK] = rows.map(|row| A::bias(&row));
        let mut x = product.x.as_ptr().cast::<i8>();
        let end = block.wrapping_add(rows.first().map_or(0, A::nnz));
        while block != end {
            // SAFETY: the stream holds the blocks of all rows (proved by parse).
            let (delta, weights) = unsafe { matrix.block(block) };
            x = x.wrapping_add(delta);
            // SAFETY: the running sum stays below the columns (proved by parse).
            let value = unsafe { load(x, 0) };
            for (acc, &weight) in accs.iter_mut().zip(&weights) {
                *acc = A::mac(*acc, value, weight);
            }
            block = block.wrapping_add(1);
        }
        for (n, (&acc, row)) in accs.iter().zip(&rows).enumerate() {
            let index = first.wrapping_add(n);
            if index < product.end {
                // SAFETY: `index` is a row of the product.
                unsafe { finish_row::<A>(acc, row, product, index) };
            }
        }
    }
    block
}
