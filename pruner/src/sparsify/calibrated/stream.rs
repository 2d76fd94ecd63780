//! Calibration samples that advance through a network layer by layer.
//!
//! Only the tensors that later nodes read are kept, so one pass over the network serves all layers:
//!
//! ```text
//! nodes:  [0 … a)  done   |  [a … b)  next segment  |  [b …)
//! live at a = written before a, read from a on      →  live at b
//! ```

use super::gram::Rows;
use super::patches::{columns, cut, pick};
use crate::arith::Rounding;
use crate::data::Samples;
use crate::interpret::{Interpreter, Value};
use crate::ir::{Graph, TensorId};
use core::ops::Range;
use rayon::prelude::*;

/// All samples at one point of a network.
#[derive(Clone)]
pub(super) struct Stream {
    at: usize,
    live: Vec<TensorId>,
    /// Per sample, the values of the live tensors.
    values: Vec<Vec<Value>>,
    rounding: Rounding,
}

impl Stream {
    /// The samples of `range` at the network's inputs, of which `samples` has one each.
    pub(super) fn new(
        graph: &Graph,
        samples: &[Samples<'_>],
        range: Range<usize>,
        rounding: Rounding,
    ) -> Self {
        let value =
            |(id, samples): (&TensorId, &Samples<'_>), i: usize| match graph.tensor(*id).quant {
                Some(quant) => Value::S8(samples.get_s8(i, quant)),
                None => Value::F32(samples.get(i)),
            };
        let row = |i: usize| {
            let ports = graph.inputs.iter().zip(samples);
            ports.map(|port| value(port, i)).collect()
        };
        let values = range.map(row).collect();
        Self {
            at: 0,
            live: graph.inputs.clone(),
            values,
            rounding,
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
        let interpreter =
            Interpreter::with_rounding(&segment, self.rounding).map_err(|e| e.to_string())?;
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

    /// The real outputs of every sample, one after the other, at the network's end.
    pub(super) fn outputs(&self, graph: &Graph) -> Vec<Vec<f32>> {
        let place = |id: &TensorId| self.live.iter().position(|t| t == id);
        let of_sample = |values: &Vec<Value>| {
            let ends = graph.outputs.iter().filter_map(|id| Some((id, place(id)?)));
            ends.flat_map(|(id, at)| values[at].to_real(graph.tensor(*id)))
                .collect()
        };
        self.values.iter().map(of_sample).collect()
    }

    /// What the layer at `node` multiplies its weights with: `per_sample` patches of every sample, columns in
    /// tap, channel order, as real numbers.
    pub(super) fn patches(&self, graph: &Graph, node: usize, per_sample: usize, seed: u64) -> Rows {
        let node = &graph.nodes[node];
        let Some(index) = self
            .live
            .iter()
            .position(|t| node.inputs.first() == Some(t))
        else {
            return Rows::default();
        };
        let input = graph.tensor(self.live[index]);
        let cols = columns(&node.op, input.shape);
        let output = graph.tensor(node.output).shape;
        let of_sample = |(i, values): (usize, &Vec<Value>)| {
            let positions = pick(output.pixels(), per_sample, seed, i);
            let real = values[index].to_real(input);
            cut(&node.op, input.shape, output, &real, &positions)
        };
        let values = self
            .values
            .par_iter()
            .enumerate()
            .flat_map_iter(of_sample)
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
