//! The nodes of a file as it has them, for explanations.

use super::super::origins::SourceNode;
use super::{ModelProto, liveness, qoperator, wire};
use prost::Message as _;
use std::collections::{HashMap, HashSet};

/// The nodes that the outputs need, at the positions that the importer gives them; none of damaged bytes.
pub(in crate::import) fn source_nodes(bytes: &[u8]) -> Vec<SourceNode> {
    if wire::check(bytes).is_err() {
        return Vec::new();
    }
    let Some(mut graph) = ModelProto::decode(bytes).ok().and_then(|m| m.graph) else {
        return Vec::new();
    };
    if liveness::bounded(&graph).is_err() {
        return Vec::new();
    }
    let pairs = graph.node.iter();
    let own: HashMap<String, String> = pairs.map(|n| (n.name.clone(), n.op_type.clone())).collect();
    let written_out = graph.node.len();
    qoperator::write_out(&mut graph);
    let same = graph.node.len() == written_out;
    let Ok(live) = liveness::live_nodes(&graph) else {
        return Vec::new();
    };
    let constants: HashSet<&str> = graph.initializer.iter().map(|t| &*t.name).collect();
    let nodes = graph.node.iter().enumerate().zip(live);
    nodes
        .filter(|(_, live)| *live)
        .map(|((index, node), _)| {
            let operator = own.get(&node.name).filter(|_| !same);
            let unnamed = || format!("{}_{index}", node.op_type.to_lowercase());
            let name = Some(node.name.clone()).filter(|n| !n.is_empty());
            let reads = |t: &&String| !t.is_empty() && !constants.contains(t.as_str());
            SourceNode {
                name: super::printable(&name.unwrap_or_else(unnamed)),
                operator: super::printable(operator.unwrap_or(&node.op_type)),
                index,
                is_own: same || operator.is_some(),
                inputs: node.input.iter().filter(reads).cloned().collect(),
                outputs: node.output.clone(),
            }
        })
        .collect()
}
