//! `nnz prune` as one function: a trained network in, a `.nnz` file and a report out.
//!
//! ```text
//! bytes ─import→ Graph ─passes→ ─sparsify→ ─passes→ ─quantise→ ─lower→ Program ─plan→ Plan ─emit→ bytes
//!                                                                 └ again with dense weights, for the report
//! ```
//!
//! The second round of passes removes channels that the new zeros made dead.

mod error;
mod export;
mod options;
mod report;
#[cfg(test)]
mod tests;

pub use error::PipelineError;
pub use export::{PrunedOnnx, prune_to_onnx};
pub use options::{Dtype, Options, Passes};
pub use report::{LayerRow, Report, Versus};

use crate::data::{Dataset, Preprocess};
use crate::emit::{self, Provenance};
use crate::export::{Mask, OnnxSource};
use crate::import;
use crate::ir::{DType, Graph};
use crate::lower::{self, Program, WeightChoice};
use crate::pass::{self, PassSet};
use crate::plan::{self, Plan};
use crate::quantize;
use crate::sparsify::{self, Calibration, Method, SparsityReport};
use nnz_format::Rounding;
use std::path::Path;

/// A finished file.
#[derive(Debug, Clone)]
pub struct Pruned {
    /// The `.nnz` file.
    pub bytes: Vec<u8>,
    /// What was gained, and what the user should know.
    pub report: Report,
    /// Which weights of the source stay, where [`Options::masks`] asks for them.
    pub masks: Option<Vec<Mask>>,
}

/// Told which stage runs, how many of its items are done, and how many there are (0 of 0 at its beginning).
pub type Listener<'a> = &'a (dyn Fn(Stage, usize, usize) + Sync);

/// What [`prune`] is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Reading the network.
    Import,
    /// Simplifying the graph.
    Passes,
    /// Choosing weights to remove.
    Sparsify,
    /// Choosing scales from calibration data.
    Quantize,
    /// Choosing layouts.
    Lower,
    /// Placing tensors.
    Plan,
    /// Writing.
    Emit,
}

impl Stage {
    /// What a progress line says.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Import => "reading",
            Self::Passes => "simplifying",
            Self::Sparsify => "pruning",
            Self::Quantize => "quantising",
            Self::Lower => "choosing layouts",
            Self::Plan => "planning memory",
            Self::Emit => "writing",
        }
    }
}

/// Prunes the network in the file `path`.
///
/// # Errors
///
/// As [`prune_bytes`], and if the file cannot be read.
pub fn prune(
    path: &Path,
    options: &Options,
    progress: Listener<'_>,
) -> Result<Pruned, PipelineError> {
    let bytes = std::fs::read(path).map_err(|e| PipelineError::Read {
        path: path.to_owned(),
        reason: e.to_string(),
    })?;
    prune_beside(path, &bytes, options, progress)
}

/// Prunes the network in `bytes`, the content of `path`, whose folder may hold constants in other files.
///
/// # Errors
///
/// As [`prune_bytes`].
pub fn prune_beside(
    path: &Path,
    bytes: &[u8],
    options: &Options,
    progress: Listener<'_>,
) -> Result<Pruned, PipelineError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    prune_from(&name, bytes, path.parent(), options, progress)
}

/// Prunes the network in `bytes`; `name` is its file name, for errors and provenance.
///
/// # Errors
///
/// The first stage that cannot do what was asked, with file, node, reason and a way out.
pub fn prune_bytes(
    name: &str,
    bytes: &[u8],
    options: &Options,
    progress: Listener<'_>,
) -> Result<Pruned, PipelineError> {
    prune_from(name, bytes, None, options, progress)
}

