//! Dense matrix times vector: four rows share the loads of the vector.

use super::arithmetic::Arithmetic;
use super::dense::DenseMatrix;
use super::finish::finish_row;
use super::lanes::load;
use crate::kernels::Product;

/// Columns per turn of the inner loop.
const UNROLL: usize = 4;

/// Rows of `matrix` times a vector of `columns` elements.
///
/// # Safety
///
/// Contracts 1 and 3 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn matvec<A: Arithmetic>(
    matrix: &DenseMatrix<A::Element>,
    product: &Product<'_, A::Element>,
    columns: usize,
) {
    let mut row = product.first;
    while row.wrapping_add(4) <= product.end {
        // SAFETY: four rows from `row` on exist.
        unsafe { rows::<A, 4>(matrix, product, columns, row) };
        row = row.wrapping_add(4);
    }
    while row < product.end {
        // SAFETY: row `row` exists.
        unsafe { rows::<A, 1>(matrix, product, columns, row) };
        row = row.wrapping_add(1);
    }
}

/// Rows `first` to `first + N`.
///
/// # Safety
///
/// As [`matvec`], and the rows exist.
#[inline(always)]
unsafe fn rows<A: Arithmetic, const N: usize>(
    matrix: &DenseMatrix<A::Element>,
    product: &Product<'_, A::Element>,
    columns: usize,
    first: usize,
) {
    let mut weights: [*const A::Element; N] = core::array::from_fn(|n| {
        matrix
            .weights
            .wrapping_add(first.wrapping_add(n).wrapping_mul(columns))
    });
    // SAFETY: the rows exist.
    let constants: [A::Row; N] =
        core::array::from_fn(|n| unsafe { A::row(&matrix.table, first.wrapping_add(n)) });
    let mut accs: [A::Acc; N] = constants.map(|row| A::bias(&row));
    let mut x = product.x.as_ptr().cast::<A::Element>();
    for _ in 0..columns / UNROLL {
        // SAFETY: `UNROLL` columns are left in the vector and in each row.
        unsafe { step::<A, N, UNROLL>(&mut accs, &mut weights, &mut x) };
    }
    for _ in 0..columns % UNROLL {
        // SAFETY: a column is left in the vector and in each row.
        unsafe { step::<A, N, 1>(&mut accs, &mut weights, &mut x) };
    }
    for (n, (&acc, row)) in accs.iter().zip(&constants).enumerate() {
        // SAFETY: row `first + n` is a row of the product.
        unsafe { finish_row::<A>(acc, row, product, first.wrapping_add(n)) };
    }
}

/// `U` columns of `N` rows; moves the pointers past them.
///
/// # Safety
///
/// `U` elements can be read at `x` and at each of `weights`.
#[inline(always)]
unsafe fn step<A: Arithmetic, const N: usize, const U: usize>(
    accs: &mut [A::Acc; N],
    weights: &mut [*const A::Element; N],
    x: &mut *const A::Element,
) {
    for column in 0..U {
        // SAFETY: `column < U`, by the caller's contract.
        let value = unsafe { load(*x, column) };
        for (acc, row) in accs.iter_mut().zip(weights.iter()) {
            // SAFETY: as above.
            *acc = A::mac(*acc, value, unsafe { load(*row, column) });
        }
    }
    for row in weights.iter_mut() {
        *row = row.wrapping_add(U);
    }
    *x = x.wrapping_add(U);
}
