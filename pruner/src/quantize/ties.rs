//! Which tensors share a scale: operators that only move or select values keep their input's.

use crate::ir::{Binary, BinaryKind, Graph, Op, TensorId};

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

/// Whether an operator gives all its inputs and its output one scale.
pub(super) const fn joins(op: &Op) -> bool {
    matches!(
        op,
        Op::Rearrange(_)
            | Op::Binary(Binary {
                kind: BinaryKind::Minimum | BinaryKind::Maximum,
                ..
            })
    )
}

/// For every root, the first of the roots that operators with several inputs give one scale with it.
pub(super) fn joined(graph: &Graph, roots: &[TensorId]) -> Vec<TensorId> {
    let mut joined: Vec<TensorId> = (0..graph.tensors.len()).map(TensorId).collect();
    for node in graph.nodes.iter().filter(|n| joins(&n.op)) {
        let members = node.inputs.iter().chain([&node.output]);
        let groups: Vec<TensorId> = members.map(|t| joined[roots[t.0].0]).collect();
        let first = groups.iter().copied().min().unwrap_or(node.output);
        for group in joined.iter_mut().filter(|g| groups.contains(g)) {
            *group = first;
        }
    }
    joined
}

/// Whether the output has the scale of the input (of all inputs).
pub(super) const fn keeps_scale(op: &Op) -> bool {
    match op {
        Op::MaxPool2d(_)
        | Op::AveragePool2d(_)
        | Op::Pad { .. }
        | Op::Flatten(_)
        | Op::Reshape(_)
        | Op::PadChannels { .. }
        | Op::Resize(_)
        | Op::Rearrange(_)
        | Op::Identity => true,
        Op::Conv2d(_)
        | Op::DepthwiseConv2d(_)
        | Op::FullyConnected(_)
        | Op::ChannelAffine { .. }
        | Op::Add(_)
        | Op::Clamp(_)
        | Op::Prelu(_)
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Mean
        | Op::Softmax { .. }
        | Op::Quantize
        | Op::Dequantize => false,
    }
}
