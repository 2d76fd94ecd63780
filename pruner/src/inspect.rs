//! What a `.nnz` file holds, counted from the file itself.

use crate::target::Target;
use nnz_format::{Model, Op, Step, Tensor, WeightLayout, Weights};
use serde::Serialize;

/// The numbers of `nnz inspect --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Bytes of the file.
    pub bytes: u64,
    /// The backend it was lowered for.
    pub target: &'static str,
    /// Multiply-accumulates with every weight counted.
    pub macs: u64,
    /// Multiply-accumulates with weights that are not zero.
    pub nonzero_macs: u64,
    /// Non-zeros of sparse layers and all weights of dense ones.
    pub stored_weights: u64,
    /// Stored weights × output pixels.
    pub stored_macs: u64,
    /// All weights.
    pub weights: u64,
    /// Weights that are not zero.
    pub nonzeros: u64,
    /// Bytes of the arena.
    pub arena_bytes: u64,
    /// What one inference is predicted to cost on each target that runs the file's backend and has measured costs.
    pub predicted: Vec<Prediction>,
    /// One row a step.
    pub layers: Vec<InspectedLayer>,
}

/// The predicted cost of one inference on one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// The target.
    pub target: &'static str,
    /// What is counted: `cycles` or `instructions`.
    pub unit: &'static str,
    /// How many.
    pub count: u64,
    /// How many each step takes.
    pub layers: Vec<u64>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InspectedLayer {
    /// The layer's name, or its operator and position.
    pub name: String,
    /// The operator.
    pub op: &'static str,
    /// The layout of its weights.
    pub layout: &'static str,
    /// Channels, rows and columns of the output.
    pub output: [u16; 3],
    /// All weights.
    pub weights: u64,
    /// Weights that are not zero.
    pub nonzeros: u64,
    /// Weights that the layout stores.
    pub stored_weights: u64,
    /// Multiply-accumulates with every weight counted.
    pub macs: u64,
    /// Multiply-accumulates with weights that are not zero.
    pub nonzero_macs: u64,
    /// Stored weights × output pixels.
    pub stored_macs: u64,
    /// Bytes of the weights, rows included.
    pub weight_bytes: u64,
    /// Bytes of scratch.
    pub scratch_bytes: u64,
    /// Instructions that the portable kernels are predicted to take.
    pub predicted_instructions: u64,
}

/// Counts a file.
#[must_use]
pub fn inspect(model: &Model<'_>) -> Inspection {
    let names = layer_names(model);
    let layers: Vec<InspectedLayer> = model
        .steps()
        .zip(names)
        .map(|(step, name)| {
            let predicted = Target::portable().cost.step(&step, model.rounding());
            layer(&step, name, predicted)
        })
        .collect();
    let sum = |count: fn(&InspectedLayer) -> u64| layers.iter().map(count).sum();
    Inspection {
        bytes: model.file_len() as u64,
        target: model.backend().name(),
        macs: sum(|l| l.macs),
        nonzero_macs: sum(|l| l.nonzero_macs),
        stored_weights: sum(|l| l.stored_weights),
        stored_macs: sum(|l| l.stored_macs),
        weights: sum(|l| l.weights),
        nonzeros: sum(|l| l.nonzeros),
        arena_bytes: model.arena_len() as u64,
        predicted: predictions(model),
        layers,
    }
}

/// What every target with a cost table would take; an `arm_dsp` file is priced for targets of that backend only.
fn predictions(model: &Model<'_>) -> Vec<Prediction> {
    let runs = |target: &&Target| target.microcontroller && target.backend == model.backend();
    let prediction = |target: &'static Target| {
        let layers: Vec<u64> = model
            .steps()
            .map(|step| target.cost.step(&step, model.rounding()))
            .collect();
        Prediction {
            target: target.name,
            unit: target.cost.unit.name(),
            count: layers.iter().sum(),
            layers,
        }
    };
    Target::all().iter().filter(runs).map(prediction).collect()
}

/// Names of the steps from the metadata; `operator_N` for the source's operator N where it gives none.
#[must_use]
pub fn layer_names(model: &Model<'_>) -> Vec<String> {
    let meta: Option<serde_json::Value> = model
        .meta()
        .and_then(|text| serde_json::from_str(text).ok());
    let layers = meta.as_ref().and_then(|m| m.get("layers")?.as_array());
    let name = |step: Step<'_>| {
        let layer = layers.and_then(|all| all.get(step.index));
        let named = layer.and_then(|l| l.get("name")?.as_str());
        let position = layer.and_then(|l| l.get("op")?.as_u64());
        let position = position.unwrap_or(step.index as u64);
        named.map_or_else(|| format!("{}_{position}", step.op.name()), str::to_owned)
    };
    model.steps().map(name).collect()
}

