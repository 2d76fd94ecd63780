//! Per-channel scale and shift (batch normalisation at inference) into the layer before.
//!
//! `scale·(W·x + b) + shift = (scale·W)·x + (scale·b + shift)`. Without such a layer in front, the operator becomes a
//! depthwise 1x1 convolution.

use super::rewrite::{bypass, private_producer};
use crate::arith::Rounding;
use crate::ir::{Bias, Clamp, Conv, Graph, Op, Values, Weights, Window};

/// Folds every float [`Op::ChannelAffine`].
pub(super) fn fold(mut graph: Graph, _: Rounding) -> Result<Graph, String> {
    let mut index = 0;
    while index < graph.nodes.len() {
        let Op::ChannelAffine { scale, shift } = &graph.nodes[index].op else {
            index += 1;
            continue;
        };
        let (scale, shift) = (scale.clone(), shift.clone());
        if graph.tensor(graph.nodes[index].output).quant.is_some() {
            return Err(format!(
                "node '{}': scale and shift of an integer activation; quantise after folding",
                graph.nodes[index].name
            ));
        }
        let folded = private_producer(&graph, index)
            .is_some_and(|producer| scale_rows(&mut graph.nodes[producer].op, &scale, &shift));
        if !(folded && bypass(&mut graph, index)) {
            let name = graph.nodes[index].name.clone();
            graph.nodes[index].op = Op::DepthwiseConv2d(depthwise(name, scale, shift));
            index += 1;
        }
    }
    Ok(graph)
}

/// Scales the rows of a layer without activation; `false` where the operator is none.
fn scale_rows(op: &mut Op, scale: &[f32], shift: &[f32]) -> bool {
    let Some((weights, bias, clamp)) = op.layer_mut() else {
        return false;
    };
    if *clamp != Clamp::NONE {
        return false;
    }
    let row_len = weights.row_len();
    let old = match bias {
        Bias::None => vec![0.0; scale.len()],
        Bias::F32(b) => b.clone(),
        Bias::S32(_) => return false,
    };
    let Values::F32(values) = &mut weights.values else {
        return false;
    };
    for (row, s) in values.chunks_exact_mut(row_len).zip(scale) {
        row.iter_mut().for_each(|w| *w *= s);
    }
    let new = old.iter().zip(scale.iter().zip(shift));
    *bias = Bias::F32(new.map(|(b, (s, t))| b * s + t).collect());
    true
}

fn depthwise(name: String, scale: Vec<f32>, shift: Vec<f32>) -> Conv {
    Conv {
        window: Window {
            kernel: [1, 1],
            stride: [1, 1],
            pad_begin: [0, 0],
            pad_end: [0, 0],
        },
        weights: Weights {
            name: format!("{name}.scale"),
            shape: [scale.len(), 1, 1, 1],
            values: Values::F32(scale),
            scales: Vec::new(),
        },
        bias: Bias::F32(shift),
        clamp: Clamp::NONE,
    }
}
