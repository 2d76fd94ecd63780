//! Which tensors share a scale: operators that only move or select values keep their input's.

use crate::ir::{Graph, Op, TensorId};

/// For every tensor, the tensor whose quantisation it has (often itself).
pub(super) fn roots(graph: &Graph) -> Vec<TensorId> {
    let mut roots: Vec<TensorId> = (0..graph.tensors.len()).map(TensorId).collect();
    for node in &graph.nodes {
        if keeps_scale(&node.op)
            && let Some(input) = node.inputs.first()
        {
            roots[node.output.0] = roots[input.0];
        }
    }
    roots
}

const fn keeps_scale(op: &Op) -> bool {
    match op {
        Op::MaxPool2d(_)
        | Op::AveragePool2d(_)
        | Op::Pad { .. }
        | Op::Flatten(_)
        | Op::Reshape(_)
        | Op::Identity => true,
        Op::Conv2d(_)
        | Op::DepthwiseConv2d(_)
        | Op::FullyConnected(_)
        | Op::ChannelAffine { .. }
        | Op::Add(_)
        | Op::Clamp(_)
        | Op::Prelu(_)
        | Op::Unary(_)
        | Op::Mean
        | Op::Softmax { .. }
        | Op::Quantize
        | Op::Dequantize => false,
    }
}