fn layer(step: &Step<'_>, name: String, predicted_instructions: u64) -> InspectedLayer {
    let pixels = step.output.plane();
    let weights = matrix_len(step);
    let nonzeros = nonzeros(&step.weights);
    let stored_weights = if step.layout == WeightLayout::Dense {
        weights
    } else {
        nonzeros
    };
    InspectedLayer {
        name,
        op: step.op.name(),
        layout: step.layout.name(),
        output: [step.output.c, step.output.h, step.output.w],
        weights,
        nonzeros,
        stored_weights,
        macs: weights * pixels,
        nonzero_macs: nonzeros * pixels,
        stored_macs: stored_weights * pixels,
        weight_bytes: blob_len(&step.weights) as u64,
        scratch_bytes: step.scratch_len.into(),
        predicted_instructions,
    }
}

/// Weights of a step's matrix, zeros included.
fn matrix_len(step: &Step<'_>) -> u64 {
    let values = |t: &Tensor| u64::from(t.c) * t.plane();
    let taps = |w: &nnz_format::Window| u64::from(w.kernel_h) * u64::from(w.kernel_w);
    match &step.op {
        Op::Conv2d { window, .. } => {
            u64::from(step.output.c) * u64::from(step.input.c) * taps(window)
        }
        Op::DepthwiseConv2d { window, .. } => u64::from(step.output.c) * taps(window),
        Op::FullyConnected { .. } => values(&step.output) * values(&step.input),
        Op::Add { .. }
        | Op::AddLinear { .. }
        | Op::MaxPool2d { .. }
        | Op::AveragePool2d { .. }
        | Op::Mean { .. }
        | Op::SoftmaxS8 { .. }
        | Op::SoftmaxF32 { .. }
        | Op::Pad { .. }
        | Op::Requantize { .. }
        | Op::Clamp { .. }
        | Op::Prelu { .. }
        | Op::UnaryS8
        | Op::UnaryF32 { .. }
        | Op::Binary { .. }
        | Op::Copy { .. }
        | Op::ResizeNearest
        | Op::ResizeBilinear { .. }
        | Op::Repack { .. }
        | Op::Quantize
        | Op::Dequantize => 0,
    }
}

fn nonzeros(weights: &Weights<'_>) -> u64 {
    let bytes = |bytes: &[u8]| bytes.iter().filter(|b| **b != 0).count() as u64;
    let floats = |bytes: &[u8]| {
        let words = bytes.as_chunks::<4>().0.iter();
        words.filter(|w| f32::from_le_bytes(**w) != 0.0).count() as u64
    };
    match weights {
        Weights::None | Weights::Table(_) => 0,
        Weights::DenseS8(w) => bytes(w.weights()),
        Weights::CsrP(w) => w
            .pairs()
            .iter()
            .skip(1)
            .step_by(2)
            .filter(|b| **b != 0)
            .count() as u64,
        Weights::CsrN(w) => w
            .triples()
            .as_chunks::<3>()
            .0
            .iter()
            .map(|t| bytes(&t[1..]))
            .sum(),
        Weights::CsrQ(w) => w
            .groups()
            .as_chunks::<8>()
            .0
            .iter()
            .map(|g| bytes(&g[4..]))
            .sum(),
        Weights::Blk1x4(w) => bytes(w.weights()),
        Weights::Blk4x1(w) => bytes(w.weights()),
        Weights::DenseF32(w) => floats(w.weights()),
        Weights::CsrF(w) => floats(w.values()),
    }
}

/// Bytes of a blob, its padding aside.
fn blob_len(weights: &Weights<'_>) -> usize {
    match weights {
        Weights::None => 0,
        Weights::DenseS8(w) => w.rows().bytes().len() + w.weights().len(),
        Weights::CsrP(w) => w.rows().bytes().len() + w.pairs().len(),
        Weights::CsrN(w) => w.rows().bytes().len() + w.triples().len(),
        Weights::CsrQ(w) => w.rows().bytes().len() + w.counts().len() + w.groups().len(),
        Weights::Blk1x4(w) => w.rows().bytes().len() + w.deltas().len() + w.weights().len(),
        Weights::Blk4x1(w) => w.rows().bytes().len() + w.deltas().len() + w.weights().len(),
        Weights::DenseF32(w) => w.rows().bytes().len() + w.weights().len(),
        Weights::CsrF(w) => w.rows().bytes().len() + w.deltas().len() + w.values().len(),
        Weights::Table(w) => w.bytes().len(),
    }
}
