//! Tries what a layer does at several sparsities, in a network whose other layers are dense.

use super::super::{Options, PruneError};
use super::stream::Stream;
use super::{Calibration, failed, layer, patches_of_each, stream};
use crate::ir::Graph;

/// Samples somewhere in a network, for trying.
#[derive(Clone)]
pub(crate) struct Probe {
    stream: Stream,
    samples: usize,
}

impl Probe {
    /// The samples at the network's input.
    pub(crate) fn new(graph: &Graph, calibration: &Calibration<'_>) -> Result<Self, PruneError> {
        let (stream, samples) = stream(graph, calibration)?;
        Ok(Self { stream, samples })
    }

    /// Runs the nodes before `to`.
    pub(crate) fn advance(&mut self, graph: &Graph, to: usize) -> Result<(), PruneError> {
        self.stream.advance(graph, to).map_err(failed)
    }

    /// Runs the rest; the real outputs of every sample.
    pub(crate) fn outputs(&mut self, graph: &Graph) -> Result<Vec<Vec<f32>>, PruneError> {
        self.advance(graph, graph.nodes.len())?;
        Ok(self.stream.outputs(graph))
    }

    /// The network with one layer pruned, once for every sparsity.
    pub(crate) fn solve(
        &mut self,
        graph: &Graph,
        node: usize,
        levels: &[f64],
        options: &Options,
    ) -> Result<Vec<Graph>, PruneError> {
        self.advance(graph, node)?;
        let each = patches_of_each(graph, node, self.samples);
        let patches = self.stream.patches(graph, node, each, options.seed);
        layer::at_levels(graph, node, options.pattern, levels, patches)
            .map_err(|reason| failed(format!("layer '{}': {reason}", graph.nodes[node].name)))
    }
}
