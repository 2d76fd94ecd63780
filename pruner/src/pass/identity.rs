//! Nodes that change nothing: identities, quantisations to the same numbers, pairs that undo each other.

use super::rewrite::bypass;
use crate::arith::Rounding;
use crate::ir::{Graph, Op};

/// Removes them; those between a network's input and its output stay.
pub(super) fn remove(mut graph: Graph, _: Rounding) -> Result<Graph, String> {
    let mut index = 0;
    while index < graph.nodes.len() {
        if matches!(graph.nodes[index].op, Op::Quantize) {
            skip_dequantize(&mut graph, index);
        }
        let gone = matches!(graph.nodes[index].op, Op::Identity | Op::Quantize)
            && keeps_values(&graph, index)
            && bypass(&mut graph, index);
        if !gone {
            index += 1;
        }
    }
    Ok(graph)
}

/// Input and output have one type and one quantisation.
fn keeps_values(graph: &Graph, index: usize) -> bool {
    let node = &graph.nodes[index];
    let (input, output) = (graph.tensor(node.inputs[0]), graph.tensor(node.output));
    input.dtype == output.dtype && input.quant == output.quant
}

/// Lets a quantisation read the integers from which its input was made, where they have the numbers that it makes.
fn skip_dequantize(graph: &mut Graph, index: usize) {
    let Some(producer) = graph.producer(graph.nodes[index].inputs[0]) else {
        return;
    };
    let integers = graph.nodes[producer].inputs[0];
    if matches!(graph.nodes[producer].op, Op::Dequantize)
        && graph.tensor(integers).quant == graph.tensor(graph.nodes[index].output).quant
    {
        graph.nodes[index].inputs[0] = integers;
    }
}
