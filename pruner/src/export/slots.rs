//! Gives every layer of an ONNX file a weight constant and, on demand, a bias constant of its own.

use super::ExportError;
use super::document::Document;
use crate::import::onnx::floats_of;
use crate::ir::{Graph, Values};

/// The constants of one layer in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// The node's name, for messages.
    pub(super) node: String,
    /// Its position in the file that was read.
    pub(super) position: usize,
    /// The constant of its weights in the edited file.
    pub(super) weights: String,
    /// The same in the file that was read.
    pub(super) source: String,
    /// The constant of its bias, if it has one in the edited file.
    pub(super) bias: Option<String>,
    /// Output channels.
    pub(super) rows: usize,
}

impl Slot {
    /// The refusal of a layer whose weights cannot be followed.
    pub(super) fn lost(&self) -> ExportError {
        ExportError::refused(
            format!(
                "node '{}': its weights cannot be followed back to '{}'",
                self.node, self.source
            ),
            "simplify the model first (`onnxsim`, or constant folding of the exporter)",
        )
    }
}

/// Finds the float layers of `graph`, which was imported from `document`, and separates what they share.
///
/// `wants_bias` says, by position, which layers need a bias of their own.
pub(super) fn prepare(
    document: &mut Document,
    graph: &Graph,
    wants_bias: impl Fn(usize) -> bool,
) -> Result<Vec<Slot>, ExportError> {
    let mut slots = Vec::new();
    for node in &graph.nodes {
        let (Some((weights, ..)), Some(position)) = (node.op.layer(), node.source_index) else {
            continue;
        };
        let is_float = matches!(weights.values, Values::F32(_));
        let known = document.constant(&weights.name).and_then(floats_of);
        if !is_float || known.is_none() {
            continue;
        }
        let mut slot = Slot {
            node: node.name.clone(),
            position,
            weights: weights.name.clone(),
            source: weights.name.clone(),
            bias: None,
            rows: weights.shape[0],
        };
        own_weights(document, &mut slot)?;
        if wants_bias(position) {
            own_bias(document, &mut slot);
        }
        slots.push(slot);
    }
    Ok(slots)
}

/// A copy of weights that other nodes read too.
fn own_weights(document: &mut Document, slot: &mut Slot) -> Result<(), ExportError> {
    if document.uses(&slot.weights) <= 1 {
        return Ok(());
    }
    let node = document.node(slot.position);
    let place = node.and_then(|n| n.proto.input.iter().position(|i| *i == slot.weights));
    let tensor = document.constant(&slot.weights);
    let (Some(place), Some(tensor)) = (place, tensor) else {
        return Err(ExportError::refused(
            format!(
                "'{}' is shared and node '{}' does not read it directly",
                slot.weights, slot.node
            ),
            "export the model with constants folded",
        ));
    };
    let (dims, values) = (tensor.dims.clone(), floats_of(tensor).unwrap_or_default());
    let name = document.fresh(&format!("{}_of_{}", slot.weights, slot.node));
    document.add(&name, dims, &values);
    document.set_input(slot.position, place, &name);
    slot.weights = name;
    Ok(())
}

/// A bias of one value an output that no other node reads.
fn own_bias(document: &mut Document, slot: &mut Slot) {
    let Some(node) = document.node(slot.position).map(|n| n.proto.clone()) else {
        return;
    };
    let name = document.fresh(&format!("{}_bias", slot.source));
    let dims = vec![i64::try_from(slot.rows).unwrap_or(i64::MAX)];
    if node.op_type == "MatMul" {
        let Some(output) = node.output.first() else {
            return;
        };
        if let Some(sum) = private_sum(document, output, slot.rows) {
            slot.bias = Some(sum);
            return;
        }
        document.add(&name, dims, &vec![0.0; slot.rows]);
        let between = document.fresh(&format!("{output}_uncorrected"));
        document.insert_after(slot.position, "Add", &between, &name);
    } else {
        let old = node.input.get(2).filter(|i| !i.is_empty());
        let mut values = old
            .and_then(|i| floats_of(document.constant(i)?))
            .unwrap_or_else(|| vec![0.0]);
        if let Some(old) = old
            && values.len() == slot.rows
            && document.uses(old) == 1
        {
            slot.bias = Some(old.clone());
            return;
        }
        values.resize(slot.rows, values.first().copied().unwrap_or(0.0));
        document.add(&name, dims, &values);
        document.set_input(slot.position, 2, &name);
    }
    slot.bias = Some(name);
}

/// The constant of the only `Add` that reads `output`, where it has one value an output and no other reader.
fn private_sum(document: &Document, output: &str, rows: usize) -> Option<String> {
    let mut readers = document
        .nodes()
        .filter(|n| n.proto.input.iter().any(|i| i == output));
    let (Some(reader), None) = (readers.next(), readers.next()) else {
        return None;
    };
    let mut others = reader.proto.input.iter().filter(|i| *i != output);
    let constant = others.next().filter(|_| reader.proto.op_type == "Add")?;
    let values = floats_of(document.constant(constant)?)?;
    (values.len() == rows && document.uses(constant) == 1).then(|| constant.clone())
}
