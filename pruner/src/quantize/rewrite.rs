//! Operators that integers compute better in another form.

use super::{fixed_quant, log_softmax, ties};
use crate::ir::{
    Bias, Clamp, Conv, Graph, Node, Op, Pool, Shape, TensorId, Values, Weights, Window,
};

/// Replaces per-channel affine maps by depthwise 1x1 convolutions, and averages over the whole image by means,
/// whose output may have a scale of its own, and logarithms of softmaxes by distances to the largest. Done again it
/// changes nothing.
pub fn for_integers(graph: &mut Graph) {
    log_softmax::rewrite(graph);
    separate(graph);
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
            | Op::Binary(_)
            | Op::Rearrange(_)
            | Op::PadChannels { .. }
            | Op::Resize(_)
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

/// Puts a change of scale between operators that give their inputs one scale and inputs whose scale is fixed.
fn separate(graph: &mut Graph) {
    let mut at = 0;
    while at < graph.nodes.len() {
        let count = graph.nodes[at].inputs.len();
        if !ties::joins(&graph.nodes[at].op) || count < 2 {
            at += 1;
            continue;
        }
        for i in 0..count {
            let input = graph.nodes[at].inputs[i];
            if !is_fixed(graph, input) {
                continue;
            }
            let mut tensor = graph.tensor(input).clone();
            tensor.name = format!("{}/scale{i}", graph.nodes[at].name);
            let name = tensor.name.clone();
            let output = graph.add_tensor(tensor);
            graph.nodes[at].inputs[i] = output;
            let node = Node {
                name,
                op: Op::Clamp(Clamp::NONE),
                inputs: vec![input],
                output,
                source_index: None,
            };
            graph.nodes.insert(at, node);
            at += 1;
        }
        at += 1;
    }
}

/// Whether the input contract or an operator's definition fixes the scale of a tensor.
fn is_fixed(graph: &Graph, tensor: TensorId) -> bool {
    let root = ties::roots(graph)[tensor.0];
    let producer = graph.producer(root).map(|n| &graph.nodes[n].op);
    graph.inputs.contains(&root) || producer.is_some_and(|op| fixed_quant(op).is_some())
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

/// Whether a pool averages the whole image, without bounds.
pub(super) fn is_global(pool: &Pool, input: Shape) -> bool {
    pool.window.kernel == [input.h, input.w]
        && pool.window.pad_begin == [0, 0]
        && pool.window.pad_end == [0, 0]
        && pool.clamp == Clamp::NONE
}
