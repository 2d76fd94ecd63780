//! Groups of four entries with absolute indices, for matrices times vectors.
//!
//! A row is cut into segments of 256 columns; a count a segment says how many groups follow, and each group is
//! four indices within the segment, then four weights.

use super::arithmetic::Arithmetic;
use super::finish::finish_row;
use super::lanes::load;
use super::rows::RowTable;
use crate::kernels::Product;

/// Columns of one segment.
const SEGMENT: usize = 256;

/// A matrix in CSR-Q form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CsrQMatrix {
    /// Row constants.
    pub(crate) table: RowTable,
    /// Segments of a row.
    pub(crate) segments: usize,
    /// Groups of each segment of each row.
    pub(crate) counts: *const u8,
    /// `[i0..i3][w0..w3]` a group.
    pub(crate) groups: *const u8,
}

/// Rows of `matrix` times a vector; returns the groups of the rows before `product.end`.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn matvec<A: Arithmetic<Element = i8>>(
    matrix: &CsrQMatrix,
    product: &Product<'_, i8>,
) -> usize {
    let mut at = matrix.groups.wrapping_add(product.entries.wrapping_mul(8));
    let mut groups = product.entries;
    let mut count = product.first.wrapping_mul(matrix.segments);
    for index in product.first..product.end {
        // SAFETY: `index` is a row.
        let row = unsafe { A::row(&matrix.table, index) };
        let mut acc = A::bias(&row);
        let mut x = product.x.as_ptr().cast::<i8>();
        for _ in 0..matrix.segments {
            // SAFETY: one count a segment of every row.
            let here = usize::from(unsafe { load(matrix.counts, count) });
            count = count.wrapping_add(1);
            for _ in 0..here {
                // SAFETY: the counts sum up to the groups of the stream, and indices stay in the segment
                // and below the columns (proved by parse).
                acc = unsafe { group::<A>(acc, at, x) };
                at = at.wrapping_add(8);
            }
            groups = groups.wrapping_add(here);
            x = x.wrapping_add(SEGMENT);
        }
        // SAFETY: `index` is a row of the product.
        unsafe { finish_row::<A>(acc, &row, product, index) };
    }
    groups
}

/// Adds the four products of the group at `at` over the segment at `x`.
///
/// # Safety
///
/// Eight bytes at `at` form a group of the segment that begins at `x`.
#[inline(always)]
unsafe fn group<A: Arithmetic<Element = i8>>(
    mut acc: A::Acc,
    at: *const u8,
    x: *const i8,
) -> A::Acc {
    for entry in 0..4_usize {
        // SAFETY: index `entry` of the group.
        let index = usize::from(unsafe { load(at, entry) });
        // SAFETY: weight `entry` of the group.
        let weight = unsafe { load(at.cast::<i8>(), entry.wrapping_add(4)) };
        // SAFETY: the index is proved to be a column.
        acc = A::mac(acc, unsafe { load(x, index) }, weight);
    }
    acc
}
