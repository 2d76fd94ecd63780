//! Which operators of a model no handler knows.

use super::schema::{Model, OperatorInfo, SubGraph};
use super::{limits, liveness, names, printable, support};

/// Operator and name of every live operator that cannot be imported whatever its shapes are; none of damaged bytes.
pub(in crate::import) fn unknown_operators(bytes: &[u8]) -> Vec<(String, String)> {
    let Ok(model) = Model::read(bytes) else {
        return Vec::new();
    };
    let first = model.subgraphs.get(0).and_then(SubGraph::read);
    let Ok(subgraph) = first else {
        return Vec::new();
    };
    if subgraph.operators.len() > limits::NODES {
        return Vec::new();
    }
    let Ok(live) = liveness::live_operators(&model, &subgraph) else {
        return Vec::new();
    };
    let live = live.into_iter().enumerate().filter(|(_, live)| *live);
    live.filter_map(|(index, _)| {
        let info = OperatorInfo::read(subgraph.operators.get(index).ok()?).ok()?;
        let (code, custom) = model.operator_code(info.opcode_index).ok()?;
        if custom.is_empty() && support::tflite(code).is_some() {
            return None;
        }
        let operator = if custom.is_empty() {
            names::builtin(code)
        } else {
            printable(&String::from_utf8_lossy(custom))
        };
        let name = format!("{}_{index}", operator.to_lowercase());
        Some((operator, name))
    })
    .collect()
}
