//! Methods that look at what a layer really receives: Wanda, `SparseGPT` and OBS+.
//!
//! Layers are pruned in order of execution. For each, patches of its input are taken from the dense network (`Xd`)
//! and from the network pruned so far (`Xs`); OBS+ then solves
//!
//! ```text
//! H  = cov(Xs) + λ                          λ = 1 % of the mean diagonal
//! W* = (W · cov(Xd, Xs) + λ W) · H⁻¹        the dense layer's outputs from the pruned net's inputs
//! W₂ = sweep of W* under the pattern        each removed weight moves into the columns after it
//! b += W · mean(Xd) − W₂ · mean(Xs)
//! ```
//!
//! Weights that are integers stay integers of the same scales: the sweep rounds each column to the grid and moves
//! the rounding error on like that of a removed weight; biases move by whole steps; inputs are the dequantised
//! activations of the integer network.
//!
//! Memory: the live tensors of all samples twice, and at most [`MAX_PATCH_VALUES`] floats of patches twice.

mod layer;
mod matrix;
mod patches;
mod stream;
mod sweep;
#[cfg(test)]
mod tests;

use super::{Options, PruneError};
use crate::data::{Dataset, Preprocess};
use crate::ir::{Graph, Op, Order, Weights};
use crate::progress::Progress;
use nnz_format::Rounding;
use stream::Stream;

/// Samples for methods that need them.
#[derive(Debug, Clone, Copy)]
pub struct Calibration<'a> {
    /// The samples; labels are not used.
    pub data: &'a Dataset,
    /// Axis order of the samples; `None` = the source model's.
    pub layout: Option<Order>,
    /// What the network was trained on.
    pub preprocess: &'a Preprocess,
    /// Use at most so many samples.
    pub limit: Option<usize>,
    /// How accumulators of integer layers are rounded.
    pub rounding: Rounding,
}

/// Rows that estimate a covariance well enough.
const ROWS: usize = 40_000;
/// Largest number of floats in the patches of one layer.
const MAX_PATCH_VALUES: usize = 24_000_000;

/// The calibration data, if the method can work with them and these layers.
pub(super) fn check<'a>(
    graph: &Graph,
    layers: &[usize],
    options: &Options,
    calibration: Option<&'a Calibration<'a>>,
) -> Result<&'a Calibration<'a>, PruneError> {
    let method = options.method.row().name;
    let wrong = |reason: String| PruneError::Option { method, reason };
    if graph.inputs.len() != 1 {
        return Err(wrong(format!(
            "feeds one input, the network has {}",
            graph.inputs.len()
        )));
    }
    for node in layers.iter().map(|i| &graph.nodes[*i]) {
        if matches!(node.op, Op::DepthwiseConv2d(_)) {
            return Err(wrong(format!(
                "cannot solve for depthwise layer '{}': leave --include out",
                node.name
            )));
        }
    }
    calibration.ok_or_else(|| {
        wrong("needs calibration samples: give --calib DATA.npz, or use magnitude".into())
    })
}

/// Prunes `layers` (node indices, in order) to their shares of zeros.
pub(super) fn prune(
    graph: &mut Graph,
    layers: &[(usize, f64)],
    options: &Options,
    calibration: &Calibration<'_>,
    progress: Progress<'_>,
) -> Result<(), PruneError> {
    let data_error = |e: crate::data::DataError| PruneError::Calibration {
        reason: e.to_string(),
    };
    let run_error = |reason: String| PruneError::Calibration { reason };
    let input = graph.tensor(graph.inputs[0]);
    let samples = calibration
        .data
        .samples(input, calibration.layout, calibration.preprocess)
        .map_err(data_error)?;
    let n = calibration
        .limit
        .map_or(samples.len(), |l| l.min(samples.len()))
        .max(1);
    let dense_graph = graph.clone();
    let mut dense = Stream::new(graph, &samples, n, calibration.rounding);
    let mut pruned = dense.clone();
    for (done, &(node, sparsity)) in layers.iter().enumerate() {
        dense.advance(&dense_graph, node).map_err(run_error)?;
        pruned.advance(graph, node).map_err(run_error)?;
        let cols = graph.nodes[node].op.weights().map_or(1, Weights::row_len);
        let per_sample = ROWS.min(MAX_PATCH_VALUES / cols.max(1)).div_ceil(n).max(1);
        let inputs = layer::Inputs {
            dense: dense.patches(&dense_graph, node, per_sample, options.seed),
            pruned: pruned.patches(graph, node, per_sample, options.seed),
            per_sample: per_sample.min(graph.tensor(graph.nodes[node].output).shape.pixels()),
        };
        if inputs.pruned.len() < cols {
            graph.notes.push(format!(
                "layer '{}': {} calibration patches for {cols} columns are few; more samples keep more accuracy",
                graph.nodes[node].name,
                inputs.pruned.len()
            ));
        }
        layer::prune(graph, node, sparsity, options, inputs)
            .map_err(|reason| run_error(format!("layer '{}': {reason}", graph.nodes[node].name)))?;
        progress(done + 1, layers.len());
    }
    Ok(())
}
