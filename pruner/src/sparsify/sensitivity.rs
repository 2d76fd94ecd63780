//! How much of a network's output each layer's weights carry: one layer is pruned at a time, the rest stays dense.
//!
//! ```text
//! layer l, sparsity s:  sweep of W under cov(X) → run the network from l on → Σ (y − y_dense)² / Σ (y_dense − mean)²
//! ```
//!
//! The outputs are those before a final softmax, which hides differences. The curves rank layers for budgets and
//! show people where weights can go.

use super::calibrated::{self, Calibration};
use super::{Method, Options, Pattern, PruneError, layers};
use crate::ir::{Graph, Op, Values};
use crate::progress::Progress;
use serde::Serialize;

/// One layer at one sparsity.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// Zeros / weights of the layer.
    pub sparsity: f64,
    /// Squared difference of the network's outputs by their variance.
    pub loss: f64,
    /// Which weights are zero, in `[o][i][kh][kw]` order.
    #[serde(skip)]
    pub zeros: Vec<bool>,
}

/// One layer over sparsities, ascending; the first point is the layer as it is.
#[derive(Debug, Clone, Serialize)]
pub struct Curve {
    /// The node's name.
    pub name: String,
    /// Number of weights.
    pub weights: usize,
    /// Loss at every sparsity.
    pub points: Vec<Point>,
}

/// Samples whose outputs are compared.
const PROBES: usize = 64;

/// The curve of every prunable layer; N:M patterns have one point beside the layer as it is.
///
/// # Errors
///
/// As [`super::apply_with`] with method `obs`.
pub fn sensitivity(
    graph: &Graph,
    options: &Options,
    levels: &[f64],
    calibration: &Calibration<'_>,
    progress: Progress<'_>,
) -> Result<Vec<Curve>, PruneError> {
    let chosen = layers::choose(graph, options)?;
    let prunable: Vec<usize> = chosen
        .iter()
        .filter(|(_, c)| c.is_prunable())
        .map(|(i, _)| *i)
        .collect();
    if prunable.is_empty() {
        let layers = chosen.iter().map(|(i, _)| graph.nodes[*i].name.clone());
        return Err(PruneError::NothingToPrune {
            layers: layers.collect(),
        });
    }
    let options = Options {
        method: Method::Obs,
        ..options.clone()
    };
    calibrated::check(graph, &prunable, &options, Some(calibration))?;
    let levels: Vec<f64> = match options.pattern {
        Pattern::NofM { .. } => vec![0.0],
        Pattern::Unstructured | Pattern::Block { .. } | Pattern::Channel => levels.to_vec(),
    };
    let graph = &before_softmax(graph);
    let probe = Calibration {
        limit: Some(calibration.limit.unwrap_or(usize::MAX).min(PROBES)),
        ..*calibration
    };
    let mut dense = calibrated::Probe::new(graph, calibration)?;
    let mut probe = calibrated::Probe::new(graph, &probe)?;
    let mut wanted = probe.clone();
    let wanted = wanted.outputs(graph)?;
    let scale = variance(&wanted).max(f64::MIN_POSITIVE);
    let mut curves = Vec::new();
    for (done, &node) in prunable.iter().enumerate() {
        probe.advance(graph, node)?;
        let solved = dense.solve(graph, node, &levels, &options)?;
        let mut points = vec![point(graph, node, 0.0)];
        for candidate in solved {
            let found = probe.clone().outputs(&candidate)?;
            let loss = difference(&found, &wanted) / scale;
            points.push(point(&candidate, node, loss));
        }
        points.retain(|p| p.sparsity > 0.0 || p.loss == 0.0);
        curves.push(Curve {
            name: graph.nodes[node].name.clone(),
            weights: points.first().map_or(0, |p| p.zeros.len()),
            points,
        });
        progress(done + 1, prunable.len());
    }
    Ok(curves)
}

/// What a network says of some samples, before a final softmax.
#[derive(Debug, Clone)]
pub struct Outputs(Vec<Vec<f32>>);

impl Outputs {
    /// Runs the network.
    ///
    /// # Errors
    ///
    /// Where the samples cannot be run.
    pub fn of(graph: &Graph, calibration: &Calibration<'_>) -> Result<Self, PruneError> {
        let graph = before_softmax(graph);
        calibrated::Probe::new(&graph, calibration)?
            .outputs(&graph)
            .map(Self)
    }

    /// Squared difference from the outputs that are wanted, by the variance of those.
    #[must_use]
    pub fn error(&self, wanted: &Self) -> f64 {
        difference(&self.0, &wanted.0) / variance(&wanted.0).max(f64::MIN_POSITIVE)
    }

    /// Share of the samples whose largest output is another than wanted.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "sample counts are small")]
    pub fn disagreement(&self, wanted: &Self) -> f64 {
        let largest = |sample: &Vec<f32>| {
            let by_value = |a: &usize, b: &usize| sample[*a].total_cmp(&sample[*b]).then(b.cmp(a));
            (0..sample.len()).max_by(by_value)
        };
        let pairs = self.0.iter().zip(&wanted.0);
        let differ = pairs.filter(|(a, b)| largest(a) != largest(b)).count();
        differ as f64 / self.0.len().max(1) as f64
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "weight counts are far below 2^52"
)]
fn point(graph: &Graph, node: usize, loss: f64) -> Point {
    let zeros: Vec<bool> = match graph.nodes[node].op.weights().map(|w| &w.values) {
        Some(Values::F32(v)) => v.iter().map(|w| *w == 0.0).collect(),
        Some(Values::S8(v)) => v.iter().map(|w| *w == 0).collect(),
        None => Vec::new(),
    };
    Point {
        sparsity: zeros.iter().filter(|z| **z).count() as f64 / zeros.len().max(1) as f64,
        loss,
        zeros,
    }
}

/// The network up to a final softmax.
fn before_softmax(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let last = graph
        .nodes
        .iter()
        .rposition(|n| !matches!(n.op, Op::Dequantize | Op::Quantize | Op::Identity));
    if let Some(last) = last
        && matches!(graph.nodes[last].op, Op::Softmax { .. })
        && graph.outputs.len() == 1
    {
        graph.outputs = graph.nodes[last].inputs.clone();
        graph.nodes.truncate(last);
    }
    graph
}

/// Sum of squared differences.
fn difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let square = |(x, y): (&f32, &f32)| f64::from(x - y).powi(2);
    let of_sample = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(square).sum::<f64>();
    a.iter().zip(b).map(of_sample).sum()
}

/// Sum of squared distances from the mean output.
#[expect(clippy::cast_precision_loss, reason = "sample counts are small")]
fn variance(outputs: &[Vec<f32>]) -> f64 {
    let mut mean = vec![0.0; outputs.first().map_or(0, Vec::len)];
    for sample in outputs {
        mean.iter_mut()
            .zip(sample)
            .for_each(|(m, x)| *m += f64::from(*x) / outputs.len() as f64);
    }
    let square = |(x, m): (&f32, &f64)| (f64::from(*x) - m).powi(2);
    let of_sample = |s: &Vec<f32>| s.iter().zip(&mean).map(square).sum::<f64>();
    outputs.iter().map(of_sample).sum()
}
