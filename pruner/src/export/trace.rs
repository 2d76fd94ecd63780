//! Which constant of the source each weight of the graph comes from, and what it was multiplied by.
//!
//! Importing transposes matrices, permutes columns, writes groups out and folds batch normalisation, so that a
//! weight of the graph is `factor × element` of a constant of the file. Instead of following each of these steps,
//! the file is imported again with probes for weights, and the answer is read off:
//!
//! ```text
//! all weights 1, biases 0         → factor of each weight, 0 where a zero was written
//! weights = high digits of index  ┐ position of the element, in two digits that
//! weights = low digits of index   ┘ survive a multiplication in f32 exactly
//! biases 4096                     → factor of each output
//! ```

use super::document::Document;
use super::{ExportError, slots::Slot};
use crate::import;
use crate::import::onnx::floats_of;
use crate::ir::{Bias, Graph, Values};
use crate::pass::{self, PassSet};

/// Base of the two digits of an index.
const BASE: usize = 4096;
/// Biases of the last probe, large so that what is added elsewhere costs no bits.
const LARGE: f32 = 4096.0;

/// Where the weights of a layer come from.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    /// The layer in the file.
    pub(super) slot: Slot,
    /// For each weight of the graph the element of the constant and its factor; `None` for written zeros.
    pub(super) origins: Vec<Option<(usize, f32)>>,
    /// Factor of each output's bias.
    pub(super) outputs: Vec<f32>,
}

/// The graph of a file with every pass that keeps all weights in place.
pub(super) fn import_in_place(name: &str, document: &Document) -> Result<Graph, ExportError> {
    let graph = import::from_bytes(name, &document.encode()).map_err(ExportError::Import)?;
    pass::run(graph, PassSet::Dense).map_err(|e| ExportError::Pass(e.to_string()))
}

/// Traces every layer; `document` has been prepared.
pub(super) fn trace(
    name: &str,
    document: &Document,
    slots: &[Slot],
) -> Result<Vec<Trace>, ExportError> {
    let probe = |weight: &dyn Fn(usize) -> f32, bias: f32| {
        let mut probed = document.clone();
        for slot in slots {
            let n = count(document, &slot.weights);
            let values: Vec<f32> = (0..n).map(weight).collect();
            probed.set(&slot.weights, &values);
            if let Some(name) = &slot.bias {
                probed.set(name, &vec![bias; slot.rows]);
            }
        }
        import_in_place(name, &probed)
    };
    let digit = |value: usize| f32::from(u16::try_from(value).unwrap_or(u16::MAX));
    let ones = probe(&|_| 1.0, 0.0)?;
    let high = probe(&|i| digit(i / BASE), 0.0)?;
    let low = probe(&|i| digit(i % BASE), 0.0)?;
    let biased = probe(&|_| 1.0, LARGE)?;
    slots
        .iter()
        .map(|slot| {
            let of = |graph: &Graph| layer(graph, document, slot.position);
            let all = of(&ones).zip(of(&high)).zip(of(&low)).zip(of(&biased));
            let (((ones, high), low), biased) = all.ok_or_else(|| slot.lost())?;
            let elements = count(document, &slot.weights);
            Ok(Trace {
                slot: slot.clone(),
                origins: origins(&ones.0, &high.0, &low.0, elements).ok_or_else(|| slot.lost())?,
                outputs: ones
                    .1
                    .iter()
                    .zip(&biased.1)
                    .map(|(a, b)| (b - a) / LARGE)
                    .collect(),
            })
        })
        .collect()
}

/// Number of elements of a constant.
fn count(document: &Document, name: &str) -> usize {
    let values = document.constant(name).and_then(floats_of);
    values.map_or(0, |v| v.len())
}

/// Weights and biases of the layer that was at `position` in the file.
pub(super) fn layer(
    graph: &Graph,
    document: &Document,
    position: usize,
) -> Option<(Vec<f32>, Vec<f32>)> {
    let is_it =
        |index: usize| document.nodes().nth(index).map(|n| n.position) == Some(Some(position));
    let node = graph
        .nodes
        .iter()
        .filter(|n| n.op.weights().is_some())
        .find(|n| n.source_index.is_some_and(is_it))?;
    let (weights, bias, _) = node.op.layer()?;
    let Values::F32(values) = &weights.values else {
        return None;
    };
    let bias = match bias {
        Bias::None => vec![0.0; weights.shape[0]],
        Bias::F32(b) => b.clone(),
        Bias::S32(_) => return None,
    };
    Some((values.clone(), bias))
}

/// Reads the probes; `None` where they do not say what a linear map of single elements would.
fn origins(
    ones: &[f32],
    high: &[f32],
    low: &[f32],
    elements: usize,
) -> Option<Vec<Option<(usize, f32)>>> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a digit is at least 0 and far below 2^24 where the probe was read right"
    )]
    let digit = |value: f32, factor: f32| {
        let digit = value / factor;
        let near = (digit - digit.round()).abs() < 0.01 && digit > -0.5;
        near.then_some(digit.round() as usize)
    };
    let probes = ones.iter().zip(high.iter().zip(low));
    probes
        .map(|(&factor, (&high, &low))| {
            if factor == 0.0 {
                return Some(None);
            }
            let element = digit(high, factor)? * BASE + digit(low, factor)?;
            (element < elements).then_some(Some((element, factor)))
        })
        .collect()
}
