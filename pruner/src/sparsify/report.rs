//! What pruning did, layer by layer.

use super::{Choice, Options};
use crate::ir::{Graph, Weights};
use serde::Serialize;

/// One layer with weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerSparsity {
    /// The node's name.
    pub name: String,
    /// The operator's name.
    pub op: &'static str,
    /// Why it takes part or not.
    pub choice: Choice,
    /// Number of weights.
    pub weights: usize,
    /// Nonzeros before.
    pub nonzeros_before: usize,
    /// Nonzeros after.
    pub nonzeros: usize,
}

/// Every layer with weights, and how the zeros were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SparsityReport {
    /// The method's name.
    pub method: &'static str,
    /// The pattern as on the command line.
    pub pattern: String,
    /// Layers in execution order.
    pub layers: Vec<LayerSparsity>,
}

impl SparsityReport {
    pub(super) fn new(
        graph: &Graph,
        choices: &[(usize, Choice)],
        before: &[usize],
        options: &Options,
    ) -> Self {
        let layer = |(&(i, choice), &nonzeros_before): (&(usize, Choice), &usize)| {
            let node = &graph.nodes[i];
            LayerSparsity {
                name: node.name.clone(),
                op: node.op.name(),
                choice,
                weights: node.op.weights().map_or(0, Weights::len),
                nonzeros_before,
                nonzeros: node.op.weights().map_or(0, Weights::nonzeros),
            }
        };
        Self {
            method: options.method.row().name,
            pattern: options.pattern.to_string(),
            layers: choices.iter().zip(before).map(layer).collect(),
        }
    }

    /// Zeros / weights of the prunable layers; 0 if there are none.
    #[must_use]
    pub fn sparsity(&self) -> f64 {
        sparsity(self.layers.iter().filter(|l| l.choice.is_prunable()))
    }

    /// Zeros / weights of all layers.
    #[must_use]
    pub fn sparsity_of_all(&self) -> f64 {
        sparsity(self.layers.iter())
    }
}

impl LayerSparsity {
    /// Zeros / weights.
    #[must_use]
    pub fn sparsity(&self) -> f64 {
        sparsity(core::iter::once(self))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "weight counts are far below 2^52"
)]
fn sparsity<'a>(layers: impl Iterator<Item = &'a LayerSparsity>) -> f64 {
    let (weights, nonzeros) = layers.fold((0, 0), |(w, n), l| (w + l.weights, n + l.nonzeros));
    if weights == 0 {
        0.0
    } else {
        (weights - nonzeros) as f64 / weights as f64
    }
}

pub(super) fn nonzeros(graph: &Graph, choices: &[(usize, Choice)]) -> Vec<usize> {
    choices
        .iter()
        .map(|(i, _)| graph.nodes[*i].op.weights().map_or(0, Weights::nonzeros))
        .collect()
}
