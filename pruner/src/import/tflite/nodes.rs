//! The operators of a file as it has them, for explanations.

use super::super::origins::SourceNode;
use super::schema::{Model, OperatorInfo, SubGraph};
use super::{limits, liveness, names, printable};

/// The operators that the outputs need, with their positions; none of damaged bytes.
pub(in crate::import) fn source_nodes(bytes: &[u8]) -> Vec<SourceNode> {
    let Ok(model) = Model::read(bytes) else {
        return Vec::new();
    };
    let Ok(subgraph) = model.subgraphs.get(0).and_then(SubGraph::read) else {
        return Vec::new();
    };
    if subgraph.operators.len() > limits::NODES {
        return Vec::new();
    }
    let Ok(live) = liveness::live_operators(&model, &subgraph) else {
        return Vec::new();
    };
    let written: Vec<i32> = (0..subgraph.operators.len())
        .filter_map(|i| OperatorInfo::read(subgraph.operators.get(i).ok()?).ok())
        .flat_map(|info| info.outputs.iter().collect::<Vec<_>>())
        .chain(subgraph.inputs.iter())
        .collect();
    let written: std::collections::HashSet<i32> = written.into_iter().collect();
    let live = live.into_iter().enumerate().filter(|(_, live)| *live);
    live.filter_map(|(index, _)| {
        let info = OperatorInfo::read(subgraph.operators.get(index).ok()?).ok()?;
        let (code, custom) = model.operator_code(info.opcode_index).ok()?;
        let operator = if custom.is_empty() {
            names::builtin(code)
        } else {
            printable(&String::from_utf8_lossy(custom))
        };
        let reads = |t: &i32| written.contains(t);
        Some(SourceNode {
            name: format!("{}_{index}", operator.to_lowercase()),
            operator,
            index,
            is_own: true,
            inputs: info
                .inputs
                .iter()
                .filter(reads)
                .map(|t| t.to_string())
                .collect(),
            outputs: info.outputs.iter().map(|t| t.to_string()).collect(),
        })
    })
    .collect()
}
