//! What a network with fewer channels would cost.

use crate::ir::Graph;
use crate::sparsify::groups::{Group, is_depthwise};

/// Live channels of every layer with weights, and what they cost.
#[derive(Debug, Clone)]
pub(super) struct Size {
    layers: Vec<Layer>,
}

#[derive(Debug, Clone, Copy)]
struct Layer {
    rows: u64,
    columns: u64,
    taps: u64,
    pixels: u64,
    depthwise: bool,
}

/// Multiply-accumulates and weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) macs: u64,
    pub(super) weights: u64,
}

impl Layer {
    const fn weights(&self) -> u64 {
        let columns = if self.depthwise { 1 } else { self.columns };
        self.rows * columns * self.taps
    }
}

impl Size {
    /// The whole network.
    pub(super) fn of(graph: &Graph) -> Self {
        let layer = |i: usize| {
            let node = &graph.nodes[i];
            let channels = graph.tensor(node.inputs[0]).shape.c;
            let depthwise = is_depthwise(graph, i);
            let (rows, row_len) = node
                .op
                .weights()
                .map_or((0, 0), |w| (w.shape[0], w.row_len()));
            Layer {
                rows: rows as u64,
                columns: channels as u64,
                taps: if depthwise {
                    row_len
                } else {
                    row_len / channels
                } as u64,
                pixels: graph.tensor(node.output).shape.pixels() as u64,
                depthwise,
            }
        };
        Self {
            layers: (0..graph.nodes.len()).map(layer).collect(),
        }
    }

    /// The cost of what is left.
    pub(super) fn cost(&self) -> Cost {
        let sum = |f: &dyn Fn(&Layer) -> u64| self.layers.iter().map(f).sum();
        Cost {
            macs: sum(&|l| l.weights() * l.pixels),
            weights: sum(&Layer::weights),
        }
    }

    /// Takes a group away.
    pub(super) fn remove(&mut self, group: &Group) {
        for (node, _) in &group.writers {
            self.layers[*node].rows -= 1;
        }
        for (node, _) in &group.readers {
            self.layers[*node].columns -= 1;
        }
    }

    /// What taking a group away saves.
    pub(super) fn saving(&self, group: &Group) -> Cost {
        let mut rest = self.clone();
        rest.remove(group);
        let (now, then) = (self.cost(), rest.cost());
        Cost {
            macs: now.macs - then.macs,
            weights: now.weights - then.weights,
        }
    }
}
