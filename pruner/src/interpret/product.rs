//! The one matrix product.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, LinalgScalar};

/// `weights · columns`: `[rows][cols]` times `[cols][n]` gives `[rows][n]`.
pub(super) fn product<T: LinalgScalar>(
    weights: &[T],
    columns: &[T],
    rows: usize,
    n: usize,
) -> Vec<T> {
    let mut out = vec![T::zero(); rows * n];
    let cols = weights.len() / rows.max(1);
    let a = ArrayView2::from_shape((rows, cols), weights);
    let b = ArrayView2::from_shape((cols, n), columns);
    let c = ArrayViewMut2::from_shape((rows, n), &mut out);
    if let (Ok(a), Ok(b), Ok(mut c)) = (a, b, c) {
        general_mat_mul(T::one(), &a, &b, T::zero(), &mut c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_rows_times_columns() {
        let found = product(
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            &[1.0, 0.0, 0.0, 1.0, 2.0, -1.0],
            2,
            2,
        );
        assert_eq!(found, [7.0, -1.0, 16.0, -1.0]);
    }
}
