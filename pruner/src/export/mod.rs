//! Pruned networks for other programs: ONNX files, and masks for fine-tuning.
//!
//! ```text
//! source.onnx ─Document─ prepare ─► import ─► passes ─► sparsify ─┐
//!                  │                    └─ trace: weight ↔ element ┤
//!                  └── values replaced, everything else as it was ◄┴─► pruned.onnx, masks.safetensors
//! ```
//!
//! Nodes, names and attributes of the source stay as they are; only the values of weights change, and biases where
//! a method corrected them.

mod build;
mod document;
mod masks;
mod movers;
mod nodes;
mod slots;
#[cfg(test)]
mod tests;
mod trace;
mod unary;
mod wire;

use crate::import::ImportError;
use crate::import::onnx::floats_of;
use crate::ir::{Graph, Node};
use document::Document;
use slots::Slot;
use trace::Trace;

pub use build::to_onnx;
pub use masks::to_safetensors;

/// Why a network cannot be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExportError {
    /// The source cannot be read.
    Import(ImportError),
    /// A pass broke the graph.
    Pass(String),
    /// What was asked cannot be done for this network.
    Refused {
        /// What is in the way.
        reason: String,
        /// A way out.
        help: String,
    },
}

impl ExportError {
    pub(crate) fn refused(reason: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Refused {
            reason: reason.into(),
            help: help.into(),
        }
    }
}

impl core::fmt::Display for ExportError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Import(e) => e.fmt(f),
            Self::Pass(reason) => f.write_str(reason),
            Self::Refused { reason, help } => write!(f, "{reason}\n  help: {help}"),
        }
    }
}

impl core::error::Error for ExportError {}

/// Which weights of one constant of the source are to stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// The constant's name in the source.
    pub name: String,
    /// Its dimensions.
    pub dims: Vec<usize>,
    /// 1 for weights that stay, 0 for zeros.
    pub values: Vec<u8>,
}

/// An ONNX source whose weights can be written back.
#[derive(Debug)]
pub struct OnnxSource {
    name: String,
    source: Document,
    prepared: Document,
    traces: Vec<Trace>,
    graph: Graph,
}

