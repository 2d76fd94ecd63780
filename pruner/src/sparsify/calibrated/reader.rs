//! What a layer loses when an input channel leaves and the others make up for it.
//!
//! With `H` the damped covariance of the inputs and `P = H⁻¹`, taking the columns `c` of one channel away and correcting
//! the rest in closed form costs `tr(W_c · P_cc⁻¹ · W_cᵀ)`, and leaves
//!
//! ```text
//! W := W − W_c · P_cc⁻¹ · P_c        P := P − P_cᵀ · P_cc⁻¹ · P_c        (block OBS, Hassibi & Stork 1993)
//! ```

use super::matrix::{Square, times};
use super::sweep::Sweep;

/// One layer as a reader of channels.
pub(crate) struct Reader {
    /// `[output][column]`.
    weights: Vec<f64>,
    inverse: Square,
    /// Columns of every input channel.
    columns: Vec<Vec<usize>>,
    /// Mean square of the outputs.
    energy: f64,
}

impl Reader {
    /// A layer whose input channels have the given columns; `own` is the covariance, `u` the factor of its inverse.
    pub(super) fn new(sweep: &Sweep, own: &Square, u: &Square, columns: Vec<Vec<usize>>) -> Self {
        let products = times(&sweep.weights, own);
        let pairs = products.iter().zip(&sweep.weights);
        let energy: f64 = pairs.map(|(p, w)| p * w).sum();
        Self {
            weights: sweep.weights.clone(),
            inverse: u.inverse(),
            columns,
            energy: energy.max(f64::MIN_POSITIVE),
        }
    }

    /// The relative error when a channel leaves next.
    pub(crate) fn loss(&self, channel: usize) -> f64 {
        let columns = &self.columns[channel];
        let Some(block) = self.block(columns) else {
            return 0.0;
        };
        let n = self.inverse.n;
        let of_row = |w: &[f64]| {
            let pairs = columns.iter().enumerate();
            let term = |(i, c): (usize, &usize)| {
                let dot: f64 = columns.iter().zip(&block[i]).map(|(d, b)| b * w[*d]).sum();
                w[*c] * dot
            };
            pairs.map(term).sum::<f64>()
        };
        self.weights.chunks(n).map(of_row).sum::<f64>() / self.energy
    }

    /// A channel leaves; the others make up for it.
    pub(crate) fn remove(&mut self, channel: usize) {
        let columns = self.columns[channel].clone();
        let Some(block) = self.block(&columns) else {
            return;
        };
        let n = self.inverse.n;
        let rows: Vec<Vec<f64>> = columns
            .iter()
            .map(|c| self.inverse.row(*c).to_vec())
            .collect();
        let corrected: Vec<Vec<f64>> = block
            .iter()
            .map(|b| {
                let mut sum = vec![0.0; n];
                for (x, row) in b.iter().zip(&rows) {
                    sum.iter_mut().zip(row).for_each(|(s, r)| *s += x * r);
                }
                sum
            })
            .collect();
        for line in self
            .weights
            .chunks_mut(n)
            .chain(self.inverse.values.chunks_mut(n))
        {
            let own: Vec<f64> = columns.iter().map(|c| line[*c]).collect();
            for (x, row) in own.iter().zip(&corrected) {
                line.iter_mut().zip(row).for_each(|(l, r)| *l -= x * r);
            }
            columns.iter().for_each(|c| line[*c] = 0.0);
        }
        for c in columns {
            self.inverse.values[c * n..(c + 1) * n].fill(0.0);
            self.inverse.values[c * n + c] = 1.0;
        }
    }

    /// An output channel has left: its weights no longer count.
    pub(crate) fn silence(&mut self, row: usize) {
        let n = self.inverse.n;
        self.weights[row * n..(row + 1) * n].fill(0.0);
    }

    /// The inverse of the columns' block of the inverse; `None` where it is singular.
    fn block(&self, columns: &[usize]) -> Option<Vec<Vec<f64>>> {
        let n = columns.len();
        let mut a: Vec<Vec<f64>> = columns
            .iter()
            .enumerate()
            .map(|(i, r)| {
                let left = columns.iter().map(|c| self.inverse.at(*r, *c));
                let right = (0..n).map(|j| f64::from(u8::from(i == j)));
                left.chain(right).collect()
            })
            .collect();
        for i in 0..n {
            let pivot = a[i][i];
            if !(pivot > 0.0 && pivot.is_finite()) {
                return None;
            }
            a[i].iter_mut().for_each(|x| *x /= pivot);
            let row = a[i].clone();
            for (_, other) in a.iter_mut().enumerate().filter(|(j, _)| *j != i) {
                let factor = other[i];
                other
                    .iter_mut()
                    .zip(&row)
                    .for_each(|(o, r)| *o -= factor * r);
            }
        }
        Some(a.into_iter().map(|r| r[n..].to_vec()).collect())
    }
}
