//! The little dense linear algebra that calibrated methods need, the same result for any number of threads.

use rayon::prelude::*;

/// A square matrix in row order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Square {
    pub(super) n: usize,
    pub(super) values: Vec<f64>,
}

/// Rows of `cols` floats: one calibration patch each.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) cols: usize,
    pub(super) values: Vec<f32>,
}

/// Rows summed in `f32` before they go to `f64`.
const CHUNK: usize = 128;
/// Columns of the left factor that one task takes.
const STRIPE: usize = 32;
/// Sides of the tile that stays in registers.
const TILE: [usize; 2] = [4, 8];
/// Rows that one task multiplies with a square matrix.
pub(super) const BAND: usize = 16;

impl Square {
    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.n..(i + 1) * self.n]
    }

    pub(super) fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.n + j]
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

    /// `share · self + (1 − share) · other`.
    pub(super) fn mixed(&self, other: &Self, share: f64) -> Self {
        let pairs = self.values.iter().zip(&other.values);
        Self {
            n: self.n,
            values: pairs.map(|(a, b)| share * a + (1.0 - share) * b).collect(),
        }
    }

    /// The upper triangular `U` with `UᵀU = self⁻¹`, `None` if the matrix is not positive definite.
    ///
    /// A Cholesky factorisation from the last row up gives `self = R·Rᵀ` with `R` upper triangular; `U = R⁻¹`.
    pub(super) fn inverse_factor(&self) -> Option<Self> {
        let n = self.n;
        let mut r = vec![0.0; n * n];
        for j in (0..n).rev() {
            let pivot = self.at(j, j)
                - dot(
                    &r[j * n + j + 1..(j + 1) * n],
                    &r[j * n + j + 1..(j + 1) * n],
                );
            if !(pivot > 0.0 && pivot.is_finite()) {
                return None;
            }
            let pivot = pivot.sqrt();
            r[j * n + j] = pivot;
            let (above, row) = r.split_at_mut(j * n);
            let tail = &row[j + 1..n];
            above.par_chunks_mut(n).enumerate().for_each(|(i, other)| {
                other[j] = (self.at(i, j) - dot(&other[j + 1..], tail)) / pivot;
            });
        }
        Some(Self {
            n,
            values: invert_upper(&r, n),
        })
    }
}

/// The inverse of an upper triangular matrix.
fn invert_upper(r: &[f64], n: usize) -> Vec<f64> {
    // Columns of the inverse are independent: solve R·x = e_j from the bottom; kept as rows until the end.
    let mut columns = vec![0.0; n * n];
    columns
        .par_chunks_mut(n.max(1))
        .enumerate()
        .for_each(|(j, x)| {
            x[j] = 1.0 / r[j * n + j];
            for i in (0..j).rev() {
                x[i] = -dot(&r[i * n + i + 1..i * n + j + 1], &x[i + 1..=j]) / r[i * n + i];
            }
        });
    let mut out = vec![0.0; n * n];
    for j in 0..n {
        for i in 0..=j {
            out[i * n + j] = columns[j * n + i];
        }
    }
    out
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
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

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.values.len().checked_div(self.cols).unwrap_or(0)
    }

    /// Mean of every column.
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
    pub(super) fn means(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.cols];
        for row in self.values.chunks_exact(self.cols.max(1)) {
            sums.iter_mut()
                .zip(row)
                .for_each(|(s, x)| *s += f64::from(*x));
        }
        sums.iter_mut().for_each(|s| *s /= self.len() as f64);
        sums
    }

    /// Subtracts a row from every row.
    #[expect(clippy::cast_possible_truncation, reason = "rows are f32")]
    pub(super) fn subtract(&mut self, row: &[f64]) {
        let row: Vec<f32> = row.iter().map(|x| *x as f32).collect();
        self.values
            .par_chunks_mut(self.cols.max(1))
            .for_each(|r| r.iter_mut().zip(&row).for_each(|(x, m)| *x -= m));
    }

    /// All but every `nth` run of `len` rows, and those.
    pub(super) fn split(&self, len: usize, nth: usize) -> (Self, Self) {
        let empty = || Self {
            cols: self.cols,
            values: Vec::new(),
        };
        let (mut most, mut few) = (empty(), empty());
        for (i, run) in self.values.chunks((len * self.cols).max(1)).enumerate() {
            let side = if i % nth == nth - 1 {
                &mut few
            } else {
                &mut most
            };
            side.values.extend_from_slice(run);
        }
        (most, few)
    }

    /// `selfᵀ · other / rows`.
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
    pub(super) fn product(&self, other: &Self) -> Square {
        let n = self.cols;
        let mut values = vec![0.0; n * n];
        values
            .par_chunks_mut(n * STRIPE)
            .enumerate()
            .for_each(|(stripe, out)| {
                let chunk = CHUNK * n;
                for (a, b) in self.values.chunks(chunk).zip(other.values.chunks(chunk)) {
                    for i in (0..out.len() / n).step_by(TILE[0]) {
                        for j in (0..n).step_by(TILE[1]) {
                            accumulate(&mut out[i * n..], (a, b), n, stripe * STRIPE + i, j);
                        }
                    }
                }
                out.iter_mut().for_each(|x| *x /= self.len() as f64);
            });
        Square { n, values }
    }
}