/// Prunes the network in `bytes`, whose constants may lie in other files of `folder`.
fn prune_from(
    name: &str,
    bytes: &[u8],
    folder: Option<&Path>,
    options: &Options,
    progress: Listener<'_>,
) -> Result<Pruned, PipelineError> {
    options.check()?;
    progress(Stage::Import, 0, 0);
    let graph = import::from_bytes_beside(name, bytes, folder).map_err(PipelineError::Import)?;
    let default = if graph.is_quantized() {
        graph.arithmetic.rounding()
    } else {
        Rounding::Single
    };
    let rounding = options.rounding.unwrap_or(default);
    let options = &options.resolved();
    let imported = graph.clone();
    let source = export::source(name, bytes, options)?;
    let graph = source.as_ref().map_or(graph, |s| s.graph().clone());
    let (graph, sparsity, masks) = optimise(graph, options, rounding, source.as_ref(), progress)?;
    let (graph, preprocess) = to_dtype(graph, options, rounding, progress)?;
    let built = Built::new(&graph, options, rounding, progress)?;
    progress(Stage::Emit, 0, 0);
    let provenance = Provenance {
        source: name.to_owned(),
        sha256: emit::sha256(bytes),
        recipe: recipe(options, &built.program),
        labels: options.labels.clone(),
        accuracy: None,
        folded: match preprocess {
            Applied::ByCaller => Preprocess::NONE,
            Applied::ByNetwork => options.preprocess.clone(),
        },
        preprocess: match preprocess {
            Applied::ByCaller => options.preprocess.clone(),
            Applied::ByNetwork => Preprocess::NONE,
        },
        source_dtype: (preprocess == Applied::ByNetwork).then_some(DType::U8),
        every_tensor: options.passes == Passes::None,
    };
    let file = emit::emit(&built.program, &built.plan, &provenance).map_err(PipelineError::Emit)?;
    let dense = dense_reference(imported, options, rounding)?;
    let dense_file =
        emit::emit(&dense.program, &dense.plan, &provenance).map_err(PipelineError::Emit)?;
    let report = Report::new(
        (&built.program, &built.plan, file.len()),
        (&dense.program, &dense.plan, dense_file.len()),
        sparsity,
        &graph.notes,
        options,
    );
    Ok(Pruned {
        bytes: file,
        report,
        masks,
    })
}

/// Passes and pruning; masks where the graph is that of a `source`, which keeps all channels until then.
fn optimise(
    mut graph: Graph,
    options: &Options,
    rounding: Rounding,
    source: Option<&OnnxSource>,
    progress: Listener<'_>,
) -> Result<(Graph, SparsityReport, Option<Vec<Mask>>), PipelineError> {
    let wanted = if options.lossless {
        PassSet::Lossless
    } else {
        PassSet::All
    };
    let passes = pass_set(options, wanted);
    if source.is_none() {
        progress(Stage::Passes, 0, 0);
        graph = pass::run_with_rounding(graph, passes, rounding).map_err(PipelineError::Pass)?;
    }
    let report = prune_weights(&mut graph, options, rounding, progress)?;
    let masks = source.map(|s| s.masks(&graph)).transpose();
    let masks = masks.map_err(PipelineError::Export)?;
    if options.method() != Method::Keep || source.is_some() {
        progress(Stage::Passes, 0, 0);
        graph = pass::run_with_rounding(graph, passes, rounding).map_err(PipelineError::Pass)?;
    }
    Ok((graph, report, masks))
}

/// Puts zeros into the weights of a simplified graph.
fn prune_weights(
    graph: &mut Graph,
    options: &Options,
    rounding: Rounding,
    progress: Listener<'_>,
) -> Result<SparsityReport, PipelineError> {
    progress(Stage::Sparsify, 0, 0);
    let pruning = options.sparsify();
    let data = match &options.calib {
        Some(path) if pruning.method.is_calibrated() => {
            Some(Dataset::open(path).map_err(PipelineError::Data)?)
        }
        Some(_) | None => None,
    };
    let calibration = data.as_ref().map(|data| Calibration {
        data,
        layout: options.layout,
        preprocess: &options.preprocess,
        limit: None,
        rounding,
    });
    sparsify::apply_with(graph, &pruning, calibration.as_ref(), &|done, total| {
        progress(Stage::Sparsify, done, total);
    })
    .map_err(PipelineError::Sparsify)
}

/// Who applies mean and deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    /// The caller, or scale and zero point of the input.
    ByCaller,
    /// Layers of the network.
    ByNetwork,
}

