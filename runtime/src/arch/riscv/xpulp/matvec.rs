//! Matrices times vectors, four columns a product.

use super::super::conv::table;
use super::super::finish::Finish;
use super::super::matvec::{column, finish};
use super::QUAD;
use crate::arch::portable::RowS8;
use crate::kernels::Product;
use nnz_format::{Blk1x4, DenseS8};

/// Rows that share the loads of the vector.
const ROWS: usize = 4;

unsafe extern "C" {
    fn nnz_xpulp_rows4(
        x: *const i8,
        row: *const i8,
        stride: usize,
        quads: usize,
        sums: *mut [i32; ROWS],
    );
    fn nnz_xpulp_row(x: *const i8, row: *const i8, quads: usize, sum: i32) -> i32;
    fn nnz_xpulp_row_blocks(
        x: *const i8,
        deltas: *const u8,
        weights: *const u8,
        count: usize,
        sum: i32,
    ) -> i32;
}

/// Rows of a dense matrix times a vector.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::kernels::Kernels`].
#[inline(never)]
pub(super) unsafe fn dense<R: Finish>(weights: &DenseS8<'_>, product: &Product<'_, i8>) {
    let columns = product.x.len();
    let x = product.x.as_ptr().cast::<i8>();
    let table = table(weights.rows());
    let start: *const i8 = weights.weights().as_ptr().cast();
    let mut first = product.first;
    while first < product.end {
        let count = product.end.wrapping_sub(first).min(ROWS);
        let at = start.wrapping_add(first.wrapping_mul(columns));
        // SAFETY: so many rows are left; past the last one it is repeated.
        let rows: [RowS8; ROWS] = core::array::from_fn(|n| unsafe {
            table.s8(first.wrapping_add(n.min(count.wrapping_sub(1))))
        });
        let mut sums = rows.map(|row| row.bias);
        // SAFETY: the rows and the vector have so many columns.
        unsafe { products(&mut sums, (x, at), columns, count) };
        let index = first;
        for (n, (&sum, row)) in sums.iter().zip(&rows).take(count).enumerate() {
            // SAFETY: a row of the product.
            unsafe { finish::<R>(sum, row, product, index.wrapping_add(n)) };
        }
        first = first.wrapping_add(count);
    }
}

/// Adds the products of `count` rows from `at` on.
///
/// # Safety
///
/// The vector at `x` has so many columns, as each of the rows.
#[inline(always)]
unsafe fn products(
    sums: &mut [i32; ROWS],
    (x, at): (*const i8, *const i8),
    columns: usize,
    count: usize,
) {
    let quads = columns / QUAD;
    if quads > 0 && count == ROWS {
        // SAFETY: the caller's contract.
        unsafe { nnz_xpulp_rows4(x, at, columns, quads, sums) };
    }
    let tail = columns % QUAD;
    for (n, sum) in sums.iter_mut().enumerate().take(count) {
        let row = at.wrapping_add(n.wrapping_mul(columns));
        if quads > 0 && count != ROWS {
            // SAFETY: the caller's contract.
            *sum = unsafe { nnz_xpulp_row(x, row, quads, *sum) };
        }
        for at in columns.wrapping_sub(tail)..columns {
            // SAFETY: a column of the row and the vector.
            *sum = unsafe { column::<0>(*sum, row.wrapping_add(at), x.wrapping_add(at)) };
        }
    }
}

/// Rows of a `blk_1x4` matrix times a vector of whole quads; returns the blocks of the rows before `product.end`.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::kernels::Kernels`].
#[inline(never)]
pub(super) unsafe fn blocks<R: Finish>(weights: &Blk1x4<'_>, product: &Product<'_, i8>) -> usize {
    let x = product.x.as_ptr().cast::<i8>();
    let table = table(weights.rows());
    let mut block = product.entries;
    for index in product.first..product.end {
        // SAFETY: a row of the product.
        let row = unsafe { table.s8(index) };
        let mut sum = row.bias;
        if row.nnz > 0 {
            let deltas = weights.deltas().as_ptr().wrapping_add(block);
            let stream = weights.weights().as_ptr();
            let stream = stream.wrapping_add(block.wrapping_mul(QUAD));
            // SAFETY: the streams hold the blocks of all rows, whose running sums stay below the quads of the vector
            // (proved by parse).
            sum = unsafe { nnz_xpulp_row_blocks(x, deltas, stream, row.nnz, sum) };
        }
        block = block.wrapping_add(row.nnz);
        // SAFETY: a row of the product.
        unsafe { finish::<R>(sum, &row, product, index) };
    }
    block
}
