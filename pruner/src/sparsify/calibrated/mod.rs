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
//! Memory: the live tensors of all samples twice, and at most [`MAX_PATCH_VALUES`] floats of patches twice.

mod matrix;
mod patches;
mod stream;
mod sweep;
#[cfg(test)]
mod tests;

use super::{Method, Options, PruneError, select};
use crate::data::{Dataset, Preprocess};
use crate::ir::{Bias, Conv, FullyConnected, Graph, Op, Order, Values, Weights};
use crate::progress::Progress;
use matrix::{Rows, Square};
use stream::Stream;
use sweep::Sweep;

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
}

/// Rows that estimate a covariance well enough.
const ROWS: usize = 40_000;
/// Largest number of floats in the patches of one layer.
const MAX_PATCH_VALUES: usize = 24_000_000;
/// Share of the Hessian's mean diagonal that is added to the diagonal.
const DAMPING: f64 = 0.01;
/// Tenfold increases of the damping before a layer is given up.
const MAX_DAMPINGS: usize = 8;

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
        if node
            .op
            .weights()
            .is_some_and(|w| matches!(w.values, Values::S8(_)))
        {
            return Err(wrong(format!(
                "solves for float weights, those of '{}' are integers: start from the float network, or use magnitude",
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
    let mut dense = Stream::new(graph, &samples, n);
    let mut pruned = Stream::new(graph, &samples, n);
    for (done, &(node, sparsity)) in layers.iter().enumerate() {
        dense.advance(&dense_graph, node).map_err(run_error)?;
        pruned.advance(graph, node).map_err(run_error)?;
        let cols = graph.nodes[node].op.weights().map_or(1, Weights::row_len);
        let per_sample = ROWS.min(MAX_PATCH_VALUES / cols.max(1)).div_ceil(n).max(1);
        let from_pruned = pruned.patches(graph, node, per_sample, options.seed);
        let from_dense = dense.patches(&dense_graph, node, per_sample, options.seed);
        if from_pruned.len() < cols {
            graph.notes.push(format!(
                "layer '{}': {} calibration patches for {cols} columns are few; more samples keep more accuracy",
                graph.nodes[node].name,
                from_pruned.len()
            ));
        }
        prune_layer(graph, node, sparsity, options, &from_dense, &from_pruned)
            .map_err(|reason| run_error(format!("layer '{}': {reason}", graph.nodes[node].name)))?;
        progress(done + 1, layers.len());
    }
    Ok(())
}

fn prune_layer(
    graph: &mut Graph,
    node: usize,
    sparsity: f64,
    options: &Options,
    xd: &Rows,
    xs: &Rows,
) -> Result<(), String> {
    let (Op::Conv2d(Conv { weights, bias, .. })
    | Op::FullyConnected(FullyConnected { weights, bias, .. })) = &mut graph.nodes[node].op
    else {
        return Ok(());
    };
    let Values::F32(values) = &weights.values else {
        return Ok(());
    };
    let mut sweep = Sweep::new(values, weights.shape, options.pattern);
    let wanted = select::share(values.len(), sparsity);
    match options.method {
        Method::Wanda => {
            let second = xs.product(xs);
            let scale: Vec<f64> = (0..second.n).map(|j| second.at(j, j)).collect();
            sweep.mask_rows(&scale, sparsity);
        }
        Method::SparseGpt => {
            let (u, _) = damped_factor(xs.product(xs))?;
            sweep.solve(&u, wanted);
        }
        Method::Obs => {
            let (md, ms) = (xd.means(), xs.means());
            let before = sums(&sweep.weights, &md);
            let (u, lambda) = damped_factor(centred(xs.product(xs), &ms, &ms))?;
            let cross = centred(xd.product(xs), &md, &ms);
            refit(&mut sweep.weights, &cross, lambda, &u);
            sweep.solve(&u, wanted);
            add_bias(bias, &before, &sums(&sweep.weights, &ms));
        }
        Method::Keep | Method::Threshold | Method::Magnitude => return Ok(()),
    }
    weights.values = Values::F32(sweep.values(weights.shape));
    Ok(())
}

/// The factor of the damped inverse and the damping; it grows until the matrix can be factored.
fn damped_factor(mut hessian: Square) -> Result<(Square, f64), String> {
    let mut lambda = 0.0;
    let mut add = DAMPING * hessian.mean_diagonal().max(0.0) + 1e-8;
    for _ in 0..MAX_DAMPINGS {
        hessian.add_diagonal(add);
        lambda += add;
        if let Some(u) = hessian.inverse_factor() {
            return Ok((u, lambda));
        }
        add = lambda * 9.0;
    }
    Err("its inputs are not finite, or too large to solve for".into())
}

fn centred(mut product: Square, left: &[f64], right: &[f64]) -> Square {
    for (row, l) in product.values.chunks_mut(product.n.max(1)).zip(left) {
        row.iter_mut().zip(right).for_each(|(x, r)| *x -= l * r);
    }
    product
}

/// `W := (W · cross + λ W) · H⁻¹`.
fn refit(weights: &mut [f64], cross: &Square, lambda: f64, u: &Square) {
    let n = cross.n;
    for w in weights.chunks_mut(n) {
        let mut out: Vec<f64> = w.iter().map(|x| lambda * x).collect();
        for (i, x) in w.iter().enumerate().filter(|(_, x)| **x != 0.0) {
            out.iter_mut()
                .zip(cross.row(i))
                .for_each(|(o, c)| *o += x * c);
        }
        w.copy_from_slice(&out);
    }
    matrix::times_inverse(weights, u);
}

/// Every row's product with the means.
fn sums(weights: &[f64], means: &[f64]) -> Vec<f64> {
    weights
        .chunks_exact(means.len().max(1))
        .map(|w| w.iter().zip(means).map(|(w, m)| w * m).sum())
        .collect()
}

#[expect(clippy::cast_possible_truncation, reason = "biases are f32")]
fn add_bias(bias: &mut Bias, before: &[f64], after: &[f64]) {
    let mut values = match bias {
        Bias::F32(v) => core::mem::take(v),
        Bias::None | Bias::S32(_) => vec![0.0; before.len()],
    };
    for (v, (b, a)) in values.iter_mut().zip(before.iter().zip(after)) {
        *v += (b - a) as f32;
    }
    *bias = Bias::F32(values);
}
