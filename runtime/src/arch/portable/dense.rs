//! Dense convolutions: one weight times eight pixels, for one or two output channels at a time.

use super::arithmetic::Arithmetic;
use super::finish::finish_tile;
use super::rows::RowTable;
use super::taps::{Jumps, TapWalk};
use crate::arch::{FLAT_LOOPS, ROWS, THREE_TAPS, keep_rolled};
use crate::kernels::{LANES, Tile};

/// A dense matrix in the model's bytes, rows of `geometry.columns()` weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DenseMatrix<E> {
    /// Row constants.
    pub(crate) table: RowTable,
    /// Number of rows.
    pub(crate) rows: usize,
    /// The weights, row after row.
    pub(crate) weights: *const E,
}

/// The rows of `matrix` from row `row` on over one tile; `POINTWISE` promises that the window is 1x1, of any stride.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn conv<A: Arithmetic, const POINTWISE: bool>(
    matrix: &DenseMatrix<A::Element>,
    tile: &Tile<'_, A::Element>,
    mut row: usize,
) {
    while row.wrapping_add(ROWS) <= matrix.rows {
        // SAFETY: `ROWS` rows from `row` on exist; the rest is the caller's contract.
        unsafe { rows::<A, ROWS, POINTWISE>(matrix, tile, row) };
        row = row.wrapping_add(ROWS);
    }
    while row < matrix.rows {
        // SAFETY: row `row` exists; the rest is the caller's contract.
        unsafe { rows::<A, 1, POINTWISE>(matrix, tile, row) };
        row = row.wrapping_add(1);
    }
}

/// Rows `first` to `first + N` over one tile.
///
/// # Safety
///
/// As [`conv`], and the rows exist.
#[inline(always)]
unsafe fn rows<A: Arithmetic, const N: usize, const POINTWISE: bool>(
    matrix: &DenseMatrix<A::Element>,
    tile: &Tile<'_, A::Element>,
    first: usize,
) {
    let columns = tile.geometry.columns();
    let weights: [*const A::Element; N] = core::array::from_fn(|n| {
        matrix
            .weights
            .wrapping_add(first.wrapping_add(n).wrapping_mul(columns))
    });
    // SAFETY: the rows exist.
    let constants: [A::Row; N] =
        core::array::from_fn(|n| unsafe { A::row(&matrix.table, first.wrapping_add(n)) });
    let mut accs: [[A::Acc; LANES]; N] = constants.map(|row| [A::bias(&row); LANES]);
    if POINTWISE {
        // SAFETY: the caller's contract.
        unsafe { accumulate_1x1::<A, N>(&mut accs, weights, tile) };
    } else {
        // SAFETY: the caller's contract.
        unsafe { accumulate::<A, N>(&mut accs, weights, tile) };
    }
    for (n, (acc, row)) in accs.iter().zip(&constants).enumerate() {
        // SAFETY: row `first + n` exists.
        unsafe { finish_tile::<A>(acc, row, tile, first.wrapping_add(n)) };
    }
}

/// Adds the products of a 1x1 kernel: column `c` meets the eight elements at `8 · c`.
///
/// # Safety
///
/// As [`rows`]; each of `weights` begins a row.
#[inline(always)]
unsafe fn accumulate_1x1<A: Arithmetic, const N: usize>(
    accs: &mut [[A::Acc; LANES]; N],
    mut weights: [*const A::Element; N],
    tile: &Tile<'_, A::Element>,
) {
    let mut x = tile.band.as_ptr().cast::<A::Element>();
    for _ in 0..tile.geometry.cin {
        // SAFETY: the rows have a weight and the band eight elements a channel.
        unsafe { A::tap::<N, 8>(accs, &mut weights, &mut x) };
        keep_rolled();
    }
}

/// Adds the products of a K×K kernel, one row of taps after the other.
///
/// # Safety
///
/// As [`accumulate_1x1`].
#[inline(always)]
unsafe fn accumulate<A: Arithmetic, const N: usize>(
    accs: &mut [[A::Acc; LANES]; N],
    mut weights: [*const A::Element; N],
    tile: &Tile<'_, A::Element>,
) {
    let geometry = tile.geometry;
    let mut x = tile.band.as_ptr().cast::<A::Element>();
    let rows = geometry.cin.wrapping_mul(geometry.kernel_h);
    if THREE_TAPS && geometry.kernel_w == 3 && geometry.phases() == 1 {
        for _ in 0..rows {
            for (acc, row) in accs.iter_mut().zip(&mut weights) {
                // SAFETY: three columns are left in the row; a band row holds ten elements.
                unsafe { A::three_taps(acc, x, *row) };
                *row = row.wrapping_add(3);
            }
            x = x.wrapping_add(LANES + 2);
        }
        return;
    }
    if FLAT_LOOPS && geometry.phases() == 1 {
        let mut left = geometry.kernel_w;
        for _ in 0..geometry.columns() {
            // SAFETY: as below.
            unsafe { A::tap::<N, 1>(accs, &mut weights, &mut x) };
            left = left.wrapping_sub(1);
            if left == 0 {
                left = geometry.kernel_w;
                x = x.wrapping_add(LANES - 1);
            }
        }
        return;
    }
    if geometry.phases() == 1 {
        for _ in 0..rows {
            let mut left = geometry.kernel_w;
            while left != 0 {
                // SAFETY: the tap is a column of the rows; a band row holds `7 + kernel_w` elements, so
                // eight from every tap on.
                unsafe { A::tap::<N, 1>(accs, &mut weights, &mut x) };
                keep_rolled();
                left = left.wrapping_sub(1);
            }
            x = x.wrapping_add(LANES - 1);
        }
        return;
    }
    if let Some(jumps) = Jumps::new(geometry) {
        for _ in 0..rows {
            for &jump in jumps.row() {
                // SAFETY: the tap is a column of the rows; the jumps lead from tap to tap, each with eight
                // lanes in the band.
                unsafe { A::tap::<N, 0>(accs, &mut weights, &mut x) };
                x = x.wrapping_offset(isize::from(jump));
            }
        }
        return;
    }
    let mut walk = TapWalk::new();
    for _ in 0..geometry.columns() {
        // SAFETY: the tap is a column of the rows; the walk goes from tap to tap through all channels, each
        // with eight lanes in the band.
        unsafe { A::tap::<N, 0>(accs, &mut weights, &mut x.wrapping_add(walk.offset())) };
        walk.advance(geometry);
    }
}
