//! Chooses groups of weights to zero: saliency, order, count.

use super::{Alloc, Pattern};
use crate::ir::{Values, Weights};

/// One layer's weights as the methods see them: real magnitudes.
pub(super) struct Layer<'a> {
    pub(super) weights: &'a mut Weights,
    /// Real |w| of every weight.
    magnitudes: Vec<f64>,
}

impl<'a> Layer<'a> {
    pub(super) fn new(weights: &'a mut Weights) -> Self {
        let row = weights.row_len();
        let magnitudes = match &weights.values {
            Values::F32(v) => v.iter().map(|w| f64::from(w.abs())).collect(),
            Values::S8(v) => {
                let real = |(i, q): (usize, &i8)| {
                    f64::from(weights.scales[i / row]) * f64::from(q.unsigned_abs())
                };
                v.iter().enumerate().map(real).collect()
            }
        };
        Self {
            weights,
            magnitudes,
        }
    }

    fn zeros(&self) -> usize {
        self.weights.len() - self.weights.nonzeros()
    }

    fn is_zero(&self, i: usize) -> bool {
        match &self.weights.values {
            Values::F32(v) => v[i] == 0.0,
            Values::S8(v) => v[i] == 0,
        }
    }

    fn clear(&mut self, i: usize) {
        match &mut self.weights.values {
            Values::F32(v) => v[i] = 0.0,
            Values::S8(v) => v[i] = 0,
        }
    }
}

/// Zeroes every group whose largest weight is at most `limit`.
pub(super) fn threshold(layer: &mut Layer<'_>, pattern: Pattern, limit: f64) {
    let grid = pattern.grid(layer.weights.shape);
    for g in 0..grid.len() {
        if grid.group(g).all(|i| layer.magnitudes[i] <= limit) {
            grid.group(g).for_each(|i| layer.clear(i));
        }
    }
}

/// Zeroes all but the `n` largest weights of every group; of equal ones the first stay.
pub(super) fn n_of_m(layer: &mut Layer<'_>, pattern: Pattern, n: usize) {
    let grid = pattern.grid(layer.weights.shape);
    for g in 0..grid.len() {
        let mut members: Vec<usize> = grid.group(g).collect();
        members.sort_by(|a, b| layer.magnitudes[*b].total_cmp(&layer.magnitudes[*a]));
        members.iter().skip(n).for_each(|i| layer.clear(*i));
    }
}

/// Zeroes the groups of least saliency until `sparsity` of the weights are zero.
pub(super) fn magnitude(layers: &mut [Layer<'_>], pattern: Pattern, sparsity: f64, alloc: Alloc) {
    match alloc {
        Alloc::Layer => {
            for l in layers {
                let candidates = candidates(core::slice::from_ref(l), pattern, false);
                clear_until(core::slice::from_mut(l), pattern, sparsity, candidates);
            }
        }
        Alloc::Global => {
            let candidates = candidates(layers, pattern, false);
            clear_until(layers, pattern, sparsity, candidates);
        }
        Alloc::Lamp => {
            let candidates = candidates(layers, pattern, true);
            clear_until(layers, pattern, sparsity, candidates);
        }
    }
}

/// The share of zeros that an allocation by magnitude gives every layer.
#[expect(
    clippy::cast_precision_loss,
    reason = "weight counts are far below 2^52"
)]
pub(super) fn shares(
    layers: &mut [Layer<'_>],
    pattern: Pattern,
    sparsity: f64,
    alloc: Alloc,
) -> Vec<f64> {
    if alloc == Alloc::Layer {
        return vec![sparsity; layers.len()];
    }
    let mut copies: Vec<Weights> = layers.iter().map(|l| l.weights.clone()).collect();
    let mut copies: Vec<Layer<'_>> = copies.iter_mut().map(Layer::new).collect();
    magnitude(&mut copies, pattern, sparsity, alloc);
    copies
        .iter()
        .map(|l| l.zeros() as f64 / l.weights.len() as f64)
        .collect()
}

/// A group with its saliency.
struct Candidate {
    saliency: f64,
    layer: usize,
    group: usize,
}

/// All groups, least salient first; ties by layer and position.
fn candidates(layers: &[Layer<'_>], pattern: Pattern, lamp: bool) -> Vec<Candidate> {
    let mut all = Vec::new();
    for (layer, l) in layers.iter().enumerate() {
        let grid = pattern.grid(l.weights.shape);
        let mut own: Vec<Candidate> = (0..grid.len())
            .map(|group| Candidate {
                saliency: mean_square(l, grid.group(group)),
                layer,
                group,
            })
            .collect();
        if lamp {
            own.sort_by(|a, b| a.saliency.total_cmp(&b.saliency));
            relate_to_tail(&mut own);
        }
        all.extend(own);
    }
    all.sort_by(|a, b| {
        let place = |c: &Candidate| (c.layer, c.group);
        a.saliency
            .total_cmp(&b.saliency)
            .then(place(a).cmp(&place(b)))
    });
    all
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a group has at most 4096 weights"
)]
fn mean_square(layer: &Layer<'_>, group: impl Iterator<Item = usize>) -> f64 {
    let (mut sum, mut n) = (0.0, 0usize);
    for i in group {
        sum += layer.magnitudes[i] * layer.magnitudes[i];
        n += 1;
    }
    sum / n as f64
}

/// LAMP: each saliency by the sum of those that are at least as large in its layer.
fn relate_to_tail(ascending: &mut [Candidate]) {
    let mut tail = 0.0;
    for c in ascending.iter_mut().rev() {
        tail += c.saliency;
        if tail > 0.0 {
            c.saliency /= tail;
        }
    }
}

/// Clears candidates in order while that brings the number of zeros nearer to the wanted one.
fn clear_until(
    layers: &mut [Layer<'_>],
    pattern: Pattern,
    sparsity: f64,
    candidates: Vec<Candidate>,
) {
    let total: usize = layers.iter().map(|l| l.weights.len()).sum();
    let wanted = share(total, sparsity);
    let mut zeros: usize = layers.iter().map(Layer::zeros).sum();
    for c in candidates {
        let layer = &mut layers[c.layer];
        let grid = pattern.grid(layer.weights.shape);
        let gain = grid.group(c.group).filter(|i| !layer.is_zero(*i)).count();
        if zeros + gain > wanted && (zeros + gain - wanted) * 2 > gain {
            break;
        }
        grid.group(c.group).for_each(|i| layer.clear(i));
        zeros += gain;
    }
}

/// `fraction` of `total`, rounded.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 <= fraction < 1 and total is far below 2^52"
)]
pub(super) fn share(total: usize, fraction: f64) -> usize {
    (total as f64 * fraction).round() as usize
}
