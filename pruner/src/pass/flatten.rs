//! Flattening into the columns of fully connected layers.
//!
//! A fully connected layer reads its input in `[c][h][w]` order without a flatten before it. A flatten sinks below
//! activations first, so that it meets the layer:
//!
//! ```text
//! flatten → clamp → fully_connected   becomes   clamp → flatten → fully_connected   becomes   clamp → fully_connected
//! ```

use super::rewrite::{bypass, sole_consumer};
use crate::arith::Rounding;
use crate::ir::{FlattenOrder, Graph, Op, Shape, Values};

/// Folds flattens of vectors and flattens that only fully connected layers read.
pub(super) fn fold(mut graph: Graph, _: Rounding) -> Result<Graph, String> {
    let mut index = 0;
    while index < graph.nodes.len() {
        if matches!(graph.nodes[index].op, Op::Flatten(_) | Op::Reshape(_)) {
            let at = sink(&mut graph, index);
            if at == index && fold_one(&mut graph, index) {
                continue;
            }
            if at != index {
                continue;
            }
        }
        index += 1;
    }
    Ok(graph)
}

/// Moves a flatten below one activation that alone reads it; returns where it is then.
fn sink(graph: &mut Graph, index: usize) -> usize {
    let (input, middle) = (graph.nodes[index].inputs[0], graph.nodes[index].output);
    let Some(below) = sole_consumer(graph, middle) else {
        return index;
    };
    if !matches!(
        graph.nodes[below].op,
        Op::Clamp(_) | Op::Unary(_) | Op::Quantize | Op::Dequantize
    ) {
        return index;
    }
    let output = graph.nodes[below].output;
    let (dtype, quant) = (graph.tensor(output).dtype, graph.tensor(output).quant);
    let (shape, source) = (
        graph.tensor(input).shape,
        graph.tensor(input).source.clone(),
    );
    let tensor = graph.tensor_mut(middle);
    (tensor.shape, tensor.source, tensor.dtype, tensor.quant) = (shape, source, dtype, quant);
    graph.nodes[below].inputs[0] = input;
    graph.nodes[below].output = middle;
    graph.nodes[index].inputs[0] = middle;
    graph.nodes[index].output = output;
    graph.nodes[index..=below].rotate_left(1);
    below
}

fn fold_one(graph: &mut Graph, index: usize) -> bool {
    let node = &graph.nodes[index];
    let order = if let Op::Flatten(order) = node.op {
        order
    } else if matches!(node.op, Op::Reshape(_)) {
        FlattenOrder::ChannelsFirst
    } else {
        return false;
    };
    let (input, output) = (graph.tensor(node.inputs[0]), graph.tensor(node.output));
    let shape = input.shape;
    if input.quant != output.quant {
        return false;
    }
    if shape == output.shape {
        return bypass(graph, index);
    }
    let readers = graph.consumers(node.output);
    let all_fc = readers
        .iter()
        .all(|i| matches!(graph.nodes[*i].op, Op::FullyConnected(_)));
    if !all_fc || readers.is_empty() || graph.outputs.contains(&node.output) {
        return false;
    }
    if order == FlattenOrder::ChannelsLast {
        for reader in readers {
            if let Some(weights) = graph.nodes[reader].op.weights_mut() {
                match &mut weights.values {
                    Values::F32(v) => permute_columns(v, shape),
                    Values::S8(v) => permute_columns(v, shape),
                }
            }
        }
    }
    bypass(graph, index)
}

/// Columns in `[h][w][c]` order to `[c][h][w]`.
fn permute_columns<T: Copy>(values: &mut [T], shape: Shape) {
    let pixels = shape.pixels();
    for row in values.chunks_exact_mut(shape.len()) {
        let old = row.to_vec();
        for (i, w) in row.iter_mut().enumerate() {
            *w = old[i % pixels * shape.c + i / pixels];
        }
    }
}
