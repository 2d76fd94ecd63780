//! The graph with only the channels that remain.

use super::range::Range;
use super::rows::Rows;
use crate::arith;
use crate::ir::{Bias, Graph, Node, Op, Order, Rearrange, Shape, Tensor, Values};

/// Cuts rows, columns, biases and shapes down to what remains, and notes which layers shrank.
pub(super) fn apply(graph: &mut Graph, ranges: &[Vec<Range>], kept: &[Vec<bool>]) {
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let flags = &kept[node.output.0];
        let input = &kept[node.inputs[0].0];
        if let Some(layer) = Layer::remaining(graph, node, ranges, kept) {
            let (all, left) = (ranges[node.output.0].len(), layer.rows);
            if left < all {
                let note = format!(
                    "{} '{}': {all} → {left} channels",
                    node.op.name(),
                    node.name
                );
                graph.notes.push(note);
            }
            layer.write(&mut graph.nodes[index].op);
        } else if let Op::ChannelAffine { scale, shift } = &mut graph.nodes[index].op {
            *scale = select(scale, flags);
            *shift = select(shift, flags);
        } else if let Op::Rearrange(rearrange) = &mut graph.nodes[index].op {
            narrow(rearrange, input, flags);
        } else if let Op::Prelu(slopes) = &mut graph.nodes[index].op {
            *slopes = slopes.select(flags);
        }
    }
    for (tensor, flags) in graph.tensors.iter_mut().zip(kept) {
        resize(tensor, flags.iter().filter(|k| **k).count());
    }
}

/// A slice of what remains of its input.
fn narrow(rearrange: &mut Rearrange, input: &[bool], output: &[bool]) {
    let Rearrange::Slice { begin, step, size } = rearrange else {
        return;
    };
    if step[0] == 1 {
        let before = input.iter().take(begin[0]);
        begin[0] = before.filter(|k| **k).count();
        size[0] = output.iter().filter(|k| **k).count();
    }
}

fn select<T: Copy>(values: &[T], flags: &[bool]) -> Vec<T> {
    let pairs = values.iter().zip(flags);
    pairs.filter(|(_, keep)| **keep).map(|(v, _)| *v).collect()
}

/// A tensor with another number of channels; the source's view of it shrinks alike.
fn resize(tensor: &mut Tensor, channels: usize) {
    let old = tensor.shape;
    if channels == old.c || channels == 0 {
        return;
    }
    tensor.shape = Shape::new(channels, old.h, old.w);
    tensor.source.dims = match tensor.source.order {
        _ if old.pixels() == 1 => vec![1, channels],
        Order::Nchw => vec![1, channels, old.h, old.w],
        Order::Nhwc => vec![1, old.h, old.w, channels],
    };
}

/// A layer's new weights.
struct Layer {
    rows: usize,
    columns: usize,
    /// In `[row][column][tap]` order; exact in `f64` for both types.
    weights: Vec<f64>,
    scales: Vec<f32>,
    bias: Vec<f64>,
}

impl Layer {
    /// What remains of a node's weights; `None` for nodes without.
    fn remaining(
        graph: &Graph,
        node: &Node,
        ranges: &[Vec<Range>],
        kept: &[Vec<bool>],
    ) -> Option<Self> {
        let view = Rows::of(graph, node)?;
        let depthwise = matches!(node.op, Op::DepthwiseConv2d(_));
        let (inputs, outputs) = (&ranges[node.inputs[0].0], &ranges[node.output.0]);
        let (kept_in, kept_out) = (&kept[node.inputs[0].0], &kept[node.output.0]);
        let mut layer = Self {
            rows: kept_out.iter().filter(|k| **k).count(),
            columns: kept_in.iter().filter(|k| **k).count(),
            weights: Vec::new(),
            scales: select(&node.op.weights()?.scales, kept_out),
            bias: Vec::new(),
        };
        for row in (0..view.len()).filter(|r| kept_out[*r]) {
            let constant = outputs[row].constant();
            let mut bias = view.bias(row);
            for c in view.channels(row) {
                let folded = inputs[c].constant().and_then(|v| view.constant(row, c, v));
                bias += folded.unwrap_or(0.0);
                if kept_in[c] || depthwise {
                    let zero = folded.is_some() || constant.is_some();
                    let taps = view.weights(row, c);
                    layer
                        .weights
                        .extend(taps.map(|w| if zero { 0.0 } else { w }));
                }
            }
            if let Some(value) = constant {
                let integer = graph.tensor(node.output).quant.is_some();
                let (acc, _) = view.accumulator(row, inputs);
                bias = if integer { acc.lo } else { value };
            }
            layer.bias.push(bias);
        }
        Some(layer)
    }

    fn write(self, op: &mut Op) {
        let depthwise = matches!(op, Op::DepthwiseConv2d(_));
        let fully_connected = matches!(op, Op::FullyConnected(_));
        let Some((weights, bias, _)) = op.layer_mut() else {
            return;
        };
        let row_len = self.weights.len() / self.rows.max(1);
        weights.shape[0] = self.rows;
        weights.shape[1] = match (depthwise, fully_connected) {
            (true, _) => 1,
            (_, true) => row_len,
            _ => self.columns,
        };
        weights.scales = self.scales;
        weights.values = match weights.values {
            Values::F32(_) => Values::F32(self.weights.iter().map(|w| single(*w)).collect()),
            Values::S8(_) => Values::S8(self.weights.iter().map(|w| integer(*w)).collect()),
        };
        let integers = matches!(weights.values, Values::S8(_));
        if matches!(bias, Bias::None) && self.bias.iter().all(|b| *b == 0.0) {
            return;
        }
        *bias = if integers {
            Bias::S32(self.bias.iter().map(|b| wrapped(*b)).collect())
        } else {
            Bias::F32(self.bias.iter().map(|b| single(*b)).collect())
        };
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an f32 weight or bias is meant"
)]
const fn single(x: f64) -> f32 {
    x as f32
}

fn integer(x: f64) -> i8 {
    arith::to_s8(arith::round_half_away(x))
}

/// An accumulator modulo 2^32, as devices compute it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "sums of i8 products stay below 2^53; the low 32 bits are meant"
)]
const fn wrapped(x: f64) -> i32 {
    x as i64 as i32
}
