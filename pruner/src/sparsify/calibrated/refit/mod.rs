//! After quantisation: integer layers made to give what the float layers gave, on the inputs that they now receive.
//!
//! ```text
//! Xf   inputs in the float network          Xq   inputs in the integer network, layers before refitted already
//! bias      b := b_f + W_f · mean(Xf) − W_q · mean(Xq)             empirical bias correction, Nagel 2019
//! weights   (W_f · cov(Xf, Xq) + λW_f) · (cov(Xq) + λ)⁻¹           then rounded to the grid column by column, what
//!                                                                  rounding changes moved on: Frantar 2022, 2023
//! ```
//!
//! Weights that pruning made zero stay zero, scales stay. One sample of four is kept aside: it chooses, for every layer, between the
//! layer as it was rounded, its bias and its weights. A last quarter of the samples, which no layer saw, judges the network's outputs;
//! where those are no better than before, nothing is changed.

mod part;

use super::super::PruneError;
use super::super::sensitivity::Outputs;
use super::{Calibration, failed, patches_of_each, stream};
use crate::ir::{Graph, Op};
use crate::progress::Progress;
use part::Inputs;
use serde::Serialize;

/// What may be changed after quantisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Refit {
    /// Biases and weights.
    #[default]
    Weights,
    /// Biases.
    Bias,
    /// Nothing.
    Off,
}

impl Refit {
    /// Every choice with its name on the command line.
    pub const ALL: [(&'static str, Self); 3] = [
        ("weights", Self::Weights),
        ("bias", Self::Bias),
        ("off", Self::Off),
    ];
}

/// What was changed in one layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefittedLayer {
    /// The node's name.
    pub name: String,
    /// `weights`, `bias` or `nothing`: the most that changed.
    pub changed: &'static str,
    /// Squared error of its outputs by their variance on samples kept aside, as quantisation rounded it.
    pub before: f64,
    /// And now.
    pub after: f64,
}

/// What was changed in a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refitted {
    /// Layer by layer, in order of execution.
    pub layers: Vec<RefittedLayer>,
    /// Squared error of the network's outputs by their variance, on samples that no layer saw.
    pub before: f64,
    /// And now, had all layers been kept.
    pub after: f64,
    /// Whether they were.
    pub kept: bool,
}

/// Samples that a network needs at least to be refitted.
const LEAST: usize = 32;
/// More of them add nothing.
const MOST: usize = 512;

/// Refits the layers of `integers` to those of `float`, of which it was made node by node; `None` where there is nothing to do or
/// there are too few samples.
///
/// # Errors
///
/// Samples that cannot be run.
pub fn refit(
    float: &Graph,
    integers: &mut Graph,
    what: Refit,
    calibration: &Calibration<'_>,
    progress: Progress<'_>,
) -> Result<Option<Refitted>, PruneError> {
    let n = calibration
        .data
        .len()
        .min(calibration.limit.unwrap_or(MOST))
        .min(MOST);
    let twins = float.nodes.len() == integers.nodes.len();
    if what == Refit::Off || n < LEAST || !twins {
        return Ok(None);
    }
    let solved = n - n / 4;
    let part = |skip: usize, limit: usize| Calibration {
        skip,
        limit: Some(limit),
        ..*calibration
    };
    let mut found = integers.clone();
    let layers = layers(float, &mut found, what, &part(0, solved), progress)?;
    let judged = part(solved, n - solved);
    let wanted = Outputs::of(float, &judged)?;
    let before = Outputs::of(integers, &judged)?.error(&wanted);
    let after = Outputs::of(&found, &judged)?.error(&wanted);
    let kept = after < before;
    if kept {
        *integers = found;
    }
    Ok(Some(Refitted {
        layers,
        before,
        after,
        kept,
    }))
}

/// Refits layer by layer, each on what the layers before it now give.
fn layers(
    float: &Graph,
    integers: &mut Graph,
    what: Refit,
    calibration: &Calibration<'_>,
    progress: Progress<'_>,
) -> Result<Vec<RefittedLayer>, PruneError> {
    let with_weights = |(i, n): (usize, &crate::ir::Node)| n.op.weights().map(|_| i);
    let nodes: Vec<usize> = float
        .nodes
        .iter()
        .enumerate()
        .filter_map(with_weights)
        .collect();
    let (mut reference, n) = stream(float, calibration)?;
    let (mut own, _) = stream(integers, calibration)?;
    let mut done = Vec::with_capacity(nodes.len());
    for (count, &node) in nodes.iter().enumerate() {
        reference.advance(float, node).map_err(failed)?;
        own.advance(integers, node).map_err(failed)?;
        let each = patches_of_each(float, node, n);
        let inputs = Inputs {
            float: reference.patches(float, node, each, 0),
            integers: own.patches(integers, node, each, 0),
            per_sample: each.min(float.tensor(float.nodes[node].output).shape.pixels()),
        };
        let refitted = one(float, integers, node, what, inputs);
        done.extend(refitted);
        progress(count + 1, nodes.len());
    }
    Ok(done)
}

/// Refits one layer: depthwise ones channel by channel, others as a whole.
fn one(
    float: &Graph,
    integers: &mut Graph,
    node: usize,
    what: Refit,
    inputs: Inputs,
) -> Option<RefittedLayer> {
    let channels = float.tensor(float.nodes[node].inputs[0]).shape.c;
    let input = integers.tensor(integers.nodes[node].inputs[0]).quant?;
    let depthwise = matches!(float.nodes[node].op, Op::DepthwiseConv2d(_));
    let (wanted, bias, _) = float.nodes[node].op.layer()?;
    let name = integers.nodes[node].name.clone();
    let (weights, biases, _) = integers.nodes[node].op.layer_mut()?;
    let parts = if depthwise { channels } else { 1 };
    let layer = part::Layer {
        wanted,
        bias,
        step: f64::from(input.scale),
    };
    let found = layer.refit((weights, biases), parts, what, inputs);
    Some(RefittedLayer {
        name,
        changed: found.changed.word(),
        before: found.before,
        after: found.after,
    })
}
