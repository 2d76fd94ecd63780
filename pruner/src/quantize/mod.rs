//! Post-training quantisation to 8-bit integers (Jacob et al. 2018, arXiv:1712.05877; Krishnamoorthi 2018,
//! arXiv:1806.08342).
//!
//! Weights: symmetric, one scale an output channel, exact zeros stay. Activations: asymmetric, one scale a tensor,
//! from calibration samples; 0 is always exact. Biases: 32 bits at input scale × weight scale.
//!
//! ```text
//! float graph → rewrite → observe (samples × tensors) → ranges → ties → integer graph
//! ```

mod adopt;
mod error;
mod histogram;
mod input;
mod log_softmax;
mod normalise;
mod observe;
mod range;
mod rewrite;
#[cfg(test)]
mod tests;
mod ties;
mod weights;

pub(crate) use adopt::{BiasScales, adopt};
pub use error::QuantizeError;
pub use normalise::fold_preprocess;
pub use range::Range;
pub use rewrite::for_integers;

use crate::data::{Dataset, Preprocess, Samples};
use crate::interpret::{Interpreter, Value};
use crate::ir::{Conv, DType, FullyConnected, Function, Graph, Op, Order, Quant, TensorId};
use crate::progress::Progress;
use histogram::Histogram;

/// How to quantise.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// How activations' ranges are chosen.
    pub range: Range,
    /// What the network was trained on: `(x − mean) / std`.
    pub preprocess: Preprocess,
    /// Whether samples are pixels 0…255 whatever their type; `u8` samples always are.
    pub pixels: bool,
    /// Axis order of the samples; `None` = the source model's.
    pub layout: Option<Order>,
    /// Use at most so many samples.
    pub limit: Option<usize>,
}

/// Scale and zero point of results between 0 and 1, as TensorFlow Lite has them.
const SHARE: Quant = Quant {
    scale: 1.0 / 256.0,
    zero_point: -128,
};
/// Scale and zero point of results between −1 and 1.
const SIGNED_SHARE: Quant = Quant {
    scale: 1.0 / 128.0,
    zero_point: 0,
};

/// The quantisation of an operator's output that its definition fixes.
const fn fixed_quant(op: &Op) -> Option<Quant> {
    use Function::{Erf, HardSigmoid, Sigmoid, Tanh};
    if matches!(op, Op::Softmax { .. }) {
        return Some(SHARE);
    }
    let Op::Unary(unary) = op else {
        return None;
    };
    if matches!(unary.function, Sigmoid | HardSigmoid) {
        Some(SHARE)
    } else if matches!(unary.function, Tanh | Erf) {
        Some(SIGNED_SHARE)
    } else {
        None
    }
}

/// Turns a float network into an integer one.
///
/// The result depends only on graph, data and options, not on the number of threads.
///
/// # Errors
///
/// No samples, samples that do not fit or make NaN, preprocessing of several inputs, a network that is (partly) an integer one already.
pub fn post_training(
    mut graph: Graph,
    data: &Dataset,
    options: &Options,
    progress: Progress<'_>,
) -> Result<Graph, QuantizeError> {
    graph.check()?;
    if let Some(tensor) = graph.tensors.iter().find(|t| t.dtype != DType::F32) {
        return Err(QuantizeError::AlreadyInteger {
            tensor: tensor.name.clone(),
        });
    }
    if graph.inputs.len() > 1 && !options.preprocess.is_identity() {
        return Err(QuantizeError::Preprocess {
            inputs: graph.inputs.len(),
        });
    }
    data.covers(&graph.input_names())?;
    for_integers(&mut graph);
    let of_input = |id: &TensorId| {
        let tensor = graph.tensor(*id);
        data.samples(tensor, options.layout, &options.preprocess)
    };
    let samples = graph.inputs.iter().map(of_input);
    let samples = samples.collect::<Result<Vec<_>, _>>()?;
    let n = options.limit.map_or(data.len(), |l| l.min(data.len()));
    if n == 0 {
        return Err(QuantizeError::NoCalibration);
    }
    let interpreter = Interpreter::new(&graph).map_err(|e| QuantizeError::Run {
        sample: 0,
        reason: e.to_string(),
    })?;
    let run = |inputs: Vec<Vec<f32>>| {
        let inputs: Vec<Value> = inputs.into_iter().map(Value::F32).collect();
        let tensors = interpreter.run_all(&inputs).map_err(|e| e.to_string())?;
        Ok(tensors.into_iter().map(|v| v.and_then(floats)).collect())
    };
    let histograms = observe::observe(&graph, &samples, n, run, progress)?;
    let quants = activations(&mut graph, &samples, &histograms, options);
    integers(&mut graph, &quants);
    graph.check()?;
    Ok(graph)
}

