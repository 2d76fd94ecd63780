//! How much each group of channels matters.

use crate::ir::{Graph, Values, Weights};
use crate::sparsify::calibrated::{Reader, Readers};
use crate::sparsify::groups::{Group, is_depthwise};

/// A judge of groups; it learns of those that have left.
pub(super) trait Judge {
    /// What is lost when the group leaves next.
    fn loss(&self, group: &Group) -> f64;
    /// The group has left.
    fn left(&mut self, group: &Group);
}

/// Sums of |w|ᵖ of the filters, each by the mean of its layer.
pub(super) struct Norms {
    /// Per node and filter.
    norms: Vec<Vec<f64>>,
}

impl Norms {
    /// Norms of every filter, p = 1 or 2.
    pub(super) fn of(graph: &Graph, p: i32) -> Self {
        let of_node = |i: usize| match graph.nodes[i].op.weights() {
            Some(w) if !is_depthwise(graph, i) => relative(rows(w, p)),
            Some(_) | None => Vec::new(),
        };
        Self {
            norms: (0..graph.nodes.len()).map(of_node).collect(),
        }
    }
}

impl Judge for Norms {
    fn loss(&self, group: &Group) -> f64 {
        let filter = |(node, row): &(usize, usize)| self.norms[*node].get(*row);
        let norms: Vec<f64> = group.writers.iter().filter_map(filter).copied().collect();
        mean(&norms)
    }

    fn left(&mut self, _: &Group) {}
}

fn rows(weights: &Weights, p: i32) -> Vec<f64> {
    let len = weights.row_len().max(1);
    match &weights.values {
        Values::F32(v) => v
            .chunks(len)
            .map(|r| r.iter().map(|w| f64::from(w.abs()).powi(p)).sum())
            .collect(),
        Values::S8(v) => v
            .chunks(len)
            .zip(&weights.scales)
            .map(|(r, s)| {
                let real = |q: &i8| f64::from(*s) * f64::from(q.unsigned_abs());
                r.iter().map(|q| real(q).powi(p)).sum()
            })
            .collect(),
    }
}

fn relative(norms: Vec<f64>) -> Vec<f64> {
    let mean = mean(&norms).max(f64::MIN_POSITIVE);
    norms.into_iter().map(|n| n / mean).collect()
}

#[expect(clippy::cast_precision_loss, reason = "channels are far below 2^52")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The error that the readers' outputs keep after a least-squares correction, by their energy.
pub(super) struct Reconstruction {
    pub(super) readers: Readers,
}

impl Judge for Reconstruction {
    fn loss(&self, group: &Group) -> f64 {
        let of_reader = |(node, channel): &(usize, usize)| {
            let reader = self.readers.get(node);
            reader.map_or(0.0, |r: &Reader| r.loss(*channel))
        };
        group.readers.iter().map(of_reader).sum()
    }

    fn left(&mut self, group: &Group) {
        for (node, channel) in &group.readers {
            if let Some(reader) = self.readers.get_mut(node) {
                reader.remove(*channel);
            }
        }
        for (node, row) in &group.writers {
            if let Some(reader) = self.readers.get_mut(node) {
                reader.silence(*row);
            }
        }
    }
}