/// The graph in the wanted element type, and who applies mean and deviation.
fn to_dtype(
    mut graph: Graph,
    options: &Options,
    rounding: Rounding,
    progress: Listener<'_>,
) -> Result<(Graph, Applied), PipelineError> {
    if graph.is_quantized() {
        return match options.dtype {
            Dtype::Auto | Dtype::S8 => Ok((graph, Applied::ByCaller)),
            Dtype::F32 | Dtype::F16 => Err(PipelineError::option(
                format!(
                    "the network is an integer one, `--dtype {}` cannot bring its floats back",
                    options.dtype.name()
                ),
                "leave `--dtype` out, or start from the float network",
            )),
        };
    }
    match (options.dtype, &options.calib) {
        (Dtype::F16, _) => Err(PipelineError::option(
            "f16 weights are not supported yet",
            "use `--dtype f32`, or `--dtype s8` with `--calib DATA.npz`",
        )),
        (Dtype::S8, None) => Err(PipelineError::option(
            "integers need calibration data to choose scales from",
            "give `--calib DATA.npz` with an array `x` of some hundred typical inputs",
        )),
        (Dtype::Auto, None) | (Dtype::F32, _) if options.target.microcontroller => {
            Err(PipelineError::option(
                format!(
                    "{} runs integer networks, this one has floats",
                    options.target.name
                ),
                "give `--calib DATA.npz` to quantise it, or `--target portable`",
            ))
        }
        (Dtype::Auto | Dtype::S8, Some(calib)) => {
            progress(Stage::Quantize, 0, 0);
            let data = Dataset::open(calib).map_err(PipelineError::Data)?;
            let mut how = options.quantize();
            let applied = match quantize::fold_preprocess(&mut graph, &data, &mut how) {
                Ok(true) => Applied::ByNetwork,
                Ok(false) => Applied::ByCaller,
                Err(e) => return Err(PipelineError::Quantize(e)),
            };
            let quantized = quantize::post_training(graph, &data, &how, &|done, total| {
                progress(Stage::Quantize, done, total);
            })
            .map_err(PipelineError::Quantize)?;
            // Weights that quantisation rounded to zero may leave channels without readers.
            let passes = pass_set(options, PassSet::Lossless);
            let graph = pass::run_with_rounding(quantized, passes, rounding)
                .map_err(PipelineError::Pass)?;
            Ok((graph, applied))
        }
        (Dtype::Auto, None) | (Dtype::F32, _) => Ok((graph, Applied::ByCaller)),
    }
}

/// `wanted`, as far as `--passes` and `--weights` allow it.
fn pass_set(options: &Options, wanted: PassSet) -> PassSet {
    match (options.passes, options.weights) {
        (Passes::None, _) => PassSet::None,
        (Passes::All, WeightChoice::Dense) => PassSet::Dense,
        (Passes::All, WeightChoice::Auto) => wanted,
    }
}

/// The network as it came, zeros stored and multiplied, in the result's element type: what the report compares with.
///
/// Nothing about its size depends on the scales, so that one calibration sample is enough.
fn dense_reference(
    graph: Graph,
    options: &Options,
    rounding: Rounding,
) -> Result<Built, PipelineError> {
    let dense = Options {
        weights: WeightChoice::Dense,
        method: Some(Method::Keep),
        pattern: sparsify::Pattern::Unstructured,
        skip: Vec::new(),
        include: Vec::new(),
        sparsity: None,
        threshold: None,
        macs: None,
        criterion: None,
        calib_limit: Some(1),
        ..options.clone()
    };
    let (graph, ..) = optimise(graph, &dense, rounding, None, &|_, _, _| ())?;
    let (graph, _) = to_dtype(graph, &dense, rounding, &|_, _, _| ())?;
    Built::new(&graph, &dense, rounding, &|_, _, _| ())
}

/// A graph lowered and planned.
struct Built {
    program: Program,
    plan: Plan,
}

impl Built {
    fn new(
        graph: &Graph,
        options: &Options,
        rounding: Rounding,
        progress: Listener<'_>,
    ) -> Result<Self, PipelineError> {
        progress(Stage::Lower, 0, 0);
        let lowering = lower::Options {
            weights: options.weights,
            prefer: options.prefer,
            rounding: Some(rounding),
            keep_all_steps: options.passes == Passes::None,
            drop_zeros: options.lossless,
            target: options.target,
        };
        let program = lower::lower(graph, &lowering).map_err(PipelineError::Lower)?;
        progress(Stage::Plan, 0, 0);
        let plan = plan::plan(&program).map_err(PipelineError::Plan)?;
        Ok(Self { program, plan })
    }
}

/// The options that made a file, as the command line words them.
fn recipe(options: &Options, program: &Program) -> String {
    let integers = program.tensors.iter().any(|t| t.dtype == DType::S8);
    let mut words = vec![format!("--method {}", options.method().row().name)];
    if options.pattern != sparsify::Pattern::Unstructured {
        words.push(format!("--pattern {}", options.pattern));
    }
    if let Some(sparsity) = options.sparsity {
        words.push(format!("--sparsity {sparsity}"));
    }
    if let Some(macs) = options.macs {
        words.push(format!("--macs {macs}"));
    }
    if let Some(threshold) = options.threshold {
        words.push(format!("--threshold {threshold}"));
    }
    words.push(format!("--dtype {}", if integers { "s8" } else { "f32" }));
    if integers {
        let single = program.rounding == Rounding::Single;
        words.push(format!(
            "--rounding {}",
            if single { "single" } else { "double" }
        ));
    }
    let flags = [
        (options.lossless, "--lossless"),
        (options.passes == Passes::None, "--passes none"),
        (options.weights == WeightChoice::Dense, "--weights dense"),
        (options.prefer == lower::Prefer::Flash, "--prefer flash"),
    ];
    words.extend(
        flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, flag)| (*flag).to_owned()),
    );
    words.join(" ")
}
