//! Calibration patches as rows of floats, and their second moments.
//!
//! A product sums [`CHUNK`] rows in `f32` and the chunks in `f64`, always in the order of the rows. Both factors are
//! copied first so that the columns of a tile lie side by side:
//!
//! ```text
//! left, one stripe   tile of 4 columns:  row 0 a b c d │ row 1 a b c d │ …      other tiles follow
//! right, one chunk   tile of 8 columns:  row 0 a … h   │ row 1 a … h   │ …      other tiles follow
//! ```

use super::matrix::Square;
use core::ops::Range;
use rayon::prelude::*;

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
const HEIGHT: usize = 4;
const WIDTH: usize = 8;

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

    /// Some columns of every row.
    pub(super) fn columns(&self, range: &Range<usize>) -> Self {
        let rows = self.values.chunks_exact(self.cols.max(1));
        Self {
            cols: range.len(),
            values: rows
                .flat_map(|row| row[range.clone()].iter().copied())
                .collect(),
        }
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
    pub(super) fn product(&self, other: &Self) -> Square {
        let packed = other.tiles();
        self.stripes(&packed, false)
    }

    /// `selfᵀ · self / rows`.
    pub(super) fn gram(&self) -> Square {
        let mut square = self.stripes(&self.tiles(), true);
        square.mirror();
        square
    }

    /// Every chunk in tiles of [`WIDTH`] columns, zeros behind the last.
    fn tiles(&self) -> Vec<Vec<f32>> {
        let chunks = self.values.par_chunks((CHUNK * self.cols).max(1));
        chunks
            .map(|chunk| tiles::<WIDTH>(chunk, self.cols, (0, self.cols)))
            .collect()
    }

    /// `selfᵀ · other / rows` of a packed other; with `upper` only from the tile of the diagonal on.
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
    fn stripes(&self, packed: &[Vec<f32>], upper: bool) -> Square {
        let n = self.cols;
        let mut values = vec![0.0; n * n];
        let stripes = values.par_chunks_mut((n * STRIPE).max(1)).enumerate();
        stripes.for_each(|(stripe, out)| {
            let from = stripe * STRIPE;
            let to = (from + STRIPE).min(n);
            let first = if upper { from / WIDTH } else { 0 };
            for (chunk, right) in self.values.chunks(CHUNK * n).zip(packed) {
                let rows = chunk.len() / n;
                let left = tiles::<HEIGHT>(chunk, n, (from, to));
                let lefts = left.chunks_exact(rows * HEIGHT);
                for (left, out) in lefts.zip(out.chunks_mut(n * HEIGHT)) {
                    let rights = right.chunks_exact(rows * WIDTH).enumerate();
                    for (tile, right) in rights.skip(first) {
                        add(out, n, tile * WIDTH, &outer(left, right));
                    }
                }
            }
            out.iter_mut().for_each(|x| *x /= self.len() as f64);
        });
        Square { n, values }
    }
}

/// Columns `from..to` of some rows in tiles of `N` columns, zeros behind the last.
fn tiles<const N: usize>(chunk: &[f32], cols: usize, (from, to): (usize, usize)) -> Vec<f32> {
    let rows = chunk.len() / cols.max(1);
    let mut packed = vec![0.0; rows * (to - from).div_ceil(N) * N];
    for (r, row) in chunk.chunks_exact(cols.max(1)).enumerate() {
        for (t, part) in row[from..to].chunks(N).enumerate() {
            packed[(t * rows + r) * N..][..part.len()].copy_from_slice(part);
        }
    }
    packed
}

/// The sum of the outer products of the rows of two tiles.
fn outer(left: &[f32], right: &[f32]) -> [[f32; WIDTH]; HEIGHT] {
    let mut tile = [[0.0f32; WIDTH]; HEIGHT];
    let (left, right) = (left.as_chunks::<HEIGHT>().0, right.as_chunks::<WIDTH>().0);
    for (x, y) in left.iter().zip(right) {
        for (t, x) in tile.iter_mut().zip(x) {
            t.iter_mut().zip(y).for_each(|(t, y)| *t += x * y);
        }
    }
    tile
}

/// Adds a tile to the rows `out`, from column `at` on.
fn add(out: &mut [f64], n: usize, at: usize, tile: &[[f32; WIDTH]; HEIGHT]) {
    for (row, t) in out.chunks_mut(n).zip(tile) {
        let cells = row[at..].iter_mut().zip(t);
        cells.for_each(|(o, t)| *o += f64::from(*t));
    }
}
