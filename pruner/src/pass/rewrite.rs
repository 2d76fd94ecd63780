//! Steps that every pass is made of: taking a node out, finding the only reader, dropping what is unused.

use crate::arith::Rounding;
use crate::ir::{Graph, TensorId};

/// Lets the readers of `from` read `to`.
pub(super) fn redirect(graph: &mut Graph, from: TensorId, to: TensorId) {
    for node in &mut graph.nodes {
        for input in node.inputs.iter_mut().filter(|t| **t == from) {
            *input = to;
        }
    }
}

/// Takes out a node whose output holds the values of its first input; `false` where the interface forbids it.
///
/// An output of the network keeps its tensor: the node before then writes it, which needs equal shapes.
pub(super) fn bypass(graph: &mut Graph, index: usize) -> bool {
    let (input, output) = (graph.nodes[index].inputs[0], graph.nodes[index].output);
    if graph.outputs.contains(&output) {
        let same_shape = graph.tensor(input).shape == graph.tensor(output).shape;
        let Some(producer) = graph.producer(input) else {
            return false;
        };
        if !same_shape || graph.outputs.contains(&input) {
            return false;
        }
        graph.nodes.remove(index);
        graph.nodes[producer].output = output;
        redirect(graph, input, output);
    } else {
        graph.nodes.remove(index);
        redirect(graph, output, input);
    }
    true
}

/// The node that alone reads `id`, where `id` is no output of the network.
pub(super) fn sole_consumer(graph: &Graph, id: TensorId) -> Option<usize> {
    match graph.consumers(id).as_slice() {
        [only] if !graph.outputs.contains(&id) => Some(*only),
        _ => None,
    }
}

/// The node that writes the first input of node `index`, where nothing else reads that tensor.
pub(super) fn private_producer(graph: &Graph, index: usize) -> Option<usize> {
    let input = graph.nodes[index].inputs[0];
    sole_consumer(graph, input)?;
    graph.producer(input)
}

/// Removes nodes and tensors that no output of the network depends on; inputs stay.
pub(super) fn drop_unused(mut graph: Graph, _: Rounding) -> Result<Graph, String> {
    let mut used = vec![false; graph.tensors.len()];
    for id in graph.outputs.iter().chain(&graph.inputs) {
        used[id.0] = true;
    }
    let mut live = vec![false; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        live[i] = used[node.output.0];
        if live[i] {
            node.inputs.iter().for_each(|t| used[t.0] = true);
        }
    }
    let mut flags = live.iter();
    graph.nodes.retain(|_| flags.next().is_some_and(|f| *f));
    let mut next = 0;
    let renamed: Vec<TensorId> = used
        .iter()
        .map(|used| {
            let id = TensorId(next);
            next += usize::from(*used);
            id
        })
        .collect();
    let mut flags = used.iter();
    graph.tensors.retain(|_| flags.next().is_some_and(|f| *f));
    for node in &mut graph.nodes {
        node.output = renamed[node.output.0];
        node.inputs.iter_mut().for_each(|t| *t = renamed[t.0]);
    }
    let interface = graph.inputs.iter_mut().chain(&mut graph.outputs);
    interface.for_each(|t| *t = renamed[t.0]);
    Ok(graph)
}
