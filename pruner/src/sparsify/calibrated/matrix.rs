//! Square matrices and their products with rows, the same result for any number of threads.
//!
//! Work is cut into pieces of fixed size, each of which one thread does alone with the matrix product of `ndarray`.

use core::ops::Range;
use ndarray::linalg::general_mat_mul;
use ndarray::{
    ArrayBase, ArrayView2, ArrayViewMut2, Axis, Ix2, RawData, Slice, aview_mut2, aview2,
};
use rayon::prelude::*;

/// A square matrix in row order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Square {
    pub(super) n: usize,
    pub(super) values: Vec<f64>,
}

/// Rows that one task multiplies with a square matrix.
pub(super) const BAND: usize = 64;
/// Columns of a triangular factor that are multiplied together.
const PANEL: usize = 256;

impl Square {
    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.n..(i + 1) * self.n]
    }

    pub(super) fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.n + j]
    }

    pub(super) fn view(&self) -> ArrayView2<'_, f64> {
        view(&self.values, self.n)
    }

    /// Mean of the diagonal.
    #[expect(clippy::cast_precision_loss, reason = "sides are far below 2^52")]
    pub(super) fn mean_diagonal(&self) -> f64 {
        (0..self.n).map(|i| self.at(i, i)).sum::<f64>() / self.n as f64
    }

    pub(super) fn add_diagonal(&mut self, lambda: f64) {
        for i in 0..self.n {
            self.values[i * self.n + i] += lambda;
        }
    }

    /// What is above the diagonal goes below it as well.
    pub(super) fn mirror(&mut self) {
        for i in 0..self.n {
            for j in i + 1..self.n {
                self.values[j * self.n + i] = self.values[i * self.n + j];
            }
        }
    }

    /// `share · self + (1 − share) · other`.
    pub(super) fn mixed(&self, other: &Self, share: f64) -> Self {
        let pairs = self.values.iter().zip(&other.values);
        Self {
            n: self.n,
            values: pairs.map(|(a, b)| share * a + (1.0 - share) * b).collect(),
        }
    }

    /// `UᵀU`, the inverse that an upper triangular factor `U` stands for.
    pub(super) fn inverse(&self) -> Self {
        let (n, u) = (self.n, self.view());
        let mut values = vec![0.0; n * n];
        let bands = values.par_chunks_mut((n * BAND).max(1)).enumerate();
        bands.for_each(|(band, out)| {
            let (from, to) = (band * BAND, ((band + 1) * BAND).min(n));
            let (left, right) = (part(u, 0..to, from..to), part(u, 0..to, 0..n));
            general_mat_mul(1.0, &left.t(), &right, 0.0, &mut view_mut(out, n));
        });
        Self { n, values }
    }
}

/// Values as rows of `cols`.
pub(super) fn view(values: &[f64], cols: usize) -> ArrayView2<'_, f64> {
    let rows = values.len().checked_div(cols).unwrap_or(0);
    // A length that is no multiple of `cols` would be the only reason to fail.
    ArrayView2::from_shape((rows, cols), values).unwrap_or_else(|_| aview2::<f64, 0>(&[]))
}

/// Values as rows of `cols`.
pub(super) fn view_mut(values: &mut [f64], cols: usize) -> ArrayViewMut2<'_, f64> {
    let rows = values.len().checked_div(cols).unwrap_or(0);
    ArrayViewMut2::from_shape((rows, cols), values)
        .unwrap_or_else(|_| aview_mut2::<f64, 0>(&mut []))
}

/// Some rows and columns of a matrix.
pub(super) fn part<S: RawData>(
    mut matrix: ArrayBase<S, Ix2>,
    rows: Range<usize>,
    cols: Range<usize>,
) -> ArrayBase<S, Ix2> {
    matrix.slice_axis_inplace(Axis(0), Slice::from(rows));
    matrix.slice_axis_inplace(Axis(1), Slice::from(cols));
    matrix
}

/// `a · b` of equal lengths.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4
        .remainder()
        .iter()
        .zip(b4.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in a4.zip(b4) {
        for l in 0..4 {
            lanes[l] += x[l] * y[l];
        }
    }
    rest + (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

/// `rows · matrix`.
pub(super) fn times(rows: &[f64], matrix: &Square) -> Vec<f64> {
    let n = matrix.n;
    let mut out = vec![0.0; rows.len()];
    let bands = out.par_chunks_mut((n * BAND).max(1));
    bands
        .zip(rows.par_chunks((n * BAND).max(1)))
        .for_each(|(out, rows)| {
            general_mat_mul(
                1.0,
                &view(rows, n),
                &matrix.view(),
                0.0,
                &mut view_mut(out, n),
            );
        });
    out
}

/// `rows · Uᵀ·U`, the rows times the inverse that `U` stands for.
pub(super) fn times_inverse(rows: &[f64], u: &Square) -> Vec<f64> {
    let n = u.n;
    let mut out = vec![0.0; rows.len()];
    let bands = out.par_chunks_mut((n * BAND).max(1));
    bands
        .zip(rows.par_chunks((n * BAND).max(1)))
        .for_each(|(out, rows)| {
            let mut half = vec![0.0; rows.len()];
            let height = rows.len() / n;
            for panel in panels(n) {
                let left = part(view(rows, n), 0..height, panel.start..n);
                let right = part(u.view(), panel.clone(), panel.start..n);
                let mut target = part(view_mut(&mut half, n), 0..height, panel);
                general_mat_mul(1.0, &left, &right.t(), 0.0, &mut target);
            }
            for panel in panels(n) {
                let left = part(view(&half, n), 0..height, 0..panel.end);
                let right = part(u.view(), 0..panel.end, panel.clone());
                let mut target = part(view_mut(out, n), 0..height, panel);
                general_mat_mul(1.0, &left, &right, 0.0, &mut target);
            }
        });
    out
}

/// Consecutive columns.
fn panels(n: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..n).step_by(PANEL);
    starts.map(move |from| from..(from + PANEL).min(n))
}

/// Subtracts `left · U[block, after the block]` from the columns after the block.
pub(super) fn subtract_product(rows: &mut [f64], left: &[f64], u: &Square, block: Range<usize>) {
    let height = rows.len() / u.n;
    let right = part(u.view(), block.clone(), block.end..u.n);
    let mut after = part(view_mut(rows, u.n), 0..height, block.end..u.n);
    general_mat_mul(-1.0, &view(left, block.len()), &right, 1.0, &mut after);
}
