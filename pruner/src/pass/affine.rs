//! Per-channel scale and shift (batch normalisation at inference) into the layer before.
//!
//! `scale·(W·x + b) + shift = (scale·W)·x + (scale·b + shift)`. Without such a layer in front it goes into the layers
//! that read it, `W·(scale·x + shift) + b = (W·scale)·x + (b + W·shift)`, where no padding stands beside a shift; else
//! it becomes a depthwise 1x1 convolution.

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
        let folded = folded || scale_readers(&mut graph, index, &scale, &shift);
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

/// Scales the columns of all layers that read node `index`; `false` where one of them cannot take it.
fn scale_readers(graph: &mut Graph, index: usize, scale: &[f32], shift: &[f32]) -> bool {
    let output = graph.nodes[index].output;
    let readers = graph.consumers(output);
    let shifted = shift.iter().any(|t| *t != 0.0);
    let takes = |i: &usize| {
        let op = &graph.nodes[*i].op;
        let padded = op
            .conv_window()
            .is_some_and(|w| w.pad_begin != [0, 0] || w.pad_end != [0, 0]);
        let float = op.layer().is_some_and(|(weights, bias, _)| {
            matches!(weights.values, Values::F32(_)) && !matches!(bias, Bias::S32(_))
        });
        float && !(padded && shifted)
    };
    if readers.is_empty() || graph.outputs.contains(&output) || !readers.iter().all(takes) {
        return false;
    }
    for reader in readers {
        scale_columns(&mut graph.nodes[reader].op, scale, shift);
    }
    true
}

/// Scales a float layer's weights by input channel and adds what the shifts give to its bias.
fn scale_columns(op: &mut Op, scale: &[f32], shift: &[f32]) {
    let depthwise = matches!(op, Op::DepthwiseConv2d(_));
    let Some((weights, bias, _)) = op.layer_mut() else {
        return;
    };
    let (rows, row_len) = (weights.shape[0], weights.row_len());
    let Values::F32(values) = &mut weights.values else {
        return;
    };
    let mut sums = match bias {
        Bias::F32(b) => b.clone(),
        Bias::None | Bias::S32(_) => vec![0.0; rows],
    };
    for (row, (line, sum)) in values.chunks_exact_mut(row_len).zip(&mut sums).enumerate() {
        for (i, w) in line.iter_mut().enumerate() {
            let channel = if depthwise {
                row * scale.len() / rows
            } else {
                i * scale.len() / row_len
            };
            *sum += *w * shift[channel];
            *w *= scale[channel];
        }
    }
    *bias = Bias::F32(sums);
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
