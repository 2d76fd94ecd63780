//! The shortest piece of a network that still differs.

use nnz_pruner::ir::{Graph, TensorId};

/// The shortest run of operators for which `differs` still holds, as a network of its own.
///
/// What a piece reads from outside becomes its inputs, what nothing in it reads its outputs.
pub fn reduced(graph: &Graph, differs: impl Fn(&Graph) -> bool) -> Graph {
    let count = graph.nodes.len();
    for len in 1..count {
        for first in 0..=count - len {
            let piece = piece(graph, first, len);
            if piece.check().is_ok() && differs(&piece) {
                return piece;
            }
        }
    }
    graph.clone()
}

/// Operators `first..first + len`.
fn piece(graph: &Graph, first: usize, len: usize) -> Graph {
    let mut piece = graph.clone();
    piece.nodes = graph.nodes[first..first + len].to_vec();
    let written: Vec<TensorId> = piece.nodes.iter().map(|node| node.output).collect();
    let mut inputs: Vec<TensorId> = piece.nodes.iter().flat_map(|n| n.inputs.clone()).collect();
    inputs.retain(|id| !written.contains(id));
    inputs.sort();
    inputs.dedup();
    piece.inputs = inputs;
    piece.outputs = written.clone();
    let is_read = |id: &TensorId| !piece.consumers(*id).is_empty();
    let outputs = written.into_iter().filter(|id| !is_read(id)).collect();
    piece.outputs = outputs;
    piece
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::network;

    #[test]
    fn one_operator_remains_where_one_is_to_blame() {
        let mut found = 0;
        for seed in 0..200 {
            let graph = network(seed);
            let blamed = |graph: &Graph| graph.nodes.iter().any(|n| n.op.name() == "prelu");
            if blamed(&graph) {
                let piece = reduced(&graph, blamed);
                assert_eq!(piece.nodes.len(), 1, "seed {seed}");
                piece.check().unwrap();
                found += 1;
            }
        }
        assert!(found > 10, "{found}");
    }
}
