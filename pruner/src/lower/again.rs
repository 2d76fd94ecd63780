//! From a file back to a [`Program`], lowered for another target: same steps, same integers, other layouts.
//!
//! Every layout holds the same weights and constants, so that what the network computes does not change by a bit.

use super::weights::{self, Encoded, Layer};
use super::{LowerError, Options, Program, Step, StepStats, TensorSpec, narrow};
use crate::cost::Stored;
use crate::ir::{Bias, Values, Weights};
use nnz_format::decode::{self, Decoded};
use nnz_format::encode::{Blob, RowQuant};
use nnz_format::{AxisOrder, Backend, DType, Model, Op, Tensor, WeightLayout};

/// The program of a file for the target of `options`, which also choose layouts; the rounding is the file's.
///
/// # Errors
///
/// A matrix that no layout of the target takes.
pub fn again(model: &Model<'_>, options: &Options) -> Result<Program, LowerError> {
    let tensors = (0..)
        .map_while(|index| model.tensor(index))
        .map(|t| spec(&t));
    let mut program = Program {
        name: String::new(),
        backend: options.target.backend,
        tiles: options.target.tiles,
        rounding: model.rounding(),
        tensors: tensors.collect(),
        steps: Vec::new(),
        inputs: (0..)
            .map_while(|i| model.input(i))
            .map(|io| io.tensor_index)
            .collect(),
        outputs: (0..)
            .map_while(|i| model.output(i))
            .map(|io| io.tensor_index)
            .collect(),
        notes: Vec::new(),
    };
    for step in model.steps() {
        let lowered = step_again(&step, &program, options)?;
        program.steps.push(lowered);
    }
    find_views(model, &mut program)?;
    Ok(program)
}

fn spec(tensor: &Tensor) -> TensorSpec {
    TensorSpec {
        name: String::new(),
        dtype: tensor.dtype,
        layout: tensor.layout,
        c: tensor.c,
        h: tensor.h,
        w: tensor.w,
        plane_stride: tensor.plane_stride,
        scale: tensor.scale,
        zero_point: tensor.zero_point,
        dims: vec![1, tensor.c.into(), tensor.h.into(), tensor.w.into()],
        order: AxisOrder::Nchw,
        alias_of: None,
        alias_at: 0,
    }
}

/// Tensors that are read and that nothing writes are views of what was written last where they begin. Views of parts
/// (slices, concatenations) are refused: the file does not say whose parts they are.
fn find_views(model: &Model<'_>, program: &mut Program) -> Result<(), LowerError> {
    let offset = |tensor: usize| model.tensor(tensor).map(|t| (t.offset, t.len));
    let mut written = program.inputs.clone();
    let mut views = Vec::new();
    let mut lost = None;
    let mut read = |tensor: usize, written: &mut Vec<usize>| {
        if written.contains(&tensor) {
            return;
        }
        let owner = written.iter().rev().find(|&&w| offset(w) == offset(tensor));
        match owner {
            Some(&owner) => views.push((tensor, owner)),
            None => lost = Some(tensor),
        }
        written.push(tensor);
    };
    for step in &program.steps {
        read(step.input, &mut written);
        if let Some(second) = step.input2 {
            read(second, &mut written);
        }
        written.retain(|&w| w != step.output);
        written.push(step.output);
    }
    for &output in &program.outputs {
        read(output, &mut written);
    }
    if let Some(tensor) = lost {
        return Err(LowerError::Tensor {
            tensor: format!("tensor {tensor}"),
            reason: "it is a part of others; lower the source again with `nnz prune --target`"
                .into(),
        });
    }
    for (view, owner) in views {
        program.tensors[view].alias_of = Some(owner);
    }
    Ok(())
}

fn step_again(
    step: &nnz_format::Step<'_>,
    program: &Program,
    options: &Options,
) -> Result<Step, LowerError> {
    let fail = |reason: String| LowerError::Node {
        node: format!("step {}", step.index),
        op: step.op.name(),
        reason,
        help: "lower the source model again with `nnz prune --target`",
    };
    let decoded = decode::weights(step).map_err(|e| fail(e.to_string()))?;
    let (weights, stats) = match (&decoded, &step.weights) {
        (Some(decoded), _) => matrix(step, decoded, program, options).map_err(fail)?,
        (None, nnz_format::Weights::Table(table)) => {
            (Some(copied(table.bytes())), stats(step, program, options))
        }
        (None, _) => (None, stats(step, program, options)),
    };
    Ok(Step {
        name: format!("{}_{}", step.op.name(), step.index),
        op: step.op,
        input: step.input_index,
        input2: step.input2_index,
        output: step.output_index,
        weights,
        stats,
        source_index: None,
    })
}

