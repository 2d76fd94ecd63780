//! Compressed sparse rows with nibble distances: two entries in three bytes.
//!
//! Distances count columns in the order "tap, then input channel", so the kernel keeps the channel it stands
//! at and walks to the next tap when the channels are used up.

use super::arithmetic::Arithmetic;
use super::finish::{finish_row, finish_tile};
use super::lanes::{load, mac_row};
use super::rows::RowTable;
use super::taps::TapWalk;
use crate::kernels::{Geometry, LANES, Product, Tile};

/// A matrix in CSR-N form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CsrNMatrix {
    /// Row constants.
    pub(crate) table: RowTable,
    /// Number of rows.
    pub(crate) rows: usize,
    /// `[d0 | d1 << 4][w0][w1]`, three bytes for two entries.
    pub(crate) triples: *const u8,
}

impl CsrNMatrix {
    /// Distances and weights of the two entries of triple `index`.
    ///
    /// # Safety
    ///
    /// `index` is below half the number of entries.
    #[inline(always)]
    unsafe fn triple(&self, index: usize) -> [(usize, i8); 2] {
        let at = index.wrapping_mul(3);
        // SAFETY: the stream holds three bytes a triple.
        let deltas = usize::from(unsafe { load(self.triples, at) });
        let weights = self.triples.cast::<i8>();
        // SAFETY: as above.
        let first = unsafe { load(weights, at.wrapping_add(1)) };
        // SAFETY: as above.
        let second = unsafe { load(weights, at.wrapping_add(2)) };
        [(deltas & 15, first), (deltas >> 4, second)]
    }
}

/// The column that a row's distances have reached.
struct Position {
    channel: usize,
    walk: TapWalk,
    x: usize,
}

impl Position {
    /// Moves on by `delta` columns and gives the band offset.
    #[inline(always)]
    fn advance(&mut self, delta: usize, channel_pitch: usize, geometry: &Geometry) -> usize {
        self.channel = self.channel.wrapping_add(delta);
        self.x = self.x.wrapping_add(delta.wrapping_mul(channel_pitch));
        while self.channel >= geometry.cin {
            self.channel = self.channel.wrapping_sub(geometry.cin);
            self.walk.advance(geometry);
            self.x = self
                .walk
                .offset()
                .wrapping_add(self.channel.wrapping_mul(channel_pitch));
        }
        self.x
    }
}

/// Every row of `matrix` over one tile.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn conv<A: Arithmetic<Element = i8>>(matrix: &CsrNMatrix, tile: &Tile<'_, i8>) {
    let geometry = tile.geometry;
    let channel_pitch = geometry.channel_pitch();
    let band = tile.band.as_ptr().cast::<i8>();
    let mut triple = 0_usize;
    for index in 0..matrix.rows {
        // SAFETY: `index` is a row.
        let row = unsafe { A::row(&matrix.table, index) };
        let mut acc = [A::bias(&row); LANES];
        let mut position = Position {
            channel: 0,
            walk: TapWalk::new(),
            x: 0,
        };
        let end = triple.wrapping_add(A::nnz(&row) / 2);
        while triple != end {
            // SAFETY: the stream holds the triples of all rows (proved by parse).
            for (delta, weight) in unsafe { matrix.triple(triple) } {
                let x = band.wrapping_add(position.advance(delta, channel_pitch, geometry));
                // SAFETY: the running sum stays below the columns (proved by parse), and every tap of
                // every channel has eight lanes in the band.
                unsafe { mac_row::<A>(&mut acc, x, weight) };
            }
            triple = triple.wrapping_add(1);
        }
        // SAFETY: `index` is a row.
        unsafe { finish_tile::<A>(&acc, &row, tile, index) };
    }
}

/// Rows of `matrix` times a vector; returns the entries of the rows before `product.end`.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn matvec<A: Arithmetic<Element = i8>>(
    matrix: &CsrNMatrix,
    product: &Product<'_, i8>,
) -> usize {
    let mut triple = product.entries / 2;
    for index in product.first..product.end {
        // SAFETY: `index` is a row.
        let row = unsafe { A::row(&matrix.table, index) };
        let mut acc = A::bias(&row);
        let mut x = product.x.as_ptr().cast::<i8>();
        let end = triple.wrapping_add(A::nnz(&row) / 2);
        while triple != end {
            // SAFETY: the stream holds the triples of all rows (proved by parse).
            for (delta, weight) in unsafe { matrix.triple(triple) } {
                x = x.wrapping_add(delta);
                // SAFETY: the running sum stays below the columns (proved by parse).
                acc = A::mac(acc, unsafe { load(x, 0) }, weight);
            }
            triple = triple.wrapping_add(1);
        }
        // SAFETY: `index` is a row of the product.
        unsafe { finish_row::<A>(acc, &row, product, index) };
    }
    triple.wrapping_mul(2)
}