impl OnnxSource {
    /// Reads a source and finds out where its weights are.
    ///
    /// # Errors
    ///
    /// Bytes that are no float ONNX model, or whose weights cannot be followed through its constants.
    pub fn open(name: &str, bytes: &[u8]) -> Result<Self, ExportError> {
        let imported = crate::import::from_bytes(name, bytes).map_err(ExportError::Import)?;
        let source = Document::parse(bytes)?;
        let mut prepared = source.clone();
        let slots = slots::prepare(&mut prepared, &imported, |_| true)?;
        let graph = trace::import_in_place(name, &prepared)?;
        if slots.is_empty() {
            return Err(ExportError::refused(
                "no float weights are in the file's own constants",
                "give the float model in one file: `onnx.save(onnx.load(IN), OUT)`",
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            source,
            traces: trace::trace(name, &prepared, &slots)?,
            prepared,
            graph,
        })
    }

    /// The network to prune: simplified, with every weight where it was.
    #[must_use]
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The source with the weights and biases of `pruned`, which is [`Self::graph`] with other values.
    ///
    /// # Errors
    ///
    /// A layer that is no longer there or has another shape.
    pub fn with_values_of(&self, pruned: &Graph) -> Result<Vec<u8>, ExportError> {
        self.check_untraced(pruned)?;
        let mut changes = Vec::new();
        for trace in &self.traces {
            changes.push((trace, self.change(trace, pruned)?));
        }
        let corrected = |position: usize| {
            let change = changes.iter().find(|(t, _)| t.slot.position == position);
            change.is_some_and(|(_, c)| c.bias.is_some())
        };
        let mut out = self.source.clone();
        let imported = crate::import::from_bytes(&self.name, &self.source.encode())
            .map_err(ExportError::Import)?;
        let slots = slots::prepare(&mut out, &imported, corrected)?;
        for slot in &slots {
            let change = changes
                .iter()
                .find(|(t, _)| t.slot.position == slot.position);
            let Some((_, change)) = change else { continue };
            if let Some(values) = &change.weights {
                out.set(&slot.weights, values);
            }
            if let (Some(values), Some(name)) = (&change.bias, &slot.bias) {
                out.set(name, values);
            }
        }
        Ok(out.encode())
    }

    /// Which weights of the source are not zero in `pruned`; several layers may share a constant, which then keeps
    /// what any of them keeps.
    ///
    /// # Errors
    ///
    /// A layer that is no longer there or has another shape.
    pub fn masks(&self, pruned: &Graph) -> Result<Vec<Mask>, ExportError> {
        let mut masks: Vec<Mask> = Vec::new();
        for trace in &self.traces {
            let (values, _) = self.layer(&trace.slot, pruned)?;
            let Some(tensor) = self.source.constant(&trace.slot.source) else {
                continue;
            };
            let dims = tensor.dims.iter().map(|d| usize::try_from(*d).unwrap_or(0));
            // A weight that is multiplied by zero has no say; it stays if it is there.
            let own = floats_of(tensor).unwrap_or_default();
            let mut stays: Vec<u8> = own.iter().map(|w| u8::from(*w != 0.0)).collect();
            for (origin, value) in trace.origins.iter().zip(&values) {
                if let Some((element, _)) = origin
                    && let Some(slot) = stays.get_mut(*element)
                {
                    *slot = u8::from(*value != 0.0);
                }
            }
            match masks.iter_mut().find(|m| m.name == trace.slot.source) {
                Some(shared) => {
                    let both = shared.values.iter_mut().zip(&stays);
                    both.for_each(|(all, own)| *all |= own);
                }
                None => masks.push(Mask {
                    name: trace.slot.source.clone(),
                    dims: dims.collect(),
                    values: stays,
                }),
            }
        }
        Ok(masks)
    }

    /// Names of layers whose weights are no constant of the file, so that they cannot change: transposed convolutions
    /// become other convolutions, means of channels have weights of their own.
    #[must_use]
    pub fn untraced(&self) -> Vec<String> {
        let layers = self.graph.nodes.iter().filter(|n| n.op.weights().is_some());
        let untraced = layers.filter(|n| !self.is_traced(n));
        untraced.map(|n| n.name.clone()).collect()
    }

    fn is_traced(&self, node: &Node) -> bool {
        let positions = |p: usize| self.traces.iter().any(|t| t.slot.position == p);
        node.source_index.is_some_and(|index| {
            let node = self.prepared.nodes().nth(index);
            node.and_then(|n| n.position).is_some_and(positions)
        })
    }

    /// Refuses changed layers that no constant of the file holds, such as a scale per channel that stands alone.
    fn check_untraced(&self, pruned: &Graph) -> Result<(), ExportError> {
        let layers = pruned.nodes.iter().filter(|n| n.op.weights().is_some());
        for node in layers.filter(|n| !self.is_traced(n)) {
            let same = self.graph.nodes.iter().any(|old| old.op == node.op);
            if !same {
                return Err(ExportError::refused(
                    format!(
                        "node '{}' changed, and its weights are no constant of the file",
                        node.name
                    ),
                    format!("leave it alone: `--skip {}`", node.name),
                ));
            }
        }
        Ok(())
    }

    /// Weights and bias of a layer of `pruned`, which has as many as the source's.
    fn layer(&self, slot: &Slot, pruned: &Graph) -> Result<(Vec<f32>, Vec<f32>), ExportError> {
        let of = |graph| trace::layer(graph, &self.prepared, slot.position);
        let (new, old) = of(pruned).zip(of(&self.graph)).ok_or_else(|| slot.lost())?;
        if new.0.len() == old.0.len() && new.1.len() == old.1.len() {
            Ok(new)
        } else {
            Err(slot.lost())
        }
    }

    /// What is to be written for a layer; `None` for what did not change.
    fn change(&self, trace: &Trace, pruned: &Graph) -> Result<Change, ExportError> {
        let slot = &trace.slot;
        let (weights, bias) = self.layer(slot, pruned)?;
        let before = self.layer(slot, &self.graph)?;
        let values = |name: &str| self.prepared.constant(name).and_then(floats_of);
        let mut own = values(&slot.weights).ok_or_else(|| slot.lost())?;
        let mut changed = false;
        for ((origin, new), old) in trace.origins.iter().zip(&weights).zip(&before.0) {
            if let Some((element, factor)) = origin
                && new.to_bits() != old.to_bits()
                && let Some(place) = own.get_mut(*element)
            {
                *place = new / factor;
                changed = true;
            }
        }
        let moved = bias.iter().zip(&before.1).any(|(new, old)| new != old);
        let mut own_bias = None;
        if let Some(name) = slot.bias.as_ref().filter(|_| moved) {
            let mut values = values(name).ok_or_else(|| slot.lost())?;
            let shifts = bias.iter().zip(&before.1).zip(&trace.outputs);
            for (value, ((new, old), factor)) in values.iter_mut().zip(shifts) {
                if *factor != 0.0 {
                    *value += (new - old) / factor;
                }
            }
            own_bias = Some(values);
        }
        Ok(Change {
            weights: changed.then_some(own),
            bias: own_bias,
        })
    }
}

/// New values of one layer's constants.
struct Change {
    weights: Option<Vec<f32>>,
    bias: Option<Vec<f32>>,
}
