//! Which nodes of a model have an operator that no handler knows.

use super::{ModelProto, liveness, qoperator, support, wire};
use prost::Message as _;

/// Operators without a handler that are computed where all their inputs are constants.
const COMPUTED: &[&str] = &[
    "Constant",
    "Shape",
    "ConstantOfShape",
    "Range",
    "Where",
    "Gather",
    "Expand",
    "Neg",
    "Abs",
    "Not",
    "Floor",
    "Ceil",
    "Sqrt",
    "Reciprocal",
    "Exp",
    "Mod",
    "Pow",
    "And",
    "Or",
    "Equal",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "ReduceProd",
    "ReduceSum",
    "ReduceMin",
    "ReduceMax",
];

/// Operator and name of every live node that cannot be imported whatever its shapes are; none of damaged bytes.
pub(in crate::import) fn unknown_operators(bytes: &[u8]) -> Vec<(String, String)> {
    if wire::check(bytes).is_err() {
        return Vec::new();
    }
    let Some(mut graph) = ModelProto::decode(bytes).ok().and_then(|m| m.graph) else {
        return Vec::new();
    };
    if liveness::bounded(&graph).is_err() {
        return Vec::new();
    }
    qoperator::write_out(&mut graph);
    let Ok(live) = liveness::live_nodes(&graph) else {
        return Vec::new();
    };
    let known = |op: &str| support::onnx(op).is_some() || COMPUTED.contains(&op);
    graph
        .node
        .iter()
        .enumerate()
        .zip(live)
        .filter(|((_, node), live)| *live && !known(&node.op_type))
        .map(|((index, node), _)| {
            let unnamed = || format!("{}_{index}", node.op_type.to_lowercase());
            let name = Some(node.name.clone()).filter(|n| !n.is_empty());
            (
                super::printable(&node.op_type),
                super::printable(&name.unwrap_or_else(unnamed)),
            )
        })
        .collect()
}
