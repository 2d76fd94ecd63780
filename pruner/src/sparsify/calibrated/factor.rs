//! The factor of an inverse: Cholesky from the last row up, then the inverse of a triangle, both in blocks.
//!
//! ```text
//!        j0  j1                rows above j0 are cut into bands of [`SIDE`] rows, which threads share;
//!      ┌───┬──┬─────┐          each band takes what columns j1.. contribute away from columns j0..j1
//!      │ P │  │known│          (a matrix product) and then divides by the corner
//!   j0 ├───┼──┼─────┤
//!      │   │◤ │known│          ◤ the corner, factored element by element
//!   j1 ├───┼──┼─────┤
//!      │   │  │  ◥  │
//!      └───┴──┴─────┘
//! ```

use super::matrix::{Square, dot, part, view, view_mut};
use core::ops::Range;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

/// Side of a block.
const SIDE: usize = 64;

impl Square {
    /// The upper triangular `U` with `UᵀU = self⁻¹`, `None` if the matrix is not positive definite.
    ///
    /// A Cholesky factorisation from the last row up gives `self = R·Rᵀ` with `R` upper triangular; `U = R⁻¹`.
    pub(super) fn inverse_factor(&self) -> Option<Self> {
        let n = self.n;
        let mut r = self.values.clone();
        for from in (0..n).step_by(SIDE).rev() {
            let block = from..(from + SIDE).min(n);
            let (above, own) = r.split_at_mut(from * n);
            let own = &mut own[..block.len() * n];
            let known = part(view(own, n), 0..block.len(), block.end..n).to_owned();
            take_known(own, n, &block, known.view());
            corner(own, n, &block)?;
            above.par_chunks_mut(n * SIDE).for_each(|band| {
                take_known(band, n, &block, known.view());
                band.chunks_mut(n)
                    .for_each(|row| divide(row, own, n, &block));
            });
        }
        for (i, row) in r.chunks_mut(n.max(1)).enumerate() {
            row[..i].fill(0.0);
        }
        let values = invert_upper(&r, n);
        Some(Self { n, values })
    }
}

/// Takes `rows[after the block] · knownᵀ` away from the block's columns of some rows.
fn take_known(rows: &mut [f64], n: usize, block: &Range<usize>, known: ArrayView2<'_, f64>) {
    let height = rows.len() / n;
    let (before, after) = view_mut(rows, n).split_at(Axis(1), block.end);
    let mut target = part(before, 0..height, block.clone());
    general_mat_mul(-1.0, &after, &known.t(), 1.0, &mut target);
}

/// Factors the block of its own rows on the diagonal.
fn corner(own: &mut [f64], n: usize, block: &Range<usize>) -> Option<()> {
    for j in block.clone().rev() {
        let (before, row) = own.split_at_mut((j - block.start) * n);
        let (head, tail) = row[..block.end].split_at_mut(j + 1);
        let pivot = head[j] - dot(tail, tail);
        if !(pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        head[j] = pivot.sqrt();
        for other in before.chunks_mut(n) {
            other[j] = (other[j] - dot(&other[j + 1..block.end], tail)) / head[j];
        }
    }
    Some(())
}

/// Solves `x · cornerᵀ = row[block]`.
fn divide(row: &mut [f64], own: &[f64], n: usize, block: &Range<usize>) {
    for j in block.clone().rev() {
        let corner = &own[(j - block.start) * n..][..block.end];
        row[j] = (row[j] - dot(&row[j + 1..block.end], &corner[j + 1..])) / corner[j];
    }
}

/// The inverse `X` of an upper triangular matrix `R`. From `X·R = 1`, row blocks do not depend on each other:
/// `X[I, K] = −(Σ X[I, L] · R[L, K] over I ≤ L < K) · R[K, K]⁻¹`.
fn invert_upper(r: &[f64], n: usize) -> Vec<f64> {
    let whole = view(r, n);
    let starts: Vec<usize> = (0..n).step_by(SIDE).collect();
    let blocks = starts.par_iter().map(|from| *from..(from + SIDE).min(n));
    let corners: Vec<Array2<f64>> = blocks
        .map(|b| invert_corner(&part(whole, b.clone(), b)))
        .collect();
    let mut out = vec![0.0; n * n];
    let bands = out.par_chunks_mut((n * SIDE).max(1)).enumerate();
    bands.for_each(|(band, rows)| {
        let (first, height) = (starts[band], corners[band].nrows());
        let own = part(view_mut(rows, n), 0..height, first..first + height);
        corners[band].clone().assign_to(own);
        for (corner, from) in corners.iter().zip(&starts).skip(band + 1) {
            let block = *from..from + corner.nrows();
            let right = part(whole, first..*from, block.clone());
            let sum = part(view(rows, n), 0..height, first..*from).dot(&right);
            let mut target = part(view_mut(rows, n), 0..height, block);
            general_mat_mul(-1.0, &sum, corner, 0.0, &mut target);
        }
    });
    out
}

/// The inverse of a small upper triangular matrix: columns of `R·x = e` from the bottom.
fn invert_corner(r: &ArrayView2<'_, f64>) -> Array2<f64> {
    let n = r.nrows();
    let rows: Vec<Vec<f64>> = r.rows().into_iter().map(|row| row.to_vec()).collect();
    let mut out = Array2::zeros((n, n));
    for j in 0..n {
        let mut x = vec![0.0; n];
        x[j] = 1.0 / rows[j][j];
        for i in (0..j).rev() {
            x[i] = -dot(&rows[i][i + 1..=j], &x[i + 1..=j]) / rows[i][i];
        }
        out.column_mut(j)
            .iter_mut()
            .zip(x)
            .for_each(|(o, x)| *o = x);
    }
    out
}
