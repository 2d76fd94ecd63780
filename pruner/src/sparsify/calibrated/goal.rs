//! What the weights of a layer are to be: a quadratic, and its least value for weights whose zeros are given.
//!
//! ```text
//! tr(W·H·Wᵀ) − 2 tr(W·Tᵀ)        H = cov(Xs) + λ     T = W_dense · cov(Xd, Xs) + λ W_dense
//! ```
//!
//! A sweep moves what a weight contributed only into the columns after it. Conjugate gradients, all rows at once and
//! preconditioned by the diagonal of H, let the columns before it answer as well.

use super::matrix::{Square, dot, times};
use rayon::prelude::*;

/// Steps at most; fewer, but at least [`LEAST`], where they would take more multiplications than these.
const STEPS: usize = 60;
const LEAST: usize = 8;
const WORK: usize = 20_000_000_000;
/// A row is done when its squared residual has shrunk to this part.
const DONE: f64 = 1e-8;

/// Columns of layers for which more is done than one last polish.
const NARROW: usize = 1300;

/// The quadratic of a layer.
#[derive(Debug, Clone)]
pub(super) struct Goal {
    pub(super) h: Square,
    /// T, in rows like the weights.
    pub(super) target: Vec<f64>,
}

impl Goal {
    /// Of inputs with this covariance, and of weights whose product with the dense inputs' covariance is `cross`; both
    /// are damped by `lambda`, towards `weights`.
    pub(super) fn new(own: &Square, lambda: f64, cross: &[f64], weights: &[f64]) -> Self {
        let mut h = own.clone();
        h.add_diagonal(lambda);
        let pairs = cross.iter().zip(weights);
        let target = pairs.map(|(c, w)| c + lambda * w).collect();
        Self { h, target }
    }

    /// Whether the layer is small enough for many solutions.
    pub(super) const fn is_narrow(&self) -> bool {
        self.h.n <= NARROW
    }

    /// Makes the weights of some columns zero wherever the least value lies.
    pub(super) fn without_columns(&mut self, gone: &[usize]) {
        let n = self.h.n;
        for &column in gone {
            self.h.values[column * n..(column + 1) * n].fill(0.0);
            for row in self.h.values.chunks_mut(n) {
                row[column] = 0.0;
            }
            self.h.values[column * n + column] = 1.0;
            for row in self.target.chunks_mut(n) {
                row[column] = 0.0;
            }
        }
    }

    /// The quadratic's value.
    pub(super) fn error(&self, weights: &[f64]) -> f64 {
        let product = times(weights, &self.h);
        let terms = product.iter().zip(&self.target).zip(weights);
        terms.map(|((p, t), w)| w * (p - 2.0 * t)).sum()
    }

    /// Moves the weights that are not zero to where the quadratic is least.
    pub(super) fn polish(&self, weights: &mut [f64]) {
        let n = self.h.n;
        if n == 0 || weights.is_empty() {
            return;
        }
        let free: Vec<bool> = weights.iter().map(|w| *w != 0.0).collect();
        let inverse: Vec<f64> = (0..n).map(|j| 1.0 / self.h.at(j, j)).collect();
        let product = times(weights, &self.h);
        let pairs = self.target.iter().zip(&product);
        let mut residual: Vec<f64> = pairs.map(|(t, p)| t - p).collect();
        clear(&mut residual, &free);
        let lines = residual.chunks(n).zip(weights.chunks_mut(n));
        let mut rows: Vec<Row<'_>> = lines.map(|(r, w)| Row::new(r, w, &inverse)).collect();
        for _ in 0..(WORK / (free.len() * n)).clamp(LEAST, STEPS) {
            let directions: Vec<f64> = rows
                .iter()
                .flat_map(|row| row.direction.iter().copied())
                .collect();
            let mut turned = times(&directions, &self.h);
            clear(&mut turned, &free);
            let lines = rows.par_iter_mut().zip(turned.par_chunks(n));
            lines.for_each(|(row, turned)| row.step(turned, &inverse));
            if rows.iter().all(Row::is_done) {
                break;
            }
        }
    }
}

/// One row on its way.
struct Row<'a> {
    weights: &'a mut [f64],
    residual: Vec<f64>,
    direction: Vec<f64>,
    /// The residual's square by the diagonal, now and at the start.
    now: f64,
    first: f64,
}

impl<'a> Row<'a> {
    fn new(residual: &[f64], weights: &'a mut [f64], inverse: &[f64]) -> Self {
        let direction: Vec<f64> = residual.iter().zip(inverse).map(|(r, i)| r * i).collect();
        let now = dot(&direction, residual);
        Self {
            weights,
            residual: residual.to_vec(),
            direction,
            now,
            first: now,
        }
    }

    fn is_done(&self) -> bool {
        self.now <= DONE * self.first
    }

    /// One step along the direction, whose product with H is `turned`.
    fn step(&mut self, turned: &[f64], inverse: &[f64]) {
        let curve = dot(&self.direction, turned);
        if self.is_done() || curve <= 0.0 {
            return;
        }
        let size = self.now / curve;
        let moved = self.weights.iter_mut().zip(&self.direction);
        moved.for_each(|(w, d)| *w += size * d);
        let left = self.residual.iter_mut().zip(turned);
        left.for_each(|(r, t)| *r -= size * t);
        let scaled: Vec<f64> = self
            .residual
            .iter()
            .zip(inverse)
            .map(|(r, i)| r * i)
            .collect();
        let next = dot(&scaled, &self.residual);
        let turn = next / self.now;
        self.now = next;
        let next = self.direction.iter_mut().zip(scaled);
        next.for_each(|(d, s)| *d = s + turn * *d);
    }
}

/// Zero wherever the weights may not be anything else.
fn clear(values: &mut [f64], free: &[bool]) {
    let pairs = values.iter_mut().zip(free);
    pairs.filter(|(_, f)| !**f).for_each(|(v, _)| *v = 0.0);
}
