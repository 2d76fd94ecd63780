//! Activations into the bounds of the operator before.

use super::rewrite::{bypass, private_producer};
use crate::arith::{self, Rounding};
use crate::ir::{Clamp, Graph, Op};

/// Fuses every [`Op::Clamp`] whose input only it reads; integer activations only where both sides have one scale.
pub(super) fn fuse(mut graph: Graph, _: Rounding) -> Result<Graph, String> {
    let mut index = 0;
    while index < graph.nodes.len() {
        if !fuse_one(&mut graph, index) {
            index += 1;
        }
    }
    Ok(graph)
}

fn fuse_one(graph: &mut Graph, index: usize) -> bool {
    let node = &graph.nodes[index];
    let Op::Clamp(outer) = node.op else {
        return false;
    };
    let (input, output) = (graph.tensor(node.inputs[0]), graph.tensor(node.output));
    if input.quant != output.quant || input.dtype != output.dtype {
        return false;
    }
    let without_effect = match output.quant {
        Some(q) => arith::activation_bounds(outer, q) == (i8::MIN, i8::MAX),
        None => outer == Clamp::NONE,
    };
    if without_effect {
        return bypass(graph, index);
    }
    let Some(producer) = private_producer(graph, index) else {
        return false;
    };
    let Some(inner) = bounds(&mut graph.nodes[producer].op).map(|inner| *inner) else {
        return false;
    };
    if !bypass(graph, index) {
        return false;
    }
    if let Some(bounds) = bounds(&mut graph.nodes[producer].op) {
        let then = |x: f32| x.max(outer.lo).min(outer.hi);
        *bounds = Clamp {
            lo: then(inner.lo),
            hi: then(inner.hi),
        };
    }
    true
}

/// The bounds that an operator applies to its output.
const fn bounds(op: &mut Op) -> Option<&mut Clamp> {
    match op {
        Op::Conv2d(c) | Op::DepthwiseConv2d(c) => Some(&mut c.clamp),
        Op::FullyConnected(f) => Some(&mut f.clamp),
        Op::MaxPool2d(p) | Op::AveragePool2d(p) => Some(&mut p.clamp),
        Op::Add(clamp) | Op::Clamp(clamp) => Some(clamp),
        Op::Binary(binary) => Some(&mut binary.clamp),
        Op::ChannelAffine { .. }
        | Op::Prelu(_)
        | Op::Unary(_)
        | Op::Rearrange(_)
        | Op::PadChannels { .. }
        | Op::Resize(_)
        | Op::Mean
        | Op::Softmax { .. }
        | Op::Pad { .. }
        | Op::Flatten(_)
        | Op::Reshape(_)
        | Op::Identity
        | Op::Quantize
        | Op::Dequantize => None,
    }
}
