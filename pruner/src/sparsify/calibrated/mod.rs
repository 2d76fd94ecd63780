//! Methods that look at what a layer really receives: Wanda, `SparseGPT` and OBS+.
//!
//! Layers are pruned in order of execution. For each, patches of its input are taken from the dense network (`Xd`)
//! and from the network pruned so far (`Xs`); OBS+ then solves
//!
//! ```text
//! H  = cov(Xs) + λ                          λ = 1 % of the mean diagonal
//! W* = (W · cov(Xd, Xs) + λ W) · H⁻¹        the dense layer's outputs from the pruned net's inputs
//! W₂ = sweep of W* under the pattern        each removed weight moves into the columns after it
//! W₂ = best zeros and weights near W₂       alternating directions, then least squares on what stays
//! b += W · mean(Xd) − W₂ · mean(Xs)
//! ```
//!
//! Weights that are integers stay integers of the same scales: a last sweep rounds each column to the grid and moves
//! the rounding error on like that of a removed weight; biases move by whole steps; inputs are the dequantised
//! activations of the integer network.
//!
//! Memory: the live tensors of all samples twice, and at most [`MAX_PATCH_VALUES`] floats of patches twice.

mod factor;
mod goal;
mod gram;
mod layer;
mod matrix;
mod patches;
mod probe;
mod reader;
mod refit;
mod stream;
mod support;
mod sweep;
#[cfg(test)]
pub(in crate::sparsify) mod tests;

use super::{Options, Pattern, PruneError};
use crate::data::{Dataset, Preprocess};
use crate::ir::{Graph, Op, Order, TensorId};
use crate::progress::Progress;
use nnz_format::Rounding;
pub(super) use probe::Probe;
pub(super) use reader::Reader;
pub use refit::{Refit, Refitted, RefittedLayer, refit};
use std::collections::BTreeMap;
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
    /// Leave out so many samples at the beginning; one is used at least.
    pub skip: usize,
    /// Use at most so many samples.
    pub limit: Option<usize>,
    /// How accumulators of integer layers are rounded.
    pub rounding: Rounding,
}

/// How much is done for a layer that is solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// One sweep: enough to know how large and fast a network will be.
    Sweep,
    /// The damping that suits the samples, and the best values for the weights that stay.
    Polish,
    /// The best choice of weights that stay, too.
    #[default]
    Full,
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

/// What is to happen to one layer.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The layer.
    pub(super) node: usize,
    /// Its share of zeros.
    pub(super) sparsity: f64,
    /// Which weights go together.
    pub(super) pattern: Pattern,
    /// Input channels that are constant from now on: their weights go, the bias takes their place.
    pub(super) gone: Vec<usize>,
}

/// Layers that read channels, by node.
pub(super) type Readers = BTreeMap<usize, Reader>;

fn failed(reason: impl ToString) -> PruneError {
    PruneError::Calibration {
        reason: reason.to_string(),
    }
}

/// The samples as a stream at the network's inputs.
fn stream(graph: &Graph, calibration: &Calibration<'_>) -> Result<(Stream, usize), PruneError> {
    let covered = calibration.data.covers(&graph.input_names());
    covered.map_err(failed)?;
    let of_input = |id: &TensorId| {
        let (layout, preprocess) = (calibration.layout, calibration.preprocess);
        calibration
            .data
            .samples(graph.tensor(*id), layout, preprocess)
    };
    let samples = graph.inputs.iter().map(of_input);
    let samples = samples.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let limit = calibration.limit.unwrap_or(usize::MAX);
    let skip = calibration
        .skip
        .min(calibration.data.len().saturating_sub(1));
    let n = (calibration.data.len() - skip).min(limit).max(1);
    let stream = Stream::new(graph, &samples, skip..skip + n, calibration.rounding);
    Ok((stream, n))
}

/// Patches of each sample that are enough for a layer.
fn patches_of_each(graph: &Graph, node: usize, samples: usize) -> usize {
    let layer = &graph.nodes[node];
    let input = layer.inputs.first().map(|id| graph.tensor(*id).shape);
    let cols = input.map_or(1, |shape| patches::columns(&layer.op, shape));
    let wanted = ROWS.min(MAX_PATCH_VALUES / cols.max(1));
    wanted.div_ceil(samples).max(1)
}

/// Prunes layers in order; `dense` is the network that they are to equal.
pub(super) fn run(
    graph: &mut Graph,
    dense_graph: Graph,
    jobs: &[Job],
    options: &Options,
    calibration: &Calibration<'_>,
    progress: Progress<'_>,
) -> Result<(), PruneError> {
    let (mut dense, n) = stream(graph, calibration)?;
    let mut pruned = dense.clone();
    for (done, job) in jobs.iter().enumerate() {
        let node = job.node;
        dense.advance(&dense_graph, node).map_err(failed)?;
        pruned.advance(graph, node).map_err(failed)?;
        let per_sample = patches_of_each(graph, node, n);
        let inputs = layer::Inputs {
            dense: dense.patches(&dense_graph, node, per_sample, options.seed),
            pruned: pruned.patches(graph, node, per_sample, options.seed),
            per_sample: per_sample.min(graph.tensor(graph.nodes[node].output).shape.pixels()),
        };
        let cols = inputs.pruned.cols;
        if inputs.pruned.len() < cols {
            graph.notes.push(format!(
                "layer '{}': {} calibration patches for {cols} columns are few; more samples keep more accuracy",
                graph.nodes[node].name,
                inputs.pruned.len()
            ));
        }
        layer::prune(graph, job, (options.method, options.effort), inputs)
            .map_err(|reason| failed(format!("layer '{}': {reason}", graph.nodes[node].name)))?;
        progress(done + 1, jobs.len());
    }
    Ok(())
}

/// Every layer but depthwise ones as a reader of its input channels in the dense network.
pub(super) fn readers(
    graph: &Graph,
    options: &Options,
    calibration: &Calibration<'_>,
) -> Result<Readers, PruneError> {
    let (mut dense, n) = stream(graph, calibration)?;
    let mut readers = Readers::new();
    for (node, layer) in graph.nodes.iter().enumerate() {
        let depthwise = matches!(layer.op, Op::DepthwiseConv2d(_));
        let Some(weights) = layer.op.weights().filter(|_| !depthwise) else {
            continue;
        };
        dense.advance(graph, node).map_err(failed)?;
        let patches = dense.patches(graph, node, patches_of_each(graph, node, n), options.seed);
        let channels = graph.tensor(layer.inputs[0]).shape.c;
        let columns = (0..channels).map(|c| layer::columns(weights, channels, c));
        let reader = layer::reader(weights, patches, columns.collect())
            .map_err(|reason| failed(format!("layer '{}': {reason}", layer.name)))?;
        readers.insert(node, reader);
    }
    Ok(readers)
}
