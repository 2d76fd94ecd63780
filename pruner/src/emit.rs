//! Program, plan and provenance become the bytes of a `.nnz` file.
//!
//! Everything in the file follows from the arguments, so that equal inputs give equal bytes. Metadata is kept
//! short: devices skip it, but it is flashed with the rest.

use crate::data::Preprocess;
use crate::lower::{Program, Step, TensorSpec};
use crate::plan::Plan;
use nnz_format::write::{self, IoDesc, ModelDesc, StepDesc, WriteError};
use nnz_format::{AxisOrder, DType};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Where a network comes from and how it was made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Provenance {
    /// Name of the source file.
    pub source: String,
    /// SHA-256 of the source file, hexadecimal.
    pub sha256: String,
    /// The options that made the file.
    pub recipe: String,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Accuracy that was measured, as a fraction.
    pub accuracy: Option<f64>,
    /// From the caller's values to real numbers.
    pub preprocess: Preprocess,
    /// What layers of the network do to the caller's values before `preprocess` would: callers leave it out.
    pub folded: Preprocess,
    /// Element type of the caller's input values; `None` = the input tensor's.
    pub source_dtype: Option<DType>,
    /// Whether names and dimensions of all tensors are written, not only what differs from the rule.
    pub every_tensor: bool,
}

/// Why a program does not fit the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmitError {
    /// The source's input or output has more dimensions than the record.
    Rank {
        /// The tensor's name.
        tensor: String,
        /// Its dimensions.
        dims: Vec<usize>,
    },
    /// A limit of the format.
    Write(WriteError),
}

impl core::fmt::Display for EmitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Rank { tensor, dims } => write!(
                f,
                "tensor '{tensor}' has dimensions {dims:?}, a file holds 1 to 4\n  help: squeeze dimensions of 1 before exporting"
            ),
            Self::Write(error) => write!(f, "the network does not fit a .nnz file: {error}"),
        }
    }
}

impl core::error::Error for EmitError {}

/// The SHA-256 of `bytes`, hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// The file of `program`, planned by `plan`.
///
/// # Errors
///
/// A limit of the format is exceeded.
pub fn emit(program: &Program, plan: &Plan, provenance: &Provenance) -> Result<Vec<u8>, EmitError> {
    let totals = program.totals();
    let tensors = program
        .tensors
        .iter()
        .zip(&plan.offsets)
        .map(|(t, &at)| t.at(at))
        .collect();
    let steps = program
        .steps
        .iter()
        .zip(&plan.scratch)
        .map(|(s, &scratch)| step(s, scratch))
        .collect::<Result<_, _>>()?;
    let ports = |of: &[usize], source_dtype: Option<DType>| {
        of.iter()
            .map(|&t| {
                let spec = &program.tensors[t];
                let source_dtype = source_dtype.unwrap_or(spec.dtype);
                Ok(IoDesc {
                    source_dtype,
                    ..port(t, spec, provenance)?
                })
            })
            .collect::<Result<_, _>>()
    };
    let desc = ModelDesc {
        backend: program.backend,
        rounding: program.rounding,
        arena_len: plan.arena_len,
        macs: totals.macs,
        stored_macs: totals.stored_macs,
        tensors,
        steps,
        inputs: ports(&program.inputs, provenance.source_dtype)?,
        outputs: ports(&program.outputs, None)?,
        meta: Some(metadata(program, provenance).to_string()),
    };
    write::write(&desc).map_err(EmitError::Write)
}

fn index(tensor: usize) -> Result<u16, EmitError> {
    u16::try_from(tensor).map_err(|_| EmitError::Write(WriteError::TooMany("tensors")))
}

fn step(step: &Step, (scratch_offset, scratch_len): (u32, u32)) -> Result<StepDesc, EmitError> {
    Ok(StepDesc {
        op: step.op,
        input: index(step.input)?,
        input2: step.input2.map(index).transpose()?,
        output: index(step.output)?,
        weights: step.weights.clone(),
        scratch_offset,
        scratch_len,
    })
}

