//! Operators that integers compute better in another form.

use crate::ir::{Bias, Clamp, Conv, Graph, Op, Pool, Shape, Values, Weights, Window};

/// Replaces per-channel affine maps by depthwise 1x1 convolutions, and averages over the whole image by means,
/// whose output may have a scale of its own.
pub(super) fn for_integers(graph: &mut Graph) {
    for i in 0..graph.nodes.len() {
        let Some(&input) = graph.nodes[i].inputs.first() else {
            continue;
        };
        let shape = graph.tensor(input).shape;
        let node = &mut graph.nodes[i];
        match &node.op {
            Op::ChannelAffine { scale, shift } => {
                node.op = depthwise(&node.name, scale.clone(), shift.clone());
            }
            Op::AveragePool2d(pool) if is_global(pool, shape) => node.op = Op::Mean,
            Op::Conv2d(_)
            | Op::DepthwiseConv2d(_)
            | Op::FullyConnected(_)
            | Op::Add(_)
            | Op::Clamp(_)
            | Op::Prelu(_)
            | Op::Unary(_)
            | Op::MaxPool2d(_)
            | Op::AveragePool2d(_)
            | Op::Mean
            | Op::Softmax { .. }
            | Op::Pad { .. }
            | Op::Flatten(_)
            | Op::Reshape(_)
            | Op::Identity
            | Op::Quantize
            | Op::Dequantize => {}
        }
    }
}

/// `scale·x + shift` per channel as a convolution.
pub(super) fn depthwise(name: &str, scale: Vec<f32>, shift: Vec<f32>) -> Op {
    let window = Window {
        kernel: [1, 1],
        stride: [1, 1],
        pad_begin: [0, 0],
        pad_end: [0, 0],
    };
    let shape = [scale.len(), 1, 1, 1];
    let weights = Weights {
        name: format!("{name}.scale"),
        shape,
        values: Values::F32(scale),
        scales: Vec::new(),
    };
    Op::DepthwiseConv2d(Conv {
        window,
        weights,
        bias: Bias::F32(shift),
        clamp: Clamp::NONE,
    })
}

fn is_global(pool: &Pool, input: Shape) -> bool {
    pool.window.kernel == [input.h, input.w]
        && pool.window.pad_begin == [0, 0]
        && pool.window.pad_end == [0, 0]
        && pool.clamp == Clamp::NONE
}
