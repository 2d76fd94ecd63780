//! Which nodes of the source each imported operator stands for, as text and as JSON.

use super::Explained;
use super::show::some_of;
use crate::ui::Style;
use nnz_pruner::import::{Origin, SourceNode};
use nnz_pruner::ir::{DType, Graph, Op};

/// The operator of the graph and, below it, the other nodes that it stands for, by their operator.
pub(super) fn text(explained: &Explained, style: Style) -> String {
    let (graph, origins) = (&explained.imported, &explained.origins);
    if origins.fused.is_empty() {
        return String::new();
    }
    let is_mixed = explained.is_quantized_source;
    let title = if is_mixed {
        "fused on import, with their quantisations"
    } else {
        "fused on import"
    };
    let mut text = format!("{}\n", style.strong(title));
    for origin in &origins.fused {
        let node = &graph.nodes[origin.node];
        let is_s8 = graph.tensor(node.output).dtype == DType::S8;
        let kind = if is_s8 { "int8" } else { "float" };
        text.push_str(&format!("  {} = {kind} {}\n", node.name, node.op.name()));
        for (operator, names) in by_operator(origin, &node.name) {
            text.push_str(&format!("    {operator}: {}\n", some_of(&names)));
        }
    }
    text
}

/// Names by operator, in the order of the file, without the operator's own node.
fn by_operator<'o>(origin: &'o Origin, own: &str) -> Vec<(&'o str, Vec<String>)> {
    let mut lists: Vec<(&str, Vec<String>)> = Vec::new();
    for SourceNode { name, operator, .. } in origin.nodes.iter().filter(|n| n.name != own) {
        match lists.iter_mut().find(|(o, _)| o == operator) {
            Some((_, names)) => names.push(name.clone()),
            None => lists.push((operator, vec![name.clone()])),
        }
    }
    lists
}

/// One entry an operator.
pub(super) fn json(explained: &Explained) -> serde_json::Value {
    let graph = &explained.imported;
    let entry = |origin: &Origin| {
        let node = &graph.nodes[origin.node];
        let of = origin.nodes.iter();
        let nodes = of.map(|n| serde_json::json!({"name": n.name, "operator": n.operator}));
        serde_json::json!({
            "name": node.name, "op": node.op.name(), "nodes": nodes.collect::<Vec<_>>(),
        })
    };
    explained.origins.fused.iter().map(entry).collect()
}

/// Conversions and changes of scale that the network keeps as operators of their own, one line each kind.
pub(super) fn conversions(graph: &Graph) -> String {
    let names = |wanted: fn(&Graph, &nnz_pruner::ir::Node) -> bool| {
        let of = graph.nodes.iter().filter(|n| wanted(graph, n));
        of.map(|n| n.name.clone()).collect::<Vec<_>>()
    };
    let rescaled = names(|g, n| {
        matches!(n.op, Op::Quantize) && n.inputs.iter().all(|t| g.tensor(*t).dtype == DType::S8)
    });
    let quantized = names(|g, n| {
        matches!(n.op, Op::Quantize) && n.inputs.iter().all(|t| g.tensor(*t).dtype != DType::S8)
    });
    let real = names(|_, n| matches!(n.op, Op::Dequantize));
    let mut text = String::new();
    for (what, names) in [
        ("changes of scale", rescaled),
        ("quantisations of floats", quantized),
        ("dequantisations", real),
    ] {
        if !names.is_empty() {
            text.push_str(&format!("  {what} that stay: {}\n", some_of(&names)));
        }
    }
    text
}
