//! Matrices times a vector: the rows of each layout, around the sums in `matvec.S`.

use super::finish::{BlockArgs, Finish, GROUP, Row, by_groups};
use crate::kernels::Product;
use nnz_format::{Blk1x4, Blk4x1, CsrP, CsrQ, DenseS8};

/// Columns of a segment of `csr_q`.
const SEGMENT: usize = 256;

#[cfg(isa = "mve")]
use crate::arch::arm::mve::dot4;

unsafe extern "C" {
    #[cfg(not(isa = "mve"))]
    #[link_name = "nnz_dsp_dot4"]
    fn dot4(x: *const i8, columns: usize, row: *const i8, sums: *mut i32, stride: usize);
    fn nnz_dsp_csr_q(groups: *const u8, count: usize, x: *const i8, acc: i32) -> i32;
    fn nnz_dsp_csr_p(pairs: *const u8, count: usize, x: *const i8) -> i32;
    fn nnz_dsp_blk_1x4(deltas: *const u8, weights: *const u8, count: usize, x: *const i8) -> i32;
}

/// Dense rows, four at a time.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(super) unsafe fn dense<R: Finish>(weights: &DenseS8<'_>, product: &Product<'_, i8>) {
    let columns = product.x.len();
    let x = product.x.as_ptr().cast::<i8>();
    let start = weights.weights().as_ptr().cast::<i8>();
    let mut row = start.wrapping_add(product.first.wrapping_mul(columns));
    let sums = |_, rows, _, accs: &mut [i32; GROUP]| {
        if rows == GROUP {
            // SAFETY: the vector and each of the four rows have `columns` elements.
            unsafe { dot4(x, columns, row, accs.as_mut_ptr(), columns) };
            row = row.wrapping_add(columns.wrapping_mul(GROUP));
            return;
        }
        for index in (0..rows).rev() {
            let at = row.wrapping_add(index.wrapping_mul(columns));
            let mut same = [0; GROUP];
            // SAFETY: the vector and the row have `columns` elements.
            unsafe { dot4(x, columns, at, same.as_mut_ptr(), 0) };
            if let (Some(acc), [sum, ..]) = (accs.get_mut(index), same) {
                *acc = sum;
            }
        }
    };
    // SAFETY: the caller's contract.
    unsafe { by_groups::<R>(weights.rows(), product, sums) };
}

/// CSR-Q rows; returns the groups of the rows before `product.end`.
///
/// # Safety
///
/// As [`dense`].
#[inline(always)]
pub(super) unsafe fn csr_q<R: Finish>(weights: &CsrQ<'_>, product: &Product<'_, i8>) -> usize {
    let segments = weights.segments() as usize;
    let skipped = product.first.wrapping_mul(segments);
    let mut count = weights.counts().as_ptr().wrapping_add(skipped);
    let start = weights.groups().as_ptr();
    let mut groups = product.entries;
    let sums = |_, rows: usize, _, accs: &mut [i32; GROUP]| {
        for acc in accs.iter_mut().take(rows) {
            let mut x = product.x.as_ptr().cast::<i8>();
            for _ in 0..segments {
                // SAFETY: one count a segment of every row.
                let here = usize::from(unsafe { count.read() });
                count = count.wrapping_add(1);
                let at = start.wrapping_add(groups.wrapping_mul(8));
                // SAFETY: the counts sum up to the groups of the stream, which begins at a multiple of 4, and
                // indices stay in the segment and below the columns (proved by parse).
                *acc = unsafe { nnz_dsp_csr_q(at, here, x, *acc) };
                groups = groups.wrapping_add(here);
                x = x.wrapping_add(SEGMENT);
            }
        }
    };
    // SAFETY: the caller's contract.
    unsafe { by_groups::<R>(weights.rows(), product, sums) };
    groups
}

/// CSR-P rows; returns the pairs of the rows before `product.end`.
///
/// # Safety
///
/// As [`dense`].
#[inline(always)]
pub(super) unsafe fn csr_p<R: Finish>(weights: &CsrP<'_>, product: &Product<'_, i8>) -> usize {
    let start = weights.pairs().as_ptr();
    let mut pairs = product.entries;
    let sums = |_, rows: usize, mut row: Row, accs: &mut [i32; GROUP]| {
        for acc in accs.iter_mut().take(rows) {
            // SAFETY: the table has the product's rows.
            let (nnz, next) = unsafe { row.nnz() };
            let at = start.wrapping_add(pairs.wrapping_mul(2));
            // SAFETY: the stream holds the pairs of all rows, whose running sums stay below the columns (proved by
            // parse).
            *acc = unsafe { nnz_dsp_csr_p(at, nnz, product.x.as_ptr().cast()) };
            pairs = pairs.wrapping_add(nnz);
            row = next;
        }
    };
    // SAFETY: the caller's contract.
    unsafe { by_groups::<R>(weights.rows(), product, sums) };
    pairs
}

/// Rows in 4x1 blocks; returns the blocks of the block rows before `product.end`.
///
/// # Safety
///
/// As [`dense`].
#[inline(always)]
pub(super) unsafe fn blk_4x1<R: Finish>(weights: &Blk4x1<'_>, product: &Product<'_, i8>) -> usize {
    if product.first >= product.end {
        return product.entries;
    }
    let start = weights.deltas().as_ptr();
    let deltas = start.wrapping_add(product.entries);
    let skipped = product.entries.wrapping_mul(GROUP);
    let values = weights.weights().as_ptr().wrapping_add(skipped);
    let mut args = BlockArgs::new(weights.rows(), product, deltas, values);
    // SAFETY: the product has a row, and begins with a group; the stream holds the blocks of all block rows, whose
    // running sums stay below the columns (proved by parse).
    unsafe { R::blk_4x1(&mut args) };
    args.deltas.addr().wrapping_sub(start.addr())
}

/// Rows in 1x4 blocks of a vector of whole blocks; returns the blocks of the rows before `product.end`.
///
/// # Safety
///
/// As [`dense`], and the columns are a multiple of 4.
#[inline(always)]
pub(super) unsafe fn blk_1x4<R: Finish>(weights: &Blk1x4<'_>, product: &Product<'_, i8>) -> usize {
    let (deltas, values) = (weights.deltas().as_ptr(), weights.weights().as_ptr());
    let mut block = product.entries;
    let sums = |_, rows: usize, mut row: Row, accs: &mut [i32; GROUP]| {
        for acc in accs.iter_mut().take(rows) {
            // SAFETY: the table has the product's rows.
            let (nnz, next) = unsafe { row.nnz() };
            let deltas = deltas.wrapping_add(block);
            let values = values.wrapping_add(block.wrapping_mul(GROUP));
            // SAFETY: the stream holds the blocks of all rows, whose four columns exist each (proved by parse, and
            // no block is partial).
            *acc = unsafe { nnz_dsp_blk_1x4(deltas, values, nnz, product.x.as_ptr().cast()) };
            block = block.wrapping_add(nnz);
            row = next;
        }
    };
    // SAFETY: the caller's contract.
    unsafe { by_groups::<R>(weights.rows(), product, sums) };
    block
}
