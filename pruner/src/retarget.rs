//! A file for one target becomes a file for another: same outputs, bit for bit.
//!
//! Weights, biases, multipliers and the steps are read back from the file; layouts, scratch and the plan of the arena are
//! made anew. Metadata stays as it is, because tensors and steps keep their positions.

use crate::lower::{self, LowerError, Options, Program};
use crate::plan::{self, Plan, PlanError};
use nnz_format::write::{self, IoDesc, ModelDesc, StepDesc, WriteError};
use nnz_format::{Io, Model};

/// Why a file cannot serve a target.
#[derive(Debug)]
#[non_exhaustive]
pub enum RetargetError {
    /// The target runs integer networks only.
    Floats(&'static str),
    /// A step has no form for the target.
    Lower(LowerError),
    /// The arena cannot be planned.
    Plan(PlanError),
    /// A limit of the format.
    Write(WriteError),
}

impl core::fmt::Display for RetargetError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Floats(target) => write!(
                f,
                "{target} runs integer networks, this one has floats\n  help: quantise the source model with `nnz prune --calib DATA.npz --target {target}`"
            ),
            Self::Lower(error) => write!(f, "{error}"),
            Self::Plan(error) => write!(f, "{error}"),
            Self::Write(error) => write!(f, "the network does not fit a .nnz file: {error}"),
        }
    }
}

impl core::error::Error for RetargetError {}

/// The bytes of `model` for the target of `options`.
///
/// # Errors
///
/// Floats for a microcontroller, or what lowering, planning and writing refuse.
pub fn retarget(model: &Model<'_>, options: &Options) -> Result<Vec<u8>, RetargetError> {
    if options.target.microcontroller && lower::has_floats(model) {
        return Err(RetargetError::Floats(options.target.name));
    }
    let program = lower::again(model, options).map_err(RetargetError::Lower)?;
    let plan = plan::plan(&program).map_err(RetargetError::Plan)?;
    write::write(&description(model, &program, &plan)).map_err(RetargetError::Write)
}

fn description(model: &Model<'_>, program: &Program, plan: &Plan) -> ModelDesc {
    let totals = program.totals();
    // Indices come from the file's own 16-bit fields.
    let index = |tensor: usize| u16::try_from(tensor).unwrap_or(u16::MAX);
    let steps = program.steps.iter().zip(&plan.scratch);
    let steps = steps.map(|(step, &(scratch_offset, scratch_len))| StepDesc {
        op: step.op,
        input: index(step.input),
        input2: step.input2.map(index),
        output: index(step.output),
        weights: step.weights.clone(),
        scratch_offset,
        scratch_len,
    });
    let tensors = program.tensors.iter().zip(&plan.offsets);
    ModelDesc {
        backend: program.backend,
        rounding: program.rounding,
        arena_len: plan.arena_len,
        macs: totals.macs,
        stored_macs: totals.stored_macs,
        tensors: tensors.map(|(tensor, &offset)| tensor.at(offset)).collect(),
        steps: steps.collect(),
        inputs: (0..)
            .map_while(|i| model.input(i))
            .map(|io| port(&io))
            .collect(),
        outputs: (0..)
            .map_while(|i| model.output(i))
            .map(|io| port(&io))
            .collect(),
        meta: model.meta().map(str::to_owned),
    }
}

fn port(io: &Io<'_>) -> IoDesc {
    IoDesc {
        tensor: u16::try_from(io.tensor_index).unwrap_or(u16::MAX),
        name: io.name.to_owned(),
        dims: io.dims.iter().take(io.rank.into()).copied().collect(),
        order: io.order,
        source_dtype: io.source_dtype,
        mean: io.mean,
        std: io.std,
    }
}