/// A table as the file has it.
fn copied(bytes: &[u8]) -> Blob {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    Blob {
        layout: WeightLayout::Table,
        wide_rows: false,
        narrow: false,
        bytes,
    }
}

/// Counts of a step without a matrix.
fn stats(step: &nnz_format::Step<'_>, program: &Program, options: &Options) -> StepStats {
    let kernel = (step.layout, Stored::default());
    let ends = (&step.input, &step.output);
    let cost = options
        .target
        .cost
        .predict(&step.op, ends, kernel, program.rounding);
    StepStats {
        cost,
        ..StepStats::default()
    }
}

/// The best layout of a step's matrix on the target.
fn matrix(
    step: &nnz_format::Step<'_>,
    decoded: &Decoded,
    program: &Program,
    options: &Options,
) -> Result<(Option<Blob>, StepStats), String> {
    let values = match &decoded.values {
        decode::Values::S8(values) => Values::S8(values.clone()),
        decode::Values::F32(values) => Values::F32(values.clone()),
    };
    let [kernel_h, kernel_w] = [decoded.kernel_h, decoded.kernel_w].map(usize::from);
    let weights = Weights {
        name: String::new(),
        shape: [decoded.rows, decoded.cin, kernel_h, kernel_w],
        values,
        scales: Vec::new(),
    };
    let layer = if let Op::Conv2d { window, .. } = &step.op {
        Layer::convolution(&weights, window)
    } else if let Op::DepthwiseConv2d { window, .. } = &step.op {
        Layer::depthwise(&weights, window)
    } else {
        Layer::fully_connected(&weights)
    };
    let candidates = encoded(step, &layer, program, options)?;
    let price = |it: &Encoded| {
        let kernel = (it.blob.layout, it.stored);
        let ends = (&step.input, &step.output);
        options
            .target
            .cost
            .predict(&step.op, ends, kernel, program.rounding)
    };
    let (chosen, cost) = weights::choose(candidates, &layer, options, price)
        .ok_or_else(|| "no weight layout fits".to_owned())?;
    let stats = weights::stats(&layer, chosen.blob.layout, step.output.plane(), cost);
    Ok((Some(chosen.blob), stats))
}

/// Every layout that the options allow.
fn encoded(
    step: &nnz_format::Step<'_>,
    layer: &Layer<'_>,
    program: &Program,
    options: &Options,
) -> Result<Vec<Encoded>, String> {
    let values = match &layer.weights.values {
        Values::S8(values) => values,
        Values::F32(values) => {
            let bias = Bias::F32(float_biases(&step.weights));
            return weights::encode_f32(layer, values, &bias, options).map_err(|e| e.to_string());
        }
    };
    let mut rows = constants(&step.weights);
    let is_narrow = matches!(step.op, Op::Conv2d { .. }) && program.backend == Backend::ArmDsp;
    if is_narrow {
        let zero_point = step.output.zero_point;
        narrow::settle_dead_rows(&mut rows, values, zero_point, program.rounding);
    }
    let found = weights::encode_s8(layer, values, &rows, options).map_err(|e| e.to_string())?;
    Ok(if is_narrow {
        narrow::mark(found, rows.len())
    } else {
        found
    })
}

fn constants(weights: &nnz_format::Weights<'_>) -> Vec<RowQuant> {
    use nnz_format::Weights as W;
    let rows = match weights {
        W::DenseS8(w) => w.rows(),
        W::CsrP(w) => w.rows(),
        W::CsrN(w) => w.rows(),
        W::CsrQ(w) => w.rows(),
        W::Blk1x4(w) => w.rows(),
        W::Blk4x1(w) => w.rows(),
        W::None | W::DenseF32(_) | W::CsrF(_) | W::Table(_) => return Vec::new(),
    };
    let quant = |row: nnz_format::Row| RowQuant {
        bias: row.bias,
        multiplier: row.multiplier,
        shift: row.shift,
    };
    rows.iter().map(quant).collect()
}

fn float_biases(weights: &nnz_format::Weights<'_>) -> Vec<f32> {
    use nnz_format::Weights as W;
    let rows = match weights {
        W::DenseF32(w) => w.rows(),
        W::CsrF(w) => w.rows(),
        W::None
        | W::DenseS8(_)
        | W::CsrP(_)
        | W::CsrN(_)
        | W::CsrQ(_)
        | W::Blk1x4(_)
        | W::Blk4x1(_)
        | W::Table(_) => return Vec::new(),
    };
    rows.iter().map(|row| row.bias).collect()
}

/// Whether a file computes with floats somewhere.
#[must_use]
pub fn has_floats(model: &Model<'_>) -> bool {
    model
        .steps()
        .any(|step| step.dtype == DType::F32 || step.input.dtype == DType::F32)
}
