//! Which nodes the outputs need, and who reads what.

use super::super::error::{Problem, printable};
use super::super::limits;
use super::schema::GraphProto;
use std::collections::HashMap;

/// Refuses graphs with too many parts, too long names, or sparse constants.
pub(super) fn bounded(graph: &GraphProto) -> Result<(), Problem> {
    let names = graph
        .node
        .iter()
        .flat_map(|n| n.input.iter().chain(&n.output));
    for (what, found, limit) in [
        ("nodes", graph.node.len(), limits::NODES),
        ("initializers", graph.initializer.len(), limits::TENSORS),
        ("inputs", graph.input.len(), limits::TENSORS),
        ("outputs", graph.output.len(), limits::ARGUMENTS),
        (
            "attributes of one node",
            graph
                .node
                .iter()
                .map(|n| n.attribute.len())
                .max()
                .unwrap_or(0),
            limits::ARGUMENTS,
        ),
        (
            "node inputs and outputs",
            names.clone().count(),
            8 * limits::NODES,
        ),
    ] {
        if found > limit {
            return Err(Problem::Limit {
                what,
                found: found as u64,
                limit: limit as u64,
            });
        }
    }
    let longest = names
        .chain(
            graph
                .node
                .iter()
                .flat_map(|n| [&n.name, &n.op_type, &n.domain]),
        )
        .chain(graph.initializer.iter().map(|t| &t.name))
        .chain(graph.input.iter().chain(&graph.output).map(|v| &v.name))
        .map(String::len)
        .max()
        .unwrap_or(0);
    if longest > limits::NAME {
        return Err(Problem::Limit {
            what: "bytes of a name",
            found: longest as u64,
            limit: limits::NAME as u64,
        });
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(Problem::refused(
            "sparse initializers are not supported",
            "export the model with dense tensors; zeros are found again",
        ));
    }
    Ok(())
}

/// For each node, whether an output depends on it.
pub(super) fn live_nodes(graph: &GraphProto) -> Result<Vec<bool>, Problem> {
    let mut writers = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        for name in node.output.iter().filter(|n| !n.is_empty()) {
            if writers.insert(name.as_str(), index).is_some() {
                return Err(Problem::malformed(format!(
                    "two nodes write '{}'",
                    printable(name)
                )));
            }
        }
    }
    let mut live = vec![false; graph.node.len()];
    let mut wanted: Vec<&str> = graph.output.iter().map(|o| o.name.as_str()).collect();
    while let Some(name) = wanted.pop() {
        let Some(&index) = writers.get(name) else {
            continue;
        };
        if let (Some(node), Some(seen)) = (graph.node.get(index), live.get_mut(index))
            && !core::mem::replace(seen, true)
        {
            wanted.extend(node.input.iter().map(String::as_str));
        }
    }
    Ok(live)
}

/// Positions of the live nodes that read each name.
pub(super) fn readers<'a>(graph: &'a GraphProto, live: &[bool]) -> HashMap<&'a str, Vec<usize>> {
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    for ((index, node), is_live) in graph.node.iter().enumerate().zip(live) {
        if *is_live {
            for name in node.input.iter().filter(|n| !n.is_empty()) {
                readers.entry(name).or_default().push(index);
            }
        }
    }
    readers
}
