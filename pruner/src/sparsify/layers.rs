//! Which layers are pruned.

use super::{Options, PruneError};
use crate::ir::{Graph, Op};

/// Convolutions of at most this many input channels are left alone: they read the raw input.
const FEW_CHANNELS: usize = 4;

/// Why a layer is pruned or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// By the rule.
    Prunable,
    /// `--include` named it.
    Included,
    /// `--skip` named it.
    Skipped,
    /// Depthwise: few weights, each matters.
    Depthwise,
    /// A convolution of at most four input channels.
    FewInputs,
    /// The last fully connected layer with less than 5 % of the weights.
    SmallLast,
}

impl Choice {
    /// Whether the layer takes part.
    #[must_use]
    pub const fn is_prunable(self) -> bool {
        matches!(self, Self::Prunable | Self::Included)
    }
}

/// Node index and choice of every layer with weights, in order.
pub(super) fn choose(graph: &Graph, options: &Options) -> Result<Vec<(usize, Choice)>, PruneError> {
    let layers: Vec<usize> = (0..graph.nodes.len())
        .filter(|&i| graph.nodes[i].op.weights().is_some())
        .collect();
    let named = |name: &str, i: usize| {
        let node = &graph.nodes[i];
        node.name == name || node.op.weights().is_some_and(|w| w.name == name)
    };
    for name in options.skip.iter().chain(&options.include) {
        if !layers.iter().any(|&i| named(name, i)) {
            return Err(PruneError::UnknownLayer {
                name: name.clone(),
                layers: layers
                    .iter()
                    .map(|&i| graph.nodes[i].name.clone())
                    .collect(),
            });
        }
        if options.skip.contains(name) && options.include.contains(name) {
            return Err(PruneError::SkippedAndIncluded { name: name.clone() });
        }
    }
    let total: usize = layers.iter().map(|&i| len(&graph.nodes[i].op)).sum();
    let last = layers.last().copied();
    let choice = |i: usize| {
        let any = |names: &[String]| names.iter().any(|n| named(n, i));
        if any(&options.skip) {
            Choice::Skipped
        } else if any(&options.include) {
            Choice::Included
        } else {
            by_rule(&graph.nodes[i].op, Some(i) == last, total)
        }
    };
    Ok(layers.into_iter().map(|i| (i, choice(i))).collect())
}

fn by_rule(op: &Op, is_last: bool, total: usize) -> Choice {
    if matches!(op, Op::DepthwiseConv2d(_)) {
        return Choice::Depthwise;
    }
    if let Op::Conv2d(c) = op
        && c.weights.shape[1] <= FEW_CHANNELS
    {
        return Choice::FewInputs;
    }
    if let Op::FullyConnected(f) = op
        && is_last
        && f.weights.len() * 20 < total
    {
        return Choice::SmallLast;
    }
    Choice::Prunable
}

fn len(op: &Op) -> usize {
    op.weights().map_or(0, crate::ir::Weights::len)
}