fn port(tensor: usize, spec: &TensorSpec, provenance: &Provenance) -> Result<IoDesc, EmitError> {
    let rank = || EmitError::Rank {
        tensor: spec.name.clone(),
        dims: spec.dims.clone(),
    };
    let mut dims = Vec::new();
    for &dim in &spec.dims {
        dims.push(u32::try_from(dim).map_err(|_| rank())?);
    }
    if dims.is_empty() || dims.len() > 4 {
        return Err(rank());
    }
    let (mean, std) = provenance.preprocess.scalar().unwrap_or((0.0, 1.0));
    Ok(IoDesc {
        name: spec.name.clone(),
        tensor: index(tensor)?,
        order: spec.order,
        dims,
        source_dtype: spec.dtype,
        mean,
        std,
    })
}

/// The JSON of SPEC.md section 9.
fn metadata(program: &Program, provenance: &Provenance) -> Value {
    let mut meta = Map::new();
    let mut put = |key: &str, value: Value| {
        let empty = value.is_null()
            || value.as_str().is_some_and(str::is_empty)
            || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            meta.insert(key.to_owned(), value);
        }
    };
    put(
        "producer",
        json!(concat!("nnz ", env!("CARGO_PKG_VERSION"))),
    );
    put("source", json!(provenance.source));
    put("source_sha256", json!(provenance.sha256));
    put("recipe", json!(provenance.recipe));
    put("labels", json!(provenance.labels));
    put("accuracy", json!(provenance.accuracy));
    let preprocess = &provenance.preprocess;
    if preprocess.scalar().is_none() {
        put("mean", json!(preprocess.mean));
        put("std", json!(preprocess.std));
    }
    let folded = &provenance.folded;
    if !folded.is_identity() {
        put("folded", json!({ "mean": folded.mean, "std": folded.std }));
    }
    put("layers", program.steps.iter().map(layer).collect());
    let order = program.inputs.first().map(|&t| program.tensors[t].order);
    if order == Some(AxisOrder::Nchw) {
        put("order", json!("nchw"));
    }
    let order = order.unwrap_or(AxisOrder::Nhwc);
    let mut tensors: Vec<Value> = program
        .tensors
        .iter()
        .map(|t| tensor(t, order, provenance.every_tensor))
        .collect();
    while tensors
        .last()
        .is_some_and(|t| t.as_object().is_some_and(Map::is_empty))
    {
        tensors.pop();
    }
    put("tensors", Value::Array(tensors));
    Value::Object(meta)
}

/// Name and position; no name where it is the one that readers make of operator and position.
fn layer(step: &Step) -> Value {
    match step.source_index {
        Some(index) if step.name == format!("{}_{index}", step.op.name()) => {
            json!({ "op": index })
        }
        Some(index) => json!({ "name": step.name, "op": index }),
        None => json!({ "name": step.name }),
    }
}

/// Dimensions and order where they are not those of [`usual_dims`] in the file's order.
fn tensor(spec: &TensorSpec, usual: AxisOrder, always: bool) -> Value {
    if !always && spec.order == usual && spec.dims == usual_dims(spec, usual) {
        return json!({});
    }
    let order = match spec.order {
        AxisOrder::Nchw => "nchw",
        AxisOrder::Nhwc => "nhwc",
    };
    if always {
        return json!({ "name": spec.name, "dims": spec.dims, "order": order });
    }
    json!({ "dims": spec.dims, "order": order })
}

/// What readers assume of a tensor: one image with batch 1.
fn usual_dims(spec: &TensorSpec, order: AxisOrder) -> [usize; 4] {
    let [c, h, w] = [spec.c, spec.h, spec.w].map(usize::from);
    match order {
        AxisOrder::Nchw => [1, c, h, w],
        AxisOrder::Nhwc => [1, h, w, c],
    }
}