/// Adds the products of a chunk of rows to the tile whose corner is `(i, j)`; `out` begins at row `i`.
fn accumulate(out: &mut [f64], (a, b): (&[f32], &[f32]), n: usize, i: usize, j: usize) {
    let mut tile = [[0.0f32; TILE[1]]; TILE[0]];
    let (height, width) = (TILE[0].min(n - i).min(out.len() / n), TILE[1].min(n - j));
    for (a, b) in a.chunks_exact(n).zip(b.chunks_exact(n)) {
        if let (Some(x), Some(y)) = (a[i..].first_chunk::<4>(), b[j..].first_chunk::<8>()) {
            for (t, x) in tile.iter_mut().zip(x) {
                t.iter_mut().zip(y).for_each(|(t, y)| *t += x * y);
            }
        } else {
            for (t, x) in tile.iter_mut().zip(&a[i..i + height]) {
                t.iter_mut()
                    .zip(&b[j..j + width])
                    .for_each(|(t, y)| *t += x * y);
            }
        }
    }
    for (row, t) in out.chunks_mut(n).zip(&tile).take(height) {
        row[j..j + width]
            .iter_mut()
            .zip(t)
            .for_each(|(o, t)| *o += f64::from(*t));
    }
}

/// `rows · matrix`.
pub(super) fn times(rows: &[f64], matrix: &Square) -> Vec<f64> {
    let n = matrix.n;
    let mut out = vec![0.0; rows.len()];
    out.par_chunks_mut(n)
        .zip(rows.par_chunks(n))
        .for_each(|(out, row)| {
            for (i, x) in row.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                out.iter_mut()
                    .zip(matrix.row(i))
                    .for_each(|(o, m)| *o += x * m);
            }
        });
    out
}

/// `rows · Uᵀ·U`, the rows times the inverse that `U` stands for.
pub(super) fn times_inverse(rows: &[f64], u: &Square) -> Vec<f64> {
    let n = u.n;
    let mut out = vec![0.0; rows.len()];
    out.par_chunks_mut(n)
        .zip(rows.par_chunks(n))
        .for_each(|(out, row)| {
            for i in 0..n {
                let half = dot(&row[i..], &u.row(i)[i..]);
                out[i..]
                    .iter_mut()
                    .zip(&u.row(i)[i..])
                    .for_each(|(o, u)| *o += half * u);
            }
        });
    out
}

/// Subtracts `left · U[block, after the block]` from the columns after the block.
pub(super) fn subtract_product(
    rows: &mut [f64],
    left: &[f64],
    u: &Square,
    block: core::ops::Range<usize>,
) {
    for (row, left) in rows.chunks_mut(u.n).zip(left.chunks(block.len())) {
        for (j, x) in block.clone().zip(left).filter(|(_, x)| **x != 0.0) {
            row[block.end..]
                .iter_mut()
                .zip(&u.row(j)[block.end..])
                .for_each(|(w, u)| *w -= x * u);
        }
    }
}
