//! Compressed sparse rows with one byte a distance: CSR-P (`s8`) and CSR-F (`f32`).
//!
//! One weight times eight pixels: the entry's distance moves the pointer into the band, eight loads and
//! multiply-accumulates follow. Fillers are ordinary entries of weight zero.

use super::arithmetic::Arithmetic;
use super::finish::{finish_row, finish_tile};
use super::lanes::{load, mac_row};
use super::rows::RowTable;
use crate::arch::keep_rolled;
use crate::kernels::{LANES, Product, Tile};

/// Entries in stream order.
pub(crate) trait Entries<E>: Copy {
    /// Distance and weight of entry `index`.
    ///
    /// # Safety
    ///
    /// `index` is below the number of entries of the matrix.
    unsafe fn entry(self, index: usize) -> (usize, E);
}

/// `[delta u8][weight i8]` an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pairs(pub(crate) *const u8);

impl Entries<i8> for Pairs {
    #[inline(always)]
    unsafe fn entry(self, index: usize) -> (usize, i8) {
        let at = index.wrapping_mul(2);
        // SAFETY: the stream holds two bytes an entry.
        let delta = unsafe { load(self.0, at) };
        // SAFETY: as above.
        let weight = unsafe { load(self.0.cast::<i8>(), at.wrapping_add(1)) };
        (usize::from(delta), weight)
    }
}

/// All distances, then all values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    /// One byte an entry.
    pub(crate) deltas: *const u8,
    /// One `f32` an entry, at a multiple of 4.
    pub(crate) values: *const f32,
}

impl Entries<f32> for Split {
    #[inline(always)]
    unsafe fn entry(self, index: usize) -> (usize, f32) {
        // SAFETY: one byte an entry.
        let delta = unsafe { load(self.deltas, index) };
        // SAFETY: one value an entry.
        let value = unsafe { load(self.values, index) };
        (usize::from(delta), value)
    }
}

/// A sparse matrix in the model's bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CsrMatrix<S> {
    /// Row constants.
    pub(crate) table: RowTable,
    /// Number of rows.
    pub(crate) rows: usize,
    /// The entries of all rows.
    pub(crate) entries: S,
}

/// The rows of `matrix` from row `first` on, whose first entry is `entry`, over one tile; distances count `UNIT` band
/// elements, 0 leaves open how many.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`], and the entries of the rows before `first` lie before `entry`.
#[inline(always)]
pub(crate) unsafe fn conv<A: Arithmetic, S: Entries<A::Element>, const UNIT: usize>(
    matrix: &CsrMatrix<S>,
    tile: &Tile<'_, A::Element>,
    (first, mut entry): (usize, usize),
) {
    let unit = if UNIT == 0 {
        tile.geometry.unit()
    } else {
        UNIT
    };
    for index in first..matrix.rows {
        // SAFETY: `index` is a row.
        let row = unsafe { A::row(&matrix.table, index) };
        let mut acc = [A::bias(&row); LANES];
        let mut x = tile.band.as_ptr().cast::<A::Element>();
        let end = entry.wrapping_add(A::nnz(&row));
        while entry != end {
            // SAFETY: the stream holds the entries of all rows (proved by parse).
            let (delta, weight) = unsafe { matrix.entries.entry(entry) };
            x = x.wrapping_add(delta.wrapping_mul(unit));
            // SAFETY: the running sum stays in the band with its eight lanes (proved by parse).
            unsafe { mac_row::<A>(&mut acc, x, weight) };
            keep_rolled();
            entry = entry.wrapping_add(1);
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
pub(crate) unsafe fn matvec<A: Arithmetic, S: Entries<A::Element>>(
    matrix: &CsrMatrix<S>,
    product: &Product<'_, A::Element>,
) -> usize {
    let mut entry = product.entries;
    for index in product.first..product.end {
        // SAFETY: `index` is a row.
        let row = unsafe { A::row(&matrix.table, index) };
        let mut acc = A::bias(&row);
        let mut x = product.x.as_ptr().cast::<A::Element>();
        let end = entry.wrapping_add(A::nnz(&row));
        while entry != end {
            // SAFETY: the stream holds the entries of all rows (proved by parse).
            let (delta, weight) = unsafe { matrix.entries.entry(entry) };
            x = x.wrapping_add(delta);
            // SAFETY: the running sum stays below the columns (proved by parse).
            acc = A::mac(acc, unsafe { load(x, 0) }, weight);
            entry = entry.wrapping_add(1);
        }
        // SAFETY: `index` is a row of the product.
        unsafe { finish_row::<A>(acc, &row, product, index) };
    }
    entry
}