fn floats(value: Value) -> Option<Vec<f32>> {
    match value {
        Value::F32(v) => Some(v),
        Value::S8(_) => None,
    }
}

/// The quantisation of every tensor.
fn activations(
    graph: &mut Graph,
    samples: &[Samples<'_>],
    histograms: &[Histogram],
    options: &Options,
) -> Vec<Quant> {
    let mut roots = ties::roots(graph);
    let mut bounds: Vec<(f64, f64)> = histograms
        .iter()
        .map(|h| range::bounds(h, options.range))
        .collect();
    for node in &graph.nodes {
        if let Op::Pad { value, .. } | Op::PadChannels { value, .. } = node.op {
            let root = &mut bounds[roots[node.output.0].0];
            *root = (root.0.min(value.into()), root.1.max(value.into()));
        }
    }
    let joined = ties::joined(graph, &roots);
    for root in &mut roots {
        let group = joined[root.0];
        let (lo, hi) = bounds[root.0];
        let shared = &mut bounds[group.0];
        *shared = (shared.0.min(lo), shared.1.max(hi));
        *root = group;
    }
    let mut quants: Vec<Quant> = bounds
        .iter()
        .map(|(lo, hi)| range::quant(*lo, *hi))
        .collect();
    for (input, samples) in graph.inputs.iter().zip(samples) {
        let (contract, note) = input::contract(
            options.pixels || samples.is_u8(),
            &options.preprocess,
            bounds[input.0],
        );
        quants[input.0] = contract;
        graph.notes.extend(note);
    }
    for node in &graph.nodes {
        if let Some(quant) = fixed_quant(&node.op) {
            quants[node.output.0] = quant;
        }
    }
    roots.iter().map(|root| quants[root.0]).collect()
}

/// Gives every tensor its quantisation and every layer its integer weights.
fn integers(graph: &mut Graph, quants: &[Quant]) {
    for (tensor, quant) in graph.tensors.iter_mut().zip(quants) {
        tensor.dtype = DType::S8;
        tensor.quant = Some(*quant);
    }
    let mut notes = Vec::new();
    for node in &mut graph.nodes {
        let (Some(input), output) = (node.inputs.first(), node.output) else {
            continue;
        };
        let (input, output) = (quants[input.0], quants[output.0]);
        if let Op::Prelu(slopes) = &mut node.op {
            *slopes = weights::slopes(slopes);
        }
        let (Op::Conv2d(Conv { weights, bias, .. })
        | Op::DepthwiseConv2d(Conv { weights, bias, .. })
        | Op::FullyConnected(FullyConnected { weights, bias, .. })) = &mut node.op
        else {
            continue;
        };
        let quantized = weights::quantize(weights, bias, input, output);
        if quantized.coarse_rows > 0 {
            notes.push(format!(
                "node '{}': {} output channels have weights too small beside their bias or output for 8 bits",
                node.name, quantized.coarse_rows
            ));
        }
        *weights = quantized.weights;
        *bias = quantized.bias;
    }
    graph.notes.extend(notes);
}
