//! Calibration samples that advance through a network layer by layer.
//!
//! Only the tensors that later nodes read are kept, so one pass over the network serves all layers:
//!
//! ```text
//! nodes:  [0 … a)  done   |  [a … b)  next segment  |  [b …)
//! live at a = written before a, read from a on      →  live at b
//! ```

use super::matrix::Rows;
use super::patches::{cut, pick};
use crate::data::Samples;
use crate::interpret::{Interpreter, Value};
use crate::ir::{Graph, TensorId, Weights};
use rayon::prelude::*;

/// All samples at one point of a network.
pub(super) struct Stream {
    at: usize,
    live: Vec<TensorId>,
    /// Per sample, the values of the live tensors.
    values: Vec<Vec<Value>>,
}

impl Stream {
    pub(super) fn new(graph: &Graph, samples: &Samples<'_>, n: usize) -> Self {
        let values = (0..n).map(|i| vec![Value::F32(samples.get(i))]).collect();
        Self {
            at: 0,
            live: graph.inputs.clone(),
            values,
        }
    }

    /// Runs the nodes before `to`.
    pub(super) fn advance(&mut self, graph: &Graph, to: usize) -> Result<(), String> {
        if to <= self.at {
            return Ok(());
        }
        let live = live(graph, to);
        let segment = Graph {
            nodes: graph.nodes[self.at..to].to_vec(),
            inputs: self.live.clone(),
            outputs: live.clone(),
            ..graph.clone()
        };
        let interpreter = Interpreter::new(&segment).map_err(|e| e.to_string())?;
        self.values
            .par_iter_mut()
            .map(|values| interpreter.run(values).map(|next| *values = next))
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Result<(), _>>()
            .map_err(|e| e.to_string())?;
        (self.at, self.live) = (to, live);
        Ok(())
    }

    /// What the layer at `node` multiplies its weights with: `per_sample` patches of every sample, columns in
    /// tap, channel order.
    pub(super) fn patches(&self, graph: &Graph, node: usize, per_sample: usize, seed: u64) -> Rows {
        let node = &graph.nodes[node];
        let Some(index) = self
            .live
            .iter()
            .position(|t| node.inputs.first() == Some(t))
        else {
            return Rows::default();
        };
        let cols = node.op.weights().map_or(0, Weights::row_len);
        let shape = graph.tensor(self.live[index]).shape;
        let output = graph.tensor(node.output).shape;
        let values = self
            .values
            .par_iter()
            .enumerate()
            .flat_map_iter(|(i, values)| match &values[index] {
                Value::F32(x) => cut(
                    &node.op,
                    shape,
                    output,
                    x,
                    &pick(output.pixels(), per_sample, seed, i),
                ),
                Value::S8(_) => Vec::new(),
            })
            .collect();
        Rows { cols, values }
    }
}

/// Tensors that are written before `to` and read from there on.
fn live(graph: &Graph, to: usize) -> Vec<TensorId> {
    let written = graph.nodes[..to].iter().map(|n| n.output);
    let later = &graph.nodes[to..];
    graph
        .inputs
        .iter()
        .copied()
        .chain(written)
        .filter(|t| graph.outputs.contains(t) || later.iter().any(|n| n.inputs.contains(t)))
        .collect()
}
